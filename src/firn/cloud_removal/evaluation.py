"""How good simulated images are: errors by region, burned areas, and lead over the baselines."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from firn.cloud_removal.baselines import CopyOfT0, Simulator
from firn.cloud_removal.change import BLOCK, COMPONENTS, ChangeDetector
from firn.cloud_removal.metrics import (
    DATA_RANGE,
    METRICS,
    image_metrics,
    similarity_map,
    valid_pixels,
)
from firn.cloud_removal.severity import (
    SEVERITIES,
    Index,
    available,
    burn_severity,
    burned_scores,
)
from firn.cloud_removal.tiles import PathLike, Tiles, read_tiles, tile_bands, tile_count
from firn.confusion import confusion_matrix, kappa
from firn.errors import DataError
from firn.evaluation.scores import LEVEL, overall_accuracy
from firn.seeds import generator

Matrix = npt.NDArray[np.int64]

#: Parts of an image that are judged on their own; those that an image lacks are left out.
REGIONS = ("all", "changed", "unchanged", "burned", "under_cloud")
#: Fewest pixels of a region in an image that give metrics of that image.
MINIMUM_PIXELS = 100
#: Name of the baseline that a simulation has to beat.
COPY = "copy-of-t0"
#: Name of the published generator, that the others are compared with where it is trained.
ORIGINAL = "original"

#: Numbers of other methods on SEN12MS-CR, whose images, clouds and task are others: context only.
PUBLISHED = {
    "note": (
        "Test split of SEN12MS-CR, as the papers of UnCRtainTS (Ebel et al. 2023) and EMRDM (Liu "
        "et al. 2025) list them: another data set, other ground and real clouds. They are no "
        "scores of firn, and cannot be compared with them."
    ),
    "methods": [
        {"name": name, "mae": mae, "psnr": psnr, "ssim": ssim, "sam": sam}
        for name, mae, psnr, ssim, sam in (
            ("McGAN", 0.048, 25.14, 0.744, 15.676),
            ("SAR-Opt-cGAN", 0.043, 25.59, 0.764, 15.494),
            ("SAR2OPT", 0.042, 25.87, 0.793, 14.788),
            ("SpA GAN", 0.045, 24.78, 0.754, 18.085),
            ("Simulation-Fusion GAN", 0.045, 24.73, 0.701, 16.633),
            ("DSen2-CR", 0.031, 27.76, 0.874, 9.472),
            ("GLF-CR", 0.028, 28.64, 0.885, 8.981),
            ("UnCRtainTS L2", 0.027, 28.90, 0.880, 8.320),
            ("ACA-Net", 0.025, 29.78, 0.896, 7.770),
            ("DiffCR", 0.019, 31.77, 0.902, 5.821),
            ("EMRDM", 0.018, 32.14, 0.924, 5.267),
        )
    ],
}


def tile_by_tile(path: PathLike, *, truth_under_cloud: bool) -> Iterator[Tiles]:
    """Read a file of tiles one at a time.

    Parameters
    ----------
    path : path
    truth_under_cloud : bool
        The later image shows the ground where it is under cloud, as on the virtual range; else it
        has no data there.
    """
    for row in range(tile_count(path)):
        tile = read_tiles(path, [row])
        if not truth_under_cloud:
            hidden = (tile.cloud_t1 == 1)[:, None]
            tile = replace(tile, sentinel2_t1=np.where(hidden, np.nan, tile.sentinel2_t1))
        yield tile


def fit_detector(train: PathLike) -> ChangeDetector:
    """Fit the change detection on what the training tiles show without cloud."""
    tiles = tile_by_tile(train, truth_under_cloud=False)
    return ChangeDetector.fit((tile.sentinel2_t0[0], tile.sentinel2_t1[0]) for tile in tiles)


def evaluate(
    simulators: Mapping[str, Simulator],
    test: PathLike,
    detector: ChangeDetector,
    *,
    truth_under_cloud: bool,
    bootstrap: int,
    seed: int,
) -> dict[str, Any]:
    """Judge simulations of test tiles.

    Parameters
    ----------
    simulators : mapping of name to Simulator
        The copy of the earlier image, `COPY`, is judged with them.
    test : path
        File of tiles.
    detector : ChangeDetector
        Tells changed from unchanged ground, by the true images of both dates.
    truth_under_cloud : bool
        As in `tile_by_tile`.
    bootstrap, seed : int
        Resamplings of tiles for the intervals of the lead over the copy, and over `ORIGINAL`.

    Returns
    -------
    dict
        Content of ``evaluation.json`` but for its provenance.

    Raises
    ------
    DataError
        A file is missing or damaged, or no test tile can be judged.
    """
    bands = tile_bands(test)
    indices = available(bands)
    everything: dict[str, Simulator] = {COPY: CopyOfT0(), **simulators}
    records = {name: _Record() for name in everything}
    seen = _Record()
    interest: dict[str, list[int]] = {"burned": [], "changed": []}
    for tile in tile_by_tile(test, truth_under_cloud=truth_under_cloud):
        before, after = tile.sentinel2_t0[0], tile.sentinel2_t1[0]
        truth = _Truth(
            detector.detect(before, after),
            {i: burn_severity(before, after, bands, i) for i in indices},
            tile.severity[0],
        )
        regions = _regions(tile, truth.changed)
        for region, pixels in interest.items():
            pixels.append(int(regions[region].sum()))
        seen.add_severity(truth, truth.severity)
        for name, simulator in everything.items():
            simulated = simulator.simulate(tile)[0]
            similarity = similarity_map(simulated, after)
            records[name].tiles.append(
                {
                    region: image_metrics(simulated, after, use, similarity=similarity)
                    for region, use in regions.items()
                }
            )
            of_simulated = {i: burn_severity(before, simulated, bands, i) for i in indices}
            records[name].add_severity(truth, of_simulated)
            records[name].add_change(truth.changed, detector.detect(before, simulated))
    if not any(tile["all"]["n_pixels"] for tile in records[COPY].tiles):
        raise DataError(f"{test}: no pixel has data on both dates; look at the report of the tiles")
    methods = {name: record.summary() for name, record in records.items()}
    for name, record in records.items():
        if name != COPY:
            methods[name]["lead_over_copy"] = _lead(record, records[COPY], bootstrap, seed)
        if ORIGINAL in records and name != ORIGINAL:
            against = _lead(record, records[ORIGINAL], bootstrap, seed)
            methods[name]["lead_over_original"] = against
    return {
        "data_range": DATA_RANGE,
        "bands": list(bands),
        "n_tiles": len(records[COPY].tiles),
        "minimum_pixels": MINIMUM_PIXELS,
        "truth_under_cloud": truth_under_cloud,
        "change_detection": {
            "block": BLOCK,
            "components": COMPONENTS,
            "share_changed": _share(records[COPY], "changed"),
        },
        "severities": list(SEVERITIES),
        "observed": {"severity": seen.severity_summary()},
        "methods": methods,
        "tiles": {name: record.tiles for name, record in records.items()},
        "shown_first": _by_turns(*interest.values()),
        "most_burned": _by_turns(interest["burned"]),
        "published": PUBLISHED,
    }


def _by_turns(*pixels: Sequence[int]) -> list[int]:
    """Tiles in the order in which they are worth a look: the most of each list in turn."""
    orders = [np.argsort(one, kind="stable")[::-1].tolist() for one in pixels]
    return list(dict.fromkeys(tile for turn in zip(*orders, strict=True) for tile in turn))


@dataclass(frozen=True)
class _Truth:
    """What the true images tell of a tile."""

    changed: npt.NDArray[np.uint8]
    severity: dict[Index, npt.NDArray[np.uint8]]
    known_severity: npt.NDArray[np.uint8]


def _regions(tile: Tiles, changed: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.bool_]]:
    """Pixels of each region that have data on both dates."""
    judged = valid_pixels(tile.sentinel2_t0[0], tile.sentinel2_t1[0])
    severity = tile.severity[0]
    return {
        "all": judged,
        "changed": judged & (changed == 1),
        "unchanged": judged & (changed == 0),
        "burned": judged & (severity > 0) & (severity < len(SEVERITIES)),
        "under_cloud": judged & (tile.cloud_t1[0] == 1),
    }


def _empty(size: int) -> Matrix:
    return np.zeros((size, size), np.int64)


@dataclass
class _Record:
    """What is gathered of a method, tile by tile."""

    tiles: list[dict[str, dict[str, float | None]]] = field(default_factory=list)
    known: dict[Index, Matrix] = field(default_factory=dict)
    image: dict[Index, Matrix] = field(default_factory=dict)
    change: Matrix = field(default_factory=lambda: _empty(2))

    def add_severity(self, truth: _Truth, severity: Mapping[Index, npt.NDArray[np.uint8]]) -> None:
        """Count severities against the known ones, and against those of the true image."""
        size = len(SEVERITIES)
        for index, classes in severity.items():
            for matrices, reference in (
                (self.known, truth.known_severity),
                (self.image, truth.severity[index]),
            ):
                counts = confusion_matrix(reference, classes, size)
                matrices[index] = matrices.get(index, _empty(size)) + counts

    def add_change(self, reference: npt.NDArray[np.uint8], detected: npt.NDArray[np.uint8]) -> None:
        """Count changed ground against that of the true images."""
        self.change += confusion_matrix(reference, detected, 2)

    def summary(self) -> dict[str, Any]:
        """Give the block of a method in ``evaluation.json``."""
        return {
            "regions": {region: _summarise(self.tiles, region) for region in REGIONS},
            "severity": self.severity_summary(),
            "change": {"confusion_matrix": self.change.tolist(), **burned_scores(self.change)},
        }

    def severity_summary(self) -> dict[str, Any]:
        """Agreement of each index with the known severity, and with that of the true image."""
        return {
            index: {
                "known": _agreement(self.known[index]),
                "true_image": _agreement(self.image[index]),
            }
            for index in self.known
        }


def _agreement(matrix: Matrix) -> dict[str, Any]:
    """Scores of a confusion matrix of severities, (reference, predicted)."""
    scores = {
        "overall_accuracy": float(overall_accuracy(matrix)),
        "kappa": float(kappa(matrix)),
    }
    defined = {name: value if np.isfinite(value) else None for name, value in scores.items()}
    burned = {f"burned_{name}": value for name, value in burned_scores(matrix).items()}
    return {"confusion_matrix": matrix.tolist(), **defined, **burned}


def _values(
    tiles: Sequence[Mapping[str, Mapping[str, float | None]]], region: str, metric: str
) -> npt.NDArray[np.float64]:
    """Metric of each tile; NaN where the tile has too little of the region."""
    values = [
        tile[region][metric] if (tile[region]["n_pixels"] or 0) >= MINIMUM_PIXELS else None
        for tile in tiles
    ]
    return np.array([np.nan if value is None else value for value in values])


def _summarise(
    tiles: Sequence[Mapping[str, Mapping[str, float | None]]], region: str
) -> dict[str, Any]:
    """Mean of each metric over the images that have enough of a region."""
    means: dict[str, Any] = {}
    for metric in METRICS:
        values = _values(tiles, region, metric)
        known = values[np.isfinite(values)]
        means[metric] = float(known.mean()) if len(known) else None
    used = np.isfinite(_values(tiles, region, "mae"))
    pixels = [int(tile[region]["n_pixels"] or 0) for tile in tiles]
    counted = int(np.array(pixels)[used].sum()) if len(pixels) else 0
    return means | {"n_images": int(used.sum()), "n_pixels": counted}


def _share(record: _Record, region: str) -> float | None:
    """Share of the judged pixels that lie in a region."""
    total = sum(tile["all"]["n_pixels"] or 0 for tile in record.tiles)
    return sum(tile[region]["n_pixels"] or 0 for tile in record.tiles) / total if total else None


def _lead(record: _Record, other: _Record, bootstrap: int, seed: int) -> dict[str, Any]:
    """Absolute error of another method less that of one, with a paired bootstrap over images."""
    lead: dict[str, Any] = {}
    for region in REGIONS:
        mine, theirs = (_values(r.tiles, region, "mae") for r in (record, other))
        both = np.isfinite(mine) & np.isfinite(theirs)
        gain = (theirs - mine)[both]
        if not len(gain):
            lead[region] = {"mae": None, "interval": None, "n_images": 0}
            continue
        rng = generator(seed, "cloud-removal", "bootstrap", region)
        means = gain[rng.integers(len(gain), size=(bootstrap, len(gain)))].mean(axis=1)
        tails = (1 - LEVEL) / 2, (1 + LEVEL) / 2
        interval = np.quantile(means, tails).tolist() if len(gain) > 1 else None
        lead[region] = {
            "mae": float(gain.mean()),
            "interval": interval,
            "n_images": len(gain),
        }
    return lead
