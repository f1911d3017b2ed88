"""Smallest products in the published formats, built by hand, independent of the simulator."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine

Array = npt.NDArray[Any]

LEFT, TOP, EPSG = 600000.0, 5200020.0, 32632
#: Side of the products in metres: a multiple of 10, 20 and 60.
SIDE = 480


def transform(resolution: float, left: float = LEFT, top: float = TOP) -> Affine:
    return Affine(resolution, 0, left, 0, -resolution, top)


def write_raster(
    path: Path,
    values: Array,
    resolution: float,
    *,
    left: float = LEFT,
    top: float = TOP,
    epsg: int = EPSG,
    nodata: float | None = None,
) -> None:
    """GeoTIFF, or lossless JPEG 2000 by suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    jp2 = {"driver": "JP2OpenJPEG", "QUALITY": "100", "REVERSIBLE": "YES", "YCBCR420": "NO"}
    with rasterio.open(
        path,
        "w",
        height=values.shape[0],
        width=values.shape[1],
        count=1,
        dtype=values.dtype,
        crs=f"EPSG:{epsg}",
        transform=transform(resolution, left, top),
        nodata=nodata,
        **(jp2 if path.suffix == ".jp2" else {"driver": "GTiff"}),
    ) as dataset:
        dataset.write(values, 1)


