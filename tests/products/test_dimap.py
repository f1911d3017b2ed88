"""SWH Level-1A reader, on products that no writer of firn made."""

from datetime import UTC, datetime
from math import pi
from pathlib import Path

import minimal_products
import numpy as np
import pytest
from minimal_products import full

from firn.errors import ProductError
from firn.products.dimap import open_l1a
from firn.products.location import LocationModel
from firn.products.scene import open_scene
from firn.products.spot import open_spot
from firn.solar import earth_sun_distance, solar_irradiance

#: Gain and bias of XS1, XS2, XS3.
CALIBRATION = {"XS1": (1.2, 2.0), "XS2": (0.8, 0.0), "XS3": (1.5, -0.5)}
#: 2597.0966 days after noon of 1 January 2000, so that g = 357.528 + 0.9856003 n = 37.2274 degrees
#: and d = 1.00014 - 0.01671 * 0.79623 - 0.00014 * 0.26798 = 0.986797.
DISTANCE = 0.986797
#: Reflectance of unit radiance under a sun at 60 degrees, for XS1 of SPOT2 HRV1 (1865 W m-2 um-1).
FACTOR = pi * DISTANCE**2 / (1865 * 0.5)


def image(bands: int = 3) -> np.ndarray:
    """Bands in the file's order, 6 x 8 pixels; the numbers of band i are 10 i + 100."""
    return np.stack([full((6, 8), 10 * i + 100, "uint8") for i in range(bands)])


@pytest.fixture
def product(tmp_path: Path) -> Path:
    return minimal_products.spot_l1a(tmp_path, image(), CALIBRATION)


@pytest.mark.parametrize("zipped", [False, True])
def test_identity_sun_and_gains(product: Path, zipped: bool) -> None:
    scene = open_l1a(minimal_products.zip_folder(product) if zipped else product)
    assert scene.scene_id == "26933810702101419061X"
    assert (scene.platform, scene.instrument) == ("SPOT2", "HRV1")
    assert scene.acquisition_time == datetime(2007, 2, 10, 14, 19, 6, tzinfo=UTC)
    assert (scene.sun_zenith, scene.sun_azimuth) == (60, 141.5)
    assert scene.incidence == 5.7
    assert scene.bands == ("XS1", "XS2", "XS3")
    # DN 255: 255 / 1.2 + 2 = 214.5 W m-2 sr-1 um-1; DN 0: 2.
    assert scene.saturation["XS1"] == pytest.approx(214.5 * FACTOR, rel=1e-5)
    assert scene.minimum["XS1"] == pytest.approx(2 * FACTOR, rel=1e-5)
    assert scene.saturation["XS1"] == pytest.approx(0.70369, abs=1e-5)
    assert scene.minimum["XS2"] == 0
    assert scene.irradiance_source == "unverified"


def test_distance_of_the_sun_at_its_extremes() -> None:
    """Perihelion of 2020 on 5 January at 0.98324 au, aphelion on 4 July at 1.01669 au."""
    assert earth_sun_distance(datetime(2020, 1, 5)) == pytest.approx(0.98324, abs=1e-4)
    assert earth_sun_distance(datetime(2020, 7, 4, tzinfo=UTC)) == pytest.approx(1.01669, abs=1e-4)


def test_every_spot_instrument_has_its_irradiance() -> None:
    """Within 4 % of each other: the instruments have nearly the same bands."""
    names = {1: "HRV", 2: "HRV", 3: "HRV", 4: "HRVIR", 5: "HRG"}
    for number, name in names.items():
        for index in "12":
            irradiance, source = solar_irradiance(f"SPOT{number}", f"{name}{index}")
            assert irradiance["XS1"] == pytest.approx(1857, rel=0.01)
            assert irradiance["XS2"] == pytest.approx(1600, rel=0.03)
            assert irradiance["XS3"] == pytest.approx(1065, rel=0.03)
            assert ("SWIR" in irradiance) == (number >= 4)
            assert (source == "unverified") == (number in (2, 3))


@pytest.mark.parametrize(
    ("order", "expected"),
    [("reversed", {"XS1": 120, "XS2": 110, "XS3": 100}), ("listed", {"XS1": 100, "XS3": 120})],
)
def test_order_of_the_bands_in_the_file(
    product: Path, order: str, expected: dict[str, int]
) -> None:
    scene = open_l1a(product, order)  # type: ignore[arg-type]
    numbers, valid, saturated = scene.read(list(expected))
    assert numbers.dtype == np.uint8
    assert valid.all()
    assert not saturated.any()
    for values, number in zip(numbers, expected.values(), strict=True):
        assert set(values.flat) == {number}


def test_four_bands_keep_swir_last(tmp_path: Path) -> None:
    calibration = {**CALIBRATION, "SWIR": (6.0, 0.0)}
    scene = open_l1a(minimal_products.spot_l1a(tmp_path, image(4), calibration))
    numbers, _, _ = scene.read(["XS1", "XS3", "SWIR"])
    assert numbers[:, 0, 0].tolist() == [120, 100, 130]
    assert (scene.platform, scene.instrument, scene.scene_id[-1]) == ("SPOT4", "HRVIR2", "I")
    assert scene.irradiance_source == "cnes"


