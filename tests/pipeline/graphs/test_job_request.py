"""What a runner elsewhere is sent: the options of docs/running.md are known, and the job names its pool of workers."""

import re
import shlex

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import StandardOptions
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.portable_runner import PortableRunner

from mixprior.pipeline.audio.decode import DecodeLimits
from mixprior.pipeline.graphs import beam_options
from mixprior.pipeline.graphs.extract import ExtractRun
from mixprior.pipeline.separation.separator import SeparationSettings
from mixprior.pipeline.song.miner import Way
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store.layout import RunFolder
from tests.conftest import ROOT

DOCUMENT = (ROOT / "docs" / "running.md").read_text().replace("\\\n", " ")
COMMANDS = re.findall(r"^mixprior mine (.*--runner .*)$", DOCUMENT, re.MULTILINE)


def options_of(command: str) -> tuple[str, ...]:
    words = shlex.split(command)
    return tuple(words[words.index("--runner") :])


@pytest.mark.parametrize("command", [each for each in COMMANDS if "-j" not in each])
def test_the_options_of_the_document_are_known(command):
    options = options_of(command)
    if "DataflowRunner" in command:
        pytest.importorskip("apache_beam.runners.dataflow")
    assert beam_options.pipeline_options(options).view_as(StandardOptions).runner == options[1]


@pytest.mark.parametrize("runner", ["FlinkRunner", pytest.param("SparkRunner", marks=pytest.mark.nightly("engines"))])
def test_the_job_that_flink_and_spark_are_sent_names_the_pool_of_workers_and_carries_no_audio(runner):
    [command] = [each for each in COMMANDS if runner in each]
    options = beam_options.pipeline_options(options_of(command))
    way = Way(RunFolder("s3://bucket/mine"), MiningSettings(SeparationSettings(), DecodeLimits()))
    pipeline = beam.Pipeline(options=options, runner=PortableRunner())
    ExtractRun("s3://bucket/mine/catalogs/0.jsonl", [way], count=1)(pipeline)
    job = PortableRunner().get_proto_pipeline(pipeline, options)
    environments = [each for each in job.components.environments.values() if each.urn == "beam:env:external:v1"]
    [payload] = {beam_runner_api_pb2.ExternalPayload.FromString(each.payload).endpoint.url for each in environments}
    assert payload == "localhost:50000"
    steps = {transform.unique_name for transform in job.components.transforms.values()}
    mining = [step for step in steps if "Decode, separate and measure" in step]
    assert mining
    assert len(job.SerializeToString()) < 200_000
