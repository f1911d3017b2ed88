"""Which scenes a run has: from the scene tables, or from the plan of the virtual archive."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from firn.acquisition_config import Acquisition
from firn.config import Config
from firn.download.table import NEEDED_KINDS, SENTINEL2_KINDS, Product, read_products
from firn.errors import ConfigError
from firn.sensors import load_sensor
from firn.simulator.plan import sentinel2_plans, spot_plans
from firn.spot_names import raw_name
from firn.tables import Row, read_rows

SENTINEL2_COLUMNS = ("tile", "date", "l1c", "l2a", "snow")
SPOT_COLUMNS = ("scene_id", "sensor", "area", "path", "role", "reference", "tile")
#: Reference images that a Level-1A scene is matched to.
REFERENCES = 3
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

    @property
    def is_raw(self) -> bool:
        """Whether the product is of Level 1A, known by its name."""
        return raw_name(self.scene_id) is not None


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

    def references(self, scene: SpotScene) -> list[Sentinel2Scene]:
        """Sentinel-2 scenes that a Level-1A scene is matched to: of its tile, nearest in season.

        There may be none: the scene then fails, and no other.
        """
        name = raw_name(scene.scene_id)
        assert name is not None
        day = name.time.timetuple().tm_yday

        def distance(other: Sentinel2Scene) -> tuple[int, str]:
            days = abs(_day_of_year(other.date) - day)
            return min(days, 365 - days), other.date

        candidates = [s for s in self.sentinel2 if s.tile == scene.tile]
        return sorted(candidates, key=distance)[:REFERENCES]

    def spot_scenes(self, sensor: str, area: str, *roles: Role) -> list[SpotScene]:
        """Scenes of a sensor's platform over an area that have one of the roles."""
        platform = load_sensor(sensor).platform
        return [
            s
            for s in self.spot
            if s.platform == platform and s.area == area and (not roles or s.role in roles)
        ]


def _day_of_year(date: str) -> int:
    """Day of the year of a date YYYYMMDD; of one that is none, the first."""
    try:
        return datetime.strptime(date, "%Y%m%d").timetuple().tm_yday
    except ValueError:
        return 1


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


def _sentinel2_scene(row: Row, config: Config) -> Sentinel2Scene:
    tile = row.matching("tile", r"\d{2}[A-Z]{3}", "31TCH")
    if not any(tile in area.tiles for area in config.areas.values()):
        raise row.error(
            f"tile {tile} is in no area; add it to areas.{next(iter(config.areas))}.tiles or to "
            "another area, or remove the row"
        )
    date = row.matching("date", r"\d{8}", "20190131")
    return Sentinel2Scene(tile, date, row["l1c"], row["l2a"], row.optional("snow") or "")


def _spot_scene(row: Row, config: Config) -> SpotScene:
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
    sentinel2: list[Sentinel2Scene] = []
    spot: list[SpotScene] = []
    if config.inputs.sentinel2 is not None:
        rows = read_rows(config.inputs.sentinel2, SENTINEL2_COLUMNS, frozenset({"snow"}))
        sentinel2 += [_sentinel2_scene(row, config) for row in rows]
    if config.inputs.spot is not None:
        rows = read_rows(config.inputs.spot, SPOT_COLUMNS, frozenset({"reference", "tile"}))
        spot += [_spot_scene(row, config) for row in rows]
    if config.acquisition is not None:
        # A row of inputs says more about a SPOT scene, as what its reference is.
        described = {scene.scene_id for scene in spot}
        acquired = _acquired(config, config.acquisition)
        sentinel2 += acquired.sentinel2
        spot += [scene for scene in acquired.spot if scene.scene_id not in described]
    return Catalogue(tuple(sentinel2), tuple(spot))


def _acquired(config: Config, settings: Acquisition) -> Catalogue:
    """Scenes of the table of products."""
    tiles = {tile for area in config.areas.values() for tile in area.tiles}
    scenes: dict[tuple[str, str], dict[str, str]] = {}
    spot = []
    for product in read_products(settings.scenes):
        path = f"{settings.folder}/{product.file}"
        if product.kind == "spot":
            spot.append(_acquired_spot(product, path, config, settings))
        elif product.kind in SENTINEL2_KINDS:
            if product.tile not in tiles:
                raise ConfigError(
                    f"{settings.scenes}: tile {product.tile} is in no area; add it to one, or "
                    "remove its rows"
                )
            paths = scenes.setdefault((product.tile, product.date), {})
            if product.kind in paths:
                raise ConfigError(
                    f"{settings.scenes}: {product.tile}/{product.date} has two products of kind "
                    f"{product.kind}; keep one"
                )
            paths[product.kind] = path
    for (tile, date), paths in scenes.items():
        if lacking := [kind for kind in NEEDED_KINDS if kind not in paths]:
            raise ConfigError(
                f"{settings.scenes}: {tile}/{date} has no {', '.join(lacking)}; remove its other "
                "rows as well"
            )
    return Catalogue(
        tuple(Sentinel2Scene(*key, **{"snow": "", **paths}) for key, paths in scenes.items()),
        tuple(spot),
    )


def _acquired_spot(product: Product, path: str, config: Config, settings: Acquisition) -> SpotScene:
    if product.area not in config.areas:
        raise ConfigError(
            f"{settings.scenes}: {product.product_id} is of area {product.area}, which is not "
            f"among {', '.join(config.areas)}; correct it, or remove the row"
        )
    sensor = product.platform.lower()
    try:
        load_sensor(sensor)
    except ConfigError as error:
        raise ConfigError(f"{settings.scenes}: {product.product_id}: {error}") from error
    role = settings.spot.role if settings.spot else "classify"
    tile = product.tile or None
    return SpotScene(product.product_id, sensor, product.area, path, role, None, tile)


def mosaic_path(settings: Acquisition) -> str:
    """Path of the mosaic of the elevation tiles that are fetched."""
    return f"{settings.folder}/dem/{Path(settings.scenes).stem}.vrt"


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
    if kind == "dem" and config.inputs.dem is None and config.acquisition is not None:
        return mosaic_path(config.acquisition)
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
