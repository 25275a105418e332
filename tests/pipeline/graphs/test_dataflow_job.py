"""The job that Dataflow is asked for: its steps, accelerator, image and package, and what passes between steps."""

import dataclasses
import subprocess
import sys
import sysconfig
import typing
from pathlib import Path

import pytest
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.fn_api_runner import translations

from mixprior.pipeline.audio.decode import DecodeLimits
from mixprior.pipeline.graphs.extract import ExtractRun, FingerprintSongs, MineSongs
from mixprior.pipeline.separation.separator import SeparationSettings
from mixprior.pipeline.song.miner import Way
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store.layout import RunFolder
from tests.pipeline.graphs.dataflow_service import Service, submit
from tests.pipeline.graphs.test_job_request import COMMANDS, options_of
from tests.test_packaging import build, copy_of_the_checkout

T4 = "type:nvidia-tesla-t4;count:1;install-nvidia-driver"
PARDO = "beam:transform:pardo:v1"
RUNNER_RUNS = frozenset({"beam:transform:impulse:v1", "beam:transform:group_by_key:v1"})
_UNPICKLE = """
import sys
from apache_beam.internal import pickler
from apache_beam.portability.api import beam_runner_api_pb2 as api
import mixprior
pipeline = api.Pipeline.FromString(open(sys.argv[1], "rb").read())
steps = [each.spec for each in pipeline.components.transforms.values() if each.spec.urn == "beam:transform:pardo:v1"]
found = [api.ParDoPayload.FromString(each.payload).do_fn for each in steps]
loaded = [pickler.loads(each.payload) for each in found if each.urn == "beam:dofn:pickled_python_info:v1"]
print(mixprior.__file__, len(loaded), *(type(each[0]).__name__ for each in loaded))
"""


def graph() -> ExtractRun:
    way = Way(RunFolder("gs://bucket/mine"), MiningSettings(SeparationSettings(), DecodeLimits()))
    return ExtractRun("gs://bucket/mine/catalogs/0.jsonl", [way], count=1)


def options_of_the_document() -> list[str]:
    [command] = [each for each in COMMANDS if "DataflowRunner" in each]
    return [{"P": "my-project", "R": "europe-west1"}.get(word, word) for word in options_of(command)]


@pytest.fixture(scope="module")
def service() -> Service:
    return submit(graph(), [*options_of_the_document(), "--resource_hint", f"accelerator={T4}"])


def stages_of(pipeline: beam_runner_api_pb2.Pipeline) -> list[list[str]]:
    """The names of the steps of each stage, as a runner fuses them."""
    phases = translations.standard_optimize_phases()
    _, stages, *_ = translations.create_and_optimize_stages(
        pipeline, phases, known_runner_urns=RUNNER_RUNS, use_state_iterables=False
    )
    return [[each.unique_name for each in stage.transforms] for stage in stages]


def test_the_request_names_the_image_and_the_accelerator_of_the_document(service):
    [pool] = service.job.environment.worker_pools
    assert [each.container_image for each in pool.sdk_harness_container_images] == ["IMAGE"]
    assert f"worker_accelerator={T4}" in service.job.environment.service_options


def test_a_hint_of_an_accelerator_reaches_the_step_that_mines(service):
    components = service.pipeline.components
    [mining] = [each for each in components.transforms.values() if each.unique_name.endswith("separate and measure")]
    hints = components.environments[mining.environment_id].resource_hints
    assert hints["beam:resources:accelerator:v1"] == T4.encode()


def test_a_song_is_decoded_separated_and_measured_in_one_step_of_one_stage(service):
    stages = stages_of(service.pipeline)
    assert sum(any("Decode" in step for step in stage) for stage in stages) == 1
    assert sum(any("Fingerprint" in step for step in stage) for stage in stages) == 1
    read = next(stage for stage in stages if any(step.startswith("Read songs") for step in stage))
    assert any("Spread songs" in step for step in read), "songs are listed and dealt in one stage"


def test_no_audio_passes_between_the_steps():
    for step in (FingerprintSongs, MineSongs):
        hints = typing.get_type_hints(step.process)
        assert {leaf for hint in hints.values() for leaf in leaves(hint)} <= {str, int, float, bool, type(None)}


def leaves(hint: typing.Any) -> typing.Iterator[type]:
    """The types that values of a type are made of in the end."""
    if dataclasses.is_dataclass(hint) or hasattr(hint, "_fields"):
        for each in typing.get_type_hints(hint).values():
            yield from leaves(each)
    elif typing.get_args(hint):
        for each in typing.get_args(hint):
            if each is not Ellipsis:
                yield from leaves(each)
    else:
        yield hint


def test_a_package_that_is_given_is_staged(tmp_path):
    package = tmp_path / "mixprior-0-py3-none-any.whl"
    package.write_bytes(b"a wheel")
    service = submit(graph(), [*options_of_the_document(), "--extra_package", str(package)])
    assert service.staged[package.name] == b"a wheel"
    assert service.staged["extra_packages.txt"].decode().split() == [package.name]


@pytest.mark.nightly("engines")
def test_every_step_is_unpickled_in_an_environment_with_the_staged_package_alone(tmp_path):
    """The libraries are those of this environment; of mixprior nothing but the wheel can be found."""
    wheel = build(copy_of_the_checkout(tmp_path / "checkout"), "wheel")
    service = submit(graph(), [*options_of_the_document(), "--extra_package", str(wheel)])
    for name in (Path(wheel).name, "pipeline.pb"):
        (tmp_path / name).write_bytes(service.staged[name])
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    python = tmp_path / "env" / "bin" / "python"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--ignore-installed",
        "--no-deps",
        "--no-index",
    ]
    subprocess.run([*pip, tmp_path / Path(wheel).name], check=True)
    [site] = (tmp_path / "env" / "lib").glob("python*/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    out = subprocess.check_output(
        [python, "-I", "-c", _UNPICKLE, tmp_path / "pipeline.pb"], text=True, cwd=tmp_path
    ).split()
    assert Path(out[0]).is_relative_to(site)
    steps = [each for each in service.pipeline.components.transforms.values() if each.spec.urn == PARDO]
    of_beam = 1  # names its function in place of a pickle
    assert int(out[1]) == len(steps) - of_beam > 5
    assert {"FingerprintSongs", "MineSongs"} <= set(out[2:])
