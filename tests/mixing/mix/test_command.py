"""`mixprior mix` as a user calls it: options do what they say, mistakes end with 2 and one line."""

import json

import numpy as np
import pytest

from mixprior import main
from mixprior.mixing.rules.ratio import RATIO, ratio_lu
from tests.analysis.priors_folder import write_priors
from tests.mixing.mix_command import both, mix, refusal, save_both
from tests.mixing.sounds import RATE_HZ, band, load, save, sound, voice

FAST = ("--only", "level,loudness")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return save_both(tmp_path_factory.mktemp("sounds"))


def document(path) -> dict:
    return json.loads(path.read_text("utf-8"), parse_constant=pytest.fail)


def own_ratio_lu(files) -> float:
    return ratio_lu(*(sound(load(files[name])) for name in ("vocals", "backing")))


def test_a_vocal_and_a_backing_are_all_it_needs(tmp_path, files):
    wrote, *reasons, reached = mix(files, "-o", tmp_path / "mix.wav").splitlines()
    told = document(tmp_path / "mix.mix.json")
    assert wrote == f"wrote {tmp_path / 'mix.wav'} and {tmp_path / 'mix.mix.json'}"
    assert reasons == [step["reason"] for step in told["steps"]]
    assert [step["name"] for step in told["steps"]] == ["level", "loudness"]
    assert reached.startswith(f"reached: vocals to backing {told['results']['vocal_to_backing_lu']:.2f} LU, -16.0")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mix.mix.json", "mix.wav"]


def test_no_option_at_all_is_answered_in_one_line(mixprior):
    done = mixprior("mix", expect=2)
    assert done.stdout == ""
    assert done.stderr == "mixprior: give --vocal and --backing, --tracks, or --song\n"


def test_folders_that_are_missing_are_made(tmp_path, files):
    mix(files, "-o", tmp_path / "songs" / "new" / "mix.wav", *FAST)
    assert (tmp_path / "songs" / "new" / "mix.mix.json").is_file()


def test_as_one_json_object_the_recipe_is_printed_and_nothing_else(tmp_path, files):
    assert mix(files, "-o", tmp_path / "mix.wav", "--json", *FAST) == (tmp_path / "mix.mix.json").read_text("utf-8")


def test_only_the_equaliser_leaves_the_levels_alone(tmp_path, files):
    mix(files, "-o", tmp_path / "mix.wav", "--only", "eq")
    told = document(tmp_path / "mix.mix.json")
    assert [step["name"] for step in told["steps"]] == ["eq", "loudness"]
    assert told["options"]["steps"] == ["eq"]
    assert told["settings"]["gain_db"] == 0.0
    for track in told["settings"]["tracks"].values():
        assert {name for name, value in track.items() if value} <= {"match"}


@pytest.mark.parametrize(
    ("words", "steps"),
    [
        ([], ["level", "loudness"]),
        (["--without", "loudness"], ["level"]),
        (["--with", "reverb, eq,compression"], ["level", "eq", "compression", "reverb", "loudness"]),
        (["--with", "eq,reverb", "--without", "reverb,level"], ["eq", "loudness"]),
        (["--eq-rule", "seed", "--wet-dry-db=-20"], ["level", "unmask", "reverb", "loudness"]),
        (["--only", "compression", "--range-measure", "100ms"], ["compression"]),
    ],
)
def test_steps_are_added_and_left_out_and_an_aim_asks_for_its_step(tmp_path, files, words, steps):
    mix(files, "-o", tmp_path / "mix.wav", *words)
    assert document(tmp_path / "mix.mix.json")["options"]["steps"] == steps


@pytest.mark.parametrize("amount", [0.0, 0.5, 1.0])
def test_the_amount_is_the_share_of_the_way(tmp_path, files, amount):
    mix(files, "-o", tmp_path / "mix.wav", *FAST, "--ratio-lu=3", "--amount", amount)
    own_lu = own_ratio_lu(files)
    reached_lu = document(tmp_path / "mix.mix.json")["results"]["vocal_to_backing_lu"]
    assert reached_lu == pytest.approx(own_lu + amount * (3.0 - own_lu), abs=0.01)


def test_without_a_loudness_a_mix_under_the_ceiling_is_the_sum(tmp_path, files):
    mix(files, "-o", tmp_path / "mix.wav", "--amount=0", "--target-lufs=none", *FAST)
    total = load(files["vocals"]) + load(files["backing"])
    assert np.abs(load(tmp_path / "mix.wav") - total).max() < 2**-22


def test_aims_are_followed(tmp_path, files):
    words = ["--ratio-lu=-7", "--target-lufs=-21", "--loudness-range-lu=1", "--rt60-s=0.7", "--wet-dry-db=-9"]
    mix(files, "-o", tmp_path / "mix.wav", *words, "--eq-rule", "seed", "--range-measure", "100ms")
    told = document(tmp_path / "mix.mix.json")
    assert told["results"]["vocal_to_backing_lu"] == pytest.approx(-7.0, abs=0.02)
    assert told["results"]["integrated_lufs"] == pytest.approx(-21.0, abs=0.03)
    targets = {step["name"]: step["target"] for step in told["steps"]}
    assert targets["unmask"] == {"rule": "seed"}
    assert targets["compression"] == {"loudness_range_100ms_lu": 1.0}
    assert (targets["reverb"]["rt60_s"], targets["reverb"]["wet_dry_db"]) == (0.7, -9.0)


