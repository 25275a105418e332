"""A run that another machine is to do to its end: the whole of it is handed over as one graph, and not waited for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mixprior.pipeline.aggregate import library_versions
from mixprior.pipeline.asked import Asked
from mixprior.pipeline.graphs import beam_options as beam
from mixprior.stats.errors import InputError
from mixprior.stats.visible import visible


@dataclass(frozen=True)
class Submitted:
    """A run that was handed over.

    Attributes:
        songs: of the catalog.
        priors: the folder where its priors will be.
    """

    songs: int
    priors: str

    def text(self) -> str:
        """Return it in words.

        >>> Submitted(2, "gs://bucket/out/priors").text()
        'submitted: 2 songs; at the end of the job priors: gs://bucket/out/priors'
        """
        return f"submitted: {self.songs} songs; at the end of the job priors: {visible(self.priors)}"


def submit(
    catalog: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    force: bool = False,
    retry_failed: bool = False,
    beam_options: Sequence[str] = (),
    **wanted: Any,
) -> Submitted:
    """Hand a run over to the runner that Beam's options name. `mine` continues it, if it is broken off.

    Arguments are those of `mine`; `wanted` are those of `Asked.of`. Its songs are listed, and its options are checked,
    before this returns.

    Raises:
        InputError: as of `mine`, or if no runner elsewhere is named: this machine and Dask have to be waited for.

    >>> submit("gs://bucket/music", "gs://bucket/out", beam_options=["--runner=DataflowRunner"])  # doctest: +SKIP
    Submitted(songs=11, priors='gs://bucket/out/priors')
    """
    if beam.is_local(beam_options) or beam.is_dask(beam_options):
        raise InputError("--no_wait_until_finish needs a runner elsewhere that keeps a job, such as DataflowRunner")
    beam.need_beam(beam_options)
    from mixprior.pipeline.graphs import extraction, runner
    from mixprior.pipeline.graphs.extract import ExtractRun
    from mixprior.pipeline.graphs.whole import WholeRun

    asked = Asked.of(catalog, output, beam_options=beam_options, **wanted)
    songs, folder = asked.songs, asked.folder
    again = {"force": force, "retry_failed": retry_failed}
    ways = extraction.plan(folder, songs, [(folder, asked.settings)], **again, children=1, is_here=False)
    extract = ExtractRun(folder.catalog, ways, len(songs))
    runner.submit(WholeRun(extract, asked.grouping, library_versions()), beam_options)
    return Submitted(len(songs), folder.priors)
