"""`mixprior mix --by MODEL`: what is predicted is aimed for and explained; what a person sets comes first."""

import json
from functools import partial

import numpy as np
import pytest

import mixprior
from mixprior.mixing.learned import planner
from mixprior.mixing.plan import pair
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.targets import Targets
from tests.mixing.learned.model import written
from tests.mixing.mix_command import both, mix, refusal, save_both
from tests.mixing.sounds import RATE_HZ, band, sound, voice


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return save_both(tmp_path_factory.mktemp("sounds"))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return written(tmp_path_factory.mktemp("model"))


def test_a_mix_goes_where_the_network_says_and_the_recipe_says_so(tmp_path, files, model):
    printed = mix(files, "--by", model, "-o", tmp_path / "mix.wav")
    told = json.loads((tmp_path / "mix.mix.json").read_text("utf-8"))
    first, second, _ = told["steps"]
    assert [first["name"], second["name"]] == ["prediction", "level"]
    wanted_lu = first["target"]["vocal_to_backing_lu"]
    assert wanted_lu != pytest.approx(-2.0, abs=1e-4)
    assert told["results"]["vocal_to_backing_lu"] == pytest.approx(wanted_lu, abs=0.05)
    assert first["reason"].startswith(f"model.npz predicts vocal_to_backing_lu {wanted_lu:.2f} (sd ")
    assert first["reason"] in printed


def test_it_is_explained_and_made_again(tmp_path, files, model):
    mix(files, "--by", model, "-o", tmp_path / "mix.wav")
    assert "1. prediction of mix" in mix({}, "--explain", tmp_path / "mix.mix.json")
    mix(files, "--replay", tmp_path / "mix.mix.json", "-o", tmp_path / "again.wav")
    assert (tmp_path / "again.wav").read_bytes() == (tmp_path / "mix.wav").read_bytes()


def test_what_a_person_sets_comes_first(tmp_path, files, model, capsys):
    words = [*both(files), "--by", model, "--ratio-lu", "-3", "-o", tmp_path / "mix.wav"]
    assert "predicts vocal_to_backing_lu (level), loudness_range_lu (compression)" in refusal(capsys, *words)
    mix(files, "--by", model, "--ratio-lu", "-3", "--with", "compression", "-o", tmp_path / "mix.wav")
    told = json.loads((tmp_path / "mix.mix.json").read_text("utf-8"))
    assert told["steps"][0]["target"].keys() == {"loudness_range_lu"}
    assert told["results"]["vocal_to_backing_lu"] == pytest.approx(-3.0, abs=0.1)


@pytest.mark.parametrize(
    ("name", "step", "chosen"),
    [
        ("loudness_range_lu", "compression", {"range_measure": "100ms"}),
        ("rt60_s", "reverb", {"reverb_rule": "seed"}),
    ],
)
def test_what_an_option_sets_in_another_way_is_not_predicted(tmp_path, name, step, chosen):
    prior = np.array([[-2.0, 2.5], [5.0, 1.0]])
    model = written(tmp_path, targets=("vocal_to_backing_lu", name), prior=prior)
    base = partial(pair.plan, targets=Targets.of())
    sounds = {"vocals": sound(voice()), "backing": sound(band())}
    steps = ("level", step)
    predicted = planner.planner(model, base, Targets.of(), Options(steps=steps))(sounds).steps[0].target
    assert predicted.keys() == {"vocal_to_backing_lu", name}
    predicted = planner.planner(model, base, Targets.of(), Options(steps=steps, **chosen))(sounds).steps[0].target
    assert predicted.keys() == {"vocal_to_backing_lu"}


def test_arrays_are_mixed_as_files_are(model):
    made = mixprior.mix(voice(), band(), RATE_HZ, by=model)
    wanted_lu = made.recipe.steps[0].target["vocal_to_backing_lu"]
    assert made.recipe.results.vocal_to_backing_lu == pytest.approx(wanted_lu, abs=0.05)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--preset", "save", "style.json"], "--by goes not with --preset save"),
        (["--tracks"], "{} predicts a mix of vocals and a backing"),
    ],
)
def test_what_does_not_go_with_it_is_refused(tmp_path, files, model, capsys, words, message, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sounds = [*words, *files.values()] if words == ["--tracks"] else [*both(files), *words]
    assert refusal(capsys, *sounds, "--by", model, "-o", "mix.wav").startswith(message.format(model))
