"""The choice of scenes: random, reproducible, and the same whatever the order of a listing."""

import dataclasses
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_table import L1C

from firn.download.selection import complete, match, one_per_month
from firn.download.table import Product

TILES = ("30TXN", "30TYN", "31TCH", "31TDH")


def product(kind: str, tile: str, date: str, product_id: str) -> Product:
    return dataclasses.replace(L1C, kind=kind, tile=tile, date=date, product_id=product_id)


pairs = st.tuples(
    st.sampled_from(TILES),
    st.builds(
        "{:04d}{:02d}{:02d}".format,
        st.integers(2016, 2019),
        st.integers(1, 3),
        st.integers(1, 4),
    ),
)


@settings(max_examples=60)
@given(st.lists(pairs, unique=True, max_size=40), st.randoms(use_true_random=False))
def test_properties_of_the_choice(candidates, random) -> None:
    chosen = one_per_month(candidates, seed=1986)
    shuffled = random.sample(candidates, len(candidates))
    assert one_per_month(shuffled, seed=1986) == chosen
    assert set(chosen) <= set(candidates)
    assert max(Counter((t, d[4:6]) for t, d in chosen).values(), default=0) <= 1
    assert max(Counter(d for _, d in chosen).values(), default=0) <= 1
    # Not one more could be added: what is left is a tile and month that has one, or a taken date.
    months, dates = {(t, d[4:6]) for t, d in chosen}, {d for _, d in chosen}
    assert all((t, d[4:6]) in months or d in dates for t, d in candidates)


def test_no_tile_goes_without_a_scene_that_could_have_one() -> None:
    """30TXN has two dates, of which 30TYN can have but one: a careless draw would take that."""
    candidates = [("30TXN", "20170105"), ("30TXN", "20170110"), ("30TYN", "20170110")]
    for seed in range(30):
        assert one_per_month(candidates, seed) == [("30TXN", "20170105"), ("30TYN", "20170110")]


def test_calendar_months_of_all_years_are_one() -> None:
    candidates = [("30TXN", f"{year}0105") for year in range(2016, 2020)]
    assert len(one_per_month(candidates, 0)) == 1


def test_every_date_has_the_same_chance() -> None:
    """Of 400 draws among 4 dates each gets 100; the 99.9 % range of a share of 1/4 is +- 29."""
    candidates = [("30TXN", f"201701{day:02d}") for day in (1, 6, 11, 16)]
    counts = Counter(one_per_month(candidates, seed)[0][1] for seed in range(400))
    assert len(counts) == 4
    assert all(71 <= count <= 129 for count in counts.values())


def test_another_tile_changes_only_what_it_competes_for() -> None:
    own = [("30TXN", f"2017{month:02d}05") for month in range(1, 13)]
    own += [("30TXN", f"2018{month:02d}07") for month in range(1, 13)]
    other = [("31TDH", f"2017{month:02d}20") for month in range(1, 13)]
    alone = one_per_month(own, 7)
    assert [pair for pair in one_per_month(own + other, 7) if pair[0] == "30TXN"] == alone


def test_scenes_have_all_products() -> None:
    products = [
        product("l1c", "31TCH", "20190131", "a"),
        product("l2a", "31TCH", "20190131", "b"),
        product("snow", "31TCH", "20190131", "c"),
        product("l1c", "31TCH", "20190205", "d"),
        product("snow", "31TCH", "20190205", "e"),
        product("l2a", "31TDH", "20190205", "f"),
    ]
    scenes = match(products)
    assert complete(scenes, ("l1c", "l2a", "snow")) == [("31TCH", "20190131")]
    assert scenes["31TCH", "20190131"]["l2a"].product_id == "b"
    assert set(scenes["31TCH", "20190205"]) == {"l1c", "snow"}


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    "versions",
    [
        (
            "S2A_MSIL1C_20180115T105401_N0206_R051_T31TCH_20190909T130000",
            "S2A_MSIL1C_20180115T105401_N0500_R051_T31TCH_20180115T130000",
            "S2A_MSIL1C_20180115T105401_N0500_R051_T31TCH_20230115T130000",
        ),
        (
            "SENTINEL2A_20180115-105401-457_L2A_T31TCH_C_V1-9",
            "SENTINEL2A_20180115-105401-457_L2A_T31TCH_D_V1-10",
            "SENTINEL2A_20180115-105401-457_L2A_T31TCH_C_V2-0",
        ),
    ],
)
def test_latest_version_is_taken(versions: tuple[str, ...], reverse: bool) -> None:
    offered = [product("l2a", "31TCH", "20180115", name) for name in versions]
    scenes = match(reversed(offered) if reverse else offered)
    assert scenes["31TCH", "20180115"]["l2a"].product_id == versions[-1]
