"""Train CloudDL on Sentinel-2 itself and score it beside the masks that taught it."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from firn.ablation.plan import Row
from firn.clouddl.sentinel2 import TruthFiles, run_sentinel2
from firn.files import write_json
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, output, params = snakemake.input, snakemake.output, snakemake.params
    files = [
        TruthFiles(*paths) for paths in zip(source.l2a, source.fmask, source.truth, strict=True)
    ]
    places = [Path(scene.truth).parent.parts[-2:] for scene in files]
    result = run_sentinel2(
        Row.model_validate(params.row),
        source.patches,
        {(tile, date): scene for (tile, date), scene in zip(places, files, strict=True)},
        params.layout,
        model=output.model,
        history=output.history,
    )
    write_json(output.row, result)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
