"""Names match the archives' own, example by example."""

import re
import subprocess
import sys
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from firn.simulator.formats import naming

SWH = re.compile(
    r"^(SPOT[1-5])-(HRV[12]|HRVIR[12]|HRG[12])-(XS)_(\d{8})-(\d{6})-(\d{3})"
    r"_L1C_(\d{3})-(\d{3})-(\d)_([DC])(?:_V(\d+)-(\d+))?$"
)
L1C = re.compile(
    r"^S2[AB]_MSIL1C_\d{8}T\d{6}_N\d{4}_R\d{3}_T\d{2}[A-Z]{3}_\d{8}T\d{6}$",
)
INSTRUMENTS = {1: "HRV", 2: "HRV", 3: "HRV", 4: "HRVIR", 5: "HRG"}


def test_l1c_name() -> None:
    time = datetime(2017, 1, 5, 1, 34, 42)
    assert (
        naming.l1c_name("S2A", time, "02.04", 31, "53NMJ")
        == "S2A_MSIL1C_20170105T013442_N0204_R031_T53NMJ_20170105T013442"
    )


def test_collection_1_baseline_is_n0500() -> None:
    name = naming.l1c_name("S2B", datetime(2019, 2, 1, 10, 0, 0), "05.00", 8, "32TPT")
    assert "_N0500_R008_" in name
    assert L1C.match(name)


def test_muscate_names_of_the_format_document() -> None:
    time = datetime(2016, 9, 12, 10, 35, 51, 370000)
    assert (
        naming.snow_name("S2A", time, "32TLS")
        == "SENTINEL2A_20160912-103551-370_L2B-SNOW_T32TLS_D_V1-0"
    )
    assert (
        naming.l2a_name("S2A", time, "31TCH") == "SENTINEL2A_20160912-103551-370_L2A_T31TCH_C_V1-0"
    )


def test_swh_scene_id_of_the_format_document() -> None:
    time = datetime(2003, 9, 18, 10, 35, 0, 347000)
    assert (
        naming.swh_scene_id("SPOT1", "HRV1", time, 46, 265)
        == "SPOT1-HRV1-XS_20030918-103500-347_L1C_046-265-0_D_V1-0"
    )


@given(
    satellite=st.integers(1, 5),
    unit=st.integers(1, 2),
    time=st.datetimes(datetime(1986, 2, 22), datetime(2015, 12, 31)),
    k=st.integers(1, 400),
    j=st.integers(1, 600),
    shift=st.integers(0, 9),
)
def test_swh_scene_id_gives_its_parts_back(
    satellite: int, unit: int, time: datetime, k: int, j: int, shift: int
) -> None:
    instrument = f"{INSTRUMENTS[satellite]}{unit}"
    match = SWH.match(naming.swh_scene_id(f"SPOT{satellite}", instrument, time, k, j, shift))
    assert match
    assert match.group(1, 2) == (f"SPOT{satellite}", instrument)
    assert match.group(4, 5) == (f"{time:%Y%m%d}", f"{time:%H%M%S}")
    assert [int(match.group(i)) for i in (6, 7, 8, 9)] == [time.microsecond // 1000, k, j, shift]


def test_absolute_orbit_is_near_the_published_one() -> None:
    # Granule L1C_T53NMJ_A008030_20170105T013443 of the real product above.
    assert abs(naming.absolute_orbit("S2A", datetime(2017, 1, 5, 1, 34, 42)) - 8030) < 20


def test_times_may_carry_their_zone() -> None:
    naive, aware = datetime(2019, 2, 1, 10), datetime(2019, 2, 1, 10, tzinfo=UTC)
    for time in (naive, aware):
        assert naming.l1c_granule_name("S2B", time, "32TPT") == "L1C_T32TPT_A009957_20190201T100000"


def test_naming_imports_no_array_library() -> None:
    code = (
        "import sys; import firn.simulator.formats.naming; "
        "print({'numpy', 'rasterio', 'xarray', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
