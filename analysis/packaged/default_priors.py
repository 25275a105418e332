"""Priors searched in order: a group gives way to all songs, and priors to those that come with mixprior."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mixprior.analysis.errors import PriorsLookupError
from mixprior.analysis.priors import EVERY_SONG, PACKAGED, Prior, Priors, open_priors

LEAST_SONGS = 10
"""A group of fewer songs is replaced by all songs: with the published spread of the vocal-to-backing ratio, 2.5 LU,
the standard error of its median (1.25 sd / sqrt(n)) would be above 1 LU."""

Name = tuple[str, str]
"""Stem and statistic."""


@dataclass(frozen=True)
class Source:
    """Priors, and the group of their songs, in which statistics were found.

    Attributes:
        priors: to look it up in, with `lookup`, `rows` or `mixprior.analysis.regression.regress`.
        group: the group to look it up for.
        notes: sentences that say why these are not the priors or the group requested, or that the songs are few.
        unknown: sentences on statistics of separated stems of which it is not known how reliable they are.
    """

    priors: Priors
    group: str
    notes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class PriorsChain:
    """Priors in the order in which they are searched. Make one with `open_chain`.

    Attributes:
        links: the priors; each is searched only if those before it lack a statistic.
    """

    links: tuple[Priors, ...]

    def source(
        self,
        names: Sequence[Name],
        group: str = EVERY_SONG,
        least_songs: int = LEAST_SONGS,
        preferred: Sequence[str] = (),
    ) -> Source:
        """Find the first priors that hold all the statistics named, so that they are of the same songs.

        In each priors, all songs replace a group that does not exist or has too few songs. All songs may be few.

        Args:
            names: stem and statistic of each, scalars or vectors.
            group: group of songs.
            least_songs: a smaller group is replaced; one whose number of songs is not known is not.
            preferred: groups that are parts of it, used before it, without a note, where they have enough songs.

        Raises:
            PriorsLookupError: if no priors hold them all; the message is that of the first, which lists what it has.
        """
        notes: list[str] = []
        errors: list[PriorsLookupError] = []
        for priors in self.links:
            try:
                found = _preferred(priors, names, preferred, least_songs) or _within(priors, names, group, least_songs)
            except PriorsLookupError as error:
                errors.append(error)
                notes.append(f"{title(priors)} has no {_listed(names)}")
                continue
            if notes:
                notes = [f"{'; '.join(notes)}: taken from {title(priors)}"]
            return Source(priors, found.group, (*notes, *found.notes))
        raise errors[0]

    def lookup(
        self,
        stem: str,
        statistic: str,
        group: str = EVERY_SONG,
        least_songs: int = LEAST_SONGS,
        preferred: Sequence[str] = (),
    ) -> tuple[Prior, Source]:
        """Look up a scalar; return it with where it was found. Arguments and errors are those of `source`."""
        found = self.source([(stem, statistic)], group, least_songs, preferred)
        return found.priors.lookup(stem, statistic, found.group), found


def open_chain(priors: Priors | str | Path | None = None) -> PriorsChain:
    """Return priors, and behind them those that come with mixprior: `published`, then `starter`.

    Published numbers go first: true stems of a hundred songs and more. What nobody published, `starter` holds.

    Args:
        priors: opened priors, or what `open_priors` takes; None for those that come with mixprior alone.

    Raises:
        NotPriors, PriorsVersionError: as `open_priors` does.
    """
    first = open_priors(priors) if isinstance(priors, str | Path) else priors
    links = [] if first is None else [first]
    links += [open_priors(folder) for folder in PACKAGED.values() if first is None or first.path != folder]
    return PriorsChain(tuple(links))


def centre(prior: Prior) -> float:
    """Return the value to aim for: the median, or the mean where only that was published.

    Raises:
        PriorsLookupError: if there is neither.
    """
    found = prior.mean if prior.p50 is None else prior.p50
    if found is None:
        raise PriorsLookupError(f"{prior.statistic} of {prior.stem} was measured on no song of {prior.group}")
    return found


def title(priors: Priors) -> str:
    """Return the name of priors for a message.

    >>> title(open_priors("starter"))
    'the packaged priors starter'
    """
    names = [name for name, folder in PACKAGED.items() if folder == priors.path]
    return f"the packaged priors {names[0]}" if names else str(priors.path)


def _preferred(priors: Priors, names: Sequence[Name], groups: Sequence[str], least_songs: int) -> Source | None:
    """Find the first of the groups that holds all the statistics and has enough songs."""
    there = {row["group"] for row in priors.contents} if groups else set()
    for group in groups:
        if group in there:
            with contextlib.suppress(PriorsLookupError):
                if _songs(priors, names, group) >= least_songs:
                    return Source(priors, group)
    return None


def _within(priors: Priors, names: Sequence[Name], group: str, least_songs: int) -> Source:
    """Find the group of one priors that holds all the statistics."""
    notes: tuple[str, ...] = ()
    if group != EVERY_SONG:
        try:
            songs = _songs(priors, names, group)
        except PriorsLookupError as error:
            packaged = priors.path in PACKAGED.values()
            reason = f"{title(priors)} has no {_listed(names)} in it" if packaged else error
            notes = (f"all songs are used in place of the group {group}: {reason}",)
        else:
            if songs == 0 or songs >= least_songs:
                return Source(priors, group)
            notes = (
                f"all songs are used in place of the group {group}: its {songs} songs are fewer than {least_songs}",
            )
    songs = _songs(priors, names, EVERY_SONG)
    if 0 < songs < least_songs:
        notes = (*notes, f"the prior of {_listed(names)} rests on {songs} songs only")
    return Source(priors, EVERY_SONG, notes)


def _songs(priors: Priors, names: Sequence[Name], group: str) -> int:
    """Return the songs that the least known of the statistics was measured on; 0 where that number is not known."""
    counts = []
    for stem, statistic in names:
        rows = priors.rows(stem, statistic, group)
        if rows["mean"].null_count == len(rows):
            raise PriorsLookupError(f"{statistic} of {stem} was measured on no song of {group} in {priors.path}")
        counts.append(max(rows["n"].to_pylist()))
    return min(counts)


def _listed(names: Sequence[Name]) -> str:
    return ", ".join(f"{statistic} of {stem}" for stem, statistic in names)
