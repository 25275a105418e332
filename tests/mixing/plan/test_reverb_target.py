"""`mixprior reverb prior`: settings that have the reverberation times and the level of a catalog's vocals."""

import json

import numpy as np
import pytest

from mixprior import main
from mixprior.mixing.plan import reverb_target
from mixprior.mixing.reverb import settings_file
from mixprior.stats.reverb.columns import ASSUMED
from tests.analysis.priors_folder import row, write_priors
from tests.mixing.reverb_command import refusal, reverb

OCTAVES_S = (1.6, 1.5, 1.3, 1.1, 0.9)


def of_group(group: str, n: int, median_s: float, level_db: float):
    def spread(middle):
        return (middle, 0.3, 0.1 * middle, 9.0 * middle, *(middle * x for x in (0.5, 0.6, 0.8, 1.0, 1.2, 1.4, 1.5)))

    return [
        {**row(group, "vocals", "rt60_s", "s", n, spread(median_s)), "median_low": 1.1, "median_high": 1.5},
        {
            **row(group, "vocals", "wet_dry_db", "dB", n + 5, spread(level_db)),
            "median_low": -17.5,
            "median_high": -14.5,
        },
        *(
            row(group, "vocals", "rt60_octaves_s", "s", n, spread(time_s * median_s / 1.3), k, 250.0 * 2**k)
            for k, time_s in enumerate(OCTAVES_S)
        ),
    ]


@pytest.fixture
def priors(tmp_path):
    rows = [
        *of_group("all", 60, 1.3, -16.0),
        *of_group("genre=jazz", 3, 3.0, -9.0),
        *of_group("genre=rock", 20, 0.8, -20.0),
    ]
    return write_priors(tmp_path / "priors", rows)


@pytest.mark.parametrize(("group", "scale", "level_db"), [(None, 1.0, -16.0), ("genre=rock", 0.8 / 1.3, -20.0)])
def test_settings_have_the_medians_of_the_times_and_of_the_levels(tmp_path, priors, group, scale, level_db):
    words = ("prior", priors, "-o", tmp_path / "a.json", *(["--group", group] if group else []))
    told = json.loads(reverb(*words, "--json"))
    assert told["target"]["rt60_octaves_s"] == pytest.approx([t * scale for t in OCTAVES_S], abs=1e-3)
    assert told["fit"]["rt60_octaves_s"] == pytest.approx(told["target"]["rt60_octaves_s"], rel=0.15)
    assert told["fit"]["wet_dry_db"] == pytest.approx(level_db, abs=0.5)
    assert told["priors"]["group"] == (group or "all")
    assert told["priors"]["wet_dry_db"]["median_low"] == -17.5
    settings = settings_file.read(tmp_path / "a.json")
    assert (settings.room_size, settings.fade_in_s) == (ASSUMED.room_size, ASSUMED.fade_in_s)
    reverb("render", tmp_path / "a.json", "-o", tmp_path / "a.wav", "--duration", 0.1)


def test_numbers_of_songs_and_intervals_are_printed(priors):
    told = reverb("prior", priors)
    assert "medians of 60 songs (group all); broadband 1.30 s, 95 % interval 1.10 to 1.50 s" in told
    assert "median of 65 songs, dry vocals included, -16.0 dB, 95 % interval -17.5 to -14.5 dB" in told


@pytest.mark.parametrize(("group", "told"), [("genre=jazz", "its 3 songs"), ("genre=rok", "did you mean genre=rock")])
def test_all_songs_stand_in_for_a_group_that_says_too_little(priors, capsys, group, told):
    assert main(["reverb", "prior", str(priors), "--group", group, "--json"]) == 0
    printed = capsys.readouterr()
    assert told in printed.err
    assert json.loads(printed.out)["target"]["rt60_s"] == 1.3


def test_the_seeds_rule_sets_the_time_and_the_octaves_keep_their_shape(priors):
    told = json.loads(reverb("prior", priors, "--tempo", 120, "--rule", "seed", "--json"))
    assert told["target"]["rt60_s"] == pytest.approx(40 / 9 - 120 / 45, abs=1e-3)
    shape = np.array(told["target"]["rt60_octaves_s"]) / told["target"]["rt60_s"]
    assert shape == pytest.approx(np.array(OCTAVES_S) / 1.3, abs=2e-3)
    assert told["priors"]["tempo_rule"]["name"] == "seed"


@pytest.mark.parametrize(("high", "found"), [(-0.001, True), (0.002, False)])
def test_the_catalogs_rule_says_whether_there_is_one(priors, monkeypatch, high, found):
    line = {"slope": -0.004, "slope_low": -0.01, "slope_high": high, "intercept": 1.8, "r2": 0.021, "n": 55}
    monkeypatch.setattr(
        reverb_target, "regress", lambda *asked: [line] if asked[2] == [("backing", "tempo_bpm")] else []
    )
    words = ("prior", priors, "--tempo", 100, "--rule", "catalog")
    text = reverb(*words)
    assert "1.40 s at 100 bpm by the regression of 55 songs: slope -4.00 ms/bpm" in text
    assert "R2 0.021" in text
    assert ("holds 0: these songs show no relation" in text) != found
    told = json.loads(reverb(*words, "--json"))
    assert told["target"]["rt60_s"] == pytest.approx(1.4)
    assert told["priors"]["tempo_rule"]["is_found"] == found


def test_a_time_beyond_the_plug_in_is_held_at_its_end_and_told(priors, monkeypatch, capsys):
    line = {"slope": -0.02, "slope_low": -0.03, "slope_high": -0.01, "intercept": 3.0, "r2": 0.5, "n": 55}
    monkeypatch.setattr(reverb_target, "regress", lambda *_: [line])
    assert main(["reverb", "prior", str(priors), "--tempo", "200", "--rule", "catalog", "--json"]) == 0
    printed = capsys.readouterr()
    assert "the rule gives -1.00 s at 200 bpm; 0.1 s is taken" in printed.err
    assert json.loads(printed.out)["target"]["rt60_s"] == 0.1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--tempo", "100"), "belong together"),
        (("--rule", "seed"), "belong together"),
        (("--tempo", "100", "--rule", "catalog"), "has no joint moments"),
        (("-o", "a.txt"), "settings are written as .json"),
    ],
)
def test_a_prior_that_cannot_be_is_refused(priors, capsys, words, told):
    assert told in refusal(capsys, "prior", priors, *words)


def test_priors_without_reverb_are_refused(tmp_path, capsys):
    assert "has no reverberation of vocals" in refusal(capsys, "prior", write_priors(tmp_path))
    unknown = [{**each, "n": 0, "p50": None, "mean": None} for each in of_group("all", 0, 1.3, -16.0)]
    assert "was measured on no song" in refusal(capsys, "prior", write_priors(tmp_path, unknown))