def test_band_index_is_followed_where_the_file_is_as_listed(tmp_path: Path) -> None:
    swapped = {
        "<BAND_INDEX>1</BAND_INDEX><BAND_DESCRIPTION>XS1": "<BAND_INDEX>3</BAND_INDEX>"
        "<BAND_DESCRIPTION>XS1",
        "<BAND_INDEX>3</BAND_INDEX><BAND_DESCRIPTION>XS3": "<BAND_INDEX>1</BAND_INDEX>"
        "<BAND_DESCRIPTION>XS3",
    }
    folder = minimal_products.spot_l1a(tmp_path, image(), CALIBRATION, replaced=swapped)
    numbers, _, _ = open_l1a(folder, "listed").read(["XS1", "XS2", "XS3"])
    assert numbers[:, 0, 0].tolist() == [120, 110, 100]


def test_reflectance_of_numbers(product: Path) -> None:
    """DN 120 of XS1: 120 / 1.2 + 2 = 102 W m-2 sr-1 um-1, reflectance 0.33462."""
    scene = open_l1a(product)
    found = scene.reflectance("XS1", np.array([120.0, 0.0], np.float32))
    np.testing.assert_allclose(found, [102 * FACTOR, 2 * FACTOR], rtol=1e-5)
    assert found[0] == pytest.approx(0.33462, abs=1e-5)


def test_irradiance_of_the_metadata_comes_first(tmp_path: Path) -> None:
    folder = minimal_products.spot_l1a(
        tmp_path / "a", image(), CALIBRATION, irradiance={1: 1800.0, 2: 1600.0, 3: 1050.0}
    )
    scene = open_l1a(folder)
    assert scene.irradiance_source == "metadata"
    assert scene.saturation["XS1"] == pytest.approx(214.5 * pi * DISTANCE**2 / 900, rel=1e-5)
    swapped = minimal_products.spot_l1a(
        tmp_path / "b", image(), CALIBRATION, irradiance={1: 1600.0, 2: 1800.0, 3: 1050.0}
    )
    with pytest.raises(ProductError, match="solar irradiance of XS1 is 1600, expected about 1865"):
        open_l1a(swapped)


def test_older_spelling_of_the_bias(tmp_path: Path) -> None:
    old = {"PHYSICAL_BIAS>": "PHYSICAL_BIAIS>"}
    folder = minimal_products.spot_l1a(tmp_path, image(), CALIBRATION, replaced=old)
    assert open_l1a(folder).minimum["XS1"] == pytest.approx(2 * FACTOR, rel=1e-5)


def test_no_data_and_saturation(tmp_path: Path) -> None:
    """Zero in all bands, a lost line and a band's margin are no data; a single zero is dark."""
    numbers = image()
    numbers[:, 0, 0] = 0
    numbers[0, 3, :] = 0  # XS3
    numbers[2, :, 7] = 0  # XS1
    numbers[2, 1, 1] = 0
    numbers[2, 2, 2] = 255
    folder = minimal_products.spot_l1a(tmp_path, numbers, CALIBRATION)
    _, valid, saturated = open_l1a(folder).read(["XS1", "XS3"])
    assert np.argwhere(~valid[0]).tolist() == [[0, 0], *([row, 7] for row in range(6))]
    assert np.argwhere(~valid[1]).tolist() == [[0, 0], *([3, col] for col in range(8))]
    assert np.argwhere(saturated).tolist() == [[0, 2, 2]]


def test_without_special_values_nothing_is_no_data(tmp_path: Path) -> None:
    numbers = image()
    numbers[:, 0, 0] = 0
    numbers[2, 2, 2] = 255
    none = {"Special_Value>": "Other_Value>"}
    folder = minimal_products.spot_l1a(tmp_path, numbers, CALIBRATION, replaced=none)
    _, valid, saturated = open_l1a(folder).read(["XS1"])
    assert valid.all()
    assert np.argwhere(saturated).tolist() == [[0, 2, 2]]


def test_location_by_hand(product: Path) -> None:
    """Row and column count from 0 here, from 1 in the model: pixel (2, 4) is its (3, 5)."""
    model = open_l1a(product).location
    lon, lat = model.ground(np.array([0.0, 2.0]), np.array([0.0, 4.0]))
    np.testing.assert_allclose(lon, [10.00025, 10 - 15e-5 + 15e-4], rtol=1e-12)
    np.testing.assert_allclose(lat, [46.99976, 47 - 6e-4 - 2e-4], rtol=1e-12)
    row, col = model.image(lon, lat)
    np.testing.assert_allclose(row, [0, 2], atol=1e-9)
    np.testing.assert_allclose(col, [0, 4], atol=1e-9)


