"""Separate whole songs and keep their stems, as `tools.songs.remixes` reads them.

`python -m tools.songs.stems SONG ... -o STEMS`: writes STEMS/NAME.npz of vocals, drums, bass and other, which sum to
the song, as float16. A song that is there is not separated again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from mixprior.learning.scenes.songs import Stems, separated
from mixprior.mixing.evaluation.separated import kept
from mixprior.pipeline.audio.decode import decode_mixture
from mixprior.pipeline.store.records import Song


def main(argv: Sequence[str]) -> int:
    """`python -m tools.songs.stems`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("songs", nargs="+", type=Path, metavar="SONG")
    parser.add_argument("-o", dest="output", type=Path, required=True)
    args = parser.parse_args(argv)
    for path in args.songs:
        kept(args.output / f"{path.stem}.npz", partial(_stems, path))
        print(path.stem, flush=True)
    return 0


def _stems(path: Path) -> Stems:
    return separated(decode_mixture(Song(str(path))))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
