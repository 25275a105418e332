"""The page of a mix as a file: what it holds, and that nothing in names becomes markup."""

import base64
import contextlib
import hashlib
import html.parser
import io
import json
import re
import zlib

import numpy as np
import pytest
import soundfile

from mixprior import main
from mixprior.mixing.page import audio
from mixprior.mixing.page.reference import reference_of
from mixprior.stats.sound import Sound
from tests.mixing.mix_command import both, refusal, save_both
from tests.mixing.page.page_of_tones import DURATION_S, HOSTILE, RATE_HZ, page_of, shaped, tone, tones_mixed
from tests.mixing.sounds import band, load, voice

PLAYS = ("script", "style", "meta", "title")


class Read(html.parser.HTMLParser):
    """Elements of a page, with the text inside scripts and style sheets."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, str] = {}
        self._id = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._id = (dict(attributes).get("id") or tag) if tag in PLAYS else ""

    def handle_endtag(self, tag):
        self._id = ""

    def handle_data(self, data):
        if self._id:
            self.inside[self._id] = self.inside.get(self._id, "") + data

    def facts(self) -> dict:
        return json.loads(self.inside["facts"])

    def sound(self, name: str) -> np.ndarray:
        samples, rate_hz = soundfile.read(io.BytesIO(base64.b64decode(self.inside[f"sound-{name}"])), dtype="float32")
        assert rate_hz == RATE_HZ
        return samples.T * 10 ** (-self.facts()["stored_db"][name] / 20)


@pytest.fixture(scope="module")
def mixed():
    return tones_mixed()


@pytest.fixture(scope="module")
def read(mixed):
    return Read(page_of(mixed, reference=True))


def near_db(one: np.ndarray, other: np.ndarray) -> float:
    """Power of the difference over that of the first, in dB."""
    samples = min(one.shape[1], other.shape[1])
    return 10 * np.log10(np.square(one - other)[:, :samples].sum() / np.square(one).sum())


def test_a_page_needs_nothing_else_and_runs_only_its_own_script(read):
    assert not any({"src", "href", "style", "onclick", "onload"} & set(attributes) for _, attributes in read.elements)
    [policy] = [each["content"] for tag, each in read.elements if tag == "meta" and "http-equiv" in each]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    for name in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(read.inside[name].encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy
    text = re.sub(r"<script type=\"text/plain\".*?</script>", "", page_of(tones_mixed()), flags=re.DOTALL)
    assert not re.search(r"https?://|url\(|@import", text)


def test_the_sounds_inside_are_those_that_were_mixed(read, mixed):
    assert set(read.facts()["stored_db"]) == {"vocals-before", "backing-before", "reference"}
    for name in ("vocals", "backing"):
        assert near_db(mixed.sounds[name].audio, read.sound(f"{name}-before")) < -25
    assert near_db(tone(1000.0, 0.5, 2.0), read.sound("reference")) < -25


def test_a_part_that_only_a_gain_was_applied_to_is_stored_once(read, mixed):
    by_name = {part["name"]: part for part in read.facts()["parts"]}
    assert not any(part["is_processed"] for part in by_name.values())
    gain_db = mixed.recipe.settings.tracks["vocals"].input_gain_db
    assert by_name["vocals"]["level_db"] == pytest.approx(gain_db, abs=0.001)
    assert by_name["backing"]["level_db"] == pytest.approx(0.0, abs=0.001)


def test_a_part_that_more_was_done_to_is_stored_before_and_after():
    made = shaped()
    read = Read(page_of(made))
    assert {part["name"]: part["is_processed"] for part in read.facts()["parts"]} == {"vocals": True, "backing": False}
    assert set(read.facts()["stored_db"]) == {"vocals-before", "vocals-after", "backing-before"}
    assert near_db(made.summed.parts["vocals"].audio, read.sound("vocals-after")) < -20


def test_the_gain_of_the_limiter_makes_the_mix_of_its_sum():
    loud = tones_mixed(vocals=0.2, target_lufs=-3.0)
    read = Read(page_of(loud))
    rate_hz = read.facts()["limiter_hz"]
    steps = np.frombuffer(zlib.decompress(base64.b64decode(read.inside["sound-limiter"])), "<u2") / 65535
    assert steps.min() < 0.9
    time_s = np.arange(round(DURATION_S * RATE_HZ)) / RATE_HZ
    gain = np.interp(time_s, (np.arange(steps.size) + 0.5) / rate_hz, steps)
    made = loud.summed.sound.gained(loud.recipe.settings.gain_db).audio * gain
    assert near_db(loud.audio, made) < -45


def test_names_of_strangers_become_no_markup(tmp_path, capsys):
    name = HOSTILE.replace("/", "")
    given = save_both(tmp_path, voice(1.0), band(1.0))
    out, page = tmp_path / f"{name}.wav", tmp_path / "mix.html"
    assert main(["mix", *both(given), "-o", str(out), "--group", HOSTILE, "--page", str(page)]) == 0
    capsys.readouterr()
    read = Read(page.read_text("utf-8"))
    tags = [tag for tag, _ in read.elements]
    assert tags.count("script") == len(read.facts()["stored_db"]) + ("sound-limiter" in read.inside) + 3
    assert not {"img", "iframe", "object", "base"} & set(tags)
    assert not any(name.startswith("on") for _, attributes in read.elements for name in attributes)
    recipe = json.loads(read.inside["recipe-json"])
    assert recipe["output"]["path"] == str(out)
    assert HOSTILE in read.facts()["again"].replace("'\"'\"'", "'")


def test_a_page_is_written_with_its_mix_and_its_recipe_in_it(tmp_path):
    given = save_both(tmp_path, voice(1.0), band(1.0))
    words = ["--amount=0.5", "--group", "genre=rock", "--without", "loudness", "--page", str(tmp_path / "mix.html")]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        assert main(["mix", *both(given), "-o", str(tmp_path / "mix.wav"), *words]) == 0
    read = Read((tmp_path / "mix.html").read_text("utf-8"))
    assert json.loads(read.inside["recipe-json"]) == json.loads((tmp_path / "mix.mix.json").read_text("utf-8"))
    assert read.facts()["options"]["amount"] == 0.5
    assert read.facts()["again"] == (
        f"mixprior mix --vocal={given['vocals']} --backing={given['backing']} --output={tmp_path / 'mix.wav'} "
        "--group=genre=rock --without=loudness"
    )


def test_the_first_song_to_be_like_is_the_reference_whole_or_in_stems(tmp_path):
    (tmp_path / "stems").mkdir()
    given = save_both(tmp_path / "stems", voice(1.0), band(1.0))
    whole = reference_of([given["vocals"], given["backing"]])
    assert whole.name == "vocals.wav"
    np.testing.assert_array_equal(whole.sound.audio, load(given["vocals"]))
    stems = reference_of([str(tmp_path / "stems")])
    assert stems.name == "stems"
    np.testing.assert_allclose(stems.sound.audio, sum(map(load, given.values())), atol=1e-6)
    assert reference_of([]) is None


def test_the_same_mix_gives_the_same_page(mixed):
    assert page_of(mixed) == page_of(mixed)


def test_silence_and_a_mix_without_vocals_have_pages():
    silent = Read(page_of(tones_mixed(vocals=0.0)))
    assert silent.facts()["ratio"] is None
    nothing = Read(page_of(tones_mixed(vocals=0.0, backing=0.0)))
    assert nothing.facts()["matched_lufs"] is None
    assert nothing.facts()["versions"]["after"]["lufs"] is None


@pytest.mark.parametrize(
    ("name", "told"), [("mix.pdf", "a page is written as .html or .htm"), ("vocals.wav/mix.html", "is no folder")]
)
def test_a_page_that_cannot_be_written_is_refused_before_mixing(tmp_path, capsys, name, told):
    given = save_both(tmp_path, voice(1.0), band(1.0))
    assert told in refusal(capsys, *both(given), "-o", tmp_path / "mix.wav", "--page", tmp_path / name)
    assert not (tmp_path / "mix.wav").exists()


@pytest.mark.parametrize("streams", [2, 3, 4, 5])
def test_a_song_of_four_minutes_stays_under_15_megabytes(streams):
    seconds, rest_bytes = 240.0 * streams, 700_000
    assert audio.bits_per_s(seconds) * seconds / 8 * 4 / 3 + rest_bytes < 15e6
    if streams == 5:  # noise is the dearest of all sounds
        noise = Sound(band(4.0, RATE_HZ), RATE_HZ)
        rate = audio.bits_per_s(seconds)
        assert len(audio.encoded(noise, rate)) < 1.1 * rate * 4.0 / 8
