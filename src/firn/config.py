"""The configuration: one pydantic model, from which its documentation is made.

Unknown keys are refused everywhere. This module is imported by the Snakefile, so it imports nothing
heavier than pydantic and PyYAML.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, Field, ValidationError, model_validator

from firn.ablation_config import Ablation
from firn.acquisition_config import Acquisition
from firn.cloud_removal_config import CloudRemoval
from firn.clouddl_config import CloudDL, CloudDLNetwork
from firn.companions_config import Companions
from firn.config_section import Section
from firn.errors import ConfigError
from firn.registry import known_methods
from firn.simulation_config import Simulation

TILE_PATTERN = r"^\d{2}[A-Z]{3}$"
Tile = Annotated[str, Field(pattern=TILE_PATTERN)]
#: Names become parts of paths and of names of experiments.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
Fraction = Annotated[float, Field(ge=0, le=1)]
#: Layouts of MAJA's cloud mask, see `firn.products.maja`.
CloudLayout = Literal["muscate", "native"]
#: Orders of the bands in the image of a SPOT Level-1A scene: XS3, XS2, XS1 and SWIR (as seen in the
#: archive), or as its metadata list them.
BandOrder = Literal["reversed", "listed"]


class Area(Section):
    """A mountain range with models of its own."""

    tiles: tuple[Tile, ...] = Field(
        min_length=1, description="Sentinel-2 tiles whose scenes train the area's models"
    )


class Inputs(Section):
    """Where products and auxiliary rasters are; not used with a virtual archive."""

    sentinel2: str | None = Field(
        None,
        description="Table (TSV) of Sentinel-2 scenes: tile, date, l1c, l2a, snow (may be empty)",
    )
    spot: str | None = Field(
        None,
        description="Table (TSV) of SPOT scenes: scene_id, sensor, area, path, role, reference, "
        "and tile where auxiliary rasters come in tiles",
    )
    dem: str | None = Field(
        None,
        description="Elevation, m: a raster or folder of tiles; may contain {tile}",
    )
    tree_cover: str | None = Field(
        None,
        description="Tree cover density, per cent: a raster or folder of tiles; may contain {tile}",
    )
    water: str | None = Field(
        None,
        description="Water: a raster or folder of tiles, 1 = water, or its polygons (.gpkg, .shp, "
        ".geojson); may contain {tile}",
    )


class SaturationSettings(Section):
    """Density of saturation and minimum reflectance (method A.1)."""

    bandwidth: float = Field(
        0.1,
        gt=0,
        description="Factor of the data covariance in the Gaussian kernel density estimate",
    )


class SnowMapSettings(Section):
    """Let-it-snow, for scenes that have no snow product; the defaults are those of Theia."""

    ndsi_pass1: float = Field(0.40, description="NDSI above which bright pixels are snow anywhere")
    red_pass1: float = Field(0.200, description="Red reflectance that such pixels exceed")
    ndsi_pass2: float = Field(0.15, description="NDSI above which pixels are snow above the line")
    red_pass2: float = Field(0.040, description="Red reflectance that such pixels exceed")
    dz: float = Field(100, gt=0, description="Height of the elevation bands, m")
    fsnow_lim: Fraction = Field(
        0.1, description="Share of snow in the clear part of a band that sets the snow line"
    )
    fclear_lim: Fraction = Field(0.1, description="Share of a band that must be clear for that")
    fsnow_total_lim: Fraction = Field(
        0.001, description="Share of snow in the image below which no snow line is looked for"
    )
    red_block: int = Field(
        12, ge=1, description="Side of the blocks whose mean red tells dark clouds, pixels of 20 m"
    )
    red_darkcloud: float = Field(
        0.300, description="Mean red reflectance above which a cloud pixel stays cloud"
    )
    red_backtocloud: float = Field(
        0.100, description="Red reflectance above which a cloud pixel without snow stays cloud"
    )


class OrthorectificationSettings(Section):
    """How SPOT Level-1A scenes are put on the map."""

    band_order: BandOrder = Field(
        "reversed",
        description="Order of the bands in IMAGERY.TIF: XS3, XS2, XS1 and SWIR, or as METADATA.DIM "
        "lists them",
    )


class LabelSettings(Section):
    """Labels from snow maps and cloud masks (method A.3)."""

    filter: Literal["tcd-only", "tcd-blue", "tcd-cirrus-blue"] = Field(
        "tcd-blue",
        description="Which clouds are trusted: all (tcd-only), those of the mono-temporal blue "
        "test (tcd-blue), or those and the high clouds (tcd-cirrus-blue)",
    )
    cloud_layout: CloudLayout = Field(
        "muscate",
        description="Order of the bits in MAJA's cloud mask: of Theia's format, or of MAJA's own",
    )
    snow_fraction_min: float = Field(
        1,
        gt=0,
        le=100,
        description="Snow fraction from which a pixel is snow, per cent, where the snow product "
        "gives fractions; 1 = all that the snow detection found, as in maps of snow / no snow",
    )
    tree_cover_max: float = Field(
        50, ge=0, le=100, description="Tree cover density above which a pixel is ignored, per cent"
    )


class PatchSettings(Section):
    """Training patches (method A.4)."""

    size: int = Field(572, ge=16, description="Side of a patch, pixels of 20 m")
    overlap: int = Field(92, ge=0, description="Pixels that neighbouring patches share")
    minimum_mean_elevation: float = Field(
        1200, description="Patches with a lower mean elevation are dropped, m"
    )

    @model_validator(mode="after")
    def _overlap_below_size(self) -> "PatchSettings":
        if self.overlap >= self.size:
            raise ValueError(f"overlap ({self.overlap}) must be smaller than size ({self.size})")
        return self


class EmulationSettings(Section):
    """Emulation of a sensor from Sentinel-2 (method A.5); the parts are in docs/method.md."""

    draws: int = Field(1, ge=1, description="Pseudo-SPOT patches made of each Sentinel-2 patch")
    spectral: Literal["boxcar", "response"] = Field(
        "response",
        description="Weights of the Sentinel-2 bands: overlap of boxcars (reference), or fitted on "
        "a spectral library through the response functions, per instrument",
    )
    gains: Literal["independent", "joint"] = Field(
        "independent",
        description="independent = saturation and minimum drawn from two densities, per patch "
        "(reference); joint = both of one SPOT scene of similar sun, in its gain steps, per scene "
        "and draw",
    )
    blur: bool = Field(
        True, description="Blur from the sharpness of Sentinel-2 to that of the sensor"
    )
    noise: bool = Field(
        True, description="Noise that grows with the signal, and stripes, as the sensor has"
    )
    misregistration: float = Field(
        10.0,
        ge=0,
        description="Standard deviation, along each axis, by which the image is misplaced against "
        "label and relief, m",
    )
    haze: float = Field(
        0.0,
        ge=0,
        lt=0.5,
        description="Largest reflectance at 550 nm of additional haze, drawn from 0 on",
    )
    mixed: Fraction | None = Field(
        0.6,
        description="Share of what a pixel sees that must be of its class, else its label is "
        "ignored; null = every label counts",
    )


class BlockSplit(Section):
    """Split that holds out whole scenes and spatial blocks."""

    kind: Literal["blocks"] = Field("blocks", description="Hold out whole dates and spatial blocks")
    block_size: int = Field(2288, ge=1, description="Side of a spatial block, pixels of 20 m")
    validation: Fraction = Field(0.15, description="Share of blocks for validation")
    evaluation: Fraction = Field(0.15, description="Share of blocks for evaluation")
    evaluation_scenes: Fraction = Field(0.2, description="Share of dates held out for evaluation")


class RandomPatchSplit(Section):
    """The reference's split by single patches; patches of one scene fall on both sides of it."""

    kind: Literal["random-patch"] = Field(
        "random-patch", description="Hold out single patches, as the reference did"
    )
    validation: Fraction = Field(0.1, description="Share of the training patches for validation")
    evaluation: Fraction = Field(0.2, description="Share of patches for evaluation")


