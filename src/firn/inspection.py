"""What a file is, in a few lines."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from firn import netcdf, raster
from firn.errors import ProductError
from firn.methods.model_file import card_of, read_tensors
from firn.products.dimap import open_l1a
from firn.products.maja import open_l2a
from firn.products.sentinel2 import open_l1c
from firn.products.swh import open_swh
from firn.products.take5 import open_take5

PathLike = str | os.PathLike[str]


def _model(path: PathLike) -> dict[str, Any]:
    tensors, metadata = read_tensors(path)
    card = card_of(metadata, path)
    return {
        "kind": "model",
        "method": card.method,
        "sensor": card.sensor,
        "channels": list(card.channels),
        "classes": list(card.classes),
        "architecture": dict(card.architecture),
        "parameters": sum(int(values.size) for values in tensors.values()),
        "training": dict(card.training),
        "temperature": card.temperature,
        "firn_version": metadata["firn_version"],
        "provenance": dict(card.provenance),
    }


def _netcdf(path: PathLike) -> dict[str, Any]:
    with netcdf.read(path) as dataset:
        return {
            "kind": "NetCDF",
            "sizes": {str(name): size for name, size in dataset.sizes.items()},
            "variables": [str(name) for name in dataset.data_vars],
            **{name: _unpacked(value) for name, value in dataset.attrs.items()},
        }


def _raster(path: PathLike) -> dict[str, Any]:
    grid = raster.grid_of(path)
    return {
        "kind": "raster",
        "size": list(grid.shape),
        "resolution": grid.resolution,
        "crs": str(grid.crs),
        "bounds": list(grid.bounds),
        **{name: _unpacked(value) for name, value in raster.tags(path).items()},
    }


def _unpacked(value: Any) -> Any:
    """Content of a JSON text, plain numbers of arrays, anything else as it is."""
    if isinstance(value, str) and value.startswith("{"):
        return json.loads(value)
    return value.tolist() if hasattr(value, "tolist") else value


def _product(path: PathLike) -> dict[str, Any]:
    of_tile = ("product_id", "platform", "tile", "sensing_time")
    of_scene = ("scene_id", "platform", "instrument", "acquisition_time", "bands")
    openers: dict[str, tuple[Callable[[PathLike], Any], tuple[str, ...]]] = {
        "Sentinel-2 Level-1C": (open_l1c, of_tile),
        "MAJA Level-2A": (open_l2a, of_tile),
        "SWH Level-1C": (open_swh, (*of_scene, "saturation", "minimum")),
        "SWH Level-1A": (
            open_l1a,
            (*of_scene, "saturation", "minimum", "irradiance_source", "incidence"),
        ),
        "Take5 Level-1C": (open_take5, of_scene),
    }
    problems = []
    for kind, (opener, fields) in openers.items():
        try:
            product = opener(path)
        except ProductError as error:
            problems.append(f"{kind}: {error}")
            continue
        return {"kind": kind} | {
            name: _plain(getattr(product, name)) for name in (*fields, "sun_zenith", "sun_azimuth")
        }
    raise ProductError(f"{path}: is no product that firn knows ({'; '.join(problems)})")


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    if hasattr(value, "items"):
        return dict(value)
    return value.isoformat() if hasattr(value, "isoformat") else value


def describe(path: PathLike) -> dict[str, Any]:
    """Describe a model, a raster, a NetCDF file of firn or a satellite product.

    Raises
    ------
    FirnError
        The file is missing, damaged or of no known kind.
    """
    readers = {".safetensors": _model, ".nc": _netcdf, ".tif": _raster, ".tiff": _raster}
    return readers.get(Path(path).suffix.lower(), _product)(path)
