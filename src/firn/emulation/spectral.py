"""Spectral synthesis: the weights that mix Sentinel-2 bands into those of a sensor."""

from collections.abc import Sequence
from functools import cache
from itertools import combinations
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from firn.errors import ConfigError
from firn.sensors import Band, Sensor, band_responses, load_spectra, packaged

FloatArray = npt.NDArray[np.float64]
Spectral = Literal["boxcar", "response"]

#: Conditions under which the library is seen: sun zenith (degrees) and aerosol optical thickness
#: at 550 nm; and the air pressure at 2400 m relative to that at sea level.
SUN_ZENITHS = (30.0, 50.0, 70.0)
AEROSOLS = (0.05, 0.3)
PRESSURE = 0.75
#: A band needs a source band that is no further from it than this, nm.
NEAR = 100.0
#: Source bands further from a band than this have no weight in it, nm. The near infrared is within
#: reach of the SWIR: it tells snow from darker things, and snow brightens within the band of SPOT.
REACH = 800.0
#: Cost of a weight's squared distance from its boxcar weight, in squared reflectance.
SHRINKAGE = 1e-4
#: Sentinel-2 bands in which water vapour hides the ground.
ABSORPTION_BANDS = ("B09", "B10")
#: Wavelengths of the integrals, nm: those of the library below the thermal infrared.
_GRID = np.arange(400.0, 2501.0, 2.5)


def boxcar_weights(sensor: Sensor, source: Sensor, source_bands: Sequence[str]) -> FloatArray:
    """Weights that mix source bands into the sensor's bands, by overlap of boxcars.

    A source band weighs as many nanometres as its interval, centre ± width/2, shares with that of
    the sensor's band (Barrou Dumont et al. 2024; the response functions are ignored).

    Parameters
    ----------
    sensor, source : Sensor
    source_bands : sequence of str
        The source bands at hand.

    Returns
    -------
    ndarray, (sensor band, source band)
        Rows sum to 1.

    Raises
    ------
    ConfigError
        A sensor band overlaps none of the source bands.
    """
    shared = np.maximum(-_gaps(sensor, source, source_bands), 0)
    for band, row in zip(sensor.bands, shared, strict=True):
        if not row.any():
            raise ConfigError(
                f"sensor {sensor.name}: band {band.name} overlaps none of {list(source_bands)} of "
                f"{source.name}; add a source band or correct its centre and width"
            )
    weights: FloatArray = shared / shared.sum(axis=1, keepdims=True)
    return weights


def response_weights(
    sensor: Sensor, instrument: str, source: Sensor, source_bands: Sequence[str]
) -> FloatArray:
    """Weights that mix source bands into those of an instrument, fitted on a spectral library.

    The library's surfaces are seen at the top of the atmosphere (`library`) through the responses
    of both instruments. The weights ``w >= 0`` of a band minimise the mean squared error plus
    `SHRINKAGE` times the squared distance from the boxcar weights, which settles what the library
    leaves open. Only source bands within `REACH` of the band may have a weight: what lies further
    off can follow it by the accident of a library alone.

    Parameters
    ----------
    sensor : Sensor
    instrument : str
        One of ``sensor.instruments``.
    source : Sensor
    source_bands : sequence of str
        The source bands at hand.

    Returns
    -------
    ndarray, (sensor band, source band)
        Rows sum to about 1.

    Raises
    ------
    ConfigError
        No source band is near some band of the sensor.
    DataError
        A response table cannot be read.
    """
    gaps = _gaps(sensor, source, source_bands)
    near, reached = gaps <= NEAR, gaps <= REACH
    seen = band_reflectance(source, source.instruments[0], source_bands)
    wanted = band_reflectance(sensor, instrument, sensor.band_names)
    weights = np.zeros(gaps.shape)
    for i, band in enumerate(sensor.bands):
        if not near[i].any():
            raise ConfigError(
                f"sensor {sensor.name}: band {band.name} is more than {NEAR:g} nm from each of "
                f"{list(source_bands)} of {source.name}; add a source band or leave the band out"
            )
        shared = np.maximum(-gaps[i], 0) if (gaps[i] < 0).any() else near[i].astype(float)
        prior, used = (shared / shared.sum())[reached[i]], reached[i]
        weights[i, used] = _non_negative(seen[:, used], wanted[:, i], prior)
    return weights


def mixing_weights(
    kind: Spectral, sensor: Sensor, instrument: str, source: Sensor, source_bands: Sequence[str]
) -> FloatArray:
    """Weights of the configured kind; see `boxcar_weights` and `response_weights`."""
    if kind == "boxcar":
        return boxcar_weights(sensor, source, source_bands)
    return response_weights(sensor, instrument, source, source_bands)


def choose_bands(sensor: Sensor, source: Sensor, usual: Sequence[str]) -> tuple[str, ...]:
    """Source bands to emulate a sensor from.

    The ``usual`` ones where each band of the sensor overlaps one of them; else all that are near
    one of its bands.
    """
    if (_gaps(sensor, source, usual).min(axis=1) < 0).all():
        return tuple(usual)
    names = [band.name for band in source.bands if band.name not in ABSORPTION_BANDS]
    nearest = _gaps(sensor, source, names).min(axis=0)
    return tuple(name for name, gap in zip(names, nearest, strict=True) if gap <= NEAR)


