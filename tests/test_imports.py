"""What the modules of short jobs may not import, for it takes a second or more."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("firn.training.selection", {"torch", "xarray"}),
        ("firn.training.fitting", {"torch", "xarray"}),
        ("firn.emulation.patches", {"torch", "xarray", "scipy", "rasterio"}),
        ("firn.gains", {"torch", "xarray", "scipy"}),
        ("firn.dataset", {"torch", "xarray", "scipy"}),
        ("firn.stacks", {"torch", "xarray", "scipy", "matplotlib"}),
        ("firn.labels", {"torch", "xarray", "scipy", "matplotlib"}),
        ("firn.patches", {"torch", "xarray", "scipy", "matplotlib"}),
        ("firn.simulator.archive", {"torch", "xarray", "matplotlib"}),
        ("firn.evaluation", {"torch", "xarray", "scipy", "matplotlib"}),
        ("firn.methods.edges", {"torch", "xarray", "scipy"}),
        ("firn.inference", {"torch", "xarray", "matplotlib"}),
        ("firn.methods", {"torch", "xarray"}),
        ("firn.config", {"torch", "numpy"}),
        ("firn.snow_bands", {"torch", "rasterio"}),
    ],
)
def test_light_modules_stay_light(module: str, heavy: set[str]) -> None:
    program = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert not heavy & set(done.stdout.decode().split())
