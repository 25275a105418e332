"""Tables for people: plain text, columns aligned by tabulate."""

from __future__ import annotations

from collections.abc import Sequence

from tabulate import tabulate

from mixprior.stats.visible import visible


def table(header: Sequence[str], rows: Sequence[Sequence[str]], words: int | Sequence[bool] = 1) -> str:
    """Lay out cells in columns, two spaces apart, with the header above them.

    Args:
        header: names of the columns.
        rows: cells, as many in each row as there are columns.
        words: how many columns at the left hold words, or which do: words are set to the left, numbers to the right.

    Returns:
        Lines without blanks at their ends.

    >>> print(table(("stem", "LU"), [("vocals", "-2.0"), ("drums", "10.0")]))
    stem      LU
    vocals  -2.0
    drums   10.0
    """
    held = [k < words for k in range(len(header))] if isinstance(words, int) else words
    sides = ["left" if of_words else "right" for of_words in held]
    # The header as a row: tabulate would set a column of its own two wider than its name.
    return tabulate(
        [[visible(cell) for cell in row] for row in (header, *rows)],
        tablefmt="plain",
        disable_numparse=True,
        colalign=sides,
    )
