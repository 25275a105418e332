"""Values of rows that cannot be counted: how many there are, and the first of them by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

NAMED = 20
"""Values that are named; the others are only counted."""
_SHOWN = 3
_LONGEST_NAME = 80

OUT_OF_RANGE = "beyond what its resolution can count"
WRONG_LENGTH = "not as long as its axis"
SECOND_ROW = "a second row of the stem"
NO_METADATA = "no JSON object"
NO_GROUP = "no value to group by"


@dataclass(frozen=True, order=True)
class UnusedValue:
    """A value that is in the rows, and not in the priors: it counts as null.

    Attributes:
        song_id: of the song; the first 80 characters, as of the two that follow.
        stem: of its row.
        column: of the row; the catalog's, for metadata.
        reason: why it is not used.
    """

    song_id: str
    stem: str
    column: str
    reason: str


@dataclass(frozen=True)
class Unused:
    """All such values of some songs. It merges in any order to the same.

    Attributes:
        count: how many; a vector counts once, however many of its bins are concerned.
        first: the first `NAMED` of them, sorted.
    """

    count: int = 0
    first: tuple[UnusedValue, ...] = ()

    @classmethod
    def of(cls, found: Iterable[tuple[str, str, str, str]]) -> Unused:
        """Count and name what was found.

        Args:
            found: song id, stem, column and reason of each.

        >>> Unused.of([("b", "song", "x", "why"), ("a", "song", "x", "why")]).first[0].song_id
        'a'
        """
        longest = _LONGEST_NAME
        values = sorted(
            UnusedValue(song_id[:longest], stem[:longest], column[:longest], reason)
            for song_id, stem, column, reason in found
        )
        return cls(len(values), tuple(values[:NAMED]))

    @classmethod
    def merged(cls, parts: Sequence[Unused]) -> Unused:
        """Merge any number."""
        if not any(part.count for part in parts):
            return cls()
        first = sorted({value for part in parts for value in part.first})
        return cls(sum(part.count for part in parts), tuple(first[:NAMED]))

    def text(self, where: str) -> str:
        """Return it for people, in one line.

        Args:
            where: the file that names more of them.

        >>> Unused.of([("1f", "vocals", "tempo_bpm", OUT_OF_RANGE)]).text("manifest.json")
        '1 value is not used: tempo_bpm of vocals of song 1f (beyond what its resolution can count)'
        """
        listed = ", ".join(
            f"{value.column} of {value.stem} of song {value.song_id} ({value.reason})" for value in self.first[:_SHOWN]
        )
        more = f", and {self.count - _SHOWN} more: {where}" if self.count > _SHOWN else ""
        return f"{self.count} {'value is' if self.count == 1 else 'values are'} not used: {listed}{more}"


NOTHING_UNUSED = Unused()
