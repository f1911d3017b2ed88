"""The search for products: what a run needs, what of it there is, and what is missing."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import product

from firn import __version__
from firn.acquisition_config import Acquisition, SpotSearch
from firn.config import Area, Config
from firn.download.elevation import find_dem
from firn.download.providers import Offer, Providers
from firn.download.selection import Scene, complete, match, one_per_month
from firn.download.table import SENTINEL2_KINDS, Kind, Product, is_valid
from firn.download.tiles import core_box, shared, tile_box, union
from firn.errors import ConfigError

#: eodag's names of the collections.
COLLECTIONS: dict[Kind, str] = {
    "l1c": "S2_MSI_L1C",
    "l2a": "S2_MSI_L2A_MAJA",
    "snow": "S2_MSI_L2B_MAJA_SNOW",
}
#: Tile and day of sensing in the names of L1C and of MUSCATE products.
_NAMES = (
    re.compile(r"(?P<platform>S2[A-D])_MSIL1C_(?P<date>\d{8})T.*_T(?P<tile>\d{2}[A-Z]{3})_"),
    re.compile(r"SENTINEL(?P<platform>2[A-D])_(?P<date>\d{8})-.*_T(?P<tile>\d{2}[A-Z]{3})(_|$)"),
)
#: So that a search finds some thousand SPOT scenes of a mountain range at most.
_YEARS_PER_SEARCH = 5
#: Modes of multispectral SPOT scenes, and where the name of a product tells the mode.
_MULTISPECTRAL = ("X", "I", "J", "XS")
_SPOT = re.compile(r"SPOT[1-5]")
_SPOT_MODE = re.compile(r"_HR(?:V|VIR|G)-?\d_([A-Z])_|-(XS)_")


def choose_products(config: Config) -> tuple[list[Product], list[str]]:
    """Search the products of a run and choose among them.

    Parameters
    ----------
    config : Config
        With an acquisition.

    Returns
    -------
    products : list of Product
    notes : list of str
        How they were chosen, and what is missing.

    Raises
    ------
    ConfigError
        The configuration has no acquisition.
    DownloadError
        A provider refuses or is not reachable.
    """
    settings = acquisition_of(config)
    names = settings.providers
    used = (names.l1c, names.l2a, names.snow, names.spot if settings.spot else None)
    providers = Providers({name for name in used if name is not None})
    tiles = list(dict.fromkeys(tile for area in config.areas.values() for tile in area.tiles))
    scenes = match(p for tile in tiles for p in _sentinel2(providers, settings, tile))
    kinds = _searched(settings)
    dates = complete(scenes, kinds)
    if settings.selection == "one-per-month":
        dates = one_per_month(dates, config.seed)
    products = [scenes[key][kind] for key in dates for kind in kinds]
    notes = [_how(config, settings), *_missing(tiles, scenes, dates, settings)]
    if settings.spot:
        spot, left_out = _spot(providers, names.spot, settings.spot, config.areas)
        products += spot
        notes += left_out
    if settings.dem and config.inputs.dem is None:
        products += find_dem(settings.dem, config.areas, settings)
    return products, notes


def acquisition_of(config: Config) -> Acquisition:
    """Acquisition of a configuration that must have one.

    Raises
    ------
    ConfigError
        It has none.
    """
    if config.acquisition is None:
        raise ConfigError("acquisition: is not in the configuration; config/README.md shows one")
    return config.acquisition


def _searched(settings: Acquisition) -> list[Kind]:
    """Kinds of Sentinel-2 products that a scene is to have."""
    return [kind for kind in SENTINEL2_KINDS if getattr(settings.providers, kind)]


def _sentinel2(providers: Providers, settings: Acquisition, tile: str) -> Iterator[Product]:
    """Products of a tile within the dates and the cloud cover."""
    lowest, highest = settings.cloud_cover
    for kind in _searched(settings):
        provider, collection = getattr(settings.providers, kind), COLLECTIONS[kind]
        clouds = highest if kind == "l1c" else None
        for offer in providers.search(
            provider, collection, core_box(tile), settings.start, settings.end, clouds
        ):
            told = next((m for name in _NAMES if (m := name.match(offer.product_id))), None)
            if told is None or told["tile"] != tile:
                continue
            cover = offer.cloud_cover
            if kind == "l1c" and cover is not None and not lowest <= cover <= highest:
                continue
            found = _product(
                offer,
                kind,
                provider,
                collection,
                tile=tile,
                date=told["date"],
                platform=f"S{told['platform'].removeprefix('S')}",
            )
            if is_valid(found):
                yield found


def _product(
    offer: Offer,
    kind: Kind,
    provider: str,
    collection: str,
    *,
    area: str = "",
    tile: str = "",
    date: str,
    platform: str,
) -> Product:
    return Product(
        kind=kind,
        area=area,
        tile=tile,
        date=date,
        platform=platform,
        product_id=offer.product_id,
        provider=provider,
        collection=collection,
        cloud_cover=offer.cloud_cover,
        size=offer.size,
        md5=offer.md5,
    )


def _how(config: Config, settings: Acquisition) -> str:
    lowest, highest = settings.cloud_cover
    rule = {
        "one-per-month": f"a random scene per tile and calendar month (seed {config.seed}), no two "
        "tiles on one date",
        "all": "every date",
    }[settings.selection]
    return (
        f"Chosen by firn {__version__} from {settings.start} to {settings.end}, L1C cloud cover "
        f"{lowest:g}-{highest:g} %: {rule}. Rows may be removed; a scene needs all three products."
    )


def _missing(
    tiles: Iterable[str],
    scenes: Mapping[tuple[str, str], Scene],
    chosen: Iterable[tuple[str, str]],
    settings: Acquisition,
) -> Iterator[str]:
    """Say what each tile lacks: products of a date, and scenes of a month."""
    taken = {(tile, date[4:6]) for tile, date in chosen}
    for tile in tiles:
        dates = {date: set(scene) for (t, date), scene in scenes.items() if t == tile}
        kinds = _searched(settings)
        yield f"{tile}: {_counts(dates.values(), kinds)}"
        if settings.selection == "all":
            continue
        for month in (f"{number:02d}" for number in range(1, 13)):
            if (tile, month) not in taken:
                there = [had for date, had in dates.items() if date[4:6] == month]
                yield f"MISSING {tile}: no scene in month {month} ({_counts(there, kinds)})"


def _counts(dates: Iterable[set[Kind]], kinds: Sequence[Kind]) -> str:
    """Count dates by what they have: ``12 dates with all products, 3 without snow``."""
    lacking = Counter(tuple(k for k in kinds if k not in had) for had in dates)
    whole = lacking.pop((), 0)
    parts = [f"{whole} dates with all products"]
    parts += [f"{n} without {' and '.join(lacked)}" for lacked, n in sorted(lacking.items())]
    return ", ".join(parts)


def _spot(
    providers: Providers, provider: str, settings: SpotSearch, areas: Mapping[str, Area]
) -> tuple[list[Product], list[str]]:
    """Multispectral SPOT scenes that touch the areas, each in the first area that it touches.

    The tile of a scene is the one that shows most of it.
    """
    found: dict[str, Product] = {}
    unclear = 0
    for area, content in areas.items():
        boxes = {tile: tile_box(tile) for tile in content.tiles}
        box = union(boxes.values())
        for collection, (first, last) in product(settings.collections, _periods(settings)):
            for offer in providers.search(provider, collection, box, first, last):
                mode = offer.mode or _mode_in(offer.product_id)
                scene = _product(
                    offer,
                    "spot",
                    provider,
                    collection,
                    area=area,
                    tile=max(boxes, key=lambda tile: shared(boxes[tile], offer.box)),
                    date=f"{offer.start:%Y%m%d}",
                    platform=offer.platform,
                )
                if not (mode and _SPOT.fullmatch(offer.platform) and is_valid(scene)):
                    unclear += 1
                elif mode in _MULTISPECTRAL:
                    found.setdefault(scene.product_id, scene)
    notes = [f"{len(found)} multispectral SPOT scenes touch the areas."]
    if unclear:
        notes.append(f"MISSING SPOT: {unclear} products tell neither their mode nor satellite.")
    return list(found.values()), notes


def _periods(settings: SpotSearch) -> Iterator[tuple[date, date]]:
    """Cut the period of a search: portals do not page through tens of thousands of products."""
    for year in range(settings.start.year, settings.end.year + 1, _YEARS_PER_SEARCH):
        first, last = date(year, 1, 1), date(year + _YEARS_PER_SEARCH - 1, 12, 31)
        yield max(first, settings.start), min(last, settings.end)


def _mode_in(product_id: str) -> str:
    told = _SPOT_MODE.search(product_id)
    return (told[1] or told[2]) if told else ""