def test_priors_and_group_set_the_ratio(tmp_path, files):
    write_priors(tmp_path / "run" / "priors")
    words = ["--priors", tmp_path / "run", "--group", "genre=rock", "--aim", "centre"]
    told = mix(files, "-o", tmp_path / "mix.wav", *FAST, *words)
    assert "median of 40 songs" in told
    assert document(tmp_path / "mix.mix.json")["results"]["vocal_to_backing_lu"] == pytest.approx(-3.25, abs=0.01)


@pytest.mark.fault(27)
@pytest.mark.parametrize(("group", "reason"), [("rok", "did you mean"), ("polka", "its 1 songs are fewer than 10")])
def test_a_group_that_is_not_there_or_too_small_is_warned_of_on_stderr(tmp_path, files, capsys, group, reason):
    write_priors(tmp_path / "priors")
    words = ["--priors", str(tmp_path / "priors"), "--group", f"genre={group}", *FAST, "--json"]
    assert main(["mix", *both(files), "-o", str(tmp_path / "mix.wav"), *words]) == 0
    out, err = capsys.readouterr()
    (warning,) = json.loads(out)["warnings"]
    assert warning["code"] == "prior"
    assert warning["text"].startswith(f"all songs are used in place of the group genre={group}: ")
    assert reason in warning["text"]
    assert err == f"mixprior: warning: {warning['text']}\n"


@pytest.mark.fault(28)
@pytest.mark.parametrize("silent", ["vocals", "backing"])
def test_next_to_silence_the_vocal_keeps_its_level_with_a_warning(tmp_path, silent, capsys):
    files = save_both(tmp_path, **{silent: np.zeros((2, 6 * RATE_HZ), np.float32)})
    assert main(["mix", *both(files), "-o", str(tmp_path / "mix.wav")]) == 0
    out, err = capsys.readouterr()
    told = document(tmp_path / "mix.mix.json")
    vocal = told["settings"]["tracks"]["vocals"]
    assert (vocal["input_gain_db"], vocal["output_gain_db"]) == (0.0, 0.0)
    assert told["results"]["vocal_to_backing_lu"] is None
    assert told["warnings"][0]["code"] == "silent"
    assert err.splitlines() == [f"mixprior: warning: {warning['text']}" for warning in told["warnings"]]
    assert "vocals to backing not measurable" in out


def test_sounds_of_a_third_of_a_second_are_mixed_by_all_steps(tmp_path, capsys):
    files = save_both(tmp_path, voice(0.3), band(0.3))
    assert main(["mix", *both(files), "-o", str(tmp_path / "mix.wav")]) == 0
    assert "shorter than 0.4 s" in capsys.readouterr().err
    assert load(tmp_path / "mix.wav").shape == (2, round(0.3 * RATE_HZ))


def test_an_explanation_goes_with_a_mix_and_comes_from_its_recipe_again(tmp_path, files, capsys):
    wrote, explained = mix(files, "-o", tmp_path / "mix.wav", *FAST, "--explain").split("\n", 1)
    assert wrote.startswith("wrote ")
    assert "1. level of vocals" in explained
    assert "prior: priors the packaged priors published" in explained
    assert main(["mix", "--explain", str(tmp_path / "mix.mix.json")]) == 0
    assert capsys.readouterr().out == explained


def test_stems_and_a_plot_are_written_beside(tmp_path, files):
    words = ["--stems", tmp_path / "stems", "--plot", tmp_path / "mix.png"]
    mix(files, "-o", tmp_path / "mix.wav", *FAST, *words)
    assert sorted(path.name for path in (tmp_path / "stems").iterdir()) == ["backing.wav", "vocals.wav"]
    assert (tmp_path / "mix.png").read_bytes().startswith(b"\x89PNG")


