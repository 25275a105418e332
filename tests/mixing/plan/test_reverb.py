"""The reverb step: what is wanted comes from the priors, a tempo or the options, and the step says from which."""

import numpy as np
import pytest

from mixprior.analysis.packaged.default_priors import PriorsChain
from mixprior.analysis.priors import open_priors
from mixprior.mixing.plan import reverb_target
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.reverb import ASK, add_reverb
from mixprior.mixing.plan.targets import Targets
from mixprior.mixing.reverb import decay
from mixprior.stats.errors import InputError
from mixprior.stats.reverb.blind import estimate as blind
from mixprior.stats.reverb.blind.estimate import Reverberation
from tests.analysis.priors_folder import row, write_priors
from tests.mixing.sounds import RATE_HZ, band, sound, voice

OCTAVES_S = (1.6, 1.5, 1.3, 1.1, 0.9)
MEDIAN_S, LEVEL_DB = 1.3, -14.0


LEVELS_DB = (LEVEL_DB, 3.0, -24.0, -6.0, -19.0, -18.0, -16.0, LEVEL_DB, -12.0, -10.0, -9.0)
OFTEN_DRY_DB = (-20.0, 8.0, -35.0, -6.0, -34.0, -33.0, -31.0, LEVEL_DB, -12.0, -10.0, -9.0)
"""Levels of songs of which more than a quarter have dry vocals."""


def of_group(group: str, n: int, levels=LEVELS_DB):
    def spread(middle):
        return (middle, 0.3, 0.1 * middle, 9.0 * middle, *(middle * x for x in (0.5, 0.6, 0.8, 1.0, 1.2, 1.4, 1.5)))

    return [
        row(group, "vocals", "rt60_s", "s", n, spread(MEDIAN_S)),
        row(group, "vocals", "wet_dry_db", "dB", n, levels),
        *(row(group, "vocals", "rt60_octaves_s", "s", n, spread(t), k, 250.0 * 2**k) for k, t in enumerate(OCTAVES_S)),
    ]


@pytest.fixture(scope="module")
def priors(tmp_path_factory):
    return open_priors(write_priors(tmp_path_factory.mktemp("reverb") / "priors", of_group("all", 60)))


@pytest.fixture(autouse=True)
def dry(monkeypatch):
    """Makes all vocals dry to the estimator."""
    estimate = Reverberation(1.0, np.ones(5), -40.0, np.full(5, -40.0), 0.8, 4)
    monkeypatch.setattr(blind, "estimate", lambda *_: estimate)


def step(priors, backing: np.ndarray | None = None, group: str = "all", **options):
    targets = Targets(PriorsChain((priors,)), group, asked=group != "all")
    backing = band() if backing is None else backing
    return add_reverb("vocals", sound(voice()), sound(backing), targets, Options(**options))


def test_dry_vocals_get_the_times_of_the_priors_and_the_posterior_of_their_level(priors):
    added, made = step(priors)
    (aim,) = made.aims
    assert aim["value"] == pytest.approx(-40 + aim["weight"] * (LEVEL_DB + 40))
    assert LEVEL_DB - 8 < aim["value"] < LEVEL_DB
    assert made.target == {
        "wet_dry_db": round(aim["value"], 2),
        "rt60_s": MEDIAN_S,
        "rt60_octaves_s": list(OCTAVES_S),
    }
    assert made.measured == {"wet_dry_db": -40.0, "rt60_s": None, "confidence": 0.8, "segments": 4}
    assert decay.of_settings(added.reverb).wet_dry_db == pytest.approx(aim["value"], abs=0.5)
    assert [prior["statistic"] for prior in made.priors] == ["rt60_s", "wet_dry_db"]


@pytest.mark.parametrize(
    ("asked", "level_db"), [({"wet_dry_db": -10.0}, -10.0), ({"rt60_s": 1.0, "trust": 1.0}, LEVEL_DB)]
)
def test_where_songs_often_have_dry_vocals_a_reverb_is_added_if_it_is_asked_for(tmp_path, asked, level_db):
    priors = open_priors(write_priors(tmp_path / "priors", of_group("all", 60, OFTEN_DRY_DB)))
    added, made = step(priors)
    assert added.reverb is None
    assert made.reason.startswith("no reverb: dry vocals may be meant: ")
    assert ASK in made.notes
    added, made = step(priors, **asked)
    assert decay.of_settings(added.reverb).wet_dry_db == pytest.approx(level_db, abs=0.5)
    assert ASK not in made.notes


@pytest.mark.parametrize(("levels_db", "share"), [(LEVELS_DB, 0.015), (OFTEN_DRY_DB, 0.375)])
def test_the_share_of_dry_vocals_is_read_from_the_quantiles(tmp_path, levels_db, share):
    priors = open_priors(write_priors(tmp_path / "priors", of_group("all", 60, levels_db)))
    assert reverb_target.target(reverb_target.source(priors)).dry_share == pytest.approx(share, abs=0.001)


def test_the_seeds_rule_takes_the_tempo_of_the_backing(priors):
    ticks = 0.001 * band(12.0)
    for start in range(0, ticks.shape[1] - 2_000, RATE_HZ // 2):
        ticks[:, start : start + 2_000] += band(12.0, level=0.3)[:, :2_000]
    added, made = step(priors, ticks, reverb_rule="seed")
    time_s = made.target["rt60_s"]
    assert time_s == pytest.approx(40 / 9 - 120 / 45, abs=0.05)
    assert made.target["rt60_octaves_s"] == pytest.approx(np.array(OCTAVES_S) * time_s / MEDIAN_S, abs=1e-3)
    assert added.reverb.reverberation_time_s > 1.3
    assert any("by the textbook's rule" in note for note in made.notes)


def test_without_a_tempo_a_rule_leaves_the_median_and_warns(priors):
    _, made = step(priors, np.zeros((2, 10 * RATE_HZ)), reverb_rule="seed")
    assert made.target["rt60_s"] == MEDIAN_S
    assert [warning.code for warning in made.warnings] == ["tempo"]


def test_what_is_asked_for_takes_the_place_of_the_prior(priors):
    added, made = step(priors, rt60_s=0.65, wet_dry_db=-10.0)
    reached = decay.of_settings(added.reverb)
    assert reached.wet_dry_db == pytest.approx(-10.0, abs=0.5)
    assert reached.rt60_octaves_s == pytest.approx([time_s / 2 for time_s in OCTAVES_S], rel=0.2)
    assert made.notes[-2:] == ("time: 0.65 s, as given", "wet to dry: -10.0 dB, as given")


def test_a_group_that_there_is_not_falls_back_with_one_warning(priors):
    _, made = step(priors, group="genre=rock")
    assert [warning.code for warning in made.warnings] == ["prior"]
    assert "all songs are used" in made.warnings[0].text


def test_priors_of_few_songs_are_warned_of_once(tmp_path):
    few = open_priors(write_priors(tmp_path / "priors", of_group("all", 3)))
    _, made = step(few)
    assert made.warnings == ()
    assert len([note for note in made.notes if "rests on 3 songs only" in note]) == 1


def test_a_rule_that_the_priors_cannot_serve_is_refused(priors):
    ticks = band(12.0) * (np.arange(12 * RATE_HZ) % (RATE_HZ // 2) < 2_000)
    with pytest.raises(InputError, match="no joint moments"):
        step(priors, ticks, reverb_rule="catalog")
