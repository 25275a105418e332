"""A mix as a page of HTML: one file that needs nothing else and no network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from mixprior.analysis.report.environment import environment
from mixprior.analysis.report.wording import number
from mixprior.mixing.effects.chain import VOCALS
from mixprior.mixing.mix import explain
from mixprior.mixing.mix.comparison import Comparison
from mixprior.mixing.mix.recipe import Recipe
from mixprior.mixing.mix.render import Mixed
from mixprior.mixing.page import charts, command_line
from mixprior.mixing.page.audio import Audio, audio_of
from mixprior.mixing.page.reference import Reference
from mixprior.mixing.rules.ratio import RATIO
from mixprior.pipeline.audio import writer
from mixprior.pipeline.store import files
from mixprior.stats.errors import InputError
from mixprior.stats.visible import visible

_SUFFIXES = (".html", ".htm")
_TEMPLATES = environment("mixprior.mixing.page", "mixprior.analysis.report")


def check(path: str | Path) -> None:
    """Refuse a page that cannot be written, before any work is done.

    Raises:
        InputError: if its name is of no page, or its folder cannot be made.

    >>> check("mix.pdf")
    Traceback (most recent call last):
    mixprior.stats.errors.InputError: mix.pdf: a page is written as .html or .htm
    """
    path = Path(path)
    if path.suffix.lower() not in _SUFFIXES:
        raise InputError(f"{path}: a page is written as {' or '.join(_SUFFIXES)}")
    writer.check_folder(path)


def write(
    path: str | Path,
    mixed: Mixed,
    comparison: Comparison,
    again: command_line.Again | None = None,
    reference: Reference | None = None,
) -> None:
    """Write the page of a mix, whole or not at all.

    Args:
        path: .html to write; `check` it first.
        mixed: the mix.
        comparison: of the mix with the plain sum.
        again: the command that makes it; None where it was not made by options.
        reference: a mix to listen to beside it.

    Raises:
        InputError: if it cannot be written.
    """
    html = page(mixed, comparison, again, reference)
    writer.make_folder(Path(path))
    with files.replacing(path) as temporary:
        temporary.write_text(html, "utf-8")


def page(
    mixed: Mixed,
    comparison: Comparison,
    again: command_line.Again | None = None,
    reference: Reference | None = None,
) -> str:
    """Return the page of a mix as HTML. Arguments are those of `write`."""
    audio = audio_of(mixed, comparison.before, reference)
    style, script = _source("report.css", "mixprior.analysis.report") + _source("page.css"), _source("player.js")
    recipe = mixed.recipe
    return _TEMPLATES.get_template("mix.html.j2").render(
        title=_title(recipe),
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
        numbers=_numbers(recipe, comparison),
        reference=None if reference is None else visible(reference.name),
        has_vocals=any(part["name"] == VOCALS for part in audio.facts["parts"]),
        wave=charts.wave(mixed.summed.sound, mixed.summed.parts.get(VOCALS) if mixed.summed.backing else None),
        ratio=_ratio(comparison),
        steps=[_step(step) for step in recipe.to_dict()["steps"]],
        warnings=[visible(warning.text) for warning in recipe.warnings],
        explained=explain.of_document(recipe.to_dict()),
        spectra=charts.spectra(comparison, None if reference is None else reference.sound),
        levels=_levels(comparison),
        facts=_facts(audio, comparison, recipe, again),
        recipe=recipe.to_dict(),
        sounds=audio.sounds,
    )


def _source(name: str, package: str = "mixprior.mixing.page") -> str:
    return (resources.files(package) / "templates" / name).read_text("utf-8")


def _hash(text: str) -> str:
    """What a content security policy calls an inline script or style sheet that it allows."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _title(recipe: Recipe) -> str:
    return visible(Path(recipe.output.path).name) if recipe.output.path else "A mix"


def _numbers(recipe: Recipe, comparison: Comparison) -> dict[str, str]:
    found = {"Length": f"{int(recipe.output.duration_s) // 60}:{int(recipe.output.duration_s) % 60:02d}"}
    if comparison.ratio is not None:
        first, last = (number(value, 1) for value in (comparison.ratio.before, comparison.ratio.after))
        found["Vocals against the rest"] = f"{first} \N{RIGHTWARDS ARROW} {last} LU"
    found["Loudness"] = f"{number(recipe.results.integrated_lufs, 1)} LUFS"
    found["True peak"] = f"{number(recipe.results.true_peak_dbtp, 1)} dBTP"
    return found


def _ratio(comparison: Comparison) -> Any:
    if comparison.ratio is None:
        return None
    return charts.levels("Vocals against the rest, in LU", [("", comparison.ratio)], now=True)


def _levels(comparison: Comparison) -> Any:
    rows = [(part.name, part.level) for part in comparison.parts]
    return charts.levels("Loudness of each part over that of the whole, in LU", rows) if rows else None


def _step(step: Mapping[str, Any]) -> dict[str, str]:
    reason = visible(step["reason"])
    return {"name": visible(step["name"]), "of": visible(step["of"]), "reason": reason[:1].upper() + reason[1:]}


def _facts(audio: Audio, comparison: Comparison, recipe: Recipe, again: command_line.Again | None) -> dict[str, Any]:
    """What the script of the page reads."""
    ratio, options = comparison.ratio, recipe.options
    return {
        **audio.facts,
        "ratio": None if ratio is None else {"before": ratio.before, "after": ratio.after},
        "levelled_from_lu": _levelled_from_lu(recipe),
        "options": {name: options.get(name) for name in command_line.SET_ON_THE_PAGE},
        "again": None if again is None else again.words,
    }


def _levelled_from_lu(recipe: Recipe) -> float | None:
    """The ratio from which the step of level took the vocals; None without that step."""
    steps = [step for step in recipe.steps if step.name == "level" and step.of == VOCALS]
    return next((step.measured[RATIO] for step in steps if step.measured.get(RATIO) is not None), None)
