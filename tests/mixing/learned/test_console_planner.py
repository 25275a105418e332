"""`mixprior mix --by MODEL` of a console mixer: the rule's mix, moved, with a reason for each move."""

import json

import numpy as np
import pytest

import mixprior
from mixprior.analysis.song_rows import SongRows
from mixprior.mixing.learned import console, model_file
from mixprior.stats.errors import InputError
from tests.mixing.learned.console_model import drawn, written
from tests.mixing.mix_command import mix, save_both
from tests.mixing.multitrack_song import band_of_four
from tests.mixing.sounds import RATE_HZ, band, voice

ALL = {"steps": ("level", "eq", "pan", "loudness")}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return save_both(tmp_path_factory.mktemp("sounds"))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return written(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    return written(tmp_path_factory.mktemp("untrained"), last=0.0)


def moves(recipe) -> dict[str, dict]:
    return {step.of: dict(step.setting) for step in recipe.steps if step.name == "prediction"}


def test_untrained_it_mixes_tracks_as_the_posterior_rule_does(untrained):
    by_rule = mixprior.mix_tracks(band_of_four(), RATE_HZ)
    found = mixprior.mix_tracks(band_of_four(), RATE_HZ, by=untrained)
    levels_db = [20 * np.log10(np.linalg.norm(each.audio, axis=1)) for each in (found, by_rule)]
    assert np.abs(levels_db[0] - levels_db[1]).max() < 0.01
    assert np.abs(found.audio - by_rule.audio).max() < 1e-6
    assert moves(found.recipe).keys() == {"vocals", "drums", "bass", "other"}


def test_untrained_it_mixes_a_pair_as_the_posterior_rule_does(tmp_path, files, untrained):
    mix(files, "-o", tmp_path / "rule.wav")
    mix(files, "--by", untrained, "-o", tmp_path / "mix.wav")
    assert (tmp_path / "mix.wav").read_bytes() == (tmp_path / "rule.wav").read_bytes()


def test_tracks_are_mixed_alike_in_any_order_and_at_any_level_of_the_file(model):
    given = band_of_four()
    found = moves(mixprior.mix_tracks(given, RATE_HZ, by=model, **ALL).recipe)
    turned = moves(mixprior.mix_tracks(dict(reversed(given.items())), RATE_HZ, by=model, **ALL).recipe)
    levels = dict(zip(given, (0.5, 0.2, 3.0, 0.01), strict=True))
    louder = {name: levels[name] * audio for name, audio in given.items()}
    changed = moves(mixprior.mix_tracks(louder, RATE_HZ, by=model, **ALL).recipe)
    assert any(abs(each["output_gain_db"]) > 0.3 for each in found.values())
    for name, of in found.items():
        for control in drawn().spread:
            # Settings are in hundredths of a decibel, and places in two thousandths.
            assert turned[name][control] == pytest.approx(of[control], abs=0.0101)
            assert changed[name][control] == pytest.approx(of[control], abs=0.0101)


@pytest.mark.parametrize("count", [1, 64])
def test_one_track_and_many_are_mixed(model, count):
    time_s = np.arange(RATE_HZ // 2) / RATE_HZ
    given = {f"Track {k}": 0.01 * np.sin(2 * np.pi * (60.3 + 97.1 * k) * time_s) for k in range(count)}
    made = mixprior.mix_tracks(given, RATE_HZ, by=model, roles=dict.fromkeys(given, "other"))
    assert len(made.recipe.settings.tracks) == count
    assert set(moves(made.recipe)) == set(made.recipe.settings.buses)


def test_moves_are_what_the_network_says_with_a_reason_by_occlusion(tmp_path, files, model):
    printed = mix(files, "--by", model, "--explain", "-o", tmp_path / "mix.wav")
    document = json.loads((tmp_path / "mix.mix.json").read_text("utf-8"))
    step = next(each for each in document["steps"] if (each["name"], each["of"]) == ("prediction", "vocals"))
    (gain_db,) = (step["setting"][each] for each in ("output_gain_db",))
    assert document["settings"]["tracks"]["vocals"]["output_gain_db"] == pytest.approx(gain_db, abs=0.006)
    assert {"its lows", "its mids", "its highs", "the sound of backing"} <= step["measured"]["output_gain_db"].keys()
    assert step["reason"].startswith(
        f"vocals {'raised' if gain_db > 0 else 'lowered'} by {abs(gain_db):.2f} dB because of "
    )
    assert "prediction of vocals" in printed
    mix(files, "--replay", tmp_path / "mix.mix.json", "-o", tmp_path / "again.wav")
    assert (tmp_path / "again.wav").read_bytes() == (tmp_path / "mix.wav").read_bytes()


def test_what_is_occluded_is_what_the_network_does_without_it():
    from mixprior.mixing.learned import occlusion
    from mixprior.mixing.learned.heard import hear
    from tests.mixing.sounds import sound

    network, parts = drawn(), {"vocals": hear(sound(voice())), "backing": hear(sound(band()))}
    found = occlusion.effects(network, parts, "output_gain_db")["vocals"]["the sound of backing"]
    both = network.moves(list(parts.values()))["output_gain_db"][0]
    alone = network.moves([parts["vocals"]])["output_gain_db"][0]
    assert found == pytest.approx(both - alone, abs=1e-5)
    assert abs(found) > 1e-3


def test_half_the_amount_moves_half_as_far_and_a_given_ratio_stays(model):
    whole, half = (mixprior.mix(voice(), band(), RATE_HZ, by=model, amount=amount).recipe for amount in (1.0, 0.5))
    assert moves(half)["vocals"]["output_gain_db"] == pytest.approx(
        moves(whole)["vocals"]["output_gain_db"] / 2,
        abs=0.0101,  # settings are in hundredths of a decibel
    )
    given = mixprior.mix_tracks(band_of_four(), RATE_HZ, by=model, ratio_lu=-3.0).recipe
    assert given.results.vocal_to_backing_lu == pytest.approx(-3.0, abs=0.05)


def test_it_is_read_as_it_was_written_and_damage_is_refused(tmp_path):
    path = written(tmp_path)
    file = model_file.read(path)
    assert console.is_console(file)
    read, made = console.of_file(path, file), drawn()
    assert (read.spread, read.sha256) == (dict(made.spread), made.sha256)
    fewer = {name: each for name, each in file.weights.items() if name != "last.bias"}
    with pytest.raises(InputError, match="is no model"):
        console.of_file(path, model_file.ModelFile(file.card, fewer, ""))


def test_a_model_of_another_network_is_refused_with_what_to_do(tmp_path):
    path = written(tmp_path)
    file = model_file.read(path)
    before = {**file.weights, "encode.0.weight": file.weights["encode.0.weight"][:, console.GROUPED :]}
    with pytest.raises(InputError, match=r"another network .* train it again"):
        console.of_file(path, model_file.ModelFile(file.card, before, ""))


@pytest.mark.parametrize(
    "spread", [{"threshold_dbfs": 3.0}, {"pan": float("inf")}, {"pan": 0.0}, {"pan": float("nan")}]
)
def test_a_card_with_a_spread_that_cannot_be_is_refused(tmp_path, spread):
    file = model_file.read(written(tmp_path))
    with pytest.raises(InputError, match="is no model"):
        console.of_file("m.npz", model_file.ModelFile({**file.card, "spread": spread}, file.weights, ""))


def test_the_rule_takes_the_steps_whose_control_a_network_lacks(tmp_path):
    whole = drawn()
    path = tmp_path / "levels.npz"
    console.made({"output_gain_db": 4.0}, whole.weights, whole.card).write(path)
    recipe = mixprior.mix_tracks(band_of_four(), RATE_HZ, by=path, **ALL).recipe
    assert {"eq", "pan"} <= {step.name for step in recipe.steps}


def test_the_recipe_says_the_moves_that_the_mix_has(model):
    steps = ("level", "eq", "pan")
    rule, found = (
        mixprior.mix_tracks(band_of_four(), RATE_HZ, by=by, ratio_lu=-3.0, amount=0.5, steps=("level", *more)).recipe
        for by, more in ((None, ()), (model, steps[1:]))
    )
    said = moves(found)
    for name, chain in found.settings.buses.items():
        gain_db = chain.output_gain_db - rule.settings.buses[name].output_gain_db
        assert said[name]["output_gain_db"] == pytest.approx(gain_db, abs=1e-3)
        place = 0.0 if chain.pan is None else 2 * chain.pan.position - 1
        assert said[name]["pan"] == pytest.approx(place, abs=1e-3)
        assert [each for each in said[name]["band_gain_db"] if each] == [band.gain_db for band in chain.bands]


def test_causes_are_of_the_share_that_is_applied(model):
    whole, half = (
        {step.of: step for step in mixprior.mix(voice(), band(), RATE_HZ, by=model, amount=amount).recipe.steps}
        for amount in (1.0, 0.5)
    )
    cause = "the sound of backing"
    effects = [each["vocals"].measured["output_gain_db"][cause] for each in (whole, half)]
    assert effects[1] == pytest.approx(effects[0] / 2, abs=1e-3)


def test_a_song_to_be_like_is_asked_for_in_what_it_differs_by(model):
    levels = {"vocals": -1.0, "drums": -20.0, "bass": -12.0, "other": -12.0}
    rows = {name: {"loudness_vs_mixture_lu": level, "present": 1.0} for name, level in levels.items()}
    like = SongRows("hit.mp3", {**rows, "mixture": {"integrated_lufs": -14.0}}, separated=False)
    free, asked = (mixprior.mix_tracks(band_of_four(), RATE_HZ, by=model, like=each).recipe for each in (None, like))
    steps = {step.of: step for step in asked.steps if step.name == "prediction"}
    more_lu = {name: step.target["loudness_vs_mixture_lu"] for name, step in steps.items()}
    assert more_lu["vocals"] > 1.0
    assert more_lu["drums"] < -1.0
    assert "the level asked for" in steps["vocals"].measured["output_gain_db"]
    assert moves(asked)["vocals"]["output_gain_db"] != pytest.approx(moves(free)["vocals"]["output_gain_db"], abs=0.01)


@pytest.fixture(scope="module")
def moved_tracks(model):
    return mixprior.mix_tracks(band_of_four(), RATE_HZ, by=model, **ALL).recipe


def test_half_the_amount_moves_gains_shelves_and_places_of_tracks_half_as_far_and_none_nothing(model, moved_tracks):
    whole = moves(moved_tracks)
    half, none = (
        moves(mixprior.mix_tracks(band_of_four(), RATE_HZ, by=model, amount=amount, **ALL).recipe)
        for amount in (0.5, 0.0)
    )
    for name, of in whole.items():
        for control, move in of.items():
            assert half[name][control] == pytest.approx(np.multiply(move, 0.5), abs=0.0101), (name, control)
            assert not np.any(none[name][control]), (name, control)


def test_each_track_has_a_reason_that_says_its_moves_and_what_counts_for_most(moved_tracks):
    steps = {step.of: step for step in moved_tracks.steps if step.name == "prediction"}
    assert steps.keys() == {"vocals", "drums", "bass", "other"}
    for name, step in steps.items():
        gain_db = step.setting["output_gain_db"]
        causes = step.measured["output_gain_db"]
        assert causes.keys() >= {
            "its lows",
            "its mids",
            "its highs",
            *(f"the sound of {o}" for o in steps.keys() - {name}),
        }
        if abs(gain_db) >= 0.05:
            most = max(causes, key=lambda cause: abs(causes[cause]))
            way = "raised" if gain_db > 0 else "lowered"
            assert f"{name} {way} by {abs(gain_db):.2f} dB because of {most} ({causes[most]:+.2f} dB)" in step.reason
    assert any("made brighter by" in step.reason or "made darker by" in step.reason for step in steps.values())
    assert any("put to the" in step.reason for step in steps.values())


def test_what_is_fixed_of_a_pair_stays_has_no_reason_and_the_other_part_moves(model):
    lock = ("vocals.gain_db=-1.5", "vocals.pan=0.5")
    recipe = mixprior.mix(voice(), band(), RATE_HZ, by=model, lock=lock, steps=("level", "eq", "loudness")).recipe
    vocals = recipe.settings.tracks["vocals"]
    assert vocals.input_gain_db + vocals.output_gain_db == pytest.approx(-1.5)
    assert vocals.pan.position == 0.75
    steps = {step.of: step for step in recipe.steps if step.name == "prediction"}
    assert steps["vocals"].setting.keys() == {"band_gain_db"}
    assert not any(word in steps["vocals"].reason for word in ("raised", "lowered", "put to"))
    assert steps["backing"].setting["output_gain_db"] != 0


def test_what_is_fixed_of_a_class_leaves_the_moves_of_the_others(model, moved_tracks):
    found = mixprior.mix_tracks(band_of_four(), RATE_HZ, by=model, lock=("drums.gain_db=2", "bass.pan=0"), **ALL).recipe
    drums = found.settings.buses["drums"]
    assert drums.input_gain_db + drums.output_gain_db == pytest.approx(2.0)
    assert found.settings.buses["bass"].pan.position == 0.5
    now, before = moves(found), moves(moved_tracks)
    assert "output_gain_db" not in now["drums"]
    assert "pan" not in now["bass"]
    assert now["bass"]["output_gain_db"] == pytest.approx(before["bass"]["output_gain_db"], abs=0.0101)
    assert now["vocals"] == before["vocals"]
