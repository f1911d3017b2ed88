"""The command line: apply and inspect what firn makes, without Snakemake."""

import json
import logging
from pathlib import Path
from typing import Any, Literal

import click
import yaml

from firn import __version__
from firn.config import Config, InferenceSettings, load_config
from firn.errors import ConfigError, DataError, DownloadError, FirnError

# Commands import what they need when they are called, so that `firn --help` answers at once.

existing = click.Path(exists=True, path_type=Path)
new_file = click.Path(dir_okay=False, path_type=Path)


class Refused(click.ClickException):
    """An error of firn: one line, exit status 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """Write the line to stderr."""
        click.echo(f"firn: {self.format_message()}", file=file, err=True)


class Commands(click.Group):
    """A group whose commands end with one line where firn refuses something."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except FirnError as error:
            raise Refused(str(error)) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="firn")
def main() -> None:
    """Snow, cloud and ground maps from historical SPOT images.

    These commands apply and inspect single pieces. The whole method, from the archive to evaluated
    maps, is a Snakemake workflow:

    \b
      snakemake --configfile config/demo.yaml --profile workflow/profiles/local

    Map a SPOT scene with a trained model, and look at what was made:

    \b
      firn classify SCENE.zip --model model.safetensors --dem dem.tif -o maps/scene
      firn info maps/scene/snow.tif
    """
    logging.basicConfig(level=logging.WARNING, format="firn: %(message)s")


@main.command()
@click.argument("config", type=existing)
@click.option(
    "--describe",
    is_flag=True,
    help="Print statistics of the archive beside the published ones, instead of making it. The "
    "workflow must have made the patches: snakemake --configfile CONFIG ... pseudo",
)
def simulate(config: Path, describe: bool) -> None:
    """Make the virtual archive of the configuration CONFIG.

    The products go to {results}/{run}/archive. The workflow makes the same files, in parallel.

    \b
      firn simulate config/demo.yaml
      firn simulate config/demo.yaml --describe
    """
    from firn.archive_statistics import as_table
    from firn.simulator.whole_archive import simulate_archive

    settings = load_config(config)
    if settings.simulation is None:
        raise ConfigError(f"{config}: has no simulation; give one as in config/demo.yaml")
    if describe:
        click.echo(as_table(_statistics(settings)))
    else:
        for product in simulate_archive(settings):
            click.echo(product)


def _statistics(config: Config) -> dict[str, Any]:
    """Statistics of the training archive that a run of the workflow has left."""
    from firn.archive_statistics import TrainingScene, archive_statistics
    from firn.catalogue import catalogue

    root, pairs = config.root, [(a, s) for a in config.areas for s in config.all_sensors]
    scenes = [
        TrainingScene(
            snow=Path(scene.snow),
            patches=root / "patches" / scene.tile / f"{scene.date}.nc",
            pseudo=[
                root / "pseudo" / area / sensor / scene.tile / f"{scene.date}.nc"
                for area, sensor in pairs
                if scene.tile in config.areas[area].tiles
            ],
        )
        for scene in catalogue(config).sentinel2
    ]
    files = [path for scene in scenes for path in (scene.snow, scene.patches, *scene.pseudo)]
    if missing := [path for path in files if not path.is_file()]:
        raise DataError(
            f"{missing[0]}: is not there; make the patches first, with the target pseudo of the "
            "workflow"
        )
    return archive_statistics(scenes, [root / "kde" / a / f"{s}.nc" for a, s in pairs])


@main.command()
@click.argument("config", type=existing)
def search(config: Path) -> None:
    """Search the products that the configuration CONFIG needs, and write the table of scenes.

    The table says what is missing, and pins what is chosen: look at it before you download. The
    workflow does the same where the table is not there.

    \b
      firn search my.yaml
    """
    from firn.download.plan import describe
    from firn.download.search import acquisition_of, choose_products
    from firn.download.table import write_products

    settings = load_config(config)
    acquisition = acquisition_of(settings)
    if Path(acquisition.scenes).exists():
        raise ConfigError(f"{acquisition.scenes}: is there; remove it to search again")
    products, notes = choose_products(settings)
    write_products(acquisition.scenes, products, notes)
    click.echo("\n".join([*notes, describe(products, acquisition.folder)]))


