"""A sample of `make chaos`: a few stages, a few kills."""

from pathlib import Path

import pytest
import yaml
from chaos import Call, torment, write_virtual

pytestmark = pytest.mark.slow


def write_terrain(folder: Path) -> Call:
    """Configuration of a scene, and of the relief around it."""
    call = write_virtual(folder)
    path = folder / call.config
    content = yaml.safe_load(path.read_text())
    content["simulation"]["sentinel2"] = {"32TPT": ["20180118"]}
    path.write_text(yaml.safe_dump(content))
    return Call(call.config, ("results/virtual/terrain/32TPT/dem.tif",))


def test_killed_jobs_and_workflows_recover(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert torment(tmp_path, [write_terrain], seed=1, kills=3, minutes=5)
    told = capsys.readouterr().out
    assert "3 kills; " in told
    assert " 0 of them different" in told
