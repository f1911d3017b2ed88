"""Maps of the companion methods, and their scores on scenes that took no part in any training."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from firn import raster
from firn.classes import IGNORE, NO_DATA, from_published, to_published
from firn.companions.plan import SENSOR, SOM_STAGES, WHOLE
from firn.companions.scenes import SceneTruth, channels_of, read_stack
from firn.confusion import confusion_matrix
from firn.evaluation.scores import intervals, scores
from firn.files import write_json
from firn.methods import Model, load_model
from firn.methods.model_file import card_digest
from firn.methods.som import SomModel
from firn.provenance import provenance
from firn.seeds import generator

PathLike = str | os.PathLike[str]
Row = dict[str, Any]


def stages(model: SomModel) -> dict[str, SomModel]:
    """Give the map at each of `SOM_STAGES`, from the one that is fine-tuned."""
    voted = [model.voted(prior_correction=prior) for prior in (False, True)]
    return dict(zip(SOM_STAGES, (*voted, model.unfiltered(), model), strict=True))


def write_maps(
    stack: PathLike, models: Iterable[PathLike], outputs: Mapping[str, PathLike]
) -> None:
    """Classify a scene by every method and write the maps, with the codes of published ones.

    Parameters
    ----------
    stack : path
        As `firn.companions.scenes` writes it.
    models : iterable of path
        Model files; of a map, all stages are made.
    outputs : mapping of method to path
        GeoTIFFs to write, on the scene's 60 m grid.
    """
    reflectance, grid = read_stack(stack)
    channels = channels_of(reflectance)
    named: dict[str, Model] = {}
    for path in models:
        model = load_model(path)
        named |= stages(model) if isinstance(model, SomModel) else {model.card.method: model}
    for method, output in outputs.items():
        model = named[method]
        predicted = model.predict(channels).argmax(axis=0).astype(np.uint8)
        raster.write(
            output,
            to_published(predicted, ~np.isnan(reflectance[0])),
            grid,
            nodata=NO_DATA,
            band_names=(method,),
            tags={
                "FIRN_PROVENANCE": json.dumps(
                    provenance([os.path.basename(stack)], {"model": card_digest(model.card)}),
                    sort_keys=True,
                )
            },
        )


def read_map(path: PathLike) -> npt.NDArray[np.uint8]:
    """Classes 0-2 of a map, (y, x); 255 where it has no data."""
    return from_published(raster.read(path).values[0])


def score_map(method: str, scene: str, path: PathLike, truth: PathLike) -> list[Row]:
    """Rows of counts of a map, one for each stratum that it has pixels of.

    Returns
    -------
    list of dict
        ``method``, ``sensor``, ``stratum``, ``scene`` and ``confusion_matrix``, (reference,
        predicted) in the order ground, snow, cloud.
    """
    predicted, known = read_map(path), SceneTruth(truth)
    parts = {WHOLE: np.ones(predicted.shape, bool), **known.strata}
    rows = []
    for stratum, where in parts.items():
        matrix = confusion_matrix(np.where(where, known.classes, np.uint8(IGNORE)), predicted)
        if matrix.any():
            rows.append(
                {
                    "method": method,
                    "sensor": SENSOR,
                    "stratum": stratum,
                    "scene": scene,
                    "confusion_matrix": matrix.tolist(),
                }
            )
    return rows


def summary(rows: Sequence[Row], resamples: int, seed: int) -> list[Row]:
    """Scores by method and stratum, of the pooled counts and as means over scenes.

    A scene without cloud has no precision or recall of cloud: it counts in the pooled scores alone.

    Returns
    -------
    list of dict
        ``method``, ``stratum``, the metrics block of `firn.evaluation.scores.scores`,
        ``confidence_interval`` over scenes, and ``mean_over_scenes`` of the scores of cloud, with
        the ``n_scenes`` that have them.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["method"], row["stratum"]), []).append(row)
    result = []
    for (method, stratum), here in groups.items():
        matrices = np.array([row["confusion_matrix"] for row in here])
        # Keyed by the scenes alone: all methods rest on the same resamples.
        rng = generator(seed, "bootstrap", *(row["scene"] for row in here))
        result.append(
            {
                "method": method,
                "sensor": SENSOR,
                "stratum": stratum,
                **scores(matrices.sum(axis=0)),
                "confidence_interval": intervals(matrices, resamples, rng),
                "mean_over_scenes": _means([scores(m)["binary_cloud"] for m in matrices]),
            }
        )
    return result


def _means(by_scene: Sequence[Mapping[str, float | None]]) -> Row:
    """Mean of each score over the scenes where it is defined, and their number."""
    means: Row = {}
    for name in by_scene[0]:
        defined = [value for one in by_scene if (value := one[name]) is not None]
        mean = float(np.mean(defined)) if defined else None
        means[name] = {"mean": mean, "n_scenes": len(defined)}
    return means


def write_scores(
    maps: Mapping[tuple[str, str], PathLike],
    truths: Mapping[str, PathLike],
    som: PathLike,
    resamples: int,
    seed: int,
    output: PathLike,
) -> None:
    """Score all maps and write the rows, their summary, and why neurons were turned.

    Parameters
    ----------
    maps : mapping of (method, scene) to path
    truths : mapping of scene to path
    som : path
        Model file of the map.
    resamples : int
        Bootstrap resamples of scenes.
    seed : int
    output : path
        JSON.
    """
    rows = [
        row
        for (method, scene), path in maps.items()
        for row in score_map(method, scene, path, truths[scene])
    ]
    training = load_model(som).card.training
    content = {
        "rows": rows,
        "summary": summary(rows, resamples, seed),
        "som": training,
        "provenance": provenance([os.path.basename(path) for path in maps.values()]),
    }
    write_json(output, content)
