"""HTML and SVG elements as text, escaped unless they are markup already."""

from __future__ import annotations

import html

_EMPTY = frozenset(("meta", "line", "rect", "circle", "path"))


class Markup(str):
    """Text that is markup: it is put into an element as it stands."""

    __slots__ = ()


def element(name: str, /, *children: str, **attributes: object) -> Markup:
    """Write one element; children that are not `Markup` are escaped, as are the values of attributes.

    Args:
        name: of the element.
        *children: what it holds.
        **attributes: by name, `_` for `-`, with a `_` at the end where the name is a word of Python; None leaves out.

    >>> element("p", "a < b, ", element("b", "bold"), class_="note")
    '<p class="note">a &lt; b, <b>bold</b></p>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inside = joined(*children)
    if not inside and name in _EMPTY:
        return Markup(f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{inside}</{name}>")


def joined(*parts: str) -> Markup:
    """Put parts one after another, escaping those that are not `Markup`."""
    return Markup("".join(part if isinstance(part, Markup) else html.escape(part) for part in parts))
