"""What cannot be meant is refused in one line, before any work, by the command and by the library."""

import math

import pytest

from mixprior.pipeline.aggregate import aggregate
from mixprior.pipeline.mine import mine
from mixprior.pipeline.store import files
from mixprior.pipeline.store.layout import RunFolder
from mixprior.stats.errors import InputError
from tests.command import run


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("--max-minutes", value) for value in ("nan", "inf", "0", "-1")),
        *(("--max-failures", value) for value in ("inf%", "nan%", "-1%", "inf", "nan", "-1", "x", "%")),
        *(("--overlap", value) for value in ("nan", "inf", "1", "-0.1")),
        *(("--limit", value) for value in ("0", "-1")),
        *(("--min-group", value) for value in ("0", "-1")),
        *(("--workers", value) for value in ("0", "-1")),
    ],
)
def test_options_out_of_range_are_refused_in_one_line(tmp_path, stems_catalog, option, value):
    done = run("mine", stems_catalog, "-o", tmp_path / "out", f"{option}={value}", expect=2)
    assert done.stderr.startswith("mixprior: ")
    assert done.stderr.count("\n") == 1
    assert option in done.stderr or option.removeprefix("--") in done.stderr
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


@pytest.mark.parametrize("max_minutes", [math.nan, math.inf, 0.0, -1.0])
def test_the_library_refuses_them_too(tmp_path, stems_catalog, max_minutes):
    with pytest.raises(InputError, match="max-minutes"):
        mine(stems_catalog, tmp_path / "out", max_minutes=max_minutes)
    assert not (tmp_path / "out" / "features").exists()


@pytest.mark.parametrize("option", [("-o", ""), ("-o", " "), ("--output", ""), ("--output=",)])
@pytest.mark.parametrize(
    "command",
    [
        *(("mine", "songs"), ("aggregate", "run"), ("merge", "a", "b"), ("calibrate", "songs"), ("report", "priors")),
        *(("constants", "priors"), ("mix", "--vocal", "v.wav", "--backing", "b.wav"), ("demo",)),
        *(("normalize", "songs", "--constants", "c.npy"), ("reverb", "render", "preset.json")),
        ("catalog", "build", "folder", "--dataset", "gtzan"),
    ],
    ids=lambda command: command[0],
)
def test_an_output_without_a_name_is_refused(tmp_path, monkeypatch, command, option):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    done = run(*command, *option, expect=2)
    assert "-o takes the name of a file or folder: it is empty" in done.stderr
    assert not list(tmp_path.rglob("*"))[1:]


@pytest.mark.parametrize("output", ["", " ", "/", "//", "gs://", "file://"])
def test_a_run_has_a_folder_with_a_name(mined_run, output):
    """An empty name wrote to the root of the file system."""
    with pytest.raises(InputError, match="give one with a name"):
        RunFolder.at(output)
    with pytest.raises(InputError, match="give one with a name"):
        aggregate(mined_run, output)


@pytest.mark.parametrize("name", ["", " "])
def test_a_file_to_write_has_a_name(name):
    with pytest.raises(InputError, match="no name"):
        files.write_bytes(name, b"")
    with pytest.raises(InputError, match="no name"), files.replacing(name):
        pass
