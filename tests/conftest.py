"""Fixtures shared by all tests: a real Sentinel-2 crop as a Level-1C product, a simple model."""

from collections.abc import Callable
from pathlib import Path

import minimal_products
import numpy as np
import pytest
import rasterio
from hypothesis import settings

from firn.methods import ModelCard, save_model
from firn.methods.majority import MajorityModel
from firn.sensors import packaged

# How long an example takes depends on what else the machine does.
settings.register_profile("firn", deadline=None)
settings.load_profile("firn")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: a worker that is left alone in the end has little to do."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


CROP = Path(packaged("crops/coast"))
#: The crop's baseline, and the first one with a radiometric offset.
CROP_NAME = "S2A_MSIL1C_20160501T155902_N0{}_R097_T18SVG_20160501T160000"


@pytest.fixture(scope="session")
def crop_product(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Zip of the real crop as a SAFE of baseline ``201`` (no offset) or ``400`` (offset -1000).

    Sun angles, date and orbit of the product are invented: the crop's source does not tell them.
    """

    def pack(baseline: str) -> Path:
        folder = tmp_path_factory.mktemp("crop")
        shift = 1000 if baseline == "400" else 0
        bands = {}
        for file in sorted(CROP.glob("*.tif")):
            with rasterio.open(file) as dataset:
                bands[file.stem] = np.where(dataset.read(1) > 0, dataset.read(1) + shift, 0).astype(
                    np.uint16
                )
                if file.stem == "B02":
                    left, top, side = dataset.bounds.left, dataset.bounds.top, dataset.height * 10
        safe = minimal_products.sentinel2(
            folder,
            bands,
            name=CROP_NAME.format(baseline),
            offsets=dict.fromkeys(range(13), -1000.0) if shift else None,
            side=side,
            left=left,
            top=top,
            epsg=32618,
        )
        return minimal_products.zip_folder(safe)

    return pack


@pytest.fixture
def snowy_model(tmp_path: Path) -> Path:
    """A model that calls every pixel snow."""
    card = ModelCard(
        method="baseline-majority",
        sensor="spot2",
        bands=["XS1", "XS2", "XS3"],
        channels=["XS1", "XS2", "XS3", "hillshade", "dem"],
        mean=[0.0] * 5,
        std=[1.0] * 5,
    )
    path = tmp_path / "model.safetensors"
    save_model(MajorityModel(card, np.array([1, 8, 1])), path)
    return path
