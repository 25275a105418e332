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
sys.exit(mixprior.main(sys.argv[1:]))
"""


def without_extras(*arguments) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", WITHOUT_EXTRAS, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


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
    done = without_extras(*(places.get(word, word) for word in arguments))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert f"pip install 'mixprior[{extra}]'" in done.stderr


@pytest.mark.parametrize("function", ["mine", "aggregate"])
def test_a_function_names_the_extra_that_it_needs(function, tmp_path):
    code = f"""{WITHOUT_EXTRAS.replace("sys.exit(mixprior.main(sys.argv[1:]))", "")}
try:
    mixprior.{function}({str(tmp_path)!r}, {str(tmp_path / "out")!r})
except mixprior.InputError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "pip install 'mixprior[mine]'" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("command", sorted(front_door.COMMANDS))
def test_every_command_explains_itself_without_extras(command):
    done = without_extras(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")


def test_an_error_that_is_its_own_cause_needs_no_extra():
    error = ValueError("a file is damaged")
    error.__cause__ = error
    assert advice(error) is None
