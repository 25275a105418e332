"""The page of a mix in a real browser: it plays, switches without a gap, and its sliders do what their words say."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mixprior.stats.sound import Sound
from tests.mixing.page.page_of_tones import (
    BACKING_HZ,
    HOSTILE,
    RATE_HZ,
    REFERENCE_HZ,
    VOCALS_HZ,
    page_of,
    save,
    shaped,
    tones_mixed,
    tracks_mixed,
)
from tools import chromium

pytestmark = pytest.mark.slow
if chromium.BROWSER is None:
    pytest.skip("the player is tested in Chromium: there is none on PATH", allow_module_level=True)

READY = "new Promise((done) => { const look = () => player.buffers ? done() : setTimeout(look, 20); look(); })"
RENDER = """(async () => {
  const context = new OfflineAudioContext(2, %(samples)d, 48000);
  const graph = build(context, player.buffers, context.destination);
  graph.set(gainsOf({ ...state, ...%(first)s }), 0);
  graph.start(0, 0);
  if (%(then)s) context.suspend(1.024).then(() => {
    graph.set(gainsOf({ ...state, ...%(then)s }), RAMP_S);
    context.resume();
  });
  const made = await context.startRendering();
  const bytes = new Uint8Array(made.length * 8);
  for (const side of [0, 1]) bytes.set(new Uint8Array(made.getChannelData(side).buffer), side * made.length * 4);
  let text = "";
  for (let n = 0; n < bytes.length; n += 32768) text += String.fromCharCode(...bytes.subarray(n, n + 32768));
  return btoa(text);
})()"""


@pytest.fixture(scope="module")
def browser() -> Iterator[chromium.Page]:
    with chromium.page() as page:
        yield page


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    words = f"mixprior mix --vocal='{HOSTILE}'"
    return {
        "gains": save(folder, page_of(tones_mixed(), True, words), "gains.html"),
        "tracks": save(folder, page_of(tracks_mixed(vocal_gain_db=2.0, amount=0.8)), "tracks.html"),
        "shaped": save(folder, page_of(shaped()), "shaped.html"),
        "limited": save(folder, page_of(tones_mixed(vocals=0.2, target_lufs=-3.0)), "limited.html"),
    }


@pytest.fixture
def opened(browser, pages) -> chromium.Page:
    browser.open(pages["gains"])
    browser.evaluate(READY)
    return browser


def heard(page: chromium.Page, seconds: float = 2.0, then: dict | None = None, **first: object) -> np.ndarray:
    """What the player makes of a state, (2, samples); after 1.024 s of another."""
    words = {"samples": round(seconds * RATE_HZ), "first": json.dumps(first), "then": json.dumps(then)}
    samples = np.frombuffer(base64.b64decode(page.evaluate(RENDER % words)), np.float32)
    return samples.reshape(2, -1)


def amplitude_db(audio: np.ndarray, frequency_hz: float) -> float:
    """Of a tone in a sound, over its second second but for the ends."""
    piece = audio[0, RATE_HZ // 2 : RATE_HZ * 3 // 2]
    turning = np.exp(-2j * np.pi * frequency_hz * np.arange(piece.size) / RATE_HZ)
    return 20 * np.log10(2 * abs(np.mean(piece * turning)) + 1e-9)


def vocals_over_backing_db(audio: np.ndarray) -> float:
    return amplitude_db(audio, VOCALS_HZ) - amplitude_db(audio, BACKING_HZ)


def press_until(page: chromium.Page, key: str, condition: str) -> None:
    page.press(key)
    wait = "const look = () => (%s) ? done() : setTimeout(look, 20); look();"
    page.evaluate(f"new Promise((done) => {{ {wait % condition} }})")


def test_it_asks_for_nothing_and_complains_of_nothing(opened, pages):
    assert opened.requests() == [pages["gains"].as_uri()]
    assert opened.complaints() == []
    assert opened.evaluate("typeof hacked") == "undefined"


def test_it_plays_and_stops_by_the_space_bar(opened):
    press_until(opened, " ", "position() > 0.3")
    loudest = (
        "(() => { const all = new Float32Array(4096); player.analyser.getFloatTimeDomainData(all); "
        "return Math.max(...all); })()"
    )
    assert opened.evaluate(loudest) > 0.01
    assert opened.evaluate("element('play').getAttribute('aria-label')") == "Pause"
    press_until(opened, " ", "!player.graph")
    stopped = opened.evaluate("position()")
    assert stopped > 0.3
    opened.press("ArrowRight")
    assert opened.evaluate("position()") == pytest.approx(3.0)
    opened.press("ArrowLeft")
    assert opened.evaluate("position()") == 0.0


def test_keys_switch_versions_while_the_same_sources_run(opened):
    press_until(opened, " ", "position() > 0.05")
    opened.evaluate("globalThis.running = player.graph")
    for key, version in (("1", "before"), ("3", "reference"), ("2", "after")):
        opened.press(key)
        assert opened.evaluate("document.querySelector('input[name=version]:checked').value") == version
    assert opened.evaluate("running === player.graph")
    press_until(opened, " ", "!player.graph")


def test_switching_leaves_no_gap_and_no_click(opened):
    audio = heard(opened, version="before", then={"version": "after"})
    power = np.square(audio[0]).reshape(-1, 480).mean(axis=1)[20:]
    assert power.min() > 0.7 * min(power[:40].mean(), power[-40:].mean())
    jumps = np.abs(np.diff(audio[0, RATE_HZ // 2 :]))
    assert jumps.max() < 1.2 * max(jumps[: RATE_HZ // 4].max(), jumps[-RATE_HZ // 4 :].max())


def test_before_after_and_reference_are_equally_loud(opened):
    lufs = [Sound(heard(opened, version=name), RATE_HZ).integrated_lufs for name in ("before", "after", "reference")]
    assert np.ptp(lufs) < 0.1
    audio = heard(opened, version="reference")
    assert amplitude_db(audio, REFERENCE_HZ) > amplitude_db(audio, VOCALS_HZ) + 60


def test_without_matching_they_differ_as_the_files_do(opened):
    mixed = tones_mixed()
    before = Sound(sum(sound.audio for sound in mixed.sounds.values()), RATE_HZ).integrated_lufs
    one, other = (
        Sound(heard(opened, version=name, matched=False), RATE_HZ).integrated_lufs for name in ("before", "after")
    )
    assert other - one == pytest.approx(mixed.recipe.results.integrated_lufs - before, abs=0.1)


def test_the_sliders_move_the_vocals_by_what_they_say(opened):
    before, after, up, half = (
        vocals_over_backing_db(heard(opened, **settings))
        for settings in ({"version": "before"}, {}, {"vocals_db": 6}, {"amount": 0.5})
    )
    gain_db = tones_mixed().recipe.settings.tracks["vocals"].input_gain_db
    assert after - before == pytest.approx(gain_db, abs=0.05)
    assert up - after == pytest.approx(6.0, abs=0.05)
    assert half - before == pytest.approx(gain_db / 2, abs=0.05)
    sounds = [
        Sound(heard(opened, **each), RATE_HZ) for each in ({}, {"vocals_db": 9}, {"vocals_db": -9}, {"amount": 0.5})
    ]
    assert np.ptp([sound.integrated_lufs for sound in sounds]) < 0.3
    assert max(sound.peak for sound in sounds) < 1.0


def test_moving_a_slider_is_heard_shown_and_written_as_arguments(opened):
    opened.press("1")
    opened.press("ArrowUp")
    opened.press("ArrowUp")
    opened.evaluate("element('amount').value = 50, element('amount').dispatchEvent(new Event('input'))")
    assert opened.evaluate("[state.version, state.vocals_db, state.amount]") == ["after", 1.0, 0.5]
    promised_lu = opened.evaluate("ratioLu()")
    assert opened.evaluate("element('vocals-text').textContent") == (
        f"+1.0 dB, \N{MINUS SIGN}{-promised_lu:.1f} LU against the rest"
    )
    command = opened.evaluate("element('command').textContent")
    assert command.startswith(f"mixprior mix --vocal='{HOSTILE}' --ratio-lu=")
    ratio_lu, amount = (float(word.partition("=")[2]) for word in command.split()[-2:])
    made = tones_mixed(ratio_lu=ratio_lu, amount=amount)
    assert made.recipe.results.vocal_to_backing_lu == pytest.approx(promised_lu, abs=0.05)
    opened.evaluate("element('reset').click()")
    assert "--ratio-lu" not in opened.evaluate("element('command').textContent")


@pytest.mark.parametrize(("amount", "vocals_db"), [(1.0, -4.0), (0.5, 2.0)])
def test_the_command_makes_of_tracks_what_was_heard(browser, pages, amount, vocals_db):
    browser.open(pages["tracks"])
    browser.evaluate(READY)
    browser.evaluate(f"adjust({{ amount: {amount}, vocals_db: {vocals_db} }})")
    words = browser.evaluate("commandLine()").split()[2:]
    options = {name[2:].replace("-", "_"): float(value) for name, _, value in (word.partition("=") for word in words)}
    made = tracks_mixed(**options)
    assert made.recipe.results.vocal_to_backing_lu == pytest.approx(browser.evaluate("ratioLu()"), abs=0.3)


def test_without_a_step_of_level_the_command_has_a_gain(browser, pages):
    browser.open(pages["shaped"])
    browser.evaluate(READY)
    browser.evaluate("adjust({ vocals_db: -1.5 })")
    assert browser.evaluate("commandLine()") == "mixprior mix --vocal-gain-db=-1.5"


def test_what_plays_after_is_the_mix_limited_or_shaped(browser, pages):
    for name, mixed in (("limited", tones_mixed(vocals=0.2, target_lufs=-3.0)), ("shaped", shaped())):
        browser.open(pages[name])
        browser.evaluate(READY)
        audio = heard(browser, seconds=2.0, matched=False)
        made = mixed.audio[:, : audio.shape[1]]
        gain = np.vdot(audio, made) / np.vdot(made, made)
        assert np.square(audio - gain * made).sum() < 10**-2.5 * np.square(audio).sum(), name
        assert 20 * np.log10(gain) == pytest.approx(browser.evaluate("facts.common_db"), abs=0.1)
    half, none, whole = (vocals_over_backing_db(heard(browser, amount=amount)) for amount in (0.5, 0.0, 1.0))
    assert half == pytest.approx((none + whole) / 2, abs=0.1)


def test_everything_is_reached_by_keyboard_seen_in_focus_and_named(opened):
    seen = []
    for _ in range(14):
        opened.press("Tab")
        seen.append(opened.evaluate("document.activeElement.id || document.activeElement.value || ''"))
        drawn = (
            "(() => { const all = [document.activeElement, document.activeElement.nextElementSibling]; return "
            "all.some((one) => one && getComputedStyle(one).outlineStyle === 'solid'); })()"
        )
        assert opened.evaluate(drawn) or not seen[-1]
    assert {"play", "after", "matched", "position", "vocals", "amount", "command", "copy", "save-recipe"} <= set(seen)
    opened.call("Accessibility.enable")
    nodes = opened.call("Accessibility.getFullAXTree")["nodes"]
    used = [each for each in nodes if each.get("role", {}).get("value") in ("button", "radio", "slider", "checkbox")]
    assert len(used) >= 11
    assert all(node["name"]["value"].strip() for node in used)


@pytest.mark.parametrize("width", [375, 1200])
def test_it_is_drawn_no_wider_than_the_screen_in_light_and_dark(browser, pages, tmp_path, width):
    image = pytest.importorskip("PIL.Image")
    papers = set()
    for dark in (False, True):
        browser.open(pages["gains"], width=width, dark=dark)
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
        browser.picture(tmp_path / "page.png", whole=True)
        shown = image.open(tmp_path / "page.png").convert("RGB")
        assert shown.width == width
        assert len(shown.getcolors(1 << 24)) > 100
        papers.add(shown.getpixel((2, 2)))
    assert len(papers) == 2


def test_a_fade_starts_where_the_last_one_left_the_gain(opened):
    """Playing, stopping and switching are fades: in the middle of one the next begins without a jump."""
    jumps = opened.evaluate("""(async () => {
      const context = new OfflineAudioContext(1, 9600, 48000);
      const gain = new GainNode(context, { gain: 0 });
      gain.connect(context.destination);
      fade(gain.gain, 1, 0, RAMP_S);
      fade(gain.gain, 0, 0.003, RAMP_S);
      fade(gain.gain, 1, 0.1, RAMP_S);
      const source = new ConstantSourceNode(context, { offset: 1 });
      source.connect(gain);
      source.start();
      const samples = (await context.startRendering()).getChannelData(0);
      return [Math.max(...samples.map((each, n) => n ? Math.abs(each - samples[n - 1]) : 0)), samples[9599]];
    })()""")
    assert jumps[0] < 0.006
    assert jumps[1] == pytest.approx(1.0, abs=0.011)


def test_the_recipe_and_the_command_can_be_taken_away(opened):
    opened.evaluate(
        "globalThis.taken = []; URL.createObjectURL = (blob) => { taken.push(blob); return 'blob:x'; };"
        "HTMLAnchorElement.prototype.click = function () { taken.push(this.download); };"
    )
    opened.evaluate("element('save-recipe').click(), element('save-command').click()")
    names = opened.evaluate("taken.filter((each) => typeof each === 'string')")
    texts = opened.evaluate("Promise.all(taken.filter((each) => each instanceof Blob).map((each) => each.text()))")
    assert names == ["mix.mix.json", "mix.command.txt"]
    assert json.loads(texts[0])["settings"] == json.loads(json.dumps(tones_mixed().recipe.settings.to_dict()))
    assert texts[1].strip() == f"mixprior mix --vocal='{HOSTILE}'"
