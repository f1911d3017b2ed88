"""Training of the patch network on scenes in 13 bands: a random pixel of a random scene, its patch.

The published training took all patches of a row of an image, which are almost the same, and watched
the scores of the test images meanwhile. Here the patches of a batch come from all over the training
scenes, and the epoch is chosen on scenes that are scored nowhere.
"""

import logging
import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from firn.classes import IGNORE, SurfaceClass
from firn.companions.scenes import SceneTruth, channels_of, read_stack, scene_card
from firn.companions_config import PatchCnnSettings
from firn.compute import choose_device, deterministic
from firn.confusion import confusion_matrix, kappa
from firn.errors import DataError, ModelError
from firn.methods import save_model
from firn.methods.network import load_network, network_tensors
from firn.methods.patch_cnn import CENTRE, PATCH, PatchCnnModel, PatchNetwork, describe
from firn.provenance import provenance
from firn.seeds import generator, seed_sequence
from firn.training.loop import write_history
from firn.training.state import EpochRecord

logger = logging.getLogger(__name__)
PathLike = str | os.PathLike[str]
FloatArray = npt.NDArray[np.float32]
Classes = npt.NDArray[np.uint8]


class LabelledScenes:
    """Scenes in memory, and the patches around their labelled pixels.

    Parameters
    ----------
    stacks, truths : sequence of path
        As `firn.companions.scenes` writes them.
    cloud_only : bool
        Whatever is not cloud counts as ground.

    Raises
    ------
    DataError
        No pixel is labelled.
    """

    def __init__(
        self, stacks: Sequence[PathLike], truths: Sequence[PathLike], *, cloud_only: bool
    ) -> None:
        self.images: list[FloatArray] = []
        self.labels: list[Classes] = []
        for stack, truth in zip(stacks, truths, strict=True):
            labels = SceneTruth(truth).classes
            if cloud_only:
                clear = (labels != IGNORE) & (labels != SurfaceClass.CLOUD)
                labels = np.where(clear, np.uint8(SurfaceClass.GROUND), labels)
            # Beyond the scene, as where it has no data, a patch holds 0.
            image = np.nan_to_num(read_stack(stack)[0], nan=0.0)
            around = (CENTRE, PATCH - 1 - CENTRE)
            self.images.append(np.pad(image, ((0, 0), around, around)))
            self.labels.append(labels)
        cells = [np.flatnonzero(labels != IGNORE) for labels in self.labels]
        self.scene = np.repeat(np.arange(len(cells)), [len(part) for part in cells])
        self.cell = np.concatenate(cells)
        if not len(self.cell):
            raise DataError(f"{', '.join(map(str, truths))}: no pixel is labelled; add scenes")

    def batch(self, chosen: npt.NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Patches, (patch, band, 16, 16), of labelled pixels, and the labels, (patch,).

        Parameters
        ----------
        chosen : ndarray of int
            Positions among the labelled pixels of all scenes.
        """
        patches = np.empty((len(chosen), len(self.images[0]), PATCH, PATCH), np.float32)
        labels = np.empty(len(chosen), np.int64)
        for scene in np.unique(self.scene[chosen]):
            here = np.flatnonzero(self.scene[chosen] == scene)
            rows, cols = np.divmod(self.cell[chosen[here]], self.labels[scene].shape[1])
            views = np.lib.stride_tricks.sliding_window_view(
                self.images[scene], (PATCH, PATCH), axis=(1, 2)
            )
            patches[here] = views[:, rows, cols].swapaxes(0, 1)
            labels[here] = self.labels[scene][rows, cols]
        return torch.from_numpy(patches), torch.from_numpy(labels)


def train_patch_cnn(
    train: tuple[Sequence[PathLike], Sequence[PathLike]],
    tuning: tuple[Sequence[PathLike], Sequence[PathLike]],
    settings: PatchCnnSettings,
    seed: int,
    device: str,
    output: PathLike,
    history: PathLike,
    sources: Sequence[str],
) -> None:
    """Train the network, keep the epoch of the lowest loss on the tuning scenes, and write it.

    Parameters
    ----------
    train, tuning : (stacks, truths)
        Paths, as `firn.companions.scenes` writes the files.
    settings : PatchCnnSettings
    seed : int
    device : str
        As in `firn.compute.choose_device`.
    output, history : path
    sources : sequence of str
        For the provenance.

    Raises
    ------
    ModelError
        The loss is no longer finite.
    DataError
        No pixel is labelled, or a file is damaged.
    """
    cloud_only = settings.head == "cloud"
    scenes = LabelledScenes(*train, cloud_only=cloud_only)
    judged = LabelledScenes(*tuning, cloud_only=cloud_only)
    where = choose_device(device)
    rows: list[EpochRecord] = []
    best: tuple[float, int] = (np.inf, 0)
    with torch.random.fork_rng(), deterministic(where):
        torch.manual_seed(int(seed_sequence(seed, "patch-cnn").generate_state(1)[0]))
        model = PatchCnnModel(scene_card("patch-cnn", describe(settings)))
        network = model.network
        assert isinstance(network, PatchNetwork)
        network.to(where)
        kept = network_tensors(network)
        optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
        for epoch in range(1, settings.epochs + 1):
            rng = generator(seed, "patch-cnn", f"epoch-{epoch}")
            loss = _epoch(network, scenes, settings, optimiser, rng, where)
            judged_loss, agreement = _validate(network, judged, where)
            if not np.isfinite(loss + judged_loss):
                raise ModelError(
                    f"{output}: the loss of epoch {epoch} is not finite; lower "
                    f"companions.patch_cnn.learning_rate ({settings.learning_rate:g})"
                )
            rows.append(EpochRecord(epoch, loss, judged_loss, agreement, settings.learning_rate))
            logger.info("epoch %d, loss %.4f, tuning loss %.4f", epoch, loss, judged_loss)
            if judged_loss < best[0]:
                best, kept = (judged_loss, epoch), network_tensors(network)
        load_network(network.cpu(), kept)
    told = {"epochs": settings.epochs, "best_epoch": best[1], "validation_loss": best[0]}
    source = provenance(sources, {"patch_cnn": settings, "seed": seed})
    model.card = replace(model.card, training=told, provenance=source)
    write_history(history, rows)
    save_model(model, output)


def _epoch(
    network: PatchNetwork,
    scenes: LabelledScenes,
    settings: PatchCnnSettings,
    optimiser: torch.optim.Optimizer,
    rng: np.random.Generator,
    device: torch.device,
) -> float:
    """Mean loss of an epoch of steps on random patches."""
    network.train()
    total = 0.0
    for _ in range(settings.steps):
        patches, labels = scenes.batch(rng.integers(len(scenes.cell), size=settings.batch_size))
        optimiser.zero_grad(set_to_none=True)
        logits = network.judge(patches.to(device))
        loss = functional.cross_entropy(logits, labels.to(device))
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        total += loss.item()
    return total / settings.steps


def _validate(
    network: PatchNetwork, scenes: LabelledScenes, device: torch.device
) -> tuple[float, float | None]:
    """Mean loss and kappa over all labelled pixels of scenes."""
    network.eval()
    loss, matrix = 0.0, np.zeros((3, 3), np.int64)
    with torch.no_grad():
        for image, labels in zip(scenes.images, scenes.labels, strict=True):
            # A scene is padded for its patches; `forward` takes a row and a column more.
            values = functional.pad(torch.from_numpy(channels_of(image)), (0, 1, 0, 1))
            logits = network(values[None].to(device))[0].cpu()
            truth = torch.from_numpy(labels.astype(np.int64))
            loss += functional.cross_entropy(
                logits[None], truth[None], ignore_index=IGNORE, reduction="sum"
            ).item()
            matrix += confusion_matrix(labels, logits.argmax(dim=0).numpy())
    agreement = float(kappa(matrix))
    return loss / len(scenes.cell), agreement if np.isfinite(agreement) else None
