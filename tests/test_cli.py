import json
from collections.abc import Callable
from pathlib import Path

import minimal_products
import numpy as np
import pytest
import yaml
from click.testing import CliRunner, Result
from pseudo_files import write_scene
from simulator.small_world import simulation

from firn import netcdf, raster
from firn.catalogue import catalogue
from firn.cli import main
from firn.config import Config, load_config
from firn.config_table import config_table
from firn.grid import Grid
from firn.methods import load_model
from firn.products.sentinel2 import open_l1c
from firn.saturation import Saturations

ROOT = Path(__file__).parents[1]
COMMANDS = ("simulate", "emulate", "orthorectify", "classify", "evaluate", "info", "config")


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
    assert settings["inference"]["window"] is None


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


@pytest.fixture
def tiny(tmp_path: Path) -> Config:
    """A virtual archive of one scene of each kind; its file is tiny.yaml."""
    world = simulation(
        sentinel2={"32TPT": ["20190415"]},
        spot=[{"sensor": "spot2", "tile": "32TPT", "date": "19950505"}],
        spot_archive={"scenes_per_sensor": 1, "size": 16},
    )
    content = {
        "run": "tiny",
        "results": str(tmp_path),
        "areas": {"alps": {"tiles": ["32TPT"]}},
        "sensors": ["spot2"],
        "simulation": world.model_dump(mode="json"),
    }
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(content))
    return load_config(tmp_path / "tiny.yaml")


def test_simulate_makes_every_product(tmp_path: Path, tiny: Config) -> None:
    result = run("simulate", tmp_path / "tiny.yaml")
    assert result.exit_code == 0, result.output
    scenes = catalogue(tiny)
    (scene,) = scenes.sentinel2
    folder = tiny.root / "archive/auxiliary/32TPT"
    expected = [str(folder / f"{kind}.tif") for kind in ("dem", "tree_cover", "water")]
    expected += [scene.l1c, scene.l2a, scene.snow, *(spot.path for spot in scenes.spot)]
    assert result.stdout.splitlines() == expected
    assert all(Path(path).is_file() for path in expected)
    judged, _ = scenes.spot
    assert Path(str(judged.reference)).is_file()
    assert {p.name for p in (tiny.root / "archive/truth").iterdir()} == {"32TPT", judged.scene_id}


def test_describe_asks_for_patches(tmp_path: Path, tiny: Config) -> None:
    (scene,) = catalogue(tiny).sentinel2
    write_snow_map(Path(scene.snow), np.zeros((96, 96), np.uint8))
    line = refused(run("simulate", tmp_path / "tiny.yaml", "--describe"))
    assert "patches/32TPT/20190415.nc: is not there; make the patches first" in line


def write_snow_map(path: Path, codes: np.ndarray) -> None:
    """Write a Theia snow product of the tiny tile."""
    grid = Grid.from_bounds("EPSG:32632", 633000, 5197080, 634920, 5199000, 20)
    folder = path.parent / "product"
    raster.write(folder / "S_SNW_R2.tif", codes, grid)
    path.parent.mkdir(parents=True, exist_ok=True)
    minimal_products.zip_folder(folder).rename(path)


