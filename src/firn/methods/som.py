"""The fine-tuned self-organising map (Kristollari & Karathanassi 2020, Remote Sens. 12, 1923).

1. A map of neurons learns the spectra, each band scaled to 0-1 by its range in training.
2. A neuron is given the class that most of its training spectra have; where classes tie, or where
   it has none, it is clear.
3. Fine-tuning, without training anew: neurons turn from cloud to clear where bright surfaces meet
   them on ground that took no part in 1 and 2. The cloud mask is then median-filtered and dilated.

In the publication a person picked the neurons of step 3, on the images that were scored. Here
they follow from a rule, under a bound for the cloud that may be lost.

Classes are those of the training spectra (as land, water, shadow, cirrus, opaque cloud, snow), each
of which stands for one of firn's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from firn.classes import CLASS_NAMES, SurfaceClass
from firn.companions_config import SomSettings
from firn.errors import ModelError
from firn.methods.base import (
    FittedModel,
    FloatArray,
    ModelCard,
    PixelBatch,
    Tensors,
    Window,
    crop,
    one_hot,
)
from firn.methods.neurons import Shape, best_matching, train_batch, train_online
from firn.sensors import Sensor

if TYPE_CHECKING:
    import torch

METHOD = "som"
MADE_BY = "fit"

Flags = npt.NDArray[np.bool_]
Classes = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]
#: Spectra, (sample, band), with the class and the patch of each, (sample,).
Labelled = tuple[FloatArray, Classes, Counts]

GROUND, SNOW, CLOUD = SurfaceClass.GROUND, SurfaceClass.SNOW, SurfaceClass.CLOUD

#: Pixels that a map for SPOT is made of at most, and the share of the patches that it is not fitted
#: to, but fine-tuned by.
MOST_PIXELS, HELD_OUT = 400_000, 0.2
#: Settings of a map for SPOT. Its pixels come by area, not by class, so votes are corrected for
#: that, as the loss of the networks is.
FOR_SPOT = SomSettings(prior_correction=True)
#: Mean reflectance over the bands from which ground or snow is bright.
BRIGHT_FROM = 0.2


@dataclass(frozen=True)
class Tuning:
    """Spectra that stage 3 looks at, of ground that took no part in the stages before.

    Parameters
    ----------
    bright : ndarray of float32, (sample, band)
        Bright surfaces without cloud.
    cloud : ndarray of float32, (sample, band)
    """

    bright: FloatArray
    cloud: FloatArray


class SomModel(FittedModel):
    """Classifies pixels by their nearest neuron, and filters the cloud mask.

    Attributes
    ----------
    weights : ndarray of float32, (neuron, band)
        In scaled reflectance.
    low, high : ndarray of float32, (band,)
        Reflectance that is scaled to 0 and 1.
    hits : ndarray of int64, (neuron, class)
        Training spectra by nearest neuron and class.
    flipped : ndarray of bool, (neuron,)
        Turned from cloud to clear.
    met : ndarray of int64, (neuron, 2)
        Bright surfaces and cloud, of those that fine-tune, that are nearest to each neuron.
    """

    def __init__(self, card: ModelCard, tensors: Tensors) -> None:
        super().__init__(card)
        how = card.architecture
        try:
            self.shape = Shape(how["rows"], how["columns"])
            self.stands_for = np.array([CLASS_NAMES.index(c) for c in how["stands_for"]], np.uint8)
            self.median, self.dilation = int(how["median"]), int(how["dilation"])
            self.prior_correction = bool(how["prior_correction"])
            self.weights = tensors["weights"].astype(np.float32)
            self.low, self.high = (tensors[n].astype(np.float32) for n in ("low", "high"))
            self.hits = tensors["hits"].astype(np.int64)
            self.flipped = tensors["flipped"].astype(bool)
            self.met = tensors["met"].astype(np.int64)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"holds no whole self-organising map ({error})") from error
        neurons, bands = len(self.shape), len(card.bands)
        expected = {
            "weights": (neurons, bands),
            "low": (bands,),
            "high": (bands,),
            "hits": (neurons, len(self.stands_for)),
            "flipped": (neurons,),
            "met": (neurons, 2),
        }
        if {name: values.shape for name, values in self.tensors().items()} != expected:
            raise ModelError("its map does not fit its architecture; train it again")
        self.margin = self.median // 2 + self.dilation // 2
        self.neuron_class, self.clear_class = self._labels()

    @classmethod
    def restore(cls, card: ModelCard, tensors: Tensors) -> Self:
        """See `Model.restore`."""
        return cls(card, tensors)

    def tensors(self) -> Tensors:
        """See `Model.tensors`."""
        return {
            "weights": self.weights,
            "low": self.low,
            "high": self.high,
            "hits": self.hits,
            "flipped": self.flipped.astype(np.uint8),
            "met": self.met,
        }

    def _labels(self) -> tuple[Classes, Classes]:
        """Class of each neuron, (neuron,), and what it is where it is not cloud."""
        votes = weighted_votes(self.hits, self.prior_correction)
        clear = self.stands_for != CLOUD
        surface = elected(np.where(clear, votes, 0), self.stands_for)
        return np.where(self.flipped, surface, elected(votes, self.stands_for)), surface

    def voted(self, *, prior_correction: bool) -> Self:
        """Give the map as stage 2 left it: no neuron turned, nothing filtered."""
        how = {"median": 1, "dilation": 1, "prior_correction": prior_correction}
        card = replace(self.card, architecture={**self.card.architecture, **how})
        return type(self)(card, {**self.tensors(), "flipped": np.zeros_like(self.flipped)})

    def unfiltered(self) -> Self:
        """Give the map with its turned neurons, without the filters."""
        how = {**self.card.architecture, "median": 1, "dilation": 1}
        return type(self)(replace(self.card, architecture=how), self.tensors())

    def scaled(self, spectra: FloatArray) -> FloatArray:
        """Scale reflectance, (sample, band), by the range of the training spectra."""
        return scaled(spectra, self.low, self.high)

    def neurons(self, spectra: FloatArray) -> npt.NDArray[np.intp]:
        """Nearest neuron of spectra in reflectance, (sample, band)."""
        return best_matching(self.scaled(spectra), self.weights)

    def predict(self, channels: FloatArray, window: Window | None = None) -> FloatArray:
        """See `Model.predict`: 1 for the class of the neuron, after the filters."""
        image = channels[: len(self.card.bands)]
        missing = np.isnan(image).any(axis=0)
        spectra = np.where(missing, np.float32(0), image).reshape(len(image), -1).T
        nearest = self.neurons(np.ascontiguousarray(spectra, np.float32)).reshape(missing.shape)
        classes = self.neuron_class[nearest]
        cloud = filtered((classes == CLOUD) & ~missing, self.median, self.dilation)
        surface = np.where(classes == CLOUD, self.clear_class[nearest], classes)
        return one_hot(crop(np.where(cloud, CLOUD, surface), window))

    @classmethod
    def architecture(cls, sensor: Sensor) -> dict[str, Any]:
        """See `FittedModel.architecture`: the published map, with firn's classes."""
        return describe(FOR_SPOT, CLASS_NAMES, CLASS_NAMES)

    @classmethod
    def fit(cls, card: ModelCard, batches: Iterable[PixelBatch]) -> Self:
        """Fit a map for images of SPOT; see `FittedModel.fit`.

        Patches come scene by scene: the last fifth of them, of the last scenes, is left out of the
        map and fine-tunes it. Of the pixels, every second is dropped as often as they are too many.
        """
        pixels, count = Thinned(MOST_PIXELS, len(card.bands)), 0
        for channels, labels in batches:
            image = channels[: len(card.bands)]
            use = (labels < len(CLASS_NAMES)) & ~np.isnan(image).any(axis=0)
            pixels.add(image[:, use].T, labels[use], count)
            count += 1
        spectra, classes, patch = pixels.values()
        held_out = patch >= max(1, round((1 - HELD_OUT) * count))
        if held_out.all():
            raise ModelError(
                f"{card.method} for {card.sensor}: no training pixel is labelled; check the labels"
            )
        bright = held_out & (classes != CLOUD) & (spectra.mean(axis=1) >= BRIGHT_FROM)
        tuning = Tuning(spectra[bright], spectra[held_out & (classes == CLOUD)])
        spectra, classes = spectra[~held_out], classes[~held_out]
        return cls.train(card, spectra, classes, tuning, FOR_SPOT)

    @classmethod
    def train(
        cls,
        card: ModelCard,
        spectra: FloatArray,
        classes: Classes,
        tuning: Tuning,
        settings: SomSettings,
        rng: np.random.Generator | None = None,
        device: "torch.device | None" = None,
    ) -> Self:
        """Do the three stages.

        Parameters
        ----------
        card : ModelCard
            Its architecture comes from `describe`.
        spectra : ndarray of float32, (sample, band)
            Reflectance, never NaN.
        classes : ndarray of uint8, (sample,)
            Position in the architecture's classes.
        tuning : Tuning
        settings : SomSettings
        rng : Generator, optional
            Of an online training.
        device : torch.device, optional
            Of a batch training.
        """
        shape = Shape(settings.rows, settings.columns)
        low, high = spectra.min(axis=0), spectra.max(axis=0)
        values = scaled(spectra, low, high)
        if settings.training == "online":
            drawn = rng or np.random.default_rng(0)
            weights = train_online(values, shape, settings.iterations, drawn)
        else:
            weights = train_batch(values, shape, settings.epochs, device)
        hits = count_pairs(best_matching(values, weights), classes, len(shape), _n_classes(card))
        met = np.stack(
            [
                np.bincount(best_matching(scaled(part, low, high), weights), minlength=len(shape))
                for part in (tuning.bright, tuning.cloud)
            ],
            axis=1,
        )
        tensors: Tensors = {"weights": weights, "low": low, "high": high, "hits": hits, "met": met}
        model = cls(card, tensors | {"flipped": np.zeros(len(shape), bool)})
        cloudy = model.neuron_class == CLOUD
        flipped = neurons_to_flip(met, cloudy, settings.bright_share, settings.recall_loss)
        return cls(card, model.tensors() | {"flipped": flipped})