def test_location_of_a_real_scene() -> None:
    """Its corners as the metadata give them; see `minimal_products.REAL_LOCATION`."""
    model = LocationModel(*minimal_products.REAL_LOCATION, (3000, 3000))
    rows, cols = np.array([0.0, 0, 2999, 2999]), np.array([0.0, 2999, 2999, 0])
    lon, lat = model.ground(rows, cols)
    expected = [-56.230487740, -55.530606060, -55.643969414, -56.345808322]
    np.testing.assert_allclose(lon, expected, atol=5 / 107_500)
    expected = [-15.209902479, -15.303176063, -15.833313049, -15.740168876]
    np.testing.assert_allclose(lat, expected, atol=5 / 110_600)
    row, col = model.image(lon, lat)
    np.testing.assert_allclose([row, col], [rows, cols], atol=1e-6)


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"<PROCESSING_LEVEL>1A": "<PROCESSING_LEVEL>1B"}, "is of level 1B with 8 bits"),
        ({"<NBITS>8": "<NBITS>16"}, "is of level 1A with 16 bits"),
        ({"W.m-2.Sr-1.um-1": "mW.cm-2"}, "the unit of XS1 is 'equivalent radiance"),
        ({"<SENSOR_CODE>X": "<SENSOR_CODE>P"}, "is of mode P"),
        ({"<INSTRUMENT>HRV": "<INSTRUMENT>HRG"}, "is of SPOT2 HRG"),
        ({"<MISSION>SPOT": "<MISSION>FORMOSAT"}, "is of FORMOSAT2"),
        ({"<BAND_DESCRIPTION>XS2": "<BAND_DESCRIPTION>PAN"}, "expected XS1, XS2, XS3"),
        ({"<PHYSICAL_GAIN>1.2": "<PHYSICAL_GAIN>0.001"}, "XS1 would saturate at reflectance"),
        ({"<PHYSICAL_GAIN>1.2": "<PHYSICAL_GAIN>0"}, "PHYSICAL_GAIN is '0'"),
        ({"<BAND_INDEX>2": "<BAND_INDEX>1"}, "does not count from 1"),
        ({"<lc index=\"6\">0.0</lc>": ""}, "has 5 and 6 coefficients"),
        ({"<PIXEL_ORIGIN>1": "<PIXEL_ORIGIN>7"}, "PIXEL_ORIGIN is '7'"),
        ({"<FRAME_ROW>6": "<FRAME_ROW>900"}, "misses the corners of Dataset_Frame by 2"),
        ({"<GRID_REFERENCE>693-381": "<GRID_REFERENCE>69"}, "should hold six digits"),
        ({"<SUN_ELEVATION>30.0": "<SUN_ELEVATION>-3"}, "SUN_ELEVATION is '-3'"),
        ({"<IMAGING_DATE>2007-02-10": "<IMAGING_DATE>10 Feb"}, "expected an ISO 8601 time"),
    ],
)  # fmt: skip
def test_doubtful_products_are_refused(
    tmp_path: Path, replaced: dict[str, str], message: str
) -> None:
    folder = minimal_products.spot_l1a(tmp_path, image(), CALIBRATION, replaced=replaced)
    with pytest.raises(ProductError, match=message):
        open_l1a(folder)


def test_image_of_another_size_type_or_number_of_bands(tmp_path: Path) -> None:
    for i, numbers in enumerate((image()[:, :5], image().astype("uint16"), image(4))):
        folder = minimal_products.spot_l1a(tmp_path / str(i), image(), CALIBRATION)
        other = minimal_products.spot_l1a(tmp_path / f"other{i}", numbers, CALIBRATION)
        (other / "SCENE01/IMAGERY.TIF").rename(folder / "SCENE01/IMAGERY.TIF")
        with pytest.raises(
            ProductError, match=r"IMAGERY\.TIF has .* expected \(3, 6, 8\) of uint8"
        ):
            open_l1a(folder).read(["XS1"])


def test_unknown_band_and_truncated_image(product: Path) -> None:
    scene = open_l1a(product)
    with pytest.raises(ProductError, match="no band SWIR, only XS1, XS2, XS3"):
        scene.read(["SWIR"])
    file = product / "SCENE01/IMAGERY.TIF"
    file.write_bytes(file.read_bytes()[:150])
    with pytest.raises(ProductError, match=r"IMAGERY\.TIF is damaged or truncated"):
        scene.read(["XS1"])


def test_either_level_is_told_by_its_content(product: Path, tmp_path: Path) -> None:
    assert open_spot(minimal_products.zip_folder(product)).scene_id == "26933810702101419061X"
    level1c = minimal_products.swh(tmp_path, {}, {"XS1": 0.4, "XS2": 0.35, "XS3": 0.6})
    assert open_spot(level1c).scene_id == level1c.name


def test_a_scene_that_is_not_on_a_map_cannot_be_classified(product: Path) -> None:
    with pytest.raises(ProductError, match="put it there with firn orthorectify"):
        open_scene(product)


def test_shift_along_the_track_is_not_part_of_the_number(tmp_path: Path) -> None:
    replaced = {"<GRID_REFERENCE>693-381": "<GRID_REFERENCE>693-381-4"}
    folder = minimal_products.spot_l1a(tmp_path, image(), CALIBRATION, replaced=replaced)
    assert open_l1a(folder).scene_id == "26933810702101419061X"
