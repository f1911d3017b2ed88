"""Let-it-snow on SPOT images, as a yardstick for the snow of other maps.

The algorithm needs a cloud mask, which SPOT products lack. It is given the clouds of the reference,
so its maps are judged on snow alone. It was made for slope-corrected surface reflectance and here
gets what SPOT products hold, reflectance at the top of the atmosphere; its thresholds are left as
they were published.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from firn import raster
from firn.classes import (
    CLASS_NAMES,
    IGNORE,
    NO_DATA,
    PROBABILITY_STEPS,
    SurfaceClass,
    from_published,
)
from firn.config import EvaluationSettings, Experiment, SnowMapSettings
from firn.evaluation.maps import JudgedMap, evaluate_maps, reference_classes
from firn.files import scratch_folder
from firn.products import Scene
from firn.products.dem import read_dem
from firn.provenance import provenance
from firn.snow_reference import CLM_HIGH_CLOUD, snow_map


def evaluate_let_it_snow(
    maps: Sequence[JudgedMap],
    scenes: Sequence[Scene],
    bands: tuple[str, ...],
    name: str,
    experiment: Experiment,
    settings: EvaluationSettings,
    *,
    seed: int,
) -> dict[str, Any]:
    """Score Let-it-snow on the scenes that another method is judged on.

    Parameters
    ----------
    maps : sequence of JudgedMap
        Maps of the other method.
    scenes : sequence of Scene
        What they were made from, in their order.
    bands : tuple of str
        For green, red and SWIR, see `firn.snow_bands`.
    name, experiment, settings, seed
        As of `firn.evaluation.evaluate_maps`.

    Returns
    -------
    dict
        As `firn.evaluation.evaluate_maps` gives it.

    Raises
    ------
    DataError, GridError, ProductError
        As `with_let_it_snow` and `firn.evaluation.evaluate_maps`.
    """
    with scratch_folder() as scratch:
        own = [
            with_let_it_snow(judged, scene, bands, scratch / judged.scene)
            for judged, scene in zip(maps, scenes, strict=True)
        ]
        metrics = evaluate_maps(own, name, experiment, settings, seed=seed)
    # There is no model; that of the map whose grid and quality are shared is not this one's.
    source = provenance([one.scene for one in own], {"evaluation": settings, "seed": seed})
    return metrics | {"provenance": source}


def with_let_it_snow(
    judged: JudgedMap, scene: Scene, bands: tuple[str, ...], folder: Path
) -> JudgedMap:
    """Map the snow of a scene by Let-it-snow, on the grid of another method's map of it.

    Parameters
    ----------
    judged : JudgedMap
        The other map. Where it has no data this one has none either.
    scene : Scene
    bands : tuple of str
        For green, red and SWIR, see `firn.snow_bands`.
    folder : path
        Gets ``snow.tif`` and ``probability.tif``.

    Returns
    -------
    JudgedMap
        With the new map in place of the other.

    Raises
    ------
    DataError
        The reference holds other codes.
    GridError, ProductError
        The scene or a raster cannot be read, or they share no ground.
    """
    grid = raster.grid_of(judged.snow)
    green, red, swir = scene.read(bands, grid)[0].values
    codes = raster.read_on(judged.reference, grid, "nearest", indexes=[1], fill=IGNORE)[0]
    cloud = reference_classes(codes, judged.reference) == SurfaceClass.CLOUD
    valid = (raster.read(judged.snow).values[0] != NO_DATA) & ~np.isnan(green + red + swir)
    snow = snow_map(
        green,
        red,
        swir,
        read_dem(judged.dem, grid).elevation,
        # High cloud stays cloud, whatever is seen below.
        np.where(cloud, CLM_HIGH_CLOUD, 0).astype(np.uint8),
        valid,
        SnowMapSettings(),
    )
    classes = from_published(snow)
    sure = np.stack([classes == c for c in range(len(CLASS_NAMES))]) * np.uint8(PROBABILITY_STEPS)
    new = replace(judged, snow=folder / "snow.tif", probability=folder / "probability.tif")
    raster.write(new.snow, snow, grid, nodata=NO_DATA)
    raster.write(new.probability, sure.astype(np.uint8), grid)
    return new
