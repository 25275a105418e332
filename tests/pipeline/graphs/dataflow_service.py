"""Dataflow without Dataflow: what the runner stages and asks for is kept, and the job ends where it would begin."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.utils.retry import PermanentException

from mixprior.pipeline.graphs import runner
from mixprior.pipeline.graphs.runner import Graph


class Submitted(PermanentException):
    """The request is complete."""


@dataclass
class Service:
    """Stands for Dataflow's and the object store's API.

    Attributes:
        staged: content by name of file.
        job: as it was asked for.
    """

    staged: dict[str, bytes] = field(default_factory=dict)
    job: Any = None

    @property
    def pipeline(self) -> beam_runner_api_pb2.Pipeline:
        """The staged graph."""
        return beam_runner_api_pb2.Pipeline.FromString(self.staged["pipeline.pb"])

    def stage_file(self, client: Any, folder: str, name: str, stream: Any, *_: Any, **__: Any) -> None:
        self.staged[name] = stream.read()

    def create_job(self, client: Any, request: Any) -> None:
        self.job = request.job
        raise Submitted


@contextmanager
def standing_in() -> Iterator[Service]:
    """Have a stand-in for the service while the context lasts."""
    apiclient = pytest.importorskip("apache_beam.runners.dataflow.internal.apiclient")
    from apache_beam.io.gcp.gcsio import GcsIO

    service = Service()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GcsIO, "is_soft_delete_enabled", lambda *_: False)
        patch.setattr(apiclient.DataflowApplicationClient, "stage_file", lambda *a, **k: service.stage_file(*a, **k))
        patch.setattr(apiclient.dataflow.JobsV1Beta3Client, "create_job", lambda *a, **k: service.create_job(*a, **k))
        yield service


def submit(graph: Graph, options: list[str]) -> Service:
    """Submit a graph as `mixprior mine` does."""
    with standing_in() as service, pytest.raises(Submitted):
        runner.run_here(graph, [*options, "--no_auth"])
    return service
