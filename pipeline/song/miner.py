"""Songs in, outcomes out: what becomes of each song of a run, mined by the pool of this process where it is to be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue

from mixprior.pipeline.audio import decode
from mixprior.pipeline.song import shared_pool, trouble
from mixprior.pipeline.song.causes import Causes
from mixprior.pipeline.song.pool import Answer
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store import progress, sources
from mixprior.pipeline.store.checkpoint import Checkpoint
from mixprior.pipeline.store.copies import Copies
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.ledger import Found, Ledger, SongKey
from mixprior.pipeline.store.packing import Packer
from mixprior.pipeline.store.records import Failure, Outcome, Song, SongError
from mixprior.stats.errors import TooManyFailed

JOB, PREPARATION = "mixprior.pipeline.song.mining:mine", "mixprior.pipeline.song.mining:prepare"
MOST_AT_HAND = 2048
"""Songs submitted and not finished: enough for the longest of them to be begun first, little enough for memory."""

_TICK_S = 0.5


@dataclass(frozen=True)
class Way:
    """One way to mine the songs of a catalog.

    Attributes:
        folder: of the run.
        settings: how songs are mined.
        force: mine again what is finished.
        retry_failed: try again what failed in an earlier run.
        children: processes that mine, below this process or each process of a runner.
        part_songs: songs whose rows are packed together while others are mined, `packing.songs_a_part`; 0 for none.
    """

    folder: RunFolder
    settings: MiningSettings
    force: bool = False
    retry_failed: bool = False
    children: int = 1
    part_songs: int = 0


class Miner:
    """Gives an `Outcome` for each song, as it is finished.

    Whatever goes wrong with one becomes its failure row; only what would go wrong with every song (a full disk, a
    missing model) is raised.

    Args:
        way: how they are mined.
        packer: what packs their rows, with those of other miners; None for one of its own, which packs the rest too.
    """

    def __init__(self, way: Way, packer: Packer | None = None) -> None:
        self.way = way
        self._ledger = Ledger(way.folder, way.force, way.retry_failed)
        self._progress_path = progress.path_in(way.folder)
        self._causes = Causes()
        self._failed_by_machine: list[SongKey] = []
        self._packer = packer or Packer(way.folder, way.part_songs)
        self._packs_rest = packer is None
        self._copies = None if way.settings.copies is None else Copies(way.settings.copies)
        self.at_hand: dict[Future[Answer], list[Outcome]] = {}
        self._done: SimpleQueue[Future[Answer]] = SimpleQueue()

    def add(self, key: SongKey, found: Iterable[Found]) -> Iterator[Outcome]:
        """Have songs of equal content mined, if they are to be, and give those that are finished by now.

        Args:
            key: feature key and song id.
            found: the songs, at least one.
        """
        found = list(found)
        outcomes = list(self._ledger.outcomes(key, found))
        if outcomes[0].status == "to mine":
            self._submit(outcomes, max(each.size_bytes for each in found))
        else:
            if outcomes[0].status in ("kept", "mined") and not self._ledger.is_archived(key):
                self._packer.add(*key, is_made=outcomes[0].status == "mined")
            yield from self.reported(outcomes)
        yield from self._finished(wait_s=0.0)
        while len(self.at_hand) >= MOST_AT_HAND:
            yield from self._waited_for()

    def rest(self) -> Iterator[Outcome]:
        """Give the rest, as songs are finished."""
        while self.at_hand:
            yield from self._waited_for()
        if self._packs_rest:
            self._packer.rest()

    def cancel(self) -> None:
        """Let go of the songs at hand."""
        for future in self.at_hand:
            future.cancel()

    def reported(
        self, outcomes: Iterable[Outcome], mined_s: float = 0.0, took_s: float = 0.0, cpu_s: float = 0.0
    ) -> Iterator[Outcome]:
        """Give outcomes, and report each of them as progress.

        Args:
            outcomes: of songs.
            mined_s: seconds of audio that were measured for the first of them just now.
            took_s: seconds that this took.
            cpu_s: seconds of cores that this took.
        """
        for outcome in outcomes:
            if self._progress_path is not None:
                progress.report(self._progress_path, outcome, mined_s, took_s, cpu_s)
                mined_s = took_s = cpu_s = 0.0
            self._forget(outcome.song)
            yield outcome

    def _forget(self, song: Song) -> None:
        """Remove the copies of a song, from whichever thread: whoever reads ahead waits for their room."""
        if self._copies is not None:
            self._copies.remove(filter(sources.is_remote, decode.files_of(song)))

    def _submit(self, outcomes: list[Outcome], size_bytes: int) -> None:
        song, song_id = outcomes[0].song, outcomes[0].song_id
        settings = shared_pool.serving(self.way.settings, song.has_stems)
        future = shared_pool.get(self.way.children, (PREPARATION, (song.has_stems, settings))).submit(
            *(JOB, song, song_id, settings),
            weight=size_bytes,
            longest_s=60 * settings.limits.max_minutes,
            limits=settings.time_limits,
        )
        self.at_hand[future] = outcomes
        if self._progress_path is not None:
            progress.expect(self._progress_path, outcomes[0], size_bytes)
        future.add_done_callback(lambda _done: self._forget(song))
        future.add_done_callback(self._done.put)

    def _waited_for(self) -> Iterator[Outcome]:
        yield from self._finished(_TICK_S)
        progress.tick(self._progress_path)

    def _finished(self, wait_s: float) -> Iterator[Outcome]:
        """Give the songs that are finished; wait so long for the first."""
        while True:
            try:
                future = self._done.get(wait_s > 0, wait_s)
            except Empty:
                return
            wait_s = 0.0
            first, *duplicates = self.at_hand.pop(future)
            outcome = self._outcome(first, future)
            took = (0.0, 0.0, 0.0)
            if outcome.status == "mined":
                facts = future.result().facts
                took = (outcome.duration_s or 0.0, facts["mined_s"], facts["cpu_s"])
            yield from self.reported([outcome, *duplicates], *took)
            self._note(outcome)

    def _note(self, outcome: Outcome) -> None:
        """Count a song. Where the run is stopped, the machine's failures are no song's: none of them is kept."""
        failed = outcome.failure
        if failed is not None and failed.error in trouble.OF_THE_MACHINE:
            self._failed_by_machine.append((outcome.feature_key, outcome.song_id))
        try:
            self._causes.note(None if failed is None else (failed.stage, failed.error, failed.message))
        except TooManyFailed:
            for feature_key, song_id in self._failed_by_machine:
                Checkpoint(self.way.folder, feature_key).forget_failure(song_id)
            raise

    def _outcome(self, first: Outcome, future: Future[Answer]) -> Outcome:
        """Keep what became of a song."""
        checkpoint = Checkpoint(self.way.folder, first.feature_key)
        try:
            answer = future.result()
        except SongError as error:
            failed = Failure.of(first.song, first.song_id, error)
            checkpoint.fail(failed)
            return replace(first, status="failed", failure=failed)
        flags = tuple(answer.facts["flags"])
        checkpoint.finish(first.song_id, answer.content, flags)
        self._packer.add(first.feature_key, first.song_id, is_made=True)
        return replace(first, status="mined", duration_s=answer.facts["duration_s"], flags=flags)
