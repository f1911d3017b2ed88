"""From spectra and responses to the numbers that a band sees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from firn.errors import ConfigError
from firn.sensors import FloatArray, load_response, load_spectra, packaged
from firn.simulation_config import Simulation

#: Wavelengths (nm) that increase, and the reflectance at each.
Spectrum = tuple[Sequence[float] | FloatArray, Sequence[float] | FloatArray]


@dataclass(frozen=True)
class BandOptics:
    """What a band needs to know of the world.

    Attributes
    ----------
    names : tuple of str
        Bands.
    wavelength : ndarray, (band,)
        Irradiance-weighted centre, micrometres.
    reflectance : dict of material to ndarray, (band,)
        Irradiance-weighted mean reflectance of each material.
    irradiance : ndarray, (band,)
        Exo-atmospheric solar irradiance, W m-2 um-1.
    """

    names: tuple[str, ...]
    wavelength: npt.NDArray[np.float64]
    reflectance: dict[str, npt.NDArray[np.float64]]
    irradiance: npt.NDArray[np.float64]


def all_materials(simulation: Simulation) -> tuple[str, ...]:
    """All columns of the spectra table that have a role on some tile."""
    roles = [role for tile in simulation.tiles for _, role in simulation.materials_of(tile)]
    return tuple(dict.fromkeys(name for role in roles for name in role))


def band_optics(
    simulation: Simulation,
    response: str,
    shift_nm: float | None = None,
    further: Mapping[str, Spectrum] | None = None,
) -> BandOptics:
    """Integrate spectra and irradiance over a response table.

    Parameters
    ----------
    simulation : Simulation
        Names the spectra table and the role of its columns.
    response : str
        Response table, see `firn.sensors.load_response`.
    shift_nm : float, optional
        Displacement of the response: the virtual instrument's own.
    further : mapping of material to Spectrum, optional
        Materials that the table does not have.

    Raises
    ------
    ConfigError
        The spectra table lacks a column that has a role.
    """
    table = simulation.spectra
    path = table if table.endswith(".csv") else packaged(f"spectra/{table}.csv")
    wavelength, spectra = load_spectra(path)
    if missing := [m for m in all_materials(simulation) if m not in spectra]:
        raise ConfigError(
            f"{path}: has no column {', '.join(missing)}; assign its columns to roles in "
            "simulation.materials"
        )
    grid, responses = load_response(response)
    sun_wavelength, sun = load_spectra(packaged("spectra/solar_irradiance.csv"))
    irradiance = np.interp(grid, sun_wavelength, sun["irradiance_w_m2_um"])
    weights = {
        band: np.interp(grid - (shift_nm or 0.0), grid, curve, left=0, right=0)
        for band, curve in responses.items()
    }

    def mean(values: FloatArray) -> npt.NDArray[np.float64]:
        return np.array(
            [np.sum(values * irradiance * w) / np.sum(irradiance * w) for w in weights.values()]
        )

    known = {m: (wavelength, spectra[m]) for m in all_materials(simulation)} | dict(further or {})
    return BandOptics(
        names=tuple(responses),
        wavelength=mean(grid) / 1000,
        reflectance={m: mean(np.interp(grid, *spectrum)) for m, spectrum in known.items()},
        irradiance=np.array([np.sum(irradiance * w) / np.sum(w) for w in weights.values()]),
    )
