"""Documents from anywhere, damaged by chance: each is read, or refused in one line that names it, and nothing else."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mixprior.analysis.constants import file as constants_file
from mixprior.analysis.merge import merge
from mixprior.analysis.priors import PACKAGED, open_priors
from mixprior.mixing.mix import recipe, roles_file
from mixprior.mixing.reverb import settings_file
from mixprior.pipeline.aggregate import grouping_of
from mixprior.pipeline.catalogs import manifest
from mixprior.pipeline.catalogs.datasets.dataset import tracks_of
from mixprior.pipeline.separation.model_folder import ModelFolder
from mixprior.pipeline.store.rows import Rows
from mixprior.stats.errors import InputError
from mixprior.stats.reverb.fdn.presets import preset
from mixprior.stats.reverb.fdn.settings import PARAMETERS
from mixprior.stats.schema import SONGS_SCHEMA
from tests.pipeline.catalogs import test_datasets as datasets
from tests.stats.priors.test_calibration import CALIBRATION

EXAMPLES, NIGHTLY_EXAMPLES = 40, 800
DEEP = 100_000
KEY, ID = "0123456789abcdef", "fedcba9876543210"

_RAW = {"@deep": "[" * DEEP + "]" * DEEP, "@unclosed": '{"a":' * DEEP, "@huge": "9" * 5_000, "@1e999": "1e999"}
"""What `json.dumps` does not write, by the text that stands for it."""

ODD = st.one_of(
    st.sampled_from(
        [*_RAW, "NaN", "", "x" * 10_000, "\ud800", "a\0b", "a\nb", "\x1b[2J", "=1+1", "../../a", "/dev/zero"]
    ),
    st.sampled_from([None, True, False, 0, -1, 2**31, 2**63, 2**64, 10**400, -1.5, 1e308, float("nan"), float("inf")]),
    st.sampled_from([[], {}, [[]], [None], {"": None}, [{}], ["a", 1, None], [1e308] * 50, {"_type": "fraction"}]),
)


@st.composite
def damaged(draw, content: bytes) -> bytes:
    """Bytes of a file, cut, overwritten, or with what editors and broken disks put in."""
    at = draw(st.integers(0, len(content)))
    middle = draw(st.sampled_from([b"", b"\0", b"\xff\xfe", b"\xed\xa0\x80", b'"', b"\n", b"," * 40, b"\0" * 512]))
    after = draw(st.sampled_from([0, 1, 16, 512, len(content)]))
    before = draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\0"]))
    return draw(st.sampled_from([before + content[:at] + middle + content[at + after :], draw(st.binary(max_size=60))]))


@st.composite
def mutated(draw, document: Any) -> bytes:
    """A JSON document, which is a YAML document too, with a value taken out or replaced."""
    document = json.loads(json.dumps(document))
    for _ in range(draw(st.integers(1, 2))):
        document = _with_one_changed(draw, document)
    text = json.dumps(document)
    for name, raw in _RAW.items():
        text = text.replace(f'"{name}"', raw)
    return text.encode()


def _with_one_changed(draw, document: Any) -> Any:
    """Go down some steps, the deeper the rarer, and change what is there."""
    keys = (
        list(document)
        if isinstance(document, dict)
        else list(range(min(len(document), 3)) if isinstance(document, list) else ())
    )
    if not keys or draw(st.integers(0, 5)) == 0:
        return deepcopy(draw(ODD))
    key = draw(st.sampled_from(keys))
    what = draw(st.sampled_from(["within", "within", "replace", "delete", "add"]))
    if what == "within":
        document[key] = _with_one_changed(draw, document[key])
    elif what == "replace":
        document[key] = deepcopy(draw(ODD))
    elif what == "delete":
        del document[key]
    elif isinstance(document, dict):
        document[draw(st.sampled_from(["", "a\nb", "settings", "\ud800"]))] = deepcopy(draw(ODD))
    return document


def json_or_bytes(content: bytes) -> st.SearchStrategy[bytes]:
    return st.one_of(mutated(json.loads(content)), mutated(json.loads(content)), damaged(content))


def yaml_or_bytes(content: bytes) -> st.SearchStrategy[bytes]:
    """Less deep: YAML is read by Python code, which takes a second for 100,000 levels."""
    return json_or_bytes(content).map(
        lambda bad: bad.replace(b"[" * DEEP, b"[" * 2_000).replace(b'{"a":' * DEEP, b"{a: " * 2_000)
    )


@st.composite
def table_or_bytes(draw, content: bytes) -> bytes:
    """A Parquet file whose bytes are damaged, or that lacks a column, or has one of another type or of odd values."""
    if draw(st.booleans()):
        return draw(damaged(content))
    table = pq.read_table(io.BytesIO(content))
    at = draw(st.integers(0, table.num_columns - 1))
    name, count = table.column_names[at], len(table)
    odd = draw(
        st.sampled_from(
            [None, "x", "", "{", "[1]", -1, 2**40, float("nan"), float("inf"), True, [], [1], [None], b"\xff", {"a": 1}]
        )
    )
    what = draw(st.sampled_from(["replace", "replace", "delete", "empty", "rename", "double"]))
    if what == "replace":
        table = table.set_column(at, name, pa.array([odd] * count))
    elif what == "delete":
        table = table.remove_column(at)
    elif what == "empty":
        table = table.slice(0, 0)
    elif what == "double":
        table = pa.concat_tables([table, table])
    else:
        table = table.rename_columns(["a\nb" if k == at else each for k, each in enumerate(table.column_names)])
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


@st.composite
def lines_or_bytes(draw, content: bytes) -> bytes:
    """A text of lines, one of which has other cells, or whose bytes are damaged."""
    if draw(st.booleans()):
        return draw(damaged(content))
    lines = content.decode().splitlines()
    at = draw(st.integers(0, len(lines) - 1))
    cells = lines[at].split(",")
    odd = draw(
        st.sampled_from(
            ["", '"', '""', "nan", "x" * 200_000, "\0", "\x1b[2J", "9" * 5_000, "a,b", "²", "1e999", "../a"]
        )
    )
    cells[draw(st.integers(0, len(cells) - 1))] = odd
    lines[at] = draw(st.sampled_from([",".join(cells), odd, f"{lines[at]}\n{lines[at]}"]))
    return "\n".join(lines).encode()


@dataclass(frozen=True)
class Parser:
    """Reads a file of a folder.

    Attributes:
        file: path in the folder, of the file that is damaged.
        make: writes the folder.
        read: reads it.
        damage: makes the bytes of a damaged file of those of a whole one.
        share: of the usual number of examples, where reading one takes long.
    """

    file: str
    make: Callable[[Path], object]
    read: Callable[[Path], object]
    damage: Callable[[bytes], st.SearchStrategy[bytes]] = json_or_bytes
    share: float = 1.0


def write_text(path: Path, content: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(content, "utf-8")


def text(name: str, content: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(content, "utf-8")


def packaged(folder: Path) -> None:
    """Priors that do not tell the digests of their files, as older ones did not: the files themselves are parsed."""
    shutil.copytree(PACKAGED["starter"], folder, dirs_exist_ok=True)
    told = json.loads((folder / "manifest.json").read_text("utf-8"))
    told.pop("files_sha256", None)
    (folder / "manifest.json").write_text(json.dumps(told), "utf-8")


def read_priors(folder: Path) -> None:
    priors = open_priors(folder)
    for statistic in priors.contents[:1]:
        priors.lookup(statistic["stem"], statistic["statistic"], statistic["group"])


def run_folder(folder: Path) -> None:
    song = {"song_id": ID, "path": "a.wav", "status": "mined", "feature_key": KEY, "duration_s": 5.0}
    table = pa.Table.from_pylist([{**song, "metadata": '{"genre": "Rock"}'}], SONGS_SCHEMA)
    pq.write_table(table, folder / "songs.parquet")
    place = folder / "features" / KEY
    place.mkdir(parents=True)
    (place / "settings.json").write_text(json.dumps({"feature_version": 1, "stems": "from the catalog"}))


def read_run(folder: Path) -> None:
    rows = Rows.open(folder)
    for key in rows.feature_keys:
        rows.settings(key)
        dict(rows.metadata(key))


def read_manifest(name: str) -> Callable[[Path], object]:
    return lambda folder: list(manifest.songs(str(folder / name)))


def parquet_manifest(folder: Path) -> None:
    pq.write_table(pa.table({"path": ["a.wav", "b.wav"], "genre": ["Rock", None]}), folder / "songs.parquet")


def npz(folder: Path) -> None:
    np.savez_compressed(folder / "a.npz", **{"loudness/vocals": np.array([-23.0]), "eq/bass": np.ones(64)})


def model(folder: Path) -> None:
    from safetensors.numpy import save_file

    about = {"klass": "demucs.htdemucs.HTDemucs", "args": "[]", "kwargs": '{"sources": ["a"], "depth": 2}'}
    save_file({"a": np.zeros(2, np.float32)}, folder / "0a1b2c3d.safetensors", about)
    (folder / "tiny.yaml").write_text('{"models": ["0a1b2c3d"], "weights": [[1.0]], "segment": 1}')


@st.composite
def weights_or_bytes(draw, content: bytes) -> bytes:
    """Safetensors whose header, or the arguments in it, are others."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    about = header["__metadata__"]
    what = draw(st.sampled_from(["bytes", "header", "args", "kwargs"]))
    if what == "bytes":
        return draw(damaged(content))
    if what == "header":
        changed = draw(mutated(header))
    else:
        about[what] = draw(mutated(json.loads(about[what]))).decode()
        changed = json.dumps(header).encode()
    return len(changed).to_bytes(8, "little") + changed + content[end:]


