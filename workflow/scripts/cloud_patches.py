"""Cut a Sentinel-2 scene into patches with the cloud labels of each policy."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from firn.config import PatchSettings
from firn.patches import Stack, write_patches
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, place = snakemake.input, snakemake.wildcards
    toa, hillshade, dem = map(Path, (source.toa, source.hillshade, source.dem))
    settings = PatchSettings.model_validate(snakemake.params.settings)
    for labels, patches in zip(source.labels, snakemake.output.patches, strict=True):
        stack = Stack(place.tile, place.date, toa, Path(labels), hillshade, dem)
        write_patches(stack, settings, patches)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
