"""Times the blind estimate, the fit to it and the renderer, on one core: `python -m tools.benches.blind_reverb`."""

from __future__ import annotations

from functools import partial

import numpy as np

from mixprior.stats.reverb.blind import estimate as blind
from mixprior.stats.reverb.columns import ASSUMED
from mixprior.stats.reverb.fdn.fit import fit_decay
from mixprior.stats.reverb.fdn.network import FdnReverb
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings
from tools.benches.cpu_time import cpu_s

RATE_HZ = 44_100
MINUTES = 4


def main() -> None:
    """Print the table."""
    rng = np.random.default_rng(0)
    notes = np.repeat(rng.random(MINUTES * 60 * 4) ** 2, RATE_HZ // 4)
    voice = (0.1 * notes * rng.standard_normal((2, notes.size))).astype(np.float32)
    rest = (0.05 * rng.standard_normal(voice.shape)).astype(np.float32)
    whole = cpu_s(lambda: blind.estimate(voice, rest))
    found = blind.estimate(voice, rest)
    assert found is not None
    fitted = cpu_s(lambda: fit_decay(list(found.rt60_octaves_s), found.wet_dry_db, seed=1, prior=ASSUMED))
    print(f"blind estimate of a {MINUTES}-minute song   {whole:.3f} s   ({whole / MINUTES:.3f} s an audio minute)")
    print(f"fit of FdnReverb to it           {fitted:.3f} s")
    for name, fade_in_s in (("no fade-in", 0.0), ("fade-in", 0.2)):
        settings = FdnReverbSettings(reverberation_time_s=2.0, fade_in_s=fade_in_s)
        sound = voice[:, : 10 * RATE_HZ]
        spent = cpu_s(partial(FdnReverb(settings, RATE_HZ).process, sound))
        print(f"FdnReverb, 10 s of stereo, {name:<11}{spent:.3f} s")


if __name__ == "__main__":
    main()
