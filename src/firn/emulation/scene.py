"""A whole Sentinel-2 scene as a sensor would have seen it, for eyes and for experiments."""

import json
import os

import numpy as np

from firn import raster
from firn.config import EmulationSettings
from firn.emulation.acquisition import RESOLUTION, Acquisition, SourceScene, draw_acquisitions
from firn.emulation.patches import Noise, emulate
from firn.emulation.spectral import choose_bands
from firn.products.sentinel2 import open_l1c
from firn.provenance import provenance
from firn.saturation import Saturations
from firn.seeds import generator
from firn.sensors import Sensor, load_sensor, to_reflectance
from firn.stacks import STACK_BANDS, encode

#: Numbers are thousandths of reflectance, as in SWH products; 0 is no data.
SCALE = 1000


def write_pseudo_scene(
    l1c: str | os.PathLike[str],
    sensor: Sensor,
    saturations: Saturations | None,
    settings: EmulationSettings,
    seed: int,
    output: str | os.PathLike[str],
    resolution: float = RESOLUTION,
) -> None:
    """Emulate a scene with one draw of everything and write it as a GeoTIFF.

    Values are uint16 thousandths of TOA reflectance, at least 1 where there is data; time, sun and
    the drawn gains are tags of the file.

    Parameters
    ----------
    l1c : path
        Sentinel-2 Level-1C product.
    sensor : Sensor
        Its bands may lie near any Sentinel-2 band, not only near those of the stacks.
    saturations : Saturations or None
        Gains of the sensor's scenes, as ``kde/{area}/{sensor}.nc`` holds them; None = the sensor's
        own.
    settings : EmulationSettings
        What they say of patches and labels does not matter here.
    seed : int
    output : path
    resolution : float
        Pixel size, m: 20, or 10 for sensors that see that much.

    Raises
    ------
    ProductError
        The product is damaged or incomplete.
    ConfigError
        A band of the sensor is far from all Sentinel-2 bands, or the gains are those of other
        bands.
    """
    product = open_l1c(l1c)
    scene = SourceScene(
        tile=product.tile,
        date=f"{product.sensing_time:%Y%m%d}",
        platform=product.platform,
        sun_elevation=90 - product.sun_zenith,
        bands=choose_bands(sensor, load_sensor(product.platform), STACK_BANDS),
        resolution=resolution,
    )
    one = settings.model_copy(update={"draws": 1})
    (drawn,) = draw_acquisitions(sensor, saturations, scene, one, 1, seed)
    reflectance, saturated = product.read(scene.bands, resolution)
    toa = encode(reflectance.values, saturated)
    noise = None
    if settings.noise:
        rng = generator(seed, "emulation", sensor.name, scene.tile, scene.date, "noise")
        noise = Noise(sensor, max(toa.shape[1:]), rng, resolution)
    dn, valid = emulate(toa, drawn, sensor.bits, noise)
    gains = drawn.saturation[:, None, None], drawn.minimum[:, None, None]
    seen = to_reflectance(dn, *gains, sensor.bits)
    numbers = np.where(valid, np.maximum(np.rint(seen * SCALE), 1), 0).astype(np.uint16)
    record = {"sensor": sensor, "emulation": settings, "seed": seed, "drawn": _record(drawn)}
    raster.write(
        output,
        numbers,
        product.grid(resolution),
        nodata=0,
        band_names=sensor.band_names,
        units="1e-3",
        tags={
            "ACQUISITION_TIME": product.sensing_time.isoformat(),
            "SUN_ZENITH": f"{product.sun_zenith:.6f}",
            "SUN_AZIMUTH": f"{product.sun_azimuth:.6f}",
            "DRAWN": json.dumps(_record(drawn), sort_keys=True),
            "FIRN_PROVENANCE": json.dumps(provenance([product.product_id], record), sort_keys=True),
        },
    )


def _record(drawn: Acquisition) -> dict[str, object]:
    """Give what was drawn as plain data."""
    return {
        "instrument": drawn.instrument,
        "saturation": drawn.saturation.tolist(),
        "minimum": drawn.minimum.tolist(),
        "saturation_scene": drawn.saturation_scene,
        "minimum_scene": drawn.minimum_scene,
        "shift_m": list(drawn.shift),
        "haze": drawn.haze.tolist(),
    }
