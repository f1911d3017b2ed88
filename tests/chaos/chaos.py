"""Kill a run again and again, recover as the docs say, and compare with a run left in peace.

One run makes a small virtual archive, takes its products for real ones and maps them. It is done
once undisturbed. Then it is done anew, and at random moments is killed (SIGKILL): a job, as a
machine without memory does; Snakemake, whose jobs live on; or all of it, as the end of a session
does. When it is complete, the outputs of the rule that was hit least are removed and made again,
under fire, until there were enough kills. In the end both runs must be the same to the byte.
"""

import argparse
import csv
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import yaml

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "workflow"
#: Threads as sums are rounded by their number.
ENVIRONMENT = {
    **os.environ,
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
}
#: What tells times, and what is compared through the links that lead to it.
DIFFERENT = re.compile(r"[^/]+/(logs|benchmarks|store|figures/runtime\.png|report\.html)")
#: Script of each rule; that of rules without a name stands for the archives of the satellites.
SCRIPTS = {
    rule: script
    for path in sorted(WORKFLOW.glob("rules/*.smk"))
    for rule, script in re.findall(
        r"^ *rule (\w+):$(?:(?!^ *rule ).)*?scripts/(\w+)\.py", path.read_text(), re.M | re.S
    )
}
ARCHIVE_SCRIPT = "simulate_archive"


