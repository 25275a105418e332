"""A run that is submitted as one graph, and the flex template that submits it, store what `mine` stores."""

import argparse
import json
import re
import shlex
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from mixprior.pipeline import mine as mine_command
from mixprior.pipeline.aggregate import aggregate
from mixprior.pipeline.graphs import beam_options
from mixprior.pipeline.mine import mine
from mixprior.pipeline.submit import submit
from mixprior.stats.errors import InputError
from tests.conftest import ROOT
from tests.pipeline.graphs import dataflow_service
from tests.pipeline.graphs.test_job_request import DOCUMENT
from tools.engines.runs import digests, write_songs
from tools.image.template import launch

ELSEWHERE = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"
"""A runner by its class, which is taken for one elsewhere; it ends the job before it returns."""


@pytest.fixture(scope="module")
def catalog(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("songs")
    write_songs(folder, 2)
    return folder


@pytest.fixture(scope="module")
def mined(catalog, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("mined")
    assert mine(catalog, out, workers=1).mined == 2
    return out


@pytest.fixture(scope="module")
def launched(catalog, mixprior, tmp_path_factory) -> Path:
    """The folder of a run that the template's program submitted."""
    out = tmp_path_factory.mktemp("launched")
    command = launch.command_of([f"--catalog={catalog}", f"--output={out}", f"--runner={ELSEWHERE}"])
    assert mixprior(*command).stdout == f"submitted: 2 songs; at the end of the job priors: {out}/priors\n"
    return out


def rows_and_priors(out: Path) -> dict[str, str]:
    """The table of songs says of a song whether it was mined or kept."""
    return {name: digest for name, digest in digests(out).items() if name != "songs.parquet"}


def test_a_template_stores_what_mine_stores_and_leaves_nothing_behind(mined, launched):
    assert digests(launched) == digests(mined)
    assert {path.name for path in launched.iterdir()} == {path.name for path in mined.iterdir()}


def test_its_run_is_aggregated_to_the_same_priors_and_continued_by_mine(catalog, mined, launched, tmp_path):
    aggregate(launched, tmp_path / "priors")
    for file in (mined / "priors").iterdir():
        assert (tmp_path / "priors" / file.name).read_bytes() == file.read_bytes(), file.name
    out = shutil.copytree(launched, tmp_path / "again")
    again = mine(catalog, out, workers=1)
    assert (again.kept, again.mined) == (2, 0)
    assert rows_and_priors(out) == rows_and_priors(mined)


def parameters_of_the_document() -> dict[str, str]:
    """Those of the command that runs the template."""
    [command] = re.findall(r"^gcloud dataflow flex-template run (.*)$", DOCUMENT, re.MULTILINE)
    words = shlex.split(command)
    given = [after for word, after in pairwise(words) if word == "--parameters"]
    return dict(each.split("=", 1) for text in given for each in text.split(","))


def test_a_template_describes_one_job_to_the_launcher_and_sends_none(catalog, mixprior, tmp_path, monkeypatch):
    """`--template_location` is the launcher's: Beam writes the job there, and there is none to wait for."""
    monkeypatch.setattr(beam_options, "_need_google_credentials", lambda: None)
    parameters = parameters_of_the_document() | {"catalog": str(catalog), "output": str(tmp_path), "force": "false"}
    of_the_launcher = [
        *(f"--{name}={value}" for name, value in parameters.items()),
        *("--runner=DataflowRunner", "--project=my-project", "--region=europe-west1", "--job_name=mixprior"),
        *("--temp_location=gs://bucket/tmp", "--template_location=gs://bucket/staging/job_object"),
        *("--labels={}", "--no_auth"),
    ]
    with dataflow_service.standing_in() as service:
        mixprior(*launch.command_of(of_the_launcher))
    job = json.loads(service.staged["job_object"])
    assert service.job is None
    [pool] = job["environment"]["workerPools"]
    assert [each["containerImage"] for each in pool["sdkHarnessContainerImages"]] == ["IMAGE"]
    assert any("nvidia-tesla-t4" in option for option in job["environment"]["serviceOptions"])
    steps = [each.unique_name for each in service.pipeline.components.transforms.values()]
    assert sum(step.endswith("Decode, separate and measure") for step in steps) == 1
    assert "Write the priors" in steps


def test_of_songs_that_all_fail_there_are_no_priors(tmp_path):
    (tmp_path / "songs").mkdir()
    (tmp_path / "songs" / "song.wav").write_text("not a sound")
    submit(tmp_path / "songs", tmp_path / "out", beam_options=[f"--runner={ELSEWHERE}"])
    assert (tmp_path / "out" / "songs.parquet").exists()
    assert not (tmp_path / "out" / "priors").exists()


@pytest.mark.parametrize("runner", [[], ["--runner=dask"], ["--runner=dask", "--dask-address=tcp://localhost:8786"]])
def test_what_has_to_be_waited_for_is_not_submitted(runner):
    with pytest.raises(InputError, match="--no_wait_until_finish needs a runner elsewhere"):
        submit("songs", "out", beam_options=[*runner, "--no_wait_until_finish"])


def test_a_count_of_failures_needs_the_end_of_the_run(mixprior):
    done = mixprior(
        *("mine", "gs://bucket/songs", "-o", "gs://bucket/out", "--max-failures", "3"),
        *("--runner", "DataflowRunner", "--no_wait_until_finish"),
        expect=2,
    )
    assert "--max-failures needs the end of the run" in done.stderr


def test_every_parameter_of_the_template_is_an_option_of_mine():
    parser = argparse.ArgumentParser()
    mine_command.add_arguments(parser)
    actions = {action.dest: action for action in parser._actions}
    assert {*launch.METADATA} <= {"name", "description", "streaming", "parameters"}
    assert launch.METADATA["name"]
    for parameter in launch.METADATA["parameters"]:
        assert {"name", "label", "helpText"} <= {*parameter} <= {"name", "label", "helpText", "isOptional", "regexes"}
        action = actions[parameter["name"]]
        assert action.required != parameter.get("isOptional", False)
        assert (action.nargs == 0) == (parameter["name"] in launch.FLAGS)
        for regex in parameter.get("regexes", ()):
            re.compile(regex)


def test_a_parameter_of_the_template_that_is_neither_true_nor_false_is_refused(capsys):
    with pytest.raises(SystemExit):
        launch.command_of(["--catalog=in", "--output=out", "--force=True"])
    assert "argument --force: invalid choice: 'True'" in capsys.readouterr().err


def test_the_image_of_the_template_holds_what_its_launcher_starts():
    text = (ROOT / "tools" / "image" / "template" / "Dockerfile").read_text()
    [program] = re.findall(r"^ENV FLEX_TEMPLATE_PYTHON_PY_FILE=/opt/mixprior/(.+)$", text, re.MULTILINE)
    assert ROOT / program == Path(launch.__file__)
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert f"!{Path(program).parent}" in ignored
