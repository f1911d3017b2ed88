"""Models that come with firn: one for each set of bands, taken where a user gives none."""

from collections.abc import Sequence
from pathlib import Path

from firn.errors import ModelError
from firn.methods.model_file import card_of, read_tensors
from firn.sensors import packaged

#: Folder of the models.
FOLDER = Path(packaged("models"))


def shipped_model(bands: Sequence[str]) -> Path:
    """Path of the model for images of these bands: the one that reads most of them.

    Raises
    ------
    ModelError
        Each model reads a band that the image does not have, or none comes with this firn.
    """
    files = sorted(FOLDER.glob("*.safetensors"))
    read = {path: card_of(read_tensors(path)[1], path).bands for path in files}
    fitting = [path for path, of_model in read.items() if set(of_model) <= set(bands)]
    if not fitting:
        known = "; ".join(sorted(", ".join(of_model) for of_model in read.values()))
        raise ModelError(
            f"firn comes with no model for the bands {', '.join(bands)} (it has models for: "
            f"{known or 'none'}); give one that you trained (--model model.safetensors)"
        )
    return max(fitting, key=lambda path: len(read[path]))
