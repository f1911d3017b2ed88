"""Tables of labelled spectra, and the Hollstein database.

Hollstein et al. (2016), Remote Sens. 8, 666, published spectra that people had labelled, in several
versions of one HDF5 file (20160914, 20170412, 20170523, 20170710) that overlap.
"""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import numpy.typing as npt

from firn import netcdf
from firn.companions.scenes import (
    BRIGHTEST,
    SURFACE_NAMES,
    SURFACES,
    SceneTruth,
    Surface,
    bands,
    read_stack,
)
from firn.errors import DataError
from firn.provenance import canonical, provenance

PathLike = str | os.PathLike[str]
FloatArray = npt.NDArray[np.float32]
Codes = npt.NDArray[np.uint8]

#: Spectra of a Hollstein file that are read at once.
ROWS = 1 << 20
#: Largest number that can be a reflectance; scaled ones are larger.
HIGHEST = 10.0


class Spectra(NamedTuple):
    """Labelled spectra.

    Parameters
    ----------
    reflectance : ndarray of float32, (spectrum, band)
        Of the 13 bands, never NaN.
    surface : ndarray of uint8, (spectrum,)
        Codes, see `firn.companions.scenes.Surface`.
    """

    reflectance: FloatArray
    surface: Codes

    @property
    def classes(self) -> Codes:
        """Position of each spectrum's class among `firn.companions.scenes.SURFACES`."""
        return np.searchsorted(SURFACES, self.surface).astype(np.uint8)

    @property
    def counts(self) -> dict[str, int]:
        """Spectra by name of the class."""
        n = np.bincount(self.classes, minlength=len(SURFACES))
        return {name: int(count) for name, count in zip(SURFACE_NAMES, n, strict=True)}


def joined(parts: Sequence[Spectra]) -> Spectra:
    """Put tables one after the other."""
    reflectance, surface = zip(*parts, strict=True)
    return Spectra(np.concatenate(reflectance), np.concatenate(surface))


def without_duplicates(spectra: Spectra) -> Spectra:
    """Keep the first of spectra that are the same in all bands and in class, in their order."""
    cells = np.column_stack([spectra.reflectance, spectra.surface.astype(np.float32)])
    # -0.0 and 0.0 are one number, but not the same bytes.
    cells = np.ascontiguousarray(cells + np.float32(0), np.float32)
    whole = cells.view(np.dtype((np.void, cells.itemsize * cells.shape[1]))).ravel()
    first = np.sort(np.unique(whole, return_index=True)[1])
    return Spectra(spectra.reflectance[first], spectra.surface[first])


def of_scene(stack: PathLike, truth: PathLike, most: int, rng: np.random.Generator) -> Spectra:
    """Spectra of a virtual scene.

    Parameters
    ----------
    stack, truth : path
        As `firn.companions.scenes` writes them.
    most : int
        Spectra of a class; of more, so many are drawn.
    rng : Generator
    """
    reflectance, _ = read_stack(stack)
    codes = SceneTruth(truth).surfaces
    chosen = []
    for surface in SURFACES:
        cells = np.flatnonzero(codes == surface)
        chosen.append(np.sort(rng.permutation(cells)[:most]))
    cells = np.concatenate(chosen)
    return Spectra(
        np.ascontiguousarray(reflectance.reshape(len(reflectance), -1)[:, cells].T),
        codes.ravel()[cells],
    )


def write_spectra(path: PathLike, spectra: Spectra, sources: Sequence[str]) -> None:
    """Write a table as NetCDF, atomically.

    Raises
    ------
    DataError
        It has fewer than two spectra, or of no class that is cloud or none that is clear.
    """
    import xarray as xr

    counts = spectra.counts
    cloud = counts["cirrus"] + counts["opaque cloud"]
    if not 0 < cloud < len(spectra.surface):
        raise DataError(
            f"{path}: its spectra are {dict(counts)}, but a method needs cloud and clear ones; "
            "give it other scenes"
        )
    meanings = dict(zip((int(s) for s in SURFACES), SURFACE_NAMES, strict=True))
    dataset = xr.Dataset(
        {
            "reflectance": (
                ("spectrum", "band"),
                spectra.reflectance,
                {"units": "1", "long_name": "top-of-atmosphere reflectance"},
            ),
            "surface": (
                ("spectrum",),
                spectra.surface,
                {
                    "flag_values": np.array(list(meanings), np.uint8),
                    "flag_meanings": " ".join(n.replace(" ", "_") for n in SURFACE_NAMES),
                },
            ),
        },
        coords={"band": ("band", list(bands()))},
        attrs={"Conventions": "CF-1.8", "FIRN_PROVENANCE": canonical(provenance(sources, counts))},
    )
    netcdf.write(path, dataset)


def read_spectra(path: PathLike) -> Spectra:
    """Read a table that `write_spectra` wrote.

    Raises
    ------
    DataError
        The file is missing, damaged, or another one.
    """
    reflectance, surface, names = netcdf.arrays(path, "reflectance", "surface", "band")
    fits = reflectance.ndim == 2 and reflectance.shape == (len(surface), len(bands()))
    if not fits or tuple(names) != bands() or not np.isin(surface, SURFACES).all():
        raise DataError(f"{path}: is not a table of spectra in 13 bands; run its rule again")
    return Spectra(reflectance.astype(np.float32), surface.astype(np.uint8))


