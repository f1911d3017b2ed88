"""Which virtual scenes there are: known from the configuration alone, before anything is rendered.

The Snakefile asks this module for file names, so it stays light.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np

from firn.errors import ConfigError
from firn.seeds import generator
from firn.sensors import Sensor, load_sensor
from firn.simulation_config import Simulation, SpotFormat, VirtualTile
from firn.simulator.formats.naming import spot_scene_number, swh_scene_id, take5_scene_id

#: Years in which each satellite took images of the archive.
MISSIONS = {
    "SPOT1": (1986, 2002),
    "SPOT2": (1990, 2008),
    "SPOT3": (1994, 1995),
    "SPOT4": (1999, 2012),
    "SPOT5": (2003, 2014),
}
INSTRUMENTS = {"SPOT1": "HRV", "SPOT2": "HRV", "SPOT3": "HRV", "SPOT4": "HRVIR", "SPOT5": "HRG"}
#: Modes of the satellites that have a SWIR band, in the catalogue's spelling.
RAW_MODES = {"SPOT4": "I", "SPOT5": "J"}
#: Response tables of second instruments, by the table of their sensor (that of the first).
SECOND_RESPONSES = {"spot1_hrv1": "spot1_hrv2"}
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
    """A virtual SPOT acquisition.

    ``size`` is None where it covers its whole tile, ``incidence`` (degrees, positive where the
    satellite looks east) where the product is orthorectified, in a ``format`` of its own.
    """

    scene_id: str
    platform: str
    instrument: str
    tile: str
    acquisition_time: datetime
    role: Literal["kde", "evaluate"]
    size: int | None
    incidence: float | None = None
    format: SpotFormat = "swh"


def response_table(sensor: Sensor, instrument: str) -> str:
    """Response table of one of the two instruments of a SPOT satellite.

    Raises
    ------
    ConfigError
        The sensor has no response table.
    """
    if sensor.response is None:
        raise ConfigError(f"sensor {sensor.name}: has no response table, so it cannot be simulated")
    if instrument.endswith("2"):
        return SECOND_RESPONSES.get(sensor.response, sensor.response)
    return sensor.response


def _mission(platform: str) -> tuple[int, int]:
    if platform not in MISSIONS:
        raise ConfigError(
            f"platform {platform}: the simulator knows only {', '.join(MISSIONS)}; leave its "
            "sensors out of a configuration with a simulation"
        )
    return MISSIONS[platform]


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
    incidence: float | None = None,
    form: SpotFormat = "swh",
) -> SpotPlan:
    _mission(platform)
    rng = generator(seed, "plan", platform, tile, date)
    instrument = f"{INSTRUMENTS[platform]}{1 + int(rng.random() < 0.5)}"
    # The orbits drifted over the years and the mirror looked sideways: the pass time varies.
    hour = SPOT_PASS + rng.uniform(-0.6, 0.4)
    when = _pass_time(date, simulation.tiles[tile], hour)
    k = 48 + sorted(simulation.tiles).index(tile)
    if form == "take5":
        if platform not in RAW_MODES:
            raise ConfigError(
                f"{platform} {date}: took no part in Take5, only {', '.join(RAW_MODES)} did; "
                "choose another sensor or format"
            )
        scene_id = take5_scene_id(platform, instrument, when, tile)
    elif incidence is None:
        scene_id = swh_scene_id(platform, instrument, when, k, 258)
    else:
        mode = RAW_MODES.get(platform, "X")
        scene_id = spot_scene_number(platform, instrument, when, k, 258, mode)
    return SpotPlan(
        scene_id=scene_id,
        platform=platform,
        instrument=instrument,
        tile=tile,
        acquisition_time=when,
        role=role,
        size=size,
        incidence=incidence,
        format=form,
    )


def _archive_days(simulation: Simulation, seed: int, platform: str) -> Iterator[tuple[str, str]]:
    """Tile and date of each small scene of a platform; none occurs twice."""
    count, tiles = simulation.spot_archive.scenes_per_sensor, sorted(simulation.tiles)
    first, last = _mission(platform)
    years = last - first + 1
    if count > years * 365 * len(tiles):
        raise ConfigError(
            f"simulation.spot_archive.scenes_per_sensor: {platform} flew {years} years over "
            f"{len(tiles)} tile(s), too few days for {count} scenes; ask for fewer"
        )
    rng = generator(seed, "plan", "archive", platform)
    # Stratified over the mission, so that a small archive still sees every age and season.
    edges = (rng.random(count) + np.arange(count)) / max(1, count)
    seasons = rng.permutation(edges)
    taken: set[tuple[str, str]] = set()
    for age, season in zip(edges, seasons, strict=True):
        while True:
            year = first + int(age * years)
            day = datetime(year, 1, 1) + timedelta(days=int(season * 365))
            scene = tiles[int(rng.integers(len(tiles)))], day.strftime("%Y%m%d")
            if scene not in taken:
                break
            age, season = rng.random(2)
        taken.add(scene)
        yield scene


def spot_plans(simulation: Simulation, seed: int, platforms: Iterable[str]) -> list[SpotPlan]:
    """Virtual SPOT acquisitions: those to classify, then the small ones of each platform.

    A small one that falls on the tile and day of one to classify is left out. The small ones do
    not otherwise depend on those to classify.

    Raises
    ------
    ConfigError
        A sensor is not known, or the simulator knows nothing of its platform.
    """
    plans = [
        _spot_plan(
            simulation,
            seed,
            load_sensor(s.sensor).platform,
            s.tile,
            s.date,
            "evaluate",
            None,
            s.incidence,
            s.format,
        )
        for s in simulation.spot
    ]
    evaluated = {plan.scene_id for plan in plans}
    size = simulation.spot_archive.size
    for platform in sorted(set(platforms)):
        small = [
            _spot_plan(simulation, seed, platform, tile, date, "kde", size)
            for tile, date in _archive_days(simulation, seed, platform)
        ]
        plans += [plan for plan in small if plan.scene_id not in evaluated]
    return plans
