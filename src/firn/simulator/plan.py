"""Which virtual scenes there are: known from the configuration alone, before anything is rendered.

The Snakefile asks this module for file names, so it stays light.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np

from firn.seeds import generator
from firn.simulation_config import Simulation, VirtualTile
from firn.simulator.formats.naming import swh_scene_id

#: Years in which each satellite took images of the archive.
MISSIONS = {
    "SPOT1": (1986, 2002),
    "SPOT2": (1990, 2008),
    "SPOT3": (1994, 1995),
    "SPOT4": (1999, 2012),
    "SPOT5": (2003, 2014),
}
INSTRUMENTS = {"SPOT1": "HRV", "SPOT2": "HRV", "SPOT3": "HRV", "SPOT4": "HRVIR", "SPOT5": "HRG"}
#: Local solar time at which Sentinel-2 and SPOT pass mid-latitudes, hours.
SENTINEL2_PASS = 11.0
SPOT_PASS = 10.9
#: From this date on Sentinel-2 products carry RADIO_ADD_OFFSET (processing baseline 04.00).
OFFSET_SINCE = "20220125"


@dataclass(frozen=True)
class Sentinel2Plan:
    """A virtual Sentinel-2 acquisition."""

    tile: str
    date: str
    unit: Literal["A", "B"]
    baseline: str
    sensing_time: datetime


@dataclass(frozen=True)
class SpotPlan:
    """A virtual SPOT acquisition; ``size`` is None where it covers its whole tile."""

    scene_id: str
    platform: str
    instrument: str
    tile: str
    acquisition_time: datetime
    role: Literal["kde", "evaluate"]
    size: int | None


def _pass_time(date: str, tile: VirtualTile, local_hour: float) -> datetime:
    day = datetime.strptime(date, "%Y%m%d").replace(tzinfo=UTC)
    return day + timedelta(seconds=round((local_hour - tile.longitude / 15) * 3600))


def sentinel2_plans(simulation: Simulation, seed: int) -> list[Sentinel2Plan]:
    """Virtual Sentinel-2 acquisitions, in the order of tiles and dates."""
    plans = []
    for tile, dates in simulation.sentinel2.items():
        for date in sorted(dates):
            rng = generator(seed, "plan", "sentinel2", tile, date)
            plans.append(
                Sentinel2Plan(
                    tile=tile,
                    date=date,
                    unit="A" if rng.random() < 0.5 else "B",
                    baseline="05.09" if date >= OFFSET_SINCE else "02.08",
                    sensing_time=_pass_time(date, simulation.tiles[tile], SENTINEL2_PASS),
                )
            )
    return plans


def _spot_plan(
    simulation: Simulation,
    seed: int,
    platform: str,
    tile: str,
    date: str,
    role: Literal["kde", "evaluate"],
    size: int | None,
) -> SpotPlan:
    rng = generator(seed, "plan", platform, tile, date)
    instrument = f"{INSTRUMENTS[platform]}{1 + int(rng.random() < 0.5)}"
    # The orbits drifted over the years and the mirror looked sideways: the pass time varies.
    hour = SPOT_PASS + rng.uniform(-0.6, 0.4)
    when = _pass_time(date, simulation.tiles[tile], hour)
    k = 48 + sorted(simulation.tiles).index(tile)
    return SpotPlan(
        scene_id=swh_scene_id(platform, instrument, when, k, 258),
        platform=platform,
        instrument=instrument,
        tile=tile,
        acquisition_time=when,
        role=role,
        size=size,
    )


def spot_plans(simulation: Simulation, seed: int, platforms: Iterable[str]) -> list[SpotPlan]:
    """Virtual SPOT acquisitions: those to classify, then the small ones of each platform."""
    plans = [
        _spot_plan(simulation, seed, s.sensor.upper(), s.tile, s.date, "evaluate", None)
        for s in simulation.spot
    ]
    archive = simulation.spot_archive
    for platform in sorted(set(platforms)):
        rng = generator(seed, "plan", "archive", platform)
        first, last = MISSIONS[platform]
        days = (last - first + 1) * 365
        # Stratified over the mission, so that a small archive still sees every age and season.
        count = archive.scenes_per_sensor
        edges = (rng.random(count) + np.arange(count)) / max(1, count)
        seasons = rng.permutation(edges)
        for age, season in zip(edges, seasons, strict=True):
            year = first + int(age * days) // 365
            date = (datetime(year, 1, 1) + timedelta(days=int(season * 365))).strftime("%Y%m%d")
            tile = sorted(simulation.tiles)[int(rng.integers(len(simulation.tiles)))]
            plans.append(_spot_plan(simulation, seed, platform, tile, date, "kde", archive.size))
    return plans
