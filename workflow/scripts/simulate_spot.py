"""Write a virtual SPOT product and its truth."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from firn.simulation_config import Simulation
from firn.simulator.archive import simulate_spot
from firn.simulator.plan import spot_plans
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule: the simulation of its parameters holds the one scene."""
    params, output = snakemake.params, snakemake.output
    simulation = Simulation.model_validate(params.simulation)
    (plan,) = spot_plans(simulation, params.seed, platforms=())
    truth = Path(output.truth[0]).parent
    simulate_spot(simulation, plan, params.seed, product=output.product, truth=truth)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
