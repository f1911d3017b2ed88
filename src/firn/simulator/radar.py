"""Sentinel-1 over a virtual tile: gamma0 of VV and VH, flattened and on the map, as SNAP leaves it.

What is in it, and what is not: the orbit's geometry (local incidence, layover, shadow), backscatter
by land cover and incidence, soil moisture, wet snow, burnt ground, speckle, noise, and what terrain
flattening leaves of the relief. Dry snow is transparent at C band, so the radar does not see it.
Wind on lakes, rain on canopies and azimuth ambiguities are left out.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
from scipy import ndimage, special, stats

from firn import terrain
from firn.cloud_removal_config import Orbit, Radar
from firn.simulation_config import Materials
from firn.simulator.fields import enlarge, fractal, sigmoid
from firn.simulator.fire import Burn
from firn.simulator.snow import Snow
from firn.simulator.world import World, share_of

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

#: Inclination of the orbit, degrees.
INCLINATION = 98.18
#: Incidence at which the levels below hold, degrees.
REFERENCE_INCIDENCE = 40.0
#: Gamma0 of VV and VH at that incidence, dB, and the power of the cosine with which it falls off:
#: canopies scatter in their volume, smooth ground and water at their surface (assumed, of the order
#: of the tables of Ulaby & Dobson 1989, Handbook of Radar Scattering Statistics for Terrain).
LEVELS: dict[str, tuple[tuple[float, float], float]] = {
    "forest": ((-7.5, -13.0), 0.0),
    "grass": ((-11.0, -18.0), 0.5),
    "dry_grass": ((-11.5, -19.0), 0.5),
    "soil": ((-11.5, -20.5), 1.0),
    "rock": ((-8.5, -16.0), 0.7),
    "water": ((-20.0, -28.0), 4.0),
}
#: Change of a forest that burnt wholly, dB: with the crowns goes the volume that depolarises, and
#: the ground shows. Over burnt pine forests HV fell with severity at C band and VV rose (Tanase et
#: al. 2010, IEEE Trans. Geosci. Remote Sens. 48, 3663-3675). Burnt grass becomes soil.
BURNT_FOREST = (0.8, -4.0)
#: Loss of backscatter where open ground is under wet snow, dB. Maps of wet snow ask for 2 to 3
#: (Nagler et al. 2016, Remote Sens. 8, 348), and up to 10 was seen over grass (Manickam & Barros
#: 2020, Remote Sens. 12, 483). Canopies hide the snow below them.
WET_SNOW = (6.0, 5.0)
#: Temperature at sea level, mean and seasonal swing (warmest in mid-July), its scatter between days
#: and its fall with height: degrees, degrees per km (assumed; middle latitudes).
TEMPERATURE, SWING, SCATTER, LAPSE = 12.0, 9.5, 2.5, 6.5
#: Soil moisture changes the backscatter of open ground by so much, dB (1 sigma; assumed).
MOISTURE = 0.8
#: Noise-equivalent backscatter: the specification, dB. Its mean is subtracted, its scatter remains.
NOISE = -22.0
#: Error of terrain flattening, dB (1 sigma) on a slope of 45 degrees: the elevation model that it
#: uses is smoother than the ground (assumed).
FLATTENING = 1.0
#: Standard deviation of the blur that correlates speckle between neighbouring pixels, pixels of
#: 10 m: GRD images resolve some 20 m.
CORRELATION = 0.8
#: Pixels over which layover smears what it folds together.
FOLDED = 9


@dataclass(frozen=True)
class View:
    """How the radar sees the relief; fields are (y, x) on the world's grid.

    Attributes
    ----------
    cosine : ndarray
        Cosine of the local incidence angle; 0 or less where the slope faces away.
    layover, shadow : ndarray of bool
    """

    cosine: FloatArray
    layover: BoolArray
    shadow: BoolArray


def radar_azimuth(orbit: Orbit, latitude: float) -> float:
    """Azimuth (degrees) in which the satellite stands, seen from the ground: it looks right."""
    track = np.cos(np.radians(INCLINATION)) / np.cos(np.radians(latitude))
    heading = float(np.degrees(np.arcsin(track)))
    if orbit.direction == "descending":
        heading = 180 - heading
    return (heading - 90) % 360


def view_relief(elevation: FloatArray, resolution: float, orbit: Orbit, latitude: float) -> View:
    """Geometry of an acquisition.

    Parameters
    ----------
    elevation : ndarray, (y, x), metres
    resolution : float
        Pixel size, m.
    orbit : Orbit
    latitude : float
        Degrees.
    """
    azimuth = radar_azimuth(orbit, latitude)
    return View(
        cosine=terrain.illumination(elevation, resolution, orbit.incidence, azimuth),
        layover=_layover(elevation, resolution, orbit.incidence, azimuth),
        shadow=terrain.cast_shadow(elevation, resolution, orbit.incidence, azimuth),
    )


def _layover(
    elevation: FloatArray, resolution: float, incidence: float, azimuth: float
) -> BoolArray:
    """Ground that shares its slant range with other ground of its line of sight.

    The slant range grows along a line that leads away from the satellite, unless the relief folds:
    a place is alone in its range if all before it are nearer and all behind it farther.
    """
    zenith, away = np.radians(incidence), np.radians(azimuth + 180)
    east, south = float(np.sin(away)), float(-np.cos(away))
    shear = south / abs(east)
    rows, cols = np.indices(elevation.shape, dtype=np.float32)
    # Columns in the order in which the pulse meets them, rows along the line of sight.
    flipped = elevation if east > 0 else elevation[:, ::-1]
    middle = (elevation.shape[1] - 1) / 2
    lines = ndimage.map_coordinates(
        flipped, [rows + shear * (cols - middle), cols], order=1, mode="nearest"
    )
    distance = resolution / abs(east) * np.arange(elevation.shape[1], dtype=np.float32)
    reach = distance * np.sin(zenith) - lines * np.cos(zenith)
    before = np.maximum.accumulate(reach, axis=1)
    behind = np.minimum.accumulate(reach[:, ::-1], axis=1)[:, ::-1]
    folded = np.zeros(reach.shape, np.uint8)
    folded[:, 1:] |= before[:, :-1] >= reach[:, 1:]
    folded[:, :-1] |= behind[:, 1:] <= reach[:, :-1]
    back = ndimage.map_coordinates(
        folded, [rows - shear * (cols - middle), cols], order=0, mode="nearest"
    )
    return np.asarray(back if east > 0 else back[:, ::-1], bool)


def snow_wetness(elevation: FloatArray, when: datetime, rng: np.random.Generator) -> FloatArray:
    """Degree to which snow, where there is any, is wet: 0 dry to 1 melting."""
    warm = np.cos(2 * np.pi * (when.timetuple().tm_yday - 196) / 365.25)
    sea_level = TEMPERATURE + SWING * warm + SCATTER * rng.standard_normal()
    return sigmoid(2 * (sea_level - LAPSE * elevation / 1000))


def backscatter(
    world: World,
    materials: Materials,
    snow: Snow,
    wetness: FloatArray,
    burn: Burn | None,
    view: View,
    rng: np.random.Generator,
) -> FloatArray:
    """Gamma0 without speckle and noise, (polarisation, y, x), linear power.

    Parameters
    ----------
    world : World
        Before any fire.
    materials : Materials
        Of its tile.
    snow : Snow
    wetness : ndarray, (y, x)
        Of the snow, 0-1.
    burn : Burn or None
        What burnt before the acquisition.
    view : View
    rng : Generator
    """
    cosine = np.clip(view.cosine, 0.05, 1) / np.cos(np.radians(REFERENCE_INCIDENCE))
    shares = _shares(world, materials)
    burnt = np.zeros(world.grid.shape, np.float32) if burn is None else burn.share
    coarse = (-(-world.grid.height // 2), -(-world.grid.width // 2))
    damp = fractal(rng, coarse, 2 * world.grid.resolution, 2000.0) + 2 * rng.standard_normal()
    moisture = enlarge(_factor(MOISTURE / np.sqrt(5) * damp), 2, world.grid.shape)
    images = []
    for channel in range(2):
        level = {
            role: np.float32(10 ** (both[channel] / 10)) * cosine**power
            for role, (both, power) in LEVELS.items()
        }
        forest = (
            shares["forest"] * level["forest"] * (1 + burnt * (_factor(BURNT_FOREST[channel]) - 1))
        )
        open_ground = np.zeros(world.grid.shape, np.float32)
        for role in ("grass", "dry_grass"):
            left = level[role] + burnt * (level["soil"] - level[role])
            open_ground += shares[role] * left * moisture
        open_ground += shares["soil"] * level["soil"] * moisture
        open_ground += shares["rock"] * level["rock"] + shares["water"] * level["water"]
        loss = snow.fraction * wetness * (1 - _factor(-WET_SNOW[channel]))
        images.append(forest + open_ground * (1 - loss))
    return np.asarray(images, np.float32)


def _factor(decibel: float | FloatArray) -> FloatArray:
    return np.asarray(10 ** (np.asarray(decibel) / 10), np.float32)


def _shares(world: World, materials: Materials) -> dict[str, FloatArray]:
    """Share of each land cover on the world's grid; they add up to 1."""
    shares = {"water": world.water.astype(np.float32)}
    for role in ("forest", "grass", "dry_grass", "soil", "rock"):
        cover = share_of(world, materials, role)
        shares[role] = enlarge(cover, 2, world.grid.shape) * (1 - shares["water"])
    total = np.maximum(sum(shares.values()), 1e-3)
    return {role: np.asarray(share / total, np.float32) for role, share in shares.items()}


