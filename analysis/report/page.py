"""The page of a report: HTML that needs nothing else, no network and no script."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mixprior.analysis.report import distributions, groups, sections
from mixprior.analysis.report.environment import environment
from mixprior.analysis.report.material import Material

Content = Mapping[str, Any]
"""What the template of a chapter shows, by the names it uses."""


@dataclass(frozen=True)
class _Chapter:
    """A chapter of the page.

    Attributes:
        name: its anchor.
        title: what the list of contents calls it.
        template: file of `templates` that lays it out.
        write: returns what the template shows; None where there is nothing to show.
    """

    name: str
    title: str
    template: str
    write: Callable[[Material], Content | None]


_CHAPTERS = (
    _Chapter("headline", "Vocals against backing", "headline", sections.headline),
    _Chapter("statistics", "Every statistic", "statistics", distributions.statistics),
    _Chapter("spectra", "Spectra", "curves", distributions.spectra),
    _Chapter("panning", "Panning", "curves", distributions.panning),
    _Chapter("groups", "Groups", "groups", groups.groups),
    _Chapter("joint", "What goes together", "joint", groups.joint),
    _Chapter("reverb", "Reverb", "statistics", distributions.reverb),
    _Chapter("failures", "Failures", "failures", sections.failures),
    _Chapter("distrust", "What to distrust", "distrust", sections.distrust),
)

_TEMPLATES = environment("mixprior.analysis.report")


def report(path: str | Path) -> str:
    """Return the report of a priors folder, or of the run that holds one, as a page of HTML.

    Raises:
        NotPriors: if there are no priors there, or they are damaged.
        PriorsVersionError: if they are of another version of the layout.

    >>> report("published").splitlines()[0]
    '<!DOCTYPE html>'
    """
    material = Material.of(path)
    chapters = [(chapter, content) for chapter in _CHAPTERS if (content := chapter.write(material)) is not None]
    return _TEMPLATES.get_template("page.html.j2").render(catalog=sections.catalog(material), chapters=chapters)
