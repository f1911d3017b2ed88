"""Section ``acquisition`` of the configuration: products to search and download."""

from datetime import date
from typing import Literal

from pydantic import Field

from firn.config_section import Section


class Providers(Section):
    """Where each kind of product is searched, by eodag's name of the provider."""

    l1c: str = Field("geodes", description="Sentinel-2 L1C")
    l2a: str = Field("geodes", description="MAJA L2A")
    snow: str | None = Field(
        "geodes",
        description="Theia snow; null = none is searched, firn computes snow maps from L2A",
    )
    spot: str = Field("geodes", description="SPOT World Heritage")


class Retries(Section):
    """How long a server that has trouble is asked again."""

    attempts: int = Field(6, ge=1, description="Attempts at a file")
    wait: float = Field(5, ge=0, description="Wait before the second attempt, s; doubles each time")
    quota_wait: float = Field(
        600, ge=0, description="Wait where the quota of downloads is used up, s"
    )
    patience: float = Field(7200, ge=0, description="Longest wait for a file in all, s")


class SpotSearch(Section):
    """SPOT scenes that touch the areas."""

    collections: tuple[str, ...] = Field(
        ("SWH_SPOT123_L1", "SWH_SPOT4_L1", "SWH_SPOT5_L1"),
        min_length=1,
        description="Collections to search, by the provider's names",
    )
    start: date = Field(date(1986, 1, 1), description="First day of acquisition")
    end: date = Field(date(2015, 12, 31), description="Last day of acquisition")
    role: Literal["kde", "classify"] = Field("classify", description="Role of the scenes")


class Acquisition(Section):
    """Products to search and download."""

    scenes: str = Field(
        pattern=r"\.tsv$",
        description="Table (TSV) of the products; where it is not there, it is made by a search",
    )
    folder: str = Field("data", description="Folder of the products")
    start: date = Field(date(2016, 1, 1), description="First day of sensing, Sentinel-2")
    end: date = Field(date(2019, 12, 31), description="Last day of sensing, Sentinel-2")
    cloud_cover: tuple[float, float] = Field(
        (0, 90), description="Cloud cover of L1C, lowest and highest, per cent"
    )
    selection: Literal["one-per-month", "all"] = Field(
        "one-per-month",
        description="one-per-month = a random scene per tile and calendar month, no two tiles on "
        "one date (reference); all = every date",
    )
    providers: Providers = Providers()
    spot: SpotSearch | None = Field(None, description="SPOT scenes to download; null = none")
    dem: str | None = Field(
        "https://copernicus-dem-30m.s3.amazonaws.com",
        description="Address of the Copernicus DEM GLO-30 tiles; null = none",
    )
    retries: Retries = Retries()
