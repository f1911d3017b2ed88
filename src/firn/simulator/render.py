"""Top-of-atmosphere reflectance of a virtual scene, band by band."""

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from firn import terrain
from firn.grid import Grid
from firn.seeds import generator
from firn.simulation_config import Simulation
from firn.simulator.atmosphere import RAYLEIGH_SCALE_HEIGHT, Air, clear_air, water_transmittance
from firn.simulator.cloud_optics import dimming, plane_albedo
from firn.simulator.clouds import Layer, draw_clouds, shadow_of
from firn.simulator.fields import enlarge, shrink
from firn.simulator.snow import Snow, clean_snow, lay_snow, visible_snow
from firn.simulator.spectra import BandOptics
from firn.simulator.sun import sun_position
from firn.simulator.world import World, build_world

FloatArray = npt.NDArray[np.float32]

#: Steps of elevation for which the air is computed; a dozen metres in the highest relief.
LEVELS = 256


@dataclass(frozen=True)
class CloudView:
    """A cloud layer as any band sees it: plane albedo and the light on its billows."""

    layer: Layer
    albedo: FloatArray
    light: FloatArray


@dataclass(frozen=True)
class Scene:
    """Everything that is true of one virtual acquisition; fields are (y, x) on ``grid``, 10 m."""

    world: World
    snow: Snow
    clouds: list[Layer]
    views: list[CloudView]
    grains: tuple[str, ...]
    clean: FloatArray
    bare: FloatArray
    sun_zenith: float
    sun_azimuth: float
    cast_shadow: npt.NDArray[np.bool_]
    incidence: FloatArray
    sky: FloatArray
    cloud_shadow: FloatArray
    aerosol: float
    elevations: FloatArray
    level: npt.NDArray[np.uint8]

    @property
    def grid(self) -> Grid:
        """The 10 m grid."""
        return self.world.grid

    @property
    def optical_thickness(self) -> FloatArray:
        """Cloud optical thickness in the visible, all layers."""
        total = np.zeros(self.grid.shape, np.float32)
        for layer in self.clouds:
            total += layer.thickness
        return total

    @property
    def snow_fraction(self) -> FloatArray:
        """Snow share of the visible surface."""
        return visible_snow(self.world, self.snow)


def build_scene(
    simulation: Simulation, tile: str, grid: Grid, when: datetime, weather: str, seed: int
) -> Scene:
    """Draw ground, snow, clouds and light of one acquisition.

    Parameters
    ----------
    simulation : Simulation
    tile : str
    grid : Grid
        10 m.
    when : datetime, UTC
    weather : str
        Name of the weather: acquisitions of the same name share snow and clouds.
    seed : int
    """
    world = build_world(simulation, tile, grid, seed)
    snow = lay_snow(world, simulation.climate, when, generator(seed, "snow", tile, weather))
    clouds = draw_clouds(world, simulation.climate, generator(seed, "clouds", tile, weather))
    rng = generator(seed, "air", tile, weather)
    aerosol = float(rng.uniform(*simulation.climate.aerosol_optical_thickness))
    return light_scene(simulation, tile, world, snow, clouds, when, aerosol)


def light_scene(
    simulation: Simulation,
    tile: str,
    world: World,
    snow: Snow,
    clouds: list[Layer],
    when: datetime,
    aerosol: float,
) -> Scene:
    """Put ground, snow and clouds under the sun of a time.

    Parameters
    ----------
    simulation : Simulation
    tile : str
    world : World
    snow : Snow
    clouds : list of Layer
    when : datetime, UTC
    aerosol : float
        Optical thickness at 550 nm and sea level.
    """
    place, grid = simulation.tiles[tile], world.grid
    zenith, azimuth = sun_position(when, place.latitude, place.longitude)
    grains = simulation.materials_of(tile).snow
    clean = clean_snow(world, snow, len(grains))
    relief = shrink(world.elevation, 2)
    shadow = terrain.cast_shadow(relief, 2 * grid.resolution, zenith, azimuth)
    soft = ndimage.gaussian_filter(shadow.astype(np.float32), 0.7)
    cast = enlarge(np.asarray(soft, np.float32), 2, grid.shape) > 0.5
    blocked = np.zeros(grid.shape, np.float32)
    for layer in clouds:
        blocked += shadow_of(layer, world, zenith, azimuth)
    elevations = np.linspace(world.elevation.min(), world.elevation.max(), LEVELS, dtype=np.float32)
    step = max(float(elevations[1] - elevations[0]), 1e-3)
    slope = np.sqrt(1 + world.east**2 + world.north**2)
    return Scene(
        world=world,
        snow=snow,
        clouds=clouds,
        views=[_view(layer, grid.resolution, zenith, azimuth) for layer in clouds],
        grains=grains,
        clean=clean,
        bare=np.asarray((1 - clean.sum(axis=0)) * world.texture, np.float32),
        sun_zenith=zenith,
        sun_azimuth=azimuth,
        cast_shadow=cast,
        incidence=terrain.illumination(world.elevation, grid.resolution, zenith, azimuth),
        sky=np.asarray((1 + 1 / slope) / 2, np.float32),
        cloud_shadow=blocked,
        aerosol=aerosol,
        elevations=elevations,
        level=np.rint((world.elevation - elevations[0]) / step).astype(np.uint8),
    )


