"""Graphs for SNAP, and a gpt that plays SNAP's."""

import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
from defusedxml.ElementTree import fromstring

from firn import raster
from firn.cloud_removal.sentinel1 import prepare_sentinel1
from firn.cloud_removal.snap import CHAINS, build_graph, check_graph, find_gpt, pass_of, run_gpt
from firn.cloud_removal_config import RealPair, SnapSettings
from firn.errors import ConfigError, DataError, ProductError
from tests.cloud_removal.pair_files import GRID

SETTINGS = SnapSettings()
MANIFEST = """<xfdu:XFDU xmlns:xfdu="urn:ccsds:schema:xfdu:1" xmlns:s1="http://www.esa.int/s1">
<s1:orbitProperties><s1:pass>{}</s1:pass></s1:orbitProperties></xfdu:XFDU>"""


def product(path: Path, direction: str = "DESCENDING") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("S1A.SAFE/manifest.safe", MANIFEST.format(direction))
    return path


def gpt(folder: Path, lines: str) -> SnapSettings:
    """Settings with a program that plays gpt; its argument is the graph."""
    folder.mkdir(exist_ok=True)
    program = folder / "gpt"
    program.write_text(f"#!/bin/sh\n{lines}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return SETTINGS.model_copy(update={"gpt": str(program)})


def parameter(xml: str, node: str, key: str) -> str | None:
    found = fromstring(xml).find(f"node[@id='{node}']/parameters/{key}")
    return None if found is None else found.text


@pytest.mark.parametrize("chain", sorted(CHAINS))
def test_graph_of_each_chain(chain: str, tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"chain": chain})
    xml = build_graph(settings, "/data/S1A & B.zip", GRID, tmp_path)
    operators = check_graph(xml)
    ends = ["BandSelect", "Write", "BandSelect", "Write"]
    assert operators == [*CHAINS[chain], *ends]
    assert ("Multilook" in operators) == (chain == "original")
    assert parameter(xml, "Read", "file") == "/data/S1A & B.zip"
    assert parameter(xml, "Apply-Orbit-File", "continueOnFail") == "false"
    assert parameter(xml, "Calibration", "outputBetaBand") == "true"
    assert parameter(xml, "Calibration", "outputSigmaBand") == "false"
    assert parameter(xml, "Speckle-Filter", "windowSize") == "9x9"
    assert parameter(xml, "Terrain-Correction", "pixelSpacingInMeter") == "10.0"
    assert "32632" in (parameter(xml, "Terrain-Correction", "mapProjection") or "")
    assert parameter(xml, "Terrain-Correction", "standardGridOriginX") == "5.0"
    assert parameter(xml, "BandSelect-VH", "sourceBands") == "Gamma0_VH"
    assert parameter(xml, "Write-VV", "file") == str(tmp_path / "VV.tif")


def test_speckle_filter_may_be_left_out(tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"speckle_filter": None})
    assert "Speckle-Filter" not in check_graph(build_graph(settings, "a.zip", GRID, tmp_path))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("</graph>", "", "not well-formed"),
        ('refid="Calibration"', 'refid="Calibrated"', "Calibrated, which is not before it"),
        ("<pixelSpacingInMeter>10.0", "<pixelSpacingInMeter>", "lacks the parameter pixelSpacing"),
        ('<sourceProduct refid="Terrain-Flattening" />', "", "has no source"),
        ("<operator>Write", "<operator>Show", "writes nothing"),
    ],
)
def test_faults_of_a_graph_are_found(old: str, new: str, message: str) -> None:
    xml = build_graph(SETTINGS, "a.zip", GRID, "/out")
    assert old in xml
    with pytest.raises(ConfigError, match=message):
        check_graph(xml.replace(old, new))


def test_without_snap_the_message_says_what_to_do() -> None:
    with pytest.raises(ConfigError, match=r"install SNAP.*or give gamma0 that is ready"):
        find_gpt(SETTINGS.model_copy(update={"gpt": "no-such-gpt"}))


def test_missing_orbit_file_is_told(tmp_path: Path) -> None:
    said = "Error: [NodeId: Apply-Orbit-File] No valid orbit file found for 04-FEB-2018"
    settings = gpt(tmp_path, f"echo '{said}' >&2; exit 1")
    with pytest.raises(DataError, match="no precise orbit file"):
        run_gpt(settings, tmp_path / "a.zip", GRID, tmp_path)


def test_other_failures_are_quoted(tmp_path: Path) -> None:
    settings = gpt(tmp_path, "echo executing; echo 'Error: Cannot construct DataBuffer.'; exit 1")
    with pytest.raises(DataError, match=r"gpt failed .*Cannot construct DataBuffer"):
        run_gpt(settings, tmp_path / "a.zip", GRID, tmp_path)
    with pytest.raises(DataError, match="gpt failed"):
        run_gpt(gpt(tmp_path, "exit 0"), tmp_path / "a.zip", GRID, tmp_path)


def test_products_go_through_gpt(tmp_path: Path) -> None:
    # What gpt leaves beyond the swath is 0; its images reach beyond the grid.
    wide = GRID.crop(-2, -3, 110, 120)
    for name, value in (("VV", 0.2), ("VH", 0.05)):
        values = np.full((1, *wide.shape), value, np.float32)
        values[0, :5] = 0
        raster.write(tmp_path / f"made-{name}.tif", values, wide)
    copies = "\n".join(
        f"cp {tmp_path}/made-{name}.tif \"$(grep -o '/[^<]*/{name}.tif' $1)\""
        for name in ("VV", "VH")
    )
    settings = gpt(tmp_path / "snap", copies)
    products = [str(product(tmp_path / f"{date}.zip")) for date in ("t0", "t1")]
    pair = RealPair(
        sentinel2_t0="-", sentinel2_t1="-", sentinel1_t0=products[0], sentinel1_t1=products[1]
    )
    outputs = tmp_path / "t0.tif", tmp_path / "t1.tif"
    prepare_sentinel1(pair, GRID, settings, outputs)
    image = raster.read(outputs[1])
    assert raster.grid_of(outputs[1]) == GRID
    assert np.isnan(image.values[:, :3]).all()
    assert (image.values[0, 3:] == np.float32(0.2)).all()
    assert (image.values[1, 3:] == np.float32(0.05)).all()
    assert raster.tags(outputs[1])["orbit_direction"] == "descending"


def test_direction_of_a_product(tmp_path: Path) -> None:
    assert pass_of(product(tmp_path / "a.zip", "ASCENDING")) == "ascending"
    with pytest.raises(ProductError, match="does not say whether the orbit"):
        pass_of(product(tmp_path / "b.zip", ""))
    (tmp_path / "c.zip").write_text("no archive")
    with pytest.raises(ProductError, match=r"manifest\.safe"):
        pass_of(tmp_path / "c.zip")
