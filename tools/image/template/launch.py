"""What the launcher of a Dataflow flex template runs: `mixprior mine`, which submits the run and does not wait for it.

The launcher passes the template's parameters, which `metadata.json` declares, and Beam's options, as arguments.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

METADATA = json.loads(Path(__file__).with_name("metadata.json").read_text(encoding="utf-8"))
FLAGS = ("force", "retry_failed")
"""Parameters that are options without a value: they are given as true or false."""


def command_of(arguments: Sequence[str]) -> list[str]:
    """Return the arguments of `mixprior` that the launcher's ask for.

    >>> command_of(["--catalog=gs://b/in", "--output=gs://b/out", "--max_minutes=9", "--force=true", "--region=R"])
    ['mine', 'gs://b/in', '--output=gs://b/out', '--max-minutes=9', '--force', '--no_wait_until_finish', '--region=R']
    """
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for parameter in METADATA["parameters"]:
        name, is_optional = parameter["name"], parameter.get("isOptional", False)
        choices = ("", "true", "false") if name in FLAGS else None
        parser.add_argument(f"--{name}", required=not is_optional, choices=choices)
    found, of_beam = parser.parse_known_args(arguments)
    given = {name: value for name, value in vars(found).items() if value}
    ours = [given.pop("catalog")]
    for name, value in given.items():
        option = f"--{name.replace('_', '-')}"
        if name not in FLAGS:
            ours.append(f"{option}={value}")
        elif value == "true":
            ours.append(option)
    return ["mine", *ours, "--no_wait_until_finish", *of_beam]


if __name__ == "__main__":
    from mixprior.__main__ import command

    sys.argv[1:] = command_of(sys.argv[1:])
    command()
