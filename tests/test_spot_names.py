"""Names of Level-1A scenes."""

from datetime import datetime

import pytest

from firn.spot_names import raw_name, same_scene

NUMBER = "26933810702101419062X"
ARCHIVE = "008-012_S2_693-381-0_2007-02-10-14-19-06_HRV-2_X_DT_GU"


def test_both_names_tell_the_scene() -> None:
    told = (2, 2, "X", datetime(2007, 2, 10, 14, 19, 6))
    assert raw_name(NUMBER) == raw_name(ARCHIVE) == told


@pytest.mark.parametrize(
    ("name", "satellite", "instrument", "mode"),
    [
        ("40482580307151018492I", 4, 2, "I"),
        ("50482580307151018491J", 5, 1, "J"),
        ("101-002_S4_048-258-3_2003-07-15-10-18-49_HRVIR-1_I_DT_GU", 4, 1, "I"),
        ("101-002_S5_048-258-3_2003-07-15-10-18-49_HRG-2_J_DT_GU", 5, 2, "J"),
    ],
)
def test_every_satellite(name: str, satellite: int, instrument: int, mode: str) -> None:
    time = datetime(2003, 7, 15, 10, 18, 49)
    assert raw_name(name) == (satellite, instrument, mode, time)


@pytest.mark.parametrize(
    "name",
    [
        "SPOT4-HRVIR1-XS_20010614-110246-780_L1C_039-264-0_D_V1-0",
        NUMBER.replace("X", "P"),
        ARCHIVE.replace("_X_", "_P_"),
        NUMBER[1:],
        "26933810713101419062X",
        "60482580307151018492I",
        "",
    ],
)
def test_other_names_are_not_of_level_1a(name: str) -> None:
    assert raw_name(name) is None


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (ARCHIVE, True),
        (NUMBER, True),
        (ARCHIVE.replace("14-19-06", "14-19-08"), True),
        (ARCHIVE.replace("14-19-06", "14-19-14"), False),
        (ARCHIVE.replace("_S2_", "_S1_"), False),
        (ARCHIVE.replace("HRV-2", "HRV-1"), False),
        ("SPOT2-HRV2-XS_20070210-141906-000_L1C_693-381-0_D_V1-0", False),
    ],
)
def test_names_of_one_scene(other: str, same: bool) -> None:
    assert same_scene(NUMBER, other) is same
    assert same_scene(other, NUMBER) is same


def test_other_names_must_be_equal() -> None:
    assert same_scene("scene-of-mine", "scene-of-mine")
    assert not same_scene("scene-of-mine", "scene-of-yours")
