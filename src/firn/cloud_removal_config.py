"""Configuration of the simulation of a Sentinel-2 image from an earlier one and Sentinel-1."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from firn.simulation_config import Date

#: Bands of the published method, B8A and B12 for the burn ratio, and B11 for snow.
BANDS = ("B04", "B03", "B02", "B08", "B8A", "B11", "B12")

Band = Annotated[str, Field(pattern=r"^B(0[1-9]|1[0-2]|8A)$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NormalisationSettings(_Section):
    """How the numbers of both satellites are brought to the range of the network, -1 to 1."""

    sentinel1: Literal["standardised", "min-max-tile"] = Field(
        "standardised",
        description="Of the backscatter in dB: mean and standard deviation of the training tiles, "
        "or lowest and highest value of the tile, of both dates",
    )
    sentinel2: Literal["standardised", "min-max-tile", "min-max-year"] = Field(
        "standardised",
        description="Of the reflectance: mean and standard deviation of the training tiles, of "
        "both dates; or lowest and highest value of the earlier image of the tile, or of a year",
    )
    sentinel1_scale: float = Field(
        0.2, gt=0, description="Where standardised, 1 standard deviation becomes this much"
    )
    sentinel2_scale: float = Field(
        1 / 7, gt=0, description="Where standardised, 1 standard deviation becomes this much"
    )
    groups: tuple[tuple[Band, ...], ...] = Field(
        (("B04", "B03", "B02"),),
        description="Bands that share mean and standard deviation, so that colours stay; each "
        "other band has its own",
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


class Orbit(_Section):
    """Geometry of a Sentinel-1 acquisition."""

    direction: Literal["ascending", "descending"] = Field(
        "descending", description="Direction of the orbit; the radar looks to the right of it"
    )
    incidence: float = Field(
        39.0, ge=29, le=46, description="Incidence angle on flat ground, degrees"
    )


class Radar(_Section):
    """The virtual Sentinel-1 images."""

    orbit: Orbit = Orbit()
    looks: float = Field(
        17.6,
        ge=1,
        description="Equivalent number of looks; GRD images of the IW mode have 4.4, four times "
        "that after an average over 2 x 2 pixels",
    )


class Fires(_Section):
    """Fires between the two dates of a virtual pair."""

    count: int = Field(3, ge=0, description="Fires on the tile")
    radius: tuple[float, float] = Field(
        (400.0, 1200.0), description="Smallest and largest radius, m"
    )


class VirtualPair(_Section):
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
