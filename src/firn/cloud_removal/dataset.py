"""The data set: pairs cut into tiles, split by blocks of ground; what is left out is counted."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from firn import netcdf, raster
from firn.cloud_removal.normalisation import Normalisation
from firn.cloud_removal.pairs import PairFiles
from firn.cloud_removal.tiles import (
    DIMS,
    OTHER_DATES,
    POLARISATIONS,
    SPLITS,
    attributes,
    read_tiles,
    tile_bands,
    tile_count,
)
from firn.cloud_removal_config import NormalisationSettings, TileSettings
from firn.errors import DataError, GridError
from firn.files import write_json
from firn.patches import origins
from firn.provenance import provenance
from firn.sensors import STACK_NODATA, STACK_SCALE
from firn.splits import PatchKey, block_anchors, split_blocks, touched

Array = npt.NDArray[Any]
PathLike = str | os.PathLike[str]

#: Why a tile is left out.
REASONS = ("all_cloud", "little_data", "constant_band", "crosses_blocks", "taught_ground")
#: Tiles of which the moments are gathered at a time.
_PIECE = 32


class _Tile(NamedTuple):
    """Variables of one tile but its place, by name."""

    key: PatchKey
    values: dict[str, Array]


def _tiles(area: str, files: PairFiles, size: int) -> Iterator[_Tile]:
    """Tiles of a pair in reading order, a row of them in memory at a time."""
    grid = raster.grid_of(files.sentinel2_t1)
    for path in vars(files).values():
        if raster.grid_of(path) != grid:
            raise GridError(f"{path}: is not on the grid of {files.sentinel2_t1}; make both again")
    for row in range(0, grid.height - size + 1, size):
        window = row, 0, size, grid.width
        strip: dict[str, Array] = {}
        for name, path in vars(files).items():
            data = raster.read(path, window=window).values
            if data.dtype == np.uint16:
                scaled = data.astype(np.float32) / np.float32(STACK_SCALE)
                strip[name] = np.where(data == STACK_NODATA, np.float32(np.nan), scaled)
            else:
                strip[name] = data[0] if data.dtype == np.uint8 else data
        for _, col in origins((size, grid.width), size, 0):
            values = {name: image[..., col : col + size] for name, image in strip.items()}
            values["year_low"] = np.fmin.reduce(values["year_low"], axis=(1, 2))
            values["year_high"] = np.fmax.reduce(values["year_high"], axis=(1, 2))
            yield _Tile(PatchKey(area, "", row, col), values)


def reason_to_skip(values: Mapping[str, Array], settings: TileSettings) -> str | None:
    """Give the reason for which a tile cannot be used, None where it can.

    Parameters
    ----------
    values : mapping of variable to ndarray
        Of one tile.
    settings : TileSettings

    Returns
    -------
    str or None
        ``all_cloud``: the later image is under cloud. ``little_data``: too few pixels have data in
        every image. ``constant_band``: a band of an image has one value alone.
    """
    if values["cloud_t1"].mean() > settings.maximum_cloud:
        return "all_cloud"
    images = [values[f"sentinel{n}_{date}"] for n in (1, 2) for date in ("t0", "t1")]
    known = np.all([np.isfinite(image).all(axis=0) for image in images], axis=0)
    if known.mean() < settings.minimum_data:
        return "little_data"
    for image in images:
        flat = image.reshape(len(image), -1)
        if np.any(np.fmax.reduce(flat, axis=1) <= np.fmin.reduce(flat, axis=1)):
            return "constant_band"
    return None


def build_tiles(
    pairs: Mapping[str, PairFiles],
    settings: TileSettings,
    seed: int,
    outputs: Mapping[str, PathLike],
    report: PathLike,
) -> None:
    """Cut pairs into tiles, split them by blocks of ground and write a file per split.

    Pairs over the same ground share its blocks, so that no ground is in two splits. Of the pairs
    that test alone, the tiles on ground where nothing trains or validates are a split of their own.

    Parameters
    ----------
    pairs : mapping of area to PairFiles
    settings : TileSettings
    seed : int
    outputs : mapping of split to path
        Files of tiles: those of `SPLITS`, and `OTHER_DATES` where pairs test alone.
    report : path
        JSON: tiles by split and area, and how many were left out for which reason.

    Raises
    ------
    GridError
        The files of a pair are not on one grid.
    DataError
        A split is left without tiles.
    """
    grids = {area: raster.grid_of(files.sentinel2_t1) for area, files in pairs.items()}
    bands = raster.band_names(next(iter(pairs.values())).sentinel2_t1)
    anchors = block_anchors(grids)
    skipped: dict[str, Counter[str]] = {area: Counter() for area in pairs}
    kept: dict[PatchKey, set[Any]] = {}
    for area, files in pairs.items():
        for tile in _tiles(area, files, settings.size):
            if reason := reason_to_skip(tile.values, settings):
                skipped[area][reason] += 1
            else:
                kept[tile.key] = touched(
                    tile.key, anchors[area], settings.size, settings.block_size
                )
    alone = set(settings.test_pairs)
    dealt = {key: touches for key, touches in kept.items() if key.tile not in alone}
    blocks = split_blocks(dealt, settings.validation, settings.test, seed)
    # The splits of the rest of firn are called as their files are: evaluation is the test.
    names = dict(zip(("train", "validation", "evaluation"), SPLITS, strict=True))
    split_of: dict[PatchKey, str] = {}
    taught: set[Any] = set()
    for key, touches in dealt.items():
        of_blocks = {names[blocks.get(block, "train")] for block in touches}
        if len(of_blocks) > 1:
            skipped[key.tile]["crosses_blocks"] += 1
            continue
        split_of[key] = of_blocks.pop()
        if split_of[key] != "test":
            taught |= touches
    for key, touches in kept.items():
        if key.tile not in alone:
            continue
        if touches & taught:
            skipped[key.tile]["taught_ground"] += 1
        else:
            split_of[key] = OTHER_DATES
    splits = (*SPLITS, OTHER_DATES) if alone else SPLITS
    counts = {split: Counter(k.tile for k, s in split_of.items() if s == split) for split in splits}
    total = Counter[str]()
    for reasons in skipped.values():
        total.update(reasons)
    content = {
        "bands": list(bands),
        "size": settings.size,
        "tiles": {split: counts[split].total() for split in splits},
        "skipped": {reason: total[reason] for reason in REASONS},
        "areas": {
            area: {
                "tiles": {split: counts[split][area] for split in splits},
                "skipped": {reason: skipped[area][reason] for reason in REASONS},
            }
            for area in pairs
        },
    }
    write_json(report, content)
    if empty := [split for split in splits if not counts[split]]:
        raise DataError(
            f"{report}: no tiles are left for {', '.join(empty)} ({content['skipped']} were left "
            "out); give more pairs, or lower cloud_removal.tiles.size or block_size"
        )
    made = provenance(sorted(str(files.sentinel2_t1) for files in pairs.values()), settings)
    place: dict[PatchKey, tuple[str, int]] = {}
    with ExitStack() as stack:
        files_of = {}
        for split in splits:
            chosen = [key for key, of in split_of.items() if of == split]
            place |= {key: (split, row) for row, key in enumerate(chosen)}
            used = {area: grid for area, grid in grids.items() if counts[split][area]}
            places = _places(chosen, attributes(bands, used, made))
            layouts = _layouts(len(chosen), len(bands), settings.size)
            files_of[split] = stack.enter_context(netcdf.filled(outputs[split], places, layouts))
        for area, files in pairs.items():
            for tile in _tiles(area, files, settings.size):
                if tile.key in place:
                    split, row = place[tile.key]
                    for name, variable in files_of[split].items():
                        variable[row] = tile.values[name]


def _places(chosen: Sequence[PatchKey], described: Mapping[str, str]) -> xr.Dataset:
    """Where tiles lie: what a file holds from the start."""
    return xr.Dataset(
        {
            "tile_row": (("tile",), np.array([key.row for key in chosen], np.int32)),
            "tile_col": (("tile",), np.array([key.col for key in chosen], np.int32)),
            "area": (("tile",), np.array([key.tile for key in chosen], object)),
        },
        attrs=described,
    )


def _layouts(count: int, bands: int, size: int) -> dict[str, netcdf.Layout]:
    """Give what is filled tile by tile."""
    sizes = {"tile": count, "polarisation": len(POLARISATIONS), "band": bands, "y": size, "x": size}
    return {
        name: netcdf.Layout(dims, tuple(sizes[dim] for dim in dims), dtype)
        for name, (dims, dtype) in DIMS.items()
        if len(dims) > 1
    }


def fit_normalisation(
    train: PathLike, settings: NormalisationSettings, output: PathLike
) -> Normalisation:
    """Fit the normalisation on the training tiles and write it as JSON."""
    count = tile_count(train)
    pieces = (
        read_tiles(train, rows=range(start, min(start + _PIECE, count)))
        for start in range(0, count, _PIECE)
    )
    normalisation = Normalisation.fit(pieces, tile_bands(train), settings)
    write_json(output, normalisation.as_dict())
    return normalisation
