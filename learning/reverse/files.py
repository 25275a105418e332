"""Files in; a recipe on disk out: what the command does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mixprior.learning.reverse.document import document
from mixprior.learning.reverse.taking import Stage, take_apart
from mixprior.mixing.mix import recipe
from mixprior.mixing.mix.recipe import Output
from mixprior.mixing.mix.sounds import Sounds
from mixprior.mixing.mix.tracks import kept_tracks, paths_given
from mixprior.pipeline.audio import audio_file
from mixprior.pipeline.store import files
from mixprior.stats.errors import InputError
from mixprior.stats.visible import visible

_BY_RATE = 0.45
"""A limit above this share of the sample rate of a mix is that of its rate."""


def reverse_files(
    tracks: Sequence[str],
    mix: str,
    output: Path,
    seconds: float,
    stage: Stage = lambda what, done, total: None,
    reverb: bool = False,
    compressors: bool = False,
) -> dict[str, Any]:
    """Take a mix apart and write its recipe.

    Args:
        tracks: files of the raw tracks, or folders of them; the mix itself, and sums of others, are left out.
        mix: file of the mix.
        output: recipe to write.
        seconds: of a long song that are compared.
        stage: called with what is done next, how much of it is done, and of how much.
        reverb: whether to look for an FdnReverb that tracks share.
        compressors: whether to look for compressors of tracks.

    Raises:
        InputError: if a file cannot be read or written, or as `take_apart`.
    """
    if output.exists() and not recipe.is_recipe(output):
        raise InputError(f"{output} exists and is no recipe of a mix: move it, or give another name")
    paths = paths_given(None, None, tracks)
    others = {name: path for name, path in paths.items() if path.resolve() != Path(mix).resolve()}
    kept, _ = kept_tracks(list(others))
    sounds = Sounds({name: others[name] for name in kept}, report=partial(stage, "reading tracks"))
    given = audio_file.read(mix)
    found = take_apart(sounds, given.sound, seconds, stage, reverb, compressors)
    made = Output(given.path, given.sha256, given.sound.rate_hz, given.sound.duration_s)
    written = document(found, sounds.inputs, made, given.sound)
    files.write_bytes(str(output), recipe.dump(written).encode())
    return written


def words(written: dict[str, Any]) -> list[str]:
    """A recipe for people: a line a track, what is left, and what no recipe holds."""
    known = written["reverse"]
    lines = [visible(step["reason"]) for step in written["steps"]]
    octaves = known["residual_by_octave_db"]
    most = max((hz for hz in octaves if octaves[hz] is not None), key=lambda hz: octaves[hz])
    lines.append(
        f"not explained: {known['residual_db']:.1f} dB of the mix, most at {most} Hz ({octaves[most]:.1f} dB); "
        f"{known['compared_s']:.0f} s were compared"
    )
    if known["offset_s"]:
        side = "after" if known["offset_s"] > 0 else "before"
        lines.append(f"the mix begins {abs(known['offset_s']):.4f} s {side} the tracks")
    if known["limit_hz"]:
        lines.append(_limit(known["limit_hz"], written))
    return lines + [visible(notice["text"]) for notice in written["warnings"]]


def _limit(limit_hz: float, written: dict[str, Any]) -> str:
    """Why the mix holds nothing above a frequency."""
    rate_hz = written["output"]["sample_rate_hz"]
    if rate_hz < max(given["sample_rate_hz"] for given in written["inputs"].values()) and limit_hz > _BY_RATE * rate_hz:
        return f"the mix has a sample rate of {rate_hz} Hz, and holds nothing above {limit_hz:.0f} Hz"
    return f"a coder left nothing of the mix above {limit_hz:.0f} Hz"