def write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def zip_folder(folder: Path) -> Path:
    """Zip with the folder inside, beside it."""
    target = folder.with_name(folder.name + ".zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder.parent))
    return target


def sentinel2(
    parent: Path,
    bands: Mapping[str, Array],
    *,
    name: str = "S2A_MSIL1C_20180314T102021_N0206_R065_T32TPT_20180314T140000",
    offsets: Mapping[int, float] | None = None,
    side: int = SIDE,
    left: float = LEFT,
    top: float = TOP,
    epsg: int = EPSG,
) -> Path:
    """SAFE folder; a band's resolution follows from its size."""
    safe = parent / f"{name}.SAFE"
    offset_list = "".join(
        f'<RADIO_ADD_OFFSET band_id="{band}">{value:g}</RADIO_ADD_OFFSET>'
        for band, value in (offsets or {}).items()
    )
    write_text(
        safe / "MTD_MSIL1C.xml",
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<n1:Level-1C_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User.xsd">'
        f"<n1:General_Info><Product_Info><PRODUCT_URI>{name}.SAFE</PRODUCT_URI></Product_Info>"
        "<Product_Image_Characteristics>"
        "<QUANTIFICATION_VALUE unit='none'>10000</QUANTIFICATION_VALUE>"
        f"<Radiometric_Offset_List>{offset_list}</Radiometric_Offset_List>"
        "</Product_Image_Characteristics></n1:General_Info></n1:Level-1C_User_Product>",
    )
    tile = name.split("_")[5]
    granule = safe / "GRANULE" / f"L1C_{tile}_A014237_20180314T102021"
    sizes = "".join(
        f'<Size resolution="{r}"><NROWS>{side // r}</NROWS><NCOLS>{side // r}</NCOLS></Size>'
        f'<Geoposition resolution="{r}"><ULX>{left:.0f}</ULX><ULY>{top:.0f}</ULY>'
        f"<XDIM>{r}</XDIM><YDIM>-{r}</YDIM></Geoposition>"
        for r in (10, 20, 60)
    )
    write_text(
        granule / "MTD_TL.xml",
        '<n1:Level-1C_Tile_ID xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/Tile.xsd">'
        "<n1:General_Info><SENSING_TIME>2018-03-14T10:24:59.123Z</SENSING_TIME></n1:General_Info>"
        "<n1:Geometric_Info><Tile_Geocoding>"
        f"<HORIZONTAL_CS_CODE>EPSG:{epsg}</HORIZONTAL_CS_CODE>{sizes}</Tile_Geocoding>"
        "<Tile_Angles><Mean_Sun_Angle><ZENITH_ANGLE unit='deg'>51.25</ZENITH_ANGLE>"
        "<AZIMUTH_ANGLE unit='deg'>157.5</AZIMUTH_ANGLE></Mean_Sun_Angle></Tile_Angles>"
        "</n1:Geometric_Info></n1:Level-1C_Tile_ID>",
    )
    for band, values in bands.items():
        file = granule / "IMG_DATA" / f"{tile}_20180314T102021_{band}.jp2"
        write_raster(file, values, side / values.shape[0], left=left, top=top, epsg=epsg)
        # Real products carry masks whose names end in the band as well.
        write_text(granule / "QI_DATA" / f"MSK_QUALIT_{band}.jp2", "not an image of the band")
    return safe


def maja(
    parent: Path, rasters: Mapping[str, Array], *, name: str = "SENTINEL2A_20180314-102459-123"
) -> Path:
    """MUSCATE folder; keys of ``rasters`` end the file names: ``FRE_B4``, ``MASKS/CLM_R2``."""
    full = f"{name}_L2A_T32TPT_C_V1-0"
    product = parent / full
    write_text(
        product / f"{full}_MTD_ALL.xml",
        "<Muscate_Metadata_Document><Dataset_Identification>"
        "<GEOGRAPHICAL_ZONE type='Tile'>T32TPT</GEOGRAPHICAL_ZONE></Dataset_Identification>"
        f"<Product_Characteristics><PRODUCT_ID>{full}</PRODUCT_ID>"
        "<ACQUISITION_DATE>2018-03-14T10:24:59.123Z</ACQUISITION_DATE>"
        "<PLATFORM>SENTINEL2A</PLATFORM></Product_Characteristics>"
        "<Geometric_Informations><Mean_Value_List><Sun_Angles>"
        "<ZENITH_ANGLE unit='deg'>51.25</ZENITH_ANGLE><AZIMUTH_ANGLE "
        "unit='deg'>157.5</AZIMUTH_ANGLE></Sun_Angles></Mean_Value_List></Geometric_Informations><Radiometric_Informations>"
        "<REFLECTANCE_QUANTIFICATION_VALUE>10000</REFLECTANCE_QUANTIFICATION_VALUE>"
        "<Special_Values_List><SPECIAL_VALUE "
        "name='nodata'>-10000</SPECIAL_VALUE></Special_Values_List></Radiometric_Informations></Muscate_Metadata_Document>",
    )
    for key, values in rasters.items():
        folder, _, kind = key.rpartition("/")
        file = product / folder / f"{full}_{kind}.tif"
        write_raster(file, values, SIDE / values.shape[0])
    return product


def snow(parent: Path, codes: Array, *, day: str = "20180314") -> Path:
    """Theia snow folder."""
    name = f"SENTINEL2A_{day}-102459-123_L2B-SNOW_T32TPT_D_V1-0"
    write_raster(parent / name / f"{name}_SNW_R2.tif", codes, SIDE / codes.shape[0])
    write_text(parent / name / f"{name}_MTD_ALL.xml", "<Muscate_Metadata_Document/>")
    return parent / name


def swh(
    parent: Path,
    bands: Mapping[str, Array],
    saturation: Mapping[str, float],
    *,
    minimum: float | Mapping[str, float] = 0.005,
    name: str = "SPOT4-HRVIR1-XS_20010614-110246-780_L1C_039-264-0_D_V1-0",
) -> Path:
    """SWH Level-1C folder; the metadata describe the bands of ``saturation``."""
    product = parent / name
    platform, instrument, _ = name.split("_")[0].split("-")
    date = name.split("_")[1]
    quality = "".join(
        f"<Band_Index_List band_id='{band}'>"
        f"<QUALITY_INDEX name='ReflectanceMax'>{value}</QUALITY_INDEX>"
        f"<QUALITY_INDEX name='ReflectanceMin'>"
        f"{minimum if isinstance(minimum, float | int) else minimum[band]}</QUALITY_INDEX>"
        "</Band_Index_List>"
        for band, value in saturation.items()
    )
    write_text(
        product / f"{name}_MTD_ALL.xml",
        "<Muscate_Metadata_Document><Product_Characteristics>"
        f"<ACQUISITION_DATE>{date[:4]}-{date[4:6]}-{date[6:8]}T11:02:46.780Z</ACQUISITION_DATE>"
        f"<PRODUCT_ID>{name}</PRODUCT_ID><PLATFORM>{platform}</PLATFORM>"
        f"<INSTRUMENT>{instrument}</INSTRUMENT></Product_Characteristics>"
        "<Geoposition_Informations><Coordinate_Reference_System><Horizontal_Coordinate_System>"
        f"<HORIZONTAL_CS_CODE>{EPSG}</HORIZONTAL_CS_CODE></Horizontal_Coordinate_System>"
        "</Coordinate_Reference_System></Geoposition_Informations>"
        "<Geometric_Informations><Mean_Value_List><Sun_Angles>"
        "<ZENITH_ANGLE unit='deg'>24.5</ZENITH_ANGLE><AZIMUTH_ANGLE unit='deg'>141</AZIMUTH_ANGLE>"
        f"</Sun_Angles></Mean_Value_List></Geometric_Informations><Quality_Informations>{quality}"
        "</Quality_Informations></Muscate_Metadata_Document>",
    )
    for band, values in bands.items():
        write_raster(product / f"{name}_{band}.tif", values, 20)
    return product


def full(shape: tuple[int, int], value: float, dtype: str) -> Array:
    return np.full(shape, value, dtype)
