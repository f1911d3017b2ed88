"""The search survives kills, runs side by side, prunes, and tries what it was told to."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from optuna.trial import TrialState

from firn.clouddl.search import best, open_study, perform
from firn.clouddl_config import Search, SearchSpace
from firn.errors import DataError

SETTINGS = Search(trials=20, startup_trials=4)

#: A job as a process of its own: it waits in its objective, or ends at once.
JOB = """
import sys, time
from pathlib import Path
from firn.clouddl.search import open_study, perform
from firn.clouddl_config import Search

journal, job, waits = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "wait"
settings = Search(trials=20, startup_trials=4)

def objective(params, report):
    report(1, 0.5)
    Path(f"{journal}.{job}.begun").touch()
    while waits:
        time.sleep(0.05)
    return 1 - params["dropout"]

perform(open_study(journal, "study", settings, job), settings.space, job, objective)
"""


def start(journal: Path, job: int, how: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", JOB, str(journal), str(job), how])


def states(journal: Path) -> list[tuple[int, TrialState]]:
    study = open_study(journal, "study", SETTINGS, 0)
    return [(t.user_attrs["job"], t.state) for t in study.trials]


def test_killed_search_resumes(tmp_path: Path) -> None:
    journal = tmp_path / "search" / "journal.log"
    assert start(journal, 0, "end").wait() == 0
    killed = start(journal, 1, "wait")
    begun = Path(f"{journal}.1.begun")
    deadline = time.monotonic() + 120
    while not begun.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    killed.kill()
    killed.wait()
    assert states(journal) == [(0, TrialState.COMPLETE), (1, TrialState.RUNNING)]
    assert start(journal, 1, "end").wait() == 0
    assert states(journal) == [
        (0, TrialState.COMPLETE),
        (1, TrialState.FAIL),
        (1, TrialState.COMPLETE),
    ]


def test_finished_job_is_not_done_twice(tmp_path: Path) -> None:
    """As where a kill came between the end of a trial and the file that the rule writes."""
    calls = []

    def objective(params, report) -> float:
        calls.append(params)
        return 0.7

    results = [
        perform(open_study(tmp_path / "j", "s", SETTINGS, 3), SETTINGS.space, 3, objective)
        for _ in range(2)
    ]
    assert results[0] == results[1]
    assert results[0] == {"job": 3, "state": "complete", "params": calls[0], "f2": 0.7}
    assert len(calls) == 1


def test_jobs_side_by_side_share_the_journal(tmp_path: Path) -> None:
    journal = tmp_path / "journal.log"
    jobs = [start(journal, job, "end") for job in range(2)]
    assert [job.wait() for job in jobs] == [0, 0]
    assert sorted(states(journal)) == [(0, TrialState.COMPLETE), (1, TrialState.COMPLETE)]


def test_space_is_that_of_the_configuration_and_good_trials_attract(tmp_path: Path) -> None:
    tried = []

    def objective(params, report) -> float:
        tried.append(params)
        return -params["dropout"] - (params["kernel"] == 3)

    for job in range(30):
        study = open_study(tmp_path / "j", "s", SETTINGS, job)
        perform(study, SETTINGS.space, job, objective)
    assert {t["kernel"] for t in tried} == {3, 5}
    assert {t["width"] for t in tried} == {16, 32, 48}
    assert all(0 <= t["dropout"] <= 0.5 for t in tried)

    def mean_score(trials: list) -> float:
        return sum(-t["dropout"] - (t["kernel"] == 3) for t in trials) / len(trials)

    assert mean_score(tried[-15:]) > mean_score(tried[:4]) + 0.1


def test_bad_trials_are_pruned_and_rank_last(tmp_path: Path) -> None:
    def ended(job: int, score: float) -> dict[str, object]:
        def objective(params, report) -> float:
            for epoch in (1, 2, 3):
                report(epoch, score)
            return score

        study = open_study(tmp_path / "j", "s", SETTINGS, job)
        return perform(study, SETTINGS.space, job, objective)

    trials = [ended(job, score) for job, score in enumerate((0.6, 0.9, 0.7, 0.8, 0.1))]
    assert [t["state"] for t in trials] == ["complete"] * 4 + ["pruned"]
    ranked = best(trials)
    assert [t["job"] for t in ranked["trials"]] == [1, 3, 2, 0, 4]
    assert ranked["network"] == ranked["best"]["params"] == trials[1]["params"]
    with pytest.raises(DataError, match="no trial"):
        best(trials[-1:])


def test_failed_trial_is_told_and_raised(tmp_path: Path) -> None:
    def objective(params, report) -> float:
        raise DataError("no data")

    study = open_study(tmp_path / "j", "s", SETTINGS, 0)
    with pytest.raises(DataError, match="no data"):
        perform(study, SETTINGS.space, 0, objective)
    assert [t.state for t in study.trials] == [TrialState.FAIL]


def test_space_must_rise() -> None:
    with pytest.raises(ValueError, match="two rising numbers"):
        SearchSpace(dropout=(0.5, 0.1))
