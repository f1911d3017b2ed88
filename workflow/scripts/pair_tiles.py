"""Cut pairs of dates into tiles, split them, and fit the normalisation on those that train."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from firn.cloud_removal.dataset import build_tiles, fit_normalisation
from firn.cloud_removal.pairs import pair_files
from firn.cloud_removal.tiles import OTHER_DATES, SPLITS
from firn.cloud_removal_config import NormalisationSettings, TileSettings
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    params, output = snakemake.params, snakemake.output
    folders = {
        area: Path(path).parent
        for area, path in zip(params.areas, snakemake.input.later, strict=True)
    }
    tiles = TileSettings.model_validate(params.tiles)
    splits = (*SPLITS, OTHER_DATES) if tiles.test_pairs else SPLITS
    outputs = {split: output[split] for split in splits}
    build_tiles(
        {area: pair_files(folder) for area, folder in folders.items()},
        tiles,
        params.seed,
        outputs,
        output.report,
    )
    settings = NormalisationSettings.model_validate(params.normalisation)
    fit_normalisation(outputs["train"], settings, output.normalisation)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
