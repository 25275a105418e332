"""Separate mixtures from which stems were taken away: rows of `tools.evidence.presence`.

python -m tools.songs.presence_rows LMMS [PART...] : the folder that `tools.songs.lmms_classes` wrote. Debian's
`fretsonfire-songs-sectoid`, `-muldjord`, `supertux-data` and `warzone2100-music` are read where they are installed.
Mixtures whose rows are there are not separated again.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from mixprior.mixing.evaluation.material import PEAK, Stems, total
from mixprior.pipeline.audio.decode import decode, decode_stems
from mixprior.pipeline.separation import separator
from mixprior.pipeline.store.records import Song
from mixprior.stats.measures.activity import active_ratio
from mixprior.stats.statistic import MIXTURE, SAMPLE_RATE_HZ
from mixprior.stats.stem import StemSet
from tools import ROOT, SHARED

ROWS = ROOT / "tools" / "evidence" / "rows" / "presence.csv"
COLUMNS = ("source", "recording", "mixture", "stem", "is_there", "level_lu", "active_ratio", "true_level_lu")
SEPARATED = ("vocals", "drums", "bass", "other")
SECONDS = 5.8
"""As much as the model separates in one segment."""
INAUDIBLE_LU = -40.0
"""Whether a stem this far below the mixture is there is not asked."""
GAMES = Path("/usr/share/games")
UNKNOWN = "band"
"""Stands for a class of which it is not known what is in it."""
TRACKS = (
    ("", r"BUILD|PAD \+ BASS"),  # may hold drums or bass: left out
    ("vocals", r"VOX"),
    ("drums", r"KICK|SNARE|HH|HATS?|CLAP|TOPS|BEAT|PRC|PERC|DRUMS|DRUM$|CYMBALS|K & SN"),
    ("bass", r"SY BASS|BASS STAB"),
    ("other", r"SYNTH|PLUCK|KEYS|MALLET|BEEPS|SINE|STABS|TEXTURE"),
)
"""Classes of tracks of the multitracks that their names leave no doubt about; the others are left out."""
VOICED = ("EsoXLB", "Settel", "Impulslogik", "Onion", "DirtyLove")
"""LMMS projects with a track that is called a voice, a choir or a chorus: whether somebody sings is not known."""
LOW_DB = -15.0
"""Energy under 120 Hz, of the whole, from which on tracks that no name calls bass may hold one."""


@dataclass(frozen=True)
class Mixture:
    """What is separated.

    Attributes:
        source: by stem, who made what is known of it: the artist, or the singer.
        recording: which of theirs.
        kept: the sounds that are left, by class.
        truth: by stem, whether it is in the mixture; a stem that is not named is not known.
    """

    source: Mapping[str, str]
    recording: str
    kept: Stems
    truth: Mapping[str, bool]

    @property
    def name(self) -> str:
        """Recording, and what is left of it."""
        return f"{self.recording}: {'+'.join(self.kept)}"


def without(recording: str, artist: str, stems: Stems, unsure: tuple[str, ...] = ()) -> Iterator[Mixture]:
    """Take the drums, the bass, the vocals, and all but the rest away from a recording.

    Args:
        recording: its name.
        artist: who made it.
        stems: its sounds by class.
        unsure: stems of which it is not known whether "other" holds some of them.
    """
    left = [tuple(name for name in stems if name != gone) for gone in ("drums", "bass", "vocals") if gone in stems]
    left += [tuple(stems), ("other",), *([("vocals", "other")] if "vocals" in stems else [])]
    for kept in dict.fromkeys(left):
        truth = {name: name in kept for name in SEPARATED if name in kept or name not in unsure}
        yield Mixture(dict.fromkeys(SEPARATED, artist), recording, {name: stems[name] for name in kept}, truth)


def multitracks() -> Iterator[Mixture]:
    """Mixtures of five songs by one artist."""
    for folder in sorted((SHARED / "music" / "multitracks").iterdir()):
        stems: Stems = {}
        for path in sorted(folder.glob("*.m4a")):
            track = path.stem.split("_Stem_")[1].removesuffix("_mobile")
            name = next((name for name, pattern in TRACKS if re.search(pattern, track)), "")
            if name:
                audio = decode(str(path))[:, 60 * SAMPLE_RATE_HZ : 220 * SAMPLE_RATE_HZ]
                stems[name] = _sum([stems[name], audio]) if name in stems else audio
        yield from without(folder.name, "multitracks", _excerpts(stems), ("bass",))


def true_stems() -> Iterator[Mixture]:
    """Mixtures of the four stems of one song."""
    (path,) = (SHARED / "music" / "stems").glob("*.stem.mp4")
    stems, _ = decode_stems(Song(str(path)))
    yield from without("Music Delta", "MUSDB", _excerpts(stems))
    for gone in (("other",), ("vocals", "bass")):
        kept = {name: audio for name, audio in _excerpts(stems).items() if name not in gone}
        yield Mixture(dict.fromkeys(SEPARATED, "MUSDB"), "Music Delta", kept, {n: n in kept for n in SEPARATED})


def lmms(folder: Path) -> Iterator[Mixture]:
    """Mixtures of LMMS projects: without singing, but for `VOICED`."""
    for path in sorted(folder.glob("*.other.wav")):
        title = path.name.removesuffix(".other.wav")
        files = {name: folder / f"{title}.{name}.wav" for name in SEPARATED}
        stems = _excerpts({name: _rendered(file) for name, file in files.items() if file.exists()})
        is_low = _low_db(stems["other"]) > LOW_DB
        artist = title.partition("-")[0]
        unsure = [*(["bass"] if is_low else []), *(["vocals"] if any(name in title for name in VOICED) else [])]
        yield from without(title, f"LMMS {artist}", stems, tuple(unsure))


def guitars() -> Iterator[Mixture]:
    """Guitars alone, and with the band: whether a voice is in Muldjord's is not known."""
    for path in sorted((GAMES / "fretsonfire/data/songs").glob("*/*/guitar.ogg")):
        artist, title = path.parts[-3:-1]
        span = slice(40 * SAMPLE_RATE_HZ, 100 * SAMPLE_RATE_HZ)
        stems = _excerpts(
            {"other": decode(str(path))[:, span], UNKNOWN: decode(str(path.parent / "song.ogg"))[:, span]}
        )
        sources = dict.fromkeys(SEPARATED, artist)
        alone = {"vocals": False, "drums": False, "bass": False, "other": True}
        yield Mixture(sources, title, {"other": stems["other"]}, alone)
        in_all = {"drums": True, "bass": True, "other": True} | ({"vocals": False} if artist == "sectoid" else {})
        yield Mixture(sources, title, stems, in_all)


