"""Small patch and pseudo-SPOT files, written as their stages write them."""

from pathlib import Path

import numpy as np
import xarray as xr
from rasterio.crs import CRS

from firn import netcdf
from firn.samples import SceneFiles

SIZE = 8
BANDS = ("XS1", "XS2", "XS3")


def write_scene(
    folder: Path,
    tile: str,
    date: str,
    labels: np.ndarray,
    *,
    dn: int = 51,
    corners: tuple[tuple[int, int], ...] = ((0, 0),),
    top: float = 5200020.0,
) -> SceneFiles:
    """Write patches of constant value: 1000 to 4000 in B02 to B08 and 0 in B11, DN ``dn``, 2000 m.

    Saturation is 0.6, minimum 0.1. ``labels`` is (patch, y, x). Pixel (0, 0) of every patch has no
    data.
    """
    count = len(corners)
    size = labels.shape[-1]
    images = (count, size, size)
    assert labels.shape == images
    toa = np.array([1000, 2000, 3000, 4000, 0], np.uint16).reshape(1, 5, 1, 1)
    patches = xr.Dataset(
        {
            "toa": (("patch", "band", "y", "x"), np.tile(toa, (count, 1, size, size))),
            "label": (("patch", "y", "x"), labels.astype(np.uint8)),
            "hillshade": (("patch", "y", "x"), np.full(images, 180, np.uint8)),
            "dem": (("patch", "y", "x"), np.full(images, 2000, np.float32)),
            "row": (("patch",), np.array([row for row, _ in corners], np.int32)),
            "col": (("patch",), np.array([col for _, col in corners], np.int32)),
        },
        coords={"band": ["B02", "B03", "B04", "B08", "B11"]},
        attrs={
            "tile": tile,
            "date": date,
            "size": size,
            "overlap": 2,
            "platform": "sentinel2a",
            "sun_zenith": 50.0,
            "crs": CRS.from_epsg(32632).to_wkt(),
            "transform": [20.0, 0.0, 600000.0, 0.0, -20.0, top],
            "height": 60,
            "width": 60,
        },
    )
    valid = np.ones(images, np.uint8)
    valid[:, 0, 0] = 0
    draws = np.ones((count, len(BANDS)), np.float32)
    pseudo = xr.Dataset(
        {
            "dn": (
                ("sample", "band", "y", "x"),
                np.full((count, len(BANDS), size, size), dn, np.uint8),
            ),
            "valid": (("sample", "y", "x"), valid),
            "saturation": (("sample", "band"), np.float32(0.6) * draws),
            "minimum": (("sample", "band"), np.float32(0.1) * draws),
            "saturation_scene": (("sample",), np.array(["SPOT2-HRV1"] * count, object)),
            "patch": (("sample",), np.arange(count, dtype=np.int32)),
            "draw": (("sample",), np.zeros(count, np.int32)),
        },
        coords={"band": list(BANDS)},
        attrs={"tile": tile, "date": date, "sensor": "spot2", "area": "alps", "bits": 8},
    )
    files = SceneFiles(
        tile,
        date,
        folder / "patches" / tile / f"{date}.nc",
        folder / "pseudo" / tile / f"{date}.nc",
    )
    netcdf.write(files.patches, patches)
    netcdf.write(files.pseudo, pseudo)
    return files
