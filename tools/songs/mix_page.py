"""Songs mixed three ways in one page to listen to: plain sum, by priors, and by a console mixer.

`python -m tools.songs.mix_page MUSIC --by MODEL -o PAGE.html`: MUSIC holds multitracks/. Half a minute of each song is
mixed; all mixes of a song are as loud as each other. The page needs nothing else and no network. Only songs that the
table of roles says are CC0 are put into it.
"""

from __future__ import annotations

import argparse
import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup

import mixprior
from mixprior.mixing.effects.chain import total
from mixprior.mixing.evaluation.material import Material, excerpt, tracks_of
from mixprior.mixing.page.audio import encoded
from mixprior.pipeline.catalogs import roles
from mixprior.stats.errors import InputError
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import SAMPLE_RATE_HZ
from tools import ROLES

SONGS = {"3.Sodium": 196.0, "4.Potassium": 203.0, "5.Rubidium": 120.0}
"""Folder, and where its half minute begins, in seconds."""
LENGTH_S = 30.0
STEPS = ("level", "eq", "pan", "loudness")
"""Of the console mixer; the rule takes those of `mixprior mix`."""
FREE = "CC0"
SUM, RULE, CONSOLE = "plain sum", "by priors", "by the console mixer"
_PEAK_DB = -1.0
_BITS_PER_S = 96_000
_PAGE = Markup(
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Three mixes of {count} songs</title>'
    "<style>body{{font:15px sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}}"
    "audio{{width:100%}}figure{{margin:.8rem 0}}</style><h1>Three mixes of {count} songs</h1>"
    "<p>Each song as the plain sum of its tracks, mixed by the priors' rule, and by a console mixer (weights {model}). "
    "All mixes of a song are as loud as each other.</p>{songs}</html>\n"
)
_SONG = Markup(
    "<h2>{name}</h2><p>{facts}</p>{players}<details><summary>Why the console mixer did what it did</summary>"
    "<ul>{reasons}</ul></details>"
)
_PLAYER = Markup(
    '<figure><figcaption>{name}: {moved}</figcaption><audio controls preload="none" '
    'src="data:audio/ogg;base64,{data}"></audio></figure>'
)


@dataclass(frozen=True)
class MixedSong:
    """A song in three mixes.

    Attributes:
        facts: artist and licence.
        mixes: by name.
        reasons: of the console mixer's steps.
    """

    facts: str
    mixes: Mapping[str, Sound]
    reasons: Sequence[str]


def mixed(tracks: Mapping[str, np.ndarray], rate_hz: int, model: str | Path, facts: str) -> MixedSong:
    """Mix the tracks of a song, (samples,) or (channels, samples) by name, in three ways."""
    rule = mixprior.mix_tracks(dict(tracks), rate_hz)
    console = mixprior.mix_tracks(dict(tracks), rate_hz, by=model, steps=STEPS)
    summed = total(Sound(np.atleast_2d(np.asarray(each, np.float32)), rate_hz).stereo for each in tracks.values())
    mixes = {SUM: summed, RULE: Sound(rule.audio, rate_hz), CONSOLE: Sound(console.audio, rate_hz)}
    return MixedSong(facts, mixes, [step.reason for step in console.recipe.steps if step.name == "prediction"])


def page(songs: Mapping[str, MixedSong], model: str) -> str:
    """The page of songs by name; `model` says whose weights.

    Raises:
        InputError: if a mix is silent.
    """
    shown = [
        _SONG.format(
            name=name,
            facts=song.facts,
            players=Markup("").join(_players(name, song.mixes)),
            reasons=Markup("").join(Markup("<li>{}</li>").format(each) for each in song.reasons),
        )
        for name, song in songs.items()
    ]
    return str(_PAGE.format(count=len(songs), model=model, songs=Markup("").join(shown)))


def gains_db(mixes: Mapping[str, Sound]) -> dict[str, float]:
    """What brings all mixes to one loudness, as loud as none of them exceeds -1 dB full scale.

    Raises:
        InputError: if one is silent.
    """
    lufs = {name: sound.integrated_lufs for name, sound in mixes.items()}
    known = {name: each for name, each in lufs.items() if each is not None}
    if len(known) < len(mixes):
        raise InputError(f"the {min(set(mixes) - set(known))} of a song is silent: there is nothing to listen to")
    wanted = min(each - 20 * np.log10(mixes[name].peak) for name, each in known.items()) + _PEAK_DB
    return {name: float(wanted - each) for name, each in known.items()}


def _players(song: str, mixes: Mapping[str, Sound]) -> list[Markup]:
    found = []
    for name, gain_db in gains_db(mixes).items():
        data = base64.b64encode(encoded(mixes[name].gained(gain_db), _BITS_PER_S)).decode("ascii")
        found.append(_PLAYER.format(name=f"{song}, {name}", moved=f"{gain_db:+.1f} dB to be as loud", data=data))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tools.songs.mix_page", description=__doc__)
    parser.add_argument("music", type=Path)
    parser.add_argument("--by", required=True, metavar="MODEL")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="PAGE.html")
    parser.add_argument("--roles", type=Path, default=ROLES)
    args = parser.parse_args(arguments)
    material = Material(args.music, None, args.output.parent, roles.read(args.roles))
    songs = {name: song_of(material, name, start_s, args.by) for name, start_s in SONGS.items()}
    args.output.write_text(page(songs, Path(args.by).name), encoding="utf-8")
    print(f"{args.output}: {len(songs)} songs, {args.output.stat().st_size / 1e6:.1f} MB")
    return 0


def song_of(material: Material, name: str, start_s: float, model: str) -> MixedSong:
    """Mix half a minute of a multitrack. Raises InputError if its licence does not allow to show it."""
    recording = material.recording("multitracks", name)
    if not recording.licence.startswith(FREE):
        raise InputError(f"{name} is {recording.licence}: songs under {FREE} alone are put into a page")
    found = {
        track: excerpt(audio, start_s, LENGTH_S) for track, audio in tracks_of(material.music / "multitracks" / name)
    }
    heard = {track: audio for track, audio in found.items() if audio.any()}
    facts = f"{recording.artist}, {recording.title}, {recording.licence}; {len(heard)} tracks, from {start_s:g} s"
    return mixed(heard, SAMPLE_RATE_HZ, model, facts)


if __name__ == "__main__":
    raise SystemExit(main())