def speckle(
    shape: tuple[int, ...], looks: float, rng: np.random.Generator, correlation: float = CORRELATION
) -> FloatArray:
    """Multiplicative speckle of intensity: gamma distributed, mean 1, variance 1 / ``looks``.

    Neighbouring pixels are correlated, as the resolution is coarser than the pixels.

    Parameters
    ----------
    shape : tuple of int
        Ending in (y, x).
    looks : float
        Equivalent number of looks.
    rng : Generator
    correlation : float
        Standard deviation of the blur that correlates, pixels.
    """
    field = rng.standard_normal(shape, dtype=np.float32)
    if correlation:
        sigma = (0,) * (len(shape) - 2) + (correlation,) * 2
        field = ndimage.gaussian_filter(field, sigma, mode="wrap")
        impulse = np.zeros((33, 33))
        impulse[16, 16] = 1
        spread = ndimage.gaussian_filter(impulse, correlation, mode="wrap")
        field /= np.sqrt(np.sum(np.square(spread)), dtype=np.float32)
    # From the normal to the gamma distribution by their quantiles.
    nodes = np.linspace(-5.5, 5.5, 2201)
    quantiles = special.gammaincinv(looks, stats.norm.cdf(nodes)) / looks
    return np.asarray(np.interp(field, nodes, quantiles), np.float32)


def acquire(
    gamma: FloatArray, world: World, view: View, settings: Radar, rng: np.random.Generator
) -> FloatArray:
    """Image of an acquisition, (polarisation, y, x), linear power; noise makes some of it negative.

    Parameters
    ----------
    gamma : ndarray, (polarisation, y, x)
        From `backscatter`.
    world : World
    view : View
    settings : Radar
    rng : Generator
    """
    shape = world.grid.shape
    steep = np.sqrt(world.east**2 + world.north**2)
    error = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), 2.0)
    error *= FLATTENING * np.minimum(steep, 2) / max(float(error.std()), 1e-6)
    image = gamma * _factor(error)
    smeared = ndimage.uniform_filter(image, (0, 1, FOLDED), mode="nearest")
    image = np.where(view.layover, smeared, image)
    image = np.where(view.shadow, 0, image) * speckle(image.shape, settings.looks, rng)
    noise = _factor(NOISE) * (speckle(image.shape, settings.looks, rng) - 1)
    return np.asarray(image + noise, np.float32)
