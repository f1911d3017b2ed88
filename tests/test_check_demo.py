"""The check of the demo's scores refuses what it should."""

import csv
from pathlib import Path

import pytest
from demo.check_demo import problems


def write(path: Path, *leads: tuple[str, str, str]) -> Path:
    """Table of a U-Net per sensor with its lead, low end of the interval, and same pixels."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        lead_columns = ["best_baseline", "lead", "lead_low", "lead_high", "same_pixels"]
        writer.writerow(["name", "judged_on", "kappa", *lead_columns])
        for sensor, (lead, low, same) in zip(("spot2", "spot4"), leads, strict=False):
            name = f"unet-{sensor}"
            writer.writerow([name, "historical", "0.8", "baseline-pixel", lead, low, "0.3", same])
            writer.writerow([name, "pseudo", "0.8", "baseline-pixel", "0", "-1", "0.3", "True"])
    return path


@pytest.mark.parametrize(
    ("leads", "guilty"),
    [
        ((("0.10", "0.01", "True"), ("0.02", "0.001", "True")), []),
        ((("0.09", "0.01", "True"), ("0.02", "0.001", "True")), ["unet-spot2"]),
        ((("0.20", "0.01", "True"), ("0.02", "-0.001", "True")), ["unet-spot4"]),
        ((("0.20", "0.01", "False"), ("0.02", "", "True")), ["unet-spot2", "unet-spot4"]),
        ((("0.20", "0.01", "True"),), ["unet-spot4"]),
    ],
)
def test_problems(
    tmp_path: Path, leads: tuple[tuple[str, str, str], ...], guilty: list[str]
) -> None:
    found = problems(write(tmp_path / "comparison.csv", *leads))
    assert [problem.split(":")[0] for problem in found] == guilty
