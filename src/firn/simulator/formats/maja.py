"""MAJA L2A products in MUSCATE format: flat surface reflectance and masks, zipped."""

import os
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from firn.errors import ProductError
from firn.raster import write
from firn.simulator.formats import muscate
from firn.simulator.formats.metadata import RESOLUTIONS, Sentinel2Metadata, short_band
from firn.simulator.formats.naming import muscate_platform
from firn.simulator.formats.package import check_shape, zipped_folder
from firn.simulator.formats.xml import node, write_xml

QUANTIFICATION = 10000
NODATA = -10000
#: Pixel size of each resolution group, m.
GROUPS: dict[str, int] = {"R1": 10, "R2": 20}
#: Bands of each group in the order of the bits of the saturation mask. MAJA delivers no 60 m band.
GROUP_BANDS: dict[str, tuple[str, ...]] = {
    group: tuple(short_band(band) for band, step in RESOLUTIONS.items() if step == resolution)
    for group, resolution in GROUPS.items()
}
#: Natures of the bits of the geophysical mask MG2, from bit 0 on (product documentation; MAJA 4
#: swaps bits 4 and 5).
GEOPHYSICAL_NATURES = (
    "Water",
    "Cloud",
    "Snow",
    "Cloud_Shadow",
    "Topography_Shadow",
    "Hidden_Surface",
    "Sun_Too_Low",
    "Tangent_Sun",
)
_SNOW_BIT = 4

Byte = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class L2AMasks:
    """Masks of an L2A product.

    Parameters
    ----------
    clm : ndarray of uint8, (y, x) at 20 m
        Cloud mask: bit 0 all clouds and shadows, 1 all clouds, 2 mono-temporal threshold,
        3 multi-temporal, 4 thinnest, 5 and 6 shadows of clouds inside and outside, 7 cirrus.
    mg2 : ndarray of uint8, (y, x) at 20 m
        Geophysical mask, bits as in `GEOPHYSICAL_NATURES`.
    edg : ndarray of uint8, (y, x) at 20 m
        1 where there is no data.
    saturated : mapping of band (``B2``) to ndarray of bool
        At the band's native resolution; a band left out did not saturate.
    """

    clm: Byte
    mg2: Byte
    edg: Byte
    saturated: Mapping[str, npt.NDArray[np.bool_]] = field(default_factory=dict)


def write_l2a(
    path: str | os.PathLike[str],
    reflectance: Mapping[str, npt.NDArray[np.float32]],
    masks: L2AMasks,
    meta: Sentinel2Metadata,
) -> None:
    """Write a MAJA L2A product with its flat reflectances (FRE) as a zip.

    Masks appear at 10 m too, each pixel repeated. Images that a full product would hold beside
    (SRE, ATB, quick-look) are neither written nor listed.

    Parameters
    ----------
    path : path
        The zip file.
    reflectance : mapping of band (``B2``) to ndarray of float32, (y, x)
        Surface reflectance corrected for the slope, at the band's native resolution; NaN where
        there is no data.
    masks : L2AMasks
    meta : Sentinel2Metadata

    Raises
    ------
    ProductError
        A band is unknown or none is given.
    GridError
        An array does not have the shape of its grid.
    """
    deliverable = {band for bands in GROUP_BANDS.values() for band in bands}
    if not reflectance or set(reflectance) - deliverable:
        raise ProductError(
            f"{path}: bands {sorted(reflectance)} given, expected some of {sorted(deliverable)}"
        )
    groups = {
        group: [band for band in bands if band in reflectance]
        for group, bands in GROUP_BANDS.items()
    }
    name = meta.l2a_name
    with zipped_folder(path, name, meta.sensing_time) as folder:
        for group, bands in groups.items():
            grid = meta.grid.with_resolution(GROUPS[group])
            for band in bands:
                check_shape(f"{path}: {band}", reflectance[band], grid)
                write(
                    folder / f"{name}_FRE_{band}.tif", to_dn(reflectance[band]), grid, nodata=NODATA
                )
        _write_masks(folder / "MASKS", masks, meta)
        write_xml(folder / f"{name}_MTD_ALL.xml", _document(meta, masks, groups))


def to_dn(reflectance: npt.NDArray[np.float32]) -> npt.NDArray[np.int16]:
    """Digital numbers of L2A: ``reflectance = dn / 10000``, -10000 where there is no data."""
    valid = np.isfinite(reflectance)
    scaled = np.rint(np.where(valid, reflectance, 0) * QUANTIFICATION)
    limits = np.iinfo(np.int16)
    clipped = np.clip(scaled, NODATA + 1, limits.max)
    return np.where(valid, clipped, NODATA).astype(np.int16)


