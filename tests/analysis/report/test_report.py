"""The report: every number is there, nothing is fetched, whatever the manifest says, on a phone too."""

import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from markupsafe import escape

from mixprior import main
from mixprior.analysis.report.page import report
from mixprior.stats.priors.interval import mean_interval
from mixprior.stats.registry import COLUMNS, STATISTICS
from mixprior.stats.schema import JOINT_SCHEMA, PRIORS_SCHEMA, QUANTILES
from tests.analysis.priors_folder import write_priors
from tests.conftest import ROOT
from tools import chromium

SONGS = 240
LONG = {"sps_phi", "magnitude_spectrum", "magnitude_spectrum_db"}
RATIO = "vocal_to_backing_lu"
ROWS = ("vocals", "drums", "bass", "other", "backing", "mixture", "song")
EVIL = "<script>alert('r&b')</script>"
GENRES = ("rock", "hip hop", "country", "electronic dance music", EVIL)
DECADES = ("1980s", "1990s", "2000s")
TEMPO_BANDS = ("below 80 BPM", "80-100 BPM", "100-120 BPM", "from 140 BPM")
VOID = {"meta", "line", "rect", "circle", "path", "br"}


def row(group, stem, statistic, unit, values, bin=None, bin_hz=None, parent=None):
    """A row of the priors as the pipeline writes it, from the values of single songs."""
    n, mean, sd = len(values), values.mean(), values.std(ddof=1)
    se = sd / n**0.5
    low, high = mean_interval(np.array([mean]), np.array([se]), np.array([n]))
    shrinkage = 10 / (10 + n)
    place = {"group": group, "stem": stem, "statistic": statistic, "unit": unit, "bin": bin, "bin_hz": bin_hz}
    counts = {"n": n, "n_missing": SONGS // 10, "n_silent": SONGS // 20}
    spread = {"mean": mean, "sd": sd, "se": se, "min": values.min(), "max": values.max()}
    found = {**place, **counts, **spread, "mean_low": low[0], "mean_high": high[0], "weighted_mean": mean}
    if statistic not in LONG:  # long curves have no quantiles
        found |= {name: np.quantile(values, q) for name, q in QUANTILES.items()}
        found |= {"median_low": np.quantile(values, 0.45), "median_high": np.quantile(values, 0.55)}
    if parent:
        found |= {"parent": parent, "shrunk_mean": mean * (1 - shrinkage) - 2 * shrinkage, "shrinkage": shrinkage}
    return found


def typical(column, rng):
    """Values of songs such as a statistic might have."""
    middle = {"LUFS": -20, "LU": -2, "dB": -15, "dBTP": -1, "Hz": 1500, "1": 0.6, "BPM": 115, "s": 210}
    spread = {"Hz": 400, "1": 0.1, "BPM": 20, "s": 60, "LU": 2}
    return middle.get(column.unit, -5.0) + spread.get(column.unit, 3.0) * rng.standard_normal(SONGS)


def write_full_priors(folder: Path) -> Path:
    """Priors with everything in them: groups, curves, intervals, joint facts, reverb, a correction, withheld groups."""
    rng = np.random.default_rng(11)
    rows, facts, scalars = [], {}, []
    for statistic in STATISTICS:
        for column in statistic.columns:
            facts[column.name] = {"unit": column.unit, "definition": column.definition, "resolution": column.resolution}
            for stem in filter(statistic.fills, ROWS):
                if column.axis_hz is None:
                    scalars.append((stem, column.name))
                    rows.append(row("all", stem, column.name, column.unit, typical(column, rng)))
                    continue
                for k, hz in enumerate(column.axis_hz):
                    level = -0.002 * hz - 20 if column.unit == "dB" else 0.9 - hz / 1e5
                    rows.append(row("all", stem, column.name, column.unit, level + rng.random(20) / 9, k, hz))
    ratio = -1.5 + 2.2 * rng.standard_normal(SONGS)
    for name, unit, stem in (("reverb_time_s", "s", "vocals"), (f"{RATIO}_corrected", "LU", "song")):
        facts[name] = {"unit": unit, "definition": f"{EVIL} as in a test", "resolution": 0.01}
        rows.append(row("all", stem, name, unit, ratio + 5))
    for column, values in (("genre", GENRES), ("decade", DECADES), ("tempo_band", TEMPO_BANDS)):
        for k, value in enumerate(values):
            part = ratio[: SONGS // (2 + 4 * k)] + rng.normal()
            rows.append(row(f"{column}={value}", "song", RATIO, "LU", part, parent="all"))
    rows.append(row("decade=1990s,genre=rock", "song", RATIO, "LU", ratio[:12], parent="genre=rock"))
    write_priors(folder, rows, PRIORS_SCHEMA)
    manifest = {
        "schema_version": 1,
        "songs": SONGS,
        "hours": 14.2,
        "duplicates": 3,
        "failed": 4,
        "failures": {"undecodable": 3, EVIL: 1},
        "group_by": ["decade", "genre", "tempo_band"],
        "min_group": 5,
        "withheld": {"genre=polka": 2, "decade=1930s": 1},
        "calibration": None,
        "statistics": facts,
        "features": {
            key: {"model": "htdemucs", "stems": "separated", "weights_sha256": key * 8, "feature_version": 1}
            for key in ("abcdef01", "abcdef02")
        },
        "versions": {"numpy": ["1.26.4", "2.4.6"], "scipy": ["1.17.1"]},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    pairs = [(a, b) for a in scalars for b in scalars if a != b and (a[0] == "song" or b[0] in ("vocals", "song"))]
    names = ("stem", "statistic", "other_stem", "other_statistic")
    joint = [
        dict(zip(names, (*a, *b), strict=True))
        | {"group": "all", "n": 216, "correlation": r, "correlation_low": r - 0.1, "correlation_high": r + 0.1}
        | {"slope": r, "intercept": 1.0, "residual_sd": 2.0}
        for (a, b), r in zip(pairs, rng.uniform(-0.7, 0.7, len(pairs)), strict=True)
    ]
    pq.write_table(pa.Table.from_pylist(joint, JOINT_SCHEMA), folder / "joint.parquet")
    return folder


class Reader(HTMLParser):
    """Holds a page to being well formed; keeps its text, its tags and its attributes."""

    def __init__(self, page):
        super().__init__()
        self.open, self.text, self.tags, self.attributes = [], [], Counter(), []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes += attrs
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in VOID
        self.tags[tag] += 1
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_full_priors(tmp_path_factory.mktemp("report") / "priors")


@pytest.fixture(scope="module")
def page(folder):
    return report(folder)


def test_the_page_is_well_formed_and_needs_nothing_from_outside(page):
    read = Reader(page)
    assert not read.tags.keys() & {"script", "link", "img", "iframe", "object", "image", "use"}
    assert [value for name, value in read.attributes if name in ("src", "href") and not value.startswith("#")] == []
    assert "url(" not in page
    assert "@import" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert len(page.encode()) < 1_500_000


def test_every_statistic_group_and_withheld_group_is_on_the_page(page):
    text = "\n".join(Reader(page).text)
    scalars = {column.name for column in COLUMNS if not column.is_vector}
    for name in (*scalars, "reverb_time_s", f"{RATIO}_corrected", *GENRES, *DECADES, *TEMPO_BANDS):
        assert name in text, name
    for heading in ("Reverb", "Failures", "What goes together", "By genre", "By decade", "By tempo", "genre=polka"):
        assert heading in text, heading
    assert "decade=1990s,genre=rock" not in text


def test_no_cell_says_none_or_nan_and_drawings_are_named(page):
    read = Reader(page)
    told = "\n".join([*read.text, *(str(value) for _, value in read.attributes)])
    assert re.findall(r"\b(?:None|nan|NaN|inf)\b", told) == []
    assert (
        sum(value == "img" for name, value in read.attributes if name == "role")
        == sum(name == "aria-label" for name, _ in read.attributes) - 1
    )  # the list of contents has a label too
    assert read.tags["details"] >= len([column for column in COLUMNS if not column.is_vector])


def test_the_headline_is_the_median_and_published_values_stand_beside_it(tmp_path):
    text = "\n".join(Reader(report(write_priors(tmp_path))).text)
    assert "In the median song the vocals are 1.9 LU below the backing." in text
    for published in ("−2.15", "−2.76", "−1.77"):
        assert published in text


def test_what_the_manifest_says_is_text_and_never_markup(page):
    assert EVIL not in page
    assert escape(EVIL) in page


def test_doubts_are_told_from_the_numbers(page):
    text = " ".join(Reader(page).text)
    for doubt in (
        "4 songs (2 %) could not be mined",
        "measured in 2 ways",
        "More than one version of numpy",
        "nothing here is corrected against true stems",
        "2 groups with fewer than 5 songs are not published",
        "use their shrunk means",
        "by chance alone",
    ):
        assert doubt in text, doubt
    assert "The catalog is small" not in text


def test_priors_of_the_first_layout_make_a_page_too(tmp_path):
    read = Reader(report(ROOT / "tests" / "analysis" / "priors_v1"))
    assert read.tags["section"] >= 2
    assert not re.search(r"\b(None|nan)\b", "\n".join(read.text))


def test_a_run_shows_its_songs_as_dots(mined_run, tmp_path, capsys):
    output = tmp_path / "new" / "report.html"
    assert main(["report", str(mined_run), "-o", str(output)]) == 0
    assert capsys.readouterr().out == f"{output}\n"
    page = output.read_text("utf-8")
    songs = len(list((mined_run / "features").rglob("*.parquet")))
    assert songs <= page.count('class="dot"') <= 4 * songs
    Reader(page)


def test_a_place_that_cannot_be_written_ends_with_2_and_one_line(folder, tmp_path, capsys):
    assert main(["report", str(folder), "-o", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.skipif(chromium.BROWSER is None, reason="no chromium on PATH")
def test_on_a_phone_nothing_is_wider_than_the_screen_and_something_is_drawn(page, tmp_path):
    image = pytest.importorskip("PIL.Image")
    (tmp_path / "report.html").write_text(page, "utf-8")
    with chromium.page() as browser:
        browser.open(tmp_path / "report.html", width=375, height=1600)
        assert browser.evaluate("document.documentElement.scrollWidth") <= 375
        browser.picture(tmp_path / "phone.png")
    colours = image.open(tmp_path / "phone.png").convert("RGB").getcolors(1 << 24)
    assert len(colours) > 100


def test_what_is_not_reliable_is_greyed_out_and_named(tmp_path):
    folder = write_full_priors(tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    lists = {"hz": [None], "reliability": [0.31], "low": [0.1], "high": [0.6], "sources": [7], "songs": [13]}
    manifest["reliability"] = {"vocals": {"rt60_s": lists, "integrated_lufs": lists}}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    page = report(folder)
    text = "\n".join(Reader(page).text)
    assert "reliability 0.31 by 13 songs with true stems of 7 sources" in text
    assert page.count('<figure class="card unreliable">') == 1  # reverberation is of vocals alone
    assert page.count('<tr class="unreliable" title="unreliable">') == 2
    assert "vocals (unreliable)" in text
