"""The validation database of a sensor: its scenes with supplied masks, as samples."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from firn import netcdf, terrain
from firn.classes import IGNORE, SurfaceClass
from firn.clouddl.scores import cloud_scores, judge_samples
from firn.config import PatchSettings
from firn.errors import DataError
from firn.inference.image import map_grid
from firn.inference.surroundings import Surroundings
from firn.methods import load_model
from firn.patches import origins
from firn.products.cloud_masks import read_mask
from firn.products.scene import open_scene
from firn.provenance import provenance
from firn.samples import DATA, SampleRow, Samples, SceneFiles, read_samples
from firn.sensors import Sensor, to_dn
from firn.splits import VALIDATION
from firn.spot_patches import cut

PathLike = str | os.PathLike[str]


def write_database_scene(
    product: PathLike,
    mask: PathLike,
    surroundings: Surroundings,
    sensor: Sensor,
    settings: PatchSettings,
    confidence: int,
    *,
    patches: PathLike,
    images: PathLike,
) -> None:
    """Cut a scene and its supplied mask into samples of the validation database.

    The two files are like those of Sentinel-2 patches and of their emulation, so that everything
    that reads samples reads them. The reflectance of each band is stored in as many steps as the
    sensor has, from the scene's lowest to its highest: a product's own steps may be missed by half
    a step.

    Parameters
    ----------
    product : path
        Any scene that can be classified.
    mask : path
        What a person supplies: see `firn.products.cloud_masks.read_mask`.
    surroundings : Surroundings
    sensor : Sensor
    settings : PatchSettings
        Size and overlap; patches at any height count.
    confidence : int
        Least confidence of the pixels of an ALCD mask.
    patches, images : path
        Files to write.

    Raises
    ------
    DataError
        The mask cannot be read, or no patch of the scene has a labelled pixel with data.
    ProductError
        The product is damaged or lacks a band.
    """
    scene = open_scene(product)
    grid = map_grid(scene)
    reflectance, saturated = scene.read(sensor.band_names, grid)
    classes = read_mask(mask, grid, confidence)
    (dem,) = surroundings.elevation(grid, [grid])
    shade = terrain.hillshade(dem, grid.resolution, scene.sun_zenith, scene.sun_azimuth)
    valid = np.isfinite(reflectance.values).all(axis=0) & (shade > 0) & np.isfinite(dem)
    judged = valid & (classes != IGNORE)
    size = settings.size
    corners = np.array(
        [
            (row, col)
            for row, col in origins(grid.shape, size, settings.overlap)
            if judged[row : row + size, col : col + size].any()
        ],
        np.int32,
    ).reshape(-1, 2)
    if not len(corners):
        raise DataError(
            f"{mask}: labels no pixel of a whole patch of {size} pixels of {scene.scene_id}; label "
            "more of the scene, or lower patches.size"
        )
    low = np.nanmin(reflectance.values, axis=(1, 2), keepdims=True)
    high = np.maximum(np.nanmax(reflectance.values, axis=(1, 2), keepdims=True), low + 1e-3)
    numbers = to_dn(np.where(valid, reflectance.values, low), high, low, sensor.bits)
    numbers[saturated & valid] = 2**sensor.bits - 1
    common = {"tile": scene.scene_id, "date": f"{scene.acquisition_time:%Y%m%d}"}
    source = provenance([scene.scene_id, Path(mask).name], {"sensor": sensor, "patches": settings})
    common["provenance"] = json.dumps(source, sort_keys=True)
    labels = np.where(valid, classes, np.uint8(IGNORE)).astype(np.uint8)
    heights = np.where(np.isfinite(dem), dem, 0).astype(np.float32)
    relief = np.where(valid, shade, 0).astype(np.uint8)
    plane = ("patch", "y", "x")
    netcdf.write(
        patches,
        xr.Dataset(
            {
                "label": (plane, cut(labels, corners, size)),
                "hillshade": (plane, cut(relief, corners, size)),
                "dem": (plane, cut(heights, corners, size), {"units": "m"}),
                "row": (("patch",), corners[:, 0]),
                "col": (("patch",), corners[:, 1]),
            },
            attrs=common,
        ),
    )
    index = np.arange(len(corners), dtype=np.int32)
    gains = {
        name: (("sample", "band"), np.tile(values.reshape(1, -1), (len(corners), 1)))
        for name, values in (("saturation", high), ("minimum", low))
    }
    netcdf.write(
        images,
        xr.Dataset(
            {
                "dn": (("sample", "band", "y", "x"), cut(numbers, corners, size)),
                "valid": (("sample", "y", "x"), cut(valid * np.uint8(DATA), corners, size)),
                **gains,
                "patch": (("sample",), index),
                "draw": (("sample",), np.zeros_like(index)),
            },
            coords={"band": list(sensor.band_names)},
            attrs=common | {"sensor": sensor.name, "bits": sensor.bits},
        ),
    )


def database_rows(scene: SceneFiles, split: str) -> list[SampleRow]:
    """Rows of all samples of a scene of the database that have a labelled pixel."""
    (patch,) = netcdf.arrays(scene.pseudo, "patch")
    stored = read_samples(scene, patch.tolist(), range(len(patch)))
    rows = []
    for index in range(len(patch)):
        labels = stored.sample(index).labels
        counts = [int(np.count_nonzero(labels == c)) for c in SurfaceClass]
        if sum(counts):
            ignored = labels.size - sum(counts)
            place = scene.tile, scene.date, int(patch[index]), index, split
            rows.append(SampleRow._make((*place, *counts, ignored)))
    return rows


def judge_database(model: PathLike, scenes: Sequence[SceneFiles]) -> dict[str, Any]:
    """Scores of a model on scenes of the database; see `firn.clouddl.scores.cloud_scores`."""
    rows = [row for scene in scenes for row in database_rows(scene, VALIDATION)]
    return cloud_scores(judge_samples(load_model(model), Samples(rows, scenes)))
