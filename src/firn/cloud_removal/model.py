"""A trained generator with all that it needs to simulate an image, and its file."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from firn import __version__
from firn.cloud_removal.networks import Generator, build_generator
from firn.cloud_removal.normalisation import Normalisation
from firn.cloud_removal.tiles import POLARISATIONS, Tiles, tile_bands
from firn.errors import DataError, ModelError
from firn.methods.model_file import read_tensors, write_tensors
from firn.methods.network import load_network, network_tensors

PathLike = str | os.PathLike[str]
FloatArray = npt.NDArray[np.float32]

#: What tells these model files from those of classifiers.
METHOD = "cloud-removal"


@dataclass(frozen=True)
class SimulationCard:
    """What a generator expects, how it is built and where it comes from.

    Parameters
    ----------
    architecture : mapping
        As `firn.cloud_removal.networks.build_generator` takes it.
    normalisation : Normalisation
        It knows the bands.
    training : mapping
        Outcome and settings of the training.
    provenance : mapping
    """

    architecture: Mapping[str, Any]
    normalisation: Normalisation
    training: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the generator."""
        return str(self.architecture["name"])

    @property
    def bands(self) -> tuple[str, ...]:
        """Bands that are simulated, in order."""
        return self.normalisation.bands


class SimulationModel:
    """A generator that simulates the later Sentinel-2 image of tiles.

    Parameters
    ----------
    card : SimulationCard
    network : Generator, optional
        Fresh weights from torch's random generator by default.
    """

    def __init__(self, card: SimulationCard, network: Generator | None = None) -> None:
        self.card = card
        self.network = network or fresh_generator(card.architecture, len(card.bands))
        self.network.eval()

    def simulate(self, tiles: Tiles) -> FloatArray:
        """Simulate the Sentinel-2 images of t1; those that the tiles hold are not looked at.

        Parameters
        ----------
        tiles : Tiles
            Of any size, with the bands of the card.

        Returns
        -------
        ndarray of float32, (tile, band, y, x)
            Reflectance; NaN where a band of the earlier Sentinel-2 image has no data.
        """
        hidden = replace(tiles, sentinel2_t1=np.full_like(tiles.sentinel2_t1, np.nan))
        normalised = self.card.normalisation.forward(hidden)
        simulated = np.concatenate([self._forward(one[None]) for one in normalised.inputs])
        reflectance = self.card.normalisation.inverse(simulated, normalised.scaling)
        unknown = ~np.isfinite(tiles.sentinel2_t0).all(axis=1, keepdims=True)
        return np.where(unknown, np.float32(np.nan), reflectance)

    def _forward(self, inputs: FloatArray) -> FloatArray:
        """Pass normalised inputs through the network, beyond the edge repeated where it must be."""
        height, width = inputs.shape[-2:]
        values = torch.from_numpy(inputs)
        multiple = self.network.multiple
        beyond = (0, -width % multiple, 0, -height % multiple)
        if any(beyond):
            values = nn.functional.pad(values, beyond, mode="replicate")
        with torch.inference_mode():
            simulated: Tensor = self.network(values.contiguous(memory_format=torch.channels_last))
        return np.ascontiguousarray(simulated[..., :height, :width].numpy())

    def require_bands(self, path: PathLike) -> None:
        """Refuse a file of tiles that has other bands.

        Raises
        ------
        DataError
            It has, or cannot be read.
        """
        require_bands(path, self.card.bands, f"the model {self.card.name}")

    def require_normalisation(self, normalisation: Normalisation, path: PathLike) -> None:
        """Refuse another normalisation than that of the training.

        Raises
        ------
        ModelError
            It is another.
        """
        if normalisation.as_dict() != self.card.normalisation.as_dict():
            raise ModelError(
                f"{path}: is another normalisation than that which the model {self.card.name} was "
                "trained with; train the model again"
            )


def require_bands(path: PathLike, bands: tuple[str, ...], what: str) -> None:
    """Refuse a file of tiles whose bands are not those of ``what``.

    Raises
    ------
    DataError
        They are not, or the file cannot be read.
    """
    found = tile_bands(path)
    if found != bands:
        raise DataError(
            f"{path}: has the bands {', '.join(found)}, but {what} has {', '.join(bands)}; make "
            "the tiles with these bands, or train a model on those of the tiles"
        )


def fresh_generator(architecture: Mapping[str, Any], bands: int) -> Generator:
    """Make a generator for so many optical bands, with fresh weights."""
    return build_generator(dict(architecture), 2 * len(POLARISATIONS) + bands, bands)


def save_model(model: SimulationModel, path: PathLike) -> None:
    """Write a model file atomically, the same bytes for the same model."""
    card = model.card
    content = {
        "architecture": dict(card.architecture),
        "normalisation": card.normalisation.as_dict(),
        "training": dict(card.training),
        "provenance": dict(card.provenance),
    }
    metadata = {name: json.dumps(value, sort_keys=True) for name, value in content.items()}
    metadata |= {"method": METHOD, "firn_version": __version__}
    write_tensors(path, network_tensors(model.network), metadata)


def load_model(path: PathLike) -> SimulationModel:
    """Read a model file.

    Raises
    ------
    ModelError
        It is missing, damaged, or no model of the cloud removal.
    """
    tensors, metadata = read_tensors(path)
    if metadata.get("method") != METHOD:
        raise ModelError(
            f"{path}: is no model of the cloud removal but of {metadata.get('method')}; give "
            "one that the rule train_simulation made"
        )
    try:
        content = {
            name: json.loads(metadata[name])
            for name in ("architecture", "normalisation", "training", "provenance")
        }
        content["normalisation"] = Normalisation.from_dict(content["normalisation"])
        card = SimulationCard(**content)
        network = fresh_generator(card.architecture, len(card.bands))
    except (KeyError, ValueError, TypeError, DataError) as error:
        raise ModelError(
            f"{path}: its metadata are not those of a model of the cloud removal ({error}); train "
            "it again"
        ) from error
    load_network(network, tensors)
    return SimulationModel(card, network)
