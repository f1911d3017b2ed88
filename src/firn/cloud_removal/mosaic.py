"""Simulated tiles put back on the map."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import numpy.typing as npt

from firn import cog
from firn.cloud_removal.baselines import Simulator
from firn.cloud_removal.severity import SEVERITIES, UNKNOWN, Index, burn_severity
from firn.cloud_removal.tiles import PathLike, area_grids, read_tiles, tile_bands, tile_count
from firn.errors import DataError
from firn.files import scratch_folder
from firn.sensors import STACK_NODATA, STACK_SCALE

#: Colours of severities, from pale to dark.
SEVERITY_COLOURS = {0: "#e8e8e0", 1: "#fec44f", 2: "#d95f0e", 3: "#7f2704"}


def write_mosaics(
    simulator: Simulator,
    files: Sequence[PathLike],
    area: str,
    image: PathLike,
    severity: PathLike,
    index: Index,
    provenance: Mapping[str, Any],
) -> None:
    """Simulate all tiles of an area and write the image and its burn severity, atomically.

    One tile at a time is in memory.

    Parameters
    ----------
    simulator : Simulator
    files : sequence of path
        Files of tiles, of all splits.
    area : str
    image : path
        Cloud-optimised GeoTIFF, uint16: reflectance x 10000, 0 = no data, a band for each.
    severity : path
        Cloud-optimised GeoTIFF, uint8: 0 unburnt, 1 low, 2 moderate, 3 high, 255 = no data.
    index : str
        Index whose change tells the severity.
    provenance : mapping
        Written as tags.

    Raises
    ------
    DataError
        No tile lies in the area, the files have different bands, or lack one of the index.
    """
    bands = tile_bands(files[0])
    if any(tile_bands(path) != bands for path in files):
        raise DataError(f"{files[0]} and the other splits have different bands; make them again")
    grid = next((grids[area] for path in files if area in (grids := area_grids(path))), None)
    if grid is None:
        raise DataError(f"{files[0]}: no tile of any split lies in {area}; correct the name")
    tags = {f"FIRN_{name.upper()}": str(value) for name, value in provenance.items()}
    with scratch_folder() as scratch:
        plain = scratch / "image.tif", scratch / "severity.tif"
        with ExitStack() as open_files:
            pieces = open_files.enter_context(
                cog.pieces(
                    plain[0],
                    grid,
                    np.uint16,
                    nodata=STACK_NODATA,
                    count=len(bands),
                    band_names=bands,
                    tags=tags,
                )
            )
            burned = open_files.enter_context(
                cog.pieces(
                    plain[1],
                    grid,
                    np.uint8,
                    nodata=UNKNOWN,
                    band_names=("severity",),
                    tags=tags,
                    colours=SEVERITY_COLOURS,
                    categories=dict(enumerate(SEVERITIES)),
                )
            )
            for path in files:
                for number in range(tile_count(path)):
                    tile = read_tiles(path, [number])
                    if tile.area[0] != area:
                        continue
                    simulated = simulator.simulate(tile)[0]
                    place = int(tile.tile_row[0]), int(tile.tile_col[0])
                    pieces.write(to_stack(simulated), *place)
                    before = tile.sentinel2_t0[0]
                    burned.write(burn_severity(before, simulated, bands, index), *place)
        cog.publish(plain[0], image, "average")
        cog.publish(plain[1], severity)


def to_stack(reflectance: npt.NDArray[np.floating]) -> npt.NDArray[np.uint16]:
    """Reflectance x 10000, 1 at least; 0 where a band has no data."""
    known = np.isfinite(reflectance).all(axis=0)
    scaled = np.rint(np.where(known, reflectance, 0) * STACK_SCALE)
    top = np.iinfo(np.uint16).max - 1
    return np.where(known, np.clip(scaled, 1, top), STACK_NODATA).astype(np.uint16)
