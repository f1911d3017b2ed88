"""CloudDL on Sentinel-2 itself, beside the masks that teach it, as the published table has it.

It learns from the images as they were taken, in the bands that it shares with other sensors, and
is judged by the truth of the virtual archive on the patches that no training sees: held-out ground
on held-out dates. The masks are judged on the same pixels.
"""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from firn import netcdf
from firn.ablation.plan import Row
from firn.ablation.row import training_data
from firn.classes import IGNORE
from firn.cloud_labels import masks_and_truth
from firn.clouddl.plan import SENTINEL2
from firn.clouddl.scores import Matrix
from firn.config import CloudLayout
from firn.confusion import confusion_matrix
from firn.emulation.acquisition import BRIGHTEST
from firn.evaluation.pseudo import Predictor
from firn.files import scratch_folder
from firn.methods import load_model
from firn.samples import DATA, Samples
from firn.sensors import STACK_NODATA, STACK_SCALE
from firn.splits import EVALUATION
from firn.training.loop import train
from firn.training.run import Run

PathLike = str | os.PathLike[str]
#: Largest digital number of the images, which are reflectance in steps of 1 / 10000.
FULL = 2**16 - 1
#: Row of the model itself among the masks.
OWN = "model"


class TruthFiles(NamedTuple):
    """A virtual scene: MAJA product, raster of python-fmask, and true classes."""

    l2a: PathLike
    fmask: PathLike
    truth: PathLike


def write_own_images(patches: PathLike, output: PathLike) -> None:
    """Write the images of a patch file as they are, in the format of emulated ones.

    Parameters
    ----------
    patches : path
        As `firn.patches.write_patches` writes it.
    output : path
        To be read with it by `firn.samples.read_samples`: uint16, of which 10000 is reflectance 1.
    """
    toa, bands = netcdf.arrays(patches, "toa", "band")
    attributes = netcdf.attributes(patches, "tile", "date")
    place = {name: attributes[name] for name in ("tile", "date")}
    valid = (toa != STACK_NODATA).all(axis=1)
    # A saturated pixel is as bright as can be told, not six times as bright as snow.
    numbers = np.minimum(toa, np.uint16(BRIGHTEST * STACK_SCALE))
    index = np.arange(len(toa), dtype=np.int32)
    high = np.full((len(toa), len(bands)), FULL / STACK_SCALE, np.float32)
    netcdf.write(
        output,
        xr.Dataset(
            {
                "dn": (("sample", "band", "y", "x"), numbers),
                "valid": (("sample", "y", "x"), valid * np.uint8(DATA)),
                "saturation": (("sample", "band"), high),
                "minimum": (("sample", "band"), np.zeros_like(high)),
                "patch": (("sample",), index),
                "draw": (("sample",), np.zeros_like(index)),
            },
            coords={"band": bands.tolist()},
            attrs={**place, "sensor": SENTINEL2, "bits": 16},
        ),
    )


def judge_held_out(
    model: Predictor,
    samples: Samples,
    scenes: Mapping[tuple[str, str], TruthFiles],
    layout: CloudLayout,
) -> dict[str, dict[str, Matrix]]:
    """Confusion matrices of the model and of both masks on the same pixels.

    A pixel is judged where the truth is clear, both masks have a class, and the image has data.

    Parameters
    ----------
    model : Predictor
    samples : Samples
    scenes : mapping of (tile, date) to TruthFiles
        At least those of the samples.
    layout : {"muscate", "native"}
        Of MAJA's cloud mask.

    Returns
    -------
    dict
        By mask (`OWN`, ``MAJA`` and ``FMask``) and scene, (truth, mask).
    """
    counts: dict[str, dict[str, Matrix]] = {}
    of_scene: dict[tuple[str, str], list[int]] = {}
    for index, row in enumerate(samples.rows):
        of_scene.setdefault((row.tile, row.date), []).append(index)
    for place, chosen in of_scene.items():
        reference, masks = masks_and_truth(*scenes[place], layout)
        rows, columns = netcdf.arrays(samples.scenes[place].patches, "row", "col")
        for index in chosen:
            patch, sample = samples.rows[index].patch, samples[index]
            size = sample.labels.shape[-1]
            here = _window(int(rows[patch]), int(columns[patch]), size)
            seen = {name: mask[here] for name, mask in masks.items()}
            known = np.isfinite(sample.channels[0])
            for mask in seen.values():
                known &= mask != IGNORE
            truth = np.where(known, reference[here], np.uint8(IGNORE))
            seen = {OWN: model.predict(sample.channels).argmax(axis=0), **seen}
            for name, mask in seen.items():
                matrices = counts.setdefault(name, {})
                scene = "/".join(place)
                matrices[scene] = matrices.get(scene, 0) + confusion_matrix(truth, mask)
    return counts


def _window(row: int, column: int, size: int) -> tuple[slice, slice]:
    return slice(row, row + size), slice(column, column + size)


def run_sentinel2(
    row: Row,
    patches: Sequence[PathLike],
    scenes: Mapping[tuple[str, str], TruthFiles],
    layout: CloudLayout,
    *,
    model: PathLike,
    history: PathLike,
) -> dict[str, Any]:
    """Train on Sentinel-2 and judge on what was held out.

    Parameters
    ----------
    row : Row
        See `firn.clouddl.plan.plan_sentinel2`.
    patches : sequence of path
        Patch files of all scenes, with the labels that teach.
    scenes : mapping of (tile, date) to TruthFiles
        Of the same scenes.
    layout : {"muscate", "native"}
    model, history : path
        Files to write.

    Returns
    -------
    dict
        ``recipe``, ``sensor``, ``seed``, ``steps`` and ``metrics`` as `firn.ablation.row.run_row`
        gives them, as far as `firn.clouddl.scores.scenes_of` reads them; ``masks``: counts by
        mask and scene.
    """
    with scratch_folder() as folder:
        images: list[Path] = []
        for path in patches:
            place = netcdf.attributes(path, "tile", "date")
            images.append(folder / f"{place['tile']}_{place['date']}.nc")
            write_own_images(path, images[-1])
        data = training_data(row, patches, images, folder)
        run = Run(row.method, SENTINEL2, row.seed, row.network, row.training, row.step)
        train(run, data, model, history)
        samples = Samples.open(folder / "samples.csv", EVALUATION, patches, images)
        counts = judge_held_out(load_model(model), samples, scenes, layout)
    plain = {
        name: {scene: matrix.tolist() for scene, matrix in matrices.items()}
        for name, matrices in counts.items()
    }
    own = {scene: {"confusion_matrix": matrix} for scene, matrix in plain.pop(OWN).items()}
    batches = math.ceil(len(data.train) / row.training.batch_size)
    return {
        "recipe": row.recipe,
        "sensor": row.sensor,
        "seed": row.seed,
        "steps": batches * (row.step.max_epochs or 0),
        "metrics": {"by_stratum": {"scene": own}},
        "masks": plain,
    }