@main.command()
@click.argument("config", type=existing)
@click.option("--dry-run", is_flag=True, help="Only say what would be fetched.")
def fetch(config: Path, dry_run: bool) -> None:
    """Download the products of the table of scenes of the configuration CONFIG.

    What is there is left as it is. The workflow does the same, some files at once.

    \b
      firn fetch my.yaml --dry-run
    """
    from firn.download.fetch import fetch_product
    from firn.download.plan import describe, missing
    from firn.download.search import acquisition_of
    from firn.download.table import read_products

    settings = load_config(config)
    acquisition = acquisition_of(settings)
    products = read_products(acquisition.scenes)
    click.echo(describe(products, acquisition.folder))
    if dry_run:
        return
    for product in missing(products, acquisition.folder):
        try:
            target = Path(acquisition.folder) / product.file
            fetch_product(product, acquisition, settings.areas, target)
        except DownloadError as error:
            click.echo(f"firn: {error}", err=True)
    if left := missing(products, acquisition.folder):
        raise DownloadError(f"{len(left)} of {len(products)} products are not there; call again")


@main.command()
@click.argument("l1c", type=existing)
@click.option("--sensor", required=True, help="Name (spot2) or YAML file of the sensor to emulate.")
@click.option(
    "--saturation",
    type=existing,
    help="Gains of the sensor's scenes, one of which is drawn: kde/{area}/{sensor}.nc of a run. By "
    "default the saturation that the sensor's description tells.",
)
@click.option(
    "--config", type=existing, help="Configuration whose section emulation says what is emulated."
)
@click.option(
    "--resolution",
    type=click.Choice(["10", "20"]),
    default="20",
    show_default=True,
    help="Pixel size, m; 10 for SPOT5 as it was delivered.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of everything that is drawn.")
@click.option("-o", "--output", type=new_file, required=True, help="GeoTIFF to write.")
def emulate(
    l1c: Path,
    sensor: str,
    saturation: Path | None,
    config: Path | None,
    resolution: str,
    seed: int,
    output: Path,
) -> None:
    """Show a Sentinel-2 Level-1C product L1C as another sensor would have seen it.

    Writes thousandths of reflectance, 0 where there is no data.

    \b
      firn emulate S2A_MSIL1C_....zip --sensor pleiades -o pseudo.tif
      firn emulate S2A_MSIL1C_....zip --sensor spot2 \\
          --saturation results/demo/kde/alps/spot2.nc -o pseudo.tif
    """
    from firn.config import EmulationSettings
    from firn.emulation.scene import write_pseudo_scene
    from firn.saturation import Saturations
    from firn.sensors import load_sensor

    settings = load_config(config).emulation if config else EmulationSettings()
    gains = Saturations.load(saturation) if saturation else None
    described = load_sensor(sensor)
    write_pseudo_scene(l1c, described, gains, settings, seed, output, float(resolution))


@main.command()
@click.argument("scene", type=existing)
@click.option("--dem", type=existing, required=True, help="Elevation raster, m; any CRS.")
@click.option(
    "--reference",
    "references",
    type=existing,
    required=True,
    multiple=True,
    help="Sentinel-2 image whose position SCENE takes over; several make it surer.",
)
@click.option(
    "--band-order",
    type=click.Choice(["reversed", "listed"]),
    default="reversed",
    show_default=True,
    help="Bands of IMAGERY.TIF: XS3, XS2, XS1, SWIR, or as METADATA.DIM lists them.",
)
@click.option("-o", "--output", type=new_file, required=True, help="GeoTIFF to write.")
def orthorectify(
    scene: Path,
    dem: Path,
    references: tuple[Path, ...],
    band_order: Literal["reversed", "listed"],
    output: Path,
) -> None:
    """Put the Level-1A product SCENE on the map, so that it can be classified.

    A reference is a GeoTIFF in UTM, such as stacks/{tile}/{date}/toa_20m.tif of a run, or one band
    of a Level-1C product.

    \b
      firn orthorectify SCENE.zip --dem dem.tif --reference B08.tif -o scene.tif
      firn classify scene.tif --model model.safetensors --dem dem.tif -o maps/scene
    """
    from firn.orthorectification import orthorectify as make_map

    agreement = make_map(scene, dem, references, output, band_order=band_order)
    click.echo(
        f"{output}: {agreement.used} of {agreement.windows} windows agree to {agreement.rms:.1f} m"
    )


