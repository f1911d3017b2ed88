import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from firn.config import parse_config
from firn.simulator.whole_archive import simulate_archive

ROOT = Path(__file__).parents[2]
_PATHS = (str(Path(__file__).with_name("without_boto3")), os.environ.get("PYTHONPATH"))
#: As without the extra "download": rasterio imports boto3 wherever it is, and so would every job,
#: for 0.2 s of its 0.9 to begin.
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, _PATHS))}


@dataclass(frozen=True)
class Call:
    """What a call of snakemake gave."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err

    def jobs(self) -> dict[str, int]:
        """Number of jobs by rule, from the job statistics."""
        table = self.text.split("Job stats:")[1].split("total")[0]
        return {name: int(n) for name, n in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}

    def outputs(self) -> set[str]:
        """Outputs of all jobs of a dry run."""
        lines = re.findall(r"^    output: (.+)$", self.text, re.MULTILINE)
        return {path for line in lines for path in line.split(", ")}


Snakemake = Callable[..., Call]


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results")


def make_archive(config: Path, folder: Path) -> None:
    """Make the virtual archive of a configuration here, in a quarter of the time of its jobs.

    The end-to-end test has those jobs.
    """
    content = yaml.safe_load(config.read_text()) | {"results": str(folder)}
    for product in simulate_archive(parse_config(content)):
        assert product.is_file()


def command(*arguments: str | Path, config: Iterable[str] = (), folder: Path) -> list[str]:
    """Call of snakemake, to be made in the root of the repository, with results elsewhere."""
    call = [sys.executable, "-m", "snakemake", "--nolock", *map(str, arguments)]
    return [*call, "--config", f"results={folder}", *config]


@pytest.fixture(scope="session")
def snakemake(results: Path) -> Snakemake:
    """Call snakemake in the root of the repository, with results elsewhere."""

    def call(
        *arguments: str | Path,
        config: str = "",
        folder: Path = results,
        environment: Mapping[str, str] = ENVIRONMENT,
    ) -> Call:
        line = command(*arguments, config=[config] if config else [], folder=folder)
        done = subprocess.run(
            line, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        return Call(done.returncode, done.stdout, done.stderr)

    return call
