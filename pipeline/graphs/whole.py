"""A whole run as one graph, for where nothing waits for one job to start the next: songs in, priors out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.pvalue import AsSingleton
from apache_beam.transforms.combiners import ToList

from mixprior.pipeline.graphs.aggregate import Aggregate
from mixprior.pipeline.graphs.conveyed import conveying
from mixprior.pipeline.graphs.extract import ExtractRun
from mixprior.pipeline.store import files, progress, published
from mixprior.pipeline.store.aggregation import Aggregation
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.rows import Rows
from mixprior.stats.priors.digest import Digest
from mixprior.stats.priors.tally import Grouping


@dataclass(frozen=True)
class WholeRun:
    """The graph: extracts the songs of a catalog in one way, and builds their priors.

    Rows of earlier runs that were not packed stay as they are.

    Attributes:
        extraction: of the songs, in one way.
        grouping: how songs are grouped and corrected.
        versions: versions of the libraries, by name.
    """

    extraction: ExtractRun
    grouping: Grouping
    versions: Mapping[str, str]

    @property
    def folder(self) -> RunFolder:
        """Of the run."""
        [way] = self.extraction.ways
        return way.folder

    def __call__(self, pipeline: beam.Pipeline) -> None:
        """Apply it."""
        [table] = self.extraction.tables(pipeline)
        _ = (
            table
            | "Go on if a song is finished" >> beam.Filter(has_rows)
            | "Aggregate" >> Aggregate(self.grouping)
            | "Gather groups" >> ToList()
            | "Write the priors" >> beam.Map(self.finish, AsSingleton(table))
        )

    @conveying
    def finish(self, digests: list[tuple[str, Digest]], table: str) -> str:
        """Write the priors of a table of songs, and end the run; give their folder."""
        priors = self.folder.priors
        if digests:
            Aggregation(table, priors, self.grouping, self.versions).write(dict(digests))
        else:
            published.withdraw(priors, {self.folder.songs: files.read_bytes(table)})
        progress.end(self.folder)
        files.remove_folder(self.folder.made)
        return priors


@conveying
def has_rows(table: str) -> bool:
    """Whether a song of a table of songs is finished."""
    return len(Rows.open(table).finished) > 0
