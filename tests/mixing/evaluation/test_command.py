"""The command writes rows and tables of all scenes, and refuses what is not there."""

from __future__ import annotations

import re

import pytest

from mixprior.mixing.evaluation import command, results
from mixprior.mixing.evaluation.damage import UNDAMAGED
from mixprior.mixing.evaluation.evaluation import EVALUATIONS, PAIRS
from mixprior.mixing.evaluation.metrics import names
from mixprior.mixing.evaluation.report import report
from mixprior.mixing.evaluation.systems import ORACLE, SUM

pytestmark = pytest.mark.slow


def rows_of(scene: str) -> list[dict]:
    """Made up: the oracle is nearer, and everything else is as far as the sum."""
    return [
        {"scene": scene, "kind": "wet", "damage": damage, "system": system.name}
        | dict.fromkeys(names(PAIRS.metrics), 0.5 if system.name == ORACLE else 2.0)
        for damage in (UNDAMAGED.label, "0")
        for system in PAIRS.systems
    ]


def test_rows_are_read_as_they_were_written(tmp_path):
    path, shown = tmp_path / "new" / "pairs.csv", []
    results.write(path, names(PAIRS.metrics), rows_of, ["a", "b"], 1, lambda *done: shown.append(done))
    assert list(results.read(path, names(PAIRS.metrics))) == [*rows_of("a"), *rows_of("b")]
    assert shown == [(1, 2), (2, 2)]


def test_tables_of_earlier_rows_are_printed_and_written(tmp_path, capsys):
    results.write(tmp_path / "pairs.csv", names(PAIRS.metrics), rows_of, ["a"], 1)
    assert command.main(["pairs", str(tmp_path), str(tmp_path), "-o", str(tmp_path), "--tables"]) == 0
    written = (tmp_path / "pairs.md").read_text("utf-8")
    assert written in capsys.readouterr().out
    assert "## wet, damaged (1)" in written
    assert re.search(rf"\| {ORACLE} +\| +0.5 \|", written)
    assert re.search(rf"\| {SUM} +\| +2 \|", written)


def test_a_folder_of_music_that_is_not_there_is_refused(tmp_path, capsys):
    assert command.main(["tracks", str(tmp_path / "none"), str(tmp_path), "-o", str(tmp_path)]) == 2
    assert "none is not a folder" in capsys.readouterr().err


def test_a_folder_without_priors_is_refused_before_anything_is_separated(tmp_path, capsys):
    assert command.main(["pairs", str(tmp_path), str(tmp_path / "no run"), "-o", str(tmp_path / "out")]) == 2
    assert "no run" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", EVALUATIONS)
def test_every_metric_is_defined_in_the_report(name):
    evaluation = EVALUATIONS[name]
    text = report(evaluation, [])
    assert all(f"- {metric}: " in text for metric in names(evaluation.metrics))
