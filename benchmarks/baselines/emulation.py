"""Pseudo-SPOT patches with GDAL's scaling alone, file by file, as the reference makes them.

It does what ``spotify.py`` of the reference implementation (GitHub zachariebd2/SWH_classification)
does for a patch and band: the Sentinel-2 bands are read from GeoTIFFs and mixed in double
precision; ``gdal.Translate`` scales the mixture to a GeoTIFF of bytes, and that to a GeoTIFF of
reflectance x 1000, which stays; the bytes are removed. It is spared what there is no need for: the
reference copies the source where nothing is to be mixed, and starts a shell for each folder and
file that it makes or removes.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
import rasterio.shutil
from rasterio.io import MemoryFile

STACK_SCALE, PRODUCT_SCALE, FULL = 10000, 1000, 255

#: What `gdal_translate -ot TYPE -scale` makes before it copies.
VRT = """<VRTDataset rasterXSize="{width}" rasterYSize="{height}">
  <VRTRasterBand dataType="{dtype}" band="1"><ComplexSource>
    <SourceFilename relativeToVRT="0">{source}</SourceFilename><SourceBand>1</SourceBand>
    <ScaleOffset>{offset!r}</ScaleOffset><ScaleRatio>{ratio!r}</ScaleRatio>
  </ComplexSource></VRTRasterBand>
</VRTDataset>"""


def translate(
    source: str, target: str, dtype: str, before: tuple[float, float], after: tuple[float, float]
) -> None:
    """Write a raster whose values ``before`` become ``after``, rounded and clipped to its type."""
    with rasterio.open(source) as dataset:
        height, width = dataset.shape
    ratio = (after[1] - after[0]) / (before[1] - before[0])
    offset = after[0] - before[0] * ratio
    vrt = VRT.format(
        width=width, height=height, dtype=dtype, source=source, offset=offset, ratio=ratio
    )
    rasterio.shutil.copy(vrt, target, driver="GTiff")


def write_patches(
    folder: Path, toa: npt.NDArray[np.uint16], bands: Sequence[str]
) -> list[dict[str, Path]]:
    """Write Sentinel-2 patches, (patch, band, y, x), one GeoTIFF per patch and band."""
    folder.mkdir(parents=True, exist_ok=True)
    patches = []
    for number, patch in enumerate(toa):
        paths = {band: folder / f"{number}_{band}.tif" for band in bands}
        for path, image in zip(paths.values(), patch, strict=True):
            _write(path, image)
        patches.append(paths)
    return patches


def _write(path: str | Path, image: npt.NDArray[np.uint16]) -> None:
    profile = {"driver": "GTiff", "dtype": image.dtype, "count": 1}
    with rasterio.open(path, "w", height=len(image), width=image.shape[1], **profile) as dataset:
        dataset.write(image, 1)


def emulate(
    patches: Sequence[Mapping[str, Path]],
    weights: Mapping[str, Mapping[str, float]],
    saturation: npt.NDArray[np.float32],
    minimum: npt.NDArray[np.float32],
    folder: Path,
) -> None:
    """Emulate patches.

    Parameters
    ----------
    patches : sequence of mapping of source band to file
        Sentinel-2 reflectance x 10000.
    weights : mapping of band to mapping of source band to weight
    saturation, minimum : ndarray, (patch, band)
        Reflectance of digital numbers 255 and 0.
    folder : path
        For ``{patch}_{band}.tif``, reflectance x 1000.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number, sources in enumerate(patches):
        for column, (band, mixing) in enumerate(weights.items()):
            high, low = float(saturation[number, column]), float(minimum[number, column])
            byte = folder / f"{number}_{band}_dn.tif"
            with MemoryFile(ext=".tif") as mixed:
                source = _source(sources, mixing, mixed.name)
                scaled = (low * STACK_SCALE, high * STACK_SCALE), (0, FULL)
                translate(source, str(byte), "Byte", *scaled)
            product = (0, FULL), (low * PRODUCT_SCALE, high * PRODUCT_SCALE)
            translate(str(byte), str(folder / f"{number}_{band}.tif"), "UInt16", *product)
            byte.unlink()


def _source(sources: Mapping[str, Path], mixing: Mapping[str, float], mixed: str) -> str:
    """File of a band before scaling: that of Sentinel-2 itself where there is one only."""
    if len(mixing) == 1:
        return str(sources[next(iter(mixing))])
    total: npt.NDArray[np.float64] | float = 0.0
    for band, weight in mixing.items():
        with rasterio.open(sources[band]) as dataset:
            total = total + weight * dataset.read(1)
    _write(mixed, np.rint(total).astype(np.uint16))
    return mixed
