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


EVERY_HELP = """
import sys
from mixprior.__main__ import COMMANDS, main
for command in COMMANDS:
    print(f"help of {command}", file=sys.stderr)
    main([command, "--help"])
"""


def imports(*program) -> list[str]:
    """What `python PROGRAM` imports and prints on stderr, in order, by the interpreter's own account."""
    command = [sys.executable, "-X", "importtime", *program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [line.rpartition("|")[2].strip() for line in done.stderr.splitlines()]


def imported(*arguments) -> set[str]:
    """The modules that `mixprior ARGUMENTS` imports."""
    return set(imports("-m", "mixprior", *arguments))


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_the_front_door_imports_none_of_the_four_folders_nor_a_library(option):
    found = imported(option)
    assert "mixprior.stats.errors" in found
    assert not {
        name for name in found if name.startswith(("mixprior.pipeline", "mixprior.analysis", "mixprior.mixing"))
    }
    assert not found & {"numpy", "pyarrow", "scipy", "logging", *NEVER_FOR_HELP}


def test_a_help_imports_no_library_that_takes_long():
    found = imports("-c", EVERY_HELP)
    helps = [line for line in found if line.startswith("help of ")]
    assert helps == [f"help of {command}" for command in front_door.COMMANDS]
    for name in NEVER_FOR_HELP & set(found):
        pytest.fail(f"{name} is imported after {[line for line in found[: found.index(name)] if line in helps][-1:]}")


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
