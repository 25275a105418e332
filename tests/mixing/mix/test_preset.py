"""A preset is a style: what it sets in another song comes of that song; the gains of one mix are never another's."""

import json

import pytest

from mixprior.mixing.mix import preset
from mixprior.mixing.mix.preset import Preset
from mixprior.mixing.plan.options import PAIR, TRACKS, chosen
from mixprior.stats.errors import InputError
from tests.mixing.mix_command import both, mix, refusal, save_both
from tests.mixing.sounds import band, voice


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    """Two singers over one band, the second 17 dB louder."""
    quiet, loud = tmp_path_factory.mktemp("quiet"), tmp_path_factory.mktemp("loud")
    return save_both(quiet, voice(2.0, level=0.02), band(2.0)), save_both(loud, voice(2.0, level=0.14), band(2.0))


def document(path) -> dict:
    return json.loads(path.read_text("utf-8"))


def test_a_preset_keeps_aims_and_no_gain(tmp_path, songs):
    words = ("--ratio-lu=-4", "--target-lufs=-20", "--amount=0.9", "--group", "genre=rock", "--priors", "starter")
    mix(songs[0], "-o", tmp_path / "mix.wav", *words, "--preset", "save", tmp_path / "new" / "warm.json")
    kept = document(tmp_path / "new" / "warm.json")
    assert kept.keys() == {"preset_version", "priors", "group", "steps", "options"}
    assert (kept["priors"], kept["group"], kept["steps"]) == ("starter", "genre=rock", ["level", "loudness"])
    asked = {"ratio_lu": -4.0, "target_lufs": -20.0, "amount": 0.9}
    assert {name: kept["options"][name] for name in asked} == asked
    assert "gain_db" not in json.dumps(kept).replace("vocal_gain_db", "")


@pytest.mark.parametrize("words", [(), ("--ratio-lu=-4",)])
def test_a_preset_of_one_singer_does_not_set_another_too_loud(tmp_path, songs, words):
    """As it did by 17 LU, when presets kept gains."""
    quiet, loud = songs
    mix(quiet, "-o", tmp_path / "quiet.wav", *words, "--preset", "save", tmp_path / "warm.json")
    mix(loud, "-o", tmp_path / "loud.wav", "--preset", "load", tmp_path / "warm.json")
    mix(loud, "-o", tmp_path / "direct.wav", *words)
    styled, direct = (document(tmp_path / f"{name}.mix.json") for name in ("loud", "direct"))
    assert styled["settings"] == direct["settings"]
    assert (tmp_path / "loud.wav").read_bytes() == (tmp_path / "direct.wav").read_bytes()
    if words:
        assert styled["results"]["vocal_to_backing_lu"] == pytest.approx(-4.0, abs=0.02)


def test_what_is_given_beside_a_preset_comes_first(tmp_path, songs):
    mix(songs[0], "-o", tmp_path / "a.wav", "--ratio-lu=-4", "--preset", "save", tmp_path / "warm.json")
    words = ("--ratio-lu=-9", "--with", "eq", "--without", "loudness")
    mix(songs[0], "-o", tmp_path / "b.wav", "--preset", "load", tmp_path / "warm.json", *words)
    options = document(tmp_path / "b.mix.json")["options"]
    assert (options["ratio_lu"], options["steps"]) == (-9.0, ["level", "eq"])


def test_a_preset_of_a_mix_like_a_song_is_refused_before_any_work(tmp_path, capsys):
    words = ("--vocal", "v.wav", "--backing", "b.wav", "-o", tmp_path / "a.wav", "--like", "hit.mp3")
    line = refusal(capsys, *words, "--preset", "save", tmp_path / "warm.json")
    assert line.startswith("--preset save keeps aims and options, and no songs")


def test_a_recipe_and_a_preset_of_before_are_no_style(tmp_path, songs, capsys):
    mix(songs[0], "-o", tmp_path / "mix.wav")
    old = document(tmp_path / "mix.mix.json")
    (tmp_path / "old.json").write_text(json.dumps({"schema_version": 3, "settings": old["settings"]}), "utf-8")
    for name in ("mix.mix.json", "old.json"):
        words = ("-o", tmp_path / "new.wav", "--preset", "load", tmp_path / name)
        line = refusal(capsys, *both(songs[1]), *words)
        assert line.startswith(f"{tmp_path / name} holds the gains of one mix, which fit no other song: --replay ")
    assert not (tmp_path / "new.wav").exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"preset_version": 2}, "is of another version"),
        ({"steps": ["echo"]}, "must be one of"),
        ({"options": {"amount": 7}}, "amount is 7"),
        ({"options": {"amount": "much"}}, 'options.amount is "much", not a number'),
        ({"options": {"warmth": 1}}, "options.warmth is unknown"),
        ({"group": 3}, "group is 3"),
    ],
)
def test_what_is_no_preset_is_refused_by_name(tmp_path, change, told):
    path = tmp_path / "warm.json"
    made = Preset(None, None, ("level",), {"ratio_lu": -3.0})
    path.write_text(json.dumps({**json.loads(made.to_json()), **change}), "utf-8")
    with pytest.raises(InputError, match=told) as caught:
        preset.read(path)
    assert str(path) in str(caught.value)
    path.write_text("{}", "utf-8")
    with pytest.raises(InputError, match=r"is no preset; give a .json that `--preset save` wrote"):
        preset.read(path)


def test_a_style_of_a_pair_is_one_of_tracks_where_its_steps_are(tmp_path):
    plain = Preset.of(PAIR, chosen(PAIR, {"ratio_lu": -3.0}, also=("eq",)))
    (tmp_path / "a.json").write_text(plain.to_json(), "utf-8")
    assert preset.read(tmp_path / "a.json") == plain
    assert plain.applied(TRACKS, {}).steps == ("level", "eq", "loudness")
    assert plain.applied(TRACKS, {"balance": "equal"}).balance == "equal"
    assert plain.applied(PAIR, {}, without=("level", "eq", "loudness")).steps == ()
    with pytest.raises(InputError, match="balance is an option for the tracks of a song"):
        Preset.of(TRACKS, chosen(TRACKS, {"balance": "equal"})).applied(PAIR, {})
    with pytest.raises(InputError, match="pan is a step for the tracks of a song"):
        Preset.of(TRACKS, chosen(TRACKS, {}, also=("pan",))).applied(PAIR, {})
