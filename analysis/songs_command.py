"""`mixprior songs`: one table of the songs of a run, to be read by a spreadsheet or a program."""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mixprior.stats.errors import InputError
from mixprior.stats.visible import csv_cell, visible

if TYPE_CHECKING:
    from mixprior.analysis.song_table import SongTable

SUFFIXES = (".csv", ".parquet", ".xlsx")
FACTS = ("column", "unit", "definition", "reliability")
"""What is said of each measured column."""

_MOST_ROWS, _MOST_COLUMNS = 1_048_576, 16_384
"""Of a sheet of a spreadsheet, its header included."""
_MOST_CHARACTERS = 32_767


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("run_folder", metavar="RUN", help="output folder of `mixprior mine`")
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="FILE",
        help="a row a song: path, status, tags, and STEM.STATISTIC for every number; .csv (beside it FILE.columns.csv "
        "with units and definitions), .parquet (they are metadata of the columns) or .xlsx (a sheet of its own)",
    )
    parser.add_argument("--json", action="store_true", help="print the summary as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Write the table, and print how large it is; return 0.

    Raises:
        InputError: if the folder is no run, or the file is of another kind, too large for it, or cannot be written.
    """
    from mixprior.analysis.song_table import song_table  # here: a help text needs no statistics

    output, suffix = args.output, os.path.splitext(args.output)[1]
    if suffix not in SUFFIXES:
        raise InputError(f"{visible(output)} does not end in {', '.join(SUFFIXES)}")
    made = song_table(args.run_folder)
    {".csv": _write_csv, ".parquet": _write_parquet, ".xlsx": _write_xlsx}[suffix](output, made)
    rows, columns = made.values.num_rows, made.values.num_columns
    if args.json:
        print(json.dumps({"output": output, "songs": rows, "columns": columns}))
    else:
        print(f"{visible(output)}: {rows} songs, {columns} columns")
    return 0


def _facts(made: SongTable) -> Iterator[list[Any]]:
    for name, facts in made.facts.items():
        yield [name, *(facts[key] for key in FACTS[1:])]


def _rows(made: SongTable) -> Iterator[Sequence[Any]]:
    yield made.values.column_names
    for batch in made.values.to_batches(1 << 12):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _write_csv(output: str, made: SongTable) -> None:
    from mixprior.pipeline.store import files

    tables = {output: _rows(made), f"{os.path.splitext(output)[0]}.columns.csv": iter([FACTS, *_facts(made)])}
    for path, rows in tables.items():
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(map(csv_cell, row) for row in rows)
        files.write_bytes(path, text.getvalue().encode())


def _write_parquet(output: str, made: SongTable) -> None:
    import pyarrow as pa

    from mixprior.pipeline.store import files

    said = {
        row[0]: {key: str(value) for key, value in zip(FACTS[1:], row[1:], strict=True) if value is not None}
        for row in _facts(made)
    }
    schema = pa.schema([field.with_metadata(said.get(field.name)) for field in made.values.schema])
    files.write_table(output, made.values.cast(schema))


def _write_xlsx(output: str, made: SongTable) -> None:
    """Write two sheets. Text is text: neither a formula nor a link, whatever it begins with."""
    import xlsxwriter

    from mixprior.pipeline.store import files

    if made.values.num_rows >= _MOST_ROWS or made.values.num_columns > _MOST_COLUMNS:
        raise InputError(
            f"{visible(output)}: a sheet holds {_MOST_ROWS - 1:,} songs and {_MOST_COLUMNS:,} columns at most: "
            "write .parquet or .csv"
        )
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "nan_inf_to_errors": True,
    }
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, options) as book:
        bold = book.add_format({"bold": True})
        for name, rows in (("songs", _rows(made)), ("columns", iter([FACTS, *_facts(made)]))):
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 1)
            for number, row in enumerate(rows):
                for place, cell in enumerate(row):
                    if isinstance(cell, str):
                        sheet.write_string(number, place, visible(cell)[:_MOST_CHARACTERS], None if number else bold)
                    elif isinstance(cell, bool):
                        sheet.write_boolean(number, place, cell)
                    elif cell is not None:
                        sheet.write_number(number, place, cell)
    files.write_bytes(output, content.getvalue())
