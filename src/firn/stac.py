"""STAC items (SpatioTemporal Asset Catalog 1.1) of published maps."""

from typing import Any

from rasterio.warp import transform_geom

from firn import __version__
from firn.classes import (
    CLASS_NAMES,
    NO_DATA,
    PROBABILITY_NODATA,
    PROBABILITY_STEPS,
    PUBLISHED_COLOURS,
    PUBLISHED_NAMES,
    Quality,
)
from firn.cog import LEGEND_SUFFIX
from firn.grid import Grid
from firn.map_summary import MapSummary
from firn.methods.base import ModelCard
from firn.methods.model_file import card_digest
from firn.products import Scene

STAC_VERSION = "1.1.0"
#: Extensions that an item uses, in the versions that belong to STAC 1.1; of eo, whose cover of snow
#: and cloud is in all versions, the one that clients know.
EXTENSIONS = [
    f"https://stac-extensions.github.io/{name}/schema.json"
    for name in (
        "classification/v2.0.0",
        "eo/v1.1.0",
        "processing/v1.2.0",
        "projection/v2.0.0",
        "raster/v2.0.0",
        "view/v1.0.0",
    )
]
COG = "image/tiff; application=geotiff; profile=cloud-optimized"

#: What each bit of ``quality.tif`` says.
QUALITY_DESCRIPTIONS = {
    Quality.SATURATED: "saturated in at least one band",
    Quality.NODATA_BUFFER: "within the buffer around missing data",
    Quality.FOREST: "forest: tree cover density above the limit",
    Quality.WATER: "water",
    Quality.SHADED: "faces away from the sun or lies in cast shadow",
    Quality.LOW_CONFIDENCE: "probability of the class below the limit",
}


def map_item(
    scene: Scene,
    grid: Grid,
    card: ModelCard,
    provenance: dict[str, Any],
    summary: MapSummary,
) -> dict[str, Any]:
    """STAC item of a map; its only time is that of the acquisition.

    Parameters
    ----------
    scene : Scene
    grid : Grid
        Grid of the map.
    card : ModelCard
        Of the model that made it.
    provenance : dict
        As `firn.provenance.provenance` makes it.
    summary : MapSummary
        Of the whole map.
    """
    corners = _footprint(grid, summary)
    return {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "stac_extensions": EXTENSIONS,
        "id": f"{scene.scene_id}_{card.method}",
        "bbox": [*map(min, zip(*corners, strict=True)), *map(max, zip(*corners, strict=True))],
        "geometry": {"type": "Polygon", "coordinates": [corners]},
        "properties": {
            "datetime": scene.acquisition_time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "platform": scene.platform.lower(),
            "instruments": [scene.instrument.lower()],
            "gsd": grid.resolution,
            "view:sun_elevation": round(90 - scene.sun_zenith, 6),
            "view:sun_azimuth": round(scene.sun_azimuth, 6),
            **_projection(grid),
            "processing:level": "L2",
            "processing:lineage": (
                f"{card.method} for {card.sensor} applied to {scene.scene_id} by firn"
            ),
            "processing:software": {"firn": __version__},
            **summary.properties,
            "firn:product": scene.scene_id,
            "firn:method": card.method,
            "firn:model": card_digest(card),
            "firn:sensor": card.sensor,
            "firn:bands": list(card.bands),
            **({} if card.released is None else {"firn:released": card.released}),
            "firn:provenance": provenance,
        },
        "links": [],
        "assets": {
            "snow": _snow_asset(),
            "legend": _legend_asset(),
            "probability": _probability_asset(),
            "quality": _quality_asset(),
        },
    }


def _footprint(grid: Grid, summary: MapSummary) -> list[list[float]]:
    """Corners of the outline of all data, (longitude, latitude)."""
    polygon = {"type": "Polygon", "coordinates": [summary.outline(grid)]}
    outline = transform_geom(grid.crs, "EPSG:4326", polygon)["coordinates"][0]
    return [[round(x, 7), round(y, 7)] for x, y in outline]


def _projection(grid: Grid) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "proj:shape": list(grid.shape),
        "proj:transform": list(grid.transform)[:6],
    }
    epsg = grid.crs.to_epsg()
    if epsg is None:
        return properties | {"proj:code": None, "proj:wkt2": grid.crs.to_wkt(version="WKT2_2019")}
    return properties | {"proj:code": f"EPSG:{epsg}"}


def _snow_asset() -> dict[str, Any]:
    classes = [
        {
            "value": value,
            "name": name,
            "color_hint": PUBLISHED_COLOURS[value].removeprefix("#").upper(),
        }
        for value, name in PUBLISHED_NAMES.items()
    ]
    classes.append({"value": NO_DATA, "name": "no_data", "nodata": True})
    return {
        "href": "./snow.tif",
        "title": "Snow, cloud and ground",
        "type": COG,
        "roles": ["data"],
        "data_type": "uint8",
        "nodata": NO_DATA,
        "classification:classes": classes,
    }


def _legend_asset() -> dict[str, Any]:
    return {
        "href": f"./snow.tif{LEGEND_SUFFIX}",
        "title": "Class names and colours, which GDAL reads beside snow.tif",
        "type": "application/xml",
        "roles": ["metadata"],
    }


def _probability_asset() -> dict[str, Any]:
    return {
        "href": "./probability.tif",
        "title": "Probability of each class",
        "type": COG,
        "roles": ["data"],
        "data_type": "uint8",
        "nodata": PROBABILITY_NODATA,
        "bands": [
            {"name": name, "raster:scale": 1 / PROBABILITY_STEPS, "raster:offset": 0.0}
            for name in CLASS_NAMES
        ],
    }


def _quality_asset() -> dict[str, Any]:
    return {
        "href": "./quality.tif",
        "title": "Quality bits",
        "type": COG,
        "roles": ["metadata"],
        "data_type": "uint8",
        "classification:bitfields": [
            {
                "offset": bit.value.bit_length() - 1,
                "length": 1,
                "name": str(bit.name).lower(),
                "description": description,
                "classes": [{"value": 0, "name": "no"}, {"value": 1, "name": "yes"}],
            }
            for bit, description in QUALITY_DESCRIPTIONS.items()
        ],
    }
