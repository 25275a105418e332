"""MedleyDB 1 and 2: multitracks, of which the mix is listed.

Layout and keys: Bittner, Salamon, Tierney, Mauch, Cannam, Bello, "MedleyDB: A Multitrack Dataset for
Annotation-Intensive MIR Research", ISMIR 2014, and the project marl/medleydb: a folder for each song that holds
`NAME_MIX.wav`, `NAME_STEMS` and, in it or in a folder `Metadata`, `NAME_METADATA.yaml`.

The stems are not listed: `mine` separates the mix. A song has a stem for each instrument, often several singers or
guitars, where a manifest holds one file for each of vocals, drums, bass and other; and the stems at their own levels
are not the mix: the project fits a gain to each (`scripts/compute_mixing_coefficients.py`). Relations of loudness
between the stems as stored would not be those of the song.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from mixprior.pipeline.catalogs.datasets.dataset import Track, lines
from mixprior.pipeline.store.records import InputError, MetadataValue

_SUFFIX = "_METADATA.yaml"
_COLLECTIONS = ("Audio", "V1", "V2", ".")
_TEXTS = ("title", "artist", "album", "genre", "origin")
_ANSWERS = ("instrumental", "has_bleed", "excerpt")


def tracks(root: Path) -> list[Track]:
    """Return the mixes of the songs whose metadata is in a folder or below it.

    Raises:
        InputError: if there is no metadata, or a file of it cannot be read.
    """
    files = {path.name: path for path in sorted(root.rglob(f"*{_SUFFIX}")) if not path.name.startswith(".")}
    if not files:
        raise InputError(f"{root} holds no *{_SUFFIX}, here or below: they are part of the project marl/medleydb")
    return [_track(root, files[name], name.removesuffix(_SUFFIX)) for name in sorted(files)]


def _track(root: Path, path: Path, name: str) -> Track:
    cells = _metadata(path)
    mix = str(cells.get("mix_filename") or f"{name}_MIX.wav")
    # Only the file name is used: a path could lead out of the dataset.
    places = [folder / Path(mix).name for folder in (path.parent, *(root / part / name for part in _COLLECTIONS))]
    beside = places[0] if path.parent.name == name else places[1]
    metadata: dict[str, MetadataValue] = {"track_id": name}
    metadata |= {key: str(cells[key]) if cells.get(key) else None for key in _TEXTS}
    metadata |= {key: {"yes": True, "no": False}.get(str(cells.get(key)).lower()) for key in _ANSWERS}
    return Track(next((place for place in places if place.is_file()), beside), metadata)


def _metadata(path: Path) -> dict[str, Any]:
    try:
        # As text: a song called 1979 or No is not a number or a boolean.
        cells = yaml.load("".join(lines(path)), yaml.BaseLoader)  # nosec B506 # makes text alone
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} is no YAML: {' '.join(str(error).split())}; fetch it again") from error
    if not isinstance(cells, dict):
        raise InputError(f"{path} is no metadata of MedleyDB; fetch it again")
    return cells
