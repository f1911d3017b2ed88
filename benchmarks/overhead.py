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

from benchmarks.cost import Cost, Row, measure, measure_command, row
from benchmarks.dry_run import ROOT, WORKFLOW

#: Has every kind of job, and little to compute in each.
CONFIG = ROOT / "tests/workflow/tiny.yaml"
#: What Snakemake is asked for: everything, where it is empty.
TARGETS: tuple[str, ...] = ()


def run_workflow(results: Path, calls: Path, targets: tuple[str, ...]) -> Cost:
    """Run the workflow from nothing, one job at a time, and keep what its scripts were called with.

    Parameters
    ----------
    results : path
        Emptied before.
    calls : path
        Folder for a file per job, in the order of their ends; emptied before.
    targets : tuple of str
    """
    for folder in (results, calls):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    paths = (Path(__file__).parent / "recorder", os.environ.get("PYTHONPATH"))
    environment = {
        "PYTHONPATH": os.pathsep.join(str(path) for path in paths if path),
        "FIRN_RECORDED_CALLS": str(calls.absolute()),
    }
    call = [sys.executable, "-m", "snakemake", "--nolock", "--configfile", str(CONFIG)]
    call += ["--profile", str(WORKFLOW / "profiles/local"), "--cores", "1"]
    call += ["--config", f"results={results.absolute()}", "--", *targets]
    with (calls / "log").open("w") as log:
        return measure_command(
            call, cwd=ROOT, env=os.environ | environment, stdout=log, stderr=subprocess.STDOUT
        )


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
    for record in sorted(calls.glob("*.pickle")):
        script, call = pickle.loads(record.read_bytes())
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


def rows(folder: Path, size: int, repeats: int) -> list[Row]:
    """Row ``workflow-overhead``: asked is at most 1.25 times the time of the functions alone.

    Both take one core, and one thread in torch and BLAS.

    Parameters
    ----------
    folder : path
        For the results of the workflow.
    size : int
        Not used.
    repeats : int
        Measurements of which the median counts.
    """
    run, calls = folder.absolute() / "overhead" / "tiny", folder.absolute() / "overhead_calls"
    pairs = []
    for _ in range(repeats):
        ours = run_workflow(run.parent, calls, TARGETS)
        _forget(run)
        os.environ["OMP_NUM_THREADS"] = "1"
        try:
            plain = measure(run_functions, calls)
        finally:
            del os.environ["OMP_NUM_THREADS"]
        pairs.append((ours, plain))
    jobs = len(list(calls.glob("*.pickle")))
    name = f"workflow-overhead, {jobs} jobs"
    return [
        row(
            f"{name}{suffix}",
            median(getattr(ours, field) for ours, _ in pairs),
            median(getattr(plain, field) for _, plain in pairs),
            "s",
        )
        for suffix, field in (("", "wall"), (", processor time", "processor"))
    ]
