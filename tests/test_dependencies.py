"""What we depend on: bounded above, and locked with hashes and without a host."""

import re
import runpy

import pytest

from tests.conftest import ROOT

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def declared(tmp_path_factory):
    """The arguments of setup(), by running setup.py."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("setuptools.setup", lambda **arguments: found.update(arguments))
        patch.chdir(ROOT)
        runpy.run_path(str(ROOT / "setup.py"))
    return found


def test_every_package_that_a_user_installs_has_an_upper_bound(declared):
    extras = declared["extras_require"]
    wanted = [*declared["install_requires"], *extras["mine"], *extras["plot"], *extras["sql"], *extras["npm-weights"]]
    # fsspec counts by years: no number of it tells of a break.
    assert [each for each in wanted if "<" not in each and not each.startswith("fsspec")] == []


def test_the_lock_pins_and_hashes_all_that_mining_needs(declared):
    pins = re.findall(r"^([\w.-]+)==\S+ \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", LOCK, re.MULTILINE)
    names = {name for name, _ in pins}
    assert len(names) == len(re.findall(r"^\S", LOCK, re.MULTILINE)), "a line without a hash"
    wanted = [*declared["install_requires"], *declared["extras_require"]["mine"]]
    assert {re.match(r"[\w.-]+", each).group() for each in wanted} <= names


def test_the_lock_names_no_host():
    assert not re.search(r"://|--index|--find-links|--trusted-host|\w+\.(org|com|io|net)\b", LOCK)
