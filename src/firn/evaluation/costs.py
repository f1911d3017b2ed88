"""What a model costs: the time of its training and of its application, and its size."""

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from firn.job_times import read_jobs
from firn.methods import load_model

#: Side of the image that application is timed on, pixels, and how often that is done.
SIDE = 512
REPEATS = 5


def model_costs(path: str | os.PathLike[str], *, side: int = SIDE) -> dict[str, Any]:
    """Measure a model.

    It is applied to an image of noise in the spread of its training data, for what an image shows
    changes no method's time. Counted is the time of processors, not that of the clock, so that
    other jobs of the machine hardly matter; the first application, which fills caches, is left out.

    Parameters
    ----------
    path : path
        Model file.
    side : int
        Of the image, pixels.

    Returns
    -------
    dict
        ``bytes`` of the file, ``parameters`` and ``core_seconds_per_megapixel`` (median).

    Raises
    ------
    ModelError
        The file is no model.
    """
    model = load_model(path)
    mean, std = (np.array(v, np.float32)[:, None, None] for v in (model.card.mean, model.card.std))
    noise = np.random.default_rng(0).standard_normal((len(mean), side, side), np.float32)
    channels = mean + std * noise
    seconds = []
    for _ in range(REPEATS + 1):
        started = time.process_time()
        model.predict(channels)
        seconds.append(time.process_time() - started)
    return {
        "bytes": Path(path).stat().st_size,
        "parameters": model.n_parameters,
        "core_seconds_per_megapixel": float(np.median(seconds[1:])) / (side**2 / 1e6),
    }


def training_seconds(benchmarks: Iterable[str | os.PathLike[str]]) -> float | None:
    """Wall time of the jobs that made a model, from their benchmark files, s.

    The last run of each job counts. None where a file is not there, as after results were copied
    without them.

    Raises
    ------
    DataError
        A file is damaged.
    """
    paths = [Path(path) for path in benchmarks]
    if not all(path.exists() for path in paths):
        return None
    return sum(read_jobs(path)[-1][0] for path in paths)
