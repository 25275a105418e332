"""The table of roles is sound: nobody is on both sides, and nothing that counts has another role than it may have."""

from pathlib import Path

import pytest

from mixprior.pipeline.catalogs import roles
from mixprior.stats.errors import InputError
from tools import ROLES
from tools.songs import manifest

HEADER = "sha256,artist,featured,collection,path,title,genre,year,sung,licence,source,role"


def table(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "roles.csv"
    path.write_text("\n".join((HEADER, *rows)) + "\n")
    return path


def row(digit: str, artist: str, role: str, featured: str = "") -> str:
    return f"{digit * 64},{artist},{featured},songs,a.wav,A,Pop,1999,yes,CC0,here,{role}"


def test_the_table_of_this_project_is_sound():
    """Every artist, featured ones too, has one role (`read` refuses others), and every recording a licence."""
    recordings = roles.read(ROLES)
    assert all(each.licence and each.source and each.artist and each.collection and each.path for each in recordings)
    assert all(each.sung in ("yes", "no", "") for each in recordings)
    assert {each.role for each in recordings} == set(roles.ROLES) - {"train-mixer"}
    roles.refuse_many_by_one(roles.read(ROLES, "prior"))


def test_rows_of_some_roles_are_read_in_order(tmp_path):
    path = table(tmp_path, row("a", "Ana", "prior", "Bo; Cy"), row("b", "Di", "judge"), row("c", "Ana", "prior"))
    assert [each.sha256[0] for each in roles.read(path, "prior", "choose")] == ["a", "c"]
    assert roles.read(path)[0].artists == {"ana", "bo", "cy"}


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ((row("a", "Ana", "prior"), row("b", "Bo", "judge", "Cy; ANA")), "ana has two roles, prior and judge"),
        ((row("a", "Ana", "prior"), row("a", "Bo", "judge")), "a{64} has two roles"),
        ((row("a", "Ana", "prior"), row("a", "Ana", "prior")), "listed twice"),
        ((row("a", "Ana", "priors"),), "the role 'priors'"),
        ((row("x", "Ana", "prior"),), "no SHA-256"),
    ],
)
def test_a_table_with_an_artist_or_a_song_on_two_sides_is_refused(tmp_path, rows, reason):
    with pytest.raises(InputError, match=reason):
        roles.read(table(tmp_path, *rows))


def test_a_table_without_its_columns_is_refused(tmp_path):
    (tmp_path / "roles.csv").write_text("artist,role\nAna,prior\n")
    with pytest.raises(InputError, match="is no table of roles with the columns sha256, artist"):
        roles.read(tmp_path / "roles.csv")


def test_more_than_five_songs_of_one_lead_are_refused(tmp_path):
    path = table(tmp_path, *(row(digit, "Ana", "prior") for digit in "abcdef"))
    with pytest.raises(InputError, match="more than 5 songs by Ana"):
        roles.refuse_many_by_one(roles.read(path))


def test_recordings_are_found_by_what_they_hold_and_listed_as_a_manifest(tmp_path, monkeypatch, capsys):
    (tmp_path / "music" / "new").mkdir(parents=True)
    (tmp_path / "music" / "new" / "=name.wav").write_bytes(b"")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    rows = (row("a", "Ana", "prior"), row("b", "Bo", "prior").replace("b" * 64, empty))
    monkeypatch.setattr(manifest, "ROLES", table(tmp_path, *rows))
    assert manifest.main(["prior", str(tmp_path / "music"), "-o", str(tmp_path / "out.csv")]) == 3
    assert "not found: Ana - A (here)" in capsys.readouterr().err
    header, listed = (tmp_path / "out.csv").read_text().splitlines()
    assert header.startswith("path,title,artist,featured,genre,year,sung")
    assert listed == f"{tmp_path}/music/new/=name.wav,A,Bo,,Pop,1999,yes,songs,CC0,here"
