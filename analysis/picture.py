"""Files of pictures: what they are called, and how they are written."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from mixprior.pipeline.audio import writer
from mixprior.pipeline.store import files
from mixprior.stats.errors import InputError

_FORMATS = (".png", ".pdf", ".svg")
_LACKING = "plots need matplotlib: pip install 'mixprior[plot]'"


def check(path: str | Path) -> None:
    """Refuse a picture that cannot be drawn, before any work is done.

    Raises:
        InputError: if matplotlib is not installed, the name ends with no format, or its folder cannot be made.

    >>> check("ratio.gif")
    Traceback (most recent call last):
    mixprior.stats.errors.InputError: ratio.gif: a picture is written as .png, .pdf or .svg
    """
    path = Path(path)
    if path.suffix.lower() not in _FORMATS:
        raise InputError(f"{path}: a picture is written as {', '.join(_FORMATS[:-1])} or {_FORMATS[-1]}")
    if importlib.util.find_spec("matplotlib") is None:
        raise InputError(_LACKING)
    writer.check_folder(path)


def figure(width_inches: float, height_inches: float) -> Any:
    """Return an empty figure of matplotlib, which needs no screen.

    Raises:
        InputError: if matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError(_LACKING) from error
    made = Figure(figsize=(width_inches, height_inches), layout="constrained")
    FigureCanvasAgg(made)
    return made


def write(drawn: Any, path: str | Path, dpi: int) -> None:
    """Write a figure, whole or not at all, in the format that the name ends with; folders that are missing are made.

    Raises:
        InputError: if it cannot be written.
    """
    writer.make_folder(Path(path))
    with files.replacing(path) as temporary:
        drawn.savefig(temporary, format=Path(path).suffix[1:].lower(), dpi=dpi)
