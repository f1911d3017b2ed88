"""Write the elevation, tree cover and water rasters of a virtual tile."""

from snakemake.iocontainers import Snakemake

from firn.simulation_config import Simulation
from firn.simulator.archive import simulate_auxiliary
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    params, output = snakemake.params, snakemake.output
    simulate_auxiliary(
        Simulation.model_validate(params.simulation),
        snakemake.wildcards.tile,
        params.seed,
        output.dem,
        output.tree_cover,
        output.water,
    )


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
