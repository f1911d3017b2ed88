"""Sentinel-1 GRD products through ESA SNAP: the graph of a chain, its check, and the call of gpt.

The steps and their parameters are those of the published method; SNAP's own names are used
throughout. Where there is no SNAP, gamma0 that is ready for analysis is taken as it is.
"""

import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Mapping
from pathlib import Path

from defusedxml.ElementTree import fromstring

from firn.cloud_removal.tiles import POLARISATIONS
from firn.cloud_removal_config import SnapSettings
from firn.errors import ConfigError, DataError, ProductError
from firn.files import write_text
from firn.grid import Grid
from firn.products.xml import Metadata

PathLike = str | os.PathLike[str]
Parameters = Mapping[str, str | int | float | bool]

#: Operators of each chain, in their order.
CHAINS: dict[str, tuple[str, ...]] = {
    "original": (
        "Read",
        "Apply-Orbit-File",
        "ThermalNoiseRemoval",
        "Remove-GRD-Border-Noise",
        "Calibration",
        "Terrain-Flattening",
        "Speckle-Filter",
        "Multilook",
        "Terrain-Correction",
    ),
    "no-multilook": (
        "Read",
        "Apply-Orbit-File",
        "ThermalNoiseRemoval",
        "Remove-GRD-Border-Noise",
        "Calibration",
        "Terrain-Flattening",
        "Speckle-Filter",
        "Terrain-Correction",
    ),
}
#: Parameters without which a graph computes something else than gamma0 on the map.
_REQUIRED = {
    "Read": ("file",),
    "Apply-Orbit-File": ("orbitType", "continueOnFail"),
    "Calibration": ("outputBetaBand",),
    "Terrain-Flattening": ("demName",),
    "Terrain-Correction": ("demName", "mapProjection", "pixelSpacingInMeter"),
    "BandSelect": ("sourceBands",),
    "Write": ("file", "formatName"),
}
_BOTH = ",".join(POLARISATIONS)
#: Lines of gpt's output that an error quotes.
_QUOTED = 3


def _parameters(settings: SnapSettings, product: PathLike, grid: Grid) -> dict[str, Parameters]:
    """Parameters of each operator."""
    dem: Parameters = {"demName": settings.dem, "demResamplingMethod": "BICUBIC_INTERPOLATION"}
    # SNAP aligns the centres of pixels: half a pixel from the corner that grids here begin at.
    left, top, half = grid.transform.c, grid.transform.f, grid.resolution / 2
    return {
        "Read": {"file": str(product)},
        "Apply-Orbit-File": {
            "orbitType": "Sentinel Precise (Auto Download)",
            "polyDegree": 3,
            "continueOnFail": False,
        },
        "ThermalNoiseRemoval": {"selectedPolarisations": _BOTH, "removeThermalNoise": True},
        "Remove-GRD-Border-Noise": {
            "selectedPolarisations": _BOTH,
            "borderLimit": 600,
            "trimThreshold": 2.0,
        },
        "Calibration": {
            "selectedPolarisations": _BOTH,
            "outputSigmaBand": False,
            "outputGammaBand": False,
            "outputBetaBand": True,
            "outputImageScaleInDb": False,
        },
        "Terrain-Flattening": {**dem, "additionalOverlap": 0.1, "oversamplingMultiple": 1.0},
        "Speckle-Filter": {
            "filter": settings.speckle_filter or "",
            "filterSizeX": 3,
            "filterSizeY": 3,
            "numLooksStr": 1,
            "windowSize": "9x9",
            "targetWindowSizeStr": "5x5",
            "sigmaStr": 0.9,
        },
        "Multilook": {"nRgLooks": 2, "nAzLooks": 2, "outputIntensity": True},
        "Terrain-Correction": {
            **dem,
            "imgResamplingMethod": "BICUBIC_INTERPOLATION",
            "pixelSpacingInMeter": grid.resolution,
            "mapProjection": grid.crs.to_wkt(),
            "alignToStandardGrid": True,
            "standardGridOriginX": left % grid.resolution + half,
            "standardGridOriginY": top % grid.resolution + half,
            "nodataValueAtSea": False,
            "saveSelectedSourceBand": True,
        },
    }


def build_graph(settings: SnapSettings, product: PathLike, grid: Grid, folder: PathLike) -> str:
    """XML of the graph that makes gamma0 of a GRD product.

    Parameters
    ----------
    settings : SnapSettings
    product : path
        Zip file or SAFE folder.
    grid : Grid
        Of Sentinel-2; the images have its CRS, pixel size and alignment, and reach farther.
    folder : path
        Where gpt writes ``VV.tif`` and ``VH.tif``.
    """
    parameters = _parameters(settings, product, grid)
    graph = ET.Element("graph", id="firn-sentinel1-gamma0")
    ET.SubElement(graph, "version").text = "1.0"
    chain = [
        operator
        for operator in CHAINS[settings.chain]
        if operator != "Speckle-Filter" or settings.speckle_filter
    ]
    source = ""
    for operator in chain:
        _add_node(graph, operator, operator, source, parameters[operator])
        source = operator
    for name in POLARISATIONS:
        band = {"sourceBands": f"Gamma0_{name}"}
        _add_node(graph, f"BandSelect-{name}", "BandSelect", source, band)
        output = {"file": str(Path(folder) / f"{name}.tif"), "formatName": "GeoTIFF-BigTIFF"}
        _add_node(graph, f"Write-{name}", "Write", f"BandSelect-{name}", output)
    ET.indent(graph)
    return ET.tostring(graph, encoding="unicode") + "\n"