class Thinned:
    """Labelled spectra in bounded memory: each time they are too many, every second is dropped.

    Parameters
    ----------
    most : int
        Spectra that are kept at most.
    bands : int
    """

    def __init__(self, most: int, bands: int) -> None:
        self.most, self.step, self.seen = most, 1, 0
        self.parts: list[Labelled] = [
            (np.empty((0, bands), np.float32), np.empty(0, np.uint8), np.empty(0, np.int64))
        ]

    def add(self, spectra: FloatArray, classes: Classes, patch: int) -> None:
        """Add spectra, (sample, band), of a patch, and their classes, (sample,)."""
        taken = slice(-self.seen % self.step, None, self.step)
        self.seen += len(spectra)
        chosen = classes[taken].copy()
        part = np.ascontiguousarray(spectra[taken]), chosen, np.full(len(chosen), patch)
        self.parts.append(part)
        while sum(len(labels) for _, labels, _ in self.parts) > self.most:
            self.step *= 2
            whole, labels, patches = self.values()
            self.parts = [(whole[::2].copy(), labels[::2].copy(), patches[::2].copy())]

    def values(self) -> Labelled:
        """Spectra, (sample, band), their classes and patches, (sample,), as they came."""
        spectra, classes, patches = zip(*self.parts, strict=True)
        return np.concatenate(spectra), np.concatenate(classes), np.concatenate(patches)


