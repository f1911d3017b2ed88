"""Virtual pairs of dates as files."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from firn import raster
from firn.cloud_removal.pairs import PairFiles, pair_files
from firn.cloud_removal.snow import tile_snow
from firn.cloud_removal_config import BANDS, Fires, Radar, VirtualPair
from firn.config import SnowMapSettings
from firn.simulation_config import Climate
from firn.simulator.pairs import seasonal, simulate_pair
from firn.simulator.world import share_of, tile_grid
from tests.simulator.hand_made_world import MATERIALS, flat_world
from tests.simulator.small_world import simulation

# The snow of May is wet and gone in August; the tile lies at the lower end of a valley.
CLIMATE = Climate(snow_line_winter=1500, snow_line_summer=3600, snow_line_spread=0)
SIMULATION = simulation(climate=CLIMATE)
PAIR = VirtualPair(tile="32TPT", t0="20190520", t1="20190818", year=("20181105",))
FIRES = Fires(count=2, radius=(200, 300))


def simulate(folder: Path) -> PairFiles:
    files = pair_files(folder)
    simulate_pair(SIMULATION, PAIR, BANDS, Radar(), FIRES, 4, files)
    return files


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> PairFiles:
    return simulate(tmp_path_factory.mktemp("pair"))


def image(path: Path) -> np.ndarray:
    values = raster.read(path).values
    return values / np.float32(10000) if values.dtype == np.uint16 else values


def test_all_files_are_on_the_grid_of_the_tile(files: PairFiles) -> None:
    grid = tile_grid(SIMULATION, "32TPT")
    assert all(raster.grid_of(path) == grid for path in vars(files).values())
    assert raster.band_names(files.sentinel2_t1) == BANDS
    assert raster.band_names(files.sentinel1_t0) == ("VV", "VH")
    assert raster.tags(files.sentinel1_t0)["orbit_direction"] == "descending"


def test_files_repeat_to_the_byte(files: PairFiles, tmp_path: Path) -> None:
    again = simulate(tmp_path)
    for name, path in vars(files).items():
        assert Path(getattr(again, name)).read_bytes() == Path(path).read_bytes()


def test_melting_snow_is_bright_in_one_and_dark_in_the_other(files: PairFiles) -> None:
    before, after = image(files.sentinel2_t0), image(files.sentinel2_t1)
    maps = tile_snow(np.stack([before, after]), BANDS, SnowMapSettings())
    melted = (maps[0] == 100) & (maps[1] == 0)
    bare = image(files.severity)[0] == 0
    assert melted.sum() > 1000
    assert bare.sum() > 1000
    gain = [
        10 * np.log10(image(files.sentinel1_t1)[0][part].mean())
        - 10 * np.log10(image(files.sentinel1_t0)[0][part].mean())
        for part in (melted, bare)
    ]
    assert gain[0] - gain[1] > 2


def test_burn_ratio_falls_with_severity(files: PairFiles) -> None:
    before, after = image(files.sentinel2_t0), image(files.sentinel2_t1)
    severity = image(files.severity)[0]
    near, swir = BANDS.index("B8A"), BANDS.index("B12")

    def ratio(bands: np.ndarray) -> np.ndarray:
        return (bands[near] - bands[swir]) / (bands[near] + bands[swir])

    snow = tile_snow(np.stack([before, after]), BANDS, SnowMapSettings()).max(axis=0) == 100
    assert (severity[snow] == 255).mean() > 0.95
    difference = ratio(before) - ratio(after)
    by_class = [np.median(difference[severity == c]) for c in (0, 1, 2, 3)]
    assert by_class == sorted(by_class)
    assert by_class[3] - by_class[0] > 0.2


def test_year_holds_the_earlier_image(files: PairFiles) -> None:
    low, high = image(files.year_low), image(files.year_high)
    before = image(files.sentinel2_t0)
    assert (low <= before + 1e-6).all()
    assert (high >= before - 1e-6).all()
    assert (high > low).any()


def test_meadows_are_green_in_summer() -> None:
    world = flat_world()
    shares = {
        month: share_of(
            seasonal(world, MATERIALS, datetime(2019, month, 1, tzinfo=UTC)), MATERIALS, "grass"
        ).max()
        for month in (1, 4, 7)
    }
    assert shares[1] < shares[4] < shares[7]
    winter = seasonal(world, MATERIALS, datetime(2019, 1, 1, tzinfo=UTC))
    both = share_of(winter, MATERIALS, "grass") + share_of(winter, MATERIALS, "dry_grass")
    np.testing.assert_allclose(both, share_of(world, MATERIALS, "grass"), atol=1e-6)
