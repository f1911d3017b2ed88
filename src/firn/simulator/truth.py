"""Truth of a virtual scene: what no archive has, for evaluation only."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from firn import raster
from firn.classes import IGNORE, PUBLISHED, SurfaceClass
from firn.files import write_json
from firn.grid import Grid
from firn.simulator.fields import shrink
from firn.simulator.render import Scene, surface_reflectance
from firn.simulator.spectra import BandOptics

FloatArray = npt.NDArray[np.float32]

#: Share of snow in the visible surface from which a pixel is snow, and up to which it is ground.
SNOW_FROM, GROUND_UP_TO = 0.65, 0.35
#: Visible optical thickness from which a pixel is cloud, and up to which it is clear.
CLOUD_FROM, CLEAR_UP_TO = 0.5, 0.1
#: Canopy share above which a pixel is forest and not judged.
FOREST_FROM = 0.5
#: Optical thickness below which a cloud is thin (Rossow & Schiffer 1999, BAMS 80, 2261-2288).
THICK_FROM = 3.6
#: Mean snow share of the ground around a pixel, as many pixels of 20 m wide, where snow is patchy.
PATCHY, PATCHES_WITHIN = (0.2, 0.8), 9
#: Months in which snow melts into patches.
SPRING = (3, 4, 5, 6)
#: Share of rock above which a pixel is rock, that of snow up to which it is bare, and the
#: reflectance in the green from which it is bright: a quarter of the demonstration's rock.
ROCK_FROM, BARE_UP_TO, BRIGHT_FROM = 0.5, 0.05, 0.2
GREEN = 0.56  # micrometres


def true_classes(
    snow: FloatArray,
    thickness: FloatArray,
    tree_cover: FloatArray,
    water: npt.NDArray[np.floating],
) -> npt.NDArray[np.uint8]:
    """Give published codes 0/100/205, and 255 where the truth is mixed or not judged.

    Parameters
    ----------
    snow : ndarray
        Snow share of the visible surface.
    thickness : ndarray
        Cloud optical thickness in the visible.
    tree_cover, water : ndarray
        Shares, 0-1.
    """
    codes = np.full(snow.shape, IGNORE, np.uint8)
    clear = thickness <= CLEAR_UP_TO
    codes[clear & (snow >= SNOW_FROM)] = PUBLISHED[SurfaceClass.SNOW]
    codes[clear & (snow <= GROUND_UP_TO)] = PUBLISHED[SurfaceClass.GROUND]
    codes[thickness >= CLOUD_FROM] = PUBLISHED[SurfaceClass.CLOUD]
    codes[(tree_cover > FOREST_FROM) | (water > 0.5)] = IGNORE
    return codes


def true_situations(
    snow: FloatArray, thickness: FloatArray, rock: FloatArray, brightness: FloatArray, month: int
) -> dict[str, npt.NDArray[np.bool_]]:
    """Where ground and weather make it hard to map snow, by the name of the situation.

    Parameters
    ----------
    snow, thickness : ndarray, (y, x) at 20 m
        As for `true_classes`.
    rock : ndarray
        Area share of rock below the snow.
    brightness : ndarray
        Reflectance of the surface in the green.
    month : int
    """
    clear = thickness <= CLEAR_UP_TO
    thin = (thickness > CLEAR_UP_TO) & (thickness < THICK_FROM)
    around = ndimage.uniform_filter(snow, PATCHES_WITHIN)
    patchy = (around > PATCHY[0]) & (around < PATCHY[1]) & (month in SPRING)
    bright = (rock > ROCK_FROM) & (brightness >= BRIGHT_FROM)
    return {
        "thin cloud over snow": thin & (snow >= SNOW_FROM),
        "spring patchy snow": clear & patchy,
        "bright rock": clear & bright & (snow <= BARE_UP_TO),
    }


def write_truth(
    folder: str | os.PathLike[str],
    scene: Scene,
    seen: npt.NDArray[np.bool_],
    optics: BandOptics,
    when: datetime,
    instrument: Mapping[str, Any],
) -> None:
    """Write ``class.tif``, ``class_strata.tif``, ``fields.tif`` and ``instrument.json`` at 20 m.

    Parameters
    ----------
    folder : path
    scene : Scene
    seen : ndarray of bool, (y, x) at 20 m
        Where the image has data.
    optics : BandOptics
        Of the instrument; its band nearest to the green tells what is bright.
    when : datetime
        Of the acquisition.
    instrument : mapping
        True state of the instrument and of the weather.
    """
    grid = Grid.from_bounds(scene.grid.crs, *scene.grid.bounds, 2 * scene.grid.resolution)
    snow, thickness = shrink(scene.snow_fraction, 2), shrink(scene.optical_thickness, 2)
    water = shrink(scene.world.water.astype(np.float32), 2)
    codes = true_classes(snow, thickness, shrink(scene.world.tree_cover, 2), water)
    codes[~seen] = IGNORE
    target = Path(folder)
    raster.write(target / "class.tif", codes, grid, nodata=IGNORE)
    green = int(np.argmin(np.abs(optics.wavelength - GREEN)))
    brightness = shrink(surface_reflectance(scene, optics, green), 2)
    strata = true_situations(snow, thickness, scene.world.rock, brightness, when.month)
    raster.write(
        target / "class_strata.tif",
        np.stack(list(strata.values())).astype(np.uint8),
        grid,
        band_names=tuple(strata),
    )
    layers = [layer.thickness for layer in scene.clouds if layer.kind == "cirrus"]
    cirrus = np.sum([np.zeros(scene.grid.shape, np.float32), *layers], axis=0)
    fields = {
        "snow_fraction": snow,
        "optical_thickness": thickness,
        "cast_shadow": shrink(scene.cast_shadow.astype(np.float32), 2),
        "cirrus_thickness": shrink(cirrus, 2),
        "cloud_shadow": shrink(scene.cloud_shadow, 2),
        "water": water,
        "green_reflectance": brightness,
    }
    raster.write(
        target / "fields.tif",
        np.stack(list(fields.values())).astype(np.float32).round(3),
        grid,
        band_names=tuple(fields),
    )
    clouds = [
        {"kind": layer.kind, "top_m": layer.top, **asdict(layer.particles)}
        for layer in scene.clouds
    ]
    write_json(
        target / "instrument.json",
        {
            **instrument,
            "sun_zenith": scene.sun_zenith,
            "sun_azimuth": scene.sun_azimuth,
            "snow_line_m": scene.snow.line,
            "aerosol_optical_thickness": scene.aerosol,
            "clouds": clouds,
        },
    )
