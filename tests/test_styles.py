"""The QGIS style says what the maps and their metadata say."""

from importlib.resources import files
from xml.etree import ElementTree

from firn.classes import NO_DATA, PUBLISHED_COLOURS, PUBLISHED_NAMES


def test_style_has_the_classes_of_the_maps() -> None:
    style = files("firn") / "data/styles/snow.qml"
    entries = list(ElementTree.fromstring(style.read_text()).iter("paletteEntry"))
    *classes, missing = entries
    assert {int(e.attrib["value"]): e.attrib["color"] for e in classes} == PUBLISHED_COLOURS
    assert {int(e.attrib["value"]): e.attrib["label"] for e in classes} == PUBLISHED_NAMES
    assert (missing.attrib["value"], missing.attrib["alpha"]) == (str(NO_DATA), "0")
