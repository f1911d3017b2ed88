"""Names of SPOT Level-1A scenes: the number of the SPOT catalogue, and the name of the archive."""

import re
from datetime import datetime, timedelta
from typing import NamedTuple

#: ``SKKKJJJYYMMDDHHMMSSIX``: satellite, grid node, time, instrument and mode, as the DIMAP metadata
#: tell them.
_CATALOGUE = re.compile(
    r"(?P<satellite>[1-5])\d{6}(?P<time>\d{12})(?P<instrument>[12])(?P<mode>[XIJ])"
)
#: As GEODES names the products of SPOT World Heritage:
#: ``008-012_S2_693-381-0_2007-02-10-14-19-06_HRV-2_X_DT_GU``.
_ARCHIVE = re.compile(
    r"\d{3}-\d{3}_S(?P<satellite>[1-5])_\d{3}-\d{3}-\d_(?P<time>\d{4}(-\d\d){5})"
    r"_HR(?:V|VIR|G)-?(?P<instrument>[12])_(?P<mode>[XIJ])(_[A-Z]+)*"
)
#: Names may round a time; the next scene of an instrument begins 8 s later.
_SAME_TIME = timedelta(seconds=3)


class RawName(NamedTuple):
    """What the name of a Level-1A scene tells; it singles the scene out.

    Attributes
    ----------
    satellite, instrument : int
    mode : str
        ``X``, ``I`` or ``J``.
    time : datetime
        Of the scene's centre, without a zone, in UTC.
    """

    satellite: int
    instrument: int
    mode: str
    time: datetime


def raw_name(scene_id: str) -> RawName | None:
    """Read the name of a Level-1A scene; None if it is that of another product.

    Examples
    --------
    >>> raw_name("26933810702101419062X").time.isoformat()
    '2007-02-10T14:19:06'
    """
    for pattern, written in ((_CATALOGUE, "%y%m%d%H%M%S"), (_ARCHIVE, "%Y-%m-%d-%H-%M-%S")):
        if told := pattern.fullmatch(scene_id):
            try:
                time = datetime.strptime(told["time"], written)
            except ValueError:
                return None
            return RawName(int(told["satellite"]), int(told["instrument"]), told["mode"], time)
    return None


def same_scene(one: str, other: str) -> bool:
    """Whether two names mean one scene: equal ones, or two of one Level-1A scene.

    Examples
    --------
    >>> same_scene(
    ...     "26933810702101419062X", "008-012_S2_693-381-0_2007-02-10-14-19-06_HRV-2_X_DT_GU"
    ... )
    True
    """
    if one == other:
        return True
    first, second = raw_name(one), raw_name(other)
    return (
        first is not None
        and second is not None
        and first[:3] == second[:3]
        and abs(first.time - second.time) <= _SAME_TIME
    )