def voices(folder: Path) -> Iterator[Mixture]:
    """Solo voices alone, over a guitar, and over an LMMS project."""
    guitar_paths = sorted((GAMES / "fretsonfire/data/songs").glob("*/*/guitar.ogg"))
    bands = sorted({path.name.split(".")[0] for path in folder.glob("*.drums.wav")})
    for k, path in enumerate(sorted((SHARED / "music" / "voices").iterdir())):
        voice = _excerpts({"vocals": decode(str(path))})["vocals"]
        singer, alone = path.stem, {"vocals": True, "drums": False, "bass": False, "other": False}
        yield Mixture(dict.fromkeys(SEPARATED, singer), singer, {"vocals": voice}, alone)
        balance_lu = -9.0 if k % 2 == 0 else -3.0
        guitar = guitar_paths[k % len(guitar_paths)]
        sound = decode(str(guitar))[:, 40 * SAMPLE_RATE_HZ : 100 * SAMPLE_RATE_HZ]
        title, artist = f"{singer} over {guitar.parts[-2]}", guitar.parts[-3]
        over = _under(voice, {"other": _excerpts({"other": sound})["other"]}, balance_lu)
        yield Mixture(_sources(singer, artist), title, over, {**alone, "other": True})
        band = bands[k % len(bands)]
        files = {name: folder / f"{band}.{name}.wav" for name in ("drums", "bass", "other")}
        stems = _excerpts({name: _rendered(file) for name, file in files.items() if file.exists()})
        over = _under(voice, {UNKNOWN: total(stems.values())}, balance_lu)
        truth = {"vocals": True, "drums": True, "other": True} | ({"bass": True} if "bass" in stems else {})
        yield Mixture(_sources(singer, f"LMMS {band.partition('-')[0]}"), f"{singer} over {band}", over, truth)


def games() -> Iterator[Mixture]:
    """Music of two games, without singing."""
    paths = sorted((GAMES / "supertux2/music").glob("*/*.ogg"))[::4]
    paths += sorted((GAMES / "warzone2100/music").rglob("*.opus"))[::4]
    for path in paths:
        audio = decode(str(path))[:, 30 * SAMPLE_RATE_HZ : 70 * SAMPLE_RATE_HZ]
        if audio.shape[1] > 8 * SAMPLE_RATE_HZ:
            kept = _excerpts({UNKNOWN: audio})
            yield Mixture({"vocals": path.parts[4]}, f"{path.parts[4]} {path.stem}", kept, {"vocals": False})


