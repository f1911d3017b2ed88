"""Train the patch network on scenes in 13 bands."""

from snakemake.iocontainers import Snakemake

from firn.companions.patch_training import train_patch_cnn
from firn.companions.spectra import sources_of
from firn.companions_config import PatchCnnSettings
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, params, output = snakemake.input, snakemake.params, snakemake.output
    train_patch_cnn(
        (source.stacks, source.truths),
        (source.tuning_stacks, source.tuning_truths),
        PatchCnnSettings.model_validate(params.settings),
        params.seed,
        params.device,
        output.model,
        output.history,
        sources_of([*source.stacks, *source.tuning_stacks]),
    )


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