def coarsened(scene: Scene) -> Scene:
    """Give the scene on pixels twice as large: enough for bands of 20 m and more."""
    world = replace(
        scene.world,
        grid=scene.grid.with_resolution(2 * scene.grid.resolution),
        elevation=shrink(scene.world.elevation, 2),
    )
    views = [
        CloudView(
            layer=replace(view.layer, thickness=shrink(view.layer.thickness, 2)),
            albedo=shrink(view.albedo, 2),
            light=shrink(view.light, 2),
        )
        for view in scene.views
    ]
    return replace(
        scene,
        world=world,
        views=views,
        clean=shrink(scene.clean, 2),
        bare=shrink(scene.bare, 2),
        cast_shadow=shrink(scene.cast_shadow.astype(np.float32), 2) > 0.5,
        incidence=shrink(scene.incidence, 2),
        sky=shrink(scene.sky, 2),
        cloud_shadow=shrink(scene.cloud_shadow, 2),
        level=scene.level[::2, ::2],
    )


def surface_reflectance(scene: Scene, optics: BandOptics, band: int) -> FloatArray:
    """Reflectance of the ground itself, light and air left aside."""
    cover = scene.world.cover
    bare = np.zeros(next(iter(cover.values())).shape, np.float32)
    for name, share in cover.items():
        bare += share * np.float32(optics.reflectance[name][band])
    finer = scene.grid.height // len(bare)
    reflectance = (enlarge(bare, finer, scene.grid.shape) if finer > 1 else bare) * scene.bare
    for name, share in zip(scene.grains, scene.clean, strict=True):
        reflectance += share * np.float32(optics.reflectance[name][band])
    return reflectance


def _wide_mean(field: FloatArray, resolution: float) -> FloatArray:
    """Mean over the surroundings (about 600 m), for light that arrives from the slopes around."""
    factor = round(200 / resolution)
    height, width = field.shape[0] // factor * factor, field.shape[1] // factor * factor
    coarse = ndimage.uniform_filter(shrink(field[:height, :width], factor), 3)
    return enlarge(coarse, factor, field.shape)


def ground_light(scene: Scene, air: Air, reflectance: FloatArray) -> FloatArray:
    """Irradiance on the slope relative to a clear horizontal plane: direct, sky and terrain."""
    mu = float(np.cos(np.radians(scene.sun_zenith)))
    through = 1 - plane_albedo(scene.cloud_shadow, mu)
    direct = np.maximum(scene.incidence, 0) / mu * ~scene.cast_shadow * through
    sky = scene.sky * (0.35 + 0.65 * through)
    neighbours = (1 - scene.sky) * _wide_mean(reflectance, scene.grid.resolution) * through
    return np.asarray((1 - air.diffuse) * direct + air.diffuse * sky + neighbours, np.float32)


def air_over(scene: Scene, optics: BandOptics, band: int) -> Air:
    """Clear air of a band over each pixel."""
    name, wavelength = optics.names[band], float(optics.wavelength[band])
    table = clear_air(name, wavelength, scene.elevations / 1000, scene.aerosol, scene.sun_zenith)
    return table.over(scene.level)


def lit_reflectance(scene: Scene, optics: BandOptics, band: int, air: Air) -> FloatArray:
    """Light that the ground returns, by that on a clear horizontal plane.

    It is what a perfect correction of the air finds, the light on slopes left as it is.
    """
    reflectance = surface_reflectance(scene, optics, band)
    return np.asarray(reflectance * ground_light(scene, air, reflectance), np.float32)


def _view(layer: Layer, resolution: float, sun_zenith: float, sun_azimuth: float) -> CloudView:
    """Albedo of a layer, and its light: billows are brighter towards the sun."""
    zenith, azimuth = np.radians(sun_zenith), np.radians(sun_azimuth)
    down, east = np.gradient(layer.relief, resolution)
    tilt = (np.cos(azimuth) * down - np.sin(azimuth) * east) * np.tan(min(zenith, 1.4))
    return CloudView(
        layer=layer,
        albedo=plane_albedo(layer.thickness, float(np.cos(zenith))),
        light=np.clip(1 + 0.6 * tilt, 0.5, 1.35).astype(np.float32),
    )


def _cover(
    scene: Scene, view: CloudView, band: str, below: FloatArray, path: FloatArray
) -> FloatArray:
    """Reflectance above a layer, from that below it; ``path`` is the clear path reflectance."""
    layer, albedo = view.layer, view.albedo
    reflected, passed = dimming(layer.thickness, layer.particles, band)
    altitude = np.asarray(layer.top / 1000, np.float32)
    vapour = float(water_transmittance(band, altitude, scene.sun_zenith).item())
    # Of the clear path reflectance, the part that arises above the cloud remains in front of it.
    remaining = path * np.float32(np.exp(-altitude / RAYLEIGH_SCALE_HEIGHT))
    surface = np.maximum(below - remaining, 0)
    through = (1 - albedo) * passed
    lit = albedo * reflected * view.light * np.float32(vapour * 0.93)
    # Light goes to and fro between cloud and ground; a slope that faces a low sun returns more than
    # a horizontal plane receives, but of scattered light no more than all.
    returned = np.float32(0.6) * albedo * np.minimum(surface, 1)
    result = remaining + lit + through * surface / (1 - returned)
    return np.asarray(np.where(layer.thickness > 0, result, below), np.float32)


def render_band(scene: Scene, optics: BandOptics, band: int) -> FloatArray:
    """TOA reflectance of one band on the 10 m grid.

    Parameters
    ----------
    scene : Scene
    optics : BandOptics
    band : int
        Position in ``optics.names``.
    """
    name = optics.names[band]
    air = air_over(scene, optics, band)
    lit = lit_reflectance(scene, optics, band, air)
    around = _wide_mean(lit, scene.grid.resolution)
    seen = air.path + air.transmittance * lit / (1 - air.albedo * around)
    for view in scene.views:
        seen = _cover(scene, view, name, seen, air.path)
    return np.asarray(seen, np.float32)
