"""Damaged and hostile products: the readers raise `FirnError` or read on, never else, never long.

A further reader is a further line of `READERS`.
"""

import contextlib
import faulthandler
import io
import os
import re
import resource
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import minimal_products
import numpy as np
import pytest
from minimal_products import EPSG, SIDE, full, transform
from rasterio.crs import CRS

from firn.errors import FirnError
from firn.grid import Grid
from firn.products.archive import FREE_BYTES
from firn.products.dimap import open_l1a
from firn.products.maja import open_l2a
from firn.products.sentinel2 import open_l1c
from firn.products.snow import read_snow
from firn.products.swh import open_swh
from firn.products.take5 import open_take5

COARSE = (SIDE // 20, SIDE // 20)
PART = Grid(CRS.from_epsg(EPSG), transform(20), 8, 8)
NUMBERS = np.random.default_rng(7).integers(1, 300, COARSE)
ZEROS = full(COARSE, 0, "uint8")
NEW = "S2B_MSIL1C_20220314T102021_N0400_R065_T32TPT_20220314T140000"
Files = dict[str, bytes]


def make_l1c(folder: Path) -> Path:
    safe = minimal_products.sentinel2(folder, {"B11": NUMBERS.astype(np.uint16)})
    masks = next(safe.glob("GRANULE/*")) / "QI_DATA"
    ring = [(0.0, 0.0), (60.0, 0.0), (60.0, 60.0), (0.0, 60.0), (0.0, 0.0)]
    for kind in ("CLOUDS_B00", "SATURA_B11", "DEFECT_B11", "NODATA_B11", "TECQUA_B11"):
        features = [("CIRRUS", [ring])] if kind == "CLOUDS_B00" else []
        minimal_products.write_text(
            masks / f"MSK_{kind}.gml", minimal_products.polygon_mask(*features)
        )
    return safe


def make_new_l1c(folder: Path) -> Path:
    bands = {"B11": NUMBERS.astype(np.uint16)}
    safe = minimal_products.sentinel2(
        folder, bands, name=NEW, offsets=dict.fromkeys(range(13), -1000.0)
    )
    masks = next(safe.glob("GRANULE/*")) / "QI_DATA"
    minimal_products.write_raster(masks / "MSK_CLASSI_B00.jp2", np.zeros((3, 8, 8), np.uint8), 60)
    quality = np.zeros((8, *COARSE), np.uint8)
    minimal_products.write_raster(masks / "MSK_QUALIT_B11.jp2", quality, 20)
    return safe


def make_old_l1c(folder: Path) -> Path:
    return minimal_products.sentinel2_before_2017(
        folder, {"32TPT": {"B11": NUMBERS.astype(np.uint16)}, "32TQT": {}}
    )


def read_l1c(path: Path) -> object:
    product = open_l1c(path, "32TPT")
    clouds = product.classification_mask()
    quality = product.quality_mask("B11") if product.baseline != "0201" else None
    return product.sun_angles(), clouds, quality, product.read(["B11"], window=(2, 3, 9, 8))


def read_l2a(path: Path) -> object:
    product = open_l2a(path, "native")
    flags = product.cloud_flags(), product.geophysical_flags(), product.saturation_flags()
    return product.read_reflectance(["B11"], 10), product.edge_mask(), flags


def read_swh(path: Path) -> object:
    scene = open_swh(path)
    return scene.read(scene.bands), scene.read(scene.bands, PART), scene.saturation


def read_take5(path: Path) -> object:
    scene = open_take5(path)
    return scene.read(scene.bands), scene.read(scene.bands, PART)


def read_l1a(path: Path) -> object:
    scene = open_l1a(path)
    return scene.read(scene.bands), scene.location.ground(np.arange(3), np.arange(3))


def make_l1a(folder: Path) -> Path:
    gains = {"XS1": (1.2, 2.0), "XS2": (0.8, 0.0), "XS3": (1.5, 0.0)}
    return minimal_products.spot_l1a(folder, np.stack([NUMBERS.astype(np.uint8)] * 3), gains)


def make_l2a(folder: Path) -> Path:
    masks = {f"MASKS/{kind}_R2": ZEROS for kind in ("CLM", "MG2", "EDG", "SAT")}
    reflectance = {"FRE_B11": NUMBERS.astype(np.int16)}
    return minimal_products.maja(folder, reflectance | masks, listed=True)


def make_swh(folder: Path) -> Path:
    return minimal_products.swh(folder, {"XS1": NUMBERS.astype(np.uint16)}, {"XS1": 0.4})


def make_take5(folder: Path) -> Path:
    return minimal_products.take5(folder, {"XS1": NUMBERS.astype(np.int16)}, ZEROS)


#: How to make a whole product of each kind, and all that a reader can be asked of it.
READERS: dict[str, tuple[Callable[[Path], Path], Callable[[Path], object]]] = {
    "l1c": (make_l1c, read_l1c),
    "l1c-0400": (make_new_l1c, read_l1c),
    "l1c-before-2017": (make_old_l1c, read_l1c),
    "l2a": (make_l2a, read_l2a),
    "snow": (lambda folder: minimal_products.snow(folder, ZEROS), read_snow),
    "snow-lis": (lambda folder: minimal_products.snow_by_lis(folder, ZEROS), read_snow),
    "snow-fraction": (lambda f: minimal_products.snow_fraction_of_theia(f, ZEROS), read_snow),
    "swh": (make_swh, read_swh),
    "take5": (make_take5, read_take5),
    "l1a": (make_l1a, read_l1a),
}
#: Damaged products of each kind.
CASES = 500
SECONDS_PER_CASE = 10
#: What a reader may take beyond what the process has; the products above have some kilobytes.
EXTRA_BYTES = 2**30


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Files]:
    """Files of each product, by their name in a zip."""
    products = {}
    for kind, (make, _) in READERS.items():
        folder = make(tmp_path_factory.mktemp(kind))
        products[kind] = {
            file.relative_to(folder.parent).as_posix(): file.read_bytes()
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        }
    return products


