"""Models before real Sentinel-2 images, seen as their sensor would have seen them.

The crops that come with firn are small and uniform: all cloud, all clear, all snow. They measure no
accuracy, but a model that calls a real cloud snow has learnt the virtual world and not this one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from firn.classes import CLASS_NAMES
from firn.config import EmulationSettings, Experiment
from firn.crops import Crop, read_crop
from firn.emulation.acquisition import (
    Acquisition,
    SourceScene,
    draw_acquisitions,
)
from firn.emulation.patches import Noise, emulate
from firn.emulation.spectral import choose_bands
from firn.methods.base import Model
from firn.methods.model_file import card_digest
from firn.provenance import provenance
from firn.samples import RELIEF_CHANNELS
from firn.saturation import Saturations
from firn.seeds import generator
from firn.sensors import Sensor, load_sensor, to_reflectance
from firn.stacks import STACK_BANDS

FloatArray = npt.NDArray[np.float32]

#: Share of the pixels of a crop that must be of the expected class.
REQUIRED = 0.95
#: Gains that each crop is seen with: one draw would be luck.
DRAWS = 5
#: Pixels by which a crop is mirrored at its edges, so that a network sees ground around it.
MARGIN = 96


@dataclass(frozen=True)
class View:
    """A crop as a sensor saw it.

    Parameters
    ----------
    crop : Crop
    channels : ndarray of float32, (draw, channel, y, x)
        What models read: reflectance, hillshade and elevation, with `MARGIN` around the crop.
    drawn : sequence of Acquisition
        What was drawn for each.
    """

    crop: Crop
    channels: FloatArray
    drawn: Sequence[Acquisition]

    @property
    def window(self) -> tuple[int, int, int, int]:
        """The crop within its channels: row, column, height, width."""
        height, width = self.channels.shape[-2:]
        return MARGIN, MARGIN, height - 2 * MARGIN, width - 2 * MARGIN


def view_crop(
    crop: Crop,
    sensor: Sensor,
    saturations: Saturations,
    settings: EmulationSettings,
    seed: int,
) -> View:
    """See a crop as a sensor would, with `DRAWS` draws of its gains and of all else.

    Parameters
    ----------
    crop : Crop
    sensor : Sensor
    saturations : Saturations
        Gains of the sensor's scenes.
    settings : EmulationSettings
        As models were trained with; what they say of draws does not matter here.
    seed : int

    Raises
    ------
    ConfigError
        A band of the sensor is far from all Sentinel-2 bands, or the gains are those of other
        bands.
    """
    bands = choose_bands(sensor, load_sensor(crop.platform), STACK_BANDS)
    scene = SourceScene(crop.name, crop.date, crop.platform, 90 - crop.sun[0], bands)
    several = settings.model_copy(update={"draws": DRAWS})
    drawn = draw_acquisitions(sensor, saturations, scene, several, 1, seed, "real crops")
    toa, shade, elevation = (_mirrored(values) for values in read_crop(crop, bands))
    noise = None
    if settings.noise:
        rng = generator(seed, "real crops", saturations.area, sensor.name, crop.name, "noise")
        noise = Noise(sensor, max(toa.shape[1:]), rng)
    relief = shade[None].astype(np.float32), elevation[None]
    channels = []
    for acquisition in drawn:
        dn, _ = emulate(toa, acquisition, sensor.bits, noise)
        gains = acquisition.saturation[:, None, None], acquisition.minimum[:, None, None]
        seen = to_reflectance(dn, *gains, sensor.bits)
        channels.append(np.concatenate([seen, *relief]))
    return View(crop, np.stack(channels), drawn)


def _mirrored(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Mirror the last two axes at their edges, as often as the margin needs."""
    around = [(0, 0)] * (values.ndim - 2) + [(MARGIN, MARGIN)] * 2
    return np.pad(values, around, mode="symmetric")


def classify_views(
    model: Model, views: Sequence[View], bands: Sequence[str]
) -> list[npt.NDArray[np.uint8]]:
    """Classes of each crop, (draw, y, x).

    Parameters
    ----------
    model : Model
    views : sequence of View
    bands : sequence of str
        Those of the views, of which the model may read some.
    """
    names = [*bands, *RELIEF_CHANNELS]
    used = [names.index(name) for name in model.card.channels]
    return [
        np.stack(
            [model.predict(seen[used], view.window).argmax(axis=0) for seen in view.channels]
        ).astype(np.uint8)
        for view in views
    ]


def judge_crops(
    name: str,
    experiment: Experiment,
    model: Model,
    views: Sequence[View],
    classes: Sequence[npt.NDArray[np.uint8]],
    seed: int,
) -> dict[str, Any]:
    """Shares of the classes in each crop, and whether they are as expected.

    Parameters
    ----------
    name : str
        Name of the experiment.
    experiment : Experiment
    model : Model
    views : sequence of View
    classes : sequence of ndarray, (draw, y, x)
        As `classify_views` gives them.
    seed : int

    Returns
    -------
    dict
        The content of ``real/{experiment}.json``.
    """
    sources = [*(view.crop.name for view in views), f"model {card_digest(model.card)}"]
    return {
        "experiment": {"name": name, **experiment.model_dump()},
        "required_share": REQUIRED,
        "draws": DRAWS,
        "crops": {
            view.crop.name: _judged(view, of_crop)
            for view, of_crop in zip(views, classes, strict=True)
        },
        "provenance": provenance(sources, {"seed": seed, "draws": DRAWS}),
    }


def _judged(view: View, classes: npt.NDArray[np.uint8]) -> dict[str, Any]:
    """Shares over all draws; ``met`` is null where nothing is expected."""
    expected, shares = view.crop.expected, class_shares(classes)
    return {
        "n_pixels": int(classes[0].size),
        "shares": shares,
        "expected": expected,
        "met": None if expected is None else shares[expected] >= REQUIRED,
        "saturation": [[round(float(v), 4) for v in drawn.saturation] for drawn in view.drawn],
        "saturation_scene": [drawn.saturation_scene for drawn in view.drawn],
    }


def class_shares(classes: npt.NDArray[np.uint8]) -> dict[str, float]:
    """Share of each class, by its name, in an array of classes."""
    return {name: float((classes == c).mean()) for c, name in enumerate(CLASS_NAMES)}


def compare_crops(
    views: Sequence[View], recipes: Mapping[str, Iterable[Model]], bands: Sequence[str]
) -> dict[str, Any]:
    """Shares of the classes in each crop, of several recipes.

    Parameters
    ----------
    views : sequence of View
    recipes : mapping of recipe to iterable of Model
        One model of each seed.
    bands : sequence of str
        Those of the views.

    Returns
    -------
    dict
        By crop: ``expected``, and ``shares`` by recipe, over the draws of all its models.
    """
    crops: dict[str, Any] = {
        view.crop.name: {"expected": view.crop.expected, "shares": {}} for view in views
    }
    for recipe, models in recipes.items():
        of_models = [classify_views(model, views, bands) for model in models]
        for view, found in zip(views, zip(*of_models, strict=True), strict=True):
            crops[view.crop.name]["shares"][recipe] = class_shares(np.concatenate(found))
    return crops
