"""The public interface: what it exports, that docs/python.md names all of it, and that its examples run."""

import ast
import inspect
import re

import numpy as np
import pytest

import mixprior
from tests.conftest import ROOT
from tests.pipeline.tiny_model import write_tiny_model

DOCS = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
FUNCTIONS = [name for name in mixprior.__all__ if inspect.isfunction(getattr(mixprior, name))]


@pytest.mark.slow
def test_the_examples_run_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIXPRIOR_MODEL_REPO", str(write_tiny_model(tmp_path / "model")))
    program = "\n".join(re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)).replace('"htdemucs"', '"tiny"')
    names: dict = {}
    exec(compile(program, "docs/python.md", "exec"), names)
    assert names["frame"].loc["song", "vocal_to_backing_lu"] == pytest.approx(-1.0, abs=0.1)
    assert names["separated"]["vocals"].shape == names["vocals"].shape


def test_the_docs_name_every_public_function():
    for name in FUNCTIONS:
        assert f"mixprior.{name}(" in DOCS, name
        assert re.search(rf"\| .*`{name}\(", DOCS), name


def test_every_public_name_is_there_and_explained():
    for name in mixprior.__all__:
        assert name == "__version__" or inspect.getdoc(getattr(mixprior, name)), name
    assert dir(mixprior) == sorted(mixprior.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'mnie'"):
        mixprior.mnie  # noqa: B018


def test_type_checkers_see_what_is_imported():
    [block] = [node for node in ast.parse(inspect.getsource(mixprior)).body if isinstance(node, ast.If)]
    seen = {
        alias.asname or alias.name: f"{node.module}:{alias.name}"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == mixprior._SOURCES
    assert {*seen, "__version__"} == set(mixprior.__all__)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_options_are_given_by_name_and_types_are_declared(name):
    function = getattr(mixprior, name)
    parameters = inspect.signature(function).parameters.values()
    optional = [each for each in parameters if each.default is not each.empty and each.kind is not each.KEYWORD_ONLY]
    assert len(optional) <= 1, f"{name}: {optional} should be given by name"
    assert "return" in function.__annotations__
    assert all(each.annotation is not each.empty for each in parameters)


TRANSPOSED = np.zeros((48_000, 2))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("measure", ({"vocals": TRANSPOSED}, 48_000)),
        ("mix", (TRANSPOSED, TRANSPOSED, 48_000)),
        ("mix_tracks", ({"Bass": TRANSPOSED}, 48_000)),
        ("reverse", ({"Bass": TRANSPOSED}, TRANSPOSED, 48_000)),
        ("normalize", ({"bass": TRANSPOSED}, 48_000, "starter")),
        ("fit_reverb", (TRANSPOSED, 48_000)),
        ("separate", (TRANSPOSED, 48_000)),
    ],
)
def test_samples_by_channels_are_refused_with_what_to_do(name, arguments):
    with pytest.raises(mixprior.InputError, match=r"\.T"):
        getattr(mixprior, name)(*arguments)
