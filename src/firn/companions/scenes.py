"""Scenes in 13 bands at 60 m, and what is true of them: six classes, and firn's three."""

import json
import os
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt

from firn import raster
from firn.classes import IGNORE, SurfaceClass
from firn.errors import DataError, GridError
from firn.grid import Grid
from firn.methods.base import ModelCard
from firn.products.cloud_masks import alcd_classes, read_alcd_codes
from firn.products.identity import TileDate
from firn.provenance import provenance
from firn.samples import RELIEF_CHANNELS
from firn.sensors import STACK_NODATA, STACK_SCALE, load_sensor
from firn.stacks import write_toa

PathLike = str | os.PathLike[str]
FloatArray = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.uint8]

#: Sensor whose bands both satellites share, and the pixel size that the methods were published at.
SENSOR, RESOLUTION = "sentinel2a", 60.0
#: Reflectance that brighter pixels, and saturated ones, count as.
BRIGHTEST = 2.0

#: Shares of snow and optical thicknesses that make a class, as in the truth of the archive; where
#: neither holds, a pixel is mixed. Cloud from ``THICK_FROM`` on is opaque, and casts a shadow.
SNOW_FROM, GROUND_UP_TO = 0.65, 0.35
CLOUD_FROM, CLEAR_UP_TO, THICK_FROM = 0.5, 0.1, 3.6
#: Share of a pixel that must be water, or shaded; as much or less than the rest of it is not.
MOSTLY = 0.9
#: Reflectance in the green from which rock and soil are bright.
BRIGHT_FROM = 0.2

#: Bands of the truth's ``fields.tif`` that are read.
FIELDS = (
    "snow_fraction",
    "optical_thickness",
    "cast_shadow",
    "cirrus_thickness",
    "cloud_shadow",
    "water",
    "green_reflectance",
)


class Surface(IntEnum):
    """Classes of the spectra, with the codes of the Hollstein database; 0 is none of them."""

    LAND = 10
    WATER = 20
    SHADOW = 30
    CIRRUS = 40
    OPAQUE_CLOUD = 50
    SNOW = 60


#: Names of the classes, and which of firn's classes each stands for.
SURFACES = tuple(Surface)
SURFACE_NAMES = tuple(s.name.lower().replace("_", " ") for s in SURFACES)
STANDS_FOR = ("ground", "ground", "ground", "cloud", "cloud", "snow")

#: What the codes of ALCD stand for: low and high clouds, cloud shadow, land, water, snow.
ALCD_SURFACES = {
    2: Surface.OPAQUE_CLOUD,
    3: Surface.CIRRUS,
    4: Surface.SHADOW,
    5: Surface.LAND,
    6: Surface.WATER,
    7: Surface.SNOW,
}

#: Situations that the methods were made for, as strata of the scores.
BRIGHT, CIRRUS, SNOW = STRATA = ("bright rock and soil", "thin cirrus", "snow")


def bands() -> tuple[str, ...]:
    """Names of the 13 bands, B01 to B12."""
    return load_sensor(SENSOR).band_names


def write_stack(l1c: PathLike, row: TileDate, output: PathLike) -> None:
    """Write a scene, uint16 as all stacks; see `firn.stacks.write_toa`."""
    write_toa(l1c, row, output, bands(), RESOLUTION)


def read_stack(path: PathLike) -> tuple[FloatArray, Grid]:
    """Reflectance, (band, y, x), NaN in all bands where one has no data; and the grid.

    Raises
    ------
    DataError
        The file is missing, damaged, or not of the 13 bands.
    """
    data = raster.read(path)
    found = tuple(data.coords["band"].values)
    if found != bands():
        raise DataError(
            f"{path}: has the bands {', '.join(found)}, expected {', '.join(bands())}; run its "
            "rule again"
        )
    numbers = data.values
    reflectance = np.minimum(numbers.astype(np.float32) / STACK_SCALE, np.float32(BRIGHTEST))
    reflectance[:, (numbers == STACK_NODATA).any(axis=0)] = np.nan
    return reflectance, Grid.of(data)


