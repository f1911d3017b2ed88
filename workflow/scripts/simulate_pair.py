"""Write the images of a virtual pair of dates, of both satellites."""

from snakemake.iocontainers import Snakemake

from firn.cloud_removal.pairs import PairFiles
from firn.cloud_removal_config import Fires, Radar, VirtualPair
from firn.simulation_config import Simulation
from firn.simulator.pairs import simulate_pair
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    params = snakemake.params
    simulate_pair(
        Simulation.model_validate(params.simulation),
        VirtualPair.model_validate(params.pair),
        params.bands,
        Radar.model_validate(params.radar),
        Fires.model_validate(params.fires),
        params.seed,
        PairFiles(**dict(snakemake.output.items())),
    )


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
