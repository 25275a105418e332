"""What is planned later and rendered earlier: the compressor meets the sound for which it was chosen."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from mixprior.analysis.measure import measure
from mixprior.analysis.song_rows import SongRows
from mixprior.mixing.effects import chain
from mixprior.mixing.plan import multitrack, pair
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.step import Plan
from mixprior.mixing.plan.targets import Targets
from mixprior.mixing.rules.ratio import ratio_lu
from mixprior.stats.sound import Sound
from tests.mixing.plan.test_pair import low_band, uneven_voice
from tests.mixing.sounds import RATE_HZ, band, sound, voice

pytestmark = pytest.mark.slow

VOCALS, BACKING = sound(uneven_voice()), sound(low_band())
WANTED_LU = VOCALS.loudness_range_lu - 4.0


def bright_song() -> SongRows:
    """A song of whose spectrum the equaliser of the mix makes the vocals much louder or softer."""
    return SongRows.of_frame(measure({"vocals": 8 * np.diff(voice()), "other": np.diff(band())}, RATE_HZ), "bright")


def planned(names: tuple[str, str], targets: Targets, **chosen) -> tuple[Plan, Mapping[str, Sound]]:
    sounds = dict(zip(names, (VOCALS, BACKING), strict=True))
    planner = pair.plan if names == ("vocals", "backing") else multitrack.plan
    return planner(sounds, targets, Options(loudness_range_lu=WANTED_LU, **chosen)), sounds


@pytest.mark.parametrize("names", [("vocals", "backing"), ("Lead Vox", "Pad")])
def test_bands_are_chosen_for_the_sound_that_the_filter_of_a_song_like_it_makes(names):
    plan, _ = planned(names, Targets.of(like=[bright_song()]), steps=("level", "eq", "unmask"), eq_rule="seed")
    order = [step.name for step in plan.steps]
    assert order.index("eq") < order.index("unmask")


@pytest.mark.parametrize("names", [("vocals", "backing"), ("Lead Vox", "Pad")])
@pytest.mark.parametrize(
    ("steps", "like", "chosen"),
    [
        (("level", "unmask", "compression"), False, {"eq_rule": "seed"}),
        (("level", "eq", "compression"), True, {}),
        (("level", "compression"), False, {"lock": ("vocals.pan=1",)}),
    ],
    ids=["bands", "filter-of-the-mix", "place"],
)
def test_no_setting_before_the_compressor_is_chosen_after_it(names, steps, like, chosen):
    plan, sounds = planned(names, Targets.of(like=[bright_song()] if like else []), steps=steps, **chosen)
    done = chain.sum_up(plan.settings, sounds)
    made = (plan.settings.buses or plan.settings.tracks)["vocals"]
    assert made.compressor
    assert made.match or made.pan or made.bands
    assert done.parts["vocals"].loudness_range_lu == pytest.approx(WANTED_LU, abs=0.1)
    ratio = [step.target["vocal_to_backing_lu"] for step in plan.steps if "vocal_to_backing_lu" in step.target]
    assert ratio_lu(done.parts["vocals"], done.backing) == pytest.approx(ratio[-1], abs=0.02)
