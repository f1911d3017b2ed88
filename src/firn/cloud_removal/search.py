"""Search of pairs: a clear Sentinel-2 image in each of two periods, Sentinel-1 nearest to both."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import product
from typing import Any

from shapely.geometry import shape

from firn.cloud_removal.pair_table import COLUMNS
from firn.cloud_removal.pairs import read_area
from firn.cloud_removal_config import PairSearch
from firn.download.providers import Offer, Providers
from firn.download.tiles import Box, shared
from firn.errors import DownloadError
from firn.files import write_text

#: eodag's names of the collections.
LEVEL1, SENTINEL2, SENTINEL1 = "S2_MSI_L1C", "S2_MSI_L2A_MAJA", "S1_SAR_GRD"
#: Tile and day in the names of Level-1C and of MAJA products.
_L1C = re.compile(r"S2[A-D]_MSIL1C_(?P<date>\d{8})T.*_T(?P<tile>\d{2}[A-Z]{3})_")
_L2A = re.compile(r"SENTINEL2[A-D]_(?P<date>\d{8})-.*_L2A_T(?P<tile>\d{2}[A-Z]{3})(_|$)")
#: GRD products of the mode and resolution over land, with VV and VH.
_GRD = re.compile(r"S1[A-D]_IW_GRDH_1SDV_")
DIRECTIONS = ("ascending", "descending")


@dataclass(frozen=True)
class FoundPair:
    """Products of a pair.

    Attributes
    ----------
    tile : str
        MGRS tile of the Sentinel-2 images.
    orbit : str
        ``ascending`` or ``descending``: direction of both Sentinel-1 orbits.
    sentinel2_t0, sentinel2_t1, sentinel1_t0, sentinel1_t1 : Offer
    """

    tile: str
    orbit: str
    sentinel2_t0: Offer
    sentinel2_t1: Offer
    sentinel1_t0: Offer
    sentinel1_t1: Offer

    @property
    def name(self) -> str:
        """Tile and both days."""
        return f"{self.tile}-{self.sentinel2_t0.start:%Y%m%d}-{self.sentinel2_t1.start:%Y%m%d}"


def choose_pairs(settings: PairSearch) -> tuple[list[FoundPair], list[str]]:
    """Search pairs over an area.

    Of each tile that touches the area the clearest pairs are taken. To each, Sentinel-1 images of
    one orbit direction are found, together nearest in time to those of Sentinel-2.

    Parameters
    ----------
    settings : PairSearch

    Returns
    -------
    pairs : list of FoundPair
        Sorted by tile and days.
    notes : list of str
        How they were chosen, and what is missing.

    Raises
    ------
    DataError
        The area cannot be read.
    DownloadError
        A provider refuses or is not reachable; or no tile has a pair.
    """
    boxes = area_boxes(settings.area)
    providers = Providers({settings.sentinel2_provider, settings.sentinel1_provider})
    notes = [
        f"Cloud cover up to {settings.cloud_cover:g} %, {settings.t0[0]} to {settings.t0[1]} and "
        f"{settings.t1[0]} to {settings.t1[1]}; Sentinel-1 within {settings.days:g} days"
    ]
    clear = [
        _clear_images(providers, settings, boxes, period) for period in (settings.t0, settings.t1)
    ]
    radar: list[list[Offer]] = []
    for first, last in (settings.t0, settings.t1):
        margin = timedelta(days=int(settings.days) + 1)
        found = search_boxes(
            providers, settings.sentinel1_provider, SENTINEL1, boxes, first - margin, last + margin
        )
        images = [offer for offer in found if _GRD.match(offer.product_id)]
        told = [offer for offer in images if offer.orbit in DIRECTIONS]
        if len(told) < len(images):
            notes.append(
                f"MISSING Sentinel-1: {len(images) - len(told)} products do not say the direction "
                "of their orbit and are left out"
            )
        radar.append(told)
    pairs: list[FoundPair] = []
    for tile in sorted({*clear[0], *clear[1]}):
        of_tile, lacking = _pairs_of(tile, [c.get(tile, []) for c in clear], radar, settings)
        pairs += of_tile
        notes += lacking
    if not pairs:
        raise DownloadError(
            f"{settings.area}: no pair was found ("
            + "; ".join(notes[1:] or ["no image of Sentinel-2 is as clear as that in both periods"])
            + "); widen cloud_removal.search.t0 and t1, or raise cloud_cover or days"
        )
    return sorted(pairs, key=lambda pair: pair.name), notes


def area_boxes(path: str | os.PathLike[str]) -> list[Box]:
    """Boxes around the polygons of an area: polygons far apart are searched one by one."""
    polygons: list[Any] = [shape(polygon) for polygon in read_area(path)]
    pieces = [piece for polygon in polygons for piece in getattr(polygon, "geoms", [polygon])]
    return [Box(*piece.bounds) for piece in pieces]


def search_boxes(
    providers: Providers,
    provider: str,
    collection: str,
    boxes: Iterable[Box],
    first: date,
    last: date,
    cloud_cover: float | None = None,
) -> list[Offer]:
    """Products that touch one of the boxes, each once; see `Providers.search`."""
    found: dict[str, Offer] = {}
    for box in boxes:
        for offer in providers.search(provider, collection, box, first, last, cloud_cover):
            found.setdefault(offer.product_id, offer)
    return [found[name] for name in sorted(found)]


def _clear_images(
    providers: Providers, settings: PairSearch, boxes: Sequence[Box], period: tuple[date, date]
) -> dict[str, list[Offer]]:
    """Images of each tile that are clear enough, by the cloud cover that Level 1C tells."""
    provider, highest = settings.sentinel2_provider, settings.cloud_cover
    covers = {
        (told["tile"], told["date"]): offer.cloud_cover
        for offer in search_boxes(providers, provider, LEVEL1, boxes, *period, highest)
        if (told := _L1C.match(offer.product_id)) and offer.cloud_cover is not None
    }
    found: dict[str, list[Offer]] = {}
    for offer in search_boxes(providers, provider, SENTINEL2, boxes, *period):
        told = _L2A.match(offer.product_id)
        cover = covers.get((told["tile"], told["date"])) if told else None
        if told and cover is not None and cover <= highest:
            found.setdefault(told["tile"], []).append(replace(offer, cloud_cover=cover))
    return found


def _pairs_of(
    tile: str, clear: list[list[Offer]], radar: list[list[Offer]], settings: PairSearch
) -> tuple[list[FoundPair], list[str]]:
    """Clearest pairs of a tile that Sentinel-1 has images for, and what is missing."""
    if not all(clear):
        which = " and ".join(
            name for name, images in zip(("t0", "t1"), clear, strict=True) if not images
        )
        return [], [f"MISSING {tile}: no clear image in {which}"]
    ranked = sorted(
        product(*clear),
        key=lambda both: (
            sum(offer.cloud_cover or 0 for offer in both),
            [offer.product_id for offer in both],
        ),
    )
    pairs: list[FoundPair] = []
    without = 0
    for both in ranked:
        if len(pairs) == settings.pairs:
            break
        if (chosen := _nearest(both, radar, settings)) is None:
            without += 1
        else:
            orbit, images = chosen
            pairs.append(FoundPair(tile, orbit, both[0], both[1], images[0], images[1]))
    notes = []
    if without:
        notes.append(
            f"MISSING {tile}: {without} pairs have no Sentinel-1 images of one orbit direction "
            f"within {settings.days:g} days of both dates"
        )
    return pairs, notes


def _nearest(
    both: Sequence[Offer], radar: list[list[Offer]], settings: PairSearch
) -> tuple[str, tuple[Offer, Offer]] | None:
    """Orbit direction and Sentinel-1 images that are together nearest in time to a pair."""
    best: dict[str, tuple[float, tuple[Offer, Offer]]] = {}
    for direction in DIRECTIONS if settings.orbit is None else (settings.orbit,):
        nearest = []
        for optical, images in zip(both, radar, strict=True):
            ranked = sorted(_candidates(optical, images, direction, settings.days))
            nearest += ranked[:1]
        if len(nearest) == 2:
            offers = {offer.product_id: offer for images in radar for offer in images}
            first, second = (offers[name] for _, _, name in nearest)
            best[direction] = sum(hours for hours, _, _ in nearest), (first, second)
    if not best:
        return None
    chosen = min(best, key=lambda direction: (best[direction][0], direction))
    return chosen, best[chosen][1]


def _candidates(
    optical: Offer, images: Iterable[Offer], direction: str, days: float
) -> Iterator[tuple[float, float, str]]:
    """Hours from an image, the ground that is not shared, and the name of each that may do."""
    for offer in images:
        hours = abs((offer.start - optical.start).total_seconds()) / 3600
        common = shared(offer.box, optical.box)
        if offer.orbit == direction and hours <= 24 * days and common > 0:
            # Frames of one pass lie seconds apart: the one that shows more of the tile is nearer.
            yield round(hours), -common, offer.product_id


def write_pairs(
    path: str | os.PathLike[str],
    pairs: Iterable[FoundPair],
    notes: Iterable[str],
    settings: PairSearch,
) -> None:
    """Write a table of pairs, four products each, below notes for those who review it."""
    sources: Mapping[str, tuple[str, str]] = {
        "sentinel2": (settings.sentinel2_provider, SENTINEL2),
        "sentinel1": (settings.sentinel1_provider, SENTINEL1),
    }
    lines = [f"# {note}" for note in notes]
    lines.append("\t".join(COLUMNS))
    for pair in pairs:
        for image in ("sentinel2_t0", "sentinel2_t1", "sentinel1_t0", "sentinel1_t1"):
            offer: Offer = getattr(pair, image)
            cells = (
                pair.name,
                pair.tile,
                image,
                pair.orbit if image.startswith("sentinel1") else "",
                offer.product_id,
                *sources[image.partition("_")[0]],
                f"{offer.start:%Y-%m-%dT%H:%M:%SZ}",
                "" if offer.cloud_cover is None else f"{offer.cloud_cover:g}",
                "" if offer.size is None else str(offer.size),
            )
            lines.append("\t".join(cells))
    write_text(path, "\n".join(lines) + "\n")
