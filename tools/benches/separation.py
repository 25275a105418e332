"""Times separation as Demucs comes and as we run it, in one run: `python -m tools.benches.separation`."""

import time
from dataclasses import replace

import numpy as np
import torch
from demucs.apply import apply_model

from mixprior.pipeline.separation import model_store
from mixprior.pipeline.separation.model_folder import ModelFolder
from mixprior.pipeline.separation.separator import SeparationSettings, load
from mixprior.pipeline.synthesis import SCORES, perform

SECONDS = 12.0


def main() -> None:
    """Print the table."""
    audio = np.sum(list(perform(replace(SCORES[0], duration_s=SECONDS)).values()), axis=0)
    settings = SeparationSettings(precision="fp32", device="cpu")
    separator = load(settings)
    separator.separate(audio[:, :44_100])
    start_s = time.process_time()
    ours = separator.separate(audio)
    ours_s = time.process_time() - start_s

    found = model_store.resolve()
    model = ModelFolder(found.folder, found.name).load(found.weights_sha256, found.arguments_sha256)
    torch.backends.mha.set_fastpath_enabled(True)
    mono = audio.mean(axis=0)
    mean, scale = mono.mean(), mono.std(ddof=1) + 1e-8
    song = torch.from_numpy((audio - mean) / scale)[None]
    with torch.inference_mode():
        start_s = time.process_time()
        theirs = apply_model(model, song, shifts=0)[0].numpy() * scale + mean
        theirs_s = time.process_time() - start_s
    error = max(np.abs(ours[name] - theirs[k]).max() for k, name in enumerate(model.sources))
    print(f"{SECONDS:.0f} s of stereo, htdemucs, fp32, one thread: CPU seconds and times real time")
    print(f"  demucs as it comes  {theirs_s:7.2f} s  {SECONDS / theirs_s:5.2f}x")
    print(f"  ours                {ours_s:7.2f} s  {SECONDS / ours_s:5.2f}x")
    print(f"  largest difference of a sample {20 * np.log10(error):.0f} dBFS")


if __name__ == "__main__":
    main()
