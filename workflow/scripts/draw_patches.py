"""Draw held-out patches: Sentinel-2, pseudo-SPOT, label and prediction."""

from snakemake.iocontainers import Snakemake

from firn.methods import load_model
from firn.plots.patches import choose_rows, patches_figure, read_examples
from firn.plots.style import save
from firn.samples import Samples
from rule_log import start_log

#: Rows of the figure.
COUNT = 5


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source = snakemake.input
    samples = Samples.open(source.samples, "evaluation", source.patches, source.pseudo)
    chosen = choose_rows(samples.rows, COUNT)
    examples = read_examples(samples, chosen, load_model(source.model))
    save(patches_figure(examples, snakemake.params.sensor), snakemake.output.figure)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
