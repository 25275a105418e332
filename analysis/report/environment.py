"""Templates of pages: files of the folders `templates` of packages, filled as HTML."""

from __future__ import annotations

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined


def environment(*packages: str) -> Environment:
    """Find templates by name, in the first of the packages that has one; what is filled in is escaped.

    >>> environment("mixprior.analysis.report").from_string("{{ name }}").render(name="<b>")
    '&lt;b&gt;'
    """
    return Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in packages]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
