# firn with Snakemake and all that it needs. Untested: it was written where nothing builds containers.
#   docker build -t firn .            or on a cluster: apptainer build firn.sif docker-daemon://firn
#   docker run -v "$PWD":/work -w /work firn snakemake --configfile config/demo.yaml --profile workflow/profiles/local
FROM python:3.11-slim
# GDAL in the wheels of rasterio and pyogrio is linked to the system's expat.
RUN apt-get update && apt-get install --yes --no-install-recommends libexpat1 && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/firn
COPY . .
RUN pip install --no-cache-dir --constraint constraints.txt --editable .
