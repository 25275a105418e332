"""Tables say what rows hold: gains by size of damage, undamaged mixes beside them, every song that is farther."""

from __future__ import annotations

from mixprior.mixing.evaluation import tables
from mixprior.mixing.evaluation.evaluation import COLUMNS
from mixprior.mixing.evaluation.metrics import METRICS
from mixprior.mixing.evaluation.systems import DEFAULT, ORACLE, SUM, changed
from tests.conftest import ROOT


def row(artist: str, task: str, scale: str, system: str, planner: str = "pair", seed: str = "0", **distances) -> dict:
    case = {"scene": f"song of {artist}", "artist": artist, "kind": "separated", "planner": planner}
    return {**case, "task": task, "scale": scale, "seed": seed, "system": system, **dict.fromkeys(COLUMNS), **distances}


def test_a_step_has_its_gain_by_the_size_of_damage_beside_what_it_does_to_undamaged_mixes():
    rows = []
    for k, artist in enumerate("abcd"):
        for task, scale in (("", "0"), ("levels", "0.5"), ("levels", "1"), ("levels", "2")):
            off = 4 * float(scale)
            rows += [
                row(artist, task, scale, DEFAULT, ratio_lu=1.0 + k / 10, spectrum_db=1.0),
                row(artist, task, scale, changed("level"), ratio_lu=off, spectrum_db=1.5),
            ]
    (line,) = [line for line in tables.steps(rows).splitlines() if "ratio_lu" in line]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[:5] == ["pair", "**level**", "levels", "ratio_lu", "+1.15, +1.27 (noticed)"]
    assert [cell.split()[0] for cell in cells[5:8]] == ["-0.85", "-2.85", "-6.85"]
    assert cells[8:] == ["-0.50 (-0.50 to -0.50)", "4", "better", "-"]


def test_every_song_that_is_farther_than_the_sum_is_listed():
    rows = []
    for artist, ours in zip("abcd", (1.0, 1.0, 1.0, 5.0), strict=True):
        for system, value in ((SUM, 3.0), (DEFAULT, ours), (ORACLE, 0.0)):
            figures = dict.fromkeys(("class_lu", "spectrum_db", "ratio_lu"), value)
            rows.append(row(artist, "raw", "1", system, "song", mix_ratio_lu=value - 5, **figures))
    text = tables.against_the_sum(rows, [(DEFAULT, "raw", "song")])
    assert "-1.00" in text
    assert "song of d +2.00" in text
    assert "song of a" not in text
    assert "3.00 / 5.00" in tables.songs(rows)
    assert "-2.0 / 0.0 / -5.0" in tables.songs(rows)


def test_how_far_whole_songs_are_moved_that_need_nothing_has_no_verdict():
    """The sum of what is undamaged is the original: nothing can be nearer."""
    rows = []
    for artist, ours in zip("abcd", (0.2, 0.4, 0.6, 0.8), strict=True):
        rows += [row(artist, "", "0", name, "song", class_lu=off) for name, off in ((SUM, 0.0), (DEFAULT, ours))]
    (line,) = [line for line in tables.report_of_songs(rows).splitlines() if "undamaged" in line]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[:3] == ["default", "undamaged", "class_lu"]
    assert cells[3].startswith("+0.50")
    assert cells[5] == "-"


def test_the_document_defines_every_distance():
    text = (ROOT / "docs" / "measured" / "mixing.md").read_text("utf-8")
    assert [each.name for each in METRICS.values() if f"| `{each.name}` | {each.definition} |" not in text] == []
