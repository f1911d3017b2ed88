"""Scores of published maps against reference rasters (method B.3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from firn import raster
from firn.classes import (
    IGNORE,
    NO_DATA,
    PROBABILITY_STEPS,
    PUBLISHED,
    Quality,
    SurfaceClass,
    from_published,
)
from firn.config import EvaluationSettings, Experiment
from firn.errors import DataError
from firn.evaluation.situations import of_ground, of_map
from firn.evaluation.tally import Strata, Tally, binned, flagged, whole
from firn.files import read_json
from firn.grid import Grid
from firn.products.cloud_masks import read_mask
from firn.products.dem import read_dem
from firn.provenance import provenance
from firn.terrain import hillshade

#: What a reference raster may hold: firn's classes, or the codes of published maps.
_CLASS_CODES = {*SurfaceClass, IGNORE}
_PUBLISHED_CODES = {*PUBLISHED.values(), NO_DATA, IGNORE}


@dataclass(frozen=True)
class JudgedMap:
    """A map, what it is judged against, and the relief below it.

    Parameters
    ----------
    scene : str
    snow, probability, quality, item : path
        The published map.
    reference : path
        Classes 0/1/2 with 255 = not judged, or published codes 0/100/205 with 254 and 255 = no
        data. Beside it there may be a raster of situations, see `firn.evaluation.situations`.
    dem : path
        Elevation, m; any CRS.
    """

    scene: str
    snow: Path
    probability: Path
    quality: Path
    item: Path
    reference: Path
    dem: Path


def judged_maps(files: Any) -> list[JudgedMap]:
    """Gather the maps of an experiment.

    Parameters
    ----------
    files : object
        Has an equally long sequence of paths for each file of a `JudgedMap` as its attribute. The
        folder of a map is named after its scene.
    """
    names = [field.name for field in fields(JudgedMap) if field.name != "scene"]
    columns = [getattr(files, name) for name in names]
    return [
        JudgedMap(Path(row[0]).parent.name, *map(Path, row)) for row in zip(*columns, strict=True)
    ]


def reference_classes(codes: npt.NDArray[np.uint8], path: Path) -> npt.NDArray[np.uint8]:
    """Classes 0/1/2/255 of a reference raster in firn's codes or in those of published maps.

    The two agree where they share a code: 0 is ground and 255 no data in both.

    Raises
    ------
    DataError
        Another code occurs.
    """
    present = set(np.unique(codes).tolist())
    if present <= _CLASS_CODES:
        return codes
    if present <= _PUBLISHED_CODES:
        return from_published(codes)
    raise DataError(
        f"{path}: holds the values {sorted(present)[:8]}; a reference has the classes 0, 1, 2 with "
        "255 for no data, or the codes 0, 100, 205 with 254; recode it"
    )


def read_reference(path: Path, grid: Grid) -> npt.NDArray[np.uint8]:
    """Classes 0/1/2/255 of a reference on a grid: a raster, or another mask of clouds.

    Polygons and ALCD masks are read by `firn.products.cloud_masks.read_mask`.

    Raises
    ------
    DataError
        The reference cannot be read, or holds other codes.
    GridError
        A raster covers nothing of the grid.
    """
    if path.is_dir() or path.suffix.lower() in (".geojson", ".json"):
        return read_mask(path, grid)
    codes = raster.read_on(path, grid, "nearest", indexes=[1], fill=IGNORE)[0]
    return reference_classes(codes, path)


def evaluate_maps(
    maps: Sequence[JudgedMap],
    name: str,
    experiment: Experiment,
    settings: EvaluationSettings,
    *,
    seed: int,
) -> dict[str, Any]:
    """Score the maps of one experiment.

    Pixels are left out, and counted under the first reason that holds, within the no-data buffer,
    where the map has no data, in water, and where the reference does not judge. Forest is left out
    of all scores but its own stratum. Situations that need knowledge of the ground are read from a
    raster beside the reference where there is one (`firn.evaluation.situations`).

    Parameters
    ----------
    maps : sequence of JudgedMap
    name : str
        Name of the experiment.
    experiment : Experiment
    settings : EvaluationSettings
    seed : int

    Returns
    -------
    dict
        The content of ``historical.json``.

    Raises
    ------
    DataError
        There is no map, a raster cannot be read, or a reference holds other codes.
    GridError
        A reference or the DEM does not cover its scene.
    """
    tally = Tally()
    for judged_map in maps:
        _add(tally, judged_map, experiment, settings)
    description = {"name": name, **experiment.model_dump(), "judged_on": "historical"}
    metrics = tally.metrics(description, resamples=settings.bootstrap, seed=seed)
    models = {f"model {_properties(judged_map.item)['firn:model']}" for judged_map in maps}
    references = ["/".join(judged_map.reference.parts[-2:]) for judged_map in maps]
    sources = [*tally.scenes, *references, *models]
    return metrics | {"provenance": provenance(sources, {"evaluation": settings, "seed": seed})}


def _properties(item: Path) -> dict[str, Any]:
    """Properties of a map's STAC item, those that an evaluation needs among them."""
    properties: dict[str, Any] = read_json(item).get("properties", {})
    needed = ("view:sun_elevation", "view:sun_azimuth", "firn:model")
    if missing := [key for key in needed if key not in properties]:
        raise DataError(f"{item}: does not tell {', '.join(missing)}; classify the scene again")
    return properties


