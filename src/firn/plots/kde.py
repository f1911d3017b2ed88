"""Figure of saturation and minimum reflectance: scenes, density and draws."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from firn.plots.style import BAND_COLOURS, new_figure, styled
from firn.saturation import Quantity, Saturations
from firn.seeds import generator

#: Draws that are shown; enough for a smooth histogram.
DRAWS = 5000
_LABELS: dict[Quantity, str] = {
    "saturation": "Saturation reflectance",
    "minimum": "Minimum reflectance",
}


@styled
def saturation_figure(saturations: Saturations, seed: int) -> Figure:
    """Draw scenes, fitted density and random draws, one column per band.

    Parameters
    ----------
    saturations : Saturations
    seed : int
        Of the draws.
    """
    bands = saturations.bands
    figure = new_figure(4.8 * len(bands) + 2, 10)
    panels = figure.subplots(2, len(bands), squeeze=False)
    rng = generator(seed, "saturation figure", saturations.area, saturations.sensor)
    draws = saturations.draw(DRAWS, rng)
    drawn = draws.saturation, draws.minimum
    samples = saturations.saturation, saturations.minimum
    for row, quantity in enumerate(_LABELS):
        for col, band in enumerate(bands):
            axes = panels[row, col]
            _panel(axes, saturations, quantity, band, samples[row][:, col], drawn[row][:, col])
            axes.set_xlabel(_LABELS[quantity])
            axes.set_title(band)
            if col == 0:
                axes.set_ylabel("Probability density")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    figure.suptitle(
        f"TOA reflectance, {saturations.sensor.upper()}, {saturations.area}: "
        f"{len(saturations.scenes)} scenes, bandwidth {saturations.bandwidth:g}",
        fontsize=9,
    )
    return figure


def _panel(
    axes: Axes,
    saturations: Saturations,
    quantity: Quantity,
    band: str,
    samples: np.ndarray,
    drawn: np.ndarray,
) -> None:
    colour = BAND_COLOURS[saturations.bands.index(band) % len(BAND_COLOURS)]
    low, high = min(samples.min(), drawn.min()), max(samples.max(), drawn.max())
    # Level-1A scenes may all have the minimum 0.
    margin = 0.05 * (high - low) or 0.01
    grid = np.linspace(low - margin, high + margin, 400)
    axes.hist(
        drawn,
        bins=40,
        density=True,
        histtype="stepfilled",
        color="#d0d0d0",
        label=f"{DRAWS} draws",
    )
    axes.plot(grid, saturations.density(quantity, band, grid), color=colour, label="density")
    axes.plot(
        samples,
        np.zeros_like(samples),
        "|",
        color="black",
        markersize=9,
        clip_on=False,
        label="scenes",
    )
    axes.set_xlim(grid[0], grid[-1])
    axes.set_ylim(bottom=0)
    axes.locator_params(axis="x", nbins=4)
    axes.locator_params(axis="y", nbins=5)
