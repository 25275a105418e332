"""Mix real multitracks and vocals with their backing, measure them with FFmpeg, and print a table.

python -m tools.songs.mixes ../shared/music/multitracks outputs/mixes
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from mixprior import main
from mixprior.mixing.effects import chain
from mixprior.mixing.effects.settings import Chain, MixSettings
from mixprior.mixing.mix.sounds import Sounds
from mixprior.mixing.rules.roles import VOCALS, role_of, shared_words
from mixprior.pipeline.audio import writer
from tools import meter


def vocal_and_backing(folder: Path, out: Path) -> tuple[Path, Path]:
    """Sum a multitrack's vocals and all the rest to two files."""
    paths = {path.stem: path for path in sorted(folder.glob("*.m4a"))}
    ignored = shared_words(list(paths))
    routing = {name: VOCALS if role_of(name, ignored=ignored).role == VOCALS else "backing" for name in paths}
    settings = MixSettings(dict.fromkeys(paths, Chain()), {VOCALS: Chain(), "backing": Chain()}, routing)
    sounds = Sounds(paths)
    files = []
    for name, sound in chain.parts(settings, sounds):
        files.append(out / f"{name}.wav")
        writer.write(files[-1], sound.audio, sound.rate_hz, writer.UNCLIPPED)
    backing, vocal = files
    return vocal, backing


def make(name: str, arguments: list[str], out: Path) -> str:
    """Mix, and give a line of the table: promised by the recipe, and read by FFmpeg."""
    mix = out / f"{name}.wav"
    stems = out / f"{name}-stems"
    start = time.process_time()
    rc = main(["mix", *arguments, "-o", str(mix), "--stems", str(stems), "--plot", str(out / f"{name}.png")])
    if rc:
        raise SystemExit(rc)
    cpu_s = time.process_time() - start
    recipe = json.loads(mix.with_suffix(".mix.json").read_text("utf-8"))
    read = meter.read(mix)
    written = recipe["results"]
    vocals = stems / f"{VOCALS}.wav"
    backing = _sum([file for file in sorted(stems.glob("*.wav")) if file != vocals and file.stem != "rest"], stems)
    ratio_lu = meter.read(vocals).integrated_lufs - meter.read(backing).integrated_lufs
    asked_lufs = recipe["options"]["target_lufs"]
    return (
        f"| {name} | {asked_lufs:.2f} / {written['integrated_lufs']:.2f} / {read.integrated_lufs:.2f} "
        f"| -1.00 / {written['true_peak_dbtp']:.2f} / {read.true_peak_dbtp:.2f} "
        f"| {written['vocal_to_backing_lu']:.2f} / {ratio_lu:.2f} | {cpu_s:.0f} s |"
    )


def _sum(files: list[Path], out: Path) -> Path:
    if len(files) == 1:
        return files[0]
    paths = {file.stem: file for file in files}
    settings = MixSettings(dict.fromkeys(paths, Chain()))
    sounds = Sounds(paths)
    rest = out / "rest.wav"
    total = chain.sum_up(settings, sounds).sound
    writer.write(rest, total.audio, total.rate_hz, writer.UNCLIPPED)
    return rest


if __name__ == "__main__":
    if len(sys.argv) != 3 or not Path(sys.argv[1]).is_dir():
        sys.exit(f"{__doc__}\nGive a folder of multitracks, a folder a song.")
    songs, out = sorted(path for path in Path(sys.argv[1]).iterdir() if path.is_dir()), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    lines = []
    vocal, backing = vocal_and_backing(songs[-1], out)
    lines.append(make("vocal-and-backing", ["--vocal", str(vocal), "--backing", str(backing)], out))
    for song in songs:
        lines.append(make(song.name, ["--tracks", str(song)], out))
    columns = ["mix", "LUFS: requested / recipe / FFmpeg", "dBTP: ceiling / recipe / FFmpeg"]
    columns += ["vocal to backing, LU: recipe / FFmpeg", "CPU"]
    print(f"\n| {' | '.join(columns)} |")
    print("|---|--:|--:|--:|--:|")
    print(*lines, sep="\n")
