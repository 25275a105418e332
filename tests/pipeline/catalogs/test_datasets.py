"""Published datasets, laid out as their authors lay them out, become manifests; what they lack is told by name."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from mixprior import __main__ as front_door
from mixprior.pipeline.catalogs.catalog import open_catalog
from mixprior.pipeline.catalogs.datasets.dataset import DATASETS, tracks_of
from mixprior.pipeline.catalogs.datasets.fma import tracks as fma_tracks
from mixprior.pipeline.store.records import InputError, Song
from tests.pipeline.sounds import tone, write

AUDIO = b"RIFF is how a WAV file begins; none of these is opened"
HQ = ("vocals", "drums", "bass", "other", "mixture")


def put(folder: Path, *names: str, content: bytes | str = AUDIO) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def fma(root: Path) -> Path:
    """Three header rows, as `fma_metadata/tracks.csv` has them; of its 52 columns those that matter, and a long one."""
    header = [
        ["", "album", "artist", "artist", "set", "set", "track", "track", "track", "track"],
        ["", "date_released", "bio", "name", "split", "subset", "date_recorded", "genre_top", "genres", "title"],
        ["track_id"] + [""] * 9,
    ]
    rows = [
        [2, "2009-01-05 00:00:00", "x" * 200_000, "AWOL", "training", "small", "2008-11-26", "Hip-Hop", "[21]", "Food"],
        [140, "", "<p>two\nlines</p>", "Alec", "test", "small", "2007-01-01 00:00:00", "", "[21, 999]", 'A "B", c'],
        [10666, "", "", "Kurt", "validation", "medium", "", "Rock", "[]", "1979"],
        [155066, "2017-03-30 00:00:00", "", "Ours", "training", "large", "", "", "[]", "Last"],
    ]
    echonest = [
        ["", "echonest", "echonest"],
        ["", "audio_features", "audio_features"],
        ["", "energy", "tempo"],
        ["track_id", "", ""],
        ["2", "0.63", "165.922"],
        ["140", "0.5", "0.0"],
    ]
    (root / "fma_metadata").mkdir(parents=True)
    for name, table in (("tracks.csv", header + rows), ("echonest.csv", echonest)):
        with open(root / "fma_metadata" / name, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(table)
    put(root, "fma_metadata/genres.csv", content="genre_id,#tracks,parent,title,top_level\n21,12910,0,Hip-Hop,21\n")
    return put(root, "fma_small/000/000002.mp3", "fma_small/000/000140.mp3")


def jamendo(root: Path) -> Path:
    columns = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\n"
    one = "track_0000214\tartist_000014\talbum_000031\t14/214.mp3\t124.6\tgenre---punkrock\n"
    two = (
        "track_0000382\tartist_000020\talbum_000046\t82/382.mp3\t211.1\tgenre---pop\tgenre---rock"
        "\tinstrument---voice\tmood/theme---calm\n"
    )
    put(root, "data/autotagging.tsv", content=columns + one + two)
    put(root, "data/splits/split-0/autotagging-test.tsv", content=columns + two)
    put(
        root,
        "data/raw.meta.tsv",
        content="TRACK_ID\tARTIST_ID\tALBUM_ID\tTRACK_NAME\tARTIST_NAME\tALBUM_NAME\tRELEASEDATE\tURL\n"
        'track_0000214\tartist_000014\talbum_000031\tUn "soir\tLes Uns\tPremier\t2004-12-28\thttp://x/1\n'
        "track_0000382\tartist_000020\talbum_000046\tDeux\t\tLes Autres\tSecond\t2005-01-02\thttp://x/2\n",
    )
    return put(root, "raw_30s/audio/14/214.mp3", "raw_30s/audio-low/82/382.low.mp3")


def musdb(root: Path) -> Path:
    put(root, "test/Al James - Schoolboy Facination.stem.mp4", "train/A Classic Education - NightOwl.stem.mp4")
    return put(
        root,
        "tracklist.csv",
        content="Track Name,Genre,Source,License\n"
        "A Classic Education - NightOwl,Singer/Songwriter,MedleyDB,CC BY-NC-SA\n"
        "Al James - Schoolboy Facination,Pop/Rock,DSD,Restricted\n",
    )


def medleydb(root: Path) -> Path:
    name = "AClassicEducation_NightOwl"
    put(
        root,
        f"V1/{name}/{name}_METADATA.yaml",
        content="album: Shaking Through Volume 2\nartist: A Classic Education\nexcerpt: 'no'\n"
        f"genre: Singer/Songwriter\nhas_bleed: 'no'\ninstrumental: 'no'\nmix_filename: {name}_MIX.wav\n"
        "origin: Weathervane Music\n"
        f"raw_dir: {name}_RAW\nstem_dir: {name}_STEMS\nstems:\n  S01:\n    component: bass\n"
        f"    filename: {name}_STEM_01.wav\n    instrument: electric bass\ntitle: Night Owl\nwebsite:\n- none\n",
    )
    put(root, "Metadata/Handel_Torna_METADATA.yaml", content="artist: Handel\ntitle: 1728\ninstrumental: 'yes'\n")
    put(root, f"V1/{name}/{name}_STEMS/{name}_STEM_01.wav")
    return put(root, f"V1/{name}/{name}_MIX.wav", "V2/Handel_Torna/Handel_Torna_MIX.wav")


def gtzan(root: Path) -> Path:
    genres = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
    put(root, *(f"genres_original/{genre}/{genre}.{n:05}.wav" for genre in genres for n in range(100)))
    put(root, "gtzan_tempo_beat-main/tempo/gtzan_blues_00000.bpm", content="123.4\n")
    return put(root, "genres_original/jazz/jazz.00054.wav", content=b"\0" * 100)


LAYOUTS = {"fma": fma, "jamendo": jamendo, "musdb": musdb, "medleydb": medleydb, "gtzan": gtzan}


def build(dataset: str, root: Path, output: Path, *arguments: str) -> int:
    command = ["catalog", "build", "--dataset", dataset, str(root), "-o", str(output), *arguments]
    return front_door.main(command)


def told(capsys) -> dict:
    return json.loads(capsys.readouterr().out)


def songs_of(dataset: str, tmp_path: Path, suffix: str = ".parquet") -> dict[str, Song]:
    root = LAYOUTS[dataset](tmp_path / "data")
    assert build(dataset, root, tmp_path / f"songs{suffix}") == 0
    return {str(dict(song.metadata)["track_id"]): song for song in open_catalog(str(tmp_path / f"songs{suffix}"))}


def test_every_registered_dataset_is_tried():
    assert LAYOUTS.keys() == DATASETS.keys()


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("place", ["data/songs.parquet", "songs.csv", "elsewhere/songs.jsonl"])
def test_manifest_reads_back_with_every_path_where_the_file_is(tmp_path, dataset, place):
    root = LAYOUTS[dataset](tmp_path / "data")
    (tmp_path / place).parent.mkdir(exist_ok=True)
    assert build(dataset, root, tmp_path / place) == 0
    songs = list(open_catalog(str(tmp_path / place)))
    assert songs
    for song in songs:
        assert os.path.exists(song.path)
        metadata = dict(song.metadata)
        assert metadata["dataset"] == dataset
        assert {"track_id", "genre"} <= metadata.keys()


def test_manifest_beside_the_dataset_moves_with_it(tmp_path):
    root = fma(tmp_path / "data")
    assert build("fma", root, root / "songs.csv") == 0
    moved = (tmp_path / "data").rename(tmp_path / "moved")
    assert [os.path.exists(song.path) for song in open_catalog(str(moved / "songs.csv"))] == [True, True]
    assert "fma_small/000/000002.mp3," in (moved / "songs.csv").read_text()


def test_metadata_of_fma_are_taken_into_the_catalog(tmp_path):
    songs = songs_of("fma", tmp_path)
    assert list(songs) == ["000002", "000140"]
    assert dict(songs["000002"].metadata) == {
        "dataset": "fma",
        "track_id": "000002",
        "title": "Food",
        "artist": "AWOL",
        "genre": "Hip-Hop",
        "genres": "Hip-Hop",
        "year": 2009,
        "split": "training",
        "subset": "small",
        "tempo_bpm": 165.922,
    }
    second = dict(songs["000140"].metadata)
    assert (second["title"], second["genre"], second["genres"]) == ('A "B", c', None, "Hip-Hop, 999")
    assert (second["year"], second["tempo_bpm"]) == (2007, None)


def test_fma_holds_what_its_size_says(tmp_path):
    root = fma(tmp_path)
    assert len(fma_tracks(root)) == len(fma_tracks(root / "fma_small")) == 2
    (root / "fma_medium").mkdir()
    assert len(fma_tracks(root)) == 3
    (root / "fma_large").mkdir()
    (track,) = (track for track in fma_tracks(root) if track.metadata["track_id"] == "155066")
    assert track.path == root / "fma_large" / "155" / "155066.mp3"


def test_metadata_of_jamendo_are_taken_into_the_catalog(tmp_path):
    songs = songs_of("jamendo", tmp_path, ".csv")
    first, second = (dict(songs[name].metadata) for name in ("track_0000214", "track_0000382"))
    assert first["title"] == 'Un "soir'
    assert (first["artist"], first["year"], first["genre"], first["split"]) == ("Les Uns", 2004, "punkrock", None)
    assert (second["title"], second["artist"], second["year"]) == ("Deux", "Les Autres", 2005)
    assert (second["genre"], second["genres"], second["moods"]) == (None, "pop, rock", "calm")
    assert (second["instruments"], second["split"]) == ("voice", "test")
    assert (first["quality"], second["quality"]) == ("full", "low")


def test_jamendo_prefers_the_full_quality(tmp_path):
    root = put(jamendo(tmp_path), "raw_30s/audio-low/14/214.low.mp3")
    assert tracks_of("jamendo", root)[0].path == root / "raw_30s/audio/14/214.mp3"


def test_musdb_stem_files_come_with_stems(tmp_path):
    songs = songs_of("musdb", tmp_path)
    song = songs["A Classic Education - NightOwl"]
    assert [song.has_stems for song in songs.values()] == [True, True]
    metadata = dict(song.metadata)
    assert (metadata["artist"], metadata["title"]) == ("A Classic Education", "NightOwl")
    assert (metadata["genre"], metadata["split"]) == ("Singer/Songwriter", "train")


def test_musdb_hq_folders_come_with_stems_and_mixture(tmp_path):
    put(tmp_path / "data/test/A - B", *(f"{name}.wav" for name in HQ))
    for suffix in (".csv", ".parquet", ".jsonl"):
        assert build("musdb", tmp_path / "data", tmp_path / f"songs{suffix}") == 0
        (song,) = open_catalog(str(tmp_path / f"songs{suffix}"))
        assert [name for name, _ in song.stems] == ["bass", "drums", "other", "vocals"]
        assert song.mixture == str(tmp_path / "data/test/A - B/mixture.wav")


def test_musdb_song_in_both_layouts_is_listed_once_and_uncompressed(tmp_path):
    put(tmp_path / "train", "A - B.stem.mp4", *(f"A - B/{name}.wav" for name in HQ))
    (track,) = tracks_of("musdb", tmp_path)
    assert track.stems["bass"] == tmp_path / "train/A - B/bass.wav"


def test_a_song_without_one_of_its_stems_is_left_out(tmp_path, capsys):
    put(tmp_path / "test/A - B", *(f"{name}.wav" for name in HQ))
    put(tmp_path / "test/C - D", *(f"{name}.wav" for name in HQ if name != "drums"))
    assert build("musdb", tmp_path, tmp_path / "songs.csv", "--json") == 0
    summary = told(capsys)
    assert (summary["named"], summary["listed"], summary["with_stems"]) == (2, 1, 1)
    assert summary["missing"] == [str(tmp_path / "test/C - D/drums.wav")]


def test_medleydb_lists_the_mix_and_claims_no_stems(tmp_path):
    songs = songs_of("medleydb", tmp_path)
    assert [(Path(song.path).name, song.has_stems) for song in songs.values()] == [
        ("AClassicEducation_NightOwl_MIX.wav", False),
        ("Handel_Torna_MIX.wav", False),
    ]
    first, second = (dict(song.metadata) for song in songs.values())
    assert (first["title"], first["genre"], first["instrumental"]) == ("Night Owl", "Singer/Songwriter", False)
    assert (second["title"], second["genre"], second["instrumental"]) == ("1728", None, True)


def test_gtzan_leaves_out_the_file_that_is_no_audio(tmp_path, capsys):
    songs = songs_of("gtzan", tmp_path)
    assert len(songs) == 999
    assert "jazz.00054" not in songs
    assert dict(songs["blues.00000"].metadata)["tempo_bpm"] == 123.4
    assert dict(songs["rock.00099"].metadata)["genre"] == "rock"
    printed = capsys.readouterr()
    assert "999 of 1000 songs of gtzan, 0 with stems" in printed.out
    assert "1 of 1000 songs are left out; of their files: 1 corrupt" in printed.err
    assert "jazz.00054.wav" in printed.err


def test_what_is_missing_or_empty_is_told_file_by_file(tmp_path, capsys):
    root = put(tmp_path / "data", *(f"genres/blues/blues.{n:05}.au" for n in range(3)), content=b".snd and so on")
    put(root, "genres/blues/blues.00001.au", content=b"")
    lost = tmp_path / "missing.txt"
    assert build("gtzan", root, tmp_path / "songs.csv", "--missing", str(lost), "--json") == 0
    printed = capsys.readouterr()
    summary = json.loads(printed.out)
    assert (summary["named"], summary["listed"], len(summary["missing"])) == (1000, 2, 997)
    assert summary["empty"] == [str(root / "genres/blues/blues.00001.au")]
    shown = printed.err.splitlines()
    assert shown[0] == "mixprior: 998 of 1000 songs are left out; of their files: 997 missing, 1 empty"
    assert len(shown) == 22
    assert shown[-1].strip() == "and 978 more; --missing FILE lists all"
    listed = [line.split("\t") for line in lost.read_text().splitlines()]
    assert listed[0] == ["empty", summary["empty"][0]]
    assert [path for kind, path in listed if kind == "missing"] == summary["missing"]


def test_without_one_whole_song_nothing_is_written(tmp_path, capsys):
    root = fma(tmp_path / "data")
    for path in (root / "fma_small").rglob("*.mp3"):
        path.unlink()
    assert build("fma", root, tmp_path / "songs.parquet", "--missing", str(tmp_path / "missing.txt")) == 2
    assert "holds no complete song of fma; its metadata names 2" in capsys.readouterr().err
    assert not (tmp_path / "songs.parquet").exists()
    assert len((tmp_path / "missing.txt").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("dataset", "lost", "message"),
    [
        ("fma", "fma_metadata/tracks.csv", "holds no fma_metadata/tracks.csv: it is part of fma_metadata.zip"),
        ("fma", "fma_metadata/genres.csv", "holds no fma_metadata/genres.csv: it is part of fma_metadata.zip"),
        ("jamendo", "data/autotagging.tsv", "the project MTG/mtg-jamendo-dataset"),
        ("medleydb", "V1/AClassicEducation_NightOwl/AClassicEducation_NightOwl_METADATA.yaml", "marl/medleydb"),
    ],
)
def test_missing_or_empty_metadata_names_the_file_and_where_it_comes_from(tmp_path, dataset, lost, message):
    root = LAYOUTS[dataset](tmp_path)
    (root / "Metadata/Handel_Torna_METADATA.yaml").unlink(missing_ok=True)
    (root / lost).unlink()
    with pytest.raises(InputError, match=message):
        tracks_of(dataset, root)
    if dataset != "medleydb":
        put(root, lost, content=b"")
        with pytest.raises(InputError, match=f"{lost} is empty: fetch it again"):
            tracks_of(dataset, root)


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_folder_that_holds_something_else_is_told_what_was_looked_for(tmp_path, dataset):
    with pytest.raises(InputError, match="holds no"):
        tracks_of(dataset, put(tmp_path, "holiday/1.jpg"))
    with pytest.raises(InputError, match="is no folder"):
        tracks_of(dataset, tmp_path / "holiday/1.jpg")


@pytest.mark.parametrize(
    ("dataset", "name", "content", "message"),
    [
        ("fma", "fma_metadata/tracks.csv", "track_id,title\n2,Food\n", "is no table of FMA"),
        ("fma", "fma_metadata/tracks.csv", ",a\n,b\ntrack_id,\n2\n", "no column set subset"),
        ("fma", "fma_metadata/genres.csv", "genre_id,title\n2", "line 2: 1 cells, but the header has 2"),
        ("fma", "fma_metadata/genres.csv", "genre_id,title\nx,Rock", "'x' is no number"),
        ("fma", "fma_metadata/genres.csv", "\n", "no columns genre_id and title"),
        ("jamendo", "data/autotagging.tsv", "raw_30s_cleantags.tsv", "is no table of MTG-Jamendo"),
        ("jamendo", "data/raw.meta.tsv", "TRACK_ID\n", "is no table of MTG-Jamendo"),
        ("jamendo", "data/raw.meta.tsv", b"TRACK_ID\xff\n", "is not UTF-8 text"),
        ("musdb", "tracklist.csv", "name\nA - B\n", "is not the list of MUSDB18"),
        ("medleydb", "Metadata/Handel_Torna_METADATA.yaml", "title: [", "is no YAML"),
        ("medleydb", "Metadata/Handel_Torna_METADATA.yaml", "title", "is no metadata of MedleyDB"),
        ("gtzan", "gtzan_tempo_beat-main/tempo/gtzan_blues_00000.bpm", "fast", "holds no number of BPM but 'fast'"),
    ],
)
def test_damaged_metadata_is_told_in_one_line(tmp_path, capsys, dataset, name, content, message):
    root = put(LAYOUTS[dataset](tmp_path), name, content=content)
    assert build(dataset, root, tmp_path / "songs.csv") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("mixprior: ")
    assert message in line


def test_output_must_be_a_manifest(tmp_path, capsys):
    assert build("musdb", musdb(tmp_path), tmp_path / "songs.txt") == 2
    assert "does not end in .parquet, .csv, .jsonl" in capsys.readouterr().err


def test_a_column_without_values_is_text_in_parquet(tmp_path):
    put(tmp_path / "train", "A - B.stem.mp4")
    assert build("musdb", tmp_path, tmp_path / "songs.parquet") == 0
    assert str(pq.read_schema(tmp_path / "songs.parquet").field("genre").type) == "string"


def test_mine_measures_the_stems_of_a_built_catalog(tmp_path, stems_catalog, mixprior):
    """One song as MUSDB18-HQ lays it out, one as MUSDB18: neither is separated, both are grouped by their genre."""
    made = next(folder for folder in sorted(stems_catalog.iterdir()) if (folder / "vocals.wav").is_file())
    hq = tmp_path / "data/train/Actions - Devil's Words"
    hq.mkdir(parents=True)
    for name in HQ[:4]:
        (hq / f"{name}.wav").write_bytes((made / f"{name}.wav").read_bytes())
    stems = {name: soundfile.read(hq / f"{name}.wav", always_2d=True) for name in HQ[:4]}
    rate_hz = stems["vocals"][1]
    soundfile.write(hq / "mixture.wav", np.sum([audio for audio, _ in stems.values()], axis=0), rate_hz, "FLOAT")
    (tmp_path / "data/test").mkdir()
    parts = [tone(hz=hz, peak=0.2) for hz in (200.0, 400.0, 600.0, 800.0)]
    write(tmp_path / "data/test/PR - Oh No.stem.mp4", np.sum(parts, axis=0), *parts)
    put(
        tmp_path / "data",
        "tracklist.csv",
        content="Track Name,Genre,Source,License\nActions - Devil's Words,Pop/Rock,DSD,Restricted\n"
        "PR - Oh No,Electronic,Native Instruments,Restricted\n",
    )
    manifest = tmp_path / "songs.parquet"
    mixprior("catalog", "build", "--dataset", "musdb", tmp_path / "data", "-o", manifest)
    mixprior(
        "mine", manifest, "-o", tmp_path / "run", "-j", 1, "--group-by", "genre", "--model-repo", tmp_path / "no model"
    )
    rows = pq.read_table(tmp_path / "run/songs.parquet").to_pylist()
    assert [row["status"] for row in rows] == ["mined", "mined"]
    assert {json.loads(row["metadata"])["genre"] for row in rows} == {"Pop/Rock", "Electronic"}
    shown = json.loads(mixprior("query", tmp_path / "run", "--stem", "drums", "--json").stdout)
    assert max(row["n"] for row in shown["rows"] if row["group"] == "all") == 2
