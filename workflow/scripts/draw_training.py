"""Draw the losses of the trainings."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from firn.plots.style import save
from firn.plots.training import loss_figure
from firn.training.selection import selected
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source = snakemake.input
    figures = zip(source.selections, source.intensive, snakemake.output.figures, strict=True)
    for selection, intensive, figure in figures:
        folder = Path(selection).parent / "preliminary"
        preliminary = {
            int(Path(path).stem): path for path in source.preliminary if Path(path).parent == folder
        }
        save(loss_figure(preliminary, int(selected(selection).stem), intensive), figure)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
