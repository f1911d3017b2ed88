"""Write the small virtual SPOT products of a satellite that feed the saturation density."""

from pathlib import Path

from snakemake.iocontainers import Snakemake

from firn.simulation_config import Simulation
from firn.simulator.archive import simulate_spot
from firn.simulator.plan import spot_plans
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    params = snakemake.params
    simulation = Simulation.model_validate(params.simulation)
    products = {Path(path).stem: path for path in snakemake.output.products}
    for plan in spot_plans(simulation, params.seed, [params.platform]):
        # A scene that the user excludes is not among the products.
        if product := products.get(plan.scene_id):
            simulate_spot(simulation, plan, params.seed, product=product, truth=None)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
