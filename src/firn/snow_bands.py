"""The bands that Let-it-snow reads, in the terms of any sensor."""

from firn.sensors import Sensor

#: What maps of Let-it-snow are called beside those of methods.
LET_IT_SNOW = "let-it-snow"
#: Centres of green, red and SWIR, and how far a band may be off, nm.
CENTRES = (560.0, 665.0, 1610.0)
REACH = 100.0


def snow_bands(sensor: Sensor) -> tuple[str, ...] | None:
    """Bands of a sensor for green, red and SWIR; None where it lacks one."""
    nearest = [min(sensor.bands, key=lambda band: abs(band.centre_nm - c)) for c in CENTRES]
    near = all(abs(b.centre_nm - c) <= REACH for b, c in zip(nearest, CENTRES, strict=True))
    names = tuple(band.name for band in nearest)
    return names if near and len(set(names)) == len(CENTRES) else None
