"""`mixprior query --plot`: the picture shows the numbers of the priors."""

import sys

import pytest
from matplotlib.axes import Axes

from mixprior import main
from mixprior.analysis.plot import plot
from mixprior.stats.errors import InputError
from tests.analysis.priors_folder import RATIO, RATIO_OF_ROCK, row, write_priors


def test_boxes_are_the_quantiles(tmp_path, monkeypatch):
    drawn = []
    draw = Axes.bxp
    monkeypatch.setattr(Axes, "bxp", lambda axes, boxes, **kw: drawn.extend(boxes) or draw(axes, boxes, **kw))
    folder = write_priors(tmp_path)
    picture = tmp_path / "ratio.png"
    assert main(["query", str(folder), "--stat", RATIO, "--plot", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    box = next(box for box in drawn if "genre=rock" in box["label"])
    assert [box[k] for k in ("whislo", "q1", "med", "q3", "whishi", "mean")] == [-6.0, -4.5, -3.25, -2.5, -1.0, -3.5]
    assert "n = 40" in box["label"]
    assert not any("jazz" in box["label"] for box in drawn)  # measured on no song


@pytest.mark.parametrize(("quartiles", "low"), [((0.25, 0.75), 0.25), ((None, None), 0.4)])
def test_a_curve_lies_in_its_quartiles_or_one_sd(tmp_path, monkeypatch, quartiles, low):
    filled = []
    fill = Axes.fill_between
    monkeypatch.setattr(Axes, "fill_between", lambda axes, *a, **kw: filled.append(a) or fill(axes, *a, **kw))
    place = dict(zip(("p25", "p75"), quartiles, strict=True))
    rows = [
        {**row("all", "vocals", "sps_phi", "1", 9, (0.5, 0.1, *[None] * 9), i, 10.0 * i), **place} for i in range(5)
    ]
    plot(rows, tmp_path / "phi.svg")
    ((places_hz, lows, highs),) = filled
    assert places_hz.tolist() == [20.0, 30.0, 40.0]  # a log axis has no zero
    assert lows == pytest.approx([low] * 3)
    assert highs == pytest.approx([1.0 - low] * 3)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--plot", "x.png"], "needs --stat"),
        (["--stat", RATIO, "--plot", "x.txt"], "written as .png"),
        (["--stat", RATIO, "--group", "genre=jazz", "--plot", "x.png"], "measured on no song"),
    ],
)
def test_what_cannot_be_drawn_is_told_in_one_line(tmp_path, monkeypatch, capsys, options, complaint):
    folder = write_priors(tmp_path / "priors")
    monkeypatch.chdir(tmp_path)
    assert main(["query", str(folder), *options]) == 2
    err = capsys.readouterr().err
    assert complaint in err
    assert err.count("\n") == 1


def test_without_matplotlib_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(InputError, match=r"pip install 'mixprior\[plot\]'"):
        plot([row("all", "song", RATIO, "LU", 40, RATIO_OF_ROCK)], tmp_path / "x.png")
