"""Virtual SPOT Level-1A scenes: raw images as the camera takes them, relief and all."""

import os

import numpy as np
import numpy.typing as npt
from rasterio.warp import transform as transform_points
from scipy import ndimage

from firn.grid import Grid
from firn.simulation_config import Simulation
from firn.simulator.formats.dimap import DimapMetadata, write_l1a
from firn.simulator.plan import SpotPlan
from firn.simulator.pushbroom import ORBIT_RADIUS, SEMI_MAJOR, Pushbroom
from firn.simulator.spot import SpotView, state_of, view_spot
from firn.simulator.truth import write_truth
from firn.simulator.world import COARSE, tile_grid
from firn.solar import reflectance_of_radiance, solar_irradiance

PathLike = str | os.PathLike[str]
FloatArray = npt.NDArray[np.float64]

#: Lines and columns at which the location model is fitted.
_FIT_NODES = 25
_METRES_PER_DEGREE = 111_320.0


def camera_over(
    grid: Grid, elevation: npt.NDArray[np.float32], pixel: float, incidence: float
) -> Pushbroom:
    """Camera whose image holds all of a relief.

    Parameters
    ----------
    grid : Grid
    elevation : ndarray, (y, x), m
    pixel : float
        At nadir, m.
    incidence : float
        Degrees, positive where the satellite looks east.
    """
    left, bottom, right, top = grid.bounds
    centre = (left + right) / 2, (bottom + top) / 2
    (lon,), (lat,) = transform_points(grid.crs, "EPSG:4326", *([c] for c in centre))
    look = float(np.degrees(np.arcsin(SEMI_MAJOR / ORBIT_RADIUS * np.sin(np.radians(incidence)))))
    small = Pushbroom(lon, lat, look, pixel, (3, 3))

    def place(row: float, col: float, height: float) -> FloatArray:
        mapped = small.ground(np.array([row]), np.array([col]), height)
        return np.array(transform_points("EPSG:4326", grid.crs, *(list(v) for v in mapped)))[:, 0]

    corners = np.array([[left, right, left, right], [bottom, bottom, top, top]])
    steps = np.stack([place(2, 1, 0) - place(1, 1, 0), place(1, 2, 0) - place(1, 1, 0)], axis=1)
    reach = np.zeros(2)
    for height in (float(elevation.min()), float(elevation.max())):
        offsets = np.linalg.solve(steps, corners - place(1, 1, height)[:, None])
        reach = np.maximum(reach, np.abs(offsets).max(axis=1))
    shape = int(2 * np.ceil(reach[0])) + 3, int(2 * np.ceil(reach[1])) + 3
    return Pushbroom(lon, lat, look, pixel, shape)


def location_terms(camera: Pushbroom, error: tuple[float, float]) -> tuple[FloatArray, FloatArray]:
    """Coefficients of the direct location model, fitted to the camera's rays at height 0.

    Parameters
    ----------
    camera : Pushbroom
    error : (float, float)
        By how many metres east and north the model is off.
    """
    nodes = (np.linspace(0, side - 1, _FIT_NODES) for side in camera.shape)
    rows, cols = (axis.ravel() for axis in np.meshgrid(*nodes, indexing="ij"))
    lon, lat = camera.ground(rows, cols, 0.0)
    lat = lat + error[1] / _METRES_PER_DEGREE
    lon = lon + error[0] / (_METRES_PER_DEGREE * np.cos(np.radians(lat)))
    r, c = rows + 1, cols + 1
    terms = np.stack([np.ones_like(r), r, c, r * c, r * r, c * c], axis=1)
    scale = np.abs(terms).max(axis=0)
    fits = (np.linalg.lstsq(terms / scale, values, rcond=None)[0] / scale for values in (lon, lat))
    longitude, latitude = fits
    return longitude, latitude


def raw_image(
    view: SpotView, band: str, points: tuple[FloatArray, FloatArray]
) -> npt.NDArray[np.float32]:
    """Reflectance of a band in the camera's pixels, whose rays meet the ground at ``points``."""
    image, transform = view.image(band), view.scene.grid.transform
    total = np.zeros(points[0].shape)
    # Four samples of the 10 m ground stand for the area of the pixel.
    for east in (-0.25, 0.25):
        for north in (-0.25, 0.25):
            cols = (points[0] + east * view.pixel - transform.c) / transform.a - 0.5
            rows = (points[1] + north * view.pixel - transform.f) / transform.e - 0.5
            total += ndimage.map_coordinates(image, [rows, cols], np.float64, order=1, cval=np.nan)
    return np.asarray(total / 4, np.float32)


def simulate_level1a(
    simulation: Simulation, plan: SpotPlan, seed: int, *, product: PathLike, truth: PathLike | None
) -> None:
    """Write one SPOT L1A product and, where it is asked for, its truth.

    Parameters
    ----------
    simulation : Simulation
    plan : SpotPlan
        Its incidence is given.
    seed : int
    product : path
        Zip file.
    truth : path or None
        Folder.
    """
    assert plan.incidence is not None
    grid = tile_grid(simulation, plan.tile)
    view = view_spot(simulation, plan, grid, seed)
    elevation = view.scene.world.elevation
    camera = camera_over(grid, elevation, view.pixel, plan.incidence)
    points = camera.ground_points(elevation, grid)
    direction = view.rng.uniform(0, 2 * np.pi)
    length = simulation.instruments.location_error
    error = float(length * np.sin(direction)), float(length * np.cos(direction))
    raw = {band: raw_image(view, band, points) for band in view.bands}
    seen = np.all([np.isfinite(image) for image in raw.values()], axis=0)
    numbers = {band: np.where(seen, view.numbers(raw[band], band), 0) for band in view.bands}
    images = {band: values.astype(np.uint8) for band, values in numbers.items()}
    write_l1a(product, images, _metadata(view, plan, camera, error))
    if truth is not None:
        covered = np.ones(grid.with_resolution(COARSE).shape, bool)
        state = state_of(view, incidence=camera.incidence, location_error_m=list(error))
        write_truth(truth, view.scene, covered, view.optics, plan.acquisition_time, state)


def _metadata(
    view: SpotView, plan: SpotPlan, camera: Pushbroom, error: tuple[float, float]
) -> DimapMetadata:
    tells = plan.platform == "SPOT5"
    irradiance = dict(zip(view.optics.names, view.optics.irradiance.tolist(), strict=True))
    if not tells:
        irradiance = dict(solar_irradiance(plan.platform, plan.instrument)[0])
    gain, bias = {}, {}
    for band in view.bands:
        factor = reflectance_of_radiance(
            irradiance[band], plan.acquisition_time, view.scene.sun_zenith
        )
        saturation, minimum = view.exposure.saturation[band], view.exposure.minimum[band]
        gain[band] = 255 * factor / (saturation - minimum)
        bias[band] = minimum / factor
    longitude, latitude = location_terms(camera, error)
    # The bearing of the image's upper side: against its lines.
    upwards = np.array([-longitude[1] * np.cos(np.radians(latitude[0])), -latitude[1]])
    return DimapMetadata(
        scene_number=plan.scene_id,
        platform=plan.platform,
        instrument=plan.instrument,
        acquisition_time=plan.acquisition_time,
        sun_zenith=view.scene.sun_zenith,
        sun_azimuth=view.scene.sun_azimuth,
        incidence=float(np.copysign(camera.incidence, camera.look)),
        orientation=float(np.degrees(np.arctan2(*upwards))),
        longitude_terms=longitude.tolist(),
        latitude_terms=latitude.tolist(),
        gain=gain,
        bias=bias,
        irradiance=irradiance if tells else None,
    )