class NetworkSettings(Section):
    """Shape of the U-Net (method B.1)."""

    widths: tuple[int, ...] = Field(
        (64, 128, 256, 512, 512), min_length=2, description="Channels per level, finest first"
    )
    padding: Literal["same", "valid"] = Field(
        "valid", description="valid = unpadded convolutions as in the reference; same = padded"
    )
    bilinear: bool = Field(
        True, description="Bilinear upsampling (reference) instead of transposed convolutions"
    )
    pixel_features: int = Field(
        0,
        ge=0,
        description="Features of each pixel alone that join the last layer; 0 = none (reference)",
    )
    clouddl: CloudDLNetwork = Field(CloudDLNetwork(), description="Of the method clouddl alone")


class TrainingStep(Section):
    """One training until the validation loss no longer improves."""

    learning_rate: float = Field(gt=0, description="Learning rate of Adam")
    patience: int = Field(ge=1, description="Epochs without improvement before it ends")
    max_epochs: int | None = Field(None, ge=1, description="Cap on epochs; null = none (reference)")


class PreliminaryTraining(TrainingStep):
    """Short trainings from several seeds."""

    learning_rate: float = Field(0.01, gt=0, description="Learning rate of Adam")
    patience: int = Field(40, ge=1, description="Epochs without improvement before it ends")
    seeds: tuple[int, ...] = Field(
        tuple(range(1, 11)), min_length=1, description="One preliminary training per seed"
    )


