"""Joint draws of gains."""

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from sensors_and_scenes import saturations

from firn.emulation.gains import STEP_CHANGE, draw_joint
from firn.seeds import generator
from firn.solar import sunlight

SUMMER = datetime(2018, 7, 1)


def test_draw_is_a_scene_under_another_sun_by_hand() -> None:
    """Sun at 30 degrees on 3 January (0.98331 au) instead of at 90 on 4 July (1.01668 au).

    Sunlight is 0.5 / 0.98331**2 = 0.51712 against 1 / 1.01668**2 = 0.96746 in the drawn scene: the
    same radiance is 1.87086 times the reflectance.
    """
    scenes = saturations()
    one = replace(scenes, dates=("1990-07-04",) * 12, sun_elevation=np.full(12, 90.0))
    drawn = draw_joint(one, None, datetime(2018, 1, 3), 30, 50, generator(1, "hand"))
    assert drawn.saturation == pytest.approx(1.87086 * one.saturation[drawn.scene], rel=1e-3)
    assert drawn.minimum == pytest.approx(1.87086 * one.minimum[drawn.scene], rel=1e-3)
    assert not drawn.steps.any()
    assert len(np.unique(drawn.scene)) > 6


@pytest.mark.parametrize("ratio", [1.3, 1.5])
def test_radiance_of_saturation_is_a_step_of_the_scene_and_within_the_archive(
    ratio: float,
) -> None:
    scenes = saturations()
    archive = scenes.saturation * scenes.sunlight[:, None]
    drawn = draw_joint(scenes, ratio, SUMMER, 40, 3000, generator(1, "steps"))
    radiance = drawn.saturation * sunlight(SUMMER, 40)
    expected = archive[drawn.scene] * ratio ** drawn.steps.astype(float)
    assert radiance == pytest.approx(expected)
    assert set(np.unique(drawn.steps)) == {-1, 0, 1}
    assert (radiance <= archive.max(axis=0) * (1 + 1e-9)).all()
    assert (radiance >= archive.min(axis=0) * (1 - 1e-9)).all()
    assert 0 < (drawn.steps != 0).mean() < STEP_CHANGE
    assert (drawn.saturation > drawn.minimum).all()


def test_scenes_of_a_similar_sun_are_drawn() -> None:
    """Twelve suns from 15 to 65 degrees; a kernel of 5 degrees around 20 and far below them all."""
    low = draw_joint(saturations(), 1.3, SUMMER, 20, 4000, generator(1, "low"))
    elevation = saturations().sun_elevation[low.scene]
    assert elevation.mean() == pytest.approx(20.6, abs=1)
    assert np.percentile(elevation, 99) <= 34
    polar = draw_joint(saturations(), 1.3, SUMMER, 2, 500, generator(1, "polar"))
    assert (polar.scene <= 3).all()
    assert (polar.scene == 0).mean() > 0.5


def test_minimum_and_saturation_come_from_one_scene() -> None:
    scenes = saturations()
    drawn = draw_joint(scenes, None, SUMMER, 40, 200, generator(1, "one"))
    ratio = drawn.saturation / scenes.saturation[drawn.scene]
    assert drawn.minimum / scenes.minimum[drawn.scene] == pytest.approx(ratio)


def test_a_step_down_to_the_minimum_is_not_taken() -> None:
    """Where the archive allows it, but nothing would be left between minimum and saturation."""
    scenes = saturations()
    tight = replace(scenes, minimum=0.8 * scenes.saturation)
    drawn = draw_joint(tight, 1.3, SUMMER, 40, 2000, generator(1, "tight"))
    assert (drawn.saturation > drawn.minimum).all()
    assert (drawn.steps >= 0).all()
    assert (drawn.steps > 0).any()