def read_model(folder: Path) -> None:
    found = ModelFolder(folder, "tiny")
    found.weights_sha256()
    found.arguments_sha256()


def dataset(name: str) -> Callable[[Path], object]:
    return lambda folder: tracks_of(name, folder)


RECIPE = {
    "schema_version": 3,
    "settings": {
        "tracks": {
            "vocals": {
                "match": {"frequencies_hz": [100.0, 1000.0], "gains_db": [0.0, 1.0]},
                "bands": [{"kind": "peak", "frequency_hz": 100.0, "gain_db": 3.0, "q": 1.0}],
                "compressor": None,
                "output_gain_db": -3.0,
            },
            "backing": {},
        },
        "gain_db": 1,
        "limiter": None,
    },
}

PARSERS = {
    "recipe of a mix": Parser(
        "a.mix.json",
        text("a.mix.json", json.dumps(RECIPE)),
        lambda folder: recipe.read_settings(folder / "a.mix.json"),
    ),
    "reverb settings": Parser(
        "a.json",
        lambda folder: settings_file.write(folder / "a.json", json.dumps({"settings": asdict(preset("seed mean"))})),
        lambda folder: settings_file.read(folder / "a.json"),
    ),
    "plug-in settings": Parser(
        "a.json",
        text(
            "a.json",
            json.dumps({PARAMETERS[0].plugin_id: PARAMETERS[0].low, PARAMETERS[1].plugin_id: PARAMETERS[1].high}),
        ),
        lambda folder: settings_file.read(folder / "a.json"),
    ),
    "calibration": Parser(
        "a.json", text("a.json", CALIBRATION.to_json()), lambda folder: grouping_of((), 5, folder / "a.json")
    ),
    "constants as json": Parser(
        "a.json",
        text("a.json", '{"features": {"loudness": {"vocals": {"mean": [-23.0]}}}}'),
        lambda folder: constants_file.read(folder / "a.json"),
    ),
    "constants as npz": Parser("a.npz", npz, lambda folder: constants_file.read(folder / "a.npz"), damaged),
    "manifest of priors": Parser("manifest.json", packaged, read_priors),
    "table of priors": Parser("priors.parquet", packaged, read_priors, table_or_bytes),
    **{
        f"merge, {name}": Parser(
            name,
            packaged,
            lambda folder: merge([folder], folder.parent / "merged"),
            json_or_bytes if name.endswith("json") else table_or_bytes,
        )
        for name in ("manifest.json", "state.parquet", "moments.parquet", "members.parquet")
    },
    "songs of a run": Parser("songs.parquet", run_folder, read_run, table_or_bytes),
    "settings of a run": Parser(f"features/{KEY}/settings.json", run_folder, read_run),
    "catalog.csv": Parser(
        "a.csv", text("a.csv", "path,year\na.wav,1979\nb.wav,\n"), read_manifest("a.csv"), lines_or_bytes
    ),
    "catalog.jsonl": Parser("a.jsonl", text("a.jsonl", '{"path": "a.wav", "year": 1979}'), read_manifest("a.jsonl")),
    "catalog.parquet": Parser("songs.parquet", parquet_manifest, read_manifest("songs.parquet"), table_or_bytes),
    "roles": Parser(
        "a.csv",
        text("a.csv", "track,role\nA,vocals\nB,bass\n"),
        lambda folder: roles_file.read(folder / "a.csv", ["A.wav", "B.wav"]),
        lines_or_bytes,
    ),
    "dataset medleydb": Parser(
        "Metadata/A_METADATA.yaml",
        lambda folder: write_text(folder / "Metadata/A_METADATA.yaml", '{"artist": "A", "stems": {"S01": {"a": []}}}'),
        dataset("medleydb"),
        yaml_or_bytes,
        0.2,
    ),
    "dataset musdb": Parser("tracklist.csv", datasets.musdb, dataset("musdb"), lines_or_bytes),
    "dataset fma": Parser("fma_metadata/tracks.csv", datasets.fma, dataset("fma"), lines_or_bytes),
    "genres of fma": Parser("fma_metadata/genres.csv", datasets.fma, dataset("fma"), lines_or_bytes),
    "dataset jamendo": Parser("data/autotagging.tsv", datasets.jamendo, dataset("jamendo"), lines_or_bytes),
    "titles of jamendo": Parser("data/raw.meta.tsv", datasets.jamendo, dataset("jamendo"), lines_or_bytes),
    "bag of models": Parser("tiny.yaml", model, read_model, yaml_or_bytes, 0.2),
    "weights": Parser("0a1b2c3d.safetensors", model, read_model, weights_or_bytes),
}