def spectral_errors(
    sensor: Sensor,
    instrument: str,
    source: Sensor,
    source_bands: Sequence[str],
    weights: npt.NDArray[Any],
) -> dict[str, FloatArray]:
    """Error of the mixed bands over each material of the library.

    Returns
    -------
    dict of material to ndarray, (sensor band,)
        Root mean square over the conditions of `library`, TOA reflectance.
    """
    mixed = band_reflectance(source, source.instruments[0], source_bands) @ weights.T
    error = mixed - band_reflectance(sensor, instrument, sensor.band_names)
    names, spectra = library()
    by_material = error.reshape(len(spectra) // len(names), len(names), -1)
    rms = np.sqrt(np.mean(by_material**2, axis=0))
    return dict(zip(names, rms, strict=True))


@cache
def library() -> tuple[tuple[str, ...], FloatArray]:
    """Surfaces of the spectral library as seen from above the atmosphere, nadir view.

    The optical thickness of the air is ``tr = p 0.008569 l**-4 (1 + 0.0113 l**-2 + 0.00013 l**-4)``
    (Hansen & Travis 1974, Space Science Reviews 16, eq. 2.30), that of aerosol ``ta = t550 (l /
    0.55)**-1.3``, with l in micrometres. With the cosine m of the sun zenith and the share ``b =
    0.5 tr + 0.15 ta`` that is scattered backwards, TOA reflectance is ``path + T r / (1 - b r)``:
    path reflectance of single scattering, ``path = (0.75 (1 + m**2) tr + 0.2 ta) / (4 m)``, and
    transmittance, ``T = exp(-b (1 + 1 / m))``. Phase function and backward share of aerosol are
    assumed; absorption by gases is left out, for the bands that are mixed avoid it.

    Returns
    -------
    materials : tuple of str
    reflectance : ndarray, (condition x material, wavelength)
        Material changes fastest.
    """
    at, spectra = load_spectra(packaged("spectra/endmembers.csv"))
    surface = np.array([np.interp(_GRID, at, values) for values in spectra.values()])
    micrometres = _GRID / 1000
    air = 0.008569 * micrometres**-4 * (1 + 0.0113 * micrometres**-2 + 0.00013 * micrometres**-4)
    seen = []
    for zenith in SUN_ZENITHS:
        cosine = np.cos(np.radians(zenith))
        for thickness in AEROSOLS:
            aerosol = thickness * (micrometres / 0.55) ** -1.3
            backward = 0.5 * PRESSURE * air + 0.15 * aerosol
            path = (0.75 * (1 + cosine**2) * PRESSURE * air + 0.2 * aerosol) / (4 * cosine)
            through = np.exp(-backward * (1 + 1 / cosine))
            seen.append(path + through * surface / (1 - backward * surface))
    return tuple(spectra), np.concatenate(seen)


def band_reflectance(sensor: Sensor, instrument: str, bands: Sequence[str]) -> FloatArray:
    """Library in the bands of an instrument: mean weighted by response and solar irradiance.

    Returns
    -------
    ndarray, (condition x material, band)
    """
    at, sun = load_spectra(packaged("spectra/solar_irradiance.csv"))
    irradiance = np.interp(_GRID, at, sun["irradiance_w_m2_um"])
    wavelength, response = band_responses(sensor, instrument)
    light = irradiance * np.array(
        [np.interp(_GRID, wavelength, response[name], left=0, right=0) for name in bands]
    )
    _, reflectance = library()
    means: FloatArray = reflectance @ (light / light.sum(axis=1, keepdims=True)).T
    return means


def _interval(band: Band) -> tuple[float, float]:
    return band.centre_nm - band.width_nm / 2, band.centre_nm + band.width_nm / 2


def _gaps(sensor: Sensor, source: Sensor, source_bands: Sequence[str]) -> FloatArray:
    """Distance of the intervals, nm; below 0 the width that they share."""
    low, high = np.array([_interval(band) for band in sensor.bands]).T[:, :, None]
    other_low, other_high = np.array([_interval(source.band(b)) for b in source_bands]).T
    gaps: FloatArray = np.maximum(low, other_low) - np.minimum(high, other_high)
    return gaps


def _non_negative(seen: FloatArray, wanted: FloatArray, prior: FloatArray) -> FloatArray:
    """Non-negative least squares with a ridge towards ``prior``, exact.

    The optimum is the least-squares solution over the bands that it uses, so the best non-negative
    one of those over all sets of bands is it. There are few bands, and the library's own solver
    takes a second to be imported.
    """
    count = len(prior)
    matrix = seen.T @ seen / len(seen) + SHRINKAGE * np.eye(count)
    vector = seen.T @ wanted / len(seen) + SHRINKAGE * prior
    best, lowest = np.zeros(count), 0.0
    for size in range(1, count + 1):
        for chosen in combinations(range(count), size):
            used = list(chosen)
            solution = np.linalg.solve(matrix[np.ix_(used, used)], vector[used])
            # At a solution the cost is -vector . solution, up to a constant.
            cost = -float(vector[used] @ solution)
            if cost < lowest and (solution >= 0).all():
                lowest, best = cost, np.zeros(count)
                best[used] = solution
    return best
