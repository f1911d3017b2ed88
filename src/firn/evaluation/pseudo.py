"""Scores on held-out pseudo-SPOT patches (method B.2)."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from firn import netcdf
from firn.classes import IGNORE
from firn.config import EvaluationSettings, Experiment
from firn.evaluation.situations import of_snow
from firn.evaluation.tally import Strata, Tally, binned, flagged, whole
from firn.methods.base import ModelCard
from firn.methods.model_file import card_digest
from firn.provenance import provenance
from firn.samples import Sample, Samples

#: Hillshade of ground that the sun does not reach for its slope, see `firn.terrain.hillshade`.
FACING_AWAY = 1


class Predictor(Protocol):
    """What is asked of a model here; see `firn.methods.Model`."""

    @property
    def card(self) -> ModelCard:
        """What the model is."""

    def predict(
        self,
        channels: npt.NDArray[np.float32],
        window: tuple[int, int, int, int] | None = None,
    ) -> npt.NDArray[np.float32]:
        """Probabilities (class, height, width) of a window of the channels."""


def evaluate_pseudo(
    model: Predictor,
    samples: Samples,
    name: str,
    experiment: Experiment,
    settings: EvaluationSettings,
    *,
    edge: int,
    seed: int,
) -> dict[str, Any]:
    """Score a model on samples; the labels are the reference.

    The edges of patches are left out, as `firn.methods.edges.judged_edge` says.

    Parameters
    ----------
    model : Predictor
    samples : Samples
        Those of the evaluation split.
    name : str
        Name of the experiment.
    experiment : Experiment
    settings : EvaluationSettings
    edge : int
        Pixels along the edges of a patch to leave out; the same for all methods that are compared.
    seed : int

    Returns
    -------
    dict
        The content of ``pseudo.json``.

    Raises
    ------
    DataError
        There is no sample, or one cannot be read.
    """
    tally = Tally()
    for index, row in enumerate(samples.rows):
        sample = samples[index]
        height, width = sample.labels.shape
        window = (edge, edge, height - 2 * edge, width - 2 * edge)
        probabilities = model.predict(sample.channels, window)
        scene = samples.scenes[row.tile, row.date]
        sun_zenith = float(netcdf.attributes(scene.patches)["sun_zenith"])
        inside = np.s_[..., edge : height - edge, edge : width - edge]
        inner = Sample(sample.channels[inside], sample.labels[inside], sample.saturated[inside])
        tally.excluded["patch_edge"] += sample.labels.size - inner.labels.size
        _add(
            tally, f"{row.tile}/{row.date}", inner, probabilities, sun_zenith, experiment, settings
        )
    description = {"name": name, **experiment.model_dump(), "judged_on": "pseudo"}
    metrics = tally.metrics(description, resamples=settings.bootstrap, seed=seed)
    # Strata of the historical scenes that do not exist here, and why.
    metrics["by_stratum"]["forest"] = {}
    metrics["empty_strata"] = {"forest": "labels ignore forest, so no pixel of it is judged"}
    sources = [*tally.scenes, f"model {card_digest(model.card)}"]
    return metrics | {"provenance": provenance(sources, {"evaluation": settings, "seed": seed})}


def _add(
    tally: Tally,
    scene: str,
    sample: Sample,
    probabilities: npt.NDArray[np.float32],
    sun_zenith: float,
    experiment: Experiment,
    settings: EvaluationSettings,
) -> None:
    no_data = np.isnan(sample.channels[0])
    judged = tally.exclude({"no_data": no_data, "ignored": sample.labels == IGNORE})
    hillshade, dem = sample.channels[-2:]
    strata: Mapping[str, Strata] = {
        "hillshade": binned(hillshade, settings.hillshade_edges, ""),
        "elevation": binned(dem, settings.elevation_edges, " m"),
        "sun_elevation": binned(90 - sun_zenith, settings.sun_elevation_edges, "°"),
        "saturation": flagged(sample.saturated, "saturated", "unsaturated"),
        "sensor": whole(experiment.sensor),
    }
    predicted = probabilities.argmax(axis=0).astype(np.uint8)
    # Cast shadow is not known here: shaded is what faces away from the sun.
    shaded = hillshade == FACING_AWAY
    for name, where in of_snow(sample.labels, sample.saturated, shaded, 90 - sun_zenith).items():
        tally.add_part("situation", name, scene, sample.labels, predicted, judged & where)
    tally.add(scene, sample.labels, predicted, probabilities.max(axis=0), strata, judged)
