"""Too little memory on the device, and packages beside torch that are broken."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from training_world import preliminary, world

from firn.errors import ModelError
from firn.training.group import Group
from firn.training.passes import Passes


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


class Small(nn.Module):
    """A device that holds so many patches at once, and tells how many it was given."""

    def __init__(self, patches: int) -> None:
        super().__init__()
        self.patches = patches
        self.seen: list[int] = []

    def forward(self, values: Tensor) -> Tensor:
        """Pass values on, if they fit."""
        self.seen.append(len(values))
        if len(values) > self.patches:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return values


def passes_on(
    patches: int | None, *, still: bool = True, **changes: object
) -> tuple[Passes, Small]:
    """Passes of a run whose device holds some patches; batch normalisation may stand still."""
    run = preliminary(batch_size=6, averaging=0.0)
    passes = Passes(run, world(), run.model(world()))
    small = Small(10**6 if patches is None else patches)
    if still:
        passes.network.train = lambda mode=True: passes.network  # type: ignore[method-assign]
        passes.network.eval()
    # Late in the network, so that the first convolutions of the failed attempt have been done.
    passes.network.head = nn.Sequential(small, passes.network.head)
    return passes, small


def gradients(passes: Passes) -> tuple[float, list[Tensor]]:
    channels, labels = (torch.from_numpy(values) for values in world().train.batch(range(6)))
    loss = passes._add_gradients(channels, labels, passes._weight(labels))
    return loss.item(), [p.grad for p in passes.network.parameters() if p.grad is not None]


@pytest.mark.parametrize(("patches", "given"), [(3, [6, 3, 3]), (1, [6, 3, 2, 1, 1, 1, 1, 1, 1])])
def test_halves_have_the_gradients_of_the_batch(
    patches: int, given: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    """Their sum, over the weight of the batch; batch normalisation stands still here."""
    expected = gradients(passes_on(None)[0])
    passes, small = passes_on(patches)
    with caplog.at_level(logging.WARNING):
        loss, parts = gradients(passes)
    assert small.seen == given
    assert loss == pytest.approx(expected[0], rel=1e-5)
    for ours, theirs in zip(parts, expected[1], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)
    assert f"too small for a batch of 6 patches; {patches} at once from now on" in caplog.text
    small.seen.clear()
    gradients(passes)
    assert set(small.seen) == {patches}, "it is remembered"


def test_a_training_in_halves_goes_the_way_of_one_in_batches() -> None:
    """But for batch normalisation, which sees the halves: the losses are near, and validation."""
    losses = []
    for patches in (None, 3):
        passes, small = passes_on(patches, still=False)
        optimiser = torch.optim.Adam(passes.network.parameters(), lr=0.01)
        epochs = [passes.train(optimiser, epoch) for epoch in range(1, 9)]
        losses.append([*epochs, passes.validate(world().validation)[0]])
        assert max(small.seen[-8:]) <= (patches or 6)
    np.testing.assert_allclose(losses[1], losses[0], rtol=0.3)
    assert losses[1][-2] < 0.6 * losses[1][0]


def test_validation_in_halves_is_that_of_the_whole() -> None:
    whole, _ = passes_on(None)
    halves, small = passes_on(2)
    expected, seen = (p.validate(world().validation) for p in (whole, halves))
    assert small.seen == [6, 3, 2, 2, 2]
    assert seen == pytest.approx(expected, rel=1e-6)


def test_a_patch_that_does_not_fit_is_an_error() -> None:
    passes, _ = passes_on(0)
    with pytest.raises(ModelError, match=r"preliminary/1: the memory .* too small for 1 patch"):
        gradients(passes)


def test_a_process_of_several_does_not_halve_alone() -> None:
    """The others would wait for it."""
    passes, _ = passes_on(2)
    passes.group = Group(0, 2)
    with pytest.raises(ModelError, match=r"too small for 6 patch.*lower training\.batch_size"):
        gradients(passes)


def test_a_torchvision_that_is_broken_is_not_touched(tmp_path: Path) -> None:
    """One that was built for another torch breaks whoever imports it."""
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision/__init__.py").write_text("raise RuntimeError('nms does not exist')")
    model, history = tmp_path / "model", tmp_path / "history.csv"
    program = (
        "import sys; from training_world import preliminary, world;"
        "from firn.training.loop import train; train(preliminary(), world(), *sys.argv[1:])"
    )
    paths = [str(tmp_path), str(Path(__file__).parent), *sys.path]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    broken = [sys.executable, "-c", "import torchvision"]
    assert subprocess.run(broken, env=environment, capture_output=True, check=False).returncode
    subprocess.run([sys.executable, "-c", program, model, history], env=environment, check=True)
    assert model.exists()
