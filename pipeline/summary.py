"""What a run of `mine` did, or would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mixprior.pipeline.store.layout import RunFolder
from mixprior.stats.visible import visible

if TYPE_CHECKING:
    from mixprior.pipeline.estimate import Estimate
    from mixprior.pipeline.store.progress import Log


@dataclass(frozen=True)
class Mined:
    """What a run did.

    Attributes:
        output: its folder.
        priors: folder of its priors; None if no song could be mined, so that there are none.
        mined: songs whose rows this run made, an interrupted part of it included.
        kept: songs whose rows an earlier run made.
        duplicate: songs of the catalog whose content another has.
        failed: songs that could not be mined.
        hours: length of the songs mined or kept.
        audio_s: seconds of audio measured since this call began.
        elapsed_s: seconds since this call began.
        mining_s: of these, from the start of the first song that was mined to the end of the last.
        songs_table: what became of every song: stays as it is when another run ends in the same folder.
        flagged: songs by what may be wrong with them, `mixprior.pipeline.audio.flags.FLAGS`.
        ungrouped: songs mined or kept that are in no group of a column, by the column that songs are grouped by; one
            that misses no song is left out.
    """

    output: str
    priors: str | None
    mined: int
    kept: int
    duplicate: int
    failed: int
    hours: float
    audio_s: float
    elapsed_s: float
    mining_s: float
    songs_table: str
    flagged: Mapping[str, int] = field(default_factory=dict)
    ungrouped: Mapping[str, int] = field(default_factory=dict)

    @property
    def songs(self) -> int:
        """Songs of the catalog."""
        return self.mined + self.kept + self.duplicate + self.failed

    @classmethod
    def of(cls, folder: RunFolder, songs_table: str, log: Log, elapsed_s: float, group_by: Sequence[str] = ()) -> Mined:
        """Return what a run did.

        Args:
            folder: of the run.
            songs_table: path of its table of songs.
            log: of its progress.
            elapsed_s: seconds it took.
            group_by: columns that songs are grouped by.
        """
        from mixprior.pipeline.store import songs

        table = songs.read(songs_table).select(["status", "duration_s", "flags", "metadata"]).to_pylist()
        statuses = Counter(row["status"] for row in table)
        mined_s = sum((row["duration_s"] for row in table if row["status"] == "mined"), 0.0)
        return cls(
            folder.root,
            folder.priors if statuses["mined"] + statuses["kept"] else None,
            statuses["mined"],
            statuses["kept"],
            statuses["duplicate"],
            statuses["failed"],
            hours=round(sum(row["duration_s"] or 0.0 for row in table) / 3600, 4),
            audio_s=round(mined_s if log.path is None else log.audio_s, 1),
            elapsed_s=round(elapsed_s, 1),
            mining_s=round(log.work.mining_s, 3),
            songs_table=songs_table,
            flagged=dict(sorted(Counter(flag for row in table for flag in row["flags"] or ()).items())),
            ungrouped=_ungrouped([row["metadata"] for row in table if row["status"] in ("mined", "kept")], group_by),
        )

    def text(self) -> str:
        """Return it for people."""
        names = ("mined", "kept", "duplicate", "failed")
        lines = [f"{self.songs} songs: " + ", ".join(f"{getattr(self, name)} {name}" for name in names)]
        if self.audio_s and self.elapsed_s:
            lines.append(
                f"{self.audio_s / 60:.1f} min of audio mined in {self.elapsed_s / 60:.1f} min "
                f"({self.audio_s / self.elapsed_s:.2f}x real time)"
            )
        if self.failed:
            folder = RunFolder.at(self.output)
            lines.append(f"reasons of failures: {visible(folder.songs)}, {visible(folder.failures)}")
        if self.flagged:
            counts = ", ".join(f"{count} {flag}" for flag, count in self.flagged.items())
            lines.append(f"flagged: {counts} (column flags of {self.songs_table})")
        for column, count in self.ungrouped.items():
            lines.append(
                f"{count} of {self.mined + self.kept} songs have no {visible(column)} and are in no group of it"
            )
        lines.append(f"priors: {visible(self.priors)}" if self.priors else "no song could be mined: no priors written")
        return "\n".join(lines)


def _ungrouped(metadata: Sequence[str], group_by: Sequence[str]) -> dict[str, int]:
    from mixprior.stats.priors.grouping import DERIVED, groups_of
    from mixprior.stats.priors.tally import metadata_of

    # What follows from what was measured alone is not looked up here.
    columns = [column for column in group_by if DERIVED.get(column) != ()]
    known = [metadata_of(text) or {} for text in metadata] if columns else []
    counts = {column: sum(len(groups_of(each, [column])) == 1 for each in known) for column in columns}
    return {column: count for column, count in counts.items() if count}


@dataclass(frozen=True)
class Plan:
    """What a run would do.

    Attributes:
        songs: songs of the catalog.
        to_mine: songs it would mine.
        kept: songs whose rows are on disk.
        duplicate: songs of the catalog whose content another has.
        failed: songs that failed before or cannot be read, and would not be tried.
        estimate: what it would take; None where nothing is to be mined, or that is not known.
    """

    songs: int
    to_mine: int
    kept: int
    duplicate: int
    failed: int
    estimate: Estimate | None = None

    def text(self) -> str:
        """Return it for people."""
        rest = f"{self.kept} kept, {self.duplicate} duplicate, {self.failed} failed"
        lines = [f"{self.songs} songs: {self.to_mine} to mine, {rest}"]
        if self.estimate is not None:
            lines.append(self.estimate.text())
        elif self.to_mine:
            lines.append("how long it takes is not known: the model is not on this machine, or does not run")
        return "\n".join(lines)