def _write_masks(folder: Path, masks: L2AMasks, meta: Sentinel2Metadata) -> None:
    coarse = meta.grid.with_resolution(GROUPS["R2"])
    for group, resolution in GROUPS.items():
        grid = meta.grid.with_resolution(resolution)
        for kind, values in (("CLM", masks.clm), ("MG2", masks.mg2), ("EDG", masks.edg)):
            check_shape(kind, values, coarse)
            scaled = values if group == "R2" else _at_10_m(values)
            write(folder / f"{meta.l2a_name}_{kind}_{group}.tif", scaled, grid)
        saturation = np.zeros(grid.shape, np.uint8)
        for bit, band in enumerate(GROUP_BANDS[group]):
            if band in masks.saturated:
                check_shape(f"SAT {band}", masks.saturated[band], grid)
                saturation |= masks.saturated[band].astype(np.uint8) << bit
        write(folder / f"{meta.l2a_name}_SAT_{group}.tif", saturation, grid)


def _at_10_m(values: Byte) -> Byte:
    return values.repeat(2, axis=0).repeat(2, axis=1)


def _document(
    meta: Sentinel2Metadata, masks: L2AMasks, groups: Mapping[str, Iterable[str]]
) -> ET.Element:
    identity = muscate.Identity(
        product_id=meta.l2a_name,
        platform=muscate_platform(meta.platform),
        level="L2A",
        acquisition_time=meta.sensing_time,
        project="SENTINEL2",
        zone=f"T{meta.tile}",
        orbit=meta.relative_orbit,
    )
    present = {group: tuple(bands) for group, bands in groups.items()}
    grids = {group: meta.grid.with_resolution(step) for group, step in GROUPS.items()}
    files = [
        node("IMAGE_FILE", f"{meta.l2a_name}_FRE_{band}.tif", band_id=band)
        for bands in present.values()
        for band in bands
    ]
    image = muscate.image("Flat_Reflectance", "int16", files)
    return muscate.document(
        [
            muscate.dataset_identification(identity),
            muscate.product_characteristics(identity, present),
            muscate.product_organisation([image], _mask_elements(meta.l2a_name)),
            muscate.geoposition(grids),
            muscate.geometric_informations(meta.sun_zenith, meta.sun_azimuth, meta.grid),
            _radiometry(meta, present),
            muscate.quality_informations([_global_quality(masks)]),
        ]
    )


def _mask_elements(name: str) -> list[ET.Element]:
    def files(kind: str, bit: int | None = None) -> list[ET.Element]:
        bits = {} if bit is None else {"bit_number": bit + 1}  # MUSCATE counts bits from 1
        return [
            node("MASK_FILE", f"MASKS/{name}_{kind}_{group}.tif", group_id=group, **bits)
            for group in GROUPS
        ]

    saturation = [
        node(
            "MASK_FILE",
            f"MASKS/{name}_SAT_{group}.tif",
            group_id=group,
            band_id=band,
            bit_number=bit + 1,
        )
        for group, bands in GROUP_BANDS.items()
        for bit, band in enumerate(bands)
    ]
    geophysical = [
        muscate.mask(nature, files("MG2", bit))
        for bit, nature in enumerate(GEOPHYSICAL_NATURES)
        if nature != "Cloud"
    ]
    return [
        muscate.mask("Detailed_Cloud", files("CLM")),
        # MAJA's own template takes "Cloud" from the summary bit of CLM rather than from MG2.
        muscate.mask("Cloud", files("CLM", 0)),
        muscate.mask("Edge", files("EDG", 0)),
        muscate.mask("Saturation", saturation),
        *geophysical,
    ]


def _radiometry(meta: Sentinel2Metadata, groups: Mapping[str, Iterable[str]]) -> ET.Element:
    irradiance = {short_band(band): value for band, value in meta.solar_irradiance.items()}
    bands = [
        node(
            "Spectral_Band_Informations",
            [
                node("PhysicalGain", 1),
                node("SOLAR_IRRADIANCE", irradiance[band], unit="W/m2/micrometer"),
                node("SPATIAL_RESOLUTION", GROUPS[group], unit="m"),
            ],
            band_id=band,
        )
        for group, names in groups.items()
        for band in names
    ]
    return node(
        "Radiometric_Informations",
        [
            node("REFLECTANCE_QUANTIFICATION_VALUE", QUANTIFICATION),
            muscate.special_values({"nodata": NODATA}),
            node("Spectral_Band_Informations_List", bands),
        ],
    )


def _global_quality(masks: L2AMasks) -> ET.Element:
    seen = masks.edg == 0
    count = max(int(seen.sum()), 1)
    percents = {
        "CloudPercent": 100 * int(((masks.clm > 0) & seen).sum()) // count,
        "SnowPercent": 100 * int(((masks.mg2 & _SNOW_BIT > 0) & seen).sum()) // count,
        "RainDetected": "false",
        "HotSpotDetected": "false",
        "SunGlintDetected": "false",
    }
    return node("Global_Index_List", muscate.quality_indexes(percents))