def _sun(item: Path) -> tuple[float, float]:
    """Zenith and azimuth of the sun in degrees, from the STAC item of a map."""
    properties = _properties(item)
    try:
        return 90 - float(properties["view:sun_elevation"]), float(properties["view:sun_azimuth"])
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{item}: its view:sun_elevation or view:sun_azimuth is no number ({error}); classify "
            "the scene again"
        ) from error


def _add(
    tally: Tally, judged_map: JudgedMap, experiment: Experiment, settings: EvaluationSettings
) -> None:
    grid = raster.grid_of(judged_map.snow)
    codes = raster.read_values(judged_map.snow)[0]
    quality = raster.read_values(judged_map.quality)[0]
    confidence = raster.read_values(judged_map.probability).max(axis=0) / PROBABILITY_STEPS
    reference = read_reference(judged_map.reference, grid)
    dem = read_dem(judged_map.dem, grid).elevation
    sun_zenith, sun_azimuth = _sun(judged_map.item)
    predicted = from_published(codes)
    known = tally.exclude(
        {
            "nodata_buffer": (quality & Quality.NODATA_BUFFER) > 0,
            "no_data": codes == NO_DATA,
            "water": (quality & Quality.WATER) > 0,
            "reference": reference == IGNORE,
        }
    )
    forest = known & ((quality & Quality.FOREST) > 0)
    judged = known & tally.exclude({"forest": forest})
    tally.add_part("forest", "forest", judged_map.scene, reference, predicted, forest)
    told = of_map(reference, quality, 90 - sun_zenith, grid.resolution)
    for name, where in (told | of_ground(judged_map.reference, grid)).items():
        tally.add_part("situation", name, judged_map.scene, reference, predicted, judged & where)
    shade = hillshade(dem, grid.resolution, sun_zenith, sun_azimuth)
    saturated = (quality & Quality.SATURATED) > 0
    strata: Mapping[str, Strata] = {
        "hillshade": binned(np.where(shade > 0, shade, np.nan), settings.hillshade_edges, ""),
        "elevation": binned(dem, settings.elevation_edges, " m"),
        "sun_elevation": binned(90 - sun_zenith, settings.sun_elevation_edges, "°"),
        "saturation": flagged(saturated, "saturated", "unsaturated"),
        "forest": whole("open"),
        "sensor": whole(experiment.sensor),
    }
    tally.add(judged_map.scene, reference, predicted, confidence, strata, judged)