def test_silence_can_be_plotted(tmp_path):
    files = save_both(tmp_path, voice(1.0) * 0, band(1.0))
    mix(files, "-o", tmp_path / "mix.wav", *FAST, "--plot", tmp_path / "mix.svg")
    assert "<svg" in (tmp_path / "mix.svg").read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--vocal", "{vocals}", "-o", "{out}"], "give --vocal and --backing, --tracks, or --song"),
        (["--vocal", "{vocals}", "--tracks", "{backing}", "-o", "{out}"], "either --vocal and --backing, or --tracks"),
        ([], "give the mix a name with -o"),
        (["-o", "{tmp}/mix.mp4"], "the name of a mix ends with .wav, .flac, .ogg, .mp3, .m4a, .opus"),
        (["-o", "{vocals}/mix.wav"], "vocals.wav is no folder"),
        (["-o", "{vocals}"], "is one of the inputs"),
        (["-o", "{tmp}", "--only", "eq"], "the name of a mix ends with"),
        (["-o", "{out}", "--only", "eq", "--without", "eq"], "--only and --without exclude each other"),
        (["-o", "{out}", "--only", "eq", "--with", "level"], "--only and --with exclude each other"),
        (["-o", "{out}", "--without", "reverb", "--rt60-s=1"], "rt60_s is for the step reverb, which is left out"),
        (["-o", "{out}", "--with", "pan"], "pan is a step for the tracks of a song"),
        (["-o", "{out}", "--preset", "keep", "x"], "it is `save` or `load`, then a file"),
        (["-o", "{out}", "--preset", "load", "{tmp}/nowhere.json"], "nowhere.json: no such file"),
        (["-o", "{out}", "--preset", "load", "{vocals}"], "vocals.wav is no preset"),
        (["-o", "{out}", "--priors", "{tmp}/nowhere"], "nowhere"),
        (["-o", "{out}", "--only", "reverb", "--reverb-rule", "seed", "--rt60-s=1"], "give one of the two"),
        (["-o", "{out}", "--only", "level", "--plot", "{tmp}/mix.gif"], "a picture is written as .png, .pdf or .svg"),
        (["-o", "{out}", "--only", "level", "--preset", "save", "{vocals}/x.json"], "vocals.wav is no folder"),
        (["-o", "{out}", "--only", "pan"], "pan"),
        (["--explain", "{tmp}/nowhere.json"], "leave out RECIPE"),
        (["-o", "{out}", "--balance", "equal"], "balance is an option for the tracks of a song"),
        (["-o", "{out}", "--roles", "{tmp}/nowhere.csv"], "--roles is for --tracks"),
        (["-o", "{out}", "--preset", "save", "{vocals}"], "vocals.wav is one of the sounds"),
        (["-o", "{out}", "--preset", "save", "{out}"], "mix.wav is one of the sounds"),
        (["-o", "{out}", "--stems", "{tmp}/broken.json"], "broken.json is a file"),
    ],
)
def test_a_mistake_ends_with_2_and_one_line_and_leaves_nothing(tmp_path, files, capsys, words, told):
    (tmp_path / "broken.json").write_text('{"schema_version": 2, "settings": {}, "steps": [{}]}', "utf-8")
    places = {**files, "tmp": tmp_path, "out": tmp_path / "mix.wav"}
    given = [] if "--vocal" in words else both(files)
    assert told in refusal(capsys, *given, *(word.format(**places) for word in words))
    assert [path.name for path in tmp_path.iterdir()] == ["broken.json"]


@pytest.mark.parametrize(
    ("name", "told"), [("nowhere.json", "nowhere.json: no such file"), ("broken.json", "broken.json is damaged")]
)
def test_a_recipe_that_cannot_be_explained_is_named(tmp_path, capsys, name, told):
    (tmp_path / "broken.json").write_text('{"schema_version": 2, "settings": {}, "steps": [{}]}', "utf-8")
    assert told in refusal(capsys, "--explain", tmp_path / name)


@pytest.mark.parametrize(
    ("audio", "told"), [(None, "No such file"), (np.full((2, RATE_HZ), np.nan, np.float32), "not numbers")]
)
@pytest.mark.parametrize("spoilt", ["vocals", "backing"])
def test_a_file_that_cannot_be_mixed_is_named(tmp_path, files, capsys, spoilt, audio, told):
    path = tmp_path / "spoilt.wav"
    if audio is not None:
        save(path, audio)
    line = refusal(capsys, *both({**files, spoilt: path}), "-o", tmp_path / "mix.wav")
    assert line.startswith(str(path))
    assert told in line
    assert not (tmp_path / "mix.wav").exists()


@pytest.mark.parametrize(
    "word",
    [
        *("--ratio-lu=nan", "--ratio-lu=inf", "--ratio-lu=-1000", "--ratio-lu=loud", "--target-lufs=nan"),
        *(
            "--amount=1.1",
            "--amount=-0.1",
            "--amount=nan",
            "--ceiling=1",
            "--vocal-offset=late",
            "--rt60-s=0",
            "--rt60-s=99",
            "--loudness-range-lu=-1",
        ),
        *("--only=reverb,echo", "--without=all", "--only=", "--eq-rule=mine", "--preset=save", "--nothing"),
    ],
)
def test_a_value_that_is_none_is_refused(tmp_path, files, capsys, word):
    assert main(["mix", *both(files), "-o", str(tmp_path / "mix.wav"), word]) == 2
    assert word.partition("=")[0] in capsys.readouterr().err.splitlines()[-1]


def test_a_track_given_twice_is_refused(tmp_path, files, capsys):
    line = refusal(capsys, "--tracks", files["vocals"], files["vocals"], "-o", tmp_path / "mix.wav")
    assert "two tracks are called vocals" in line


def test_a_folder_without_sounds_is_refused(tmp_path, capsys):
    line = refusal(capsys, "--tracks", tmp_path, "-o", tmp_path / "mix.wav")
    assert line.startswith(f"{tmp_path} holds no sound files")


def test_the_ratio_is_told_under_the_name_that_priors_have(tmp_path, files):
    mix(files, "-o", tmp_path / "mix.wav", *FAST)
    assert RATIO in document(tmp_path / "mix.mix.json")["results"]
