"""Shapes of a chart as SVG markup: x coordinates are shares of the width, y coordinates are pixels."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

# Markup.format escapes its arguments, except those that are Markup already.
_SVG = Markup('<svg width="100%" height="{:.0f}" role="img" aria-label="{}"><title>{}</title>{}</svg>')
STRETCHED = Markup('<svg width="100%" height="{}" viewBox="0 0 {} {}" preserveAspectRatio="none">{}</svg>')
GROUP = Markup('<g class="{}">{}</g>')
_LINE = Markup('<line x1="{:.2f}%" x2="{:.2f}%" y1="{:.1f}" y2="{:.1f}" class="{}"/>')
_RECT = Markup('<rect x="{:.2f}%" width="{:.2f}%" y="{:.1f}" height="{:.1f}" class="{}"/>')
_CIRCLE = Markup('<circle cx="{:.2f}%" cy="{:.1f}" r="{}" class="{}">{}</circle>')
_NAME = Markup("<title>{}</title>")
_MARK = Markup('<svg x="{:.2f}%" y="{:.0f}" width="1" height="1" class="{}"><path d="{}">{}</path></svg>')
PATH = Markup('<path d="{}" class="{}"/>')
LABEL = Markup('<text x="{}" y="{:.0f}" text-anchor="end">{}</text>')
NOTE = Markup('<text x="100%" dx="8" y="{:.0f}" class="note">{}</text>')
TICK = Markup('<text x="{:.2f}%" y="{:.0f}" class="tick" text-anchor="middle">{}</text>')
RULE_LABEL = Markup('<text x="{:.2f}%" y="{}" class="rule-label" dx="{}" text-anchor="{}">{}</text>')


def drawing(title: str, height: float, *parts: Markup) -> Markup:
    """Return a chart of a height in pixels, with a title for screen readers."""
    return _SVG.format(height, title, title, joined(parts))


def line(start: float, stop: float, y: float, kind: str) -> Markup:
    """Return a horizontal line."""
    return _LINE.format(100 * start, 100 * stop, y, y, kind)


def upright(share: float, top: float, bottom: float, kind: str) -> Markup:
    """Return a vertical line."""
    return _LINE.format(100 * share, 100 * share, top, bottom, kind)


def rect(start: float, stop: float, y: float, height: float, kind: str) -> Markup:
    """Return a rectangle."""
    return _RECT.format(100 * start, 100 * (stop - start), y, height, kind)


def circle(share: float, y: float, radius: float, kind: str, name: str = "") -> Markup:
    """Return a circle, with a name to show where a pointer rests on it."""
    return _CIRCLE.format(100 * share, y, radius, kind, _NAME.format(name) if name else "")


def mark(share: float, y: float, path: str, kind: str, name: str) -> Markup:
    """Return a symbol, drawn by a path around its place."""
    return _MARK.format(100 * share, y, kind, path, _NAME.format(name))


def joined(parts: Iterable[Markup]) -> Markup:
    """Return parts one after another."""
    return Markup("").join(parts)
