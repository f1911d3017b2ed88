"""Class codes, seeds, files and provenance."""

import numpy as np
import pytest

from firn.classes import from_published, to_published
from firn.errors import DataError
from firn.files import atomic_path, read_json, write_json
from firn.provenance import digest, provenance
from firn.seeds import generator


def test_class_codes_there_and_back() -> None:
    classes = np.array([0, 1, 2, 1], np.uint8)
    valid = np.array([True, True, True, False])
    codes = to_published(classes, valid)
    assert codes.tolist() == [0, 100, 205, 254]
    assert from_published(codes).tolist() == [0, 1, 2, 255]
    assert from_published(np.array([255, 7], np.uint8)).tolist() == [255, 255]


def test_random_streams_depend_on_names_alone() -> None:
    first = generator(1, "kde", "spot2").random(3)
    generator(1, "kde", "spot3").random(100)
    assert np.array_equal(first, generator(1, "kde", "spot2").random(3))
    assert not np.array_equal(first, generator(1, "kde", "spot3").random(3))
    assert not np.array_equal(first, generator(2, "kde", "spot2").random(3))
    # The boundary between names counts.
    assert generator(1, "ab", "c").random() != generator(1, "a", "bc").random()


def test_atomic_path_keeps_the_old_file_on_failure(tmp_path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_is_sorted_and_strict(tmp_path) -> None:
    path = tmp_path / "x.json"
    write_json(path, {"b": 1, "a": None})
    assert path.read_text().index('"a"') < path.read_text().index('"b"')
    assert read_json(path) == {"a": None, "b": 1}
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"a": float("nan")})
    path.write_text("[1]")
    with pytest.raises(DataError, match=r"x\.json"):
        read_json(path)
    with pytest.raises(DataError, match=r"none\.json"):
        read_json(tmp_path / "none.json")


def test_provenance_does_not_depend_on_order() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    assert provenance(["b", "a"])["sources"] == ["a", "b"]
