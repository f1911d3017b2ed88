"""Labels of cloud by the automatic masks of MAJA and Fmask, for CloudDL.

Kettig et al. (2020) teach both masks; how they were merged is not published, so that is a setting.
"""

import json
import os

import numpy as np
import numpy.typing as npt

from firn import raster
from firn.classes import IGNORE, SurfaceClass, from_published
from firn.clouddl_config import LabelPolicy
from firn.config import CloudLayout
from firn.confusion import confusion_matrix
from firn.errors import GridError
from firn.grid import Grid
from firn.products.cloud_masks import read_fmask
from firn.products.identity import TileDate, check_tile_date
from firn.products.maja import GEOPHYSICAL_BITS, MajaL2A, open_l2a
from firn.provenance import provenance

Classes = npt.NDArray[np.uint8]
PathLike = str | os.PathLike[str]

#: Bit of CLM (MUSCATE layout): a cloud by any test, grown; shadows are not in it.
CLM_CLOUD = 2


def maja_classes(cloud_mask: Classes, geophysical: Classes, edge: npt.NDArray[np.bool_]) -> Classes:
    """Classes of MAJA's masks; 255 outside of the swath.

    Parameters
    ----------
    cloud_mask : ndarray of uint8, (y, x)
        CLM in the MUSCATE layout.
    geophysical : ndarray of uint8, (y, x)
        MG2, of which the snow is taken.
    edge : ndarray of bool, (y, x)
    """
    snow = (geophysical & GEOPHYSICAL_BITS["snow"]) > 0
    classes = np.where(snow, np.uint8(SurfaceClass.SNOW), np.uint8(SurfaceClass.GROUND))
    classes = np.where((cloud_mask & CLM_CLOUD) > 0, np.uint8(SurfaceClass.CLOUD), classes)
    return np.where(edge, np.uint8(IGNORE), classes)


def merge(maja: Classes, fmask: Classes, policy: LabelPolicy) -> Classes:
    """Labels by a policy, from classes of both masks.

    ``agree`` ignores a pixel that only one of them calls cloud. What is below a clear sky, snow or
    ground, is MAJA's; CloudDL does not look at it.
    """
    if policy == "maja":
        return maja
    if policy == "fmask":
        return fmask
    cloud = int(SurfaceClass.CLOUD)
    agreed = ((maja == cloud) == (fmask == cloud)) & (maja != IGNORE) & (fmask != IGNORE)
    return np.where(agreed, maja, np.uint8(IGNORE))


def read_maja_classes(l2a: PathLike, layout: CloudLayout) -> tuple[Classes, Grid, MajaL2A]:
    """Classes of a MAJA product, their grid and the product; see `maja_classes`."""
    product = open_l2a(l2a, layout)
    clm = product.cloud_mask()
    masks = product.geophysical_mask().values, product.edge_mask().values
    return maja_classes(clm.values, *masks), Grid.of(clm), product


def masks_and_truth(
    l2a: PathLike, fmask: PathLike, truth: PathLike, layout: CloudLayout
) -> tuple[Classes, dict[str, Classes]]:
    """Give the truth and the masks of a virtual scene, (y, x), on the grid of its MAJA product.

    Parameters
    ----------
    l2a, fmask : path
    truth : path
        Raster of published codes; what is neither is not judged.
    layout : {"muscate", "native"}

    Returns
    -------
    truth : ndarray of uint8
        Classes; 255 where a pixel is not judged.
    masks : dict of ``MAJA`` and ``FMask`` to ndarray of uint8
    """
    maja, grid, _ = read_maja_classes(l2a, layout)
    codes = raster.read_on(truth, grid, "nearest", indexes=[1], fill=IGNORE)[0]
    return from_published(codes), {"MAJA": maja, "FMask": read_fmask(fmask, grid)}


def judge_masks(
    l2a: PathLike, fmask: PathLike, truth: PathLike, layout: CloudLayout
) -> dict[str, npt.NDArray[np.int64]]:
    """Confusion matrices, (truth, mask), of the masks of a virtual scene; see `masks_and_truth`."""
    reference, masks = masks_and_truth(l2a, fmask, truth, layout)
    return {name: confusion_matrix(reference, classes) for name, classes in masks.items()}


def write_cloud_labels(
    l2a: PathLike,
    fmask: PathLike,
    tile_grid: PathLike,
    row: TileDate,
    policy: LabelPolicy,
    layout: CloudLayout,
    output: PathLike,
) -> None:
    """Write the labels of one Sentinel-2 scene as a GeoTIFF.

    Forest and water count: a cloud hides them as it hides all else.

    Parameters
    ----------
    l2a : path
        MAJA product.
    fmask : path
        Raster of python-fmask's codes; any grid.
    tile_grid : path
        Raster on the grid to write.
    row : TileDate
        Tile and date that the MAJA product must be of.
    policy : {"maja", "fmask", "agree"}
    layout : {"muscate", "native"}
        Of MAJA's cloud mask.
    output : path

    Raises
    ------
    ProductError
        The product is damaged, or of another tile or date.
    DataError
        The Fmask raster is damaged or holds other codes.
    GridError
        The product is not on the grid.
    """
    grid = raster.grid_of(tile_grid)
    maja, own, product = read_maja_classes(l2a, layout)
    check_tile_date(l2a, product.tile, product.sensing_time, row)
    if own != grid:
        raise GridError(f"{l2a}: is not on the grid of {tile_grid}; give products of one tile")
    labels = merge(maja, read_fmask(fmask, grid), policy)
    source = provenance([product.product_id, os.path.basename(fmask)], {"policy": policy})
    raster.write(
        output,
        labels,
        grid,
        nodata=IGNORE,
        band_names=["label"],
        tags={"FIRN_PROVENANCE": json.dumps(source, sort_keys=True)},
    )
