"""Classification of a scene by one or more models."""

import logging
import math
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import rasterio

from firn.config import InferenceSettings
from firn.errors import ModelError
from firn.files import scratch_folder, write_json
from firn.inference.image import STRIP_PIXELS, SceneImage, SceneReader, map_grid
from firn.inference.maps import map_rasters, publish
from firn.inference.surroundings import Surroundings
from firn.inference.windows import classify
from firn.methods import Model
from firn.methods.model_file import card_digest
from firn.products import Scene
from firn.provenance import provenance
from firn.stac import map_item

logger = logging.getLogger(__name__)

#: Bytes that GDAL may keep of rasters; by itself it takes a twentieth of the machine's memory.
GDAL_CACHE = 64 * 2**20
#: Bytes that the widest layer of a network may have: in float32, those of the reference U-Net in a
#: window of 512 pixels, with the 122 around it from which they are computed.
LAYER_BYTES = 4 * 128 * 756**2
#: Sides of windows are no smaller, by themselves: most of them would be overlap.
SMALLEST_WINDOW = 512


def classify_scene(
    scene: Scene,
    models: Mapping[Path, Model],
    surroundings: Surroundings,
    settings: InferenceSettings,
    *,
    progress: bool = True,
) -> None:
    """Classify a scene with one or more models and write a map for each.

    The scene is read, classified and written in strips of rows, so that memory does not grow with
    its length. Its surroundings and the growing maps are kept in a temporary folder: 5 bytes a
    pixel, and 5 more for each model.

    Parameters
    ----------
    scene : Scene
    models : mapping of folder to Model
        Each folder gets ``snow.tif`` with its legend, ``probability.tif``, ``quality.tif`` and, at
        last, ``item.json``.
    surroundings : Surroundings
    settings : InferenceSettings
    progress : bool
        Show a progress bar where someone looks on.

    Raises
    ------
    ModelError
        A model needs a band that the scene does not have.
    ProductError
        A band is missing or damaged.
    GridError
        The scene is not in metres, or it and one of the rasters share no ground.
    """
    _check_bands(scene, models.values())
    for model in models.values():
        if model.card.released is False:
            logger.warning(
                "%s: the %s for %s is not released, it misses its quality gate",
                scene.scene_id,
                model.card.method,
                model.card.sensor,
            )
    models = {
        folder: model.prepared(settings.precision, settings.device)
        for folder, model in models.items()
    }
    sources = {
        folder: _source(scene, model, surroundings, settings) for folder, model in models.items()
    }
    with rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE), scratch_folder() as scratch:
        drafts = {folder: scratch / str(number) for number, folder in enumerate(models)}
        window = window_shape(models.values(), settings.window, map_grid(scene).shape)
        reader = SceneReader(
            scene,
            [b for b in scene.bands if any(b in model.card.bands for model in models.values())],
            surroundings,
            scratch,
            step=window[0],
            margin=max(model.margin + model.alignment for model in models.values()),
            nodata_buffer=settings.nodata_buffer,
        )
        with ExitStack() as stack:
            maps = {
                folder: stack.enter_context(map_rasters(drafts[folder], reader.grid, source))
                for folder, source in sources.items()
            }
            # A strip that is larger, for its width, is not read while another one is in use.
            small = window[0] * reader.grid.width <= STRIP_PIXELS
            for image in _one_ahead(reader.images()) if small else reader.images():
                for folder, model in models.items():
                    strip = classify(image, model, window, settings, progress=progress)
                    maps[folder].write(strip, image.rows.start)
        for folder, model in models.items():
            publish(drafts[folder], folder)
            summary = maps[folder].summary
            item = map_item(scene, reader.grid, model.card, sources[folder], summary)
            write_json(folder / "item.json", item)


def _one_ahead(images: Iterator[SceneImage]) -> Iterator[SceneImage]:
    """Yield strips, of which a thread reads the next one while one is classified."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, images, None)
        while (image := coming.result()) is not None:
            coming = thread.submit(next, images, None)
            yield image


def _check_bands(scene: Scene, models: Iterable[Model]) -> None:
    """Refuse a model that needs a band which the scene does not have."""
    for model in models:
        if missing := [band for band in model.card.bands if band not in scene.bands]:
            raise ModelError(
                f"{scene.scene_id}: has no {', '.join(missing)}, which the {model.card.method} for "
                f"{model.card.sensor} needs; it has {', '.join(scene.bands)}: use a model trained "
                "for these"
            )


def window_shape(
    models: Iterable[Model], window: int | None, shape: tuple[int, int]
) -> tuple[int, int]:
    """Rows and columns of a window, multiples of the alignment of every model.

    ``window`` is its side, where it is given. If not, it is as large as `LAYER_BYTES` allow the
    widest of the networks, but no larger than a strip of a scene of some ``shape``: square, or as
    high as a strip where the networks work row by row.
    """
    models = list(models)
    alignment = math.lcm(*(model.alignment for model in models))
    height, width = shape
    strip = -(-height // -(-height * width // STRIP_PIXELS))
    if window is not None:
        rows = cols = window
    elif all(model.rows for model in models):
        rows = max(strip, SMALLEST_WINDOW)
        cols = max(min(map(_widest, models)), SMALLEST_WINDOW)
    else:
        largest = min(math.isqrt(_most_values(m)) - 2 * m.margin for m in models)
        rows = cols = max(min(largest, STRIP_PIXELS // width), SMALLEST_WINDOW)
    return -(-rows // alignment) * alignment, -(-cols // alignment) * alignment


def _widest(model: Model) -> int:
    """Columns of a window of a model that works row by row.

    Some rows of the finest level wait for those around them, and the coarser ones hold as much.
    """
    return _most_values(model) // (2 * (model.rows + model.margin)) - 2 * model.margin


def _most_values(model: Model) -> int:
    """Pixels of a window and its margin by `LAYER_BYTES`."""
    return LAYER_BYTES // (4 if model.precision == "float32" else 2) // model.features


def _source(
    scene: Scene, model: Model, surroundings: Surroundings, settings: InferenceSettings
) -> dict[str, Any]:
    """Provenance of a map, with the precision that was used where the settings leave the choice."""
    source = provenance(
        [scene.scene_id, *surroundings.names, f"model {card_digest(model.card)}"],
        {
            "nodata_buffer": settings.nodata_buffer,
            "low_confidence": settings.low_confidence,
            "tree_cover_max": surroundings.tree_cover_max,
        },
    )
    return source | {"precision": model.precision}