@pytest.fixture
def bounded() -> Iterator[None]:
    """No memory beyond a bound for the test, where the system can tell and hold one."""
    if not Path("/proc/self/statm").exists():
        yield
        return
    limits = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(
        resource.RLIMIT_AS, (pages * resource.getpagesize() + EXTRA_BYTES, limits[1])
    )
    yield
    resource.setrlimit(resource.RLIMIT_AS, limits)


WORDS = (
    *("", " ", "nan", "inf", "-inf", "1e308", "-1e308", "1e400", "-1", "0", "1", "1_0", "0x10"),
    *("9" * 400, "1" * 5000, "-0.0", "1e-320", "three", "٣", "½", "%s", "{0}", "\u202e", "None"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2018-03-14", "../../etc/passwd"),
    *("B11;B11", "EPSG:0", "EPSG:32699", "9" * 20, "*", "[", "]", "a/b", "/", "\\", "."),
)
Generator = np.random.Generator


def pick(rng: Generator, values: list[str]) -> str:
    return values[rng.integers(len(values))]


def flip_bytes(content: bytes, rng: Generator) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.integers(1, 9)):
        if changed:
            changed[rng.integers(len(changed))] = rng.integers(256)
    return bytes(changed)


def truncate(content: bytes, rng: Generator) -> bytes:
    return content[: rng.integers(len(content) + 1)]


def replace_number(content: bytes, rng: Generator) -> bytes:
    """Put an odd word in the place of a number or of a text."""
    spans = [m.span() for m in re.finditer(rb"(?<=[>'\"])[^<>'\"=]+(?=[<'\"])", content)]
    if not spans:
        return content
    begin, end = spans[rng.integers(len(spans))]
    word = WORDS[rng.integers(len(WORDS))]
    return content[:begin] + word.encode() + content[end:]


def shuffle_elements(content: bytes, rng: Generator) -> bytes:
    """Remove, repeat, empty, rename or misplace an element."""
    root = ElementTree.fromstring(content)
    parents = [element for element in root.iter() if len(element)]
    if not parents:
        return content
    parent = parents[rng.integers(len(parents))]
    child = parent[rng.integers(len(parent))]
    deed = rng.integers(6)
    if deed == 0:
        parent.remove(child)
    elif deed == 1:
        for _ in range(int(rng.choice([1, 2, 30]))):
            parent.append(child)
    elif deed == 2:
        child.clear()
    elif deed == 3:
        child.tag = "OTHER"
    elif deed == 4:
        parent.remove(child)
        parents[rng.integers(len(parents))].append(child)
    else:
        for _ in range(300):
            child.append(ElementTree.Element("nested"))
            child = child[-1]
    return ElementTree.tostring(root)


def expand_entities(content: bytes, rng: Generator) -> bytes:
    bomb = b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "' + b"&a;" * 50 + b'">]>'
    body = re.sub(rb"<\?xml[^>]*\?>", b"", content)
    return bomb + re.sub(rb">[^<>]+<", b">&b;<", body, count=int(rng.integers(1, 4)))


METADATA_DAMAGE = (
    *(flip_bytes, truncate),
    *((replace_number,) * 4),
    *((shuffle_elements,) * 3),
    expand_entities,
)
RASTER_DAMAGE = (flip_bytes, truncate)
ENTRY_NAMES = (
    *("../{}", "/{}", "{}/..", "x/{}", "{} ", "C:/{}", "{}\x00", "a\\{}", "{}.xml", "", "é{}"),
    *("{}/{}", "{}/", "." * 300 + "/{}"),
)


