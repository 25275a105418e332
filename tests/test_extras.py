"""Without the extras: what needs one says so in a line, and what does not, works."""

import subprocess
import sys

import pytest

from mixprior import __main__ as front_door
from mixprior.extras import MODULES, advice
from tests.conftest import ROOT

HIDDEN = sorted({module for modules in MODULES.values() for module in modules})
WITHOUT_EXTRAS = f"""
import sys

class Hidden:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in {HIDDEN!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hidden)
import mixprior
"""


def without_extras(program: str, *arguments) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", WITHOUT_EXTRAS + program, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.fault(32)
@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("mine", "MUSIC", "-o", "OUT"), "mine"),
        (("query", "published", "--stat", "integrated_lufs", "--plot", "OUT.png"), "plot"),
        (("query", "published", "--sql", "SELECT 1"), "sql"),
    ],
)
def test_a_command_names_the_extra_that_it_needs(arguments, extra, stems_catalog, tmp_path):
    places = {"MUSIC": stems_catalog, "OUT": tmp_path / "out", "OUT.png": tmp_path / "out.png"}
    words = (places.get(word, word) for word in arguments)
    done = without_extras("sys.exit(mixprior.main(sys.argv[1:]))", *words)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert f"pip install 'mixprior[{extra}]'" in done.stderr


@pytest.mark.parametrize("function", ["mine", "aggregate"])
def test_a_function_names_the_extra_that_it_needs(function, tmp_path):
    program = f"""
try:
    mixprior.{function}(*sys.argv[1:])
except mixprior.InputError as error:
    print(error)
"""
    done = without_extras(program, tmp_path, tmp_path / "out")
    assert "pip install 'mixprior[mine]'" in done.stdout


@pytest.mark.fault(32)
def test_every_command_explains_itself_without_extras():
    done = without_extras(
        "print([mixprior.main([command, '--help']) for command in sys.argv[1:]])", *front_door.COMMANDS
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == str([0] * len(front_door.COMMANDS))


def test_an_error_that_is_its_own_cause_needs_no_extra():
    error = ValueError("a file is damaged")
    error.__cause__ = error
    assert advice(error) is None
