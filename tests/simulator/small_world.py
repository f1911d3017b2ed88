"""A virtual archive of two kilometres."""

from firn.simulation_config import Simulation


def simulation(**changes: object) -> Simulation:
    """One small tile with two Sentinel-2 dates; sections can be replaced."""
    tile = {
        "relief": "o",
        "crs": "EPSG:32632",
        "left": 633000,
        "top": 5199000,
        "size": 96,
        "latitude": 46.9,
        "longitude": 10.8,
    }
    content = {
        "reliefs": {"o": {"dem": "srtm_oetztal"}},
        "tiles": {"32TPT": tile},
        "sentinel2": {"32TPT": ["20190415", "20230615"]},
        "spot": [],
        **changes,
    }
    return Simulation.model_validate(content)
