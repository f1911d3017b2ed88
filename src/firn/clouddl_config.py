"""Configuration of CloudDL: a cloud mask learnt on one sensor for another (Kettig et al. 2020)."""

from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

#: Which automatic masks teach: one of them, or where they agree.
LabelPolicy = Literal["maja", "fmask", "agree"]
POLICIES: tuple[LabelPolicy, ...] = get_args(LabelPolicy)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CloudDLNetwork(_Section):
    """Shape of the network of CloudDL.

    The publication names a U-Net with batch normalisation and dropout; depth, width and pixel size
    are not published and chosen here.
    """

    width: int = Field(32, ge=1, description="Filters of the finest level; each level doubles them")
    depth: int = Field(4, ge=1, description="Poolings")
    kernel: Literal[3, 5, 7] = Field(3, description="Side of the convolutions, pixels")
    dropout: float = Field(
        0.2, ge=0, lt=1, description="Share of features that a training step leaves out"
    )
    resolution: Literal[20, 60, 120, 240] = Field(
        60, description="Pixel size that the network works at, m; its mask is given at 20 m"
    )
    dem: Literal["real", "none", "shuffled"] = Field(
        "real",
        description="Elevation that it is trained with; shuffled = that of other patches, a "
        "control that shows what the channel itself brings",
    )
    blue_dropout: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of training patches whose blue band is hidden, where the sensor has "
        "one; 1 = the band is left out",
    )
