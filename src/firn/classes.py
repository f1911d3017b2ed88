"""Class codes: the one place where a number means snow."""

from enum import IntEnum, IntFlag

import numpy as np
import numpy.typing as npt


class SurfaceClass(IntEnum):
    """Classes in memory, in labels and in training."""

    GROUND = 0
    SNOW = 1
    CLOUD = 2


class Quality(IntFlag):
    """Bits of ``quality.tif``."""

    SATURATED = 1
    NODATA_BUFFER = 2
    FOREST = 4
    WATER = 8
    SHADED = 16
    LOW_CONFIDENCE = 32


#: Label of a pixel that takes no part in training or scoring.
IGNORE = 255
#: Code of published maps (Theia/LIS) where the image has no data.
NO_DATA = 254
#: Steps of a probability of 1 in ``probability.tif``, and its value where there is no data.
PROBABILITY_STEPS = 200
PROBABILITY_NODATA = 255

CLASS_NAMES: tuple[str, ...] = tuple(c.name.lower() for c in SurfaceClass)

#: Codes of published maps, those of the Theia snow collection.
PUBLISHED: dict[SurfaceClass, int] = {
    SurfaceClass.GROUND: 0,
    SurfaceClass.SNOW: 100,
    SurfaceClass.CLOUD: 205,
}

#: Colours that stay apart under the common forms of colour blindness (Okabe & Ito 2008, adapted).
COLOURS: dict[int, str] = {
    SurfaceClass.GROUND: "#b38b5d",
    SurfaceClass.SNOW: "#56b4e9",
    SurfaceClass.CLOUD: "#f2f2f2",
    NO_DATA: "#000000",
    IGNORE: "#7f7f7f",
}

PUBLISHED_COLOURS: dict[int, str] = {PUBLISHED[c]: COLOURS[c] for c in SurfaceClass}
PUBLISHED_NAMES: dict[int, str] = {PUBLISHED[c]: c.name.lower() for c in SurfaceClass}


def to_published(
    classes: npt.NDArray[np.uint8], valid: npt.NDArray[np.bool_]
) -> npt.NDArray[np.uint8]:
    """Recode classes 0/1/2 to the published 0/100/205, and to 254 where ``valid`` is false.

    Parameters
    ----------
    classes : ndarray of uint8
        Classes as in `SurfaceClass`.
    valid : ndarray of bool, same shape
        Where the image has data.
    """
    table = np.full(256, NO_DATA, np.uint8)
    for surface, code in PUBLISHED.items():
        table[surface] = code
    return np.where(valid, table[classes], np.uint8(NO_DATA)).astype(np.uint8)


def from_published(codes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Recode 0/100/205 to 0/1/2; every other code (254 and 255 are no data) becomes `IGNORE`."""
    table = np.full(256, IGNORE, np.uint8)
    for surface, code in PUBLISHED.items():
        table[code] = surface
    return table[codes]
