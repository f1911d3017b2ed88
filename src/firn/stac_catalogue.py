"""Static STAC catalogue of the maps of a run, to be opened by its path."""

import os
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import shapely

from firn.files import write_json
from firn.published_maps import PathLike, PublishedMap
from firn.stac import STAC_VERSION

_JSON = "application/json"
_DESCRIPTION = "Snow, cloud and ground by {one.method} in scenes of {one.satellite}"


def write_catalogue(maps: Sequence[PublishedMap], catalogue: PathLike, folder: PathLike) -> None:
    """Write a catalogue with a collection for each experiment and a catalogue for each year.

    All links are relative, so that the run can be moved as a whole. Items are linked where they
    are; they have no link back, because a map does not know of the others.

    Parameters
    ----------
    maps : sequence of PublishedMap
        By experiment and time.
    catalogue : path
        File from which all is found; its folder gives the catalogue its name.
    folder : path
        Folder for the other files: ``{experiment}/collection.json`` and
        ``{experiment}/{year}/catalog.json``.
    """
    root = Path(catalogue)
    links = []
    for experiment, group in groupby(maps, key=lambda one: one.experiment):
        collection = Path(folder, experiment, "collection.json")
        _write_collection(list(group), collection, root)
        links.append(_link("child", collection, root, experiment))
    title = f"Maps of the run {root.absolute().parent.name}"
    content = _catalogue(root.absolute().parent.name, title, root, root, links)
    write_json(root, content)


def _write_collection(maps: Sequence[PublishedMap], path: Path, root: Path) -> None:
    """Write the collection of an experiment and the catalogues of its years."""
    experiment = maps[0].experiment
    links = [_link("parent", root, path)]
    for year, group in groupby(maps, key=lambda one: one.time.year):
        file = path.parent / str(year) / "catalog.json"
        name, title = f"{experiment}-{year}", f"{experiment}, {year}"
        items = [_link("item", one.item, file, one.product) for one in group]
        parent = _link("parent", path, file)
        write_json(file, _catalogue(name, title, file, root, [parent, *items]))
        links.append(_link("child", file, path, str(year)))
    description = _DESCRIPTION.format(one=maps[0])
    content = _catalogue(experiment, description, path, root, links)
    times = [one.time.strftime("%Y-%m-%dT%H:%M:%S.%fZ") for one in (maps[0], maps[-1])]
    bounds = shapely.total_bounds([one.footprint for one in maps])
    write_json(
        path,
        content
        | {
            "type": "Collection",
            "license": "other",
            "extent": {
                "spatial": {"bbox": [list(map(float, bounds))]},
                "temporal": {"interval": [times]},
            },
            "summaries": {
                "platform": sorted({one.satellite for one in maps}),
                "instruments": sorted({one.instrument for one in maps}),
                "gsd": sorted({one.gsd for one in maps}),
                "firn:method": sorted({one.method for one in maps}),
                "firn:model": sorted({one.model for one in maps}),
            },
        },
    )


def _catalogue(
    name: str, description: str, path: Path, root: Path, links: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "type": "Catalog",
        "stac_version": STAC_VERSION,
        "id": name,
        "description": description,
        "links": [_link("root", root, path), *links],
    }


def _link(relation: str, target: Path, path: Path, title: str | None = None) -> dict[str, Any]:
    """Relative link from the file ``path`` to another."""
    kind = "application/geo+json" if relation == "item" else _JSON
    href = Path(os.path.relpath(target, path.parent)).as_posix()
    href = href if href.startswith(".") else f"./{href}"
    return {"rel": relation, "href": href, "type": kind} | ({"title": title} if title else {})
