"""Configuration of the simulation of a Sentinel-2 image from an earlier one and Sentinel-1."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from firn.cloud_removal_training_config import (
    SimulationEvaluation,
    SimulationNetworks,
    SimulationTraining,
)
from firn.config_section import Section
from firn.simulation_config import Date

#: Bands of the published method, B8A and B12 for the burn ratio, and B11 for snow.
BANDS = ("B04", "B03", "B02", "B08", "B8A", "B11", "B12")

PairName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
Band = Annotated[str, Field(pattern=r"^B(0[1-9]|1[0-2]|8A)$")]


class NormalisationSettings(Section):
    """How the numbers of both satellites are brought to the range of the network."""

    sentinel1: Literal["standardised", "centred", "min-max", "min-max-tile"] = Field(
        "standardised",
        description="Of the backscatter in dB: mean and standard deviation of the training tiles, "
        "or their mean alone; the lowest and highest values of a training tile on average, or "
        "those of the tile itself, of both dates",
    )
    sentinel2: Literal["standardised", "centred", "min-max", "min-max-tile", "min-max-year"] = (
        Field(
            "standardised",
            description="Of the reflectance: likewise; by tile, the lowest and highest values are "
            "those of the earlier image, or of a year",
        )
    )
    lowest: Literal[-1, 0] = Field(
        -1, description="Lower end of the range of the network; the upper one is 1"
    )
    sentinel1_scale: float = Field(
        0.2, gt=0, description="Where standardised, 1 standard deviation becomes this much"
    )
    sentinel2_scale: float = Field(
        1 / 7, gt=0, description="Where standardised, 1 standard deviation becomes this much"
    )
    groups: tuple[tuple[Band, ...], ...] = Field(
        (("B04", "B03", "B02"),),
        description="Bands that share what is fitted on the training tiles, so that colours stay; "
        "each other band has its own",
    )
    imputation: Literal["neighbours", "smallest"] = Field(
        "neighbours",
        description="What stands in for a backscatter of 0 or less, which has no dB: the mean of "
        "the nearest pixels that have one, or the smallest of the tile",
    )
    neighbours: int = Field(5, ge=1, description="Pixels that the imputation averages")

    @model_validator(mode="after")
    def _each_band_once(self) -> "NormalisationSettings":
        grouped = [band for group in self.groups for band in group]
        if len(grouped) != len(set(grouped)):
            raise ValueError("groups: a band may be in one group only")
        return self


class Orbit(Section):
    """Geometry of a Sentinel-1 acquisition."""

    direction: Literal["ascending", "descending"] = Field(
        "descending", description="Direction of the orbit; the radar looks to the right of it"
    )
    incidence: float = Field(
        39.0, ge=29, le=46, description="Incidence angle on flat ground, degrees"
    )


class Radar(Section):
    """The virtual Sentinel-1 images."""

    orbit: Orbit = Orbit()
    looks: float = Field(
        17.6,
        ge=1,
        description="Equivalent number of looks; GRD images of the IW mode have 4.4, four times "
        "that after an average over 2 x 2 pixels",
    )


class Fires(Section):
    """Fires between the two dates of a virtual pair."""

    count: int = Field(3, ge=0, description="Fires on the tile")
    radius: tuple[float, float] = Field(
        (400.0, 1200.0), description="Smallest and largest radius, m"
    )


class VirtualPair(Section):
    """An earlier and a later date of a virtual tile."""

    tile: Annotated[str, Field(pattern=r"^\d{2}[A-Z]{3}$")] = Field(
        description="Virtual tile, of simulation.tiles"
    )
    t0: Date = Field(description="Day of the earlier images, YYYYMMDD")
    t1: Date = Field(description="Day of the later images, YYYYMMDD")
    year: tuple[Date, ...] = Field(
        (),
        description="Further days before t1; with t0 they give the limits of the year that "
        "normalisation.sentinel2: min-max-year needs",
    )

    @model_validator(mode="after")
    def _in_order(self) -> "VirtualPair":
        if not self.t0 < self.t1:
            raise ValueError("t0 must be before t1")
        if any(day >= self.t1 for day in self.year):
            raise ValueError("year: its days must be before t1, which is to be simulated")
        return self


class RealPair(Section):
    """Images of an earlier and a later date of one place, for each satellite."""

    sentinel2_t0: str = Field(
        description="The earlier image: a MAJA product, a raster with named bands, or a folder of "
        "a raster per band (B04.tif), 10000 x surface reflectance"
    )
    sentinel2_t1: str = Field(description="The later image, on the same grid")
    sentinel1_t0: str = Field(
        description="The earlier image: a GRD product, which SNAP processes; or gamma0 on the "
        "Sentinel-2 grid, as a raster with bands VV and VH, or a folder with VV.tif and VH.tif"
    )
    sentinel1_t1: str = Field(description="The later image, of the same orbit direction")
    sentinel1_unit: Literal["linear", "dB"] = Field(
        "linear", description="Of gamma0 that is given; SNAP gives linear"
    )
    orbit: Literal["ascending", "descending"] | None = Field(
        None, description="Direction of both orbits; null = as the files say"
    )
    area: str | None = Field(
        None, description="GeoJSON of polygons to cut to; null = the whole images"
    )


class TileSettings(Section):
    """Tiles, and which of them train, validate and test."""

    size: int = Field(256, ge=16, description="Side of a tile, pixels of 10 m")
    minimum_data: float = Field(
        0.7, gt=0, le=1, description="Share of the pixels that must have data in every image"
    )
    maximum_cloud: float = Field(
        0.95, ge=0, le=1, description="Cloud over the later image above which a tile is left out"
    )
    block_size: int = Field(
        1024, ge=16, description="Side of the blocks of ground that are split, pixels of 10 m"
    )
    validation: float = Field(0.15, gt=0, lt=1, description="Share of the blocks that validate")
    test: float = Field(0.15, gt=0, lt=1, description="Share of the blocks that test")
    test_pairs: tuple[PairName, ...] = Field(
        (),
        description="Pairs that test alone, for other dates than those of the training: their "
        "tiles on ground where nothing trains or validates",
    )


class SnapSettings(Section):
    """Processing of GRD products by ESA SNAP."""

    chain: Literal["original", "no-multilook"] = Field(
        "original",
        description="original = orbit, thermal and border noise, calibration to beta0, terrain "
        "flattening, speckle filter, average over 2 x 2 pixels, terrain correction; no-multilook = "
        "the same without the average",
    )
    dem: str = Field(
        "SRTM 1Sec HGT", description="Elevation model by SNAP's name, which SNAP downloads"
    )
    speckle_filter: Literal["Lee Sigma", "Refined Lee"] | None = Field(
        "Lee Sigma", description="Speckle filter by SNAP's name; null = none"
    )
    gpt: str = Field("gpt", description="SNAP's program, by name or path")


class PairSearch(Section):
    """Search of cloud-free pairs."""

    area: str = Field(description="GeoJSON of the polygons to cover")
    t0: tuple[date, date] = Field(description="First and last day of the earlier image")
    t1: tuple[date, date] = Field(description="First and last day of the later image")
    cloud_cover: float = Field(5, ge=0, le=100, description="Highest cloud cover, per cent")
    pairs: int = Field(5, ge=1, description="Most pairs of each tile, the clearest first")
    orbit: Literal["ascending", "descending"] | None = Field(
        None, description="Direction of the Sentinel-1 orbits; null = whichever is nearer in time"
    )
    days: float = Field(
        6, gt=0, description="Most days between an image of Sentinel-2 and one of Sentinel-1"
    )
    sentinel2_provider: str = Field(
        "geodes", description="Of MAJA L2A and L1C, whose cloud cover counts, by eodag's name"
    )
    sentinel1_provider: str = Field("geodes", description="Of GRD, by eodag's name")

    @model_validator(mode="after")
    def _in_order(self) -> "PairSearch":
        if self.t0[0] > self.t0[1] or self.t1[0] > self.t1[1] or self.t0[1] >= self.t1[0]:
            raise ValueError("t0 and t1 must each go from a first to a last day, t0 before t1")
        return self


class CloudRemoval(Section):
    """Simulation of a Sentinel-2 image from an earlier one and Sentinel-1 images of both dates."""

    bands: tuple[Band, ...] = Field(BANDS, min_length=1, description="Bands to simulate")
    pairs: dict[PairName, VirtualPair] = Field(
        {}, description="Pairs of the virtual archive by name"
    )
    inputs: dict[PairName, RealPair] = Field({}, description="Real pairs by name")
    radar: Radar = Radar()
    fires: Fires = Fires()
    sentinel1: SnapSettings = SnapSettings()
    tiles: TileSettings = TileSettings()
    normalisation: NormalisationSettings = NormalisationSettings()
    networks: SimulationNetworks = SimulationNetworks()
    training: SimulationTraining = SimulationTraining()
    evaluation: SimulationEvaluation = SimulationEvaluation()
    search: PairSearch | None = Field(None, description="Search of pairs; null = none")

    @model_validator(mode="after")
    def _pairs_given(self) -> "CloudRemoval":
        if not self.pairs and not self.inputs and self.search is None:
            raise ValueError("give pairs (of the virtual archive), inputs (real ones) or a search")
        if both := self.pairs.keys() & self.inputs.keys():
            raise ValueError(f"pairs and inputs have the same name {sorted(both)[0]}")
        named = {*self.pairs, *self.inputs}
        if unknown := sorted(set(self.tiles.test_pairs) - named):
            raise ValueError(f"tiles.test_pairs: {unknown[0]} is no pair")
        if named and named <= set(self.tiles.test_pairs):
            raise ValueError("tiles.test_pairs: no pair is left to train")
        if len(set(self.bands)) < len(self.bands):
            raise ValueError("bands: each may be given once")
        return self
