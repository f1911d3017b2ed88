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
    """GeoTIFF, or lossless JPEG 2000 by suffix; (y, x) or (band, y, x)."""
    bands = values[np.newaxis] if values.ndim == 2 else values
    path.parent.mkdir(parents=True, exist_ok=True)
    jp2 = {"driver": "JP2OpenJPEG", "QUALITY": "100", "REVERSIBLE": "YES", "YCBCR420": "NO"}
    with rasterio.open(
        path,
        "w",
        height=bands.shape[1],
        width=bands.shape[2],
        count=bands.shape[0],
        dtype=values.dtype,
        crs=f"EPSG:{epsg}",
        transform=transform(resolution, left, top),
        nodata=nodata,
        **(jp2 if path.suffix == ".jp2" else {"driver": "GTiff"}),
    ) as dataset:
        dataset.write(bands)


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
    physical = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")
    spectral = "".join(
        f'<Spectral_Information bandId="{i}" physicalBand="{band}"/>'
        for i, band in enumerate(physical)
    )
    write_text(
        safe / "MTD_MSIL1C.xml",
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<n1:Level-1C_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User.xsd">'
        f"<n1:General_Info><Product_Info><PRODUCT_URI>{name}.SAFE</PRODUCT_URI></Product_Info>"
        "<Product_Image_Characteristics>"
        "<Special_Values><SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT>"
        "<SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX></Special_Values>"
        "<Special_Values><SPECIAL_VALUE_TEXT>SATURATED</SPECIAL_VALUE_TEXT>"
        "<SPECIAL_VALUE_INDEX>65535</SPECIAL_VALUE_INDEX></Special_Values>"
        "<QUANTIFICATION_VALUE unit='none'>10000</QUANTIFICATION_VALUE>"
        f"<Radiometric_Offset_List>{offset_list}</Radiometric_Offset_List>"
        f"<Spectral_Information_List>{spectral}</Spectral_Information_List>"
        "</Product_Image_Characteristics></n1:General_Info></n1:Level-1C_User_Product>",
    )
    tile = name.split("_")[5]
    granule = safe / "GRANULE" / f"L1C_{tile}_A014237_20180314T102021"
    write_text(granule / "MTD_TL.xml", tile_metadata(side, left, top, epsg))
    for band, values in bands.items():
        file = granule / "IMG_DATA" / f"{tile}_20180314T102021_{band}.jp2"
        write_raster(file, values, side / values.shape[0], left=left, top=top, epsg=epsg)
        # Real products carry masks whose names end in the band as well.
        write_text(granule / "QI_DATA" / f"MSK_DETFOO_{band}.jp2", "not an image of the band")
    return safe


def tile_metadata(side: int = SIDE, left: float = LEFT, top: float = TOP, epsg: int = EPSG) -> str:
    """``MTD_TL.xml`` of a tile that needs one cell of the angle grid."""
    sizes = "".join(
        f'<Size resolution="{r}"><NROWS>{side // r}</NROWS><NCOLS>{side // r}</NCOLS></Size>'
        f'<Geoposition resolution="{r}"><ULX>{left:.0f}</ULX><ULY>{top:.0f}</ULY>'
        f"<XDIM>{r}</XDIM><YDIM>-{r}</YDIM></Geoposition>"
        for r in (10, 20, 60)
    )
    angles = "".join(
        f"<{angle}><COL_STEP unit='m'>5000</COL_STEP><ROW_STEP unit='m'>5000</ROW_STEP>"
        f"<Values_List><VALUES>{first}</VALUES><VALUES>{second}</VALUES></Values_List></{angle}>"
        for angle, first, second in (("Zenith", "50 60", "70 80"), ("Azimuth", "359 1", "359 1"))
    )
    return (
        '<n1:Level-1C_Tile_ID xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/Tile.xsd">'
        "<n1:General_Info><SENSING_TIME>2018-03-14T10:24:59.123Z</SENSING_TIME></n1:General_Info>"
        "<n1:Geometric_Info><Tile_Geocoding>"
        f"<HORIZONTAL_CS_CODE>EPSG:{epsg}</HORIZONTAL_CS_CODE>{sizes}</Tile_Geocoding>"
        f"<Tile_Angles><Sun_Angles_Grid>{angles}</Sun_Angles_Grid>"
        "<Mean_Sun_Angle><ZENITH_ANGLE unit='deg'>51.25</ZENITH_ANGLE>"
        "<AZIMUTH_ANGLE unit='deg'>157.5</AZIMUTH_ANGLE></Mean_Sun_Angle></Tile_Angles>"
        "</n1:Geometric_Info></n1:Level-1C_Tile_ID>"
    )


