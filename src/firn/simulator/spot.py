"""What a virtual SPOT instrument has before it, and how it takes it: the same at every level."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from firn.grid import Grid
from firn.seeds import generator
from firn.sensors import load_sensor
from firn.simulation_config import Simulation
from firn.simulator.instruments import (
    Camera,
    Exposure,
    blur,
    choose_exposure,
    draw_camera,
    expose,
)
from firn.simulator.plan import MISSIONS, SpotPlan, response_table
from firn.simulator.render import Scene, build_scene, render_band
from firn.simulator.spectra import BandOptics, band_optics

FloatArray = npt.NDArray[np.float32]

#: Pixel size of SWIR on every SPOT satellite, m.
SWIR_PIXEL = 20.0


@dataclass(frozen=True)
class SpotView:
    """One acquisition of a SPOT satellite.

    Attributes
    ----------
    scene : Scene
    camera : Camera
    optics : BandOptics
    exposure : Exposure
    bands : tuple of str
    pixel : float
        Pixel size of the sensor, m.
    rng : Generator
        What is drawn after the exposure comes from it.
    """

    scene: Scene
    camera: Camera
    optics: BandOptics
    exposure: Exposure
    bands: tuple[str, ...]
    pixel: float
    rng: np.random.Generator

    def image(self, band: str) -> FloatArray:
        """TOA reflectance of a band on the scene's grid, through the camera's optics."""
        native = SWIR_PIXEL if band == "SWIR" else self.pixel
        rendered = render_band(self.scene, self.optics, self.bands.index(band))
        return blur(rendered, self.camera.mtf_nyquist, self.scene.grid.resolution, native)

    def numbers(self, image: FloatArray, band: str) -> npt.NDArray[np.uint8]:
        """Digital numbers of an image in the pixels of the camera; NaN is taken as 0."""
        saturation, minimum = self.exposure.saturation[band], self.exposure.minimum[band]
        return expose(np.nan_to_num(image), self.camera, saturation, minimum, self.rng)


def view_spot(simulation: Simulation, plan: SpotPlan, grid: Grid, seed: int) -> SpotView:
    """Draw scene and instrument of an acquisition.

    Parameters
    ----------
    simulation : Simulation
    plan : SpotPlan
    grid : Grid
        10 m; what is rendered.
    seed : int
    """
    sensor = load_sensor(plan.platform.lower())
    bands, settings = sensor.band_names, simulation.instruments
    camera = draw_camera(settings, f"{plan.platform}-{plan.instrument}", bands, seed)
    when = plan.acquisition_time
    scene = build_scene(simulation, plan.tile, grid, when, when.strftime("%Y%m%d"), seed)
    response = response_table(sensor, plan.instrument)
    rng = generator(seed, "spot", plan.scene_id)
    launch, end = MISSIONS[plan.platform]
    age = min(when.year, end) - launch
    exposure = choose_exposure(settings, camera, plan.platform, bands, scene.sun_zenith, age, rng)
    optics = band_optics(simulation, response, camera.response_shift)
    return SpotView(scene, camera, optics, exposure, bands, sensor.pixel_size, rng)


def state_of(view: SpotView, **more: Any) -> dict[str, Any]:
    """Plain data of the instrument's true state, for ``truth/``."""
    return {"camera": view.camera.as_dict(), "exposure": asdict(view.exposure), **more}
