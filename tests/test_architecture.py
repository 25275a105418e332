"""The picture of the tree holds: who imports whom, one noun a file, schema and records agree."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("stats", "pipeline", "analysis", "mixing", "learning")
FILES = {"stats", "pipeline.store", "pipeline.audio"}
MAY_IMPORT = {
    "stats": {"stats"},
    "pipeline": {"stats", "pipeline"},
    "analysis": {"analysis", *FILES},
    "mixing": {"mixing", "analysis", *FILES},
    "mixing.evaluation": {"mixing", "analysis", "stats", "pipeline"},
    "learning": {"learning", "mixing", "analysis", "stats", "pipeline"},
}
"""Whose modules those of a folder may import; the longest name that fits is the rule."""
HEAVY = {"apache_beam", "torch", "demucs"}
LIBRARIES_OF_STATS = {"numpy", "scipy", "numba", "llvmlite", "librosa", "pyarrow", "soxr"}
ENDS_THE_PROCESS = {
    "mixprior/__main__.py",
    "pipeline/graphs/conductor.py",
    "pipeline/graphs/worker.py",
    "pipeline/song/child.py",
}
"""Where a process begins: the command line, what conducts workers of Beam's local runner, these, a child of a pool."""


def modules(package: str) -> list[Path]:
    paths = sorted((ROOT / package.replace(".", "/")).glob("**/*.py"))
    assert paths, f"no modules in {package}"
    return paths


def name_of(path: Path) -> str:
    """`pipeline.store.rows` for that module, `pipeline.store` for the folder's `__init__.py`."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def lies_in(module: str, folder: str) -> bool:
    return module == folder or module.startswith(f"{folder}.")


def imports(path: Path, when: str = "ever") -> set[str]:
    """Full names of what a module imports, ours by folder: `ever`, when it `runs`, or when it `is imported`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree) if when == "ever" else running(tree, functions=when == "runs"):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.removeprefix("mixprior.") for name in found}


def running(tree: ast.AST, functions: bool) -> Iterator[ast.AST]:
    """The nodes that are not for type checkers alone; without bodies of functions, those that run on import."""
    for node in ast.iter_child_nodes(tree):
        for_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if not for_types and (functions or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)):
            yield node
            yield from running(node, functions)


def libraries(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names} - {*FOLDERS, "mixprior"}


@pytest.mark.parametrize("package", FOLDERS)
def test_modules_import_only_what_their_folder_may(package):
    for path in modules(package):
        rule = max((folder for folder in MAY_IMPORT if lies_in(name_of(path), folder)), key=len)
        ours = {name for name in imports(path) if name.partition(".")[0] in {*FOLDERS, "tests", "tools"}}
        foreign = {name for name in ours if not any(lies_in(name, folder) for folder in MAY_IMPORT[rule])}
        assert not foreign, path


def test_modules_import_each_other_without_circles():
    names = {name_of(path): path for package in FOLDERS for path in modules(package)}

    def module_of(imported: str) -> str:
        return imported if imported in names else imported.rpartition(".")[0]

    graph = {
        name: {module_of(each) for each in imports(path, "runs")} & set(names) - {name} for name, path in names.items()
    }
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize(
    "package", ["stats", "analysis", "mixing", "pipeline.store", "pipeline.audio", "pipeline.song"]
)
def test_beam_torch_and_demucs_stay_out(package):
    for path in modules(package):
        only_inside = {"torch", "demucs"} if package.startswith("pipeline.") else set()
        assert not libraries(imports(path)) & (HEAVY - only_inside), path
        assert not libraries(imports(path, "is imported")) & HEAVY, path


def test_graphs_alone_import_beam():
    for path in modules("pipeline"):
        if not lies_in(name_of(path), "pipeline.graphs"):
            assert "apache_beam" not in libraries(imports(path)), path


def test_neither_store_audio_nor_song_loads_beam_or_torch_by_a_detour():
    below = [name_of(path) for folder in ("store", "audio", "song") for path in modules(f"pipeline.{folder}")]
    code = f"""
import importlib, sys
for name in {below!r}:
    importlib.import_module("mixprior." + name)
print(sorted(set({HEAVY!r}) & set(sys.modules)))
"""
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_stats_stands_on_numerical_libraries_alone():
    for path in modules("stats"):
        foreign = libraries(imports(path)) - set(sys.stdlib_module_names) - LIBRARIES_OF_STATS
        assert not foreign, path


def test_the_front_door_alone_ends_the_process_and_owns_its_signals():
    for package in FOLDERS:
        for path in modules(package):
            if str(path.relative_to(ROOT)) in ENDS_THE_PROCESS:
                continue
            text = path.read_text(encoding="utf-8")
            for forbidden in ("os._exit", "signal.signal(", "excepthook =", "sys.exit("):
                assert forbidden not in text.partition('if __name__ == "__main__"')[0], f"{path}: {forbidden}"


def test_every_folder_says_in_a_sentence_what_it_holds():
    for package in FOLDERS:
        for folder in {path.parent for path in modules(package)}:
            said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
            assert said, folder
            assert said.partition("\n")[0].endswith("."), folder


def test_contributing_lists_every_folder():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for package in FOLDERS:
        for folder in {path.parent for path in modules(package)}:
            assert f"`{folder.relative_to(ROOT)}/`" in text or f"`{folder.name}/`" in text, folder


def test_files_read_in_one_sitting_and_are_named_by_what_they_hold():
    for package in (*FOLDERS, "mixprior", "tests", "tools"):
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