def channels_of(reflectance: FloatArray) -> FloatArray:
    """Channels of a model's card, (channel, y, x): the bands, and a relief that nothing reads."""
    relief = np.zeros((len(RELIEF_CHANNELS), *reflectance.shape[1:]), np.float32)
    return np.concatenate([reflectance, relief])


def scene_card(method: str, architecture: dict[str, object]) -> ModelCard:
    """Card of a model for 13 bands, which sees reflectance as it is."""
    channels = (*bands(), *RELIEF_CHANNELS)
    zeros, ones = [0.0] * len(channels), [1.0] * len(channels)
    return ModelCard(method, SENSOR, bands(), channels, zeros, ones, architecture)


def surfaces(fields: dict[str, FloatArray]) -> Codes:
    """Six classes, `Surface`, of pixels; 0 where they are mixed.

    Cloud is cirrus where more than half of its thickness is, and opaque from an optical thickness
    of 3.6 on; a thinner cloud of water is neither. Snow in the shade is snow, not shadow.

    Parameters
    ----------
    fields : dict of name to ndarray, (y, x)
        Means over the pixel; the names are `FIELDS`.
    """
    snow, thickness, water = (fields[n] for n in ("snow_fraction", "optical_thickness", "water"))
    clear = thickness <= CLEAR_UP_TO
    bare = clear & (snow <= GROUND_UP_TO)
    shade = np.maximum(fields["cast_shadow"] >= MOSTLY, fields["cloud_shadow"] >= THICK_FROM)
    lit = (fields["cast_shadow"] <= 1 - MOSTLY) & (fields["cloud_shadow"] <= CLEAR_UP_TO)
    dry = water <= 1 - MOSTLY
    cirrus = (thickness >= CLOUD_FROM) & (fields["cirrus_thickness"] > thickness / 2)
    codes = np.zeros(snow.shape, np.uint8)
    codes[bare & lit & dry] = Surface.LAND
    codes[bare & shade & dry] = Surface.SHADOW
    codes[bare & (water >= MOSTLY)] = Surface.WATER
    codes[clear & (snow >= SNOW_FROM)] = Surface.SNOW
    codes[(thickness >= THICK_FROM) & ~cirrus] = Surface.OPAQUE_CLOUD
    codes[cirrus] = Surface.CIRRUS
    return codes


def classes(fields: dict[str, FloatArray]) -> Codes:
    """Classes 0-2 of pixels, 255 where they are mixed; water and forest are ground."""
    snow, thickness = fields["snow_fraction"], fields["optical_thickness"]
    clear = thickness <= CLEAR_UP_TO
    codes = np.full(snow.shape, IGNORE, np.uint8)
    codes[clear & (snow <= GROUND_UP_TO)] = SurfaceClass.GROUND
    codes[clear & (snow >= SNOW_FROM)] = SurfaceClass.SNOW
    codes[thickness >= CLOUD_FROM] = SurfaceClass.CLOUD
    return codes


def strata(fields: dict[str, FloatArray]) -> dict[str, Flags]:
    """Challenging cases, (y, x), by name; the names are `STRATA`."""
    known = classes(fields)
    thickness = fields["optical_thickness"]
    bright = fields["green_reflectance"] >= BRIGHT_FROM
    dry = fields["water"] <= 1 - MOSTLY
    cirrus = fields["cirrus_thickness"] > thickness / 2
    return {
        BRIGHT: (known == SurfaceClass.GROUND) & bright & dry,
        CIRRUS: (known == SurfaceClass.CLOUD) & cirrus & (thickness < THICK_FROM),
        SNOW: known == SurfaceClass.SNOW,
    }


