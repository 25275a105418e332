"""Lists the recordings of a role as a manifest: `python -m tools.songs.manifest ROLE FOLDER... -o FILE.csv`.

They are found by what the files hold, wherever they are in the folders; what is not found is named on stderr.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path

from mixprior.pipeline.catalogs import roles
from mixprior.stats.visible import csv_cell
from tools import ROLES

_COLUMNS = ("title", "artist", "featured", "genre", "year", "sung", "collection", "licence", "source")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the manifest; return 3 if a recording is missing."""
    parser = argparse.ArgumentParser(prog="python -m tools.songs.manifest", description=__doc__)
    parser.add_argument("role", choices=roles.ROLES)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="FILE.csv")
    args = parser.parse_args(arguments)
    wanted = [each for each in roles.read(ROLES, args.role) if each.sha256]
    found = roles.found_in(args.folders, wanted)
    args.output.parent.mkdir(parents=True, exist_ok=True)
    with args.output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("path", *_COLUMNS))
        for each in wanted:
            if each in found:
                cells = (str(found[each].resolve()), *(getattr(each, name) for name in _COLUMNS))
                writer.writerow(map(csv_cell, cells))
    missing = [each for each in wanted if each not in found]
    for each in missing:
        print(f"not found: {each.artist} - {each.title} ({each.source})", file=sys.stderr)
    print(f"{args.output}: {len(found)} of {len(wanted)} recordings")
    return 3 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
