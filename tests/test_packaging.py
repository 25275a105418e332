"""The package as others install it: what a wheel and an sdist hold, and what is not importable."""

import email
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

import mixprior
from mixprior.extras import MODULES
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

FOLDERS = ("analysis", "learning", "mixing", "pipeline", "stats")
HEAVY = ("apache-beam", "torch", "demucs", "matplotlib", "duckdb", "onnx")
DISTRIBUTIONS = {"apache_beam": "apache-beam", "huggingface_hub": "huggingface-hub", "yaml": "pyyaml"}
IMPLIED = {"dask": "apache-beam[dask]", "distributed": "apache-beam[dask]", "pkg_resources": "setuptools"}


def copy_of_the_checkout(folder: Path) -> Path:
    """What git would check out, links kept."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_symlink() or (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    return folder


def build(checkout: Path, kind: str, expect: int = 0) -> Path | str:
    """Build a `wheel` or an `sdist` without a network; give its path, or what was printed.

    The native engine is compiled without optimisation, in a fifth of the time: it is not run.
    """
    code = f"from setuptools import build_meta; build_meta.build_{kind}('dist')"
    compiler = checkout / "quick_cc"
    compiler.write_text(f'#!/bin/sh\nexec {sysconfig.get_config_var("CC") or "cc"} "$@" -O0\n')
    compiler.chmod(0o755)
    quick = {**os.environ, "CC": str(compiler)}
    done = subprocess.run([sys.executable, "-c", code], cwd=checkout, env=quick, capture_output=True, text=True)
    assert done.returncode == expect, done.stderr
    return max((checkout / "dist").iterdir()) if expect == 0 else done.stderr


@pytest.fixture(scope="session")
def checkout(once) -> Path:
    """A checkout in which a wheel was built; not to be changed."""
    return once("checkout", lambda folder: build(copy_of_the_checkout(folder), "wheel"))


@pytest.fixture(scope="session")
def wheel(checkout) -> Path:
    [built] = (checkout / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def metadata(wheel) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_string(archive.read(name).decode())


def test_a_wheel_puts_one_package_into_an_empty_environment(wheel, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    pip = [sys.executable, "-m", "pip", "--python", tmp_path / "env" / "bin" / "python"]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", "--no-compile", wheel], check=True)
    [site] = (tmp_path / "env" / "lib").glob("python*/site-packages")
    info = f"mixprior-{mixprior.__version__}.dist-info"
    assert {path.name for path in site.iterdir()} == {"mixprior", info}
    assert not [path for path in site.rglob("*") if path.is_symlink()]
    assert {path.name for path in (site / "mixprior").iterdir() if path.is_dir()} == set(FOLDERS)
    code = f"""
import importlib.util
print([name for name in {FOLDERS!r} if importlib.util.find_spec(name)])
import mixprior
mixprior.main(["--version"])
"""
    out = subprocess.check_output([tmp_path / "env" / "bin" / "python", "-I", "-c", code], text=True)
    assert out == f"[]\nmixprior {mixprior.__version__}\n"


def test_a_wheel_holds_every_module_and_every_file_that_they_read(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if name.startswith("mixprior/")}
    tracked = subprocess.check_output(["git", "ls-files", "mixprior", *FOLDERS], cwd=ROOT, text=True).splitlines()
    there = {name for name in tracked if (ROOT / name).is_file() and not name.endswith((".md", ".ipynb", ".c", ".h"))}
    assert {name if name.startswith("mixprior/") else f"mixprior/{name}" for name in there} <= held


def test_an_sdist_holds_files_and_no_links_and_builds_the_same_wheel(wheel, tmp_path):
    with tarfile.open(build(copy_of_the_checkout(tmp_path / "checkout"), "sdist")) as archive:
        assert all(member.isfile() or member.isdir() for member in archive.getmembers())
        archive.extractall(tmp_path / "unpacked", filter="data")
    [unpacked] = (tmp_path / "unpacked").iterdir()
    assert not {*FOLDERS} & {path.name for path in unpacked.iterdir()}
    assert names_in(build(unpacked, "wheel")) == names_in(wheel)


def test_a_checkout_whose_links_are_text_files_builds_the_same_wheel(wheel, tmp_path):
    checkout = copy_of_the_checkout(tmp_path / "checkout")
    for name in FOLDERS:
        link = checkout / "mixprior" / name
        target = link.readlink()
        link.unlink()
        link.write_text(str(target))
    assert names_in(build(checkout, "wheel")) == names_in(wheel)


def test_a_checkout_without_a_folder_says_what_to_do(tmp_path):
    checkout = copy_of_the_checkout(tmp_path / "checkout")
    shutil.rmtree(checkout / "stats")
    printed = build(checkout, "wheel", expect=1)
    assert printed == "setup.py: neither mixprior/stats nor stats is a folder: check the repository out again\n"


def names_in(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return sorted(archive.namelist())


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_is_not_importable_from_the_root_of_a_checkout(name):
    done = subprocess.run([sys.executable, "-c", f"import {name}"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"ImportError: import mixprior.{name}, not {name}" in done.stderr.splitlines()[-1]


def test_the_metadata_describe_the_package(metadata):
    assert metadata["Version"] == mixprior.__version__
    assert metadata.get_payload().strip() == (ROOT / "README.md").read_text(encoding="utf-8").strip()
    assert metadata["License"] == "MIT"
    assert metadata["License-File"] == "LICENSE"
    assert len(metadata.get_all("Classifier")) >= 8


def test_urls_are_those_of_the_public_repository_it_was_cloned_from(tmp_path):
    checkout = copy_of_the_checkout(tmp_path / "checkout")
    subprocess.run(["git", "init", "--quiet", checkout], check=True)
    home = "https://github.com/someone/mixprior"
    subprocess.run(["git", "-C", checkout, "remote", "add", "origin", f"{home}.git"], check=True)
    with zipfile.ZipFile(build(checkout, "wheel")) as archive:
        [name] = [name for name in archive.namelist() if name.endswith("METADATA")]
        found = email.message_from_bytes(archive.read(name)).get_all("Project-URL")
    assert found == [f"Source, {home}", f"Issues, {home}/issues", f"Changelog, {home}/blob/main/CHANGELOG.md"]


def requirements(metadata, extra: str | None) -> set[str]:
    """Names (with extras of theirs) of what the core needs, or an extra adds to it."""
    found = set()
    for line in metadata.get_all("Requires-Dist"):
        requirement, _, marker = line.partition("; ")
        if marker == ("" if extra is None else f'extra == "{extra}"'):
            found.add(re.match(r"[\w.-]+(\[\w+\])?", requirement).group())
    return found


def test_the_core_is_light(metadata):
    core = requirements(metadata, None)
    assert not core & set(HEAVY)
    assert {"numpy", "scipy", "pandas", "pyarrow", "librosa", "pyloudnorm"} <= core
    assert {"apache-beam", "demucs", "torch"} <= requirements(metadata, "mine")
    assert requirements(metadata, "mine") <= requirements(metadata, "dev")


def test_every_module_of_an_extra_is_brought_by_it(metadata):
    for extra, modules in MODULES.items():
        brought = requirements(metadata, extra)
        for module in modules:
            assert {DISTRIBUTIONS.get(module, module), IMPLIED.get(module)} & brought, (extra, module)


def test_the_version_is_in_the_changelog_and_in_the_citation():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[{re.escape(mixprior.__version__)}\] - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE)
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {mixprior.__version__}\n" in citation
