"""Write the SPOT twins of a virtual Sentinel-2 scene."""

from snakemake.iocontainers import Snakemake

from firn.simulation_config import Simulation
from firn.simulator.plan import sentinel2_plans
from firn.simulator.twins import simulate_twins
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    params, output = snakemake.params, snakemake.output
    simulation = Simulation.model_validate(params.simulation)
    (plan,) = sentinel2_plans(simulation, params.seed)
    cameras = zip(params.platforms, output.first, output.second, strict=True)
    for platform, first, second in cameras:
        simulate_twins(simulation, plan, platform, params.seed, first=first, second=second)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
