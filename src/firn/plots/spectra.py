"""Figure of surface spectra above the spectral responses of Sentinel-2 and SPOT."""

import os

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from firn.plots.style import BAND_COLOURS, PALETTE, new_figure, panel_letters, styled
from firn.sensors import Sensor, band_responses, load_spectra
from firn.simulation_config import Materials

#: Sentinel-2 bands that pseudo-SPOT is mixed from.
SOURCE_BANDS = ("B02", "B03", "B04", "B08", "B11")
_STYLES = ("-", "--", ":", "-.")


@styled
def spectra_figure(
    sensor: Sensor,
    source: Sensor,
    spectra: str | os.PathLike[str],
    materials: Materials,
) -> Figure:
    """Draw surface spectra, the sensor's responses, and those of the bands that emulate it.

    Every snow is shown, and the first material of each other role.

    Parameters
    ----------
    sensor, source : Sensor
        The sensor that is emulated, and the one that emulates it.
    spectra : path
        Table of reflectance.
    materials : Materials
        Roles of its columns.

    Raises
    ------
    DataError
        A table cannot be read.
    """
    figure = new_figure(17, 12)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    wavelength, columns = load_spectra(spectra)
    for i, name in enumerate(_shown(materials)):
        colour, dash = PALETTE[i % len(PALETTE)], _STYLES[i // 2 % len(_STYLES)]
        top.plot(wavelength, columns[name], dash, color=colour, label=name.replace("_", " "))
    top.set_ylabel("Reflectance")
    top.set_ylim(0, 1)
    top.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    _responses(bottom, sensor, source)
    bottom.set_xlim(400, 1800)
    bottom.set_xlabel("Wavelength (nm)")
    panel_letters((top, bottom))
    return figure


def _shown(materials: Materials) -> list[str]:
    roles = materials.model_dump()
    return [*roles.pop("snow"), *(names[0] for names in roles.values())]


def _responses(axes: Axes, sensor: Sensor, source: Sensor) -> None:
    """Draw the source's responses as areas, the sensor's as lines, each with a peak of 1."""
    wavelength, columns = band_responses(source, source.instruments[0])
    for name in SOURCE_BANDS:
        response = columns[name] / columns[name].max()
        axes.fill_between(wavelength, response, color="#bdbdbd", linewidth=0)
        centre = source.band(name).centre_nm
        axes.annotate(name, (centre, 0.03), ha="center", va="bottom", fontsize=6.5)
    wavelength, columns = band_responses(sensor, sensor.instruments[0])
    for i, band in enumerate(sensor.bands):
        response = columns[band.name] / columns[band.name].max()
        colour = BAND_COLOURS[i % len(BAND_COLOURS)]
        axes.plot(wavelength, response, color=colour, label=f"{sensor.platform} {band.name}")
    axes.fill_between([], [], color="#bdbdbd", label=source.platform)
    axes.set_ylabel("Relative response")
    axes.set_ylim(0, 1.05)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