def _sources(singer: str, artist: str) -> dict[str, str]:
    return {**dict.fromkeys(SEPARATED, artist), "vocals": singer}


def _rendered(path: Path) -> np.ndarray:
    """A render of LMMS, in two channels at 44.1 kHz; it may last less than a song."""
    audio, _ = soundfile.read(path, dtype="float32")
    return np.ascontiguousarray(audio.T)


def _sum(sounds: list[np.ndarray]) -> np.ndarray:
    samples = max(audio.shape[1] for audio in sounds)
    return total(np.pad(audio, ((0, 0), (0, samples - audio.shape[1]))) for audio in sounds)


def _under(voice: np.ndarray, backing: Stems, balance_lu: float) -> Stems:
    """Set a voice so far above its backing."""
    samples = min(audio.shape[1] for audio in (voice, *backing.values()))
    stems = {"vocals": voice[:, :samples], **{name: audio[:, :samples] for name, audio in backing.items()}}
    song = StemSet(stems)
    own, other = song["vocals"].integrated_lufs, song["backing"].integrated_lufs
    if own is None or other is None:
        raise ValueError("voice or backing are silent")
    return {**stems, "vocals": stems["vocals"] * np.float32(10 ** ((balance_lu - own + other) / 20))}


def _excerpts(stems: Stems) -> Stems:
    """The part of a recording in which as many of its stems as can be are heard in most of it."""
    samples = max(audio.shape[1] for audio in stems.values())
    stems = {name: np.pad(audio, ((0, 0), (0, samples - audio.shape[1]))) for name, audio in stems.items()}
    block = SAMPLE_RATE_HZ // 10
    blocks, span = samples // block, round(10 * SECONDS)
    energies = {
        name: (audio[:, : blocks * block].reshape(2, blocks, block) ** 2).mean(axis=(0, 2)) + 1e-12
        for name, audio in stems.items()
    }
    whole_db = 10 * np.log10(total(energies.values()))
    heard = [10 * np.log10(energy) > whole_db - 25 for energy in energies.values()]
    starts = np.arange(0, max(blocks - span, 1), 5)
    scores = [min(h[k : k + span].mean() for h in heard) + 1e-3 * whole_db[k : k + span].mean() for k in starts]
    start = int(starts[int(np.argmax(scores))]) * block
    return {name: audio[:, start : start + round(SECONDS * SAMPLE_RATE_HZ)] for name, audio in stems.items()}


def _low_db(audio: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(audio.mean(axis=0))) ** 2
    hz = np.fft.rfftfreq(audio.shape[1], 1 / SAMPLE_RATE_HZ)
    return float(10 * np.log10(power[hz < 120].sum() / power.sum()))


def rows_of(mixture: Mixture) -> Iterator[dict[str, object]]:
    """Separate a mixture: a row for each stem of which it is known whether it is there."""
    kept = mixture.kept
    gain = np.float32(PEAK / max(float(np.abs(total(kept.values())).max()), 1e-6))
    true = StemSet({name: gain * audio for name, audio in kept.items()})
    whole_lufs = true[MIXTURE].integrated_lufs
    if whole_lufs is None:
        return
    separated = separator.load(separator.SeparationSettings()).separate(true[MIXTURE].audio)
    song = StemSet(separated, true[MIXTURE].audio, is_estimated=True)
    for stem, is_there in mixture.truth.items():
        known = true[stem].integrated_lufs if stem in kept else None
        true_lu = None if known is None else known - whole_lufs
        if stem in kept and (true_lu is None or true_lu < INAUDIBLE_LU):
            continue
        level = song[stem].integrated_lufs
        numbers = {
            "level_lu": "" if level is None else round(level - whole_lufs, 2),
            "active_ratio": round(active_ratio(song, stem) or 0.0, 3),
            "true_level_lu": "" if true_lu is None else round(true_lu, 2),
        }
        names = {"source": mixture.source[stem], "recording": mixture.recording, "mixture": mixture.name}
        yield {**names, "stem": stem, "is_there": int(is_there), **numbers}


def main(folder: str, *names: str) -> None:
    known = set()
    if ROWS.exists():
        with open(ROWS, newline="", encoding="utf-8") as file:
            known = {row["mixture"] for row in csv.DictReader(file)}
    with open(ROWS, "a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if file.tell() == 0:
            writer.writeheader()
        parts = {
            "true_stems": true_stems(),
            "guitars": guitars(),
            "voices": voices(Path(folder)),
            "multitracks": multitracks(),
            "lmms": lmms(Path(folder)),
            "games": games(),
        }
        for name in names or parts:
            for mixture in parts[name]:
                if mixture.name not in known:
                    writer.writerows(rows_of(mixture))
                    file.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
