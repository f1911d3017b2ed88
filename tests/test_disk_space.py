"""Estimates of the disk space of jobs, by hand."""

from pathlib import Path

import pytest
import yaml

from firn.catalogue import Catalogue, SpotScene, catalogue
from firn.config import Config, load_config
from firn.disk_space import DiskSpace, describe, disk_space

ROOT = Path(__file__).parents[1]
TINY = ROOT / "tests/workflow/tiny.yaml"


def real(tmp_path: Path, **changes: object) -> Config:
    content = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(content | changes))
    return load_config(path)


def scene(sensor: str) -> SpotScene:
    return SpotScene(f"{sensor}-scene", sensor, "alps", "a.zip", "classify", None)


def test_real_tiles_have_5490_pixels_and_eleven_patches_along_a_side(tmp_path: Path) -> None:
    tile = {"tile": "32TLS", "date": "20180101"}
    jobs = [
        ("toa", tile),
        ("labels", tile),
        ("patches", tile),
        ("emulate", tile | {"area": "alps"}),
    ]
    space = disk_space(real(tmp_path), Catalogue((), ()), jobs)
    # Five satellites have 3 + 3 + 3 + 4 + 4 bands.
    patches = (11 * 572) ** 2
    assert space.folders == {
        "pseudo": pytest.approx(1.3 * 17 * patches),
        "patches": pytest.approx(16 * patches),
        "stacks": pytest.approx(8.1 * 5490**2),
    }
    assert list(space.folders) == ["pseudo", "patches", "stacks"], "largest first"
    assert space.scratch == 0


def test_maps_count_by_method_and_size_of_the_pixels(tmp_path: Path) -> None:
    config = real(tmp_path, methods=["unet", "baseline-majority"])
    scenes = Catalogue((), (scene("spot4"), scene("spot5")))
    jobs = [("classify", {"scene": s.scene_id}) for s in scenes.spot]
    space = disk_space(config, scenes, jobs)
    coarse, fine = 3000**2, 6000**2
    assert space.folders == {"maps": pytest.approx(2 * (2 * 20_000 + 0.7 * (coarse + fine)))}
    assert space.scratch == (5 + 2 * 5) * fine


def test_virtual_tiles_have_the_size_of_the_configuration() -> None:
    config = load_config(TINY)
    scenes = catalogue(config)
    name = next(s.scene_id for s in scenes.spot if s.role == "evaluate")
    jobs = [
        ("simulate_sentinel2", {"tile": "32TPT", "date": "20180118"}),
        ("patches", {"tile": "32TPT", "date": "20180118"}),
        ("classify", {"scene": name, "target": "spot4"}),
        ("draw_scores", {}),
    ]
    pixels = 192**2
    assert disk_space(config, scenes, jobs).folders == {
        "archive": pytest.approx(47 * pixels),
        "patches": pytest.approx(16 * pixels),
        "maps": pytest.approx(4 * (20_000 + 0.7 * pixels)),
    }


def test_it_says_when_the_space_does_not_suffice() -> None:
    space = DiskSpace({"maps": 1.5e12, "stacks": 2e9}, 5.4e8)
    told = describe(space, "results/swh", 3e11)
    assert told.splitlines()[:2] == [
        "results/swh: about 1.5 TB will be written (maps 1.5 TB, stacks 2.0 GB), 300.0 GB are free",
        "A job that classifies takes up to 540.0 MB of $TMPDIR.",
    ]
    assert "may not fit" in told
    assert "may not fit" not in describe(space, "results/swh", 2e12)
