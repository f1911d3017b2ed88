"""Sun angles at each pixel, from the coarse grids in Sentinel-2 metadata.

Source: Sentinel-2 Products Specification Document (S2-PDGS-TAS-DI-PSD): 23 x 23 nodes a tile, 5 km
apart, the first one on the tile's upper-left corner.
"""

from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from firn import raster
from firn.errors import ProductError
from firn.grid import Grid
from firn.products.xml import Metadata

if TYPE_CHECKING:
    import xarray as xr

FloatArray = npt.NDArray[np.floating[Any]]


def read_sun_angles(metadata: Metadata, target: Grid) -> "xr.DataArray":
    """Interpolate the sun angles of a tile to the centre of each pixel (bilinear).

    Parameters
    ----------
    metadata : Metadata
        Holds one ``Sun_Angles_Grid``.
    target : Grid
        Covers the whole tile, from its upper-left corner on.

    Returns
    -------
    DataArray of float32, (angle, y, x), degrees
        ``angle`` is ``zenith`` and ``azimuth``, the latter clockwise from north, 0 to 360.

    Raises
    ------
    ProductError
        A grid is missing, has a node that is no angle, or does not span the tile.
    """
    zenith = _interpolate(*_nodes(metadata, "Zenith", 90, target), target)
    nodes, step = _nodes(metadata, "Azimuth", 360, target)
    # Around the first node there is no jump from 360 to 0: the sun moves by about 1 degree a tile.
    turned = (nodes - nodes[0, 0] + 180) % 360 - 180
    azimuth = (_interpolate(turned, step, target) + nodes[0, 0]) % 360
    angles = np.stack([zenith, azimuth]).astype(np.float32)
    return raster.data_array(
        angles, target, name="sun_angles", units="degree", band=["zenith", "azimuth"]
    ).rename(band="angle")


def _nodes(
    metadata: Metadata, angle: str, largest: float, target: Grid
) -> tuple[FloatArray, tuple[float, float]]:
    """Angles at the nodes, (row, column), and the distance of rows and of columns in metres."""
    path = f"Sun_Angles_Grid/{angle}"
    step = (
        metadata.number(f"{path}/ROW_STEP", 1, 1e6),
        metadata.number(f"{path}/COL_STEP", 1, 1e6),
    )
    values = f"{path}/Values_List/VALUES"
    rows = [
        [metadata.as_number(text, values, 0, largest) for text in (element.text or "").split()]
        for element in metadata.elements(values)
    ]
    left, bottom, right, top = target.bounds
    expected = ceil((top - bottom) / step[0]) + 1, ceil((right - left) / step[1]) + 1
    if len(rows) != expected[0] or {len(row) for row in rows} != {expected[1]}:
        raise ProductError(
            f"{metadata.source}: {path} has {len(rows)} rows of {sorted({len(r) for r in rows})} "
            f"angles, expected {expected[0]} rows of {expected[1]} to span the tile; fetch the "
            "product again"
        )
    return np.array(rows), step


def _interpolate(nodes: FloatArray, step: tuple[float, float], target: Grid) -> FloatArray:
    rows = (np.arange(target.height) + 0.5) * -target.transform.e / step[0]
    columns = (np.arange(target.width) + 0.5) * target.transform.a / step[1]
    return _along_rows(_along_rows(nodes, rows).T, columns).T


def _along_rows(nodes: FloatArray, positions: FloatArray) -> FloatArray:
    """Values at fractional row numbers, by linear interpolation between the rows of ``nodes``."""
    lower = np.minimum(positions.astype(int), len(nodes) - 2)
    weight = (positions - lower)[:, np.newaxis]
    return np.asarray(nodes[lower] * (1 - weight) + nodes[lower + 1] * weight)