def sentinel2_before_2017(parent: Path, tiles: Mapping[str, Mapping[str, Array]]) -> Path:
    """SAFE folder in the layout before baseline 02.04, of several tiles: bands by tile."""
    stem = "PDMC_20160215T121255_R093_V20160214T093550_20160214T093550"
    safe = parent / f"S2A_OPER_PRD_MSIL1C_{stem}.SAFE"
    write_text(
        safe / f"S2A_OPER_MTD_SAFL1C_{stem}.xml",
        '<n1:Level-1C_User_Product xmlns:n1="https://psd-12.sentinel2.eo.esa.int/PSD/User.xsd">'
        "<n1:General_Info><Product_Info><PRODUCT_URI>not a name</PRODUCT_URI>"
        "<PROCESSING_BASELINE>02.01</PROCESSING_BASELINE></Product_Info>"
        "<Product_Image_Characteristics><QUANTIFICATION_VALUE unit='none'>1000"
        "</QUANTIFICATION_VALUE></Product_Image_Characteristics></n1:General_Info>"
        "</n1:Level-1C_User_Product>",
    )
    for tile, bands in tiles.items():
        granule = f"SGS__20160214T150139_A003379_T{tile}"
        folder = safe / "GRANULE" / f"S2A_OPER_MSI_L1C_TL_{granule}_N02.01"
        write_text(folder / f"S2A_OPER_MTD_L1C_TL_{granule}.xml", tile_metadata())
        for band, values in bands.items():
            file = folder / "IMG_DATA" / f"S2A_OPER_MSI_L1C_TL_{granule}_{band}.jp2"
            write_raster(file, values, SIDE / values.shape[0])
        write_text(
            folder / "QI_DATA" / f"S2A_OPER_MSK_CLOUDS_{granule}_B00_MSIL1C.gml",
            polygon_mask(("OPAQUE", [[(0, 0), (60, 0), (60, 60), (0, 60), (0, 0)]])),
        )
    return safe


Ring = list[tuple[float, float]]


def polygon_mask(
    *features: tuple[str, list[Ring]], epsg: int = EPSG, height: float | None = None
) -> str:
    """GML mask: types and rings, the outer one first, in metres right of and below the corner."""
    members = ""
    for kind, rings in features:
        sides = ""
        for number, ring in enumerate(rings):
            points = [(f"{LEFT + x:.0f}", f"{TOP - y:.0f}") for x, y in ring]
            numbers = [(*p, f"{height:g}") if height is not None else p for p in points]
            text = " ".join(" ".join(point) for point in numbers)
            side = "interior" if number else "exterior"
            sides += (
                f"<gml:{side}><gml:LinearRing><gml:posList srsDimension='{len(numbers[0])}'>{text}"
                f"</gml:posList></gml:LinearRing></gml:{side}>"
            )
        members += (
            "<eop:MaskFeature><eop:maskType codeSpace='urn:gs2:S2PDGS:maskType'>"
            f"{kind}</eop:maskType><eop:extentOf><gml:Polygon>{sides}</gml:Polygon></eop:extentOf>"
            "</eop:MaskFeature>"
        )
    return (
        "<eop:Mask xmlns:eop='http://www.opengis.net/eop/2.0' "
        "xmlns:gml='http://www.opengis.net/gml/3.2'><gml:boundedBy>"
        f"<gml:Envelope srsName='urn:ogc:def:crs:EPSG:8.7:{epsg}'/></gml:boundedBy>"
        f"<eop:maskMembers>{members}</eop:maskMembers></eop:Mask>"
    )


