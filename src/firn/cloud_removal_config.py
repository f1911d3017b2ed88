"""Configuration of the simulation of a Sentinel-2 image from an earlier one and Sentinel-1."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

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
