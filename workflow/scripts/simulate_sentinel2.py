"""Write the virtual Sentinel-2 products of a tile and date, and their truth."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from firn.simulation_config import Simulation
from firn.simulator.archive import simulate_sentinel2
from firn.simulator.plan import sentinel2_plans
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule: the simulation of its parameters holds the one scene."""
    params, output = snakemake.params, snakemake.output
    simulation = Simulation.model_validate(params.simulation)
    (plan,) = sentinel2_plans(simulation, params.seed)
    simulate_sentinel2(
        simulation,
        plan,
        params.seed,
        l1c=output.l1c,
        l2a=output.l2a,
        snow=output.snow,
        truth=Path(output.truth[0]).parent,
    )


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
