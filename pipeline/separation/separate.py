"""The library function: a mix in, its stems out."""

from __future__ import annotations

import numpy as np

from mixprior.pipeline.separation import model_store, separator
from mixprior.pipeline.separation.separator import Progress, SeparationSettings
from mixprior.pipeline.store.records import InputError
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import SAMPLE_RATE_HZ


def separate(
    audio: np.ndarray,
    rate_hz: int,
    *,
    model: str = model_store.DEFAULT_MODEL,
    model_repo: str | None = None,
    device: str | None = None,
    progress: Progress | None = None,
) -> dict[str, np.ndarray]:
    """Separate a mix into its stems with Demucs, on all cores or on the GPU.

    Stems need not sum to the mix. The same audio gives the same stems on the same machine.

    Args:
        audio: floats of shape (2, samples), or (1, samples) or (samples,) for mono; full scale 1.0.
        rate_hz: sampling rate of `audio`, 8 to 192 kHz. The model works at 44.1 kHz: other rates are converted.
        model: a model of Demucs, such as "htdemucs"; see `mixprior.pipeline.separation.model_store.KNOWN_MODELS`.
        model_repo: folder that holds the model; None takes $MIXPRIOR_MODEL_REPO, the cache, or fetches it once.
        device: "cpu", "cuda", "cuda:1"; None takes a GPU where there is one.
        progress: called as `progress(done, total)` after each segment.

    Returns:
        Float32 arrays of shape (2, samples) at `rate_hz`, by the model's names ("vocals", "drums", "bass", "other").

    Raises:
        InputError: if the audio is not of this shape, not finite or empty, if the model or the device is not
            available, or if the extra "mine" is not installed.
        SongError: if the model fails.

    ```
    stems = separate(audio, 48_000)
    backing = audio - stems["vocals"]
    ```
    """
    mix = Sound.of(audio, rate_hz, "the audio")
    if not mix.samples:
        raise InputError("the audio holds no samples")
    try:
        import demucs  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise InputError("separation needs Demucs and torch: pip install 'mixprior[mine]'") from error
    settings = SeparationSettings(model, model_repo, device=device or "auto")
    stems = separator.load(settings).separate(mix.stereo.at(SAMPLE_RATE_HZ).audio, progress)
    return {name: _as_long(Sound(stem, SAMPLE_RATE_HZ).at(rate_hz).audio, mix.samples) for name, stem in stems.items()}


def _as_long(audio: np.ndarray, samples: int) -> np.ndarray:
    """Resampling there and back can change the length by a sample."""
    return np.pad(audio[:, :samples], ((0, 0), (0, max(0, samples - audio.shape[1]))))
