"""Make a release of CloudDL: train it, or keep the one before where the quality check passes."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from firn.ablation.plan import Row
from firn.clouddl.life_cycle import Stage, release
from firn.clouddl_config import Gate
from firn.samples import pair_scenes
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, params, output = snakemake.input, snakemake.params, snakemake.output
    stage = Stage(
        row=Row.model_validate(params.row),
        number=int(snakemake.wildcards.stage),
        gate=Gate.model_validate(params.gate),
        patches=source.patches,
        images=source.images,
        known=pair_scenes(source.known_patches, source.known_images),
        new=pair_scenes(source.new_patches, source.new_images),
    )
    paths = {name: Path(output[name]) for name in ("model", "history", "card")}
    # An empty list before the first release.
    previous = Path(source.model).parent if source.model else None
    release(stage, previous, **paths)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