def test_describe_by_hand(tmp_path: Path, tiny: Config) -> None:
    """Two patches of 8 x 8 pixels: the first half snow and half cloud, the second ground.

    Reflectance is 0.1 + 51 / 255 x 0.5 = 0.2 wherever it is valid, hillshade 180. The saturations
    0.1, 0.2, 0.3, 0.4 and 0.6 of XS1 have the 10 % point 0.1 + 0.4 x 0.1 = 0.14, the 90 % point
    0.4 + 0.6 x 0.2 = 0.52, and three of five lie in the published 0.2-0.5.
    """
    (scene,) = catalogue(tiny).sentinel2
    codes = np.zeros((96, 96), np.uint8)
    codes[:4, :8], codes[4:8, :8] = 100, 205
    codes[8:16, :8] = 254  # in no patch
    write_snow_map(Path(scene.snow), codes)
    files = write_scene(
        tiny.root, "32TPT", "20190415", np.zeros((2, 8, 8)), corners=((0, 0), (40, 40))
    )
    pseudo = tiny.root / "pseudo/alps/spot2/32TPT/20190415.nc"
    pseudo.parent.mkdir(parents=True)
    files.pseudo.rename(pseudo)
    wide = np.array([0.1, 0.2, 0.3, 0.4, 0.6])
    Saturations(
        sensor="spot2",
        area="alps",
        bands=("XS1", "XS2", "XS3"),
        scenes=tuple("abcde"),
        dates=("1990-01-01",) * 5,
        instruments=("HRV1",) * 5,
        sun_elevation=np.full(5, 40.0),
        saturation=np.stack([wide, wide[::-1] + 0.1, wide[[2, 0, 4, 1, 3]] + 0.2], axis=1),
        minimum=np.random.default_rng(0).uniform(0.01, 0.02, (5, 3)),
        bandwidth=0.1,
    ).save(tiny.root / "kde/alps/spot2.nc")

    result = run("simulate", tmp_path / "tiny.yaml", "--describe")
    assert result.exit_code == 0, result.output
    table = {line[:26].strip(): line[26:46].strip() for line in result.stdout.splitlines()[1:7]}
    assert table == {
        "ground, % of pixels": "50.0",
        "snow, % of pixels": "25.0",
        "cloud, % of pixels": "25.0",
        "XS1, x 1000": "200 ± 0",
        "XS2, x 1000": "200 ± 0",
        "XS3, x 1000": "200 ± 0",
    }
    shade, quantiles, within = (line.split() for line in result.stdout.splitlines()[7:10])
    assert shade[2:5] == ["180", "±", "0"]
    assert quantiles == ["saturation", "XS1,", "10-90", "%", "0.14-0.52", "mostly", "0.2-0.5"]
    assert within == ["within", "0.2-0.5,", "%", "60.0", "most"]


def test_emulate_a_real_crop(tmp_path: Path, crop_product: Callable[[str], Path]) -> None:
    """Pixel (10, 20) has XS1 0.11308, see test_emulated_patches.py; a step is 0.26 / 255 = 0.00102.

    All five scenes have nearly the same gains, so the draw is 0.3 and 0.04 within a step.
    """
    spread = np.random.default_rng(1).uniform(-1e-4, 1e-4, (2, 5, 3))
    density = tmp_path / "spot2.nc"
    Saturations(
        sensor="spot2",
        area="alps",
        bands=("XS1", "XS2", "XS3"),
        scenes=tuple("abcde"),
        dates=("1990-01-01",) * 5,
        instruments=("HRV1",) * 5,
        sun_elevation=np.full(5, 40.0),
        saturation=np.array([0.3, 0.35, 0.55]) + spread[0],
        minimum=np.array([0.04, 0.03, 0.02]) + spread[1],
        bandwidth=0.1,
    ).save(density)
    product, out = crop_product("400"), tmp_path / "pseudo.tif"
    published = ("--config", Path(__file__).parents[1] / "config/reference.yaml", "-o", out)
    result = run("emulate", product, "--sensor", "spot2", "--saturation", density, *published)
    assert result.exit_code == 0, result.output
    seen = raster.read(out)
    assert list(seen.band.values) == ["XS1", "XS2", "XS3"]
    assert raster.grid_of(out).resolution == 20
    assert seen.values[:, 10, 20] == pytest.approx([113.1, 85.3, 283.1], abs=2)
    tags = raster.tags(out)
    drawn = json.loads(tags["DRAWN"])
    assert drawn["saturation"] == pytest.approx([0.3, 0.35, 0.55], abs=1e-3)
    assert drawn["saturation_scene"] in "abcde"
    assert float(tags["SUN_ZENITH"]) > 0
    arguments = ("emulate", product, "--sensor", "spot4", "--saturation", density, "-o", out)
    assert "sensor spot4: has the bands" in refused(run(*arguments))


def test_emulate_a_sensor_of_ones_own(tmp_path: Path, crop_product: Callable[[str], Path]) -> None:
    """Pixel (10, 20) has B04 0.0853; the description's own saturation, 0.08, cuts it off."""
    described, out = tmp_path / "mine.yaml", tmp_path / "mine.tif"
    described.write_text(
        "name: mine\nplatform: MINE\ninstruments: [CAM]\npixel_size: 20\nbits: 10\nbands:\n"
        "  - {name: broad, centre_nm: 665, width_nm: 31}\n"
        "  - {name: red, centre_nm: 665, width_nm: 31, saturation: 0.08}\n"
    )
    published = ("--config", Path(__file__).parents[1] / "config/reference.yaml", "-o", out)
    product = crop_product("400")
    result = run("emulate", product, "--sensor", described, *published)
    assert result.exit_code == 0, result.output
    assert raster.read(out).values[:, 10, 20] == pytest.approx([85.3, 80], abs=1)


