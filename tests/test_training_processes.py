"""Training in several processes: the same steps as one process takes, written by one of them."""

import csv
import itertools
import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
import training_world
from emulation.sensors_and_scenes import FULL, saturations
from pseudo_files import SIZE, write_scene
from training_world import preliminary, world

from firn.config import RandomPatchSplit, TrainingStep
from firn.dataset import build_dataset
from firn.errors import ModelError
from firn.files import write_json
from firn.methods import load_model
from firn.samples import write_rows
from firn.sensors import load_sensor
from firn.training.group import Group, GroupBatchNorm, share_statistics
from firn.training.job import Job, run
from firn.training.loop import train
from firn.training.state import resume_path


def start(output: Path, patches: int = 24, processes: int = 2, **changes: object) -> list[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    job = [training_world.__file__, str(output), str(patches), json.dumps(changes)]
    return [*launcher, f"--nproc-per-node={processes}", *job]


def train_together(command: Sequence[str]) -> None:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def history_of(path: Path) -> np.ndarray:
    with path.with_suffix(".csv").open(newline="") as stream:
        return np.array([[float(v) for v in row.values()] for row in csv.DictReader(stream)])


#: A step so small that rounding does not grow from epoch to epoch.
SMALL = {"learning_rate": 0.001, "patience": 6, "max_epochs": 6}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("patches", "processes", "changes"),
    [
        # The last batch has one patch: the second process has none of it.
        (25, 2, {"augment": True}),
        (24, 3, {"batch_size": 5, "averaging": 0.0}),
    ],
)
def test_processes_take_the_steps_of_one(
    patches: int, processes: int, changes: dict[str, object], tmp_path: Path
) -> None:
    """Losses, kappa and weights are those of the same batches in one process, but for rounding."""
    torch.set_num_threads(1)
    one, several = tmp_path / "one", tmp_path / "several"
    changes = {"preliminary": SMALL} | changes
    train(preliminary(**changes), world(train_patches=patches), one, one.with_suffix(".csv"))
    train_together(start(several, patches, processes, **changes))
    expected = history_of(one)
    assert len(expected) == 6
    assert np.ptp(expected[:, 1]) > 0.05
    np.testing.assert_allclose(history_of(several)[:, :3], expected[:, :3], rtol=1e-4)
    np.testing.assert_allclose(history_of(several)[:, 3], expected[:, 3], atol=5e-3)
    models = load_model(one), load_model(several)
    assert [model.card.training["processes"] for model in models] == [1, processes]
    for name, values in models[0].tensors().items():
        np.testing.assert_allclose(models[1].tensors()[name], values, rtol=1e-3, atol=1e-3)


