"""Gains of historical scenes: their saturation and minimum reflectance, from their metadata."""

import logging
import os
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from firn.errors import ProductError
from firn.products.spot import SpotProduct, open_spot
from firn.saturation import Saturations
from firn.sensors import Sensor

logger = logging.getLogger(__name__)


def collect(
    paths: Sequence[str | os.PathLike[str]], sensor: Sensor, area: str, bandwidth: float
) -> Saturations:
    """Collect the gains of SPOT scenes from their metadata.

    A scene that cannot be used is left out with a warning, so that one bad product does not cost
    the others. Which scenes may be used (not those that maps are judged on) is for the caller to
    say.

    Parameters
    ----------
    paths : sequence of path
        SWH products, Level 1C or 1A.
    sensor : Sensor
        Its bands are collected; the scenes must be of its platform.
    area : str
    bandwidth : float

    Raises
    ------
    DataError
        Too few scenes remain, or they span no volume.
    """
    scenes: dict[str, SpotProduct] = {}
    for path in paths:
        try:
            scene = open_spot(path)
            _check_scene(scene, path, sensor)
        except ProductError as error:
            logger.warning("left out of the saturation of %s: %s", sensor.name, error)
            continue
        scenes[scene.scene_id] = scene
    ordered = [scenes[scene_id] for scene_id in sorted(scenes)]
    shape = (len(ordered), len(sensor.bands))
    return Saturations(
        sensor=sensor.name,
        area=area,
        bands=sensor.band_names,
        scenes=tuple(scene.scene_id for scene in ordered),
        dates=tuple(scene.acquisition_time.date().isoformat() for scene in ordered),
        instruments=tuple(scene.instrument for scene in ordered),
        sun_elevation=np.array([90 - scene.sun_zenith for scene in ordered], np.float64),
        saturation=_table([scene.saturation for scene in ordered], sensor).reshape(shape),
        minimum=_table([scene.minimum for scene in ordered], sensor).reshape(shape),
        bandwidth=bandwidth,
    )


def _table(rows: Sequence[Mapping[str, float]], sensor: Sensor) -> npt.NDArray[np.float64]:
    return np.array([[row[band] for band in sensor.band_names] for row in rows], np.float64)


def _check_scene(scene: SpotProduct, path: str | os.PathLike[str], sensor: Sensor) -> None:
    if scene.platform != sensor.platform:
        raise ProductError(
            f"{path}: is of {scene.platform}, expected {sensor.platform}; correct the scene table"
        )
    if missing := set(sensor.band_names) - set(scene.bands):
        raise ProductError(
            f"{path}: its metadata tell no saturation of {', '.join(sorted(missing))}; leave the "
            "scene out, or use a sensor without the band"
        )
