"""Options of the Dask engine, as Beam declares options of a runner. Beam finds them once this module is imported."""

from __future__ import annotations

import argparse

from apache_beam.options.pipeline_options import PipelineOptions


class DaskEngineOptions(PipelineOptions):
    """Where the graph runs on Dask."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--dask-address",
            metavar="ADDRESS",
            help="scheduler to connect to (tcp://HOST:8786); without it a cluster on this machine, for this run",
        )
        parser.add_argument(
            "--dask-partitions",
            type=int,
            metavar="N",
            help="partitions that the songs are dealt to (8 for each thread of the workers)",
        )
