"""Whatever a user points at becomes the same songs, in a fixed order, or a line that says what is wrong."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mixprior.pipeline.catalogs.catalog import open_catalog
from mixprior.pipeline.store import object_store
from mixprior.pipeline.store.records import InputError, Song
from mixprior.stats.priors.tally import metadata_of
from tests.conftest import ROOT

ROWS = [
    {"path": "b.mp3", "title": "Bé", "year": 1999, "bpm": 120.5, "live": True, "code": "007", "note": None},
    {"path": "sub/a.mp3", "title": "2", "year": 2004, "bpm": 98.0, "live": False, "code": "12", "note": "x, y"},
]


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"not opened")
    return folder


def found(location) -> list[Song]:
    return list(open_catalog(str(location)))


def relative(root, songs) -> list[str]:
    return [os.path.relpath(song.path, root) for song in songs]


def write_rows(path: Path, rows: list[dict]) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".csv":
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_one_file_is_a_catalog_of_one_song(tmp_path):
    touch(tmp_path, "Song.FLAC")
    assert found(tmp_path / "Song.FLAC") == [Song(str(tmp_path / "Song.FLAC"))]


def test_a_folder_gives_its_audio_in_the_order_of_paths(tmp_path):
    touch(
        *(tmp_path, "b.mp3", "a/z.ogg", "a/c/1.wav", "c.m4a", "A.aiff", "cover.jpg", "notes.txt", "film.mp4"),
        *("x.stem.mp4", "y.Stem.MP4"),
    )
    touch(tmp_path, ".hidden.mp3", "._b.mp3", ".cache/d.mp3", "a/__MACOSX/._1.wav", "mine/mix.wav", "mine/mix.json")
    expected = ["A.aiff", "a/c/1.wav", "a/z.ogg", "b.mp3", "c.m4a", "x.stem.mp4", "y.Stem.MP4"]
    assert relative(tmp_path, found(tmp_path)) == expected
    assert [song.has_stems for song in found(tmp_path)] == [False] * 5 + [True] * 2


def test_relative_location_gives_absolute_paths(tmp_path, monkeypatch):
    touch(tmp_path, "music/a.mp3")
    monkeypatch.chdir(tmp_path)
    assert found("music/") == found("./music") == found(f"file://{tmp_path}/music") == found(tmp_path / "music")


@pytest.mark.parametrize("suffix", ["wav", "flac", "m4a", "WAV"])
@pytest.mark.parametrize("mixture", [False, True])
def test_musdb_folders_are_songs_with_stems(tmp_path, suffix, mixture):
    names = ["vocals", "drums", "bass", "other", *(["mixture"] if mixture else [])]
    for track in ("train/B - Song", "train/A - Song", "test/C - Song"):
        touch(tmp_path / track, *(f"{name}.{suffix}" for name in names), "linear_mixture.wav")
    songs = found(tmp_path)
    assert relative(tmp_path, songs) == ["test/C - Song", "train/A - Song", "train/B - Song"]
    song = songs[0]
    assert [name for name, _ in song.stems] == ["bass", "drums", "other", "vocals"]
    assert all(path == f"{song.path}/{name}.{suffix}" for name, path in song.stems)
    assert song.mixture == (f"{song.path}/mixture.{suffix}" if mixture else None)


def test_one_folder_of_stems_is_a_catalog_of_one_song(tmp_path):
    touch(tmp_path, "vocals.wav", "other.wav", "vocals.mp3")
    (song,) = found(tmp_path)
    assert (song.path, dict(song.stems)["vocals"]) == (str(tmp_path), str(tmp_path / "vocals.wav"))


def test_output_of_demucs_is_songs_with_stems(tmp_path):
    touch(tmp_path / "separated" / "htdemucs" / "One", "vocals.wav", "drums.wav", "bass.wav", "other.wav")
    touch(tmp_path / "separated" / "htdemucs" / "Two", "vocals.mp3", "no_vocals.mp3")
    touch(tmp_path / "separated" / "htdemucs_6s" / "Three", *("vocals.wav", "drums.wav", "guitar.wav", "piano.wav"))
    touch(tmp_path / "separated" / "spleeter" / "Four", "vocals.wav", "accompaniment.wav")
    touch(tmp_path / "separated" / "all" / "Five", "vocals.wav", "drums.wav", "no_vocals.wav")
    stems = {os.path.basename(song.path): [name for name, _ in song.stems] for song in found(tmp_path / "separated")}
    assert stems == {
        "One": ["bass", "drums", "other", "vocals"],
        "Two": ["backing", "vocals"],
        "Three": ["drums", "guitar", "piano", "vocals"],
        "Four": ["backing", "vocals"],
        "Five": ["drums", "vocals"],
    }


def test_vocals_alone_are_a_plain_song_and_with_a_mixture_they_are_stems(tmp_path):
    touch(tmp_path, "a/vocals.wav", "b/vocals.wav", "b/mixture.wav", "c/drums.wav", "c/bass.wav")
    songs = found(tmp_path)
    assert relative(tmp_path, songs) == ["a/vocals.wav", "b", "c/bass.wav", "c/drums.wav"]
    assert songs[1].mixture == str(tmp_path / "b" / "mixture.wav")


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".ndjson", ".parquet"])
def test_manifest_gives_songs_in_its_order_with_typed_metadata(tmp_path, suffix):
    songs = found(write_rows(tmp_path / f"songs{suffix}", ROWS))
    assert relative(tmp_path, songs) == ["b.mp3", "sub/a.mp3"]
    assert songs[0].metadata == (
        *(("title", "Bé"), ("year", 1999), ("bpm", 120.5), ("live", True), ("code", "007"), ("note", None)),
    )
    second = dict(songs[1].metadata)
    assert second == {"title": "2", "year": 2004, "bpm": 98.0, "live": False, "code": "12", "note": "x, y"}
    assert [type(value) for _, value in songs[1].metadata] == [str, int, float, bool, str, str]
    assert [Song.from_json(song.to_json()) for song in songs] == songs


def test_a_column_has_one_type(tmp_path):
    manifest = tmp_path / "songs.csv"
    manifest.write_text("path,a,b,c,d,e\na.mp3,1,TRUE,1e3,,1_0\nb.mp3,2.5,0,nan,,2\nc.mp3,,false,x,,3\n")
    columns = {name: [dict(song.metadata)[name] for song in found(manifest)] for name in "abcde"}
    assert columns == {
        "a": [1.0, 2.5, None],
        "b": ["TRUE", "0", "false"],
        "c": ["1e3", "nan", "x"],
        "d": [None, None, None],
        "e": ["1_0", "2", "3"],
    }
    assert isinstance(columns["a"][0], float)


def test_a_number_beyond_all_floats_is_no_value(tmp_path):
    csv, jsonl = tmp_path / "songs.csv", tmp_path / "songs.jsonl"
    csv.write_text(f"path,a,b\na.mp3,1e999,2\nb.mp3,-1e999,{'9' * 400}\nc.mp3,1.5,1\n")
    lines = [("a", "1e999", "2"), ("b", "-1e999", "9" * 400), ("c", "1.5", "1")]
    jsonl.write_text("".join(f'{{"path": "{name}.mp3", "a": {a}, "b": {b}}}\n' for name, a, b in lines))
    for manifest in (csv, jsonl):
        songs = found(manifest)
        assert [dict(song.metadata) for song in songs] == [
            {"a": None, "b": 2.0},
            {"a": None, "b": None},
            {"a": 1.5, "b": 1.0},
        ]
        assert all(metadata_of(json.dumps(dict(song.metadata))) is not None for song in songs)


def test_nested_values_and_missing_keys_of_jsonl(tmp_path):
    manifest = tmp_path / "songs.jsonl"
    manifest.write_text('{"path": "a.mp3", "tags": ["x", "y"]}\n\n{"path": "b.mp3", "year": NaN, "n": 1}\n')
    first, second = found(manifest)
    assert first.metadata == (("tags", '["x", "y"]'), ("year", None), ("n", None))
    assert second.metadata == (("tags", None), ("year", None), ("n", 1))


@pytest.mark.fault(22)
def test_manifest_with_byte_order_mark_and_dos_lines(tmp_path):
    manifest = tmp_path / "songs.csv"
    manifest.write_bytes('\ufeffpath,artist\r\n"new\r\nline.mp3",Ü\r\n'.encode())
    (song,) = found(manifest)
    assert song == Song(str(tmp_path / "new\r\nline.mp3"), metadata=(("artist", "Ü"),))


def test_manifest_lists_absolute_paths_and_urls(tmp_path):
    manifest = tmp_path / "songs.csv"
    manifest.write_text("path\n/data/disk/a.mp3\nmemory://bucket/b.mp3\n./c/../d.mp3\nfile:///data/e.mp3\n")
    expected = ["/data/disk/a.mp3", "memory://bucket/b.mp3", str(tmp_path / "d.mp3"), "/data/e.mp3"]
    assert [song.path for song in found(manifest)] == expected


def test_manifest_lists_stems(tmp_path):
    manifest = tmp_path / "songs.csv"
    manifest.write_text(
        "path,vocals,drums,mixture,genre\n"
        "one,one/v.wav,one/d.wav,one/m.wav,rock\n"
        "two,two/v.wav,two/d.wav,,rock\n"
        "three.wav,three/v.wav,,,jazz\n"
        "four.wav,,,,jazz\n"
    )
    one, two, three, four = found(manifest)
    base = str(tmp_path)
    assert one.stems == (("drums", f"{base}/one/d.wav"), ("vocals", f"{base}/one/v.wav"))
    assert (one.mixture, two.mixture, three.mixture) == (f"{base}/one/m.wav", None, f"{base}/three.wav")
    assert three.stems == (("vocals", f"{base}/three/v.wav"),)
    assert (four.has_stems, four.metadata) == (False, (("genre", "jazz"),))


def test_manifest_lists_folders_of_stems(tmp_path):
    touch(tmp_path / "train" / "Song", "vocals.wav", "drums.wav", "mixture.wav")
    touch(tmp_path / "train" / "Empty", "readme.txt")
    manifest = write_rows(tmp_path / "songs.csv", [{"path": "train/Song", "genre": "rock"}])
    (song,) = found(manifest)
    assert (len(song.stems), os.path.basename(song.mixture), song.metadata) == (2, "mixture.wav", (("genre", "rock"),))
    with pytest.raises(InputError, match="line 2: the folder train/Empty"):
        found(write_rows(manifest, [{"path": "train/Empty"}]))


@pytest.mark.fault(22)
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1: the manifest is empty"),
        (b"path,a\n", "lists no songs"),
        (b"file,a\nx.mp3,1\n", "line 1: no column called `path` among file, a"),
        (b"path,a,a\nx.mp3,1,2\n", "line 1: the column a appears twice"),
        (b"path,a\nx.mp3,1\ny.mp3,2\n./x.mp3,3\n", "line 4: ./x.mp3 is listed twice, first in 2"),
        (b"path,a\nx.mp3,1\ny.mp3\n", "line 3: 1 cells, but the header has 2"),
        (b"path,a\nx.mp3,1\n,2\n", "line 3: no `path`"),
        (b"path\nx.mp3\n../../etc/passwd\n", "line 3: `path` leads out"),
        (b"path\na/../../x.mp3\n", "line 2: `path` leads out"),
        (b"path\nx\0.mp3\n", "line 2: "),
        (b"path\nx.mp3\n\xe9.mp3\n", "line 3: not UTF-8"),
        ("path\nx.mp3\n".encode("utf-16"), "line 1: not UTF-8"),
        (b'path\n"x.mp3\n', "line 2: unexpected end of data"),
        (b"path,vocals\nx,v.wav\n", "line 2: stems need"),
        (b"path,mixture\nx.wav,m.wav\n", "line 2: stems need"),
        (b"path,drums,bass\nx,d.wav,b.wav\n", "line 2: stems need"),
        (b"path\n" + b"x" * 2_000_000, "line 2: longer than"),
    ],
)
def test_mistakes_in_a_csv_are_reported_with_their_line(tmp_path, content, message):
    (tmp_path / "songs.csv").write_bytes(content)
    with pytest.raises(InputError) as caught:
        open_catalog(str(tmp_path / "songs.csv"))
    assert message in str(caught.value)
    assert "songs.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1: the manifest is empty"),
        ('{"path": "a.mp3"}\n{"path": \n', "line 2: no JSON"),
        ('{"path": "a.mp3"}\n["b.mp3"]\n', "line 2: no JSON object"),
        ('{"file": "a.mp3"}\n', "line 1: no `path` among file"),
        ('{"path": 3}\n', "line 1: `path` is 3, not a path"),
        ('{"path": null}\n', "line 1: no `path`"),
        ('{"path": "a.mp3", "vocals": true}\n', "line 1: `vocals` is True, not a path"),
        ('{"path": "a.mp3"}\n{"path": "a.mp3"}\n', "line 2: a.mp3 is listed twice, first in 1"),
    ],
)
def test_mistakes_in_jsonl_are_reported_with_their_line(tmp_path, content, message):
    (tmp_path / "songs.jsonl").write_text(content)
    with pytest.raises(InputError) as caught:
        open_catalog(str(tmp_path / "songs.jsonl"))
    assert message in str(caught.value)


def test_mistakes_in_parquet_are_reported_with_their_row(tmp_path):
    manifest = tmp_path / "songs.parquet"
    for rows, message in (
        ([{"path": "a.mp3"}, {"path": "a.mp3"}], "row 2: a.mp3 is listed twice, first in 1"),
        ([{"file": "a.mp3"}], "no column called `path` among file"),
        ([{"path": 1}], "row 1: `path` is 1, not a path"),
    ):
        with pytest.raises(InputError, match=message):
            open_catalog(str(write_rows(manifest, rows)))
    manifest.write_bytes(manifest.read_bytes()[:-20])
    with pytest.raises(InputError, match="no readable Parquet file"):
        open_catalog(str(manifest))


@pytest.mark.fault(22)
def test_what_is_no_catalog_is_told(tmp_path):
    touch(tmp_path, "notes.txt", "empty/readme.md")
    for location, message in (
        (tmp_path / "nowhere", "neither a file nor a folder"),
        (tmp_path / "notes.txt", "neither a manifest"),
        (tmp_path / "empty", r"holds no songs: looked for audio files \(\.wav .*\) and folders of stems"),
        ("memory://nowhere", "neither a file nor a folder"),
    ):
        with pytest.raises(InputError, match=message):
            open_catalog(str(location))


def test_a_linked_root_is_no_escape(tmp_path):
    touch(tmp_path, "disk/music/a.mp3")
    write_rows(tmp_path / "disk" / "music" / "songs.csv", [{"path": "a.mp3"}])
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "music")
    assert len(found(tmp_path / "link")) == len(found(tmp_path / "link" / "songs.csv")) == 1


def test_remote_folder_and_manifest_give_the_same_songs_as_local_ones(tmp_path):
    names = ["a.mp3", "sub/b.flac", "train/Song/vocals.wav", "train/Song/drums.wav", "x.stem.mp4", ".hidden.mp3"]
    touch(tmp_path, *names)
    manifest = write_rows(tmp_path / "songs.csv", [{"path": "sub/b.flac"}, {"path": "train/Song"}])
    memory = fsspec.filesystem("memory")
    for name in [*names, manifest.name]:
        memory.pipe_file(f"/lake/{name}", (tmp_path / name).read_bytes())
    root = "memory://lake"

    def moved(songs):
        return [Song.from_json(song.to_json().replace(str(tmp_path), root)) for song in songs]

    assert len(found(root)) == 4
    assert found(root) == found(f"{root}/") == moved(found(tmp_path))
    assert found(f"{root}/songs.csv") == moved(found(manifest))
    assert found(f"{root}/a.mp3") == [Song(f"{root}/a.mp3")]
    memory.pipe_file("/lake/songs.csv", b"path\n/data/a.mp3\n")
    with pytest.raises(InputError, match="local path in a remote manifest"):
        found(f"{root}/songs.csv")


@pytest.mark.parametrize(("scheme", "module", "extra"), [("gs", "gcsfs", "gcp"), ("s3", "s3fs", "aws")])
def test_a_missing_driver_names_the_extra_to_install(tmp_path, monkeypatch, scheme, module, extra):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, scheme, raising=False)
    object_store.need_driver.cache_clear()
    with pytest.raises(InputError, match=rf"pip install 'mixprior\[{extra}\]'"):
        open_catalog(f"{scheme}://bucket/songs")
    manifest = write_rows(tmp_path / "songs.csv", [{"path": f"{scheme}://bucket/a.mp3"}])
    with pytest.raises(InputError, match=rf"pip install 'mixprior\[{extra}\]'"):
        open_catalog(str(manifest))


def test_an_unknown_scheme_is_told():
    with pytest.raises(InputError, match="nonsense:// cannot be read here"):
        open_catalog("nonsense://bucket/songs")


@pytest.mark.fault(22)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("suffix", "rows"),
    [
        *(pytest.param(suffix, 10**6, marks=pytest.mark.nightly("material")) for suffix in (".csv", ".parquet")),
        *((suffix, 10**5) for suffix in (".csv", ".jsonl", ".parquet")),
    ],
)
def test_long_manifests_stream(tmp_path, suffix, rows):
    """In a process of its own, a million rows below 400 MB in all, interpreter and libraries included."""
    manifest = tmp_path / f"songs{suffix}"
    if suffix == ".parquet":
        columns = {"path": [f"{n // 1000}/{n}.mp3" for n in range(rows)], "genre": ["rock"] * rows}
        pq.write_table(pa.table(columns), manifest)
    else:
        with open(manifest, "w", encoding="utf-8") as file:
            file.write("path,genre\n" if suffix == ".csv" else "")
            row = "{0}/{1}.mp3,rock\n" if suffix == ".csv" else '{{"path": "{0}/{1}.mp3", "genre": "rock"}}\n'
            file.writelines(row.format(n // 1000, n) for n in range(rows))
    script = """if True:
        import re, sys
        from mixprior.pipeline.catalogs.catalog import open_catalog
        from mixprior.pipeline.store.song_list import SongList
        songs = SongList.of(open_catalog(sys.argv[1]))  # what `mine` keeps of them
        print(sum(1 for _ in songs))
        print(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1])
    """
    command = [sys.executable, "-c", script, str(manifest)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    songs, peak_kb = map(int, done.stdout.split())
    assert songs == rows
    assert peak_kb * 1024 < 150e6 + 250 * rows


def test_neither_torch_nor_beam_is_imported():
    script = (
        "import sys, mixprior.pipeline.catalogs.catalog, mixprior.pipeline.audio.decode; "
        "print({'torch', 'apache_beam'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
