"""Sums songs that come as stems to mixtures, for mining both ways: `python -m tools.songs.mixtures CATALOG FOLDER`."""

import sys
from pathlib import Path

import numpy as np
import soundfile

from mixprior.pipeline.audio.decode import DecodeLimits, decode_stems
from mixprior.pipeline.catalogs.catalog import open_catalog
from mixprior.stats.statistic import SAMPLE_RATE_HZ


def main(catalog: str, folder: str) -> None:
    Path(folder).mkdir(parents=True, exist_ok=True)
    for song in open_catalog(catalog):
        stems, mixture = decode_stems(song, DecodeLimits())
        if mixture is None:
            mixture = np.sum(list(stems.values()), axis=0)
        name = Path(song.path).name.removesuffix(".stem.mp4")
        soundfile.write(Path(folder) / f"{name}.wav", mixture.T, SAMPLE_RATE_HZ, "FLOAT")


if __name__ == "__main__":
    main(*sys.argv[1:])