@main.command()
@click.argument("scene", type=existing)
@click.option(
    "--model",
    type=existing,
    help="model.safetensors of a training; by default the one that comes with firn for the bands.",
)
@click.option(
    "--dem", type=existing, help="Elevation, m: raster or tiles; without it the ground is flat."
)
@click.option("--tree-cover", type=existing, help="Tree cover density, per cent: flags forest.")
@click.option("--water", type=existing, help="Raster, 1 = water, or polygons: flags water.")
@click.option("--sensor", help="Name or YAML file of the sensor, where SCENE is a GeoTIFF.")
@click.option("--window", type=click.IntRange(64), help="Side of a window, pixels; less memory.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder of the map.",
)
def classify(
    scene: Path,
    model: Path | None,
    dem: Path | None,
    tree_cover: Path | None,
    water: Path | None,
    sensor: str | None,
    window: int | None,
    output: Path,
) -> None:
    """Map snow, cloud and ground in SCENE.

    SCENE is a SWH Level-1C product (a zip or its folder), a Level-1A one that firn orthorectify has
    put on the map, or a calibrated GeoTIFF with --sensor. The folder gets snow.tif (0 ground, 100
    snow, 205 cloud, 254 no data), probability.tif, quality.tif and item.json (STAC).

    Without --dem the ground counts as flat, as high as that of the model's training on average,
    and no pixel as shaded: such a map is somewhat worse.

    \b
      firn classify SCENE.zip -o maps/scene
      firn classify SCENE.zip --model model.safetensors --dem dem.tif -o maps/scene
      firn classify image.tif --sensor mysensor.yaml --model model.safetensors \\
          --dem dem.tif -o maps/image
    """
    from firn.inference import Surroundings, classify_scene
    from firn.methods import load_model
    from firn.methods.shipped import shipped_model
    from firn.products.scene import open_scene
    from firn.sensors import load_sensor

    asked = {} if window is None else {"window": window}
    settings = InferenceSettings.model_validate({"precision": "auto", **asked})
    opened = open_scene(scene, load_sensor(sensor) if sensor else None)
    classifier = load_model(model or shipped_model(opened.bands))
    relief: Path | float | None = dem
    if relief is None:
        card = classifier.card
        relief = round(card.mean[card.channels.index("dem")], 1)
        click.echo(
            f"firn: without --dem the ground counts as flat, {relief:g} m high; a map with "
            "elevation is better",
            err=True,
        )
    classify_scene(opened, {output: classifier}, Surroundings(relief, tree_cover, water), settings)
    click.echo(output / "snow.tif")


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--reference", type=existing, required=True, help="Raster of the true classes.")
@click.option("--dem", type=existing, required=True, help="Elevation, m: raster or tiles.")
@click.option("-o", "--output", type=new_file, help="Metrics file; printed by default.")
def evaluate(folder: Path, reference: Path, dem: Path, output: Path | None) -> None:
    """Score the map in FOLDER against a reference raster.

    The reference has the classes 0 ground, 1 snow, 2 cloud, 255 not judged, or the codes 0, 100,
    205, 254 of the maps. Beside it may stand reference_strata.tif, whose named bands are 1 where
    scores of their own are wanted.

    \b
      firn evaluate maps/scene --reference reference.tif --dem dem.tif
    """
    from firn.config import EvaluationSettings, Experiment
    from firn.evaluation import JudgedMap, evaluate_maps
    from firn.files import read_json, write_json

    properties = read_json(folder / "item.json").get("properties", {})
    experiment = Experiment(
        method=properties.get("firn:method", "unknown"),
        sensor=properties.get("firn:sensor", "unknown"),
        area="unknown",
    )
    judged_map = JudgedMap(
        scene=folder.name,
        snow=folder / "snow.tif",
        probability=folder / "probability.tif",
        quality=folder / "quality.tif",
        item=folder / "item.json",
        reference=reference,
        dem=dem,
    )
    metrics = evaluate_maps([judged_map], folder.name, experiment, EvaluationSettings(), seed=0)
    if output:
        write_json(output, metrics)
    else:
        click.echo(json.dumps(metrics, indent=2, sort_keys=True))


@main.command()
@click.argument("path", type=existing)
def info(path: Path) -> None:
    """Say what the file PATH is and where it comes from.

    PATH is a model, a map or another raster, a NetCDF file of a run, or a satellite product.

    \b
      firn info model.safetensors
      firn info SPOT4-HRVIR1-XS_20010614-110246-780_L1C_039-264-0_D_V1-0.zip
    """
    from firn.inspection import describe

    click.echo(yaml.safe_dump(describe(path), sort_keys=False, allow_unicode=True), nl=False)


@main.command()
@click.argument("path", type=existing, required=False)
@click.option("--schema", is_flag=True, help="Print the JSON schema, for editors.")
@click.option("--table", is_flag=True, help="Print the table of all keys, as in config/README.md.")
def config(path: Path | None, schema: bool, table: bool) -> None:
    """Check the configuration PATH and print it with all its defaults.

    \b
      firn config config/demo.yaml
      firn config --table
    """
    from firn.config_table import config_table

    if schema:
        click.echo(json.dumps(Config.model_json_schema(), indent=2))
    if table:
        click.echo(config_table(), nl=False)
    if path:
        settings = load_config(path).model_dump(mode="json")
        click.echo(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True), nl=False)
    if not (schema or table or path):
        raise click.UsageError("give a configuration file, --schema or --table")
