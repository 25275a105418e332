"""The list of roles: with or without extensions, from a spreadsheet, refused in words where it does not fit."""

import pytest

from mixprior.mixing.mix.roles_file import read
from mixprior.mixing.rules.roles import Role
from mixprior.stats.errors import InputError


def write(folder, text):
    path = folder / "roles.csv"
    path.write_text(text, "utf-8")
    return path


def test_a_list_tells_the_roles_with_or_without_extension(tmp_path):
    path = write(tmp_path, "track,role\nAudio 07,vocals\n808.wav, drums \n")
    found = read(path, ["Audio 07.wav", "808.wav", "Piano.wav"])
    assert found == {
        "Audio 07.wav": Role("vocals", 1.0, "listed in roles.csv"),
        "808.wav": Role("drums", 1.0, "listed in roles.csv"),
    }


def test_a_list_from_a_spreadsheet_is_read(tmp_path):
    path = write(tmp_path, "﻿role,track,notes\r\nbass,A.wav,mono\r\n")
    assert read(path, ["A.wav"])["A.wav"].role == "bass"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("track,role\nA,lead\n", r"roles.csv:2: no role 'lead'; there are: vocals, drums, bass, other"),
        ("track,role\nA,\n", r"roles.csv:2: no role ''"),
        ("track,role\nA\n", r"roles.csv:2: no role ''"),
        ("track,role\nAA.wav,bass\n", r"roles.csv:2: no track 'AA.wav'; did you mean A.wav\?"),
        ("track,role\nA,bass\nA.wav,drums\n", r"roles.csv:3: A.wav is listed twice"),
        ("name,role\nA,bass\n", "must name the columns track and role"),
        ("", "must name the columns track and role"),
    ],
)
def test_a_list_that_does_not_fit_is_refused(tmp_path, text, told):
    with pytest.raises(InputError, match=told):
        read(write(tmp_path, text), ["A.wav"])


def test_a_list_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "roles.csv", [])
    (tmp_path / "roles.csv").write_bytes(b"track,role\n\xff\xfe,bass\n")
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "roles.csv", [])
