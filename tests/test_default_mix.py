"""What the packaged priors set by themselves: steps that rest on unreliable statistics are left out, and said."""

from mixprior.analysis.priors import open_priors
from mixprior.mixing.plan.reverb import ASK
from tests.mixing.multitrack_song import bass, kick, mix, pad, save_all, sung

DOUBTFUL = {("other", "loudness_vs_mixture_lu"), ("vocals", "wet_dry_db")}
DOUBTFUL |= {(stem, "third_octave_db") for stem in ("bass", "other")}


def test_the_starter_priors_doubt_what_the_documents_name():
    found = open_priors("starter").reliabilities
    used = {(stem, "loudness_vs_mixture_lu") for stem in ("drums", "bass", "other")} | {("vocals", "wet_dry_db")}
    used |= {(stem, "third_octave_db") for stem in ("vocals", "drums", "bass", "other")}
    assert {name for name in used if found.doubt(*name)} == DOUBTFUL


def test_a_class_whose_level_is_not_reliable_is_left_as_it_is(tmp_path):
    tracks = {"Kick": kick(), "Bass": bass(), "Pad": pad(220.0), "Lead Vox": sung()}
    paths = save_all(tmp_path / "tracks", tracks)
    shown = ["--plot", tmp_path / "mix.png", "--page", tmp_path / "mix.html"]
    recipe = mix("--tracks", *paths.values(), "-o", tmp_path / "mix.wav", *shown)
    levels = {step["of"]: step for step in recipe["steps"] if step["name"] == "level"}
    assert levels["other"]["setting"].get("gain_db") is None
    assert [warning["code"] for warning in levels["other"]["warnings"]] == ["unreliable"]
    assert "no reliable prior" in (tmp_path / "mix.html").read_text("utf-8")
    assert {"drums", "bass"} & {of for of, step in levels.items() if step["setting"].get("gain_db") is not None}


def test_a_reverb_is_added_where_its_level_is_given_and_asked_for_where_it_is_not(tmp_path):
    paths = save_all(tmp_path, {"Lead Vox": sung(), "Pad": pad(220.0)})
    words = ["--tracks", *paths.values(), "-o", tmp_path / "mix.wav", "--only", "reverb"]
    for given, added in (([], False), (["--wet-dry-db=-18"], True)):
        (step,) = [step for step in mix(*words, *given)["steps"] if step["name"] == "reverb"]
        assert bool(step["setting"]) == added
        assert (ASK in step["notes"]) != added


def test_every_level_says_how_far_it_goes_and_why(tmp_path):
    tracks = {"Kick": kick(), "Bass": bass(), "Pad": pad(220.0), "Lead Vox": sung()}
    paths = save_all(tmp_path / "tracks", tracks)
    recipe = mix("--tracks", *paths.values(), "-o", tmp_path / "mix.wav")
    moved = [step for step in recipe["steps"] if step["name"] == "level" and step["aims"]]
    assert {step["of"] for step in moved} >= {"vocals", "drums"}
    for step in moved:
        (aim,) = step["aims"]
        assert 0.0 < aim["weight"] < 1.0
        expected = aim["weight"] * aim["centre"] + (1 - aim["weight"]) * aim["heard"]
        assert abs(aim["value"] - expected) < 1e-9
        assert f"{aim['weight']:.0%} of the way" in step["reason"]
        assert aim["error_source"] in step["reason"]


def test_without_trust_no_level_moves(tmp_path):
    paths = save_all(tmp_path / "tracks", {"Kick": kick(), "Bass": bass(), "Pad": pad(220.0), "Lead Vox": sung()})
    recipe = mix("--tracks", *paths.values(), "--trust", "0", "-o", tmp_path / "mix.wav")
    gains = [step["setting"].get("gain_db", 0.0) for step in recipe["steps"] if step["name"] == "level"]
    assert max(abs(gain_db) for gain_db in gains) < 0.1
