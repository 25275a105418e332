"""What `mixprior normalize` does with its arguments: reads and writes the stems of songs, side by side with --jobs."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mixprior.analysis.constants import constants
from mixprior.analysis.constants.constants import Features
from mixprior.mixing.normalise import reverb_send
from mixprior.mixing.normalise.arrays import check, read_constants, recorded, wanted_effects
from mixprior.pipeline.audio import audio_file, writer
from mixprior.pipeline.store import files
from mixprior.stats.errors import InputError
from mixprior.stats.visible import visible

RECORD = "normalize.json"
"""Name of the file that records what was done to a song's stems."""

SOME_FAILED = 3


@dataclass(frozen=True)
class Job:
    """The arguments, the same for every song.

    Attributes:
        stems: folder of songs.
        output: folder for the results.
        features: constants.
        source: where they come from, for the record.
        effects: some of `EFFECTS`, in their order.
        panning: one of `PANNINGS`.
        responses: impulse responses; empty without reverb.
        seed: of all chance.
    """

    stems: Path
    output: Path
    features: Features
    source: dict[str, Any]
    effects: tuple[str, ...]
    panning: str
    responses: tuple[Path, ...]
    seed: int


@dataclass(frozen=True)
class Song:
    """The outcome of a song.

    Attributes:
        name: its folder in STEMS, or the name of STEMS if that is it.
        written: stems that were written, with the moves made.
        faults: what went wrong, a sentence for each stem that is missing.
        warnings: doubts about stems that were read, a sentence each.
    """

    name: str
    written: dict[str, list[str]]
    faults: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def run(args: argparse.Namespace) -> int:
    """Normalise the stems, report on stdout and faults on stderr.

    Returns:
        0, or 3 if some stems could not be read or written; all others are there.

    Raises:
        InputError: if there is nothing to normalise, or the constants cannot be used.
    """
    job = _job(args)
    folders = song_folders(job.stems, job.output)
    written = failed = 0
    listed = []
    for song in _each(job, folders, args.jobs):
        written, failed = written + len(song.written), failed + len(song.faults)
        for fault in (*song.warnings, *song.faults):
            print(f"mixprior: warning: {visible(fault)}", file=sys.stderr)
        if args.json:
            listed.append({"song": song.name, "stems": song.written, "faults": song.faults, "warnings": song.warnings})
        else:
            moves = (f"{stem}: {', '.join(done) or 'left as it is'}" for stem, done in song.written.items())
            print(visible(f"{song.name}: {'; '.join(moves) or 'nothing written'}"), flush=True)
    if args.json:
        print(json.dumps({"output": str(job.output), "songs": listed}, ensure_ascii=False), flush=True)
    else:
        print(
            f"wrote {written} stems of {len(folders)} songs to {visible(job.output)}"
            + (f"; {failed} failed" * bool(failed))
        )
    return SOME_FAILED if failed else 0


def song_folders(stems: Path, output: Path) -> list[Path]:
    """Folders at or below `stems` that hold a stem, but for those of the results.

    Raises:
        InputError: if there are none, or the results would replace them.
    """
    if not stems.is_dir():
        raise InputError(f"{stems} is no folder: give one with vocals.wav, drums.wav, bass.wav, other.wav, or of such")
    if stems.resolve() == output.resolve():
        raise InputError(f"{output} holds the stems themselves: give another folder to write to")
    found = sorted({path.parent for stem in constants.STEMS for path in stems.rglob(f"{stem}.wav")})
    found = [folder for folder in found if not folder.resolve().is_relative_to(output.resolve())]
    if not found:
        raise InputError(f"no vocals.wav, drums.wav, bass.wav or other.wav in {stems} or a folder in it")
    return found


def normalise_song(job: Job, folder: Path) -> Song:
    """Normalise the stems of one song; what goes wrong with one does not keep the others back."""
    target = job.output / folder.relative_to(job.stems)
    name = folder.relative_to(job.stems).as_posix() if folder != job.stems else folder.resolve().name
    record: dict[str, Any] = {
        "constants": job.source,
        "effects": job.effects,
        "panning": job.panning,
        "seed": job.seed,
        "stems": {},
    }
    written, faults, warnings = {}, [], []
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return Song(name, {}, (f"cannot make {target} ({error.strerror})",))
    for stem in constants.STEMS:
        if not (folder / f"{stem}.wav").exists():
            continue
        try:
            record["stems"][stem] = made = _normalise_file(job, folder / f"{stem}.wav", target / f"{stem}.wav", stem)
            warnings += [f"{name}/{each}" if each.startswith(f"{stem}: ") else each for each in made["warnings"]]
            written[stem] = _moves(made)
        except InputError as error:
            faults.append(str(error))
            record["stems"][stem] = {"failed": str(error)}
    try:
        with files.replacing(target / RECORD) as path:
            path.write_text(json.dumps(_rounded(record), indent=1, allow_nan=False, ensure_ascii=False) + "\n", "utf-8")
    except InputError as error:
        faults.append(str(error))
    return Song(name, written, tuple(faults), tuple(warnings))


def _normalise_file(job: Job, source: Path, target: Path, stem: str) -> dict[str, Any]:
    file = audio_file.read(source)
    name = source.relative_to(job.stems).as_posix()
    send = reverb_send.draw_for(name, job.responses, job.seed) if job.responses else None
    sound, record = recorded(file.sound, stem, job.features, effects=job.effects, panning=job.panning, send=send)
    with files.replacing(target) as path:
        writer.write(path, sound.audio, sound.rate_hz, ".wav")
    return {
        "input": {"path": str(source), "sha256": file.sha256, "rate_hz": file.sound.rate_hz, "channels": file.channels},
        **record,
        "warnings": [*file.doubts, *record["warnings"]],
    }


def _moves(made: dict[str, Any]) -> list[str]:
    """Name each effect once, with what it missed."""
    moves = dict.fromkeys(f"no {move['effect']}" if "not_done" in move else move["effect"] for move in made["done"])
    missed = {effect: facts for effect, facts in made["outcome"].items() if not facts["reached"]}
    return [
        f"{move} ({missed[move]['missed_by']:+.3g} {missed[move]['unit']}".rstrip() + ")" if move in missed else move
        for move in moves
    ]


def _rounded(value: Any) -> Any:
    """Numbers of a record, four digits after the point."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list | tuple) else value


def _job(args: argparse.Namespace) -> Job:
    wanted = wanted_effects(args.effects, args.panning, args.impulse_responses)
    features, source = read_constants(args.constants, args.group)
    check(args.constants, features, wanted)
    responses = reverb_send.impulse_responses(args.impulse_responses) if "reverb" in wanted else []
    return Job(args.stems, args.output, features, source, wanted, args.panning, tuple(responses), args.seed)


def _each(job: Job, folders: Sequence[Path], jobs: int) -> Iterator[Song]:
    if jobs == 1 or len(folders) == 1:
        yield from map(partial(normalise_song, job), folders)
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(partial(normalise_song, job), folders)
