"""Patches of SPOT products, cut as those of a Sentinel-2 scene and stored as pseudo-SPOT is."""

import json
import os

import numpy as np
import numpy.typing as npt
import xarray as xr
from affine import Affine
from rasterio.crs import CRS

from firn import netcdf
from firn.grid import Grid
from firn.products.swh import open_swh
from firn.provenance import provenance
from firn.samples import DATA
from firn.sensors import Sensor, to_dn

PathLike = str | os.PathLike[str]


def cut(
    image: npt.NDArray[np.generic], corners: npt.NDArray[np.int32], size: int
) -> npt.NDArray[np.generic]:
    """Cut squares of ``size`` pixels out of (..., y, x), at upper-left pixels (patch, 2)."""
    return np.stack([image[..., row : row + size, col : col + size] for row, col in corners])


def write_spot_patches(
    product: PathLike, patches: PathLike, sensor: Sensor, output: PathLike
) -> None:
    """Cut a SPOT product where the patches of a Sentinel-2 scene lie.

    The product is warped to the tile's grid as scenes to be classified are to theirs. The file is
    like that of `firn.emulation.patches`, one sample per patch, all with the gains of the product.

    Parameters
    ----------
    product : path
        SWH Level-1C product.
    patches : path
        Patch file of the Sentinel-2 scene.
    sensor : Sensor
    output : path
        NetCDF.

    Raises
    ------
    ProductError
        The product is damaged or lacks a band.
    """
    geometry = netcdf.attributes(patches, "tile", "date", "crs", "transform", "size")
    rows, cols = netcdf.arrays(patches, "row", "col")
    grid = Grid(
        CRS.from_wkt(geometry["crs"]),
        Affine(*geometry["transform"]),
        int(geometry["height"]),
        int(geometry["width"]),
    )
    scene = open_swh(product)
    reflectance, saturated = scene.read(sensor.band_names, grid)
    gains = [
        np.array([table[band] for band in sensor.band_names], np.float32)
        for table in (scene.saturation, scene.minimum)
    ]
    high, low = (values[:, None, None] for values in gains)
    valid = np.isfinite(reflectance.values).all(axis=0)
    dn = to_dn(np.where(valid, reflectance.values, low), high, low, sensor.bits)
    dn[saturated & valid] = 2**sensor.bits - 1
    corners, size = np.stack([rows, cols], axis=1), int(geometry["size"])
    index = np.arange(len(corners), dtype=np.int32)
    saturation, minimum = (np.tile(values, (len(corners), 1)) for values in gains)
    units = {"units": "1"}
    dataset = xr.Dataset(
        {
            "dn": (("sample", "band", "y", "x"), cut(dn, corners, size)),
            "valid": (("sample", "y", "x"), cut(valid * np.uint8(DATA), corners, size)),
            "saturation": (("sample", "band"), saturation, units),
            "minimum": (("sample", "band"), minimum, units),
            "patch": (("sample",), index),
            "draw": (("sample",), np.zeros_like(index)),
        },
        coords={"band": list(sensor.band_names)},
        attrs={
            "sensor": sensor.name,
            "instrument": scene.instrument,
            "bits": sensor.bits,
            "tile": geometry["tile"],
            "date": str(geometry["date"]),
            "provenance": json.dumps(provenance([scene.scene_id], {"sensor": sensor})),
        },
    )
    netcdf.write(output, dataset)
