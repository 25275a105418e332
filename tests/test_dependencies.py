"""What we depend on: bounded above, and locked with hashes and without a host."""

import re
import runpy
from importlib.metadata import metadata

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
    wanted = [
        *declared["install_requires"],
        *extras["mine"],
        *extras["plot"],
        *extras["sql"],
        *extras["xlsx"],
        *extras["npm-weights"],
    ]
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


PERMISSIVE = re.compile(r"\b(MIT|BSD|Apache|ISC|MPL-2\.0)\b")
COPYLEFT = {
    "mutagen": "GPL-2.0-or-later: `mine` imports it for the tags of files; nothing of it is in this package",
    "soxr": "LGPL-2.1-or-later: a shared library of its own",
}


def test_what_a_user_installs_is_permissive_or_named_here_with_the_reason(declared):
    wanted = [*declared["install_requires"], *declared["extras_require"]["mine"]]
    licences = {name: licence(name) for name in (re.match(r"[\w.-]+", each).group() for each in wanted)}
    others = {name for name, words in licences.items() if "GPL" in words or not PERMISSIVE.search(words)}
    assert others == COPYLEFT.keys()


def licence(name: str) -> str:
    """What a package says of its licence: an expression, or classifiers, or a few words."""
    facts = metadata(name)
    found = [
        facts.get("License-Expression"),
        *(each for each in facts.get_all("Classifier", []) if "License ::" in each),
    ]
    return " ".join(filter(None, found)) or str(facts.get("License"))
