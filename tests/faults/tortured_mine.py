"""`mixprior mine` as a process that compacts early and notes each song it finishes: what the torture test kills."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mixprior.__main__ import command
from mixprior.pipeline.store import archive
from mixprior.pipeline.store.checkpoint import Checkpoint

MANY = 4


def main(finished: str) -> None:
    """Run the command of `sys.argv`.

    Args:
        finished: file that the ids of finished songs are appended to.
    """
    archive.MANY = MANY
    finish = Checkpoint.finish

    def noted(self: Checkpoint, song_id: str, *arguments: object, **keywords: object) -> None:
        finish(self, song_id, *arguments, **keywords)
        descriptor = os.open(finished, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, f"{song_id}\n".encode())
        os.close(descriptor)

    Checkpoint.finish = noted
    command()


if __name__ == "__main__":
    path = Path(sys.argv.pop(1))
    main(str(path))
