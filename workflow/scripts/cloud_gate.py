"""Judge a model by the quality gate of its sensor."""

from snakemake.iocontainers import Snakemake

from firn.clouddl.gate import judge, stamp
from firn.clouddl.scores import cloud_scores, judge_samples
from firn.clouddl_config import Gate
from firn.files import write_json
from firn.methods import load_model
from firn.samples import Samples
from firn.splits import VALIDATION
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, output = snakemake.input, snakemake.output
    samples = Samples.open(source.samples, VALIDATION, source.patches, source.pseudo)
    scores = cloud_scores(judge_samples(load_model(source.model), samples))
    verdict = judge(scores, Gate.model_validate(snakemake.params.gate))
    stamp(source.model, {"released": verdict["released"]}, output.model)
    write_json(output.verdict, verdict | {"scores": scores})


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
