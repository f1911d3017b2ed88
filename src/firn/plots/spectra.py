"""Figure of surface spectra above the spectral responses of Sentinel-2 and SPOT."""

import os
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from firn.plots.style import BAND_COLOURS, PALETTE, new_figure, panel_letters, styled
from firn.sensors import Sensor, load_response, load_spectra, packaged

#: Spectra that are shown unless others are asked for.
SPECTRA = (
    "snow_fine",
    "snow_medium",
    "snow_coarse",
    "grass",
    "conifer",
    "soil_brown_loam",
    "rock_limestone",
)
#: Sentinel-2 bands that pseudo-SPOT is mixed from.
SOURCE_BANDS = ("B02", "B03", "B04", "B08", "B11")
_STYLES = ("-", "--", ":", "-.")


@styled
def spectra_figure(
    sensor: Sensor,
    source: Sensor,
    spectra: str | os.PathLike[str] | None = None,
    names: Sequence[str] = SPECTRA,
) -> Figure:
    """Draw surface spectra, the sensor's responses, and those of the bands that emulate it.

    Parameters
    ----------
    sensor, source : Sensor
        The sensor that is emulated, and the one that emulates it; each needs a response table.
    spectra : path, optional
        Table of reflectance; firn's own by default.
    names : sequence of str
        Columns to draw.

    Raises
    ------
    DataError
        A table cannot be read.
    """
    figure = new_figure(17, 12)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    wavelength, columns = load_spectra(spectra or packaged("spectra/endmembers.csv"))
    for i, name in enumerate(names):
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


def _responses(axes: Axes, sensor: Sensor, source: Sensor) -> None:
    """Draw the source's responses as areas, the sensor's as lines, each with a peak of 1."""
    wavelength, columns = load_response(source.response or source.name)
    for name in SOURCE_BANDS:
        response = columns[name] / columns[name].max()
        axes.fill_between(wavelength, response, color="#bdbdbd", linewidth=0)
        centre = source.band(name).centre_nm
        axes.annotate(name, (centre, 0.03), ha="center", va="bottom", fontsize=6.5)
    wavelength, columns = load_response(sensor.response or sensor.name)
    for i, band in enumerate(sensor.bands):
        response = columns[band.name] / columns[band.name].max()
        colour = BAND_COLOURS[i % len(BAND_COLOURS)]
        axes.plot(wavelength, response, color=colour, label=f"{sensor.platform} {band.name}")
    axes.fill_between([], [], color="#bdbdbd", label=source.platform)
    axes.set_ylabel("Relative response")
    axes.set_ylim(0, 1.05)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
