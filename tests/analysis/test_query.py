"""`mixprior query` as a user sees it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mixprior import main
from tests.analysis.priors_folder import RATIO, RATIO_OF_ROCK, SPREAD, row, write_priors

TABLE = """\
stem    statistic            unit  group          n     mean    sd      p5     p25     p50     p75     p95
song    vocal_to_backing_lu  LU    all          100    -2.15  2.48   -5.50   -3.70   -1.89   -0.60    1.30
vocals  centroid_hz          Hz    all          100   1000.0  1001.0  1004.0  1006.0  1007.0  1008.0  1010.0
song    vocal_to_backing_lu  LU    genre=jazz     0        -     -       -       -       -       -       -
"""

VECTORS = """\
Vectors, whose bins --stat NAME prints:
stem    statistic  unit  group   n
vocals  sps_phi    1     all    92  3 bins
"""


@pytest.fixture
def folder(tmp_path):
    return str(write_priors(tmp_path))


def test_the_table_reads_as_it_should(folder, capsys):
    assert main(["query", folder]) == 0
    scalars, vectors = capsys.readouterr().out.split("\n\n")
    assert vectors == VECTORS
    lines = scalars.splitlines()
    assert [line.split() for line in lines[:4]] == [line.split() for line in TABLE.splitlines()]
    assert len({len(line) for line in lines}) == 1, "numbers are set to the right of their columns"