def read_hollstein(paths: Sequence[PathLike]) -> Spectra:
    """Read versions of the Hollstein database as one table, each spectrum once.

    The order of bands is that of the dataset ``band`` (``bands`` in some versions) where there is
    one, B1 to B12 with B8A after B8 otherwise. Classes are told by code, and checked against the
    names in the file where it has them. Spectra that are not finite, or 0 in all bands, are left
    out.

    Parameters
    ----------
    paths : sequence of path

    Raises
    ------
    DataError
        A file is missing, damaged or not that database, or holds no spectrum.
    """
    return without_duplicates(joined([_read_version(path) for path in paths]))


def _read_version(path: PathLike) -> Spectra:
    try:
        with h5py.File(path, "r") as file:
            spectra, codes = _dataset(file, path, "spectra", 2), _dataset(file, path, "classes", 1)
            if len(spectra) != len(codes):
                raise _wrong(path, f"it has {len(spectra)} spectra, but {len(codes)} classes")
            order = _band_order(file, path, spectra.shape[1])
            _check_classes(file, path)
            parts = [
                _part(spectra[start : start + ROWS], codes[start : start + ROWS], order, path)
                for start in range(0, len(codes), ROWS)
            ]
    # h5py lets errors of any of these kinds through where a file is damaged.
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, UnicodeDecodeError) as error:
        raise _wrong(path, str(error)) from error
    table = joined(parts) if parts else None
    if table is None or not len(table.surface):
        raise _wrong(path, "it holds no spectrum")
    if (highest := float(table.reflectance.max())) > HIGHEST:
        raise _wrong(path, f"a reflectance is {highest:g}, so they are scaled by something")
    return Spectra(np.minimum(table.reflectance, np.float32(BRIGHTEST)), table.surface)


def _wrong(path: PathLike, reason: str) -> DataError:
    return DataError(
        f"{path}: cannot be read as the Hollstein database of labelled spectra ({reason}); fetch "
        "the file again"
    )


def _dataset(file: h5py.File, path: PathLike, name: str, dimensions: int) -> h5py.Dataset:
    data = file.get(name)
    if not isinstance(data, h5py.Dataset):
        raise _wrong(path, f"it has no dataset {name!r}")
    if data.ndim != dimensions or data.dtype.kind not in "iuf":
        raise _wrong(path, f"its {name} are {data.dtype} in {data.ndim} dimension(s)")
    return data


def _text(value: object) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _band_name(value: object) -> str:
    """Name of a band as firn writes it, from ``8A``, ``B8A``, ``1``, ``01``, ``B1`` or the like."""
    text = _text(value).strip().upper().removeprefix("B")
    return f"B{text.zfill(2)}" if text.isdigit() else f"B{text.lstrip('0')}"


def _band_order(file: h5py.File, path: PathLike, count: int) -> list[int]:
    """Columns of the spectra in firn's order of bands."""
    key = next((name for name in ("band", "bands") if name in file), None)
    names = list(bands()) if key is None else [_band_name(value) for value in file[key][()]]
    if count != len(bands()) or Counter(names) != Counter(bands()):
        told = ", ".join(names[:20])
        raise _wrong(path, f"it has {count} bands, named {told:.80}, where 13 were expected")
    return [names.index(name) for name in bands()]


def _check_classes(file: h5py.File, path: PathLike) -> None:
    """Compare the names of the classes in the file, where it has any, with those of the codes."""
    if "class_ids" not in file or "class_names" not in file:
        return
    ids = [int(value) for value in file["class_ids"][()]]
    words = [_text(value).lower() for value in file["class_names"][()]]
    for surface, own in zip(SURFACES, SURFACE_NAMES, strict=True):
        found = dict(zip(ids, words, strict=False)).get(int(surface), own)
        if not {*own.split(), "clear"} & set(found.replace("-", " ").replace("_", " ").split()):
            raise _wrong(path, f"class {int(surface)} is {found!r:.40}, expected {own}")


def _part(
    spectra: npt.NDArray[np.generic],
    codes: npt.NDArray[np.generic],
    order: list[int],
    path: PathLike,
) -> Spectra:
    """Whole spectra among some rows of a file."""
    if unknown := sorted(set(np.unique(codes).tolist()) - {int(s) for s in Surface}):
        raise _wrong(path, f"it has the classes {unknown[:5]}, expected 10 to 60")
    values = np.asarray(spectra, np.float32)[:, order]
    whole = np.isfinite(values).all(axis=1) & (values != 0).any(axis=1)
    return Spectra(values[whole], np.asarray(codes)[whole].astype(np.uint8))


def sources_of(paths: Sequence[PathLike]) -> list[str]:
    """Names that the provenance of a table tells."""
    return [Path(path).name for path in paths]