def maja(
    parent: Path,
    rasters: Mapping[str, Array],
    *,
    name: str = "SENTINEL2A_20180314-102459-123",
    listed: bool = False,
) -> Path:
    """MUSCATE folder; keys of ``rasters`` end the file names: ``FRE_B4``, ``MASKS/CLM_R2``.

    The metadata name the files where they are ``listed``.
    """
    full = f"{name}_L2A_T32TPT_C_V1-0"
    product = parent / full
    files = {}
    for key in rasters:
        folder, _, kind = key.rpartition("/")
        files[key] = f"{folder}/{full}_{kind}.tif".lstrip("/")
    organisation = "".join(
        f"<MASK_FILE>{file}</MASK_FILE>" if "/" in file else f"<IMAGE_FILE>{file}</IMAGE_FILE>"
        for file in (files.values() if listed else ())
    )
    write_text(
        product / f"{full}_MTD_ALL.xml",
        "<Muscate_Metadata_Document><Dataset_Identification>"
        "<GEOGRAPHICAL_ZONE type='Tile'>T32TPT</GEOGRAPHICAL_ZONE></Dataset_Identification>"
        f"<Product_Characteristics><PRODUCT_ID>{full}</PRODUCT_ID>"
        "<ACQUISITION_DATE>2018-03-14T10:24:59.123Z</ACQUISITION_DATE>"
        "<PLATFORM>SENTINEL2A</PLATFORM></Product_Characteristics>"
        f"<Product_Organisation>{organisation}</Product_Organisation>"
        "<Geometric_Informations><Mean_Value_List><Sun_Angles>"
        "<ZENITH_ANGLE unit='deg'>51.25</ZENITH_ANGLE><AZIMUTH_ANGLE "
        "unit='deg'>157.5</AZIMUTH_ANGLE></Sun_Angles></Mean_Value_List></Geometric_Informations><Radiometric_Informations>"
        "<REFLECTANCE_QUANTIFICATION_VALUE>10000</REFLECTANCE_QUANTIFICATION_VALUE>"
        "<Special_Values_List><SPECIAL_VALUE "
        "name='nodata'>-10000</SPECIAL_VALUE></Special_Values_List></Radiometric_Informations></Muscate_Metadata_Document>",
    )
    for key, values in rasters.items():
        write_raster(product / files[key], values, SIDE / values.shape[0])
    return product


def snow(parent: Path, codes: Array, *, day: str = "20180314") -> Path:
    """Theia snow folder."""
    name = f"SENTINEL2A_{day}-102459-123_L2B-SNOW_T32TPT_D_V1-0"
    write_raster(parent / name / f"{name}_SNW_R2.tif", codes, SIDE / codes.shape[0])
    write_text(parent / name / f"{name}_MTD_ALL.xml", "<Muscate_Metadata_Document/>")
    return parent / name


def snow_by_lis(parent: Path, codes: Array) -> Path:
    """Folder as Let-it-snow leaves it."""
    folder = parent / "SENTINEL2A_20180314-102459-123_L2A_T32TPT_C_V1-0"
    write_raster(folder / "LIS_PRODUCTS" / "LIS_SEB.TIF", codes, SIDE / codes.shape[0])
    return folder


def snow_fraction_of_theia(parent: Path, codes: Array, kind: str = "FSC") -> Path:
    """Newer Theia folder of the snow fraction, with its quality flags."""
    name = "T32TPT_20180314T102459_1.11.0_1"
    folder = parent / f"LIS_S2-SNOW-FSC_{name}"
    for layer, values in ((kind, codes), ("FSC-QCFLAGS", np.zeros_like(codes))):
        file = folder / f"LIS_S2-SNOW-{layer}_{name}.tif"
        write_raster(file, values, SIDE / codes.shape[0])
    return folder


def snow_fraction_of_copernicus(parent: Path, codes: Array) -> Path:
    """Copernicus folder of the snow fraction, at the top of the canopy and on the ground."""
    name = "FSC_20180314T102459_S2A_T32TPT_V100_1"
    for layer, values in (("FSCTOC", codes), ("FSCOG", codes + 0), ("QCTOC", codes * 0)):
        write_raster(parent / name / f"{name}_{layer}.tif", values, SIDE / codes.shape[0])
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