class IntensiveTraining(TrainingStep):
    """Continuation of the best preliminary training."""

    learning_rate: float = Field(1e-4, gt=0, description="Learning rate of Adam")
    patience: int = Field(200, ge=1, description="Epochs without improvement before it ends")


class TrainingSettings(Section):
    """Training (method B.1)."""

    preliminary: PreliminaryTraining = PreliminaryTraining()
    intensive: IntensiveTraining = IntensiveTraining()
    batch_size: int = Field(11, ge=1, description="Patches per step")
    averaging: float = Field(
        0.99,
        ge=0,
        lt=1,
        description="Decay per step of the moving average of the weights that is kept; "
        "0 = the weights themselves (reference)",
    )
    augment: bool = Field(
        True,
        description="Random quarter turns and mirrorings of the training patches (reference: none)",
    )
    emulation: Literal["stored", "every-epoch"] = Field(
        "every-epoch",
        description="stored = the pseudo-SPOT files; every-epoch = the training patches are "
        "emulated anew in each epoch, with other gains, noise, position and haze",
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="auto = bfloat16 where the CPU or GPU has instructions for it"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="auto = a GPU if there is one; cuda without one is an error"
    )
    processes: int = Field(
        1,
        ge=1,
        description="Processes that share each batch of a training, each with a GPU of its own or "
        "its part of the cores",
    )


class InferenceSettings(Section):
    """Classification of scenes."""

    window: int | None = Field(
        None,
        ge=64,
        description="Side of an inference window, pixels; null = by the width of the network",
    )
    nodata_buffer: float = Field(
        2000, ge=0, description="Distance from missing data that quality.tif flags, m"
    )
    low_confidence: Fraction = Field(
        0.6, description="Probability of the class below which quality.tif flags a pixel"
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "float32",
        description="Of networks; auto = bfloat16 where the CPU has instructions for it, which is "
        "faster; maps of different machines then differ by rounding",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "cpu",
        description="auto = a GPU if there is one; cuda without one is an error; maps of different "
        "devices differ by rounding",
    )
    scenes_per_job: int = Field(
        1,
        ge=1,
        description="Most scenes of one place that a job classifies; those with a reference have "
        "jobs of their own",
    )


class EvaluationSettings(Section):
    """Scores and their strata (method B.2, B.3)."""

    bootstrap: int = Field(1000, ge=10, description="Resamplings of scenes for the intervals")
    hillshade_edges: tuple[float, ...] = Field(
        (0, 60, 120, 180, 256), description="Edges of the hillshade strata"
    )
    elevation_edges: tuple[float, ...] = Field(
        (0, 1500, 2000, 2500, 3000, 9000), description="Edges of the elevation strata, m"
    )
    sun_elevation_edges: tuple[float, ...] = Field(
        (0, 25, 40, 55, 90), description="Edges of the sun elevation strata, degrees"
    )


class Experiment(Section):
    """One method for one sensor over one area."""

    method: str
    sensor: str
    area: str


def _known(method: str) -> str:
    if method not in known_methods():
        raise ValueError(f"unknown; firn knows {', '.join(known_methods())}")
    return method


#: Name of a method that a module of `firn.methods` states.
Method = Annotated[str, AfterValidator(_known)]


