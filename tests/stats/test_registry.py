"""A new statistic is one file and one registration: rows, priors, query and report know it from there."""

import os
import re
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import soundfile

from mixprior.pipeline.synthesis import RATE_HZ, SCORES, perform
from mixprior.stats.statistic import Column, Family, Statistic
from tests.conftest import ROOT
from tools.docs import statistics

STATISTIC = '''
"""Share of the samples above zero."""

import numpy as np

from mixprior.stats.statistic import Column, Family, Statistic

STATISTIC = Statistic(
    columns=(
        Column(
            "positive_ratio",
            "1",
            "Share of the samples that are above zero.",
            0.001,
            title="Samples above zero",
            family=Family.STEREO,
        ),
    ),
    rows=("vocals",),
    measure=lambda stem: {"positive_ratio": float(np.mean(stem.audio > 0))},
    whole=True,
)
'''
NAMED = """
from mixprior.stats.measures import positive
STATISTICS = (*STATISTICS, positive.STATISTIC)
"""
COMMANDS = """
import sys
from mixprior import main
songs, run = sys.argv[1:]
assert main(["mine", songs, "-o", run, "-j", "1"]) == 0
print("QUERY")
assert main(["query", run, "--stat", "positive-ratio"]) == 0
assert main(["report", run, "-o", f"{run}/report.html"]) == 0
"""


def linked(source: Path, target: Path, but: tuple[str, ...]) -> Path:
    """A folder of links to what `source` holds, but for some names."""
    target.mkdir()
    for path in source.iterdir():
        if path.name not in but:
            (target / path.name).symlink_to(path.resolve())
    return target


@pytest.mark.slow
def test_a_statistic_of_one_file_and_one_registration_is_in_rows_priors_query_and_report(tmp_path):
    package = linked(ROOT / "mixprior", tmp_path / "mixprior", but=("stats",))
    stats = linked(ROOT / "stats", package / "stats", but=("measures", "registry.py"))
    measures = linked(ROOT / "stats" / "measures", stats / "measures", but=())
    (measures / "positive.py").write_text(STATISTIC, "utf-8")
    registry = (ROOT / "stats" / "registry.py").read_text("utf-8")
    before, columns, after = registry.partition("\nCOLUMNS: ")
    (stats / "registry.py").write_text(f"{before}{NAMED}{columns}{after}", "utf-8")
    for score in SCORES[:2]:
        folder = tmp_path / "songs" / score.title
        folder.mkdir(parents=True)
        for name, audio in perform(replace(score, duration_s=3.0)).items():
            soundfile.write(folder / f"{name}.wav", audio.T, RATE_HZ, "FLOAT")
    run = tmp_path / "run"

    command = [sys.executable, "-Bc", COMMANDS, str(tmp_path / "songs"), str(run)]
    environment = {"PYTHONPATH": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr

    for features in (run / "features").rglob("*.parquet"):
        rows = {row["stem"]: row["positive_ratio"] for row in pq.read_table(features).to_pylist()}
        assert 0.4 < rows["vocals"] < 0.6
        assert rows["mixture"] is None
    (prior,) = pq.read_table(
        run / "priors" / "priors.parquet", filters=[("statistic", "=", "positive_ratio")]
    ).to_pylist()
    assert (prior["stem"], prior["n"]) == ("vocals", 2)
    assert "positive_ratio" in done.stdout.partition("QUERY")[2]
    report = (run / "report.html").read_text("utf-8")
    stereo = report.partition("<h3>Stereo</h3>")[2].partition("<h3>")[0]
    assert "Samples above zero" in stereo


def test_the_documents_list_the_statistics_of_the_registry():
    assert statistics.table() in statistics.DOCUMENT.read_text("utf-8"), "python -m tools.docs.statistics"


def test_the_example_for_contributors_is_a_statistic():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    [example] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names = {"Column": Column, "Family": Family, "Statistic": Statistic}
    exec(textwrap.dedent(f"   {example.lstrip()}"), names)
    [column] = names["STATISTIC"].columns
    assert (column.name, column.resolution, column.family) == ("width_db", 0.01, Family.STEREO)
