"""Product names as the archives spell them. Standard library only: a Snakefile may import this.

All times are UTC. Sources of the conventions: ESA's Sentinel-2 products specification for L1C,
the Theia (MUSCATE) product descriptions for the others.
"""

from datetime import datetime

#: Absolute orbits in ten days: the repeat cycle of Sentinel-2.
_ORBITS_PER_CYCLE = 143
_CYCLE_DAYS = 10
_LAUNCH = {"S2A": datetime(2015, 6, 23, 2), "S2B": datetime(2017, 3, 7, 2)}


def compact_time(time: datetime) -> str:
    """Format a time as in Sentinel-2 names: ``20180415T103021``."""
    return f"{time:%Y%m%dT%H%M%S}"


def muscate_time(time: datetime) -> str:
    """Format a time as in MUSCATE names: ``20180415-103021-024``."""
    return f"{time:%Y%m%d-%H%M%S}-{time.microsecond // 1000:03d}"


def muscate_platform(platform: str) -> str:
    """Give MUSCATE's name of a Sentinel-2 satellite: ``SENTINEL2A`` for ``S2A``."""
    return platform.replace("S2", "SENTINEL2")


def absolute_orbit(platform: str, time: datetime) -> int:
    """Count the orbits since launch, roughly: the number only has to identify."""
    days = (time.replace(tzinfo=None) - _LAUNCH[platform]).total_seconds() / 86400
    return max(0, int(days * _ORBITS_PER_CYCLE / _CYCLE_DAYS))


def l1c_name(
    platform: str, sensing_time: datetime, baseline: str, relative_orbit: int, tile: str
) -> str:
    """Give the name of a Sentinel-2 L1C product, without ``.SAFE``.

    Parameters
    ----------
    platform : str
        ``S2A`` or ``S2B``.
    sensing_time : datetime
        Also stands for the product discriminator.
    baseline : str
        Processing baseline, ``02.04``.
    relative_orbit : int
    tile : str
        MGRS tile without the leading T, ``32TPT``.

    Examples
    --------
    >>> l1c_name("S2A", datetime(2018, 4, 15, 10, 30, 21), "02.06", 108, "32TPT")
    'S2A_MSIL1C_20180415T103021_N0206_R108_T32TPT_20180415T103021'
    """
    time = compact_time(sensing_time)
    number = baseline.replace(".", "")
    return f"{platform}_MSIL1C_{time}_N{number}_R{relative_orbit:03d}_T{tile}_{time}"


def l1c_granule_name(platform: str, sensing_time: datetime, tile: str) -> str:
    """Give the name of the granule's folder in an L1C product."""
    orbit = absolute_orbit(platform, sensing_time)
    return f"L1C_T{tile}_A{orbit:06d}_{compact_time(sensing_time)}"


def l1c_datastrip_name(sensing_time: datetime) -> str:
    """Give the name of the datastrip's folder in an L1C product."""
    return f"DS_SGS__{compact_time(sensing_time)}_S{compact_time(sensing_time)}"


def l2a_name(platform: str, time: datetime, tile: str) -> str:
    """Give the name of a MAJA L2A product in MUSCATE format.

    Examples
    --------
    >>> l2a_name("S2A", datetime(2018, 4, 15, 10, 30, 21, 24000), "32TPT")
    'SENTINEL2A_20180415-103021-024_L2A_T32TPT_C_V1-0'
    """
    return f"{muscate_platform(platform)}_{muscate_time(time)}_L2A_T{tile}_C_V1-0"


def snow_name(platform: str, time: datetime, tile: str) -> str:
    """Give the name of a Theia snow product.

    Examples
    --------
    >>> snow_name("S2B", datetime(2018, 4, 15, 10, 30, 21, 24000), "32TPT")
    'SENTINEL2B_20180415-103021-024_L2B-SNOW_T32TPT_D_V1-0'
    """
    return f"{muscate_platform(platform)}_{muscate_time(time)}_L2B-SNOW_T{tile}_D_V1-0"


def lis_fraction_name(layer: str, time: datetime, tile: str) -> str:
    """Give the name of a layer of Theia's snow fraction, which is that of the product with FSC.

    Examples
    --------
    >>> lis_fraction_name("FSC", datetime(2018, 1, 1, 10, 54, 35), "31TCH")
    'LIS_S2-SNOW-FSC_T31TCH_20180101T105435_1.7.0_1'
    """
    return f"LIS_S2-SNOW-{layer}_T{tile}_{compact_time(time)}_1.7.0_1"


def copernicus_fraction_name(platform: str, time: datetime, tile: str) -> str:
    """Give the name of a Copernicus product of the snow fraction.

    Examples
    --------
    >>> copernicus_fraction_name("S2A", datetime(2020, 6, 12, 11, 8, 55), "31TCJ")
    'FSC_20200612T110855_S2A_T31TCJ_V100_1'
    """
    return f"FSC_{compact_time(time)}_{platform}_T{tile}_V100_1"


def swh_scene_id(
    platform: str, instrument: str, time: datetime, k: int, j: int, shift: int = 0
) -> str:
    """Give the identifier of a SPOT World Heritage L1C scene.

    Parameters
    ----------
    platform : str
        ``SPOT1`` to ``SPOT5``.
    instrument : str
        ``HRV1``, ``HRV2``, ``HRVIR1``, ``HRVIR2``, ``HRG1`` or ``HRG2``.
    time : datetime
    k, j : int
        Column and row of the SPOT grid reference system.
    shift : int
        Tenths of a scene by which the scene lies further along its track.

    Examples
    --------
    >>> swh_scene_id("SPOT1", "HRV1", datetime(2003, 9, 18, 10, 35, 0, 347000), 46, 265)
    'SPOT1-HRV1-XS_20030918-103500-347_L1C_046-265-0_D_V1-0'
    """
    return f"{platform}-{instrument}-XS_{muscate_time(time)}_L1C_{k:03d}-{j:03d}-{shift}_D_V1-0"


def take5_scene_id(platform: str, instrument: str, time: datetime, site: str) -> str:
    """Give the identifier of a SPOT Take5 L1C scene in its older format.

    Parameters
    ----------
    platform, instrument : str
        ``SPOT4``, ``HRVIR1``.
    time : datetime
    site : str
        Letters and digits.

    Examples
    --------
    >>> take5_scene_id("SPOT4", "HRVIR1", datetime(2013, 6, 8), "Argentina")
    'SPOT4_HRVIR1_XS_20130608_N1_TUILE_EArgentinaD0000B0000'
    """
    return f"{platform}_{instrument}_XS_{time:%Y%m%d}_N1_TUILE_E{site}D0000B0000"


def spot_scene_number(
    platform: str, instrument: str, time: datetime, k: int, j: int, mode: str
) -> str:
    """Give the number of a scene in the SPOT catalogue, ``SKKKJJJYYMMDDHHMMSSIX``.

    Parameters
    ----------
    platform, instrument : str
        ``SPOT2``, ``HRV1``.
    time : datetime
    k, j : int
        Column and row of the SPOT grid reference system.
    mode : str
        ``X`` three bands, ``I`` four of SPOT4, ``J`` four of SPOT5.

    Examples
    --------
    >>> spot_scene_number("SPOT2", "HRV1", datetime(2007, 2, 10, 14, 19, 6), 693, 381, "X")
    '26933810702101419061X'
    """
    return f"{platform[-1]}{k:03d}{j:03d}{time:%y%m%d%H%M%S}{instrument[-1]}{mode}"