def test_emulate_at_ten_metres(tmp_path: Path, crop_product: Callable[[str], Path]) -> None:
    """Without filters and noise a sensor of B04's boxcar sees B04, pixel by pixel."""
    described, out = tmp_path / "mine.yaml", tmp_path / "mine.tif"
    described.write_text(
        "name: mine\nplatform: MINE\ninstruments: [CAM]\npixel_size: 10\nbits: 12\nbands:\n"
        "  - {name: red, centre_nm: 665, width_nm: 31}\n"
    )
    config = Path(__file__).parents[1] / "config/reference.yaml"
    product = crop_product("400")
    options = ("--config", config, "--resolution", "10", "-o", out)
    result = run("emulate", product, "--sensor", described, *options)
    assert result.exit_code == 0, result.output
    assert raster.grid_of(out).resolution == 10
    red, _ = open_l1c(product).read(["B04"], 10)
    np.testing.assert_allclose(raster.read(out).values[0], 1000 * red.values[0], atol=1)


def test_emulate_pleiades_from_its_name(
    tmp_path: Path, crop_product: Callable[[str], Path]
) -> None:
    """Its near infrared spans B08, 0.2831 at pixel (10, 20)."""
    out = tmp_path / "pleiades.tif"
    result = run("emulate", crop_product("400"), "--sensor", "pleiades", "-o", out)
    assert result.exit_code == 0, result.output
    seen = raster.read(out)
    assert list(seen.band.values) == ["B0", "B1", "B2", "B3"]
    assert seen.values[3, 10, 20] == pytest.approx(283, abs=25)
    assert json.loads(raster.tags(out)["DRAWN"])["saturation"] == [1, 1, 1, 1]


def test_info_of_what_is_no_product(tmp_path: Path) -> None:
    path = tmp_path / "notes.zip"
    path.write_text("no zip")
    assert "notes.zip" in refused(run("info", path))


def test_info_of_products(tmp_path: Path) -> None:
    zeros = minimal_products.full((24, 24), 0, "uint8")
    bands = {"XS1": minimal_products.full((24, 24), 100, "int16")}
    for path, kind, name in (
        (minimal_products.sentinel2(tmp_path, {}), "Sentinel-2 Level-1C", "product_id"),
        (minimal_products.maja(tmp_path, {}), "MAJA Level-2A", "product_id"),
        (minimal_products.swh(tmp_path, {}, {"XS1": 0.4}), "SWH Level-1C", "scene_id"),
        (minimal_products.take5(tmp_path, bands, zeros), "Take5 Level-1C", "scene_id"),
    ):
        described = yaml.safe_load(run("info", path).stdout)
        assert described["kind"] == kind
        assert described[name] == path.name.removesuffix(".SAFE")


def test_info_of_a_netcdf_file(tmp_path: Path) -> None:
    import xarray as xr

    path = tmp_path / "a.nc"
    netcdf.write(path, xr.Dataset({"v": ("x", np.arange(3))}, attrs={"tile": "31TCH"}))
    described = yaml.safe_load(run("info", path).stdout)
    assert described["sizes"] == {"x": 3}
    assert described["tile"] == "31TCH"


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


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder that stands for that of the models that come with firn."""
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setattr("firn.methods.shipped.FOLDER", folder)
    return folder


def test_classify_needs_a_scene_only(tmp_path: Path, snowy_model: Path, shipped: Path) -> None:
    """With the model that comes with firn, on flat ground as high as its training's."""
    numbers = np.full((20, 20), 400, np.uint16)
    bands = ("XS1", "XS2", "XS3")
    folder = minimal_products.swh(
        tmp_path,
        dict.fromkeys(bands, numbers),
        dict.fromkeys(bands, 0.6),
        name="SPOT2-HRV1-XS_19900614-110246-780_L1C_039-264-0_D_V1-0",
    )
    out = tmp_path / "map"
    message = refused(run("classify", folder, "-o", out))
    assert "no model for the bands XS1, XS2, XS3 (it has models for: none)" in message
    assert "--model" in message
    (shipped / "noswir.safetensors").write_bytes(snowy_model.read_bytes())
    result = run("classify", folder, "-o", out)
    assert result.exit_code == 0, result.output
    height = load_model(snowy_model).card.mean[-1]
    assert f"flat, {height:g} m high" in result.stderr
    assert (raster.read(out / "snow.tif").values == 100).all()
    item = json.loads((out / "item.json").read_text())
    assert f"flat ground at {height:g} m" in item["properties"]["firn:provenance"]["sources"]
