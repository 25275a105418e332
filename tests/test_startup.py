"""What a command imports before it does anything: nothing that its help, or its answer, can do without."""

import subprocess
import sys

import pytest

from mixprior import __main__ as front_door
from tests.conftest import ROOT

NEVER_FOR_HELP = {
    "apache_beam",
    "demucs",
    "duckdb",
    "librosa",
    "matplotlib",
    "numba",
    "pandas",
    "scipy.signal",
    "torch",
}


def imported(*arguments) -> set[str]:
    """The modules that `mixprior ARGUMENTS` imports, by the interpreter's own account."""
    command = [sys.executable, "-X", "importtime", "-m", "mixprior", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_the_front_door_imports_none_of_the_four_folders_nor_a_library(option):
    found = imported(option)
    assert "mixprior.stats.errors" in found
    assert not {
        name for name in found if name.startswith(("mixprior.pipeline", "mixprior.analysis", "mixprior.mixing"))
    }
    assert not found & {"numpy", "pyarrow", "scipy", "logging", *NEVER_FOR_HELP}


@pytest.mark.parametrize("command", sorted(front_door.COMMANDS))
def test_a_help_imports_no_library_that_takes_long(command):
    assert not imported(command, "--help") & NEVER_FOR_HELP


@pytest.mark.parametrize("priors", ["published", "starter"])
def test_a_query_imports_what_reads_a_table_and_no_more(priors):
    # Arrow itself imports pandas where it compares a column with a value.
    assert not imported("query", priors) & {"scipy", "fsspec", *NEVER_FOR_HELP} - {"pandas"}


def test_the_package_imports_nothing_until_a_name_of_it_is_used():
    code = "import sys; before = set(sys.modules); import mixprior; print(sorted(set(sys.modules) - before))"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not [
        name for name in eval(done.stdout) if name.partition(".")[0] in {"numpy", "pyarrow", "scipy", *NEVER_FOR_HELP}
    ]