def _add_node(
    graph: ET.Element, name: str, operator: str, source: str, parameters: Parameters
) -> None:
    node = ET.SubElement(graph, "node", id=name)
    ET.SubElement(node, "operator").text = operator
    sources = ET.SubElement(node, "sources")
    if source:
        ET.SubElement(sources, "sourceProduct", refid=source)
    listed = ET.SubElement(node, "parameters")
    for key, value in parameters.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        ET.SubElement(listed, key).text = text


def check_graph(xml: str) -> list[str]:
    """Check a graph before it is given to gpt, which would find its faults after an hour.

    Parameters
    ----------
    xml : str

    Returns
    -------
    list of str
        Its operators, in their order.

    Raises
    ------
    ConfigError
        It is not well-formed, a node has no source, or an operator lacks a parameter.
    """
    try:
        graph = fromstring(xml)
    except ET.ParseError as error:
        raise ConfigError(f"SNAP graph: is not well-formed XML ({error})") from error
    known: set[str] = set()
    operators = []
    for node in graph.iterfind("node"):
        name, operator = node.get("id", ""), node.findtext("operator", "")
        refs = [source.get("refid", "") for source in node.iterfind("sources/*")]
        if operator != "Read" and not refs:
            raise ConfigError(f"SNAP graph: node {name} has no source")
        if missing := [ref for ref in refs if ref not in known]:
            raise ConfigError(f"SNAP graph: node {name} takes {missing[0]}, which is not before it")
        for key in _REQUIRED.get(operator, ()):
            if not (node.findtext(f"parameters/{key}") or "").strip():
                raise ConfigError(f"SNAP graph: node {name} lacks the parameter {key}")
        known.add(name)
        operators.append(operator)
    if "Write" not in operators:
        raise ConfigError("SNAP graph: writes nothing")
    return operators


def find_gpt(settings: SnapSettings) -> str:
    """Path of gpt.

    Raises
    ------
    ConfigError
        There is none.
    """
    found = shutil.which(settings.gpt)
    if found is None:
        raise ConfigError(
            f"{settings.gpt}: ESA SNAP's program gpt is not there, and Sentinel-1 GRD products "
            "need it; install SNAP with the Sentinel-1 Toolbox (step.esa.int) and set "
            "cloud_removal.sentinel1.gpt to its path, or give gamma0 that is ready for analysis"
        )
    return found


def run_gpt(settings: SnapSettings, product: PathLike, grid: Grid, folder: Path) -> None:
    """Make gamma0 of a GRD product: ``VV.tif`` and ``VH.tif`` in a folder, and the graph.

    Raises
    ------
    ConfigError
        There is no gpt.
    DataError
        gpt failed: it finds no orbit file, or another error, of which the end is quoted.
    """
    gpt = find_gpt(settings)
    graph = build_graph(settings, product, grid, folder)
    check_graph(graph)
    file = folder / "graph.xml"
    write_text(file, graph)
    done = subprocess.run([gpt, str(file)], capture_output=True, text=True, errors="replace")
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    if done.returncode == 0 and all((folder / f"{name}.tif").exists() for name in POLARISATIONS):
        return
    if any(re.search(r"orbit files?\b", line, re.IGNORECASE) for line in said):
        raise DataError(
            f"{product}: SNAP found no precise orbit file for it; they come about three weeks "
            "after the acquisition; see that the machine can download them, or copy the file to "
            "SNAP's folder auxdata/Orbits"
        )
    end = " / ".join(said[-_QUOTED:]) or f"exit code {done.returncode}, nothing said"
    raise DataError(f"{product}: gpt failed ({end})")


def is_grd(path: PathLike) -> bool:
    """Whether a path is that of a GRD product, by its name."""
    return Path(path).suffix.lower() in (".zip", ".safe")


def pass_of(product: PathLike) -> str:
    """Direction of the orbit by the manifest of a GRD product: ``ascending`` or ``descending``.

    Raises
    ------
    ProductError
        The manifest is missing or does not say it.
    """
    path = Path(product)
    try:
        if path.is_dir():
            content = (path / "manifest.safe").read_bytes()
        else:
            with zipfile.ZipFile(path) as archive:
                name = next(n for n in archive.namelist() if n.endswith("manifest.safe"))
                content = archive.read(name)
    except (OSError, StopIteration, zipfile.BadZipFile) as error:
        raise ProductError(
            f"{path}: no manifest.safe can be read in it; fetch the product again"
        ) from error
    direction = (Metadata(content, f"{path}/manifest.safe").find_text("pass") or "").lower()
    if direction not in ("ascending", "descending"):
        raise ProductError(
            f"{path}: its manifest does not say whether the orbit is ascending or descending; "
            "fetch the product again"
        )
    return direction
