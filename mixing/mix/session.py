"""Files in; a mix and its recipe out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from mixprior.mixing.effects import ceiling
from mixprior.mixing.effects.settings import MixSettings
from mixprior.mixing.mix import recipe, render
from mixprior.mixing.mix.recipe import Output
from mixprior.mixing.mix.render import Draft, Mixed
from mixprior.mixing.mix.sounds import Sounds
from mixprior.mixing.plan.loudness import Finish
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.step import Plan
from mixprior.mixing.rules.notice import Notice
from mixprior.pipeline.audio import audio_file, writer
from mixprior.pipeline.audio.audio_file import AudioFile
from mixprior.pipeline.store import files
from mixprior.stats.errors import InputError
from mixprior.stats.sound import Sound

_CLOSE_LU = 0.1
_MOST_AIMS = 8
"""Aims that are tried for the ceiling: 24 bits need one, a lossy format two or three."""

Planner = Callable[[Mapping[str, Sound]], Plan]
"""Sounds by name in; settings without the end of the mix, and the steps that led to them, out."""

Encode = Callable[[Finish], AudioFile]
"""Writes a mix, and reads it as it is in its file."""


def mix_files(
    paths: Mapping[str, str | Path],
    output_path: str | Path,
    planner: Planner,
    options: Options,
    stems_path: str | Path | None = None,
) -> Mixed:
    """Mix files into another, with the recipe as .mix.json beside it: 24 bits as .wav and .flac, or a coded format.

    Folders that are missing are made. The mix has the highest of the files' sample rates and 44.1 kHz; coded, the
    nearest that its format has. No file is left half-written.

    Args:
        paths: mono or stereo files, by the name of the track.
        output_path: the mix; a file of this name is replaced.
        planner: what to do with the sounds, up to their sum.
        options: how it is mixed; the loudness is set here.
        stems_path: folder for what was summed, at the gain of the mix and before its limiter; None for none.

    Raises:
        InputError: if a file cannot be read, mixed or written.
    """
    output = _checked(output_path, paths.values())
    sounds = Sounds(paths)
    draft = render.draft(planner(sounds), sounds, sounds.inputs, options)
    return _write(output, draft, _under_the_ceiling, stems_path, sounds.warnings)


def replay(
    paths: Mapping[str, str | Path],
    output_path: str | Path,
    settings: MixSettings,
    source: str,
    stems_path: str | Path | None = None,
) -> Mixed:
    """Mix files by settings as they are; of the same files the same mix comes out.

    Byte for byte as .wav and .flac; an .ogg holds the same samples, and a serial number of its own.

    Args:
        paths: files by the names of the settings' tracks.
        output_path: the mix; a file of this name is replaced.
        settings: of a recipe or a preset.
        source: where they come from, in words.
        stems_path: as in `mix_files`.

    Raises:
        InputError: if a file cannot be read, mixed or written, or the tracks are others.
    """
    output = _checked(output_path, paths.values())
    sounds = Sounds(paths)
    draft = render.draft_of_settings(settings, sounds, sounds.inputs, source)
    return _write(output, draft, _as_it_is, stems_path, sounds.warnings)


def _checked(output_path: str | Path, inputs: Iterable[str | Path]) -> Path:
    output = Path(output_path)
    writer.check_output(output, inputs)
    recipe.check_output(output)
    return output


def _under_the_ceiling(end: Callable[[float], Finish], encode: Encode) -> tuple[Finish, AudioFile]:
    """Encode a mix so that its file keeps under the ceiling: coding moves the peak, and the aim is lowered by as much.

    24 bits move it by a hair, a lossy format by tenths of a dB. What is above after eight aims is left above.
    """
    aim_dbtp = ceiling.AIM_DBTP
    for _ in range(_MOST_AIMS):
        finished = end(aim_dbtp)
        file = encode(finished)
        peak_dbtp = file.sound.true_peak_dbtp
        if peak_dbtp is None or peak_dbtp <= ceiling.CEILING_DBTP:
            break
        aim_dbtp = ceiling.below(aim_dbtp - (peak_dbtp - ceiling.CEILING_DBTP))
    return finished, file


def _as_it_is(end: Callable[[float], Finish], encode: Encode) -> tuple[Finish, AudioFile]:
    finished = end(ceiling.CEILING_DBTP)
    return finished, encode(finished)


def _write(
    output: Path,
    draft: Draft,
    settle: Callable[[Callable[[float], Finish], Encode], tuple[Finish, AudioFile]],
    stems_path: str | Path | None,
    warnings: tuple[Notice, ...],
) -> Mixed:
    if stems_path is not None:
        taken = [output, *(Path(given.path) for given in draft.inputs.values() if given.path)]
        _check_stems(Path(stems_path), draft, taken)
    writer.make_folder(output)
    with files.replacing(recipe.path_of(output)) as json_path, files.replacing(output) as audio_path:

        def encode(finished: Finish) -> AudioFile:
            writer.write(audio_path, finished.sound.audio, finished.sound.rate_hz, output.suffix.lower())
            return audio_file.read(audio_path)

        finished, file = settle(draft.end, encode)
        written = file.sound
        mixed = draft.mixed(
            finished,
            written,
            Output(str(output), file.sha256, written.rate_hz, written.duration_s),
            (*warnings, *_doubts(finished, written)),
        )
        if stems_path is not None:
            _write_stems(Path(stems_path), draft, finished.settings.gain_db)
        json_path.write_text(mixed.recipe.to_json(), "utf-8")
    return mixed


def _doubts(finished: Finish, written: Sound) -> Iterator[Notice]:
    """What the written file does not keep."""
    peak_dbtp, lufs = written.true_peak_dbtp, written.integrated_lufs
    if peak_dbtp is not None and peak_dbtp > ceiling.CEILING_DBTP:
        above = f"true peak {peak_dbtp:+.2f} dBTP, above the ceiling of {ceiling.CEILING_DBTP:g} dBTP"
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


def _write_stems(folder: Path, draft: Draft, gain_db: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, sound in draft.summed.parts.items():
        with files.replacing(folder / f"{name}.wav") as path:
            writer.write(path, sound.gained(gain_db).audio, sound.rate_hz, writer.UNCLIPPED)
