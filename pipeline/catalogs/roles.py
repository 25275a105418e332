"""Roles of recordings: a table that says of each what it may be used for, so that nothing is judged by what it taught.

The table is a CSV file; this project's is tools/data_roles.csv. An artist has one role, features on others' songs
included: a song and another by its singer are never on both sides.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from mixprior.pipeline.store import sources
from mixprior.stats.errors import InputError

ROLES = ("prior", "calibrate", "train-blind", "train-mixer", "choose", "judge")
"""Priors that are shipped; calibration; training of the blind reverb estimate, of mixers; thresholds; judging these."""

MOST_BY_AN_ARTIST = 5
"""Songs of one lead artist in priors that are shipped."""


@dataclass(frozen=True)
class Recording:
    """A recording: a row of the table.

    Attributes:
        sha256: of the file; of a folder, that of a line "NAME SHA256" for each of its files, sorted; empty for a
            package of many files.
        artist: who made it.
        featured: who else is heard, separated by semicolons.
        collection, path: the folder it belongs to, and where it is in it.
        title, genre, year: empty where that is not known.
        sung: "yes", "no" or, where that is not known, empty.
        licence: of the recording.
        source: where it is from, and where its licence was read.
        role: one of `ROLES`.
    """

    sha256: str
    artist: str
    featured: str
    collection: str
    path: str
    title: str
    genre: str
    year: str
    sung: str
    licence: str
    source: str
    role: str

    @property
    def song_id(self) -> str:
        """What a run calls it, if it is one file."""
        return self.sha256[:16]

    @property
    def artists(self) -> frozenset[str]:
        """Everybody who is heard, in small letters."""
        names = (self.artist, *self.featured.split(";"))
        return frozenset(name for each in names if (name := each.strip().casefold()))


def read(table: Path, *roles: str) -> tuple[Recording, ...]:
    """Return the recordings of these roles, in the order of the table; of all roles if none is named.

    Raises:
        InputError: if the table cannot be read, lacks a column or names an unknown role, or a recording or an artist
            has two roles.
    """
    names = [field.name for field in fields(Recording)]
    try:
        with table.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
        recordings = tuple(Recording(**{name: row[name] for name in names}) for row in rows)
    except (OSError, KeyError, csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{table} is no table of roles with the columns {', '.join(names)}: {error}") from error
    _check(table, recordings)
    return tuple(each for each in recordings if not roles or each.role in roles)


def _check(table: Path, recordings: Sequence[Recording]) -> None:
    role_of: dict[str, str] = {}
    for each in recordings:
        if each.role not in ROLES:
            raise InputError(f"{table}: {each.title} has the role {each.role!r}; give one of {', '.join(ROLES)}")
        if not re.fullmatch("[0-9a-f]{64}|", each.sha256):
            raise InputError(f"{table}: {each.title} has no SHA-256 of 64 hex digits")
        for known in (*each.artists, *filter(None, [each.sha256])):
            if role_of.setdefault(known, each.role) != each.role:
                raise InputError(f"{table}: {known} has two roles, {role_of[known]} and {each.role}")
    sums = [each.sha256 for each in recordings if each.sha256]
    if twice := {each for each in sums if sums.count(each) > 1}:
        raise InputError(f"{table}: listed twice: {', '.join(sorted(twice))}")


def refuse_many_by_one(recordings: Iterable[Recording], most: int = MOST_BY_AN_ARTIST) -> None:
    """Raise `InputError` if more than so many recordings have one lead artist."""
    leads = [each.artist for each in recordings]
    if many := sorted({lead for lead in leads if leads.count(lead) > most}):
        raise InputError(f"more than {most} songs by {', '.join(many)}: leave some out")


def found_in(folders: Iterable[Path], recordings: Iterable[Recording]) -> Mapping[Recording, Path]:
    """Return where recordings that are files are in some folders and below, by what the files hold."""
    wanted = {each.sha256: each for each in recordings if each.sha256}
    names = {Path(each.path).suffix.lower() for each in wanted.values()}
    found: dict[Recording, Path] = {}
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in names):
        if path.is_file():
            sha256 = sources.sha256_of(str(path))
            if sha256 in wanted:
                found.setdefault(wanted[sha256], path)
    return found
