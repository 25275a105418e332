"""A recipe for people: what was measured, aimed for and set, and why."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from mixprior.mixing.mix.recipe import Recipe
from mixprior.stats.errors import InputError
from mixprior.stats.visible import visible

_WIDTH = 100
_IN_RECIPE = ("bands", "sha256", "definition")
"""What is shown in the recipe alone."""


def short(recipe: Recipe) -> str:
    """The reasons, a line each, and what was reached."""
    return "\n".join([*(visible(step.reason) for step in recipe.steps), _reached(recipe.to_dict()["results"])])


def of_document(document: Mapping[str, Any], source: str = "this recipe") -> str:
    """A recipe as `Recipe.to_dict` or `mixprior.mixing.mix.recipe.read` gives it, step by step.

    Args:
        document: the recipe.
        source: where it comes from, for people.

    Raises:
        InputError: if it is damaged.
    """
    try:
        return _explained(document)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{source} is damaged ({type(error).__name__} {error}): mix again") from error


def _explained(document: Mapping[str, Any]) -> str:
    if "steps" not in document:
        return "settings alone, a preset: there are no steps to explain"
    lines = []
    for name, given in document["inputs"].items():
        lines.append(f"{name}: {given['path'] or 'an array'}, {_value('integrated_lufs', given['integrated_lufs'])}")
    for number, step in enumerate(document["steps"], 1):
        lines += ["", f"{number}. {step['name']} of {step['of']}"]
        lines += textwrap.wrap(step["reason"], _WIDTH, initial_indent="   ", subsequent_indent="   ")
        for title in ("measured", "target", "setting", "reached"):
            facts = "; ".join(f"{key} {_plain(value)}" for key, value in step[title].items() if key not in _IN_RECIPE)
            if facts:
                lines += textwrap.wrap(f"{title}: {facts}", _WIDTH, initial_indent="   ", subsequent_indent="     ")
        for prior in step["priors"]:
            facts = "; ".join(
                f"{key} {_plain(value)}" for key, value in prior.items() if value is not None and key not in _IN_RECIPE
            )
            lines += textwrap.wrap(f"prior: {facts}", _WIDTH, initial_indent="   ", subsequent_indent="     ")
        for kind in ("warning", "note"):
            for each in step[f"{kind}s"]:
                sentence = each["text"] if isinstance(each, Mapping) else each  # Up to version 2 warnings were text.
                lines += textwrap.wrap(f"{kind}: {sentence}", _WIDTH, initial_indent="   ", subsequent_indent="     ")
    lines += ["", _reached(document["results"])]
    return "\n".join(map(visible, lines))


def _reached(results: Mapping[str, Any]) -> str:
    values = [f"vocals to backing {_value('lu', results['vocal_to_backing_lu'])}"]
    values += [_value("integrated_lufs", results["integrated_lufs"]), _value("dbtp", results["true_peak_dbtp"])]
    return "reached: " + ", ".join(values)


def _value(name: str, value: float | None) -> str:
    units = {"lu": "LU", "integrated_lufs": "LUFS", "dbtp": "dBTP"}
    return f"not measurable ({units[name]})" if value is None else f"{value:.2f} {units[name]}"


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return "(" + ", ".join(f"{key} {_plain(each)}" for key, each in value.items()) + ")"
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain(each) for each in value) if value else "none"
    return "not measurable" if value is None else str(value)
