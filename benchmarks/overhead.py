"""The workflow by Snakemake, beside the same functions one after the other in one process."""

import importlib.util
import logging
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

from benchmarks.cost import Cost, Row, measure, measure_command, row
from benchmarks.dry_run import ROOT, WORKFLOW

#: Configurations by their run; the tiny one has every kind of job, and little to compute in each.
CONFIGS = {"demo": ROOT / "config/demo.yaml", "tiny": ROOT / "tests/workflow/tiny.yaml"}
#: What Snakemake is asked for: everything, where it is empty.
TARGETS: tuple[str, ...] = ()
_KEYS = ("wall", "processor")


def run_workflow(config: Path, results: Path, calls: Path) -> Cost:
    """Run the workflow from nothing on all cores, and keep what its scripts were called with.

    Parameters
    ----------
    config : path
    results : path
        Emptied before.
    calls : path
        Folder for a file per job, in the order of their ends; emptied before.
    """
    for folder in (results, calls):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    paths = (Path(__file__).parent / "recorder", os.environ.get("PYTHONPATH"))
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(str(path) for path in paths if path),
        "FIRN_RECORDED_CALLS": str(calls.absolute()),
    }
    # As in `make demo`: without its compiled modules, each job would compile firn again.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    call = [sys.executable, "-m", "snakemake", "--nolock", "--configfile", str(config)]
    call += ["--profile", str(WORKFLOW / "profiles/local")]
    call += ["--config", f"results={results.absolute()}", "--", *TARGETS]
    with (calls / "log").open("w") as log:
        return measure_command(
            call, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
        )


def recorded(calls: Path) -> list[tuple[str, Any, float]]:
    """Script, argument and processor seconds of each job's process, in the order of their ends."""
    return [pickle.loads(path.read_bytes()) for path in sorted(calls.glob("*.pickle"))]


def run_functions(calls: Path) -> None:
    """Call the same scripts with the same arguments, in the order in which the jobs ended.

    Parameters
    ----------
    calls : path
        As `run_workflow` left it.
    """
    os.chdir(ROOT)
    # Scripts import their neighbours, and log to files in the workflow too.
    sys.path.insert(0, str(WORKFLOW / "scripts"))
    logging.basicConfig(level=logging.INFO, filename=calls / "functions.log", force=True)
    modules: dict[str, ModuleType] = {}
    for script, call, _ in recorded(calls):
        for output in call.output:
            Path(output).parent.mkdir(parents=True, exist_ok=True)
        if script not in modules:
            modules[script] = _module(WORKFLOW / "scripts" / script)
        modules[script].main(call)


def _module(script: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"rule_{script.stem}", script)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _forget(results: Path) -> None:
    """Remove what jobs have made, but for their logs and benchmarks, which some jobs read."""
    for path in results.iterdir():
        if path.name in ("logs", "benchmarks"):
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def rows(run: str, folder: Path, repeats: int) -> list[Row]:
    """Rows ``workflow-overhead``: asked is at most 1.25 times the time of the functions alone.

    Each job and the functions take one thread in torch and BLAS; the workflow runs as many jobs
    side by side as there are cores, so that only the processor times compare like with like.
    Those of the jobs' processes alone tell what Snakemake itself takes.

    Parameters
    ----------
    run : str
        A key of `CONFIGS`.
    folder : path
        For the results of the workflow.
    repeats : int
        Measurements of which the median counts.
    """
    results, calls = folder.absolute() / "overhead", folder.absolute() / "overhead_calls"
    pairs, processes = [], []
    for _ in range(repeats):
        ours = run_workflow(CONFIGS[run], results, calls)
        processes.append(sum(seconds for *_, seconds in recorded(calls)))
        _forget(results / run)
        os.environ["OMP_NUM_THREADS"] = "1"
        try:
            plain = measure(run_functions, calls)
        finally:
            del os.environ["OMP_NUM_THREADS"]
        pairs.append((ours, plain))
    wall, processor = (median(getattr(ours, key) for ours, _ in pairs) for key in _KEYS)
    alone, alone_processor = (median(getattr(plain, key) for _, plain in pairs) for key in _KEYS)
    name = "workflow-overhead" if run == "demo" else f"workflow-overhead-{run}"
    units = f"s, {len(recorded(calls))} jobs"
    return [
        row(name, wall, alone, units),
        row(f"{name}, processor time", processor, alone_processor, units),
        row(f"{name}, their processes", median(processes), alone_processor, units),
    ]
