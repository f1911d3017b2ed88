"""Which scenes a run has: from the scene tables, or from the plan of the virtual archive."""

import csv
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from firn.config import Config
from firn.errors import ConfigError
from firn.sensors import load_sensor
from firn.simulator.plan import sentinel2_plans, spot_plans

SENTINEL2_COLUMNS = ("tile", "date", "l1c", "l2a", "snow")
SPOT_COLUMNS = ("scene_id", "sensor", "area", "path", "role", "reference", "tile")
Role = Literal["kde", "evaluate", "classify"]
ROLES: tuple[Role, ...] = ("kde", "evaluate", "classify")


@dataclass(frozen=True)
class Sentinel2Scene:
    """The products of one tile and date; ``snow`` is empty where firn makes the snow map."""

    tile: str
    date: str
    l1c: str
    l2a: str
    snow: str


@dataclass(frozen=True)
class SpotScene:
    """A SPOT product and what it is for.

    ``kde`` scenes only feed the saturation density, ``classify`` scenes are mapped as well,
    ``evaluate`` scenes are mapped and scored, and never feed the density. ``tile`` fills in the
    ``{tile}`` of auxiliary rasters that come in tiles.
    """

    scene_id: str
    sensor: str
    area: str
    path: str
    role: Role
    reference: str | None
    tile: str | None = None

    @property
    def platform(self) -> str:
        """Satellite, as SPOT2."""
        return load_sensor(self.sensor).platform


@dataclass(frozen=True)
class Catalogue:
    """All scenes of a run."""

    sentinel2: tuple[Sentinel2Scene, ...]
    spot: tuple[SpotScene, ...]
    _by_date: dict[tuple[str, str], Sentinel2Scene] = field(init=False, repr=False, compare=False)
    _by_id: dict[str, SpotScene] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the scenes."""
        object.__setattr__(self, "_by_date", {(s.tile, s.date): s for s in self.sentinel2})
        object.__setattr__(self, "_by_id", {s.scene_id: s for s in self.spot})

    def sentinel2_scene(self, tile: str, date: str) -> Sentinel2Scene:
        """Scene of a tile and date."""
        try:
            return self._by_date[tile, date]
        except KeyError:
            raise ConfigError(f"{tile}/{date}: is not in the table of Sentinel-2 scenes") from None

    def spot_scene(self, scene_id: str) -> SpotScene:
        """Scene by identifier."""
        try:
            return self._by_id[scene_id]
        except KeyError:
            raise ConfigError(f"{scene_id}: is not in the table of SPOT scenes") from None

    def spot_scenes(self, sensor: str, area: str, *roles: Role) -> list[SpotScene]:
        """Scenes of a sensor's platform over an area that have one of the roles."""
        platform = load_sensor(sensor).platform
        return [
            s
            for s in self.spot
            if s.platform == platform and s.area == area and (not roles or s.role in roles)
        ]


def _virtual(config: Config) -> Catalogue:
    simulation = config.simulation
    assert simulation is not None
    archive = config.root / "archive"
    area_of = {tile: name for name, area in config.areas.items() for tile in area.tiles}
    first_area = next(iter(config.areas))
    sentinel2 = []
    for scene in sentinel2_plans(simulation, config.seed):
        folder = archive / "sentinel2" / scene.tile / scene.date
        paths = [str(folder / f"{product}.zip") for product in ("l1c", "l2a", "snow")]
        sentinel2.append(Sentinel2Scene(scene.tile, scene.date, *paths))
    platforms = [load_sensor(sensor).platform for sensor in config.all_sensors]
    spot = [
        SpotScene(
            scene_id=plan.scene_id,
            sensor=plan.platform.lower(),
            area=area_of.get(plan.tile, first_area),
            path=str(archive / "spot" / f"{plan.scene_id}.zip"),
            role=plan.role,
            reference=str(archive / "truth" / plan.scene_id / "class.tif")
            if plan.role == "evaluate"
            else None,
            tile=plan.tile,
        )
        for plan in spot_plans(simulation, config.seed, platforms)
    ]
    return Catalogue(tuple(sentinel2), tuple(spot))


@dataclass(frozen=True)
class _Row:
    """A row of a scene table, and where it stands."""

    place: str
    values: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.values[column]

    def optional(self, column: str) -> str | None:
        """Value of a column that may be empty or missing."""
        return self.values.get(column) or None

    def matching(self, column: str, pattern: str, example: str) -> str:
        """Value that must look like an example."""
        if not re.fullmatch(pattern, self[column]):
            raise self.error(f"{column} {self[column]!r} should look like {example}")
        return self[column]

    def error(self, message: str) -> ConfigError:
        """Error that names the table and the line."""
        return ConfigError(f"{self.place}: {message}")


