"""Where things are stored in a run's folder is known to one file."""

import ast
from pathlib import Path

import pytest

from mixprior.pipeline.store import layout
from tests.conftest import ROOT

NAMES = {value for name, value in vars(layout).items() if name.endswith("_FILE")} | {"progress.jsonl"}


def texts(path: Path) -> set[str]:
    """Strings of a module that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    said = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in said
    }


@pytest.mark.parametrize("folder", ["stats", "pipeline", "analysis", "mixing"])
def test_no_other_module_names_its_files(folder):
    for path in sorted((ROOT / folder).glob("**/*.py")):
        if path != Path(layout.__file__).resolve():
            found = {text for text in texts(path) if text.strip("/") in NAMES or "/features/" in text}
            assert not found, path
