"""Beam's options go through as they were given, and ours do not get in their way."""

import argparse
import sys
from types import ModuleType

import pytest

from mixprior.pipeline.graphs import beam_options
from mixprior.stats.errors import InputError


@pytest.fixture
def parser():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("catalog", nargs="+")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--dry-run", action="store_true")
    return parser


def test_options_of_beam_reach_the_pipeline_wherever_they_stand(parser):
    given = ("--runner", "DataflowRunner", "songs", "--project", "songs", "more", "-o", "out", "--experiments=a")
    args = beam_options.parse(parser, [*given, "--experiments=b", "--num_workers", "3"])
    assert (args.catalog, args.output) == (["songs", "more"], "out")
    found = beam_options.pipeline_options(args.beam_options).get_all_options(drop_default=True)
    assert found == {"runner": "DataflowRunner", "project": "songs", "num_workers": 3, "experiments": ["a", "b"]}
    assert not beam_options.is_local(args.beam_options)


def test_without_options_of_beam_the_run_is_local_and_beam_is_not_loaded(parser, monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam.options.pipeline_options", None)
    args = beam_options.parse(parser, ["songs", "-o", "out"])
    assert args.beam_options == ()
    assert beam_options.is_local(args.beam_options)


def test_a_dry_run_of_beam_is_not_ours(parser):
    beams = beam_options.parse(parser, ["songs", "-o", "out", "--dry_run", "True"])
    assert not beams.dry_run
    assert beam_options.pipeline_options(beams.beam_options).get_all_options(drop_default=True) == {"dry_run": "True"}
    ours = beam_options.parse(parser, ["songs", "-o", "out", "--dry-run"])
    assert ours.dry_run
    assert ours.beam_options == ()


def test_an_option_that_is_nobodys_is_refused(parser, capsys):
    with pytest.raises(SystemExit):
        beam_options.parse(parser, ["songs", "-o", "out", "--limt", "3"])
    assert "--limt" in capsys.readouterr().err.splitlines()[-1]
    with pytest.raises(InputError, match="--limt"):
        beam_options.pipeline_options(["--limt=3"])


@pytest.mark.parametrize("given", [("--dry_run",), ("--direct_num_workers", "many")])
def test_an_option_of_beam_without_its_value_is_refused(parser, given):
    with pytest.raises(InputError, match=f"Beam's options: argument {given[0]}"):
        beam_options.parse(parser, ["songs", "-o", "out", *given])


@pytest.mark.parametrize("runner", ["DataflowRunner", "dataflow"])
@pytest.mark.parametrize("missing", ["module", "credentials"])
def test_dataflow_without_credentials_is_refused_in_one_line(monkeypatch, missing, runner):
    exceptions = ModuleType("google.auth.exceptions")
    exceptions.GoogleAuthError = type("GoogleAuthError", (Exception,), {})
    auth = ModuleType("google.auth")

    def default():
        raise exceptions.GoogleAuthError("none found")

    auth.default, auth.exceptions = default, exceptions
    monkeypatch.setitem(sys.modules, "google.auth.exceptions", exceptions)
    monkeypatch.setitem(sys.modules, "google.auth", None if missing == "module" else auth)
    if "google" in sys.modules:
        monkeypatch.setattr(sys.modules["google"], "auth", auth, raising=False)
    monkeypatch.setenv("GCE_METADATA_TIMEOUT", "1")
    monkeypatch.setenv("GCE_METADATA_DETECT_RETRIES", "1")
    words = {"module": r"pip install 'mixprior\[gcp\]'", "credentials": "GOOGLE_APPLICATION_CREDENTIALS"}
    with pytest.raises(InputError, match=words[missing]):
        beam_options.need_beam((f"--runner={runner}", "--project=songs"))
    beam_options.need_beam(("--runner=dask",))
