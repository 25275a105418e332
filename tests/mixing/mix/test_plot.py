"""The picture of a mix: a grid that reads at 1,200 pixels, with what was aimed for, drawn from what was mixed."""

import numpy as np
import pytest

from mixprior import mix_tracks
from mixprior.analysis import picture
from mixprior.mixing.effects import chain
from mixprior.mixing.mix import comparison, plot
from mixprior.mixing.mix.comparison import Part
from mixprior.mixing.plan.targets import Targets, Unreliable
from mixprior.pipeline.synthesis import RATE_HZ
from tests.mixing.multitrack_song import bass, hats, kick, pad, sung

TRACKS = {"Kick": kick, "Hats": hats, "Bass": bass, "Pad": pad, "Lead Vox": sung}


@pytest.fixture(scope="module")
def mixed():
    return mix_tracks({name: make() for name, make in TRACKS.items()}, RATE_HZ)


@pytest.fixture(scope="module")
def compared(mixed):
    return comparison.compare(mixed, Targets.of())


@pytest.fixture(scope="module")
def drawn(compared, tmp_path_factory):
    """The figure, as it was written."""
    found = []
    with pytest.MonkeyPatch.context() as patched:
        write = picture.write
        patched.setattr(
            picture, "write", lambda figure, *args, **kw: (found.append(figure), write(figure, *args, **kw))
        )
        path = tmp_path_factory.mktemp("plot") / "mix.png"
        plot.write(path, compared)
    return found[0], path


def test_it_is_a_grid_of_1200_pixels(drawn):
    image = pytest.importorskip("PIL.Image")
    figure, path = drawn
    with image.open(path) as read:
        width, height = read.size
    assert abs(width - 1200) <= 2
    assert 0.4 < height / width < 0.8
    assert len(figure.axes) == 6
    assert len({round(axis.get_position().y0, 2) for axis in figure.axes}) == 2


def test_frequencies_are_named_at_63_250_1k_and_4k(drawn):
    for axis in drawn[0].axes[:5]:
        assert axis.get_xticks().tolist() == [63, 250, 1000, 4000]
        assert [label.get_text() for label in axis.get_xticklabels()] == ["63 Hz", "250", "1k", "4k"]


def test_before_after_the_songs_and_the_targets_are_in_it(drawn, compared, mixed):
    figure = drawn[0]
    [legend] = figure.legends
    named = {text.get_text() for text in legend.get_texts()}
    assert named == {"half of the songs", "their median", "before", "after", "target"}
    spectra = {axis.get_title(loc="left").partition(" (")[0]: axis for axis in figure.axes[:5]}
    for part in compared.parts:
        lines = {line.get_label(): line for line in spectra[part.name].get_lines()}
        np.testing.assert_array_equal(lines["before"].get_ydata(), part.before_db)
        np.testing.assert_array_equal(lines["after"].get_ydata(), part.after_db)
    levels = figure.axes[5]
    assert levels.get_yticklabels()[-1].get_text() == "vocals over\nbacking"
    aims = [line.get_xdata()[0] for line in levels.get_lines() if line.get_label() == "target"]
    [ratio] = [step for step in mixed.recipe.steps if step.name == "level" and step.of == "vocals"]
    assert ratio.target["vocal_to_backing_lu"] in aims
    low, high = levels.get_xlim()
    assert all(low < edge < high for part in compared.parts for edge in part.level.half or ())


def test_drawing_renders_nothing_again(mixed, monkeypatch):
    monkeypatch.setattr(chain, "render_all", lambda *_: pytest.fail("an effect was rendered"))
    comparison.compare(mixed, Targets.of())


def test_what_priors_are_not_reliable_for_is_drawn_without_them(mixed, monkeypatch, tmp_path):
    def doubted(*_):
        raise Unreliable("separation errs")

    monkeypatch.setattr(Targets, "lookup", doubted)
    monkeypatch.setattr(Targets, "source", doubted)
    found = comparison.compare(mixed, Targets.of())
    assert all(isinstance(part, Part) and part.songs is None and part.level.half is None for part in found.parts)
    plot.write(tmp_path / "mix.svg", found)
    assert (tmp_path / "mix.svg").read_text("utf-8").count("no reliable prior") == len(found.parts)


def test_a_missing_folder_of_a_picture_is_made(tmp_path):
    path = tmp_path / "new" / "inner" / "mix.svg"
    picture.check(path)
    picture.write(picture.figure(1.0, 1.0), path, dpi=50)
    assert path.read_text("utf-8").startswith("<?xml")
