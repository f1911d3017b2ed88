"""Search and download (config section acquisition).

The first call, where the table of scenes is not there, searches and writes the table, and nothing
else. The next calls fetch what it names. There is a rule for a product only while its file is not
there: no change of code or of another row ever fetches a file again.

REQUIRED INPUTS: eodag with credentials of the providers; the network, so these rules run where
                 Snakemake runs: the nodes of many clusters see no network.
OUTPUTS:         the table of scenes (acquisition.scenes); in acquisition.folder
                 sentinel2/{tile}/{date}/{product}.zip, spot/{product}.zip, dem/{tile}.tif and the
                 mosaic of the elevation tiles, dem/{name of the table}.vrt
"""

if CHOOSING:

    rule search:
        output:
            scenes=ACQUISITION.scenes,
        log:
            "<logs>/search.log",
        benchmark:
            "<benchmarks>/search.tsv"
        localrule: True
        threads: 1
        resources:
            mem_mb=growing(2000),
            runtime=growing(120),
        params:
            config=settings(CONFIG),
            code=code("search.py"),
        script:
            "../scripts/search.py"


#: Products of the table by path.
ACQUIRED = (
    {f"{ACQUISITION.folder}/{p.file}": p for p in read_products(ACQUISITION.scenes)}
    if ACQUISITION and not CHOOSING
    else {}
)
#: Those that are to be fetched.
FETCHED = {path: product for path, product in ACQUIRED.items() if not Path(path).exists()}


if FETCHED:

    rule fetch:
        output:
            product=ACQUISITION.folder + "/{file}",
        log:
            "<logs>/fetch/{file}.log",
        benchmark:
            "<benchmarks>/fetch/{file}.tsv"
        wildcard_constraints:
            file=one_of(sorted(product.file for product in FETCHED.values())),
        localrule: True
        threads: 1
        resources:
            mem_mb=growing(1000),
            runtime=growing(600),
            download=1,
        params:
            product=lambda wildcards: asdict(FETCHED[f"{ACQUISITION.folder}/{wildcards.file}"]),
            acquisition=settings(ACQUISITION),
            areas={name: settings(area) for name, area in CONFIG.areas.items()},
            code=code("fetch.py"),
        script:
            "../scripts/fetch.py"


#: The elevation tiles, and the mosaic that is made of them.
DEM_TILES = sorted(path for path, product in ACQUIRED.items() if product.kind == "dem")
MOSAIC = {mosaic_path(ACQUISITION)} if DEM_TILES else set()


if MOSAIC:

    rule mosaic:
        input:
            tiles=DEM_TILES,
        output:
            mosaic=mosaic_path(ACQUISITION),
        log:
            "<logs>/mosaic.log",
        benchmark:
            "<benchmarks>/mosaic.tsv"
        localrule: True
        threads: 1
        resources:
            mem_mb=growing(500),
            runtime=growing(10),
        params:
            areas={name: settings(area) for name, area in CONFIG.areas.items()},
            with_spot=ACQUISITION.spot is not None,
            code=code("mosaic.py"),
        script:
            "../scripts/mosaic.py"
