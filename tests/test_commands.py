"""The front door: what it lists, what it refuses, how it ends."""

import os
import signal
import subprocess
import sys
import types

import pytest

import mixprior as package
from mixprior import __main__ as front_door
from mixprior.stats.errors import InputError
from tests.conftest import ROOT


@pytest.fixture
def acting(monkeypatch):
    """Makes the command `demo` do as a function says."""

    def act(run):
        module = types.SimpleNamespace(add_arguments=lambda parser: None, run=run, __doc__="")
        monkeypatch.setitem(sys.modules, "mixprior.acting", module)
        monkeypatch.setitem(front_door.COMMANDS, "demo", ("mixprior.acting", "acts"))

    return act


def raising(error):
    def run(args):
        raise error

    return run


def test_help_lists_every_command(capsys):
    assert package.main(["--help"]) == 0
    out = capsys.readouterr().out
    for command in front_door.COMMANDS:
        assert f"\n  {command}" in out


@pytest.mark.parametrize("command", sorted(front_door.COMMANDS))
def test_every_command_explains_itself(command, capsys):
    assert package.main([command, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: mixprior {command}")
    assert "--debug" in out


def test_the_version_is_that_of_the_package(capsys):
    assert package.main(["--version"]) == 0
    assert capsys.readouterr().out == f"mixprior {package.__version__}\n"


@pytest.mark.parametrize(("typed", "meant"), [("mien", "mine"), ("normalise", "normalize"), ("qurey", "query")])
def test_a_mistyped_command_is_refused_with_a_suggestion(typed, meant, capsys):
    assert package.main([typed]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"mixprior: there is no command '{typed}'; did you mean '{meant}'?\n")
    assert "\n  aggregate" in err


def test_an_unknown_command_is_refused_with_the_list(capsys):
    assert package.main(["xyzzy"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("mixprior: there is no command 'xyzzy'\n")
    assert "\n  mine" in err


def test_wrong_arguments_give_an_exit_code_and_do_not_end_the_process(capsys):
    assert package.main(["query"]) == 2
    assert "required: PRIORS" in capsys.readouterr().err


def test_a_traceback_is_shown_only_on_request(tmp_path, capsys):
    assert package.main(["query", str(tmp_path)]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert package.main(["query", str(tmp_path), "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_errors_of_input_and_others_have_their_exit_codes(acting, capsys):
    acting(raising(InputError("the file is\nno song")))
    assert package.main(["demo"]) == 2
    assert capsys.readouterr().err == "mixprior: the file is no song\n"
    acting(raising(ValueError("oops")))
    assert package.main(["demo"]) == 1
    assert capsys.readouterr().err == "mixprior: unexpected ValueError: oops\n"


def test_a_missing_extra_is_named_in_one_line(acting, capsys):
    acting(raising(ModuleNotFoundError("No module named 'apache_beam'", name="apache_beam")))
    assert package.main(["demo"]) == 2
    assert capsys.readouterr().err == "mixprior: this needs the module 'apache_beam': pip install 'mixprior[mine]'\n"


def test_an_interrupted_command_says_how_to_go_on(acting, capsys):
    acting(raising(KeyboardInterrupt("the same command continues from there")))
    assert package.main(["demo"]) == 130
    assert capsys.readouterr().err == "mixprior: interrupted; the same command continues from there\n"


@pytest.mark.parametrize("arguments", [("-h",), ("query", "-h"), ("query", "published")])
def test_a_reader_that_has_enough_causes_no_traceback(arguments):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as gone:
        done = subprocess.run(
            [sys.executable, "-u", "-m", "mixprior", *arguments],
            cwd=ROOT,
            stdout=gone,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_connection_that_breaks_is_not_taken_for_a_reader_that_has_enough():
    program = """
import sys
from mixprior import __main__ as front_door
def run(name, arguments):
    raise BrokenPipeError(32, "Broken pipe")
front_door._run = run
sys.argv = ["mixprior", "query", "published"]
front_door.command()
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "Broken pipe" in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_a_full_disk_behind_the_output_causes_one_line_and_no_traceback():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "mixprior", "-h"], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_process_with_the_code_of_a_shell(number, code):
    # A thread that never ends stands for those of a runner.
    program = f"""
import os, sys, threading, types
from mixprior import __main__ as front_door
def run(args):
    threading.Thread(target=threading.Event().wait).start()
    os.kill(os.getpid(), {int(number)})
    threading.Event().wait(60)
module = types.SimpleNamespace(add_arguments=lambda parser: None, run=run, __doc__="")
sys.modules["acting"], front_door.COMMANDS["demo"], sys.argv = module, ("acting", ""), ["mixprior", "demo"]
front_door.command()
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=50)
    assert (done.returncode, done.stderr) == (code, "mixprior: interrupted\n")
