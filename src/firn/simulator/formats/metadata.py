"""What the writers are told about an acquisition."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from firn.grid import Grid
from firn.simulator.formats import naming

#: Native pixel size of each band, m, in the order of ESA's band numbers (0 to 12).
RESOLUTIONS: dict[str, int] = {
    "B01": 60,
    "B02": 10,
    "B03": 10,
    "B04": 10,
    "B05": 20,
    "B06": 20,
    "B07": 20,
    "B08": 10,
    "B8A": 20,
    "B09": 60,
    "B10": 60,
    "B11": 20,
    "B12": 20,
}


def short_band(band: str) -> str:
    """Band name without zero padding, as MAJA and ``physicalBand`` spell it: ``B2`` for ``B02``."""
    return band.replace("B0", "B")


@dataclass(frozen=True)
class Sentinel2Metadata:
    """One Sentinel-2 acquisition of one tile; the L1C, L2A and snow products share it.

    Parameters
    ----------
    platform : str
        ``S2A`` or ``S2B``.
    sensing_time : datetime
        UTC.
    baseline : str
        L1C processing baseline, ``02.04``. From ``04.00`` on, digital numbers carry an offset.
    tile : str
        MGRS tile without the leading T.
    relative_orbit : int
    grid : Grid
        At 10 m.
    sun_zenith, sun_azimuth : float
        Means over the tile, degrees.
    solar_irradiance : mapping of band (``B02``) to W m-2 um-1
        Of all 13 bands, exo-atmospheric.
    """

    platform: str
    sensing_time: datetime
    baseline: str
    tile: str
    relative_orbit: int
    grid: Grid
    sun_zenith: float
    sun_azimuth: float
    solar_irradiance: Mapping[str, float]

    @property
    def l1c_name(self) -> str:
        """Name of the L1C product, without ``.SAFE``."""
        return naming.l1c_name(
            self.platform, self.sensing_time, self.baseline, self.relative_orbit, self.tile
        )

    @property
    def l2a_name(self) -> str:
        """Name of the L2A product."""
        return naming.l2a_name(self.platform, self.sensing_time, self.tile)

    @property
    def snow_name(self) -> str:
        """Name of the snow product."""
        return naming.snow_name(self.platform, self.sensing_time, self.tile)

    @property
    def radio_add_offset(self) -> int:
        """Offset to add to L1C digital numbers: -1000 since baseline 04.00, else 0."""
        return -1000 if self.baseline >= "04.00" else 0


@dataclass(frozen=True)
class SpotMetadata:
    """One orthorectified SPOT scene.

    Parameters
    ----------
    scene_id : str
        As made by `naming.swh_scene_id` or `naming.take5_scene_id`.
    platform : str
        ``SPOT1`` to ``SPOT5``.
    instrument : str
        ``HRV1``, ``HRVIR2``, ...
    acquisition_time : datetime
        UTC.
    sun_zenith, sun_azimuth : float
        Degrees.
    """

    scene_id: str
    platform: str
    instrument: str
    acquisition_time: datetime
    sun_zenith: float
    sun_azimuth: float
