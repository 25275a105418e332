"""Renders the real plug-in IEM FdnReverb, and holds our network against what it gives.

The plug-in and its host are needed only to render anew, and neither belongs to this project's environment:

    apt-get install -y --no-install-recommends iem-plugin-suite-vst xvfb
    python3 -m venv outputs/host && outputs/host/bin/pip install dawdreamer numpy
    xvfb-run -a outputs/host/bin/python -m tools.reverb.plugin render outputs/fdn_reverb
    .venv/bin/python -m tools.reverb.plugin compare outputs/fdn_reverb ../shared/reference/fdn_reverb
    .venv/bin/python -m tools.reverb.plugin thin ../shared/reference/fdn_reverb tests/conformance/fdn_reverb

The second command prints, for each case, the largest difference between our response and the rendered one, as a part of
the largest sample; then the same between the rendered and the reference response of the same name, where there is one.
The third writes what the tests compare: the first samples of each reference response, and some of the others.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from mixprior.stats.reverb.fdn.settings import PARAMETERS, FdnReverbSettings

PLUGIN = "/usr/lib/x86_64-linux-gnu/iem-plugin-suite/vst/libFdnReverb.so"
BUS_CHANNELS = 64
BLOCK = 512

BASE = {"revTime": 2.0, "dryWet": 1.0}
LONG = {"delayLength": 30, "revTime": 9.0, "lowCutoff": 400, "lowQ": 0.9, "lowGain": -3.0, "highCutoff": 9000}
HALL = {"delayLength": 23, "revTime": 3.3, "lowCutoff": 300, "lowGain": -4.5, "highCutoff": 4500, "highGain": -7.7}
CASES: dict[str, tuple[dict[str, float], int, float]] = {
    # As in the reference folder.
    "base_rs20_t2_wet": (BASE, 48_000, 1.0),
    "drywet_0.11": ({**BASE, "dryWet": 0.11}, 48_000, 1.0),
    "fade0.10": ({**BASE, "fadeInTime": 0.1}, 48_000, 1.0),
    # Others.
    "room_1": ({**BASE, "delayLength": 1, "revTime": 0.5}, 48_000, 0.5),
    "room_7_16_lines": ({**BASE, "delayLength": 7, "fdnSize": 0}, 48_000, 1.0),
    "room_30_long": ({**LONG, "dryWet": 1.0}, 48_000, 2.0),
    "room_13_32_lines_44k1": ({**BASE, "delayLength": 13, "fdnSize": 1}, 44_100, 1.0),
    "hall_96k": ({**HALL, "dryWet": 0.4}, 96_000, 1.0),
    "hall_96k_16_lines_fade": ({**HALL, "dryWet": 0.4, "fadeInTime": 0.35, "fdnSize": 0}, 96_000, 1.0),
    "hall_22k05_cutoff_above_half_the_rate": ({**HALL, "dryWet": 0.4, "highCutoff": 20_000}, 22_050, 1.0),
    "shortest_fade": ({**BASE, "fadeInTime": 0.01}, 48_000, 1.0),
    "five_seconds_set": ({"revTime": 5.0, "dryWet": 1.0}, 48_000, 1.0),
}
"""Name: parameters by plug-in id (defaults for the others), sample rate in Hz, seconds."""


def render(settings: FdnReverbSettings, sample_rate_hz: int, duration_s: float) -> np.ndarray:
    """Return the plug-in's responses, float32, shape (2 inputs, 2 outputs, samples)."""
    import dawdreamer

    responses = []
    for channel in (0, 1):
        engine = dawdreamer.RenderEngine(sample_rate_hz, BLOCK)
        impulse = np.zeros((BUS_CHANNELS, round(duration_s * sample_rate_hz)), np.float32)
        impulse[channel, 0] = 1.0
        source = engine.make_playback_processor("impulse", impulse)
        plugin = engine.make_plugin_processor("reverb", PLUGIN)
        wanted = settings.normalised()
        # It acts on changes alone: a value that a fresh plug-in has already has no effect, so another is set first.
        for values in ({name: 0.25 + value / 2 for name, value in wanted.items()}, wanted):
            for index, parameter in enumerate(PARAMETERS):
                plugin.set_parameter(index, values[parameter.plugin_id])
        engine.load_graph([(source, []), (plugin, ["impulse"])])
        engine.render(duration_s)
        responses.append(engine.get_audio()[:2, : impulse.shape[1]])
    return np.stack(responses)


def render_all(folder: Path) -> None:
    """Write each case to a file in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (values, sample_rate_hz, duration_s) in CASES.items():
        response = render(FdnReverbSettings.from_plugin(values), sample_rate_hz, duration_s)
        np.savez_compressed(folder / f"{name}.npz", impulse_response=response)
        print(name, response.shape, flush=True)


def compare(folder: Path, references: Path | None) -> None:
    """Print the differences to the files in `folder`."""
    from mixprior.stats.reverb.fdn.network import impulse_response

    print(f"{'case':40} {'ours-rendered':>14} {'reference-rendered':>19}   parts of the largest sample")
    for name, (values, sample_rate_hz, duration_s) in CASES.items():
        rendered = np.load(folder / f"{name}.npz")["impulse_response"]
        ours = impulse_response(FdnReverbSettings.from_plugin(values), sample_rate_hz, duration_s)
        peak = np.abs(rendered).max()
        line = f"{name:40} {np.abs(ours - rendered).max() / peak:14.1e}"
        if references and (references / f"{name}.npz").exists():
            reference = np.load(references / f"{name}.npz")["impulse_response"]
            line += f" {np.abs(reference - rendered).max() / peak:19.1e}"
        print(line)


def samples_kept(samples: int) -> np.ndarray:
    """Return the places of the samples kept: the first 1024 and then every 23rd, a prime, so that no echo is missed."""
    return np.concatenate([np.arange(min(1024, samples)), np.arange(1024, samples, 23)])


def thin(references: Path, folder: Path) -> None:
    """Write the samples that `samples_kept` names of each response to one file, and the manifest beside it."""
    manifest = (references / "manifest.json").read_bytes()
    thinned = {}
    for name in json.loads(manifest)["cases"]:
        response = np.load(references / f"{name}.npz")["impulse_response"]
        thinned[name] = response[..., samples_kept(response.shape[-1])]
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "responses.npz", **thinned)
    (folder / "manifest.json").write_bytes(manifest)


if __name__ == "__main__":
    what, *folders = sys.argv[1:]
    if what == "render":
        render_all(Path(folders[0]))
    elif what == "thin":
        thin(Path(folders[0]), Path(folders[1]))
    else:
        compare(Path(folders[0]), Path(folders[1]) if folders[1:] else None)
