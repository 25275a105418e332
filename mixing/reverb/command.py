"""`mixprior reverb`: FdnReverb's settings from a response, vocals or priors, and FdnReverb rendered."""

from __future__ import annotations

import argparse
import math

from mixprior.mixing.rules.tempo_rule import RULES
from mixprior.stats.reverb.fdn.presets import PRESETS
from mixprior.stats.seed import seed

_SEED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    fit = _action(actions, "fit", "find settings that sound like an impulse response, or like the reverb on vocals")
    fit.add_argument("impulse_response", metavar="IR", nargs="?", help="impulse response: WAV, FLAC or Ogg")
    fit.add_argument("--stem", metavar="VOCALS", help="vocals with reverb on them, in place of a response")
    fit.add_argument("--backing", metavar="FILE", help="the rest of the song that the vocals were separated from")
    fit.add_argument("--response", metavar="WAV", help="write the response that was estimated from the vocals")
    fit.add_argument("--plot", metavar="FILE", help="draw target and fit into a .png, .pdf or .svg")
    fit.add_argument(
        "--seed", type=seed, default=_SEED, metavar="N", help="seed of the random numbers; default: %(default)s"
    )
    render = _action(actions, "render", "write the impulse response of settings, or put them on a file")
    render.add_argument(
        "settings", metavar="SETTINGS", nargs="?", help="JSON file by `fit` or `prior`, or of plug-in ids"
    )
    render.add_argument("--preset", metavar="NAME", help=f"settings by name: {', '.join(PRESETS)}")
    render.add_argument("-o", "--output", required=True, metavar="WAV", help="32-bit float file to write")
    render.add_argument("--apply", metavar="FILE", help="put the reverb on this file and keep its tail")
    render.add_argument("--rate", type=_rate, metavar="HZ", help="sample rate of the response; default: 48000")
    render.add_argument(
        "--duration", type=_seconds, metavar="S", help="length of the response or the tail; default: 80 dB of decay"
    )
    render.add_argument("--wet-only", action="store_true", help="leave out the dry sound")
    render.add_argument("--wet-dry-db", type=_level, metavar="DB", help="set dry/wet to this wet-to-dry energy ratio")
    prior = _action(actions, "prior", "find the settings that the vocals of a catalog imply")
    prior.add_argument("priors", metavar="PRIORS", help="priors folder, or the output folder of `mixprior mine`")
    prior.add_argument("--group", help="group of songs in the priors, as genre=rock; default: all songs")
    prior.add_argument(
        "--tempo", type=_tempo, metavar="BPM", help="tempo from which --rule computes the reverberation time"
    )
    prior.add_argument(
        "--rule",
        choices=RULES,
        help="catalog: regression over the songs. seed: a textbook's line",
    )
    for writer in (fit, prior):
        writer.add_argument("-o", "--output", metavar="JSON", help="write the settings for `render`")
        writer.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Run the action, report on stdout, warn on stderr, and return 0.

    Raises:
        InputError: if a file cannot be read or written, or holds nothing to go by.
    """
    from mixprior.mixing.reverb import run  # here: a help text needs no library of signals

    return run.run(args)


def _action(actions: argparse._SubParsersAction, name: str, text: str) -> argparse.ArgumentParser:
    action: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text, allow_abbrev=False)
    # The command's own --debug is given before ACTION; this one after it, as with other commands.
    action.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return action


def _rate(text: str) -> int:
    return round(_within(text, 8_000.0, 192_000.0, "sample rate between 8,000 and 192,000 Hz"))


def _seconds(text: str) -> float:
    return _within(text, 0.01, 600.0, "duration between 0.01 and 600 s")


def _tempo(text: str) -> float:
    return _within(text, 20.0, 400.0, "tempo between 20 and 400 bpm")


def _level(text: str) -> float:
    return _within(text, -100.0, 100.0, "level between -100 and 100 dB")


def _within(text: str, low: float, high: float, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"{text} is no {what}")
    return value
