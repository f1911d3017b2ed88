"""Intermediate artefacts that are not kept."""

from pathlib import Path

import pytest
import yaml

from .conftest import ROOT, Snakemake, make_archive

pytestmark = pytest.mark.slow


def test_intermediates_go_when_all_that_reads_them_is_made(
    snakemake: Snakemake, tmp_path: Path
) -> None:
    content = yaml.safe_load((ROOT / "tests/workflow/tiny.yaml").read_text())
    content |= {"emulated_sensors": [], "keep_intermediates": False}
    content["simulation"]["sentinel2"] = {"32TPT": ["20180118"]}
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(content))
    make_archive(config, tmp_path)
    run = tmp_path / "tiny"
    options = ("--configfile", config, "--profile", "workflow/profiles/local")
    target = run / "pseudo/alps/spot4/32TPT/20180118.nc"
    call = snakemake(target, *options, folder=tmp_path)
    assert call.code == 0, call.text
    assert {"toa", "labels", "hillshade", "patches", "emulate"} < call.jobs().keys()
    assert target.is_file(), "what is asked for is kept"
    gone = [path for name in ("stacks", "patches") for path in (run / name).rglob("*.*")]
    assert gone == []
    assert (run / "terrain/32TPT/dem.tif").is_file()

    again = snakemake(target, *options, "-n", folder=tmp_path)
    assert "Nothing to be done" in again.text