@dataclass(frozen=True)
class Call:
    """A call of the workflow: a configuration and what to make by it.

    Parameters
    ----------
    config : str
        File name in the folder of the run.
    targets : tuple of str
    """

    config: str
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Run:
    """A run in a folder of its own, where Snakemake keeps its records too."""

    folder: Path

    def command(self, call: Call, *options: str) -> list[str]:
        """Snakemake on a call."""
        return [
            *(sys.executable, "-m", "snakemake", *call.targets, "--configfile", call.config),
            *("--snakefile", str(WORKFLOW / "Snakefile"), "--directory", "."),
            *("--profile", str(WORKFLOW / "profiles/local"), "--cores", "2", *options),
        ]

    def start(self, call: Call, *options: str) -> subprocess.Popen[str]:
        """Start Snakemake in a session of its own; what it says is added to a file."""
        with open(self.folder / "snakemake.log", "a") as log:
            return subprocess.Popen(
                self.command(call, *options),
                cwd=self.folder,
                env=ENVIRONMENT,
                stdout=log,
                stderr=log,
                start_new_session=True,
                text=True,
            )

    def finish(self, call: Call) -> None:
        """Recover as docs/workflow.md says; an error ends the program."""
        for options in (("--unlock",), ()):
            if self.start(call, *options).wait():
                told = (self.folder / "snakemake.log").read_text().splitlines()
                raise SystemExit("\n".join([*told[-60:], f"{call}: does not recover"]))

    def jobs(self) -> dict[int, str]:
        """Scripts of the rules that run, by process."""
        found = {}
        for process in Path("/proc").iterdir():
            try:
                words = (process / "cmdline").read_bytes().decode().split("\0")
            except (OSError, UnicodeDecodeError):
                continue
            # The shell in which Snakemake starts it has the same path in one word with more.
            for word in words[1:2]:
                name = re.fullmatch(rf"{self.folder}/\.snakemake/scripts/\w+\.(\w+)\.py", word)
                if name:
                    found[int(process.name)] = name[1]
        return found

    def wait_for_orphans(self) -> None:
        """Wait for jobs that a killed Snakemake left behind."""
        while self.jobs():
            time.sleep(0.2)

    def outputs(self, calls: Sequence[Call]) -> dict[tuple[str, Call], list[str]]:
        """Files that the jobs of each script write, with the call that makes them."""
        files: dict[tuple[str, Call], list[str]] = {}
        for call in calls:
            told = subprocess.run(
                self.command(call, "--summary"),
                cwd=self.folder,
                env=ENVIRONMENT,
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for row in csv.DictReader(told.splitlines(), delimiter="\t"):
                if Path(self.folder, row["output_file"]).exists():
                    script = SCRIPTS.get(row["rule"], ARCHIVE_SCRIPT)
                    files.setdefault((script, Call(call.config, ())), []).append(row["output_file"])
        return files

    def seconds(self) -> dict[str, float]:
        """Typical time of the jobs of each script, from the benchmarks."""
        times: dict[str, list[float]] = {}
        for path in self.folder.glob("results/*/benchmarks/**/*.tsv"):
            rule = path.relative_to(self.folder).parts[3].removesuffix(".tsv")
            with open(path, newline="") as file:
                (row,) = csv.DictReader(file, delimiter="\t")
            times.setdefault(SCRIPTS.get(rule, ARCHIVE_SCRIPT), []).append(float(row["s"]))
        return {script: median(values) for script, values in times.items()}

    def digests(self) -> dict[str, str]:
        """Digest of each artefact; what a killed job was writing lies in hidden folders."""
        root = self.folder / "results"
        return {
            name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(root.rglob("*"))
            if path.is_file()
            and not DIFFERENT.match(name := path.relative_to(root).as_posix())
            and not re.search(r"(^|/)\.", name)
        }

    def leftovers(self) -> list[Path]:
        """Hidden files that killed jobs left."""
        hidden = re.compile(r"/\.[^/]+/")
        files = (path for path in self.folder.glob("results/**/*") if path.is_file())
        return [path for path in files if hidden.search(str(path))]


class Chaos:
    """Kills, at random but by a seed, of a run.

    Parameters
    ----------
    run : Run
    seed : int
    seconds : mapping of script to float
        Typical time of its jobs, s.
    """

    def __init__(self, run: Run, seed: int, seconds: dict[str, float]) -> None:
        self.run = run
        self.seconds = seconds
        self.hits: Counter[str] = Counter()
        self.kills = 0
        self._random = random.Random(seed)
        self._begin = time.monotonic()

    def disturb(self, call: Call, script: str | None = None) -> bool:
        """Recover from the last kill and make a call that is killed; whether it got through.

        Parameters
        ----------
        call : Call
        script : str, optional
            Kill while a job of this script runs; at any moment by default.
        """
        self._print(f"calls {call.config} {script or ' '.join(call.targets)}")
        self.run.start(call, "--unlock").wait()
        process = self.run.start(call)
        while process.poll() is None:
            running = self.run.jobs()
            if not running or (script and script not in running.values()):
                time.sleep(0.1)
                continue
            typical = self.seconds[script] if script else 2 * median(self.seconds.values())
            time.sleep(self._random.uniform(0, typical))
            what = self._kill(process, script)
            if what in ("snakemake", "all") or (what and script):
                break
            if script:
                # Too late: the machine has less to do than when the time was taken.
                self.seconds[script] /= 2
        return process.wait() == 0

    def _kill(self, process: subprocess.Popen[str], script: str | None) -> str:
        """Kill a job, Snakemake or both; what was killed, or nothing where no job runs."""
        running = {p: s for p, s in self.run.jobs().items() if script in (None, s)}
        if process.poll() is not None or not running:
            return ""
        what = self._random.choice(("job", "snakemake", "all"))
        job = min(running, key=lambda one: (self.hits[running[one]], one))
        try:
            if what == "job":
                os.kill(job, signal.SIGKILL)
            elif what == "snakemake":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return ""
        self.kills += 1
        hit = [running[job]] if what == "job" else sorted(set(running.values()))
        self.hits.update(hit)
        self._print(f"kill {self.kills}: {what} ({', '.join(hit)})")
        return what

    def _print(self, text: str) -> None:
        print(f"{time.monotonic() - self._begin:6.0f} s  {text}", flush=True)


def write_virtual(folder: Path) -> Call:
    """Configuration of the virtual archive."""
    content = yaml.safe_load((ROOT / "tests/workflow/tiny.yaml").read_text())
    del content["ablation"]
    content |= {"run": "virtual", "emulated_sensors": []}
    simulation = content["simulation"]
    simulation["spot"].append({"sensor": "spot4", "tile": "32TPT", "date": "20021115"})
    (folder / "virtual.yaml").write_text(yaml.safe_dump(content))
    return Call("virtual.yaml", ("archive", "results/virtual/archive/auxiliary/32TPT/dem.tif"))


def write_real(folder: Path) -> Call:
    """Configuration that takes the products of the virtual archive for real ones.

    Two of three scenes are in a batch, and a Sentinel-2 scene has no snow product.
    """
    content = yaml.safe_load((folder / "virtual.yaml").read_text())
    archive = Path("results/virtual/archive")
    dates = content.pop("simulation")["sentinel2"]["32TPT"]
    lines = ["tile\tdate\tl1c\tl2a\tsnow"]
    for date in dates:
        scene = archive / "sentinel2/32TPT" / date
        snow = scene / "snow.zip" if date != dates[0] else ""
        lines.append(f"32TPT\t{date}\t{scene}/l1c.zip\t{scene}/l2a.zip\t{snow}")
    (folder / "sentinel2.tsv").write_text("\n".join(lines) + "\n")
    judged = sorted(folder.glob(f"{archive}/truth/SPOT*"))
    names = [path.name for path in judged]
    roles = dict(zip(names, ("evaluate", "classify", "classify"), strict=True))
    lines = ["scene_id\tsensor\tarea\tpath\trole\treference\ttile"]
    for product in sorted(folder.glob(f"{archive}/spot/*.zip")):
        name, role = product.stem, roles.get(product.stem, "kde")
        reference = f"{archive}/truth/{name}/class.tif" if role == "evaluate" else ""
        path = archive / "spot" / product.name
        lines.append(f"{name}\tspot4\talps\t{path}\t{role}\t{reference}\t32TPT")
    (folder / "spot.tsv").write_text("\n".join(lines) + "\n")
    around = ("dem", "tree_cover", "water")
    inputs = {name: f"{archive}/auxiliary/{{tile}}/{name}.tif" for name in around}
    content["inputs"] = inputs | {"sentinel2": "sentinel2.tsv", "spot": "spot.tsv"}
    content["run"] = "real"
    content["methods"] = ["unet", "baseline-majority"]
    content["inference"]["scenes_per_job"] = 2
    (folder / "real.yaml").write_text(yaml.safe_dump(content))
    return Call("real.yaml", ("all",))


#: Writes a configuration into the folder of a run, once the calls before it are done.
Step = Callable[[Path], Call]


def torment(folder: Path, steps: Sequence[Step], seed: int, kills: int, minutes: float) -> bool:
    """Do the steps in peace and under fire; whether both gave the same, and enough kills fell.

    Parameters
    ----------
    folder : Path
        Empty; for both runs.
    steps : sequence of Step
    seed : int
    kills : int
        How many there must be.
    minutes : float
        After these no kill is begun.
    """
    end = time.monotonic() + 60 * minutes
    peace, fire = Run(folder / "peace"), Run(folder / "fire")
    calls = []
    peace.folder.mkdir()
    fire.folder.mkdir()
    for step in steps:
        calls.append(step(peace.folder))
        peace.finish(calls[-1])
    outputs, seconds = peace.outputs(calls), peace.seconds()
    print(f"undisturbed: {len(peace.digests())} files by {len(outputs)} kinds of jobs", flush=True)

    chaos = Chaos(fire, seed, seconds)
    for step in steps:
        call = step(fire.folder)
        while chaos.kills < kills and time.monotonic() < end and not chaos.disturb(call):
            pass
        fire.finish(call)
    while chaos.kills < kills and time.monotonic() < end:
        script, call = min(outputs, key=lambda key: (chaos.hits[key[0]], key[0]))
        files = outputs[script, call]
        fire.wait_for_orphans()
        _remove(fire, files, script)
        again = Call(call.config, tuple(files))
        chaos.disturb(again, script)
        fire.finish(again)
    for call in calls:
        fire.finish(call)
    fire.wait_for_orphans()
    return _compare(peace, fire, chaos, {script for script, _ in outputs}, kills)


def _remove(run: Run, files: Sequence[str], script: str) -> None:
    """Remove the outputs of a rule, and the maps that a batch would find in the store."""
    for path in (run.folder / file for file in files):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    if script == "classify_batch":
        for store in run.folder.glob("results/*/store"):
            shutil.rmtree(store)


def _compare(peace: Run, fire: Run, chaos: Chaos, scripts: set[str], kills: int) -> bool:
    """Print what became of it."""
    one, other = peace.digests(), fire.digests()
    different = sorted(name for name in one | other if one.get(name) != other.get(name))
    missed = sorted(scripts - chaos.hits.keys())
    print("kills by kind of job:", ", ".join(f"{k} {n}" for k, n in sorted(chaos.hits.items())))
    left = fire.leftovers()
    size = sum(path.stat().st_size for path in left)
    print(f"left by killed jobs: {len(left)} hidden files, {size} bytes")
    print(f"{chaos.kills} kills; {len(one)} files, {len(different)} of them different")
    for name in different:
        state = "missing" if name not in other else "differs" if name in one else "too many"
        print(f"  {name}: {state}")
    if chaos.kills < kills:
        print(f"{kills} kills were asked for; give more time")
    if missed:
        print("never hit:", ", ".join(missed))
    return not different and chaos.kills >= kills


def main() -> int:
    """Read the command line and run in a temporary folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=50, help="(default: %(default)s)")
    parser.add_argument(
        "--minutes", type=float, default=40, help="no kill after these (default: %(default)s)"
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="firn-chaos-") as name:
        folder = Path(name).resolve()
        steps = (write_virtual, write_real)
        return 0 if torment(folder, steps, asked.seed, asked.kills, asked.minutes) else 1


if __name__ == "__main__":
    sys.exit(main())
