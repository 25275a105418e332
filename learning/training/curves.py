"""Learning curves, and spectrograms of what was learned, as one static page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup

from mixprior.learning.training import spectrogram
from mixprior.learning.training.loop import Look

_WIDTH, _HEIGHT, _MARGIN = 640, 240, 40
_PAGE = Markup(
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
    "<style>body{{font:15px sans-serif;max-width:44rem;margin:2rem auto}}svg{{width:100%}}"
    "figure{{margin:0 0 1rem}}img{{max-width:100%;image-rendering:pixelated}}"
    ".training{{stroke:#888;fill:none}}.choosing{{stroke:#06c;fill:none;stroke-width:2}}"
    ".best{{fill:#06c}}text{{font-size:12px}}</style>"
    "<h1>{title}</h1><p>Grey: loss on the training songs. Blue: on the songs that choose when to stop; the dot is the "
    "step whose weights are kept.</p>{charts}{pictures}</html>\n"
)
_PICTURES = Markup(
    "<h2>A song that chose when to stop</h2><p>128 mel bands over time, the highest at the top; white is the loudest, "
    "black {range_db:.0f} dB below and less.</p>{figures}"
)
_CHART = Markup(
    '<h2>{name}</h2><svg viewBox="0 0 {width} {height}" role="img" aria-label="{name}">'
    '<polyline class="training" points="{training}"/><polyline class="choosing" points="{choosing}"/>'
    '<circle class="best" r="4" cx="{x:.1f}" cy="{y:.1f}"/>'
    '<text x="0" y="12">{high:.3g}</text><text x="0" y="{bottom}">{low:.3g}</text>'
    '<text x="{width}" y="{height}" text-anchor="end">{steps} steps</text></svg>'
)


def page(title: str, trainings: Mapping[str, Sequence[Look]], mixes: Mapping[str, np.ndarray] | None = None) -> str:
    """One page with a chart for each training, by its name; trainings without a look are left out.

    Args:
        title: of the page.
        trainings: looks of each.
        mixes: of a song that chose when to stop, by name, each (channels, samples) at 44.1 kHz: their spectrograms are
            shown.

    >>> page("Levels", {"ours": [Look(10, 2.0, 1.5), Look(20, 1.0, 1.2)]}).count("<svg")
    1
    """
    charts = [_chart(name, looks) for name, looks in trainings.items() if looks]
    pictures = Markup("")
    if mixes:
        figures = Markup("").join(spectrogram.figure(name, audio) for name, audio in mixes.items())
        pictures = _PICTURES.format(range_db=spectrogram.RANGE_DB, figures=figures)
    return str(_PAGE.format(title=title, charts=Markup("").join(charts), pictures=pictures))


def _chart(name: str, looks: Sequence[Look]) -> Markup:
    values = [value for look in looks for value in (look.training_loss, look.choosing_loss)]
    low, high, last = min(values), max(values), looks[-1].step

    def place(step: int, value: float) -> tuple[float, float]:
        share = (value - low) / (high - low) if high > low else 0.5
        return _MARGIN + (_WIDTH - _MARGIN) * step / last, (_HEIGHT - 30) * (1 - share) + 5

    def points(which: str) -> str:
        return " ".join("{:.1f},{:.1f}".format(*place(look.step, getattr(look, which))) for look in looks)

    best = min(looks, key=lambda look: look.choosing_loss)
    x, y = place(best.step, best.choosing_loss)
    return _CHART.format(
        name=name,
        width=_WIDTH,
        height=_HEIGHT,
        bottom=_HEIGHT - 25,
        training=points("training_loss"),
        choosing=points("choosing_loss"),
        x=x,
        y=y,
        low=low,
        high=high,
        steps=last,
    )