def take5(
    parent: Path,
    bands: Mapping[str, Array],
    saturated: Array,
    *,
    quantification: str = "<QUANTIFICATION><VALUE>1000.0</VALUE></QUANTIFICATION>",
) -> Path:
    """Take5 Level-1C folder as Theia gave it out in 2013: one image for all bands."""
    name = "SPOT4_HRVIR1_XS_20130616_N1_TUILE_EAlpsD0000B0000"
    stack = np.stack(list(bands.values()))
    rows, columns = saturated.shape
    write_text(
        parent / name / f"{name}.xml",
        f"<METADATA><HEADER><IDENT>{name}</IDENT><DATE_PDV>2013-06-16 06:40:34</DATE_PDV>"
        "<PLATEFORM>SPOT4</PLATEFORM><SENSOR>HRVIR1</SENSOR><MODE>XS</MODE>"
        "<LEVEL>N1_TUILE</LEVEL><VERSION>2.0</VERSION></HEADER>"
        f"<FILES><GEOTIFF>{name}.TIF</GEOTIFF></FILES>"
        "<GEOMETRY><PROJECTION>UTM32N</PROJECTION><RESOLUTION>20.0</RESOLUTION>"
        f"<NB_COLS>{columns}</NB_COLS><NB_ROWS>{rows}</NB_ROWS>"
        "<PIXEL_SIZE_X>20.0</PIXEL_SIZE_X><PIXEL_SIZE_Y>-20.0</PIXEL_SIZE_Y>"
        f"<ORIGIN_X>{LEFT}</ORIGIN_X><ORIGIN_Y>{TOP}</ORIGIN_Y></GEOMETRY>"
        f"<RADIOMETRY><BANDS>{';'.join(bands)}</BANDS><ANGLES><PHI_S>-145.5</PHI_S>"
        f"<THETA_S>31.25</THETA_S></ANGLES>{quantification}</RADIOMETRY></METADATA>",
    )
    write_raster(parent / name / f"{name}.TIF", stack, 20)
    write_raster(parent / name / "MASK" / f"{name}_SAT.TIF", saturated, 20)
    return parent / name


def full(shape: tuple[int, int], value: float, dtype: str) -> Array:
    return np.full(shape, value, dtype)


#: Location model of `spot_l1a`: longitude and latitude by 1, row, col, row col, row^2 and col^2.
L1A_LONGITUDE = (10.0, -5e-5, 3e-4, 0.0, 0.0, 0.0)
L1A_LATITUDE = (47.0, -2e-4, -4e-5, 0.0, 0.0, 0.0)
#: Coefficients of the real scene 008-012_S2_693-381-0_2007-02-10-14-19-06_HRV-2_X_DT_GU, of 3000 x
#: 3000 pixels, as quoted by the tests of GitHub Yiuky/ArcMagery.
REAL_LOCATION = (
    np.array(
        [
            -5.6230633481e01,
            -3.8446492382e-05,
            2.2343213631e-04,
            2.1759064899e-10,
            -3.5519703673e-12,
            3.3045704066e-09,
        ]
    ),
    np.array(
        [
            -1.5209695185e01,
            -1.7682107490e-04,
            -3.0175551719e-05,
            1.4373330074e-11,
            1.5944952646e-12,
            -3.0800493102e-10,
        ]
    ),
)