def refuse_in_words(parser: Parser, folder: Path, content: bytes) -> None:
    """Read a damaged file: that succeeds, or raises an error for people, one line that names the file."""
    (folder / parser.file).write_bytes(content)
    try:
        parser.read(folder)
    except InputError as error:
        told = str(error)
        assert "\n" not in told, told
        assert Path(parser.file).name in told or str(folder) in told, told


def fuzz(parser: Parser, folder: Path, examples: int) -> None:
    parser.make(folder)
    content = (folder / parser.file).read_bytes()

    @settings(
        max_examples=round(parser.share * examples),
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(parser.damage(content))
    def read(bad: bytes) -> None:
        refuse_in_words(parser, folder, bad)

    read()


@pytest.mark.parametrize("name", PARSERS)
def test_a_damaged_document_is_read_or_refused_in_one_line(tmp_path, name):
    folder = tmp_path / "a"
    folder.mkdir()
    fuzz(PARSERS[name], folder, EXAMPLES)


@pytest.mark.nightly("fuzz")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", PARSERS)
def test_many_damaged_documents_are_read_or_refused_in_one_line(tmp_path, name):
    folder = tmp_path / "a"
    folder.mkdir()
    fuzz(PARSERS[name], folder, NIGHTLY_EXAMPLES)
