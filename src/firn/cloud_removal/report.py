"""The evaluation of trained generators beside the baselines, as a file."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from firn.cloud_removal.baselines import Regression, Simulator
from firn.cloud_removal.evaluation import COPY, evaluate, fit_detector
from firn.cloud_removal.model import SimulationModel, load_model
from firn.cloud_removal.networks import multiply_accumulates
from firn.cloud_removal.tiles import POLARISATIONS, PathLike, Tiles, read_tiles, tile_count
from firn.cloud_removal.training import read_normalisation
from firn.provenance import provenance

#: What the evaluation on other dates keeps of its content.
_OF_OTHER_DATES = ("n_tiles", "change_detection", "observed", "methods")
#: Side of the tile that operations are counted for, that of the published method.
_TILE = 256


def evaluate_models(
    models: Sequence[PathLike],
    train: PathLike,
    test: PathLike,
    normalisation: PathLike,
    other_dates: PathLike | None = None,
    *,
    truth_under_cloud: bool,
    bootstrap: int,
    seed: int,
) -> dict[str, Any]:
    """Judge generators and baselines on test tiles.

    Parameters
    ----------
    models : sequence of path
    train, test : path
        Files of tiles; regressions and change detection are fitted on ``train``.
    normalisation : path
        That of the run, which must be the models' own.
    other_dates : path, optional
        File of tiles of pairs that test alone.
    truth_under_cloud, bootstrap, seed
        As in `firn.cloud_removal.evaluation.evaluate`.

    Returns
    -------
    dict
        Content of ``evaluation.json``.

    Raises
    ------
    FirnError
        A file is missing or damaged, or a model has other bands or another normalisation.
    """
    of_run = read_normalisation(Path(normalisation))
    generators: dict[str, SimulationModel] = {}
    for path in models:
        model = load_model(path)
        model.require_normalisation(of_run, normalisation)
        for tested in (test, *([other_dates] if other_dates else [])):
            model.require_bands(tested)
        generators[model.card.name] = model
    simulators: dict[str, Simulator] = {
        name: Regression.fit(_each(train), of_run.settings, with_optical=with_optical)
        for name, with_optical in (("regression-s1", False), ("regression-s1-t0", True))
    }
    detector = fit_detector(train)

    def judged(path: PathLike) -> dict[str, Any]:
        return evaluate(
            simulators | generators,
            path,
            detector,
            truth_under_cloud=truth_under_cloud,
            bootstrap=bootstrap,
            seed=seed,
        )

    content = judged(test)
    for name, model in generators.items():
        bands = len(model.card.bands)
        inputs = 2 * len(POLARISATIONS) + bands
        block = content["methods"][name]
        block["architecture"] = dict(model.card.architecture)
        block["training"] = dict(model.card.training)
        block["multiply_accumulates"] = multiply_accumulates(
            dict(model.card.architecture), inputs, bands, _TILE
        )
        lead = block["lead_over_copy"]["changed"]["mae"]
        block[f"beats_{COPY}_on_changed"] = lead is not None and lead > 0
    sources = [Path(path).name for path in (*models, train, test)]
    if other_dates:
        elsewhen = judged(other_dates)
        content["other_dates"] = {key: elsewhen[key] for key in _OF_OTHER_DATES}
        sources.append(Path(other_dates).name)
    digests = {name: model.card.provenance for name, model in generators.items()}
    return content | {"provenance": provenance(sources, {"models": digests, "seed": seed})}


def _each(path: PathLike) -> Iterator[Tiles]:
    """Tiles of a file, one at a time."""
    for row in range(tile_count(path)):
        yield read_tiles(path, [row])
