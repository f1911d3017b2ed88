"""How a cloud reflects and transmits light."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

#: Asymmetry parameter of cloud droplets and ice (typical; King 1987).
ASYMMETRY = 0.85
#: Absorbing bands: wavelength (um) and imaginary refractive index of water (Hale & Querry 1973,
#: Appl. Opt. 12, 555: at 1.6 and 2.2 um) and of ice (Warren & Brandt 2008, J. Geophys. Res. 113,
#: D14220: between the neighbours in their table).
ABSORBING = {
    "SWIR": (1.63, 8.55e-5, 2.52e-4),
    "B11": (1.61, 8.55e-5, 2.71e-4),
    "B12": (2.19, 2.89e-4, 2.71e-4),
}


@dataclass(frozen=True)
class Particles:
    """What a cloud is made of.

    Attributes
    ----------
    ice : float
        Share of ice in the optical thickness, 0-1.
    droplet, crystal : float
        Effective radius, um.
    """

    ice: float
    droplet: float
    crystal: float


def plane_albedo(thickness: FloatArray, mu: float) -> FloatArray:
    """Reflectance of a non-absorbing cloud (Coakley & Chylek 1975, J. Atmos. Sci. 32, 409)."""
    scattered = (1 - ASYMMETRY) / 2 * thickness
    return np.asarray(scattered / (mu + scattered), np.float32)


def absorbed_in_one_collision(particles: Particles, band: str) -> float:
    """Single-scattering co-albedo: 0.85 of what a particle's radius absorbs.

    After Twomey & Bohren 1980 (J. Atmos. Sci. 37, 2086); 0 in bands that clouds do not absorb.
    """
    wavelength, water, ice = ABSORBING.get(band, (1.0, 0.0, 0.0))
    path = (1 - particles.ice) * water * particles.droplet + particles.ice * ice * particles.crystal
    return float(0.85 * 4 * np.pi / wavelength * path)


def dimming(
    thickness: FloatArray, particles: Particles, band: str
) -> tuple[FloatArray, FloatArray]:
    """Reflectance and transmittance of a cloud relative to one that does not absorb.

    Both from the two-stream equations in the quadrature form (Meador & Weaver 1980, J. Atmos. Sci.
    37, 630), over a black ground. They begin at 1 - co-albedo and 1 for a cloud of no thickness.

    Parameters
    ----------
    thickness : ndarray
        Optical thickness in the visible.
    particles : Particles
    band : str
    """
    absorbed = absorbed_in_one_collision(particles, band)
    if absorbed == 0:
        nothing = np.ones((), np.float32)
        return nothing, nothing
    forward = absorbed + (1 - absorbed) * (1 - ASYMMETRY)  # 1 - omega g
    similarity = np.sqrt(absorbed / forward)
    endless = (1 - similarity) / (1 + similarity)  # reflectance of an endless cloud
    thickness = np.maximum(thickness, np.float32(1e-3))
    decay = np.exp(-np.float32(np.sqrt(3 * absorbed * forward)) * thickness)
    turns = 1 - endless**2 * decay**2
    # Without absorption, scattered / (1 + scattered) is reflected and the rest gets through.
    scattered = np.float32(np.sqrt(3) / 2 * (1 - ASYMMETRY)) * thickness
    reflected = endless * (1 - decay**2) / turns * (1 + scattered) / scattered
    passed = (1 - endless**2) * decay / turns * (1 + scattered)
    return np.asarray(reflected, np.float32), np.asarray(passed, np.float32)
