"""Configuration of the virtual archive."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from firn.config_section import Section


def _day_of_the_calendar(date: str) -> str:
    try:
        datetime.strptime(date, "%Y%m%d")
    except ValueError:
        raise ValueError(f"{date} is no day of the calendar; write YYYYMMDD") from None
    return date


Range = tuple[float, float]
SnowFormat = Literal["theia", "lis", "theia-fraction", "copernicus-fraction"]
SpotFormat = Literal["swh", "take5"]
Date = Annotated[str, Field(pattern=r"^\d{8}$"), AfterValidator(_day_of_the_calendar)]


class Relief(Section):
    """A real elevation model that virtual tiles are cut from."""

    dem: str = Field(
        description="Path of a DEM in any CRS, metres, that covers its tiles, voids tagged as no "
        "data; a bare name is one that comes with firn"
    )


class Materials(Section):
    """Columns of the spectra table that play each role."""

    snow: tuple[str, ...] = Field(
        ("snow_fine", "snow_medium", "snow_coarse"), description="Snow, finest grain first"
    )
    rock: tuple[str, ...] = Field(
        ("rock_andesite", "rock_limestone", "rock_dolomite", "rock_shale", "rock_greywacke"),
        min_length=1,
        description="Rocks; each tile draws a mixture",
    )
    soil: tuple[str, ...] = Field(
        ("soil_dark_loam", "soil_brown_loam", "soil_pale_silt", "soil_gravelly"),
        min_length=1,
        description="Bare soils; each tile draws a mixture",
    )
    grass: tuple[str, ...] = Field(("grass",), min_length=1, description="Green meadow")
    dry_grass: tuple[str, ...] = Field(("dry_grass",), min_length=1, description="Dry meadow")
    forest: tuple[str, ...] = Field(
        ("conifer", "deciduous"), min_length=1, description="Tree canopies"
    )
    water: tuple[str, ...] = Field(("water",), min_length=1, description="Lakes")


class VirtualTile(Section):
    """A virtual Sentinel-2 tile: a square of real relief."""

    relief: str = Field(description="Name of its relief")
    crs: str = Field(description="UTM zone, as EPSG:32632")
    left: float = Field(description="Easting of the upper-left corner, m; a multiple of 60")
    top: float = Field(description="Northing of the upper-left corner, m; a multiple of 60")
    size: int = Field(ge=96, description="Side, pixels of 20 m; a multiple of 6")
    latitude: float = Field(ge=-80, le=80, description="Latitude for the sun, degrees")
    longitude: float = Field(ge=-180, le=180, description="Longitude for the sun, degrees")
    materials: Materials | None = Field(
        None, description="Materials of this tile; null = those of simulation.materials"
    )

    @model_validator(mode="after")
    def _aligned(self) -> "VirtualTile":
        if self.left % 60 or self.top % 60 or self.size % 6:
            raise ValueError("left and top must be multiples of 60 m and size one of 6 pixels")
        return self


class Climate(Section):
    """Snow and cloud climate; each scene draws its weather from these ranges."""

    snow_line_winter: float = Field(1000, description="Mean snow line in February, m")
    snow_line_summer: float = Field(3300, description="Mean snow line in August, m")
    snow_line_spread: float = Field(350, ge=0, description="Scatter between scenes, m (1 sigma)")
    cloud_cover: Range = Field((0.0, 0.5), description="Cloud cover of a scene, lowest and highest")
    cloud_kinds: dict[
        Literal["cumulus", "stratus", "stratocumulus", "altocumulus", "cirrus", "frontal"], float
    ] = Field(
        {
            "cumulus": 0.3,
            "stratus": 0.12,
            "stratocumulus": 0.2,
            "altocumulus": 0.13,
            "cirrus": 0.1,
            "frontal": 0.15,
        },
        description="Relative frequency of cloud kinds",
    )
    aerosol_optical_thickness: Range = Field(
        (0.1, 0.4), description="At 550 nm and sea level, lowest and highest"
    )


class Instruments(Section):
    """How far the virtual instruments stray from their nominal description."""

    tolerance: float = Field(
        0.3, ge=0, lt=1, description="Relative range around nominal noise, blur and gain steps"
    )
    response_shift: float = Field(4.0, ge=0, description="Largest shift of a spectral response, nm")
    snr: float = Field(150, gt=0, description="Nominal signal-to-noise ratio at half of full scale")
    mtf_nyquist: float = Field(
        0.3, gt=0, lt=1, description="Nominal modulation transfer at the Nyquist frequency"
    )
    geolocation_error: float = Field(
        10.0, ge=0, description="Residual error of the orthorectified image, m (1 sigma)"
    )
    location_error: float = Field(
        300.0, ge=0, description="Error of the location model of a Level-1A scene, m"
    )
    saturation: dict[str, Range] = Field(
        {"XS1": (0.3, 0.48), "XS2": (0.3, 0.55), "XS3": (0.46, 0.72), "SWIR": (0.35, 0.65)},
        description="Saturation reflectance that operators aim at when they choose the gain, by "
        "band: the 10 and 90 % points",
    )


class VirtualSpotScene(Section):
    """A virtual SPOT scene that is classified and scored."""

    sensor: str = Field(description="Sensor of a SPOT satellite, as spot2")
    tile: str = Field(description="Virtual tile that it covers")
    date: Date = Field(description="Day of acquisition, YYYYMMDD")
    incidence: float | None = Field(
        None,
        ge=-33,
        le=33,
        description="Incidence angle at which the scene is delivered raw (Level 1A), degrees, "
        "positive where the satellite looks east; null = orthorectified (Level 1C)",
    )
    format: SpotFormat = Field(
        "swh",
        description="Format of an orthorectified scene: that of SPOT World Heritage, or the older "
        "one of SPOT4 and SPOT5 Take5",
    )

    @model_validator(mode="after")
    def _raw_scenes_have_one_format(self) -> "VirtualSpotScene":
        if self.incidence is not None and self.format != "swh":
            raise ValueError(f"a raw scene has no format {self.format}; leave out one of the two")
        return self


class SpotArchive(Section):
    """Small scenes whose metadata feed the saturation density."""

    scenes_per_sensor: int = Field(8, ge=0, description="Scenes of each sensor")
    size: int = Field(48, ge=16, description="Side of such a scene, pixels of the sensor")


class Simulation(Section):
    """The virtual archive: real relief, spectra and responses; drawn snow, clouds and gains."""

    reliefs: dict[str, Relief] = Field(min_length=1, description="Elevation models by name")
    tiles: dict[Annotated[str, Field(pattern=r"^\d{2}[A-Z]{3}$")], VirtualTile] = Field(
        min_length=1, description="Virtual tiles by MGRS name"
    )
    spectra: str = Field("endmembers", description="Table of spectra: name or path of a CSV file")
    materials: Materials = Materials()
    sentinel2: dict[str, tuple[Date, ...]] = Field(description="Dates (YYYYMMDD) of each tile")
    level1_masks: bool = Field(
        False,
        description="Fill the masks of Level-1C products: no data and saturation of each band, "
        "cloud and snow; false = an empty cloud mask alone",
    )
    snow_format: SnowFormat = Field(
        "theia",
        description="Format of the snow products: a map as Theia's or as Let-it-snow leaves it, or "
        "the snow fraction of Theia or Copernicus",
    )
    spot: tuple[VirtualSpotScene, ...] = Field(description="SPOT scenes to classify and score")
    spot_archive: SpotArchive = SpotArchive()
    climate: Climate = Climate()
    instruments: Instruments = Instruments()

    def materials_of(self, tile: str) -> Materials:
        """Materials that the ground of a tile is made of."""
        return self.tiles[tile].materials or self.materials

    @model_validator(mode="after")
    def _names_exist(self) -> "Simulation":
        for name, tile in self.tiles.items():
            if tile.relief not in self.reliefs:
                raise ValueError(f"tile {name}: relief {tile.relief} is not among reliefs")
        for tile_name in (*self.sentinel2, *(scene.tile for scene in self.spot)):
            if tile_name not in self.tiles:
                raise ValueError(f"tile {tile_name}: is not among simulation.tiles")
        return self
