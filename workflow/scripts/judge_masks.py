"""Judge the masks that teach CloudDL by the truth of the virtual scenes."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from firn.cloud_labels import judge_masks
from firn.files import write_json
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source = snakemake.input
    masks: dict[str, dict[str, object]] = {}
    for l2a, fmask, truth in zip(source.l2a, source.fmask, source.truth, strict=True):
        scene = "/".join(Path(truth).parent.parts[-2:])
        judged = judge_masks(l2a, fmask, truth, snakemake.params.layout)
        for name, matrix in judged.items():
            masks.setdefault(name, {})[scene] = matrix.tolist()
    write_json(snakemake.output.masks, masks)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