def damage_files(files: Files, rng: Generator) -> Files:
    """Damage one to three files, the metadata most often; or rename, drop or repeat one."""
    damaged = dict(files)
    for _ in range(rng.integers(1, 4)):
        metadata = [name for name in damaged if name.endswith((".xml", ".gml"))]
        name = pick(rng, metadata if metadata and rng.random() < 0.8 else list(damaged))
        choices = METADATA_DAMAGE if name in metadata else RASTER_DAMAGE
        draw = rng.random()
        if draw < 0.1:
            content = damaged.pop(name)
            new = ENTRY_NAMES[rng.integers(len(ENTRY_NAMES))].format(name, name)
            damaged[new] = content
        elif draw < 0.15:
            damaged[pick(rng, list(damaged))] = damaged[name]
        else:
            # An element is only moved about in what is still XML.
            with contextlib.suppress(ElementTree.ParseError):
                damaged[name] = choices[rng.integers(len(choices))](damaged[name], rng)
        if not damaged:
            break
    return damaged


def zipped(files: Files, rng: Generator) -> bytes:
    """Archive of the files, its own bytes damaged at times."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo("entry")
            entry.filename = name
            entry.compress_type = int(rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
            archive.writestr(entry, content)
    content = buffer.getvalue()
    draw = rng.random()
    if draw < 0.1:
        return flip_bytes(content, rng)
    return truncate(content, rng) if draw < 0.13 else content


def unpack(files: Files, folder: Path) -> None:
    """Put the files below a folder, as far as a file system takes their names."""
    for name, content in files.items():
        path = Path(os.path.normpath(folder / name))
        if path.is_relative_to(folder):
            with contextlib.suppress(OSError, ValueError):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)


def read(path: Path, reader: Callable[[Path], object]) -> bool:
    """Whether the product is read; it takes neither long nor ends in anything but `FirnError`."""
    faulthandler.dump_traceback_later(SECONDS_PER_CASE, exit=True)
    try:
        with warnings.catch_warnings():
            # A damaged georeference is announced by GDAL before firn refuses it.
            warnings.simplefilter("ignore")
            reader(path)
    except FirnError as error:
        assert len(str(error)) < 3000, "a message shows a whole damaged field"
        return False
    finally:
        faulthandler.cancel_dump_traceback_later()
    return True


@pytest.mark.filterwarnings("ignore:Duplicate name")
# rasterio prints, and pytest would raise, that GDAL's message about a damaged file is not in UTF-8.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", READERS)
def test_thousands_of_damaged_products(
    kind: str, whole: dict[str, Files], tmp_path: Path, bounded: None
) -> None:
    _, reader = READERS[kind]
    outcomes = []
    for case in range(CASES):
        rng = np.random.default_rng([20240229, list(READERS).index(kind), case])
        files = damage_files(whole[kind], rng)
        if case % 5:
            path = tmp_path / "product.zip"
            path.write_bytes(zipped(files, rng))
        else:
            path = tmp_path / f"{case}"
            path.mkdir()
            unpack(files, path)
        try:
            outcomes.append(read(path, reader))
        except Exception as error:
            raise AssertionError(f"case {case} of {kind}: {error!r}") from error
    # The damage is neither always fatal nor always harmless, else this would test little.
    assert 0.02 < np.mean(outcomes) < 0.98


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("as_zip", [False, True])
def test_whole_products_are_read(
    kind: str, whole: dict[str, Files], tmp_path: Path, as_zip: bool, bounded: None
) -> None:
    """Else the test above would pass whatever the damage."""
    _, reader = READERS[kind]
    if as_zip:
        path = tmp_path / "product.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in whole[kind].items():
                archive.writestr(name, content)
    else:
        path = tmp_path
        unpack(whole[kind], path)
    assert read(path, reader)


@pytest.mark.parametrize("kind", READERS)
def test_a_zip_bomb_is_refused_unread(
    kind: str, whole: dict[str, Files], tmp_path: Path, bounded: None
) -> None:
    """Each file of the product grows to a share of more than a zip may unpack to."""
    path = tmp_path / "bomb.zip"
    size = FREE_BYTES // len(whole[kind]) + 2**20
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in whole[kind].items():
            with archive.open(name, "w") as entry:
                entry.write(content)
                for _ in range(size // 2**20):
                    entry.write(bytes(2**20))
    with pytest.raises(FirnError, match="would unpack to"):
        READERS[kind][1](path)
