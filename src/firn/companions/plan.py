"""Which scenes train, tune and score the companion methods; imported by the Snakefile."""

from collections.abc import Sequence
from pathlib import Path

from firn.companions_config import Companions
from firn.errors import ConfigError, DataError

#: The map at each stage: as voted, with and without a correction for how often a class comes; with
#: its turned neurons; and filtered, which is the method.
SOM_STAGES = ("som-voted", "som-voted-prior", "som-turned", "som")
#: What maps are made by.
MAPPED = (*SOM_STAGES, "patch-cnn")
#: Stratum of all pixels, and the sensor that rows of scores name.
WHOLE, SENSOR = "all", "sentinel2"
#: Those that have a model file, whose costs are measured.
COSTED = ("som", "patch-cnn")


def told_apart(settings: Companions) -> dict[str, str]:
    """Say what each of `MAPPED` tells apart, in the words of `firn.registry`."""
    tells = dict.fromkeys(MAPPED, "classes")
    return tells | {"patch-cnn": settings.patch_cnn.head}


def alcd_folder(folder: str, tile: str, date: str) -> str:
    """Give the folder of the ALCD mask of a scene; they are named after Level-1C products.

    Where both parts of the data set have the scene, that of ``Reference_dataset`` counts.

    Raises
    ------
    DataError
        There is none.
    """
    found = sorted(Path(folder).glob(f"**/S2?_MSIL1C_{date}T*_T{tile}_*/Classification"))
    if not found:
        raise DataError(
            f"{folder}: holds no ALCD mask of {tile}, {date}; correct companions.alcd, or leave "
            "the scene out"
        )
    return str(found[-1].parent)


def companion_scenes(settings: Companions, scenes: Sequence[str]) -> dict[str, list[str]]:
    """Scenes, {tile}/{date}, by what they are for: ``train``, ``tuning`` and ``evaluation``.

    Parameters
    ----------
    settings : Companions
    scenes : sequence of str
        All scenes of the run.

    Raises
    ------
    ConfigError
        A scene is not among those of the run, or none is left to train.
    """
    held_out = [*settings.tuning, *settings.evaluation]
    if unknown := sorted(set(held_out) - set(scenes)):
        raise ConfigError(
            f"companions: {', '.join(unknown)} is not among the Sentinel-2 scenes of the run; "
            "correct tuning or evaluation"
        )
    train = [scene for scene in scenes if scene not in held_out]
    if not train:
        raise ConfigError("companions: no scene is left to train; shorten tuning or evaluation")
    return {
        "train": train,
        "tuning": list(settings.tuning),
        "evaluation": list(settings.evaluation),
    }
