"""Fetch the reference data of cloud masks, and the images that they are of."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from firn.acquisition_config import Retries
from firn.clouddl_config import ReferenceData
from firn.download.cloud_reference import alcd_scenes, fetch_images, fetch_masks, write_index
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    settings = ReferenceData.model_validate(snakemake.params.reference)
    retries = Retries.model_validate(snakemake.params.retries)
    spectra = fetch_masks(settings, retries)
    scenes = alcd_scenes(Path(settings.folder)) if settings.alcd else []
    if settings.provider:
        fetch_images(settings, scenes, retries)
    write_index(settings, scenes, spectra, Path(snakemake.output.index))


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
