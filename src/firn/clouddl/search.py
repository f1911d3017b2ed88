"""Search of the network's shape: trials that run as jobs of their own and share one journal.

Each job asks the study for what to try next, trains, and tells how good it was; the study is a file
that every job appends to (optuna's journal). A killed job leaves a trial that never ends: the next
job of the same number closes it and tries anew, and what others have told is kept. In which order
jobs end decides what the later ones try, so a search in parallel is not the same each time.
"""

import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, Trial, TrialState

from firn.ablation.plan import Row
from firn.ablation.row import training_data
from firn.clouddl.scores import f2
from firn.clouddl_config import Search, SearchSpace
from firn.confusion import confusion_matrix
from firn.errors import DataError
from firn.evaluation.pseudo import Predictor
from firn.files import scratch_folder
from firn.methods import load_model
from firn.provenance import digest
from firn.training.data import PatchSource
from firn.training.loop import train
from firn.training.run import Run
from firn.training.state import EpochRecord

logger = logging.getLogger(__name__)
PathLike = str | os.PathLike[str]
#: What a trial is tried by: it is told of each epoch, and gives the score.
Objective = Callable[[Mapping[str, Any], Callable[[int, float], None]], float]
#: Attribute of a trial that tells the number of its job.
JOB = "job"
ENDED = (TrialState.COMPLETE, TrialState.PRUNED)


def open_study(journal: PathLike, name: str, settings: Search, seed: int) -> optuna.Study:
    """Open a study, or begin it.

    Trials are proposed by the tree-structured Parzen estimator (Bergstra et al. 2011), which takes
    trials that still run for bad ones so that jobs side by side try different things; those worse
    than the median of their epoch are pruned.

    Parameters
    ----------
    journal : path
        File; its folder is made.
    name : str
        Studies of other settings may share the file under other names.
    settings : Search
    seed : int
        Of this job: jobs with the same seed would draw the same.
    """
    Path(journal).parent.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    startup = settings.startup_trials
    return optuna.create_study(
        study_name=name,
        storage=JournalStorage(JournalFileBackend(str(journal))),
        load_if_exists=True,
        direction="maximize",
        sampler=TPESampler(seed=seed, n_startup_trials=startup, constant_liar=True),
        pruner=MedianPruner(n_startup_trials=max(1, startup)),
    )


def suggest(trial: Trial, space: SearchSpace) -> dict[str, Any]:
    """Let a trial choose the keys of `firn.clouddl_config.CloudDLNetwork` that are searched."""
    return {
        "dropout": trial.suggest_float("dropout", *space.dropout),
        "kernel": trial.suggest_categorical("kernel", list(space.kernel)),
        "width": trial.suggest_categorical("width", list(space.width)),
    }


def perform(
    study: optuna.Study, space: SearchSpace, job: int, objective: Objective
) -> dict[str, Any]:
    """Perform the trial of a job, unless an earlier call of it has.

    Parameters
    ----------
    study : Study
    space : SearchSpace
    job : int
        Number of the job, which its trial carries.
    objective : callable
        Takes what is tried, and a function to report an epoch and its score to, and gives the
        score of the whole.

    Returns
    -------
    dict
        ``job``, ``state`` (``complete`` or ``pruned``), ``params`` and ``f2`` (None if pruned).
    """
    for earlier in study.get_trials(deepcopy=False):
        if earlier.user_attrs.get(JOB) != job:
            continue
        if earlier.state in ENDED:
            return _described(earlier)
        if earlier.state == TrialState.RUNNING:
            logger.info("trial %d was killed, another is begun", earlier.number)
            study.tell(earlier.number, state=TrialState.FAIL)
    trial = study.ask()
    trial.set_user_attr(JOB, job)

    def report(epoch: int, score: float) -> None:
        trial.report(score, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned

    try:
        score = objective(suggest(trial, space), report)
    except optuna.TrialPruned:
        return _described(study.tell(trial, state=TrialState.PRUNED))
    except Exception:
        study.tell(trial, state=TrialState.FAIL)
        raise
    return _described(study.tell(trial, score))


def _described(trial: FrozenTrial) -> dict[str, Any]:
    complete = trial.state == TrialState.COMPLETE
    return {
        JOB: trial.user_attrs[JOB],
        "state": trial.state.name.lower(),
        "params": trial.params,
        "f2": trial.value if complete else None,
    }


def validation_f2(model: Predictor, source: PatchSource) -> float:
    """F2 of cloud, pooled over validation patches.

    Raises
    ------
    DataError
        They hold no cloud.
    """
    total = np.zeros((3, 3), np.int64)
    for index in range(len(source)):
        channels, labels = source.batch([index])
        total += confusion_matrix(labels[0], model.predict(channels[0]).argmax(axis=0))
    score = float(f2(total))
    if np.isnan(score):
        raise DataError("no validation patch has a pixel of cloud; change the split or add scenes")
    return score


def run_trial(
    row: Row,
    settings: Search,
    patches: Sequence[PathLike],
    images: Sequence[PathLike],
    journal: PathLike,
    job: int,
) -> dict[str, Any]:
    """Train one shape of the network and score it on the validation split; see `perform`.

    Parameters
    ----------
    row : Row
        What all trials share.
    settings : Search
    patches, images : sequence of path
        As in `firn.ablation.row.run_row`.
    journal : path
    job : int
    """
    name = digest([row, settings.model_dump(exclude={"trials"})])
    study = open_study(journal, name, settings, row.seed + job)
    with scratch_folder() as folder:
        model = folder / "model.safetensors"

        def objective(params: Mapping[str, Any], report: Callable[[int, float], None]) -> float:
            shape = row.network.clouddl.model_copy(update=dict(params))
            network = row.network.model_copy(update={"clouddl": shape})
            data = training_data(row, patches, images, folder)
            run = Run(row.method, "search", row.seed, network, row.training, row.step)

            def watch(epoch: EpochRecord) -> None:
                # A loss, where the score is an F2: trials are only compared with each other.
                report(epoch.epoch, -epoch.validation_loss)

            train(run, data, model, folder / "history.csv", watch=watch)
            return validation_f2(load_model(model), data.validation)

        return perform(study, settings.space, job, objective)


def best(trials: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Rank the trials of a search.

    Returns
    -------
    dict
        ``best`` (the trial of the highest F2), ``network`` (what to write below ``network.clouddl``
        of the configuration) and ``trials``, the best first, those that were pruned last.

    Raises
    ------
    DataError
        All trials were pruned.
    """
    ranked = sorted(trials, key=lambda t: (t["f2"] is None, -(t["f2"] or 0.0), t[JOB]))
    if not ranked or ranked[0]["f2"] is None:
        raise DataError("no trial of the search was trained to its end; raise startup_trials")
    return {"best": ranked[0], "network": ranked[0]["params"], "trials": ranked}
