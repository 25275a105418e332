"""The list of roles of a multitrack's tracks: a CSV file with the columns track and role."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Sequence
from pathlib import Path

from mixprior.mixing.rules.roles import ROLES, Role
from mixprior.stats.errors import InputError


def read(path: str | Path, tracks: Sequence[str]) -> dict[str, Role]:
    """Read a list of roles.

    Args:
        path: of the list.
        tracks: names of the files; the list may leave out their extension, and may leave out tracks.

    Returns:
        Role of each track that is listed, by its name in `tracks`.

    Raises:
        InputError: if it cannot be read, or has a track or a role that does not exist, or a track twice.
    """
    by_name = {Path(track).stem: track for track in tracks} | {track: track for track in tracks}
    roles: dict[str, Role] = {}
    for line, name, role in _lines(path):
        if name not in by_name:
            alike = difflib.get_close_matches(name, by_name, 1)
            raise InputError(f"{path}:{line}: no track {name!r}" + (f"; did you mean {alike[0]}?" if alike else ""))
        if role not in ROLES:
            raise InputError(f"{path}:{line}: no role {role!r}; there are: {', '.join(ROLES)}")
        if by_name[name] in roles:
            raise InputError(f"{path}:{line}: {name} is listed twice")
        roles[by_name[name]] = Role(role, 1.0, f"listed in {Path(path).name}")
    return roles


def _lines(path: str | Path) -> list[tuple[int, str, str]]:
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if not {"track", "role"} <= set(reader.fieldnames or ()):
                raise InputError(f"{path}: the first line must name the columns track and role")
            return [(reader.line_num, (row["track"] or "").strip(), (row["role"] or "").strip()) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a list of roles ({error})") from error
