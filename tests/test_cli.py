import json
from pathlib import Path

import minimal_products
import numpy as np
import pytest
import yaml
from click.testing import CliRunner, Result

from firn import netcdf, raster
from firn.cli import main
from firn.config_table import config_table
from firn.methods import MajorityModel, ModelCard, save_model
from firn.raster import Grid

ROOT = Path(__file__).parents[1]
COMMANDS = ("simulate", "emulate", "classify", "evaluate", "info", "config")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


def refused(result: Result) -> str:
    """The one line of an error of firn."""
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith("firn: ")
    return line


def test_help_names_every_command_and_shows_examples() -> None:
    text = run("--help").stdout
    for command in COMMANDS:
        assert command in text
        assert f"  firn {command} " in run(command, "--help").stdout
    assert "snakemake --configfile config/demo.yaml" in text


def test_config_prints_what_is_not_given() -> None:
    result = run("config", ROOT / "config/reference.yaml")
    settings = yaml.safe_load(result.stdout)
    assert settings["labels"]["filter"] == "tcd-only"
    assert settings["inference"]["window"] == 512


def test_config_prints_schema_and_table() -> None:
    assert json.loads(run("config", "--schema").stdout)["additionalProperties"] is False
    assert run("config", "--table").stdout == config_table()


def test_unknown_key_is_refused_by_name(tmp_path: Path) -> None:
    content = yaml.safe_load((ROOT / "config/reference.yaml").read_text())
    path = tmp_path / "mistyped.yaml"
    path.write_text(yaml.safe_dump(content | {"pathces": {}}))
    result = run("config", path)
    assert result.exit_code == 2
    assert "mistyped.yaml" in result.stderr
    assert "pathces" in result.stderr


def test_simulate_needs_a_simulation() -> None:
    assert "no simulation" in refused(run("simulate", ROOT / "config/reference.yaml"))


def test_info_of_what_is_no_product(tmp_path: Path) -> None:
    path = tmp_path / "notes.zip"
    path.write_text("no zip")
    assert "notes.zip" in refused(run("info", path))


def test_info_of_a_netcdf_file(tmp_path: Path) -> None:
    import xarray as xr

    path = tmp_path / "a.nc"
    netcdf.write(path, xr.Dataset({"v": ("x", np.arange(3))}, attrs={"tile": "31TCH"}))
    described = yaml.safe_load(run("info", path).stdout)
    assert described["sizes"] == {"x": 3}
    assert described["tile"] == "31TCH"


@pytest.fixture
def snowy_model(tmp_path: Path) -> Path:
    """A model that calls every pixel snow."""
    card = ModelCard(
        method="baseline-majority",
        sensor="spot2",
        bands=["XS1", "XS2", "XS3"],
        channels=["XS1", "XS2", "XS3", "hillshade", "dem"],
        mean=[0.0] * 5,
        std=[1.0] * 5,
    )
    path = tmp_path / "model.safetensors"
    save_model(MajorityModel(card, np.array([1, 8, 1])), path)
    return path


def test_info_of_a_model(snowy_model: Path) -> None:
    described = yaml.safe_load(run("info", snowy_model).stdout)
    assert described["method"] == "baseline-majority"
    assert described["parameters"] == 3


def test_classify_and_evaluate_a_calibrated_geotiff(tmp_path: Path, snowy_model: Path) -> None:
    grid = Grid.from_bounds("EPSG:32631", 400000, 4700000, 406000, 4706000, 20)
    tags = {
        "ACQUISITION_TIME": "2001-06-14T11:02:46+00:00",
        "SUN_ZENITH": "30",
        "SUN_AZIMUTH": "140",
    }
    image, dem, reference = (tmp_path / f"{n}.tif" for n in ("image", "dem", "reference"))
    raster.write(
        image,
        np.full((3, *grid.shape), 400, np.uint16),
        grid,
        nodata=0,
        band_names=["XS1", "XS2", "XS3"],
        tags=tags,
    )
    raster.write(dem, np.full(grid.shape, 2000, np.float32), grid)
    truth = np.ones(grid.shape, np.uint8)
    truth[:150] = 0
    raster.write(reference, truth, grid, nodata=255)
    sensor = tmp_path / "mine.yaml"
    content = yaml.safe_load((ROOT / "src/firn/data/sensors/spot2.yaml").read_text())
    sensor.write_text(yaml.safe_dump(content | {"scale": 0.001}))
    out = tmp_path / "map"
    arguments = ("classify", image, "--model", snowy_model, "--dem", dem, "-o", out)

    assert "--sensor" in refused(run(*arguments))
    result = run(*arguments, "--sensor", sensor)
    assert result.exit_code == 0, result.output
    assert (raster.read(out / "snow.tif").values == 100).all()

    # The default buffer around missing data, 2000 m, leaves the 100 x 100 pixels in the middle.
    result = run("evaluate", out, "--reference", reference, "--dem", dem)
    assert result.exit_code == 0, result.output
    metrics = json.loads(result.stdout)
    assert metrics["confusion_matrix"] == [[0, 5000, 0], [0, 5000, 0], [0, 0, 0]]
    assert metrics["experiment"]["method"] == "baseline-majority"


def test_classify_a_swh_zip(tmp_path: Path, snowy_model: Path) -> None:
    """Snow wherever the scene has data; its first column has none."""
    numbers = np.full((40, 30), 400, np.uint16)
    numbers[:, 0] = 0
    bands = ("XS1", "XS2", "XS3")
    name = "SPOT2-HRV1-XS_19900614-110246-780_L1C_039-264-0_D_V1-0"
    folder = minimal_products.swh(
        tmp_path, dict.fromkeys(bands, numbers), dict.fromkeys(bands, 0.6), name=name
    )
    product, dem, out = minimal_products.zip_folder(folder), tmp_path / "dem.tif", tmp_path / "map"
    relief = np.full((40, 30), 2000, np.float32)
    minimal_products.write_raster(dem, relief, 20)
    result = run("classify", product, "--model", snowy_model, "--dem", dem, "-o", out)
    assert result.exit_code == 0, result.output
    assert Path(result.stdout.strip()) == out / "snow.tif"
    codes = raster.read(out / "snow.tif").values[0]
    assert (codes[:, 0] == 254).all()
    assert (codes[:, 1:] == 100).all()
    item = json.loads((out / "item.json").read_text())
    assert item["id"] == f"{name}_baseline-majority"


def test_classify_refuses_half_a_zip(tmp_path: Path, snowy_model: Path) -> None:
    product = tmp_path / "scene.zip"
    product.write_bytes(b"PK\x03\x04 half")
    dem = tmp_path / "dem.tif"
    minimal_products.write_raster(dem, np.ones((4, 4), np.float32), 20)
    result = run("classify", product, "--model", snowy_model, "--dem", dem, "-o", tmp_path / "map")
    assert "scene.zip: is not a readable zip" in refused(result)
    assert not (tmp_path / "map").exists()
