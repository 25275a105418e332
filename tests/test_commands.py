"""The front door: what it lists, what it refuses, what it lets through."""

import pytest


def test_help_lists_every_command(mixprior):
    told = mixprior("--help").stdout
    for command in ("mine", "query", "mix", "model", "demo"):
        assert f"\n  {command}" in told


@pytest.mark.parametrize("command", ["mine", "query", "mix", "model", "demo"])
def test_every_command_explains_itself(mixprior, command):
    told = mixprior(command, "--help").stdout
    assert told.startswith(f"usage: mixprior {command}")
    assert "--debug" in told


def test_an_unknown_command_is_refused_with_the_list(mixprior):
    told = mixprior("mien", expect=2).stderr
    assert "no command 'mien'" in told
    assert "mine" in told


def test_a_traceback_is_shown_only_on_request(mixprior, tmp_path):
    assert "Traceback" not in mixprior("query", tmp_path, expect=2).stderr
    assert "Traceback" in mixprior("query", tmp_path, "--debug", expect=1).stderr
