"""Classification of a batch of scenes: models loaded once, finished maps kept in a store."""

import logging
import os
import shutil
import tempfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from firn.batches import Outcome
from firn.config import InferenceSettings
from firn.errors import DataError, FirnError
from firn.files import atomic_path, write_text
from firn.inference import Surroundings, classify_scene
from firn.methods import Model
from firn.methods.model_file import card_digest
from firn.products.identity import check_scene
from firn.products.scene import open_scene
from firn.provenance import digest
from firn.sensors import Sensor

PathLike = str | os.PathLike[str]

#: Files of a map, in the order in which they are linked: the item says that the others are there.
FILES = ("snow.tif.aux.xml", "snow.tif", "probability.tif", "quality.tif", "item.json")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SceneTask:
    """A scene to be classified.

    Parameters
    ----------
    scene_id : str
    product : path
    surroundings : Surroundings
    """

    scene_id: str
    product: PathLike
    surroundings: Surroundings

    def state(self) -> list[Any]:
        """Path, size and time of change of each file, by which a changed one is known.

        Ground that counts as flat is told by its height.

        Raises
        ------
        DataError
            A file is not there.
        """
        around = self.surroundings
        files = (self.product, around.dem, around.tree_cover, around.water)
        return [
            file if isinstance(file, float | int) else _state(file)
            for file in files
            if file is not None
        ]


def _state(path: PathLike) -> tuple[str, int, int]:
    try:
        stat = os.stat(path)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); put it there, or correct its path"
        ) from error
    return str(path), stat.st_size, stat.st_mtime_ns


@dataclass(frozen=True)
class BatchClassifier:
    """Models of a satellite, and where their maps go.

    A map is made in ``root/store/{experiment}/{scene}/{key}``, which appears whole or not at all.
    The key is a digest of all that the map is made of, so a finished map is found again and an
    outdated one is not. Links in ``root/maps/{experiment}/{scene}`` point to it.

    Parameters
    ----------
    models : mapping of experiment to Model
    sensor : Sensor
    settings : InferenceSettings
    code : str
        Digest of the code that makes the maps.
    root : path
        Folder of the run.
    logs : path
        Folder for the log of each scene that fails.
    threads : int
        Scenes at a time: while one is in the network, others are read, warped and written.
    """

    models: Mapping[str, Model]
    sensor: Sensor
    settings: InferenceSettings
    code: str
    root: Path
    logs: Path
    threads: int = 1

    def classify(self, tasks: Sequence[SceneTask]) -> Iterator[Outcome]:
        """Classify scenes; one that fails does not stop the others.

        Yields
        ------
        Outcome
            Of each scene, in order. Any error of a scene counts, one of firn's own code too: in an
            archive of thousands, none may cost its neighbours their maps.

        Raises
        ------
        ModelError
            A GPU is asked for and there is none.
        """
        # A GPU that is not there is an error of the batch, not of each of its scenes.
        settings = self.settings
        models = {
            name: model.prepared(settings.precision, settings.device)
            for name, model in self.models.items()
        }
        ready = replace(self, models=models)
        with ThreadPoolExecutor(self.threads) as threads:
            try:
                yield from threads.map(ready._outcome, tasks)
            finally:
                # Whoever stops in the middle waits for the scenes that have begun, not for all.
                threads.shutdown(cancel_futures=True)

    def _outcome(self, task: SceneTask) -> Outcome:
        log = self.logs / f"{task.scene_id}.log"
        try:
            self._map(task)
        except Exception as error:
            write_text(log, traceback.format_exc())
            defect = "" if isinstance(error, FirnError) else f"{type(error).__name__}: "
            reason = defect + " ".join(str(error).split())
            logger.error("%s: %s\n  see %s", task.scene_id, reason, log)
            return Outcome(task.scene_id, "failed", reason, str(log))
        log.unlink(missing_ok=True)
        logger.info("%s: mapped", task.scene_id)
        return Outcome(task.scene_id, "mapped")

    def _map(self, task: SceneTask) -> None:
        """Make the maps of a scene that are not in the store, and link all."""
        folders = {name: self._folder(task, name) for name in self.models}
        missing = [name for name, folder in folders.items() if not folder.is_dir()]
        if missing:
            scene = open_scene(task.product, self.sensor)
            check_scene(task.product, scene, task.scene_id, self.sensor.platform)
            with ExitStack() as stack:
                new = {
                    stack.enter_context(_whole(folders[name])): self.models[name]
                    for name in missing
                }
                classify_scene(scene, new, task.surroundings, self.settings)
        for name, folder in folders.items():
            _link(folder, self.root / "maps" / name / task.scene_id)

    def _folder(self, task: SceneTask, experiment: str) -> Path:
        """Folder of a map in the store."""
        key = digest(
            {
                "files": task.state(),
                "tree_cover_max": task.surroundings.tree_cover_max,
                "model": card_digest(self.models[experiment].card),
                "sensor": self.sensor,
                "settings": self.settings,
                "code": self.code,
            }
        )
        return self.root / "store" / experiment / task.scene_id / key


@contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """Give a temporary folder that becomes ``folder`` on success."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=folder.parent) as parent:
        temporary = Path(parent) / folder.name
        temporary.mkdir()
        yield temporary
        try:
            os.replace(temporary, folder)
        except OSError:
            # A job that an earlier call left in the queue was quicker. Its map is the same.
            if not folder.is_dir():
                raise


def _link(stored: Path, published: Path) -> None:
    """Link the files of a map, and remove the maps in the store that it replaces."""
    for name in FILES:
        with atomic_path(published / name) as link:
            link.symlink_to(os.path.relpath(stored / name, published))
    for other in stored.parent.iterdir():
        if other != stored and not other.name.startswith("."):
            shutil.rmtree(other, ignore_errors=True)
