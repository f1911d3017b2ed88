"""What every rule and script has, and when rules run again."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from .conftest import ROOT, Snakemake

SCRIPTS = sorted((ROOT / "workflow/scripts").glob("*.py"))
RULES = {
    name: body
    for path in sorted((ROOT / "workflow/rules").glob("*.smk"))
    for name, body in re.findall(
        r"^ *rule (\w*):\n(.*?)(?=^ *rule \w*:|\Z)", path.read_text(), re.DOTALL | re.MULTILINE
    )
    if "script:" in body
}
CONFIG_ONLY = ("--configfile", "config/demo.yaml", "--cores", "1")


@pytest.mark.parametrize("name", RULES)
def test_rule_is_complete(name: str) -> None:
    body = RULES[name]
    for directive in ("output:", "log:", "benchmark:", "threads:", "mem_mb=", "runtime="):
        assert directive in body
    assert not re.search(r"(input|output):\n\s+[\"'\[]", body), "files have names"
    if not name.startswith("missing_"):
        script = re.search(r'"\.\./scripts/(\w+\.py)"', body)
        assert script
        assert re.search(rf'code=(method_)?code\("{script[1]}"(, \["clouddl"\])?\)', body)
    assert ("gpu=" in body) == name.startswith(("train_", "classify"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.stem)
def test_script_is_a_short_adapter(path: Path) -> None:
    source = path.read_text()
    if path.stem == "rule_log":
        return
    assert len(source.splitlines()) <= 40
    top = ast.parse(source).body
    assert isinstance(top[-1], ast.If), "what runs is guarded"
    assert all(
        isinstance(node, ast.Expr | ast.Import | ast.ImportFrom | ast.Assign | ast.FunctionDef)
        for node in top[:-1]
    )


def test_every_script_belongs_to_a_rule() -> None:
    used = {name for body in RULES.values() for name in re.findall(r"scripts/(\w+)\.py", body)}
    assert used == {path.stem for path in SCRIPTS} - {"rule_log"}


def test_every_caption_is_used() -> None:
    text = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    for path in (ROOT / "workflow/report").glob("*.rst"):
        assert path.stem in text


def test_profiles_keep_going_and_only_the_local_one_limits_gpus() -> None:
    profiles = {
        name: yaml.safe_load((ROOT / f"workflow/profiles/{name}/config.yaml").read_text())
        for name in ("local", "slurm")
    }
    assert all(p["keep-going"] and p["rerun-incomplete"] for p in profiles.values())
    assert profiles["local"]["resources"] == {"gpu": 1, "download": 2}
    assert profiles["slurm"]["resources"] == {"download": 2}
    assert profiles["slurm"]["executor"] == "slurm"
    assert (ROOT / "slurm").resolve() == ROOT / "workflow/profiles/slurm"
    # Its keys would win over those of the profile that a user names.
    assert not (ROOT / "workflow/profiles/default").exists()


def test_a_rule_runs_again_only_when_what_it_reads_changes(
    snakemake: Snakemake, tmp_path: Path
) -> None:
    target = tmp_path / "demo/config.yaml"
    first = snakemake(*CONFIG_ONLY, target, folder=tmp_path)
    assert first.code == 0, first.text
    written = yaml.safe_load(target.read_text())
    assert written["inference"]["low_confidence"] == 0.6, "defaults are written too"

    again = snakemake(*CONFIG_ONLY, "-n", target, folder=tmp_path)
    assert "Nothing to be done" in again.text
    changed = snakemake(*CONFIG_ONLY, "-n", target, folder=tmp_path, config="seed=3")
    assert "Params have changed since last execution" in changed.text


def test_a_missing_product_costs_its_job_and_says_so(snakemake: Snakemake, tmp_path: Path) -> None:
    target = tmp_path / "swh/stacks/31TCH/20190131/toa_20m.tif"
    call = snakemake("--cores", "1", target, folder=tmp_path)
    assert call.code != 0
    (line,) = (line for line in call.err.splitlines() if line.startswith("missing_file: error: "))
    assert "data/sentinel2/31TCH/20190131/l1c.zip" in line
    assert "exclude:" in line
    log = tmp_path / "swh/logs/missing_file/data/sentinel2/31TCH/20190131/l1c.zip.log"
    assert "Traceback" in log.read_text()
    assert "go on without a scene" in call.err