class SceneTruth:
    """What is true of a scene.

    Attributes
    ----------
    classes : ndarray of uint8, (y, x)
        0-2, and 255 where a pixel is not judged.
    surfaces : ndarray of uint8, (y, x)
        `Surface`, and 0.
    strata : dict of name to ndarray of bool, (y, x)
    """

    def __init__(self, path: PathLike) -> None:
        data = raster.read(path)
        names = ("class", "surface", *STRATA)
        if tuple(data.coords["band"].values) != names:
            raise DataError(f"{path}: does not have the bands {names}; run its rule again")
        self.classes, self.surfaces = data.values[0], data.values[1]
        self.strata = {name: data.values[2 + i] == 1 for i, name in enumerate(STRATA)}


def write_alcd_truth(folder: PathLike, stack: PathLike, output: PathLike) -> None:
    """Write what an ALCD mask says of a scene, as `write_scene_truth` does for virtual ones.

    Low clouds are opaque, high ones cirrus; all of these are the stratum of thin cirrus, for the
    masks do not tell how thick a cloud is. Land is bright by its reflectance in the green.

    Parameters
    ----------
    folder : path
        Folder of the scene in the data set.
    stack : path
        Output of `write_stack`; where it has no data, nothing is known.
    output : path

    Raises
    ------
    GridError
        The mask shows other ground.
    DataError
        A file is damaged or holds other codes.
    """
    reflectance, grid = read_stack(stack)
    codes = read_alcd_codes(folder, grid)
    known = alcd_classes(codes)
    kinds = np.zeros(256, np.uint8)
    for code, surface in ALCD_SURFACES.items():
        kinds[code] = surface
    found = kinds[codes]
    bright = reflectance[bands().index("B03")] >= BRIGHT_FROM
    flags = [(found == Surface.LAND) & bright, found == Surface.CIRRUS, found == Surface.SNOW]
    _write_truth(output, known, found, flags, np.isnan(reflectance[0]), grid, [folder, stack])


def write_scene_truth(fields: PathLike, stack: PathLike, output: PathLike) -> None:
    """Write the truth of a scene on its 60 m grid, uint8: class, surface, and a band per stratum.

    Parameters
    ----------
    fields : path
        ``fields.tif`` of the virtual archive.
    stack : path
        Output of `write_stack`; where it has no data, nothing is true.
    output : path

    Raises
    ------
    GridError
        The two do not show the same ground.
    DataError
        A file is damaged or lacks a band.
    """
    data = raster.read(fields)
    reflectance, grid = read_stack(stack)
    found = list(data.coords["band"].values)
    if missing := [name for name in FIELDS if name not in found]:
        raise DataError(f"{fields}: lacks {', '.join(missing)}; simulate the archive again")
    source = Grid.of(data)
    if source.with_resolution(RESOLUTION) != grid:
        raise GridError(f"{fields}: is not of the ground of {stack}; delete both and run again")
    factor = round(RESOLUTION / source.resolution)
    blocks = data.values.reshape(len(found), grid.height, factor, grid.width, factor)
    means = dict(zip(found, blocks.mean(axis=(2, 4), dtype=np.float32), strict=True))
    flags = list(strata(means).values())
    missing_data = np.isnan(reflectance[0])
    sources = [fields, stack]
    _write_truth(output, classes(means), surfaces(means), flags, missing_data, grid, sources)


def _write_truth(
    output: PathLike,
    known: Codes,
    found: Codes,
    flags: Sequence[Flags],
    missing_data: Flags,
    grid: Grid,
    sources: Sequence[PathLike],
) -> None:
    """Write classes, surfaces and strata, none where data are missing."""
    layers = [np.where(missing_data, np.uint8(IGNORE), known), np.where(missing_data, 0, found)]
    layers += [flag & ~missing_data for flag in flags]
    names = [Path(path).name for path in sources]
    raster.write(
        output,
        np.stack(layers).astype(np.uint8),
        grid,
        band_names=("class", "surface", *STRATA),
        tags={"FIRN_PROVENANCE": json.dumps(provenance(names), sort_keys=True)},
    )
