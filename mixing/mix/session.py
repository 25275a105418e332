"""Files in; a mix and its recipe out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

from mixprior.mixing.effects import ceiling, chain
from mixprior.mixing.effects.chain import BACKING, VOCALS
from mixprior.mixing.effects.settings import MixSettings
from mixprior.mixing.mix import recipe, render
from mixprior.mixing.mix.recipe import Output
from mixprior.mixing.mix.render import Draft, Mixed
from mixprior.mixing.mix.replay import Replay
from mixprior.mixing.mix.separated_song import SeparatedSong
from mixprior.mixing.mix.sounds import SongSounds, Sounds
from mixprior.mixing.plan.loudness import Finish
from mixprior.mixing.plan.offset import after, found_offset
from mixprior.mixing.plan.options import AUTO, Options
from mixprior.mixing.plan.step import Planner
from mixprior.mixing.rules.notice import Notice
from mixprior.pipeline.audio import audio_file, writer
from mixprior.pipeline.audio.audio_file import AudioFile
from mixprior.pipeline.store import files
from mixprior.stats.errors import InputError
from mixprior.stats.sound import Sound

_CLOSE_LU = 0.1
_MOST_AIMS = 8
"""Aims that are tried for the ceiling: 24 bits need one, a lossy format two or three."""

Stage = Callable[[str, int, int], None]
"""Called with what is done next, how much of it is done, and of how much."""

Encode = Callable[[Finish], AudioFile]
"""Writes a mix, and reads it as it is in its file."""


def _no_stage(_what: str, _done: int, _total: int) -> None:
    """Where nobody is shown how far a mix is."""


def mix_files(
    paths: Mapping[str, str | Path],
    output_path: str | Path,
    planner: Planner,
    options: Options,
    stems_path: str | Path | None = None,
    vocal_offset: float | str = 0.0,
    stage: Stage = _no_stage,
) -> Mixed:
    """Mix files into another, with the recipe as .mix.json beside it: 24 bits as .wav and .flac, or a coded format.

    Folders that are missing are made. The mix has the highest of the files' sample rates and 44.1 kHz; coded, the
    nearest that its format has. No file is left half-written.

    Args:
        paths: mono or stereo files, by the name of the track.
        output_path: the mix; a file of this name is replaced.
        planner: what to do with the sounds, up to their sum.
        options: how it is mixed; the loudness is set here.
        stems_path: folder for what was summed, at the gains of the mix and of its limiter, so that it sums to the mix;
            None for none.
        vocal_offset: seconds by which "vocals" start after the mix; `options.AUTO` to find them.
        stage: called with what is done next, what of it is done, and what there is.

    Raises:
        InputError: if a file cannot be read, mixed or written.
    """
    output = _checked(output_path, paths.values())
    offsets_s = {VOCALS: vocal_offset} if isinstance(vocal_offset, float) and vocal_offset else {}
    sounds = Sounds(paths, offsets_s, partial(stage, "reading tracks"))
    if vocal_offset == AUTO:
        stage("aligning", 0, 1)
        step = found_offset(sounds[VOCALS], sounds[BACKING])
        sounds.start(VOCALS, step.setting["offset_s"])
        planner = after(step, planner)
    return _mixed(output, sounds, planner, options, stems_path, stage)


def mix_song(
    song: SeparatedSong,
    output_path: str | Path,
    planner: Planner,
    options: Options,
    stems_path: str | Path | None = None,
    stage: Stage = _no_stage,
) -> Mixed:
    """Mix the vocals and the rest of a finished song, as `mix_files` does; without a change the song comes out.

    Where the options have no ceiling, it is the song's own true peak, if that is above -1 dBTP. A song past full scale,
    as MP3 may be, is written as a 32-bit float WAV; as FLAC it is kept under 0 dBTP.

    Args:
        song: the song and its stems.
        output_path: the mix; a file of this name is replaced.
        planner: what to do with "vocals" and "backing".
        options: how it is mixed.
        stems_path: as in `mix_files`.
        stage: as in `mix_files`.

    Raises:
        InputError: as `mix_files`, or if the model separates no vocals.
    """
    output = _checked(output_path, [song.path])
    return _mixed(output, SongSounds(song), planner, options, stems_path, stage, song.sound)


def _mixed(
    output: Path,
    sounds: Sounds | SongSounds,
    planner: Planner,
    options: Options,
    stems_path: str | Path | None,
    stage: Stage,
    song: Sound | None = None,
) -> Mixed:
    stage("planning", 0, 1)
    plan = planner(sounds)
    stage("mixing", 0, 1)
    beyond = output.suffix.lower() not in writer.INTEGERS
    draft = render.draft(plan, sounds, sounds.inputs, options, song, beyond)
    return _write(output, draft, _under_the_ceiling, stems_path, sounds.warnings)


def replay(
    given: Mapping[str, str | Path] | SeparatedSong,
    output_path: str | Path,
    made: Replay,
    stems_path: str | Path | None = None,
    stage: Stage = _no_stage,
) -> Mixed:
    """Make a mix again of the files that it was made of.

    Byte for byte, except as .ogg, which holds the same samples, and a serial number of its own.

    Args:
        given: files by the names of the recipe's inputs, or a separated song.
        output_path: the mix; a file of this name is replaced.
        made: what the recipe has.
        stems_path: as in `mix_files`.
        stage: as in `mix_files`.

    Raises:
        InputError: if a file cannot be read, mixed or written, or is not the one that the mix was made of.
    """
    if isinstance(given, SeparatedSong):
        output = _checked(output_path, [given.path])
        sounds: Sounds | SongSounds = SongSounds(given)
    else:
        output = _checked(output_path, given.values())
        sounds = Sounds(given, made.offsets_s, partial(stage, "reading tracks"), may_have_ended=True)
    made.check(sounds.inputs)
    stage("mixing", 0, 1)
    draft = render.draft_of_settings(made.settings, sounds, sounds.inputs, made.source, made.ceiling_dbtp)
    return _write(output, draft, _as_it_is, stems_path, sounds.warnings)


def _checked(output_path: str | Path, inputs: Iterable[str | Path]) -> Path:
    output = Path(output_path)
    writer.check_output(output, inputs)
    recipe.check_output(output)
    return output


def _under_the_ceiling(draft: Draft, encode: Encode) -> tuple[Finish, AudioFile]:
    """Encode a mix so that its file keeps under the ceiling: coding moves the peak, and the aim is lowered by as much.

    24 bits move it by a hair, a lossy format by tenths of a dB. What is above after eight aims is left above.
    """
    aim_dbtp = ceiling.below(draft.ceiling_dbtp)
    for _ in range(_MOST_AIMS):
        finished = draft.end(aim_dbtp)
        file = encode(finished)
        peak_dbtp = file.sound.true_peak_dbtp
        if peak_dbtp is None or peak_dbtp <= draft.ceiling_dbtp:
            break
        aim_dbtp = ceiling.below(aim_dbtp - (peak_dbtp - draft.ceiling_dbtp))
    return finished, file


def _as_it_is(draft: Draft, encode: Encode) -> tuple[Finish, AudioFile]:
    finished = draft.end(draft.ceiling_dbtp)
    return finished, encode(finished)


def _write(
    output: Path,
    draft: Draft,
    settle: Callable[[Draft, Encode], tuple[Finish, AudioFile]],
    stems_path: str | Path | None,
    warnings: tuple[Notice, ...],
) -> Mixed:
    if stems_path is not None:
        taken = [output, *(Path(given.path) for given in draft.inputs.values() if given.path)]
        _check_stems(Path(stems_path), draft, taken)
    writer.make_folder(output)
    with files.replacing(recipe.path_of(output)) as json_path, files.replacing(output) as audio_path:

        def encode(finished: Finish) -> AudioFile:
            sound, extension = finished.sound, output.suffix.lower()
            if extension == ".wav" and draft.ceiling_dbtp > 0 and sound.peak > 1.0:
                extension = writer.UNCLIPPED
            writer.write(audio_path, sound.audio, sound.rate_hz, extension)
            return audio_file.read(audio_path)

        finished, file = settle(draft, encode)
        written = file.sound
        mixed = draft.mixed(
            finished,
            written,
            Output(str(output), file.sha256, written.rate_hz, written.duration_s),
            (*warnings, *_doubts(finished, written, draft.ceiling_dbtp)),
        )
        if stems_path is not None:
            _write_stems(Path(stems_path), draft, finished.settings)
        json_path.write_text(mixed.recipe.to_json(), "utf-8")
    return mixed


def _doubts(finished: Finish, written: Sound, ceiling_dbtp: float) -> Iterator[Notice]:
    """What the written file does not keep."""
    peak_dbtp, lufs = written.true_peak_dbtp, written.integrated_lufs
    if peak_dbtp is not None and peak_dbtp > ceiling_dbtp:
        above = f"true peak {peak_dbtp:+.2f} dBTP, above the ceiling of {ceiling_dbtp:g} dBTP"
        yield Notice("true-peak", above)
    promised_lufs = finished.step.reached.get("integrated_lufs")
    if promised_lufs is not None and lufs is not None and abs(lufs - promised_lufs) > _CLOSE_LU:
        yield Notice("format", f"the file is at {lufs:.2f} LUFS: its format changed the {promised_lufs:.2f} LUFS mixed")


def _check_stems(folder: Path, draft: Draft, taken: list[Path]) -> None:
    """Refuse to write stems over the inputs or the mix, or into a file. Raises InputError."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: give --stems a folder")
    for path in (folder / f"{name}.wav" for name in draft.summed.parts):
        if path.resolve() in (each.resolve() for each in taken):
            raise InputError(f"{path} is one of the inputs, or the mix: give --stems another folder")


def _write_stems(folder: Path, draft: Draft, settings: MixSettings) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    found = chain.finished_parts(draft.summed, settings)
    for name in draft.summed.parts:
        with files.replacing(folder / f"{name}.wav") as path:
            writer.write(path, found[name].audio, found[name].rate_hz, writer.UNCLIPPED)
