"""Jobs of killed calls, with a queue that is a file; `make slurm-test` has a real one."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from firn.errors import DataError
from firn.files import read_json, write_json
from firn.slurm_calls import begin_call, end_call

SQUEUE = "#!/bin/sh\n/bin/cat {queue}${{1#--name=}} 2> /dev/null || true\n"
SCANCEL = "#!/bin/sh\n/bin/rm {queue}${{1#--name=}}\n"


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder with a file for each call, which lists its jobs."""
    folder = tmp_path / "queue"
    folder.mkdir()
    for name, text in (("squeue", SQUEUE), ("scancel", SCANCEL)):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(text.format(queue=f"{folder}/"))
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return folder


def killed(calls: Path, name: str, **changes: str | int) -> None:
    """Leave the record of a call that was killed."""
    process = subprocess.Popen(["/bin/true"])
    process.wait()
    content = {"host": socket.gethostname(), "process": process.pid, "start": "1"}
    write_json(calls / f"{name}.json", content | changes)


def test_a_call_leaves_a_record_until_it_ends(tmp_path: Path) -> None:
    assert begin_call(tmp_path, "one") == []
    assert read_json(tmp_path / "one.json")["process"] == os.getpid()
    end_call(tmp_path, "one")
    assert not list(tmp_path.iterdir())


def test_without_slurm_nothing_is_asked_or_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert begin_call(tmp_path / "calls", None) == []
    end_call(tmp_path / "calls", None)
    assert not (tmp_path / "calls").exists()


def test_jobs_of_a_killed_call_are_cancelled(tmp_path: Path, queue: Path) -> None:
    killed(tmp_path, "one")
    killed(tmp_path, "two")
    (queue / "one").write_text("12\n13\n")
    (queue / "another").write_text("14\n")
    assert begin_call(tmp_path, "three") == ["12", "13"]
    assert [path.name for path in queue.iterdir()] == ["another"]
    assert [path.name for path in tmp_path.glob("*.json")] == ["three.json"]


def test_a_call_that_lives_keeps_its_jobs(tmp_path: Path, queue: Path) -> None:
    begin_call(tmp_path, "one")
    (queue / "one").write_text("12\n")
    assert begin_call(tmp_path, "two") == []
    assert (queue / "one").exists()


def test_another_process_with_the_same_number_is_told_apart(tmp_path: Path, queue: Path) -> None:
    killed(tmp_path, "one", process=os.getpid())
    (queue / "one").write_text("12\n")
    assert begin_call(tmp_path, None) == ["12"]


def test_jobs_of_another_machine_are_left_to_the_user(tmp_path: Path, queue: Path) -> None:
    killed(tmp_path, "one", host="login2")
    assert begin_call(tmp_path, None) == []
    (queue / "one").write_text("12\n")
    with pytest.raises(DataError, match=r"call on login2 has 1 jobs .* scancel --name=one, and"):
        begin_call(tmp_path, "two")
    assert (queue / "one").exists()
    assert not (tmp_path / "two.json").exists()


def test_where_slurm_does_not_answer_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    killed(tmp_path, "one")
    with pytest.raises(DataError, match=r"one\.json: .*squeue --name=one.*delete this file"):
        begin_call(tmp_path, "two")
