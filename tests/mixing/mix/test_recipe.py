"""The recipe: valid JSON, every key documented, read back as it was, refused in words when it is something else."""

import dataclasses
import inspect
import json

import pytest

from mixprior.mixing.effects.settings import (
    Band,
    Chain,
    CompressorSettings,
    Curve,
    LimiterSettings,
    MixSettings,
    PanSettings,
)
from mixprior.mixing.mix import explain, recipe
from mixprior.mixing.mix.recipe import SCHEMA_VERSION, Input, Output, Recipe, Results
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.step import STEPS, Step
from mixprior.mixing.rules.notice import CODES, Notice
from mixprior.stats.errors import InputError
from mixprior.stats.json_document import decode
from tests.mixing.mix_command import POSSIBLE_STEPS, mixed, save_both
from tests.mixing.sounds import RATE_HZ, band, voice


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A recipe of all steps, and the folder it is in as mix.mix.json."""
    folder = tmp_path_factory.mktemp("mix")
    return mixed(save_both(folder), folder / "mix.wav", steps=POSSIBLE_STEPS), folder


@pytest.fixture
def document(made):
    return json.loads((made[1] / "mix.mix.json").read_text("utf-8"), parse_constant=pytest.fail)


@pytest.mark.parametrize(
    "kind",
    [
        *(Recipe, Input, Output, Results, Step, Options, Notice),
        *(MixSettings, Chain, Band, Curve, CompressorSettings, PanSettings, LimiterSettings),
    ],
)
def test_every_key_is_documented(kind):
    attributes = inspect.getdoc(kind).partition("Attributes:\n")[2]
    documented = [line.strip().partition(":")[0] for line in attributes.splitlines() if line.startswith(" " * 4)]
    for field in dataclasses.fields(kind):
        assert field.name in documented


def test_the_keys_on_disk_are_those_documented(document):
    def names(kind) -> set[str]:
        return {field.name for field in dataclasses.fields(kind)}

    assert document.keys() == {"schema_version"} | names(Recipe)
    assert document["output"].keys() == names(Output)
    assert document["results"].keys() == names(Results)
    assert document["options"].keys() == names(Options)
    assert document["settings"].keys() == names(MixSettings)
    assert all(given.keys() == names(Input) for given in document["inputs"].values())
    assert all(step.keys() == names(Step) for step in document["steps"])
    assert all(chain.keys() == names(Chain) for chain in document["settings"]["tracks"].values())


def test_the_recipe_on_disk_is_the_recipe(made, document):
    text = (made[1] / "mix.mix.json").read_text("utf-8")
    assert text == made[0].to_json()
    assert text.endswith("}\n")
    assert document["schema_version"] == SCHEMA_VERSION
    assert document == json.loads(json.dumps(made[0].to_dict()))
    assert recipe.read(made[1] / "mix.mix.json") == document


def test_every_step_says_what_it_did_and_why(document):
    assert [step["name"] for step in document["steps"]] == [*POSSIBLE_STEPS[:-1], "level", "loudness"]
    assert {step["name"] for step in document["steps"]} <= set(STEPS)
    for step in document["steps"]:
        assert len(step["reason"]) > 10
        assert step["measured"]


def test_nothing_that_cannot_be_measured_is_told_as_a_number(tmp_path):
    silence = voice(1.0) * 0
    mixed(save_both(tmp_path, silence, silence), tmp_path / "mix.wav", steps=POSSIBLE_STEPS)
    told = json.loads((tmp_path / "mix.mix.json").read_text("utf-8"), parse_constant=pytest.fail)
    assert told["results"]["integrated_lufs"] is None
    assert told["inputs"]["vocals"]["integrated_lufs"] is None
    assert told["warnings"]


def test_warnings_have_a_code(tmp_path):
    silence = voice(1.0) * 0
    made = mixed(save_both(tmp_path, silence, silence), tmp_path / "mix.wav")
    assert [warning.code for warning in made.warnings] == ["silent", "silent"]
    told = json.loads(made.to_json())["warnings"]
    assert told == [{"code": warning.code, "text": warning.text} for warning in made.warnings]
    assert {warning["code"] for warning in told} <= set(CODES)


def test_a_recipe_of_version_2_is_read_and_explained(made, tmp_path):
    """There warnings were sentences, and the vocals beside a backing were called "vocal"."""
    document = made[0].to_dict()
    document = {**document, "schema_version": 2, "warnings": ["too loud"]}
    document["steps"] = [{**step, "warnings": ["too loud"]} for step in document["steps"]]
    for part in (document["inputs"], document["settings"]["tracks"]):
        part["vocal"] = part.pop("vocals")
    (tmp_path / "old.json").write_text(json.dumps(document), "utf-8")
    assert recipe.read_settings(tmp_path / "old.json") == made[0].settings
    assert "warning: too loud" in explain.of_document(recipe.read(tmp_path / "old.json"))


def test_a_number_that_json_does_not_know_is_not_written():
    with pytest.raises(ValueError, match="JSON"):
        recipe.dump({"gain_db": float("nan")})


def test_the_settings_are_read_back_from_a_recipe(made):
    assert recipe.read_settings(made[1] / "mix.mix.json") == made[0].settings


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is no recipe"),
        ("{", "is no recipe"),
        ("[1, 2]", "is no recipe"),
        ('{"schema_version": 2}', "holds no settings of a mix"),
        ('{"schema_version": 1, "settings": {}}', "is of version 1, this mixprior reads 3: mix again"),
        ('{"settings": {}}', "is of version None"),
        ('{"schema_version": 2, "settings": {"buses": {}}}', "settings.tracks is missing"),
        ('{"schema_version": 2, "settings": 3}', "settings is 3, not an object"),
    ],
)
def test_what_is_no_recipe_is_refused_by_name(tmp_path, text, told):
    path = tmp_path / "song.json"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=told) as caught:
        recipe.read_settings(path)
    assert str(path) in str(caught.value)


def test_a_recipe_that_is_not_there_or_no_text_is_refused_by_name(made, tmp_path):
    with pytest.raises(InputError, match=r"nowhere.json: no such file"):
        recipe.read(tmp_path / "nowhere.json")
    with pytest.raises(InputError, match=r"mix.wav is no recipe"):
        recipe.read(made[1] / "mix.wav")
    with pytest.raises(InputError, match="is no recipe"):
        recipe.read(tmp_path)


def test_an_explanation_has_every_step_with_its_reason(made, document):
    told = explain.of_document(document)
    flat = " ".join(told.split())
    for number, step in enumerate(document["steps"], 1):
        assert f"\n{number}. {step['name']} of {step['of']}\n" in told
        assert " ".join(step["reason"].split()) in flat
        for sentence in (*(warning["text"] for warning in step["warnings"]), *step["notes"]):
            assert " ".join(sentence.split()) in flat
    assert max(map(len, told.splitlines())) <= max(
        100, *(len(path.path or "") + 30 for path in made[0].inputs.values())
    )
    assert told == explain.of_document(made[0].to_dict())


def test_the_short_form_has_a_line_a_step_and_what_was_reached(made):
    *reasons, reached = explain.short(made[0]).splitlines()
    assert reasons == [step.reason for step in made[0].steps]
    results = made[0].results
    assert reached == (
        f"reached: vocals to backing {results.vocal_to_backing_lu:.2f} LU, "
        f"{results.integrated_lufs:.2f} LUFS, {results.true_peak_dbtp:.2f} dBTP"
    )


def test_what_cannot_be_measured_is_explained_as_such(tmp_path):
    silent = mixed(save_both(tmp_path, voice(1.0), band(1.0) * 0), tmp_path / "mix.wav")
    assert "vocals to backing not measurable" in explain.short(silent)
    assert "measured: vocal_to_backing_lu not measurable" in explain.of_document(silent.to_dict())


def test_lengths_are_told_in_seconds(made, document):
    assert document["inputs"]["vocals"]["duration_s"] == 6.0
    assert document["output"] == {
        "path": str(made[1] / "mix.wav"),
        "sha256": made[0].output.sha256,
        "sample_rate_hz": RATE_HZ,
        "duration_s": 6.0,
    }


def test_a_track_that_is_routed_nowhere_is_not_lost():
    settings = MixSettings({"kick": Chain()}, {"drums": Chain()}, {"kick": "drums"})
    assert decode(MixSettings, settings.to_dict()) == settings
    with pytest.raises(InputError, match="kick is routed to drmus"):
        decode(MixSettings, {**settings.to_dict(), "routing": {"kick": "drmus"}})