class Config(Section):
    """The whole configuration of a run."""

    run: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", description="Name of the run and of its folder"
    )
    seed: int = Field(0, ge=0, description="The seed of everything random")
    results: str = Field("results", description="Folder of all runs")
    areas: dict[Name, Area] = Field(
        min_length=1, description="Areas by name; names hold letters, digits, _ and -"
    )
    sensors: tuple[Name, ...] = Field(
        min_length=1,
        description="Sensors that get models: names of firn's own or of config/sensors/{name}.yaml",
    )
    emulated_sensors: tuple[Name, ...] = Field(
        (), description="Further sensors that are emulated but get no model"
    )
    methods: tuple[Method, ...] = Field(
        ("unet", "baseline-majority", "baseline-threshold", "baseline-pixel"),
        min_length=1,
        description="Methods to compare, by the names that the modules of `src/firn/methods` state",
    )
    keep_intermediates: bool = Field(
        True,
        description="Keep stacks, patches and pseudo-SPOT files; false = each is removed once all "
        "that reads it is made",
    )
    exclude: tuple[str, ...] = Field(
        (), description="Scenes to leave out: {tile}/{date} or the identifier of a SPOT scene"
    )
    inputs: Inputs = Inputs()
    simulation: Simulation | None = Field(
        None, description="The virtual archive; null = real products as in inputs"
    )
    acquisition: Acquisition | None = Field(
        None, description="Products to search and download; null = only those of inputs"
    )
    saturation: SaturationSettings = SaturationSettings()
    snow_maps: SnowMapSettings = SnowMapSettings()
    orthorectification: OrthorectificationSettings = OrthorectificationSettings()
    labels: LabelSettings = LabelSettings()
    patches: PatchSettings = PatchSettings()
    emulation: EmulationSettings = EmulationSettings()
    split: Annotated[BlockSplit | RandomPatchSplit, Field(discriminator="kind")] = BlockSplit()
    network: NetworkSettings = NetworkSettings()
    training: TrainingSettings = TrainingSettings()
    inference: InferenceSettings = InferenceSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    ablation: Ablation | None = Field(
        None, description="Recipes to compare on a virtual archive; null = none"
    )
    companions: Companions | None = Field(
        None, description="Companion methods on 13 bands of Sentinel-2; null = none"
    )
    clouddl: CloudDL | None = Field(
        None, description="CloudDL with its labels, controls, search and life cycle; null = none"
    )
    cloud_removal: CloudRemoval | None = Field(
        None, description="Simulation of Sentinel-2 images through Sentinel-1; null = none"
    )

    @model_validator(mode="after")
    def _inputs_given(self) -> "Config":
        if self.simulation is None:
            fetched = self.acquired_inputs()
            missing = [
                key
                for key in ("sentinel2", "spot", "dem", "tree_cover", "water")
                if key not in fetched and getattr(self.inputs, key) is None
            ]
            if missing:
                raise ValueError(
                    f"inputs.{', inputs.'.join(missing)}: must be given where no simulation is"
                )
        return self

    @model_validator(mode="after")
    def _recipes_possible(self) -> "Config":
        if self.ablation is None:
            return self
        if self.simulation is None or len(self.areas) > 1:
            raise ValueError("ablation: needs a simulation, and one area")
        for name in self.ablation.recipes:
            try:
                self.with_recipe(name)
            except ValidationError as error:
                raise ValueError(describe_error(error, f"ablation.recipes.{name}")) from error
        return self

    @model_validator(mode="after")
    def _companions_possible(self) -> "Config":
        own = self.companions
        if own is not None and self.simulation is None and own.alcd is None:
            raise ValueError("companions: needs a simulation, or the masks of ALCD (alcd)")
        return self

    @model_validator(mode="after")
    def _virtual_pairs_possible(self) -> "Config":
        pairs = {} if self.cloud_removal is None else self.cloud_removal.pairs
        tiles = () if self.simulation is None else tuple(self.simulation.tiles)
        for name, pair in pairs.items():
            if pair.tile not in tiles:
                raise ValueError(
                    f"cloud_removal.pairs.{name}: {pair.tile} is no tile of the simulation"
                )
        return self

    def with_recipe(self, name: str) -> "Config":
        """Give the configuration with the changes of a recipe of the ablation."""
        assert self.ablation is not None
        content = self.model_dump(exclude={"ablation"})
        for section, changes in self.ablation.recipes[name].changes().items():
            content[section] = {**content[section], **changes}
        return Config.model_validate(content)

    def acquired_inputs(self) -> tuple[str, ...]:
        """Keys of `inputs` that may be left out because the acquisition fetches them."""
        if self.acquisition is None:
            return ()
        with_dem = self.acquisition.dem is not None
        return ("sentinel2", "spot", "dem") if with_dem else ("sentinel2", "spot")

    @property
    def root(self) -> Path:
        """Folder of this run."""
        return Path(self.results) / self.run

    @property
    def all_sensors(self) -> tuple[str, ...]:
        """Every sensor that is emulated, those with models first."""
        return tuple(dict.fromkeys((*self.sensors, *self.emulated_sensors)))

    def experiments(self) -> dict[str, Experiment]:
        """Experiments by name: ``{method}-{sensor}``, and ``-{area}`` where areas are several."""
        experiments = {}
        for area in self.areas:
            suffix = f"-{area}" if len(self.areas) > 1 else ""
            for sensor in self.sensors:
                for method in self.methods:
                    name = f"{method}-{sensor}{suffix}"
                    experiments[name] = Experiment(method=method, sensor=sensor, area=area)
        return experiments


def describe_error(error: ValidationError, source: str) -> str:
    """Say each wrong key on a line of its own."""
    lines = [f"{source}: the configuration is not valid"]
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"]) or "(top level)"
        advice = " (see config/README.md for the keys)" if item["type"] == "extra_forbidden" else ""
        lines.append(f"  {key}: {item['msg']}{advice}")
    return "\n".join(lines)


def parse_config(content: Mapping[str, Any], source: str = "configuration") -> Config:
    """Validate a mapping.

    Raises
    ------
    ConfigError
        Names each wrong key.
    """
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        raise ConfigError(describe_error(error, source)) from error


def load_config(path: str | os.PathLike[str]) -> Config:
    """Load and validate a YAML file.

    Raises
    ------
    ConfigError
        The file is missing, is not YAML, or a key in it is wrong.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML ({error})") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: must hold key: value pairs, as config/demo.yaml does")
    return parse_config(content, str(path))