@pytest.mark.slow
def test_two_launchers_train_as_one(tmp_path: Path) -> None:
    """As on two nodes, with a process on each."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1"]
    launcher += ["--rdzv-backend=c10d", f"--rdzv-endpoint=127.0.0.1:{port}"]
    changes = {"preliminary": SMALL}
    job = [training_world.__file__, str(tmp_path / "nodes"), "24", json.dumps(changes)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    nodes = [subprocess.Popen([*launcher, *job], env=environment) for _ in range(2)]
    assert [node.wait() for node in nodes] == [0, 0]
    train_together(start(tmp_path / "one", **changes))
    assert (tmp_path / "nodes").read_bytes() == (tmp_path / "one").read_bytes()


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """Training of a small data set whose patches are emulated anew, with noise, in each epoch."""
    rng = np.random.default_rng(5)
    corners = ((0, 0), (0, 8), (8, 0), (8, 8))
    scenes = [
        write_scene(tmp_path, "32TPT", f"20180{month}15", labels, corners=corners)
        for month, labels in enumerate(rng.choice([0, 1, 2, 255], (6, 4, SIZE, SIZE)), start=1)
    ]
    rows, statistics = build_dataset("spot2", scenes, RandomPatchSplit(validation=0.2), 1)
    write_rows(tmp_path / "samples.csv", rows)
    write_json(tmp_path / "statistics.json", statistics)
    saturations().save(tmp_path / "kde.nc")
    settings = {"emulation": "every-epoch", "augment": True, "preliminary": SMALL}
    like = preliminary(**settings)
    return Job(
        method=like.method,
        name=like.name,
        seed=like.seed,
        network=like.network,
        settings=like.settings,
        step=like.step,
        samples=tmp_path / "samples.csv",
        statistics=tmp_path / "statistics.json",
        patches=[scene.patches for scene in scenes],
        pseudo=[scene.pseudo for scene in scenes],
        sensor=load_sensor("spot2"),
        emulation=FULL.model_copy(update={"draws": 1}),
        kde=tmp_path / "kde.nc",
        model=tmp_path / "one",
        history=tmp_path / "one.csv",
    )


def in_two(job: Job, **changes: object) -> Job:
    settings = job.settings.model_copy(update={"processes": 2})
    files = {"model": job.model.with_name("two"), "history": job.model.with_name("two.csv")}
    return job.model_copy(update={"settings": settings} | files | changes)


@pytest.mark.slow
def test_a_job_emulates_the_same_patches_in_any_number_of_processes(
    job: Job, caplog: pytest.LogCaptureFixture
) -> None:
    torch.set_num_threads(1)
    run(job)
    with caplog.at_level(logging.INFO):
        run(in_two(job))
    assert caplog.text.count("epoch 6, loss") == 1
    one, two = history_of(job.model), history_of(in_two(job).model)
    assert len(one) == 6
    np.testing.assert_allclose(two[0, :3], one[0, :3], rtol=1e-5)
    np.testing.assert_allclose(two[:, :3], one[:, :3], rtol=1e-3)


@pytest.mark.slow
def test_the_error_of_a_process_is_that_of_the_job(job: Job) -> None:
    job.patches[0].unlink()
    with pytest.raises(ModelError, match=r"20180115\.nc: cannot be read as NetCDF"):
        run(in_two(job))
    assert not in_two(job).model.exists()


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.mark.slow
def test_killed_processes_leave_none_behind_and_continue(job: Job, tmp_path: Path) -> None:
    step = TrainingStep(learning_rate=0.001, patience=40, max_epochs=40)
    job = in_two(job, step=step)
    (tmp_path / "job.json").write_text(job.model_dump_json())
    program = (
        "import sys; from firn.training.job import Job, run;"
        "run(Job.model_validate_json(open(sys.argv[1]).read()))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "job.json")]
    environment = os.environ | {"OMP_NUM_THREADS": "2"}
    process = subprocess.Popen(command, env=environment)
    deadline = time.monotonic() + 120
    while not resume_path(job.model).exists() and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.001)
    (torchrun,) = children(process.pid)
    workers = children(torchrun)
    assert len(workers) == 2
    process.kill()
    process.wait()
    while any(map(alive, [torchrun, *workers])) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(alive, [torchrun, *workers]))
    assert not job.model.exists()
    done = len(history_of(job.model))
    assert 0 < done < 40
    run(job)
    assert len(history_of(job.model)) == 40
    assert not resume_path(job.model).exists()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_batch_normalisation_by_hand_is_that_of_torch(dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    plain = torch.nn.Sequential(torch.nn.Identity(), torch.nn.BatchNorm2d(3))
    torch.nn.init.normal_(plain[1].weight)
    shared = torch.nn.Sequential(torch.nn.Identity(), GroupBatchNorm(plain[1], Group()))
    values = (5 + 3 * torch.randn(4, 3, 6, 7)).to(dtype)
    outcomes = []
    for network in (plain, shared):
        given = values.clone().requires_grad_()
        seen = network(given)
        seen.square().mean().backward()
        outcomes.append([seen, given.grad, network[1].weight.grad, *network[1].buffers()])
    assert outcomes[1][0].dtype == dtype
    tolerance = 1e-5 if dtype == torch.float32 else 2e-2
    for ours, theirs in zip(*reversed(outcomes), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(plain.eval()(values), shared.eval()(values))


def test_one_process_keeps_the_batch_normalisation_of_torch() -> None:
    network = torch.nn.Sequential(torch.nn.BatchNorm2d(3))
    share_statistics(network, Group())
    assert type(network[0]) is torch.nn.BatchNorm2d
    share_statistics(network, Group(0, 2))
    assert type(network[0]) is GroupBatchNorm


@pytest.mark.parametrize("count", range(6))
def test_shares_are_disjoint_and_all_there_is(count: int) -> None:
    shares = [list(range(count))[Group(rank, 3).share] for rank in range(3)]
    assert sorted(itertools.chain(*shares)) == list(range(count))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
