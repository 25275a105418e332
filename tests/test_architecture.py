"""The picture of the tree holds: who imports whom, one noun a file, schema and records agree."""

import ast
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("stats", "pipeline", "analysis", "mixing")
MAY_IMPORT = {
    "stats": {"stats"},
    "pipeline": {"pipeline", "stats"},
    "analysis": {"analysis", "stats"},
    "mixing": {"mixing", "analysis", "stats"},
}
LIBRARIES_OF_STATS = {"numpy", "scipy", "numba", "librosa", "pyarrow", "soxr"}


def modules_imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def imports(path: Path) -> set[str]:
    """Libraries, and folders of ours by their own name ("stats")."""
    found = set()
    for name in modules_imported(path):
        top, _, rest = name.partition(".")
        found.add(rest.partition(".")[0] if top == "mixprior" else top)
    return found


def modules(package: str) -> list[Path]:
    paths = sorted((ROOT / package).glob("**/*.py"))
    assert paths, f"no modules in {package}"
    return paths


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_packages_import_only_what_lies_below_them(package):
    for path in modules(package):
        assert imports(path) & {*FOLDERS, "tests", "tools"} <= MAY_IMPORT[package], path


@pytest.mark.parametrize("package", ["stats", "analysis", "mixing"])
def test_numbers_and_mixing_know_neither_beam_nor_torch(package):
    for path in modules(package):
        assert not imports(path) & {"apache_beam", "torch", "demucs"}, path


def test_stats_stands_on_numerical_libraries_alone():
    for path in modules("stats"):
        foreign = imports(path) - set(sys.stdlib_module_names) - {*FOLDERS} - LIBRARIES_OF_STATS
        assert not foreign, path


def test_query_and_mix_load_neither_beam_nor_torch():
    code = (
        "import sys, mixprior.analysis.query, mixprior.mixing.mix.command; "
        "print([m for m in ('apache_beam', 'torch', 'demucs') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_files_read_in_one_sitting_and_are_named_by_what_they_hold():
    for package in (*MAY_IMPORT, "tests", "tools"):
        for path in modules(package):
            assert path.stem not in {"utils", "util", "helpers", "common", "misc"}, path
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path


def test_schemas_and_records_agree():
    from mixprior.pipeline.store.records import Failure
    from mixprior.stats.registry import COLUMNS, FEATURES_SCHEMA, STATISTICS
    from mixprior.stats.schema import FAILURES_SCHEMA, SONGS_SCHEMA

    assert FAILURES_SCHEMA.names == [field.name for field in fields(Failure)]
    assert set(FAILURES_SCHEMA.names) <= set(SONGS_SCHEMA.names)
    assert FEATURES_SCHEMA.names == ["song_id", "stem", *(column.name for column in COLUMNS)]
    assert len(set(FEATURES_SCHEMA.names)) == len(FEATURES_SCHEMA.names), "two statistics share a column"
    assert STATISTICS


def test_every_statistic_says_its_unit_and_where_it_comes_from():
    from mixprior.stats.registry import COLUMNS

    for column in COLUMNS:
        assert column.unit, column.name
        assert len(column.definition) > 20, column.name
        assert column.resolution > 0, column.name


def test_no_machine_path_or_registry_host_is_in_the_tree():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    hosts = [".".join(parts) for parts in (("npmjs", "org"), ("pypi", "org"), ("debian", "org"))]
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.suffix not in {".py", ".md", ".toml", ".yml", ".ipynb", ""} or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        for forbidden in (str(ROOT.parent) + "/", str(Path.home()) + "/", *hosts):
            assert forbidden not in text, f"{name} holds {forbidden}"
