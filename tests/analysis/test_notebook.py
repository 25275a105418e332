"""The notebook runs on freshly made priors, and what is committed of it is small and tells no machine's paths."""

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import ROOT

NOTEBOOK = ROOT / "docs" / "priors.ipynb"


@pytest.fixture(scope="module")
def committed() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


def test_the_notebook_runs_on_the_priors_of_a_run(committed, mined_run, monkeypatch):
    monkeypatch.setenv("MIXPRIOR_PRIORS", str(mined_run))
    fresh = nbformat.from_dict(committed)
    client = NotebookClient(fresh, timeout=300, resources={"metadata": {"path": str(NOTEBOOK.parent)}})
    client.execute()
    printed = [output.text for cell in fresh.cells for output in cell.get("outputs", []) if "text" in output]
    assert "over 5 songs" in printed[0]


def test_the_committed_notebook_is_executed_small_and_without_paths(committed):
    code = [cell for cell in committed.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert all(cell.outputs for cell in code)
    assert NOTEBOOK.stat().st_size < 300_000
    text = NOTEBOOK.read_text("utf-8")
    assert not [name for name in ("work", "root", "home", "tmp", "Users") if f"/{name}/" in text]
    assert '"output_type": "error"' not in text
