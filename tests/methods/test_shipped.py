"""The model that comes with firn for the bands of a scene."""

from pathlib import Path

import numpy as np
import pytest

from firn.errors import ModelError
from firn.methods import ModelCard, load_model, save_model, shipped
from firn.methods.majority import MajorityModel

SPOT2 = ("XS1", "XS2", "XS3")
SPOT4 = (*SPOT2, "SWIR")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    for name, bands in (("a", SPOT4), ("b", SPOT2)):
        channels = (*bands, "hillshade", "dem")
        numbers = (1.0,) * len(channels)
        card = ModelCard("baseline-majority", "spot2", bands, channels, numbers, numbers)
        save_model(MajorityModel(card, np.array([1, 2, 3])), tmp_path / f"{name}.safetensors")
    return tmp_path


@pytest.mark.parametrize(
    ("bands", "name"),
    [(SPOT2, "b"), (SPOT4, "a"), (SPOT4[::-1], "a"), (("PAN", *SPOT2), "b")],
)
def test_model_reads_as_many_bands_as_there_are(
    folder: Path, bands: tuple[str, ...], name: str
) -> None:
    assert shipped.shipped_model(bands) == folder / f"{name}.safetensors"


def test_bands_that_no_model_reads_are_refused(folder: Path) -> None:
    message = r"bands B1, B2 \(it has models for: XS1, XS2, XS3; XS1, XS2, XS3, SWIR\).*--model"
    with pytest.raises(ModelError, match=message):
        shipped.shipped_model(("B1", "B2"))


def test_folder_of_the_package_holds_models_only() -> None:
    """What ships is small: at most 15 MB in all, and each file is a model that firn can read."""
    files = [path for path in shipped.FOLDER.glob("**/*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 15e6
    for path in files:
        if path.suffix == ".safetensors":
            bands = load_model(path).card.bands
            assert shipped.shipped_model(bands) == path
