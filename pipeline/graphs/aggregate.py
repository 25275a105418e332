"""The second graph: rows of songs become priors, by sums that merge in any order to the same bytes."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import apache_beam as beam
from apache_beam.pvalue import PCollection
from apache_beam.transforms.combiners import ToList
from apache_beam.utils.windowed_value import WindowedValue

from mixprior.pipeline.graphs.bundles import in_no_window
from mixprior.pipeline.graphs.conveyed import conveying
from mixprior.pipeline.store.aggregation import Aggregation, Sums
from mixprior.pipeline.store.layout import table_in
from mixprior.pipeline.store.rows import Batch, Rows
from mixprior.stats.priors.digest import Digest
from mixprior.stats.priors.tally import Grouping

FAN_OUT = 16
"""Workers that merge the digests of one group, before one merges what they give."""


@dataclass
class Aggregate(beam.PTransform):
    """Takes paths of runs, as `Rows.open` does, and gives (group, `Digest`) for each group.

    Attributes:
        grouping: how songs are grouped and corrected.
    """

    grouping: Grouping = field(default_factory=Grouping)

    def expand(self, runs: PCollection) -> PCollection:
        """Build the graph."""
        return (
            runs
            | "Find their rows" >> beam.FlatMap(batches_of)
            | "Spread rows" >> beam.Reshuffle()
            | "Digest rows" >> beam.ParDo(DigestRows(self.grouping))
            | "Merge shares of groups" >> beam.CombinePerKey(MergeDigests())
            | "Fan groups in" >> beam.MapTuple(lambda key, digest: (key[0], digest))
            | "Merge groups" >> beam.CombinePerKey(MergeDigests())
        )


@conveying
def batches_of(run: str) -> Iterator[tuple[str, Batch]]:
    """Give (run, batch) for each batch of a run's rows."""
    for batch in Rows.open(run).batches():
        yield run, batch


class DigestRows(beam.DoFn):
    """Takes (path of a run, `Batch`) and gives ((group, share), `Digest`) for every group one of its songs is in.

    One for each bundle and group: what a worker digests it adds up itself. Every bundle has the group of all songs,
    and others: their digests are merged in shares by as many workers. The share follows from the rows, so that a bundle
    that is done again has the same.
    """

    def __init__(self, grouping: Grouping) -> None:
        self.sums = Sums(grouping)

    def start_bundle(self) -> None:
        """Begin with nothing: what a failed bundle left is not counted."""
        self.sums.clear()
        self.share: int | None = None

    @conveying
    def process(self, element: tuple[str, Batch]) -> None:
        """Digest one batch."""
        if self.share is None:
            _, batch = element
            self.share = zlib.crc32((batch.part or batch.song_ids[0]).encode()) % FAN_OUT
        self.sums.add(*element)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Give what was added up."""
        for group, digest in self.sums.take():
            yield in_no_window(((group, self.share), digest))


class MergeDigests(beam.CombineFn):
    """Takes digests of one group and gives the digest of all its songs."""

    def create_accumulator(self) -> list[Digest]:
        """Nothing digested."""
        return []

    def add_input(self, digests: list[Digest], digest: Digest) -> list[Digest]:
        """Add some songs."""
        return self.compact([*digests, digest])

    def merge_accumulators(self, accumulators: Iterable[list[Digest]]) -> list[Digest]:
        """Merge what several workers digested."""
        return self.compact([digest for digests in accumulators for digest in digests])

    def compact(self, digests: list[Digest]) -> list[Digest]:
        """Merge what waits."""
        return [Digest.merged(digests)] if digests else []

    def extract_output(self, digests: list[Digest]) -> Digest:
        """Give the digest of all."""
        return Digest.merged(digests)


@dataclass
class WritePriors(beam.PTransform):
    """Takes (group, digest) and writes the priors folder; gives its path.

    Attributes:
        aggregation: what is built.
    """

    aggregation: Aggregation

    def expand(self, groups: PCollection) -> PCollection:
        """Build the graph."""
        return groups | "Gather groups" >> ToList() | "Write the priors" >> beam.Map(self.write)

    @conveying
    def write(self, digests: list[tuple[str, Digest]]) -> str:
        """Write the files."""
        self.aggregation.write(dict(digests))
        return self.aggregation.folder


@dataclass(frozen=True)
class AggregateRun:
    """The graph: builds the priors of a run.

    Attributes:
        aggregation: what is built.
    """

    aggregation: Aggregation

    @property
    def reads(self) -> Sequence[str]:
        """Files that every worker must find."""
        return (table_in(self.aggregation.run),)

    def __call__(self, pipeline: beam.Pipeline) -> None:
        """Apply it."""
        _ = (
            pipeline
            | "Name the run" >> beam.Create([self.aggregation.run])
            | "Aggregate" >> Aggregate(self.aggregation.grouping)
            | "Keep priors" >> WritePriors(self.aggregation)
        )
