"""Every command of the core, and `measure`, on generated sounds, where Beam, torch and demucs are not installed.

    python core_commands.py FOLDER

Run by `.ci/core`, in an environment that holds the core alone and outside of the checkout.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

import mixprior
from mixprior.extras import MODULES
from mixprior.pipeline.synthesis import RATE_HZ, SCORES, perform


def commands(folder: Path) -> list[list[str]]:
    """The commands of the core, in an order in which each finds what it reads."""
    pair = ["--vocal", f"{folder}/song/vocals.wav", "--backing", f"{folder}/backing.wav"]
    return [
        ["query", "published"],
        ["query", "starter", "--stem", "song", "--json"],
        ["report", "starter", "-o", f"{folder}/report.html"],
        ["constants", "starter", "-o", f"{folder}/features.npz"],
        ["mix", *pair, "-o", f"{folder}/mix.wav"],
        ["mix", "--tracks", f"{folder}/song", "-o", f"{folder}/band.wav"],
        ["normalize", f"{folder}/song", "--constants", f"{folder}/features.npz", "-o", f"{folder}/normalized"],
        ["reverb", "render", "--preset", "seed mean", "--wet-dry-db", "-12", "-o", f"{folder}/response.wav"],
        ["reverb", "fit", f"{folder}/response.wav", "-o", f"{folder}/fit.json"],
        ["reverb", "prior", "starter"],
    ]


def write_sounds(folder: Path) -> dict[str, np.ndarray]:
    """Write the stems of one generated song and its backing; return the stems, each (2, samples)."""
    stems = perform(replace(SCORES[0], duration_s=6.0))
    (folder / "song").mkdir(parents=True)
    for name, audio in stems.items():
        soundfile.write(folder / "song" / f"{name}.wav", audio.T, RATE_HZ, "FLOAT")
    backing = sum(audio for name, audio in stems.items() if name != "vocals")
    soundfile.write(folder / "backing.wav", np.asarray(backing).T, RATE_HZ, "FLOAT")
    return stems


def main(folder: Path) -> int:
    """Run everything; return 1 at the first command that does not do as it should."""
    present = [module for module in MODULES["mine"] if importlib.util.find_spec(module) is not None]
    if {"apache_beam", "torch", "demucs"} & set(present):
        print(f"this is not the core alone: {', '.join(present)} can be imported", file=sys.stderr)
        return 1
    frame = mixprior.measure(write_sounds(folder), RATE_HZ)
    print("$ mixprior.measure", frame.loc["song", "vocal_to_backing_lu"], flush=True)
    for arguments in commands(folder):
        print(f"$ mixprior {' '.join(arguments)}", flush=True)
        if code := mixprior.main(arguments):
            print(f"exit code {code}", file=sys.stderr)
            return 1
    print("$ mixprior mine", flush=True)
    if mixprior.main(["mine", str(folder / "song"), "-o", str(folder / "run")]) != 2:
        print("mine should say which extra it needs, and exit with 2", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
