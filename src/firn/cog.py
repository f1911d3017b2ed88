"""Cloud-optimised GeoTIFFs, written at once or piece by piece."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.shutil import copy as gdal_copy
from rasterio.windows import Window

from firn.files import atomic_path, scratch_folder, write_text
from firn.grid import Grid
from firn.raster import Array, PathLike, written_whole

#: What GDAL appends to the name of a raster for what it keeps beside it.
LEGEND_SUFFIX = ".aux.xml"
#: Half the time of the default, 6, for files that are a tenth larger.
_DEFLATE_LEVEL = 3
#: Columns of an attribute table: name, type (0 integer, 2 text) and GDAL's number of their usage.
_LEGEND_COLUMNS = (("Value", 0, 5), ("Class", 2, 2), ("Red", 0, 6), ("Green", 0, 7), ("Blue", 0, 8))


class Pieces:
    """A plain GeoTIFF that is filled piece by piece before `publish` makes it cloud-optimised."""

    def __init__(self, dataset: rasterio.io.DatasetWriter) -> None:
        self._dataset = dataset

    def write(self, values: Array, row: int = 0, col: int = 0) -> None:
        """Write a piece, (y, x) or (band, y, x), whose first pixel is at (row, col)."""
        stack = values[np.newaxis] if values.ndim == 2 else values
        self._dataset.write(stack, window=Window(col, row, *stack.shape[:0:-1]))


@contextmanager
def pieces(
    path: PathLike,
    grid: Grid,
    dtype: npt.DTypeLike,
    *,
    nodata: float | None,
    count: int = 1,
    band_names: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
    colours: Mapping[int, str] | None = None,
    categories: Mapping[int, str] | None = None,
) -> Iterator[Pieces]:
    """Begin a plain GeoTIFF, not compressed: it is only there to be copied by `publish`.

    Parameters
    ----------
    path : path
    grid : Grid
    dtype : dtype
    nodata : float or None
    count : int
        Number of bands.
    band_names : sequence of str
    tags : mapping, optional
    colours : mapping of value to ``#rrggbb``, optional
        Colour table of the first band (uint8 only).
    categories : mapping of value to name, optional
        Names of classes, as the plain tags ``CATEGORY_{value}``, which stay with the file; what a
        GIS reads is written by `write_legend`.
    """
    metadata = {f"CATEGORY_{value}": name for value, name in (categories or {}).items()}
    with (
        written_whole(path),
        rasterio.open(
            path,
            "w",
            driver="GTiff",
            dtype=np.dtype(dtype).name,
            count=count,
            height=grid.height,
            width=grid.width,
            crs=grid.crs,
            transform=grid.transform,
            nodata=nodata,
            tiled=True,
            bigtiff="if_safer",
        ) as dataset,
    ):
        for index, band_name in enumerate(band_names, start=1):
            dataset.set_band_description(index, band_name)
        dataset.update_tags(**(tags or {}), **metadata)
        if colours:
            dataset.write_colormap(1, {value: _rgb(c) for value, c in colours.items()})
        yield Pieces(dataset)


def publish(plain: PathLike, path: PathLike, overview_resampling: str = "mode") -> None:
    """Copy a plain GeoTIFF to a cloud-optimised one (DEFLATE, overviews) atomically.

    ``mode`` keeps class codes in overviews.
    """
    with atomic_path(path) as temporary, written_whole(temporary):
        gdal_copy(
            plain,
            temporary,
            driver="COG",
            compress="DEFLATE",
            level=_DEFLATE_LEVEL,
            overview_resampling=overview_resampling,
            blocksize=512,
            num_threads="ALL_CPUS",
        )


def write_legend(path: PathLike, names: Mapping[int, str], colours: Mapping[int, str]) -> None:
    """Write names and colours of the classes of a raster where GDAL looks for them, atomically.

    GDAL keeps category names beside a GeoTIFF, in ``{path}.aux.xml``. QGIS before 3.30 labels the
    colour table with them; since, it draws by the table of attributes, which has no other values
    than those of the classes.

    Parameters
    ----------
    path : path
        The raster.
    names : mapping of value to name
    colours : mapping of value to ``#rrggbb``
        Of the same values.
    """
    root = ElementTree.Element("PAMDataset")
    band = ElementTree.SubElement(root, "PAMRasterBand", band="1")
    categories = ElementTree.SubElement(band, "CategoryNames")
    for value in range(max(names) + 1):
        ElementTree.SubElement(categories, "Category").text = names.get(value, "")
    table = ElementTree.SubElement(band, "GDALRasterAttributeTable", tableType="thematic")
    for index, (name, kind, usage) in enumerate(_LEGEND_COLUMNS):
        column = ElementTree.SubElement(table, "FieldDefn", index=str(index))
        for key, text in (("Name", name), ("Type", kind), ("Usage", usage)):
            ElementTree.SubElement(column, key).text = str(text)
    for index, (value, name) in enumerate(names.items()):
        row = ElementTree.SubElement(table, "Row", index=str(index))
        for field in (value, name, *_rgb(colours[value])[:3]):
            ElementTree.SubElement(row, "F").text = str(field)
    ElementTree.indent(root)
    write_text(f"{path}{LEGEND_SUFFIX}", ElementTree.tostring(root, encoding="unicode") + "\n")


def write(
    path: PathLike,
    values: Array,
    grid: Grid,
    *,
    nodata: float | None,
    band_names: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
    overview_resampling: str = "mode",
) -> None:
    """Write ``values``, (y, x) or (band, y, x), as a cloud-optimised GeoTIFF atomically."""
    stack = values[np.newaxis] if values.ndim == 2 else values
    with scratch_folder() as scratch:
        plain = scratch / "plain.tif"
        with pieces(
            plain,
            grid,
            stack.dtype,
            count=len(stack),
            nodata=nodata,
            band_names=band_names,
            tags=tags,
        ) as target:
            target.write(stack)
        publish(plain, path, overview_resampling)


def _rgb(colour: str) -> tuple[int, int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16), 255