def describe(
    settings: SomSettings, classes: Sequence[str], stands_for: Sequence[str]
) -> dict[str, Any]:
    """Architecture in the card of a map.

    Parameters
    ----------
    settings : SomSettings
    classes : sequence of str
        Classes of the training spectra.
    stands_for : sequence of str
        Which of firn's classes each stands for.
    """
    keys = ("rows", "columns", "median", "dilation", "prior_correction")
    described: dict[str, Any] = {key: getattr(settings, key) for key in keys}
    return described | {"classes": list(classes), "stands_for": list(stands_for)}


def _n_classes(card: ModelCard) -> int:
    return len(card.architecture["classes"])


def scaled(spectra: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Scale spectra, (sample, band), so that ``low`` becomes 0 and ``high`` 1.

    A band that is the same everywhere becomes 0.
    """
    span = high - low
    factor = np.divide(1, span, out=np.zeros_like(span), where=span > 0)
    return np.asarray((spectra - low) * factor, np.float32)


def count_pairs(
    neuron: npt.NDArray[np.intp], classes: npt.NDArray[Any], n_neurons: int, n_classes: int
) -> Counts:
    """Count samples by nearest neuron and class, (neuron, class)."""
    cells = neuron * n_classes + classes
    return np.bincount(cells, minlength=n_neurons * n_classes).reshape(n_neurons, n_classes)


def weighted_votes(hits: Counts, prior_correction: bool) -> npt.NDArray[np.float64]:
    """Votes, (neuron, class): the hits, or the hits as if each class had as many spectra."""
    votes = hits.astype(np.float64)
    return votes / np.maximum(hits.sum(axis=0), 1) if prior_correction else votes


def elected(votes: npt.NDArray[np.float64], stands_for: Classes) -> Classes:
    """Class of firn that the winner of each neuron's votes stands for.

    Ground where classes tie, as in the publication, and where nobody votes.

    Parameters
    ----------
    votes : ndarray, (neuron, class)
    stands_for : ndarray of uint8, (class,)
    """
    most = votes.max(axis=1)
    alone = ((votes == most[:, None]).sum(axis=1) == 1) & (most > 0)
    return np.where(alone, stands_for[votes.argmax(axis=1)], GROUND).astype(np.uint8)


def bright_shares(met: Counts) -> npt.NDArray[np.float64]:
    """Share of bright surfaces in what meets each neuron, as if there were as much cloud in all.

    Parameters
    ----------
    met : ndarray, (neuron, 2)
        Bright surfaces and cloud.

    Returns
    -------
    ndarray, (neuron,)
        0 where nothing meets it.
    """
    parts = met / np.maximum(met.sum(axis=0), 1)
    total, shares = parts.sum(axis=1), np.zeros(len(met))
    np.divide(parts[:, 0], total, out=shares, where=total > 0)
    return shares


def neurons_to_flip(met: Counts, cloudy: Flags, bright_share: float, recall_loss: float) -> Flags:
    """Choose the cloud neurons that become clear.

    Those whose share of bright surfaces is above ``bright_share``, the brightest first; one that
    would take the cloud that is lost beyond ``recall_loss`` of all is passed over.

    Parameters
    ----------
    met : ndarray, (neuron, 2)
        Bright surfaces and cloud that are nearest to each neuron.
    cloudy : ndarray of bool, (neuron,)
        Neurons that stand for cloud.
    bright_share, recall_loss : float
    """
    share = bright_shares(met)
    flipped = np.zeros(len(met), bool)
    budget = recall_loss * met[:, 1].sum()
    for neuron in np.argsort(-share, kind="stable"):
        if not cloudy[neuron] or share[neuron] <= bright_share:
            continue
        if met[neuron, 1] <= budget:
            flipped[neuron] = True
            budget -= met[neuron, 1]
    return flipped


def filtered(cloud: Flags, median: int, dilation: int) -> Flags:
    """Median-filter a cloud mask, (y, x), and dilate it; sides of the squares in pixels."""
    if median > 1:
        cloud = ndimage.median_filter(cloud.view(np.uint8), median, mode="nearest").astype(bool)
    if dilation > 1:
        cloud = ndimage.maximum_filter(cloud.view(np.uint8), dilation, mode="nearest").astype(bool)
    return cloud


def flip_reasons(model: SomModel) -> list[Mapping[str, Any]]:
    """Why each turned neuron was turned.

    Returns
    -------
    list of mapping
        ``neuron``, ``row``, ``column`` (from 0), ``bright`` and ``cloud`` (spectra that met it),
        ``bright_share``, and ``cloud_share`` of all cloud that it costs; the brightest first.
    """
    share, cloud = bright_shares(model.met), max(int(model.met[:, 1].sum()), 1)
    rows = [
        {
            "neuron": int(neuron),
            "row": int(neuron) // model.shape.columns,
            "column": int(neuron) % model.shape.columns,
            "bright": int(model.met[neuron, 0]),
            "cloud": int(model.met[neuron, 1]),
            "bright_share": float(share[neuron]),
            "cloud_share": float(model.met[neuron, 1] / cloud),
        }
        for neuron in np.flatnonzero(model.flipped)
    ]
    return sorted(rows, key=lambda row: -row["bright_share"])
