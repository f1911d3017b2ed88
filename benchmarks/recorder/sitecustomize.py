"""Keeps what a script was called with, and its time, where ``PYTHONPATH`` leads to this folder."""

import atexit
import os
import pickle
import sys
import time
from pathlib import Path


def _keep() -> None:
    call = getattr(sys.modules["__main__"], "snakemake", None)
    if type(call).__name__ == "Snakemake":
        path = Path(os.environ["FIRN_RECORDED_CALLS"]) / f"{time.time_ns()}.pickle"
        # Snakemake runs a copy of the script, which has its name after a dot.
        script = Path(sys.argv[0]).name.partition(".")[2]
        # Of this process and those that it started, user and system.
        seconds = sum(os.times()[:4])
        path.write_bytes(pickle.dumps((script, call, seconds)))


atexit.register(_keep)
