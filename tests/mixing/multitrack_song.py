"""The tracks of a song of arithmetic, mixed as a user and as a program does, and heard with an independent meter."""

import contextlib
import io
import json
from functools import partial
from pathlib import Path

import numpy as np
import scipy.signal

from mixprior import main
from mixprior.mixing.mix import session
from mixprior.mixing.mix.recipe import Recipe
from mixprior.mixing.plan import multitrack
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.step import STEPS
from mixprior.mixing.plan.targets import Targets
from mixprior.mixing.rules.roles import Role
from mixprior.pipeline.audio import audio_file
from tests.mixing.sounds import RATE_HZ, load, save
from tools import meter

DURATION_S = 4.0
INSTRUMENTS = ("drums", "bass", "other")
METERS_DB = 0.1
"""Two filters for fourfold oversampling, both after BS.1770-5, read peaks of noise at 10 kHz that far apart."""


def seconds(duration_s: float, rate_hz: int = RATE_HZ) -> np.ndarray:
    return np.arange(round(duration_s * rate_hz)) / rate_hz


def kick(duration_s: float = DURATION_S, rate_hz: int = RATE_HZ) -> np.ndarray:
    """A falling tone of 50 Hz, twice a second."""
    since_s = seconds(duration_s, rate_hz) % 0.5
    return 0.8 * np.exp(-since_s / 0.07) * np.sin(2 * np.pi * (50 * since_s + 4 * (1 - np.exp(-since_s / 0.03))))


def hats(duration_s: float = DURATION_S, rate_hz: int = RATE_HZ) -> np.ndarray:
    """Bursts of noise above 7 kHz, four a second."""
    time_s = seconds(duration_s, rate_hz)
    highs = scipy.signal.butter(4, 7000, "highpass", fs=rate_hz, output="sos")
    noise = scipy.signal.sosfilt(highs, np.random.default_rng(3).standard_normal(time_s.size))
    return 0.15 * noise * np.exp(-(time_s % 0.25) / 0.02)


def tone(frequency_hz: float, harmonics: int, duration_s: float = DURATION_S, rate_hz: int = RATE_HZ) -> np.ndarray:
    phase = 2 * np.pi * frequency_hz * seconds(duration_s, rate_hz)
    return sum(np.sin(k * phase) / k for k in range(1, harmonics + 1))


def bass(duration_s: float = DURATION_S, rate_hz: int = RATE_HZ) -> np.ndarray:
    """Notes of 55 Hz with three harmonics."""
    return 0.25 * tone(55.0, 3, duration_s, rate_hz) * np.exp(-(seconds(duration_s, rate_hz) % 0.5) / 0.3)


def pad(root_hz: float = 220.0, duration_s: float = DURATION_S, rate_hz: int = RATE_HZ) -> np.ndarray:
    """A held minor chord; of odd roots, lest two chords share a partial and be related."""
    return 0.06 * sum(tone(root_hz * 2 ** (step / 12), 12, duration_s, rate_hz) for step in (0, 3, 7))


def sung(pitch_hz: float = 240.0, duration_s: float = DURATION_S, rate_hz: int = RATE_HZ) -> np.ndarray:
    """Phrases of a harmonic tone with a wide vibrato, as a voice glides."""
    time_s = seconds(duration_s, rate_hz)
    phase = 2 * np.pi * np.cumsum(pitch_hz * 2 ** (np.sin(2 * np.pi * 2.7 * time_s) / 12)) / rate_hz
    phrases = np.clip(4 * np.sin(2 * np.pi * 0.4 * time_s + 0.5) + 2, 0, 1)
    return 0.12 * phrases * sum(np.sin(k * phase) / k for k in range(1, 16))


def band_of_tracks(duration_s: float = DURATION_S) -> dict[str, np.ndarray]:
    return {
        "Kick": kick(duration_s),
        "Hats": hats(duration_s),
        "Bass": bass(duration_s),
        "Pad": pad(220.0, duration_s),
        "Piano": 0.9 * pad(237.0, duration_s),
        "Rhodes": 0.8 * pad(353.7, duration_s),
        "Lead Vox": sung(240.0, duration_s),
        "Choir": 0.7 * sung(371.0, duration_s),
    }


def save_all(folder: Path, tracks: dict[str, np.ndarray], rate_hz: int = RATE_HZ) -> dict[str, Path]:
    """Save mono, (samples,), or stereo tracks; return their paths by name."""
    folder.mkdir(parents=True, exist_ok=True)
    return {
        name: Path(save(folder / f"{name}.wav", np.atleast_2d(audio).astype(np.float32), rate_hz))
        for name, audio in tracks.items()
    }


def mixed(
    paths: dict[str, Path], output: Path, stems: Path | None = None, roles: dict[str, Role] | None = None, **chosen
) -> Recipe:
    """Mix tracks with options as `mixprior.mixing.plan.options.Options` has them, by default with all steps."""
    options = Options(**{"steps": STEPS, **chosen})
    planner = partial(multitrack.plan, targets=Targets.of(), options=options, roles_given=roles)
    return session.mix_files(paths, output, planner, options, stems).recipe


def mix(*words) -> dict:
    """Run the command; return the recipe that it printed."""
    with contextlib.redirect_stdout(io.StringIO()) as told:
        assert main(["mix", *map(str, words), "--json"]) == 0
    return json.loads(told.getvalue())


def roles_of(recipe: Recipe) -> dict[str, str]:
    return dict(recipe.settings.routing)


def lufs(folder: Path, audio: np.ndarray, rate_hz: int = RATE_HZ) -> float:
    """Loudness by the independent meter of a mono or stereo sound, heard on two channels."""
    stereo = np.broadcast_to(audio, (2, audio.shape[-1])).astype(np.float32)
    return meter.read(save(folder / "metered.wav", stereo, rate_hz)).integrated_lufs


def gains_inside(stem: Path, paths: dict[str, Path]) -> np.ndarray:
    """Gains with which tracks lie in a sum that nothing but gains was done to, by least squares on its left channel."""
    columns = np.stack([load(path)[0] for path in paths.values()], axis=1).astype(np.float64)
    return np.linalg.lstsq(columns, load(stem)[0].astype(np.float64), rcond=None)[0]


def levels_lu(folder: Path, stems: Path) -> dict[str, float]:
    """Loudness of the instruments of a mix against all of it, read by the independent meter.

    Args:
        folder: where to put a file.
        stems: of the mix.
    """
    files = {path.stem: audio_file.read(path) for path in sorted(stems.glob("*.wav"))}
    rate_hz = files["other"].sound.rate_hz
    longest = max(file.sound.audio.shape[1] for file in files.values())
    sounds = {
        name: np.pad(file.sound.audio, ((0, 0), (0, longest - file.sound.audio.shape[1])))
        for name, file in files.items()
    }
    whole = lufs(folder, sum(sounds.values()), rate_hz)
    return {bus: lufs(folder, sounds[bus], rate_hz) - whole for bus in INSTRUMENTS}


def band_of_four(duration_s: float = 2.0) -> dict[str, np.ndarray]:
    """Tracks whose names say what they are."""
    return {
        "Kick": kick(duration_s),
        "Bass": bass(duration_s),
        "Pad": pad(220.0, duration_s),
        "Lead Vox": sung(240.0, duration_s),
    }