def spot_l1a(
    parent: Path,
    image: Array,
    calibration: Mapping[str, tuple[float, float]],
    *,
    replaced: Mapping[str, str] | None = None,
    irradiance: Mapping[int, float] | None = None,
) -> Path:
    """SWH Level-1A folder of SPOT2 HRV1 (SPOT4 HRVIR2 where there are four bands).

    ``image`` is (band, row, column) in the order of IMAGERY.TIF, ``calibration`` holds gain and
    bias of XS1, XS2, XS3 [, SWIR] as METADATA.DIM lists them; texts of that are ``replaced``.
    """
    scene = parent / "008-012_S2_693-381-0_2007-02-10-14-19-06_HRV-1_X_DT_GU" / "SCENE01"
    scene.mkdir(parents=True)
    with rasterio.open(
        scene / "IMAGERY.TIF",
        "w",
        driver="GTiff",
        count=image.shape[0],
        height=image.shape[1],
        width=image.shape[2],
        dtype=image.dtype,
    ) as dataset:
        dataset.write(image)
    bands = "".join(
        f"<Spectral_Band_Info><BAND_INDEX>{i}</BAND_INDEX><BAND_DESCRIPTION>{band}"
        f"</BAND_DESCRIPTION><PHYSICAL_BIAS>{bias}</PHYSICAL_BIAS><PHYSICAL_GAIN>{gain}"
        "</PHYSICAL_GAIN><PHYSICAL_UNIT>equivalent radiance (W.m-2.Sr-1.um-1)</PHYSICAL_UNIT>"
        "</Spectral_Band_Info>"
        for i, (band, (gain, bias)) in enumerate(calibration.items(), start=1)
    )
    suns = "".join(
        f"<Band_Solar_Irradiance><BAND_INDEX>{i}</BAND_INDEX><SOLAR_IRRADIANCE_VALUE>{value}"
        "</SOLAR_IRRADIANCE_VALUE></Band_Solar_Irradiance>"
        for i, value in (irradiance or {}).items()
    )
    rows, cols = image.shape[1:]
    vertices = "".join(
        f"<Vertex><FRAME_LON>{10 - 5e-5 * r + 3e-4 * c:.9f}</FRAME_LON>"
        f"<FRAME_LAT>{47 - 2e-4 * r - 4e-5 * c:.9f}</FRAME_LAT><FRAME_ROW>{r}</FRAME_ROW>"
        f"<FRAME_COL>{c}</FRAME_COL></Vertex>"
        for r, c in ((1, 1), (1, cols), (rows, cols), (rows, 1))
    )
    lists = "".join(
        f"<{kind}_List>"
        + "".join(f'<{kind} index="{i}">{k!r}</{kind}>' for i, k in enumerate(terms, start=1))
        + f"</{kind}_List>"
        for kind, terms in (("lc", L1A_LONGITUDE), ("pc", L1A_LATITUDE))
    )
    satellite = ("2", "HRV", "1", "X") if len(calibration) == 3 else ("4", "HRVIR", "2", "I")
    number, instrument, index, mode = satellite
    text = (
        '<?xml version="1.0" encoding="ISO-8859-1"?><Dimap_Document>'
        '<Metadata_Id><METADATA_FORMAT version="1.1">DIMAP</METADATA_FORMAT></Metadata_Id>'
        f"<Dataset_Frame>{vertices}<Scene_Center><FRAME_LON>10</FRAME_LON></Scene_Center>"
        "</Dataset_Frame><Dataset_Sources><Source_Information><Scene_Source>"
        "<GRID_REFERENCE>693-381</GRID_REFERENCE><IMAGING_DATE>2007-02-10</IMAGING_DATE>"
        f"<IMAGING_TIME>14:19:06</IMAGING_TIME><MISSION>SPOT</MISSION><MISSION_INDEX>{number}"
        f"</MISSION_INDEX><INSTRUMENT>{instrument}</INSTRUMENT><INSTRUMENT_INDEX>{index}"
        f"</INSTRUMENT_INDEX><SENSOR_CODE>{mode}</SENSOR_CODE><INCIDENCE_ANGLE>-5.7"
        "</INCIDENCE_ANGLE><SUN_AZIMUTH>141.5</SUN_AZIMUTH><SUN_ELEVATION>30.0</SUN_ELEVATION>"
        "</Scene_Source></Source_Information></Dataset_Sources>"
        "<Raster_CS><PIXEL_ORIGIN>1</PIXEL_ORIGIN></Raster_CS><Geoposition>"
        '<Simplified_Location_Model><Direct_Location_Model order="2">'
        f"{lists}</Direct_Location_Model></Simplified_Location_Model></Geoposition>"
        "<Data_Processing><PROCESSING_LEVEL>1A</PROCESSING_LEVEL></Data_Processing>"
        f"<Raster_Dimensions><NCOLS>{cols}</NCOLS><NROWS>{rows}</NROWS>"
        f"<NBANDS>{len(calibration)}</NBANDS></Raster_Dimensions>"
        "<Raster_Encoding><NBITS>8</NBITS><DATA_TYPE>UNSIGNED</DATA_TYPE></Raster_Encoding>"
        "<Image_Display><Special_Value><SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX>"
        "<SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT></Special_Value><Special_Value>"
        "<SPECIAL_VALUE_INDEX>255</SPECIAL_VALUE_INDEX><SPECIAL_VALUE_TEXT>SATURATED"
        "</SPECIAL_VALUE_TEXT></Special_Value></Image_Display>"
        f"<Image_Interpretation>{bands}</Image_Interpretation><Data_Strip><Sensor_Calibration>"
        f"<Solar_Irradiance>{suns}</Solar_Irradiance></Sensor_Calibration></Data_Strip>"
        "</Dimap_Document>"
    )
    for old, new in (replaced or {}).items():
        assert old in text, old
        text = text.replace(old, new)
    (scene / "METADATA.DIM").write_text(text, encoding="latin-1")
    return scene.parent
