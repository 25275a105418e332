"""The options of a mix: declared once, checked wherever they come from; an option asks for its step."""

import argparse
from dataclasses import fields

import pytest

from mixprior.mixing.mix import arguments
from mixprior.mixing.plan.options import ABOUT, PAIR, TRACKS, Options, chosen
from mixprior.mixing.plan.step import DEFAULT_STEPS, STEPS
from mixprior.stats.errors import InputError


def parsed(*words: str) -> Options:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tracks", nargs="+")
    parser.add_argument("--song")
    parser.add_argument("--by")
    arguments.add_options(parser.add_argument_group("options"))
    arguments.add_steps(parser.add_argument_group("steps"))
    return arguments.options(parser.parse_args(words))


@pytest.mark.parametrize("field", fields(Options), ids=lambda field: field.name)
def test_every_option_has_a_help_and_what_its_values_can_be(field):
    about = ABOUT[field.name]
    assert about.help
    assert about.step in ("", *STEPS)
    assert about.choices or (about.within and about.unit) or isinstance(field.default, bool | tuple)
    assert f"{field.name}: {about.help}" in Options.__doc__


def test_without_arguments_the_options_are_the_defaults():
    assert parsed() == Options()


@pytest.mark.parametrize("name", arguments.NAMES)
def test_every_option_has_an_argument_that_asks_for_its_step(name):
    about = ABOUT[name]
    is_switch = not about.choices and not about.within and name != "lock"
    value = False if is_switch else about.choices[-1] if about.choices else ("a.pan=0", "b.gain_db=-1")
    value = about.within[1] if about.within else value
    words = [arguments.flag(name) if is_switch else f"{arguments.flag(name)}={_word(value)}"]
    made = parsed(*words, *(["--tracks", "x"] if about.kind == TRACKS else []))
    assert getattr(made, name) == value
    assert set(made.steps) == {*DEFAULT_STEPS, *([about.step] if about.step else [])}


def _word(value: object) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)


def test_no_loudness_is_asked_for_by_a_word():
    made = parsed("--target-lufs=none")
    assert (made.target_lufs, made.steps) == (None, DEFAULT_STEPS)


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"amount": 1.5}, "amount is 1.5: it must be within 0 to 1"),
        ({"rt60_s": float("nan")}, "rt60_s is nan: it must be within 0.1 to 9"),
        ({"wet_dry_db": float("inf")}, "wet_dry_db is inf"),
        ({"reverb_rule": "guess"}, "reverb_rule is 'guess': it must be one of seed, catalog"),
        ({"steps": ("level", "echo")}, "steps is 'echo': it must be one of level, eq"),
        ({"reverb_rule": "seed", "rt60_s": 1.0}, "give one of the two"),
        ({"trust": 0.2, "aim": "quartiles"}, "trust slides the posterior mean, and aim quartiles goes by none"),
        ({"trust": 0.8, "aim": "centre"}, "give one of the two"),
    ],
)
def test_what_cannot_be_is_refused(given, refusal):
    with pytest.raises(InputError, match=refusal):
        Options(**given)


def test_an_option_of_the_other_kind_is_refused():
    with pytest.raises(InputError, match="balance is an option for the tracks of a song"):
        chosen(PAIR, {"balance": "equal"})
    with pytest.raises(InputError, match="pan is a step for the tracks of a song"):
        chosen(PAIR, {}, also=["pan"])


def test_an_option_that_there_is_not_is_a_mistake_of_the_program():
    with pytest.raises(TypeError, match="ratio"):
        chosen(PAIR, {"ratio": -3.0})


def test_a_finished_song_is_changed_by_what_is_asked_alone():
    assert parsed("--song", "x", "--vocal-gain-db=-6").steps == ()
    assert parsed("--song", "x", "--ratio-lu=-6").steps == ("level",)
    assert parsed("--song", "x", "--target-lufs=-14").steps == ("loudness",)
    with pytest.raises(InputError, match="say what to do with the vocals of the song"):
        parsed("--song", "x")