def _rows(path: str, columns: tuple[str, ...], optional: frozenset[str]) -> list[_Row]:
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            lines = [(n, line) for n, line in enumerate(stream, 1) if not line.startswith("#")]
        reader = csv.DictReader((line for _, line in lines), delimiter="\t")
        header = tuple(reader.fieldnames or ())
        rows = [_Row(f"{path}, line {lines[reader.line_num - 1][0]}", row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: the scene table cannot be read ({error})") from error
    if not set(columns) - optional <= set(header) <= set(columns):
        raise ConfigError(
            f"{path}: has the columns {list(header)}; expected, separated by tabs: {list(columns)}"
        )
    for row in rows:
        for column in columns:
            if column not in optional and not row[column]:
                raise row.error(f"has no {column}")
    return rows


def _sentinel2_scene(row: _Row, config: Config) -> Sentinel2Scene:
    tile = row.matching("tile", r"\d{2}[A-Z]{3}", "31TCH")
    if not any(tile in area.tiles for area in config.areas.values()):
        raise row.error(
            f"tile {tile} is in no area; add it to areas.{next(iter(config.areas))}.tiles or to "
            "another area, or remove the row"
        )
    date = row.matching("date", r"\d{8}", "20190131")
    return Sentinel2Scene(tile, date, row["l1c"], row["l2a"], row.optional("snow") or "")


def _spot_scene(row: _Row, config: Config) -> SpotScene:
    scene_id = row.matching("scene_id", r"[\w.-]+", "SPOT2-HRV1-XS_...")
    role = next((r for r in ROLES if r == row["role"]), None)
    if role is None:
        raise row.error(f"role {row['role']!r} is none of {ROLES}")
    if role == "evaluate" and not row.optional("reference"):
        raise row.error("an evaluate scene needs a reference raster")
    if row["area"] not in config.areas:
        raise row.error(
            f"area {row['area']!r} is none of {', '.join(config.areas)}; correct it, add the area "
            "to areas, or remove the row"
        )
    try:
        load_sensor(row["sensor"])
    except ConfigError as error:
        raise row.error(str(error)) from error
    return SpotScene(
        scene_id,
        row["sensor"],
        row["area"],
        row["path"],
        role,
        row.optional("reference"),
        row.optional("tile"),
    )


def _tabulated(config: Config) -> Catalogue:
    sentinel2 = _rows(str(config.inputs.sentinel2), SENTINEL2_COLUMNS, frozenset({"snow"}))
    spot = _rows(str(config.inputs.spot), SPOT_COLUMNS, frozenset({"reference", "tile"}))
    return Catalogue(
        tuple(_sentinel2_scene(row, config) for row in sentinel2),
        tuple(_spot_scene(row, config) for row in spot),
    )


def auxiliary_path(
    config: Config, kind: Literal["dem", "tree_cover", "water"], tile: str | None
) -> str:
    """Path of the elevation, tree cover or water raster of a tile.

    Raises
    ------
    ConfigError
        The configured path contains ``{tile}`` but the scene names no tile.
    """
    if config.simulation is not None:
        return str(config.root / "archive" / "auxiliary" / str(tile) / f"{kind}.tif")
    template = str(getattr(config.inputs, kind))
    if "{tile}" in template and tile is None:
        raise ConfigError(
            f"inputs.{kind}: contains {{tile}}, but a SPOT scene names no tile; give a mosaic "
            "(VRT) or fill in the column tile of the SPOT table"
        )
    return template.replace("{tile}", tile or "")


def catalogue(config: Config) -> Catalogue:
    """Scenes of a run, those in ``exclude`` left out.

    Raises
    ------
    ConfigError
        A scene table is missing or wrong, or a scene occurs twice.
    """
    whole = _virtual(config) if config.simulation is not None else _tabulated(config)
    excluded = set(config.exclude)
    sentinel2 = [s for s in whole.sentinel2 if f"{s.tile}/{s.date}" not in excluded]
    spot = [s for s in whole.spot if s.scene_id not in excluded]
    known = {f"{s.tile}/{s.date}" for s in whole.sentinel2} | {s.scene_id for s in whole.spot}
    if unknown := excluded - known:
        raise ConfigError(f"exclude: {sorted(unknown)} are in no scene table; correct the names")
    keys = [f"{s.tile}/{s.date}" for s in sentinel2] + [s.scene_id for s in spot]
    if twice := [key for key, count in Counter(keys).items() if count > 1]:
        raise ConfigError(f"{twice[0]}: occurs twice in the scene tables; keep one row")
    return Catalogue(tuple(sentinel2), tuple(spot))
