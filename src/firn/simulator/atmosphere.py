"""A clear atmosphere over relief: path reflectance, transmittance and the share of diffuse light.

Single scattering with analytical transmittances, as in the early versions of 5S (Tanré et al. 1990,
Int. J. Remote Sens. 11, 659). Each quantity depends on the elevation of the ground.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

RAYLEIGH_SCALE_HEIGHT = 8.0  # km
AEROSOL_SCALE_HEIGHT = 2.0  # km
WATER_SCALE_HEIGHT = 2.0  # km
ANGSTROM_EXPONENT = 1.3
AEROSOL_ALBEDO = 0.95
AEROSOL_ASYMMETRY = 0.65
#: Optical thickness of water vapour at sea level (assumed): B09 is absorbed partly, B10 nearly all.
WATER_ABSORPTION = {"B09": 0.9, "B10": 12.0}
#: Transmittance of gases, one vertical pass. Bands of Sentinel-2: SMAC's ``exp(a U**n)`` (Rahman &
#: Dedieu 1994, Int. J. Remote Sens. 15, 123; coefficients of CESBIO for S2A) for 1 g/cm2 of water
#: vapour, 0.3 cm-atm of ozone and the air above 2400 m. Bands of SPOT: assumed, near those that
#: they share wavelengths with.
GAS_TRANSMITTANCE = {
    "B02": 0.992, "B03": 0.970, "B04": 0.982, "B08": 0.972, "B11": 0.984, "B12": 0.966,
    "XS1": 0.970, "XS2": 0.975, "XS3": 0.974, "SWIR": 0.984,
}  # fmt: skip


@dataclass(frozen=True)
class Air:
    """Optical state of the air over ground of given elevations, for one band.

    Attributes
    ----------
    path : ndarray
        Path reflectance over the ground.
    transmittance : ndarray
        Two-way transmittance, diffuse light and gases included.
    diffuse : ndarray
        Share of diffuse light in the irradiance of flat ground.
    albedo : ndarray
        Spherical albedo.
    """

    path: FloatArray
    transmittance: FloatArray
    diffuse: FloatArray
    albedo: FloatArray

    def over(self, level: npt.NDArray[np.integer]) -> "Air":
        """Air over a field of positions in the table of elevations that it was computed for."""
        return Air(
            self.path[level], self.transmittance[level], self.diffuse[level], self.albedo[level]
        )


def rayleigh_thickness(wavelength: float) -> float:
    """Optical thickness of Rayleigh scattering at sea level (Hansen & Travis 1974), from um."""
    inverse = wavelength**-2
    return float(0.008569 * inverse**2 * (1 + 0.0113 * inverse + 0.00013 * inverse**2))


def water_transmittance(
    band: str, elevation_km: npt.NDArray[np.floating], sun_zenith: float
) -> FloatArray:
    """Two-way water vapour transmittance above an elevation."""
    if band not in WATER_ABSORPTION:
        return np.ones(1, np.float32)
    depth = WATER_ABSORPTION[band] * np.exp(-elevation_km / WATER_SCALE_HEIGHT)
    return np.asarray(np.exp(-depth * (1 + 1 / np.cos(np.radians(sun_zenith)))), np.float32)


def clear_air(
    band: str,
    wavelength: float,
    elevation_km: npt.NDArray[np.floating],
    aerosol: float,
    sun_zenith: float,
) -> Air:
    """Air over ground of the given elevation, seen from the zenith.

    Parameters
    ----------
    band : str
        For gas absorption.
    wavelength : float
        Micrometres.
    elevation_km : ndarray, km
    aerosol : float
        Aerosol optical thickness at 550 nm and sea level.
    sun_zenith : float
        Degrees.
    """
    mu = float(np.cos(np.radians(sun_zenith)))
    rayleigh = rayleigh_thickness(wavelength) * np.exp(-elevation_km / RAYLEIGH_SCALE_HEIGHT)
    haze = (
        aerosol
        * (wavelength / 0.55) ** -ANGSTROM_EXPONENT
        * np.exp(-elevation_km / AEROSOL_SCALE_HEIGHT)
    )
    both = rayleigh + haze
    g = AEROSOL_ASYMMETRY
    phase_rayleigh = 0.75 * (1 + mu**2)
    phase_haze = (1 - g**2) / (1 + g**2 + 2 * g * mu) ** 1.5
    source = (rayleigh * phase_rayleigh + AEROSOL_ALBEDO * haze * phase_haze) / both
    path = source / (4 * (mu + 1)) * (1 - np.exp(-both * (1 + 1 / mu)))
    lost = 0.5 * rayleigh + (1 - AEROSOL_ALBEDO * (1 + g) / 2) * haze
    down, up = np.exp(-lost / mu), np.exp(-lost)
    gases = GAS_TRANSMITTANCE.get(band, 1.0) ** (1 + 1 / mu)
    gases = gases * water_transmittance(band, elevation_km, sun_zenith)
    return Air(
        path=np.asarray(path * gases, np.float32),
        transmittance=np.asarray(down * up * gases, np.float32),
        diffuse=np.asarray(1 - np.exp(-both / mu) / down, np.float32),
        albedo=np.asarray(0.9 * rayleigh * np.exp(-rayleigh) + 0.2 * haze, np.float32),
    )
