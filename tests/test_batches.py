"""Which scenes share a job, and the tables of what became of them."""

from pathlib import Path

import pytest

from firn.batches import (
    Outcome,
    check_all_mapped,
    compose,
    mapped_scenes,
    read_outcomes,
    write_outcomes,
    write_summary,
)
from firn.catalogue import SpotScene
from firn.errors import DataError


def scene(place: str, day: str, tile: str | None = None) -> SpotScene:
    name = f"SPOT2-HRV1-XS_{day}-110246-780_L1C_{place}-0_D_V1-0" if place else f"mine_{day}"
    return SpotScene(name, "spot2", "alps", f"{name}.zip", "classify", None, tile)


def test_batches_have_one_place_and_go_by_time() -> None:
    first = [scene("039-264", day) for day in ("19900614", "19910101", "19910102", "19910103")]
    second = [scene("040-264", "19880101")]
    batches = compose([*reversed(first), *second], 2)
    assert batches == {
        "039-264_1990": tuple(first[:2]),
        "039-264_1991": tuple(first[2:]),
        "040-264_1988": tuple(second),
    }


def test_batches_that_begin_in_one_year_have_different_names() -> None:
    scenes = [scene("039-264", f"199006{day}") for day in range(10, 15)]
    assert list(compose(scenes, 2)) == ["039-264_1990", "039-264_1990-2", "039-264_1990-3"]


def test_a_scene_less_changes_its_place_only() -> None:
    scenes = [scene(place, f"199006{day}") for place in ("039-264", "041-260") for day in (11, 12)]
    whole, less = compose(scenes, 2), compose(scenes[1:], 2)
    assert whole["041-260_1990"] == less["041-260_1990"]


def test_place_of_other_names_is_the_tile() -> None:
    assert set(compose([scene("", "19900614", "32TPT"), scene("", "19900614")], 9)) == {
        "32TPT_undated",
        "elsewhere_undated",
    }


@pytest.fixture
def tables(tmp_path: Path) -> list[Path]:
    """Two batches, of which the second has a scene that failed."""
    paths = [tmp_path / "spot2" / f"{name}.tsv" for name in ("a", "b")]
    write_outcomes(paths[0], [Outcome("one", "mapped")])
    write_outcomes(
        paths[1], [Outcome("two", "failed", 'no "B\t1"', "two.log"), Outcome("three", "mapped")]
    )
    return paths


def test_failures_are_listed_and_their_tables_removed(tables: list[Path], tmp_path: Path) -> None:
    mapped, failed = tmp_path / "mapped.tsv", tmp_path / "failed.tsv"
    with pytest.raises(DataError, match=r"1 of 3 scenes failed.*: two; correct"):
        check_all_mapped(tables, mapped, failed)
    assert failed.read_text().splitlines() == [
        "target\tbatch\tscene_id\tstate\treason\tlog",
        'spot2\tb\ttwo\tfailed\t"no ""B\t1"""\ttwo.log',
    ]
    assert [table.exists() for table in tables] == [True, False]
    assert not mapped.exists()

    write_outcomes(tables[1], [Outcome("two", "mapped"), Outcome("three", "mapped")])
    check_all_mapped(tables, mapped, failed)
    assert not failed.exists()
    assert [line.split("\t")[2] for line in mapped.read_text().splitlines()[1:]] == [
        "one",
        "two",
        "three",
    ]


def test_scenes_that_were_mapped_are_known_beside_one_that_failed(
    tables: list[Path], tmp_path: Path
) -> None:
    outcomes = tmp_path / "outcomes.tsv"
    write_summary(outcomes, tables)
    assert len(outcomes.read_text().splitlines()) == 4
    assert mapped_scenes(outcomes) == [("spot2", "one"), ("spot2", "three")]
    assert all(table.exists() for table in tables)


def test_table_is_read_as_it_was_written(tables: list[Path]) -> None:
    assert read_outcomes(tables[1])[0] == Outcome("two", "failed", 'no "B\t1"', "two.log")


def test_other_table_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "a.tsv"
    table.write_text("scene\tstate\none\tmapped\n")
    with pytest.raises(DataError, match=r"a\.tsv: is not a table of scene_id, state"):
        read_outcomes(table)
