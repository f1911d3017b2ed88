"""Training labels: snow maps, with the clouds and the ground that can be trusted.

The filters are those of the reference method. ``tcd-only`` is that of Barrou Dumont et al. (2024),
IEEE JSTARS; it takes every cloud of the snow map, cloud shadow and thin cirrus included, which a
SPOT image does not show. The other two are its later corrections: they keep a cloud only where MAJA
saw it by a test on the image itself.
"""

import json
import os
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from firn import raster
from firn.classes import IGNORE, SurfaceClass, from_published
from firn.config import LabelSettings
from firn.errors import GridError, ProductError
from firn.grid import Grid
from firn.products.identity import TileDate, check_name, check_tile_date
from firn.products.maja import CLM_HIGH_CLOUD, CLM_MONO_TEMPORAL, open_l2a
from firn.products.snow import read_snow
from firn.provenance import provenance

if TYPE_CHECKING:
    import xarray as xr

ByteArray = npt.NDArray[np.uint8]

#: CLM bits of which a cloud needs one, by filter; None takes every cloud of the snow map.
TRUSTED_CLOUDS = MappingProxyType(
    {
        "tcd-only": None,
        "tcd-blue": CLM_MONO_TEMPORAL,
        "tcd-cirrus-blue": CLM_MONO_TEMPORAL | CLM_HIGH_CLOUD,
    }
)


def make_labels(
    snow: ByteArray, cloud_mask: ByteArray, exclusion: ByteArray, cloud_filter: str
) -> ByteArray:
    """Labels of one scene.

    Parameters
    ----------
    snow : ndarray of uint8, (y, x)
        Theia codes 0, 100, 205, 254.
    cloud_mask : ndarray of uint8, (y, x)
        MAJA CLM.
    exclusion : ndarray of uint8, (y, x)
        Not 0 where a pixel takes no part (forest, water).
    cloud_filter : str
        A key of `TRUSTED_CLOUDS`.

    Returns
    -------
    ndarray of uint8, (y, x)
        0 ground, 1 snow, 2 cloud, 255 ignore.
    """
    labels = from_published(snow)
    trusted = TRUSTED_CLOUDS[cloud_filter]
    if trusted is not None:
        labels[(labels == SurfaceClass.CLOUD) & ((cloud_mask & trusted) == 0)] = IGNORE
    labels[exclusion != 0] = IGNORE
    return labels


def write_labels(
    snow: str | os.PathLike[str],
    l2a: str | os.PathLike[str],
    exclusion: str | os.PathLike[str],
    row: TileDate,
    settings: LabelSettings,
    output: str | os.PathLike[str],
) -> None:
    """Write the labels of one scene as a GeoTIFF on the grid of ``exclusion``.

    Parameters
    ----------
    snow, l2a : path
        Snow product (any that `firn.products.snow` knows), or snow map by
        `firn.snow_maps.write_snow_map` (.tif), and MAJA product.
    exclusion : path
        Raster of `firn.terrain.exclusion`.
    row : TileDate
        Tile and date that the products must be of.
    settings : LabelSettings
    output : path

    Raises
    ------
    ProductError
        A product is damaged or incomplete, or of another tile or date.
    GridError
        The three are not on one grid.
    """
    grid = raster.grid_of(exclusion)
    codes = _read_codes(snow, settings.snow_fraction_min)
    check_name(snow, codes.attrs["product_id"], row)
    maja = open_l2a(l2a, settings.cloud_layout)
    check_tile_date(l2a, maja.tile, maja.sensing_time, row)
    cloud_mask = maja.cloud_mask()
    for path, data in ((snow, codes), (l2a, cloud_mask)):
        if Grid.of(data) != grid:
            raise GridError(
                f"{path}: has {_place(Grid.of(data))}, expected {_place(grid)} as in {exclusion}; "
                "give products of the same tile"
            )
    excluded = raster.read_values(exclusion)[0]
    labels = make_labels(codes.values, cloud_mask.values, excluded, settings.filter)
    source = provenance(sorted({maja.product_id, codes.attrs["product_id"]}), settings)
    raster.write(
        output,
        labels,
        grid,
        nodata=IGNORE,
        band_names=["label"],
        tags={"product_id": maja.product_id, "FIRN_PROVENANCE": json.dumps(source, sort_keys=True)},
    )


def write_true_labels(
    truth: str | os.PathLike[str],
    exclusion: str | os.PathLike[str],
    output: str | os.PathLike[str],
) -> None:
    """Write labels that are the truth of a virtual scene.

    They are for one experiment alone: the upper bound of what any labels could teach.

    Parameters
    ----------
    truth : path
        Raster of published codes, 255 = not judged.
    exclusion : path
        Raster of `firn.terrain.exclusion`, on the same grid.
    output : path

    Raises
    ------
    GridError
        The two are not on one grid.
    """
    grid, own = raster.grid_of(exclusion), raster.grid_of(truth)
    if own != grid:
        raise GridError(
            f"{truth}: has {_place(own)}, expected {_place(grid)} as in {exclusion}; "
            "give the truth of the same tile"
        )
    labels = from_published(raster.read_values(truth)[0])
    labels[raster.read_values(exclusion)[0] != 0] = IGNORE
    source = provenance([Path(truth).parent.name], {"truth": True})
    raster.write(
        output,
        labels,
        grid,
        nodata=IGNORE,
        band_names=["label"],
        tags={"FIRN_PROVENANCE": json.dumps(source, sort_keys=True)},
    )


def _read_codes(snow: str | os.PathLike[str], fraction_min: float) -> "xr.DataArray":
    """Codes of a snow product, or of a snow map that firn made."""
    if Path(snow).suffix != ".tif":
        return read_snow(snow, fraction_min)
    tags = raster.tags(snow)
    if "FIRN_PROVENANCE" not in tags:
        raise ProductError(
            f"{snow}: is not a snow map that firn made; give the zip or folder of a snow product, "
            "or leave the column empty and firn makes the map"
        )
    return raster.read(snow)[0].assign_attrs(product_id=tags["product_id"])


def _place(grid: Grid) -> str:
    left, _, _, top = grid.bounds
    return (
        f"{grid.height} x {grid.width} pixels of {grid.resolution:g} m from "
        f"({left:.0f}, {top:.0f}) in EPSG:{grid.crs.to_epsg()}"
    )
