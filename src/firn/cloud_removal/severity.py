"""Burn severity from the change of vegetation and burn indices.

Severities are those of tile files: 0 unburnt, 1 low, 2 moderate, 3 high, 255 unknown.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from firn.errors import DataError

FloatArray = npt.NDArray[np.floating]
Index = Literal["dnbr", "dndvi"]

SEVERITIES = ("unburnt", "low", "moderate", "high")
UNKNOWN = 255

#: Bands of each index, first and second of the normalised difference, by name of Sentinel-2. The
#: near infrared of NBR is B8A, whose pixels are those of B12.
BANDS: dict[Index, tuple[str, str]] = {"dnbr": ("B8A", "B12"), "dndvi": ("B08", "B04")}
#: Lowest change of the classes low, moderate and high. dNBR: Key & Benson 2006 (RMRS-GTR-164),
#: whose moderate-low and moderate-high are one class here. dNDVI: of the six classes of Dumeur et
#: al. 2021 (from 0.09, 0.14, 0.22, 0.34 and 0.44 on) the last three are one here.
BREAKS: dict[Index, tuple[float, float, float]] = {
    "dnbr": (0.10, 0.27, 0.66),
    "dndvi": (0.09, 0.14, 0.22),
}


#: Bands of the NDSI, and its value above which snow is seen (Dozier 1989).
_SNOW_BANDS, _SNOW_NDSI = ("B03", "B11"), 0.4


def available(bands: Sequence[str]) -> tuple[Index, ...]:
    """List the indices that can be made from some bands."""
    return tuple(index for index, pair in BANDS.items() if set(pair) <= set(bands))


def severity_index(bands: Sequence[str]) -> Index:
    """Give the index that severity is mapped by: dNBR where the bands allow it.

    Raises
    ------
    DataError
        The bands allow none.
    """
    indices = available(bands)
    if not indices:
        raise DataError(
            "burn severity needs the bands B8A and B12, or B08 and B04, and there are "
            f"{', '.join(bands)}"
        )
    return indices[0]


def index_change(
    before: FloatArray, after: FloatArray, bands: Sequence[str], index: Index
) -> npt.NDArray[np.float64]:
    """Index before less index after; what burned has a positive change.

    Parameters
    ----------
    before, after : ndarray of float, (band, y, x)
        Reflectance, NaN = no data.
    bands : sequence of str
    index : str
        ``dnbr`` or ``dndvi``.

    Returns
    -------
    ndarray of float64, (y, x)
        NaN where a band has no data or the two are zero.

    Raises
    ------
    DataError
        A band of the index is not there.
    """
    if missing := [name for name in BANDS[index] if name not in bands]:
        raise DataError(
            f"{index} needs the band {' and '.join(missing)}, and the images have {list(bands)}; "
            "add it to the bands of the cloud removal"
        )
    first, second = (bands.index(name) for name in BANDS[index])
    return _difference(before, first, second) - _difference(after, first, second)


def _difference(image: FloatArray, first: int, second: int) -> npt.NDArray[np.float64]:
    a, b = image[first].astype(np.float64), image[second].astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(a + b == 0, np.nan, (a - b) / (a + b))


def severity_classes(change: FloatArray, index: Index) -> npt.NDArray[np.uint8]:
    """Severity of a change; a break belongs to the class above it, NaN is unknown."""
    classes = np.digitize(change, BREAKS[index]).astype(np.uint8)
    return np.where(np.isfinite(change), classes, np.uint8(UNKNOWN))


def burn_severity(
    before: FloatArray, after: FloatArray, bands: Sequence[str], index: Index
) -> npt.NDArray[np.uint8]:
    """Severity by the change from one image to the other, (band, y, x).

    It is unknown where the earlier image shows snow, for snow that melts changes the indices as a
    fire does: where the NDSI of B03 and B11 is above 0.4, if the images have these bands.
    """
    severity = severity_classes(index_change(before, after, bands, index), index)
    if set(_SNOW_BANDS) <= set(bands):
        green, swir = (list(bands).index(name) for name in _SNOW_BANDS)
        snow = _difference(before, green, swir) > _SNOW_NDSI
        severity = np.where(snow, np.uint8(UNKNOWN), severity)
    return severity


def burned_scores(matrix: npt.NDArray[np.integer[Any]]) -> dict[str, float | None]:
    """Precision, recall and F1 of burned ground of any severity.

    Parameters
    ----------
    matrix : ndarray of int, (reference, predicted)
        Over `SEVERITIES`.

    Returns
    -------
    dict
        ``precision``: share of what is mapped as burned that is; ``recall``: share of what burned
        that is mapped so; ``f1``. None where it is not defined.
    """
    hits = int(matrix[1:, 1:].sum())
    mapped, there = int(matrix[:, 1:].sum()), int(matrix[1:].sum())
    return {
        "precision": hits / mapped if mapped else None,
        "recall": hits / there if there else None,
        "f1": 2 * hits / (mapped + there) if mapped + there else None,
    }
