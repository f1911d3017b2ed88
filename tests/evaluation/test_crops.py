"""Models before the real crops that come with firn."""

from pathlib import Path

import numpy as np
import pytest
from emulation.sensors_and_scenes import PUBLISHED

from firn.config import Experiment
from firn.crops import load_crops, read_crop
from firn.evaluation.crops import (
    DRAWS,
    MARGIN,
    View,
    classify_views,
    compare_crops,
    judge_crops,
    view_crop,
)
from firn.methods.base import ModelCard
from firn.methods.majority import MajorityModel
from firn.plots.crops import crops_figure
from firn.saturation import Saturations
from firn.sensors import load_sensor
from firn.stacks import STACK_BANDS

CROPS = {crop.name: crop for crop in load_crops()}


def saturations(sensor: str = "spot4") -> Saturations:
    bands = load_sensor(sensor).band_names
    rng = np.random.default_rng(1)
    return Saturations(
        sensor=sensor,
        area="alps",
        bands=bands,
        scenes=tuple(f"S{i}" for i in range(20)),
        dates=("1990-07-01",) * 20,
        instruments=("HRVIR1",) * 20,
        sun_elevation=np.full(20, 55.0),
        saturation=rng.uniform(0.3, 0.5, (20, len(bands))),
        minimum=rng.uniform(0.01, 0.02, (20, len(bands))),
        bandwidth=0.1,
    )


@pytest.fixture(scope="module")
def views() -> list[View]:
    chosen = [CROPS[name] for name in ("thick-cloud", "clear-july", "thin-cloud")]
    return [view_crop(crop, load_sensor("spot4"), saturations(), PUBLISHED, 7) for crop in chosen]


class Bright(MajorityModel):
    """Cloud where XS1 exceeds 0.2, ground elsewhere; reads three bands."""

    def predict(
        self, channels: np.ndarray, window: tuple[int, int, int, int] | None = None
    ) -> np.ndarray:
        assert len(channels) == 5
        assert window is not None
        row, col, height, width = window
        cloud = channels[0, row : row + height, col : col + width] > 0.2
        return np.stack([~cloud, np.zeros_like(cloud), cloud]).astype(np.float32)


class Snow(Bright):
    """Snow everywhere."""

    def __init__(self, like: Bright) -> None:
        super().__init__(like.card, np.array([1, 1, 1]))

    def predict(
        self, channels: np.ndarray, window: tuple[int, int, int, int] | None = None
    ) -> np.ndarray:
        found = super().predict(channels, window)
        return np.stack([np.zeros_like(found[0]), np.ones_like(found[0]), np.zeros_like(found[0])])


def bright() -> Bright:
    bands = ("XS1", "XS2", "XS3")
    channels = (*bands, "hillshade", "dem")
    card = ModelCard("baseline-majority", "spot2", bands, channels, (0,) * 5, (1,) * 5)
    return Bright(card, np.array([1, 1, 1]))


def test_crops_are_what_their_source_says() -> None:
    """Mean green reflectance of the clouds by s2cloudless 0.28 and 0.14, of the clear below 0.1."""
    green = {n: read_crop(crop, STACK_BANDS)[0][1].mean() / 10000 for n, crop in CROPS.items()}
    assert green["thick-cloud"] == pytest.approx(0.28, abs=0.01)
    assert green["thin-cloud"] == pytest.approx(0.14, abs=0.01)
    for name in ("clear-july", "clear-august", "clear-september", "clear-coast"):
        assert green[name] < 0.1
    assert {crop.expected for crop in CROPS.values()} == {"cloud", "ground", None}


@pytest.mark.parametrize(
    ("name", "shape"), [("clear-coast", (270, 270)), ("snow-forest", (60, 60))]
)
def test_crop_without_relief_is_flat(name: str, shape: tuple[int, int]) -> None:
    """Snow is dark in the SWIR (B11, the last band); hillshade is 1 + 254 cos(zenith)."""
    toa, shade, elevation = read_crop(CROPS[name], STACK_BANDS)
    assert toa.shape == (5, *shape)
    assert np.all(toa > 0)
    assert np.all(elevation == CROPS[name].elevation)
    assert np.all(shade == round(1 + 254 * np.cos(np.radians(CROPS[name].sun[0]))))
    snowy = toa[4].mean() < 0.25 * toa[1].mean()
    assert snowy == (name == "snow-forest")


