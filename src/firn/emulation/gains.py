"""Gains of an emulated scene: saturation and minimum reflectance, drawn from historical scenes."""

from datetime import datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from firn.saturation import Saturations
from firn.solar import sunlight

#: Standard deviation of the kernel that weighs scenes by the nearness of their sun, degrees.
SUN_WIDTH = 5.0
#: Probability that a band takes the gain step below or above that of the drawn scene.
STEP_CHANGE = 0.2


class JointDraws(NamedTuple):
    """Gains of whole scenes, under the sun of the emulated one.

    ``saturation`` and ``minimum`` (draw, band) are TOA reflectance, ``scene`` (draw,) positions in
    `Saturations.scenes`, ``steps`` (draw, band) int8 how many gain steps a band was moved: up where
    it saturates later.
    """

    saturation: npt.NDArray[np.float64]
    minimum: npt.NDArray[np.float64]
    scene: npt.NDArray[np.intp]
    steps: npt.NDArray[np.int8]


def draw_joint(
    saturations: Saturations,
    gain_step: float | None,
    when: datetime,
    sun_elevation: float,
    n: int,
    rng: np.random.Generator,
) -> JointDraws:
    """Draw saturation and minimum of one historical scene together, for the sun of another.

    Operators chose gains by the light to be expected, so a scene is drawn with a probability that
    falls as a Gaussian of the difference in sun elevation (`SUN_WIDTH`). What an instrument fixes
    is not the reflectance but the radiance at which it saturates, and only in steps: radiances are
    kept, so reflectances are scaled by the sunlight of the drawn scene over that of the emulated
    one. For variety a band may move by one step (`STEP_CHANGE`), where the radiance stays within
    what the band shows in the archive.

    Parameters
    ----------
    saturations : Saturations
    gain_step : float or None
        Ratio of neighbouring steps; None = bands keep the drawn scene's.
    when : datetime
        Of the emulated scene, UTC.
    sun_elevation : float
        Of the emulated scene, degrees.
    n : int
    rng : Generator
    """
    squares = ((saturations.sun_elevation - sun_elevation) / SUN_WIDTH) ** 2
    # The nearest scene has the weight 1, however far it is.
    weights = np.exp((squares.min() - squares) / 2)
    scene = rng.choice(len(weights), n, p=weights / weights.sum())
    light = saturations.sunlight
    radiance = saturations.saturation * light[:, None]
    moved, steps = _change_steps(radiance, scene, gain_step, rng)
    here = sunlight(when, sun_elevation)
    minimum = saturations.minimum[scene] * (light[scene, None] / here)
    saturation = moved / here
    # A step down that reached the minimum would leave no range.
    kept = saturation > minimum
    saturation = np.where(kept, saturation, radiance[scene] / here)
    return JointDraws(saturation, minimum, scene, np.where(kept, steps, 0).astype(np.int8))


def _change_steps(
    radiance: npt.NDArray[np.float64],
    scene: npt.NDArray[np.intp],
    gain_step: float | None,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int8]]:
    """Radiance of the drawn scenes, some bands one step off; and by how many steps."""
    drawn = radiance[scene]
    if gain_step is None:
        return drawn, np.zeros(drawn.shape, np.int8)
    shares = STEP_CHANGE / 2, 1 - STEP_CHANGE, STEP_CHANGE / 2
    steps = rng.choice(np.array([-1, 0, 1], np.int8), drawn.shape, p=shares)
    moved = drawn * gain_step ** steps.astype(np.float64)
    inside = (moved >= radiance.min(axis=0)) & (moved <= radiance.max(axis=0))
    steps = np.where(inside, steps, 0).astype(np.int8)
    return np.where(steps == 0, drawn, moved), steps
