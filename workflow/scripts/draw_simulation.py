"""Draw what simulated Sentinel-2 images look like, and write the page of their scores."""

from snakemake.iocontainers import Snakemake

from firn.cloud_removal.model import load_model
from firn.cloud_removal.tiles import read_tiles, tile_bands
from firn.files import read_json
from firn.plots import cloud_removal
from firn.plots.style import save
from rule_log import start_log


def main(snakemake: Snakemake) -> None:
    """Run the rule."""
    source, output, params = snakemake.input, snakemake.output, snakemake.params
    evaluation = read_json(source.evaluation)
    bands = tile_bands(source.test)
    models = [load_model(path) for path in source.models]
    # An empty list where nobody knows what lies under the clouds.
    cloud_removal.write_page(
        output.page, evaluation, read_json(source.snow) if source.snow else None
    )
    for figure, path, order in (
        (cloud_removal.panels_figure, output.panels, evaluation["shown_first"]),
        (cloud_removal.severity_figure, output.severity, evaluation["most_burned"]),
    ):
        tiles = read_tiles(source.test, order[: params.panels])
        simulations = {model.card.name: model.simulate(tiles) for model in models}
        save(figure(tiles, bands, simulations), path)
    save(cloud_removal.errors_figure(evaluation), output.errors)
    histories = dict(zip(params.generators, source.histories, strict=True))
    save(cloud_removal.losses_figure(histories), output.losses)


if __name__ == "__main__":
    start_log(snakemake.rule, snakemake.log[0], snakemake.wildcards)
    main(snakemake)