def test_views_are_of_drawn_gains_and_mirrored_around(views: list[View]) -> None:
    view = views[0]
    _, _, height, width = view.window
    assert view.channels.shape == (DRAWS, 6, height + 2 * MARGIN, width + 2 * MARGIN)
    saturation = np.array([drawn.saturation for drawn in view.drawn])
    assert len(np.unique(saturation[:, 0])) == DRAWS
    assert np.all(view.channels[:, :4].max(axis=(2, 3)) <= saturation + 1e-6)
    inner = view.channels[..., MARGIN : MARGIN + height, MARGIN : MARGIN + width]
    above = view.channels[..., MARGIN - height : MARGIN, MARGIN : MARGIN + width]
    np.testing.assert_array_equal(above[..., ::-1, :], inner)


def test_crop_is_seen_with_the_recipe_that_taught_the_models(views: list[View]) -> None:
    """Haze brightens, on average, what noise and blur leave as bright."""
    recipe = PUBLISHED.model_copy(update={"noise": True, "blur": True, "haze": 0.1})
    hazy = view_crop(CROPS["clear-july"], load_sensor("spot4"), saturations(), recipe, 7)
    assert np.isfinite(hazy.channels).all()
    assert hazy.channels[:, 0].mean() > views[1].channels[:, 0].mean() + 0.01


def test_recipes_are_compared_over_draws_and_seeds(views: list[View]) -> None:
    """One seed of the second recipe calls everything snow, the other what the first recipe does."""
    bands = load_sensor("spot4").band_names
    crops = compare_crops(
        views, {"one": [bright()], "two": iter([bright(), Snow(bright())])}, bands
    )
    assert list(crops) == [view.crop.name for view in views]
    assert crops["thick-cloud"]["expected"] == "cloud"
    assert crops["thin-cloud"]["expected"] is None
    one, two = (crops["thick-cloud"]["shares"][name] for name in ("one", "two"))
    seen = views[0].channels[:, 0, MARGIN:-MARGIN, MARGIN:-MARGIN]
    assert one["cloud"] == pytest.approx((seen > 0.2).mean())
    assert two["cloud"] == pytest.approx(one["cloud"] / 2)
    assert two["snow"] == pytest.approx(0.5)


def test_view_does_not_depend_on_other_crops(views: list[View]) -> None:
    again = view_crop(CROPS["thin-cloud"], load_sensor("spot4"), saturations(), PUBLISHED, 7)
    np.testing.assert_array_equal(again.channels, views[2].channels)
    other = view_crop(CROPS["thin-cloud"], load_sensor("spot4"), saturations(), PUBLISHED, 8)
    assert not np.array_equal(other.channels, again.channels)


def test_shares_and_expectations(views: list[View]) -> None:
    """The model reads the first three of the sensor's four bands."""
    model = bright()
    classes = classify_views(model, views, load_sensor("spot4").band_names)
    experiment = Experiment(method="unet", sensor="spot4", area="alps")
    result = judge_crops("unet-spot4", experiment, model, views, classes, 7)
    crops = result["crops"]
    assert crops["clear-july"]["shares"] == {"ground": 1, "snow": 0, "cloud": 0}
    assert crops["clear-july"]["met"] is True
    seen = views[0].channels[:, 0, MARGIN:-MARGIN, MARGIN:-MARGIN]
    assert crops["thick-cloud"]["shares"]["cloud"] == pytest.approx((seen > 0.2).mean())
    assert crops["thick-cloud"]["met"] is True
    assert crops["thin-cloud"]["met"] is None
    assert crops["thin-cloud"]["n_pixels"] == classes[2][0].size
    wrong = [np.ones_like(found) for found in classes]
    judged = judge_crops("unet-spot4", experiment, model, views, wrong, 7)["crops"]
    assert judged["thick-cloud"]["met"] is judged["clear-july"]["met"] is False


def test_figure_tells_what_was_expected(views: list[View]) -> None:
    classes = classify_views(bright(), views, load_sensor("spot4").band_names)
    wrong = [np.ones_like(found) for found in classes]
    figure = crops_figure(views, {"unet": classes, "baseline-pixel": wrong})
    shown = [axes.get_xlabel() for axes in figure.axes]
    assert shown[:3] == ["", "", ""]
    assert shown[4] == "ground 100 % ✓"
    assert shown[6:] == ["cloud 0 % ✗", "ground 0 % ✗", "snow 100 %"]
    assert figure.axes[3].get_ylabel() == "unet"


def test_crops_are_attributed() -> None:
    folders = {crop.files.parent if crop.files.suffix else crop.files for crop in CROPS.values()}
    text = (next(iter(folders)).parent / "ATTRIBUTION.md").read_text()
    for folder in folders:
        assert f"`{Path(folder).name}`" in text
