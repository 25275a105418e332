"""`mixprior report`: priors as one page of HTML that needs nothing else: no network, no script."""

from __future__ import annotations

import argparse
from pathlib import Path

from mixprior.analysis.report import distributions, groups, sections
from mixprior.analysis.report.markup import Markup, element, joined
from mixprior.analysis.report.material import Material
from mixprior.analysis.report.style import STYLE
from mixprior.analysis.report.wording import count
from mixprior.stats.errors import InputError

_CHAPTERS = (
    ("headline", "Vocals against backing", sections.headline),
    ("statistics", "Every statistic", distributions.statistics),
    ("spectra", "Spectra", distributions.spectra),
    ("panning", "Panning", distributions.panning),
    ("groups", "Groups", groups.groups),
    ("joint", "What goes together", groups.joint),
    ("reverb", "Reverb", distributions.reverb),
    ("failures", "Failures", sections.failures),
    ("distrust", "What to distrust", sections.distrust),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("priors", metavar="PRIORS", help="priors folder, or the output folder of `mixprior mine`")
    parser.add_argument("-o", "--output", metavar="FILE", default="report.html", help="where to write (%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Write the page, print where it lies, and return 0.

    Raises:
        InputError: if there are no such priors, or the page cannot be written there.
    """
    page = report(args.priors)
    output = Path(args.output)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(page, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{output} cannot be written ({error.strerror}); give another file with -o") from error
    print(output, flush=True)
    return 0


def report(path: str | Path) -> str:
    """Return the report of a priors folder, or of the run it lies in, as a page of HTML.

    Raises:
        NotPriors: if there are no priors there, or they are damaged.
        PriorsVersionError: if they are of another version of the layout.
    """
    material = Material.of(path)
    chapters = [(name, title, chapter) for name, title, write in _CHAPTERS if (chapter := write(material))]
    contents = element(
        "nav", *(element("a", title, href=f"#{name}") for name, title, _ in chapters), aria_label="Contents"
    )
    heading = f"mixprior report: {count(material.manifest.get('songs') or 0, 'song')}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", heading),
        element("style", Markup(STYLE)),
    )
    body = element(
        "body",
        element(
            "main",
            sections.catalog(material),
            contents,
            *(chapter for _, _, chapter in chapters),
            element("footer", "Written by mixprior report from priors.parquet and manifest.json beside it."),
        ),
    )
    return joined(Markup("<!DOCTYPE html>\n"), element("html", head, body, lang="en"), Markup("\n"))
