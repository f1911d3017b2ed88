"""A whole Sentinel-2 scene as SPOT would have seen it, for eyes and for experiments."""

import json
import os

import numpy as np

from firn import raster
from firn.emulator import emulate
from firn.errors import ConfigError
from firn.products.sentinel2 import open_l1c
from firn.provenance import provenance
from firn.saturation import Saturations
from firn.seeds import generator
from firn.sensors import Sensor, boxcar_weights, load_sensor, to_reflectance
from firn.stacks import RESOLUTION, STACK_BANDS, encode

#: Numbers are thousandths of reflectance, as in SWH products; 0 is no data.
SCALE = 1000


def write_pseudo_scene(
    l1c: str | os.PathLike[str],
    sensor: Sensor,
    saturations: Saturations,
    seed: int,
    output: str | os.PathLike[str],
) -> None:
    """Emulate a scene with one draw of the gains and write it as a GeoTIFF.

    Values are uint16 thousandths of TOA reflectance, at least 1 where there is data; time, sun and
    the drawn gains are tags of the file.

    Parameters
    ----------
    l1c : path
        Sentinel-2 Level-1C product.
    sensor : Sensor
    saturations : Saturations
        Gains of the sensor's scenes, as ``kde/{area}/{sensor}.nc`` holds them.
    seed : int
    output : path

    Raises
    ------
    ProductError
        The product is damaged or incomplete.
    ConfigError
        A band of the sensor overlaps none of the Sentinel-2 bands, or the gains are those of other
        bands.
    """
    if saturations.bands != sensor.band_names:
        raise ConfigError(
            f"sensor {sensor.name}: has the bands {list(sensor.band_names)}, the saturations of "
            f"{saturations.sensor} are of {list(saturations.bands)}; give its own saturation file"
        )
    product = open_l1c(l1c)
    weights = boxcar_weights(sensor, load_sensor(product.platform), STACK_BANDS)
    rng = generator(seed, "emulation", sensor.name, product.product_id)
    (saturation,), (minimum,) = saturations.draw(1, rng)
    reflectance, saturated = product.read(STACK_BANDS, RESOLUTION)
    toa = encode(reflectance.values, saturated)
    dn, valid = emulate(toa, weights, saturation, minimum, sensor.bits)
    seen = to_reflectance(dn, saturation[:, None, None], minimum[:, None, None], sensor.bits)
    numbers = np.where(valid, np.maximum(np.rint(seen * SCALE), 1), 0).astype(np.uint16)
    gains = {"saturation": saturation.tolist(), "minimum": minimum.tolist()}
    source = provenance([product.product_id], {"sensor": sensor, "seed": seed, **gains})
    raster.write(
        output,
        numbers,
        product.grid(RESOLUTION),
        nodata=0,
        band_names=sensor.band_names,
        units="1e-3",
        tags={
            "ACQUISITION_TIME": product.sensing_time.isoformat(),
            "SUN_ZENITH": f"{product.sun_zenith:.6f}",
            "SUN_AZIMUTH": f"{product.sun_azimuth:.6f}",
            "GAINS": json.dumps(gains),
            "FIRN_PROVENANCE": json.dumps(source, sort_keys=True),
        },
    )
