"""Object stores: real servers of S3 and Google Cloud Storage hold the catalog, the run and the priors."""

import json
import os
import re

import fsspec
import pytest

import mixprior as package
from mixprior.pipeline.store import archive, object_store, packing, store_errors
from mixprior.pipeline.store.layout import RunFolder
from tests.pipeline.store.stores import Served, forget, served
from tools.engines.proxy import Fault

pytestmark = pytest.mark.slow

SQL = "SELECT stem, count(*) FROM features JOIN songs USING (song_id) GROUP BY stem ORDER BY stem"
MIX = ("mix", "--vocal", "VOCALS", "--backing", "OTHER", "--priors", "RUN")
TROUBLE = [
    (5, Fault(status=503)),
    (7, Fault(status=500)),
    (11, Fault(reset=True)),
    (13, Fault(reset=True, passed=True)),
    (17, Fault(wait_s=0.3)),
]
"""Every fifth request is answered 503, ..."""


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    with served("s3", tmp_path_factory.mktemp("s3")) as found:
        yield found


@pytest.fixture(scope="module")
def gs(tmp_path_factory):
    with served("gs", tmp_path_factory.mktemp("gs")) as found:
        yield found


@pytest.fixture(params=["s3", "gs"])
def store(request) -> Served:
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def run_of(mined_run):
    """The local run of five songs, copied to a store once."""
    copied: dict[int, str] = {}

    def run_of(store: Served) -> str:
        if id(store) not in copied:
            copied[id(store)] = store.put(mined_run, "copied")
        return copied[id(store)]

    return run_of


@pytest.fixture(autouse=True)
def own_cache(request, tmp_path_factory, monkeypatch):
    """What earlier tests noted of objects of the same names does not count. The servers' programs do."""
    if "store" in request.fixturenames:
        request.getfixturevalue("store")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def features_and_priors(content):
    return {name: each for name, each in content.items() if re.match(r"(features/.*parquet|priors/)", name)}


def local_content(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_songs_of_a_store_mined_into_it_give_the_bytes_of_a_local_run_and_show_progress(s3, stems_catalog, mined_run):
    catalog = s3.put(stems_catalog, "songs")
    shown: list[tuple[int, int]] = []
    assert package.mine(catalog, s3.url("run"), workers=1, progress=lambda *each: shown.append(each)).mined == 5
    assert features_and_priors(s3.content(s3.url("run"))) == features_and_priors(local_content(mined_run))
    assert (0, 5) in shown or (1, 5) in shown
    assert shown[-1] == (5, 5)
    with s3.counting() as requests:
        assert package.mine(catalog, s3.url("run"), workers=1).kept == 5
    audio = [request for request in requests if re.search(r"/songs/.*wav", request.path)]
    assert not audio, "songs that the store says are the same are not fetched again"


def test_a_kept_song_costs_one_request(store, run_of, stems_catalog, mixprior):
    url = run_of(store)
    counts, of_songs = {}, {}
    for songs in (2, 5):
        with store.counting() as requests:
            mixprior("mine", stems_catalog, "-o", url, "--limit", songs, "--dry-run")
        counts[songs] = len(requests)
        of_songs[songs] = [request.method for request in requests if re.search(r"/\w{16}\W*parquet", request.path)]
    assert of_songs == {2: ["GET"] * 2, 5: ["GET"] * 5}
    assert counts[5] - counts[2] == 3


def test_a_run_of_kept_songs_opens_each_once_and_leaves_its_priors(store, stems_catalog, mined_run, mixprior):
    url = store.put(mined_run, "kept")
    mixprior("mine", stems_catalog, "-o", url, "-j", 1)
    before = store.content(f"{url}/priors")
    with store.counting() as requests:
        done = json.loads(mixprior("mine", stems_catalog, "-o", url, "-j", 1, "--json").stdout)
    assert (done["kept"], done["mined"]) == (5, 0)
    opened = [request.method for request in requests if re.search(r"features/\w+/\w\w/\w{16}\.parquet", request.path)]
    assert opened == ["GET"] * 5
    assert not [request for request in requests if request.method in ("PUT", "POST") and "/priors/p" in request.path]
    assert store.content(f"{url}/priors") == before


def test_songs_that_are_packed_are_listed_and_not_asked_for_one_by_one(s3, mined_run):
    folder = RunFolder.at(s3.put(mined_run, "packed"))
    [key] = {path.parts[-3] for path in mined_run.glob("features/*/*/*.parquet")}
    song_ids = archive.loose_songs(folder, key)
    with s3.counting() as requests:
        assert packing.pack(folder, key, song_ids, prefixes=("",))
    assert archive.loose_songs(folder, key) == []
    asked = [request.method for request in requests if re.search(r"features/\w+/\w\w/\w{16}\.parquet", request.path)]
    assert sorted(asked) == ["DELETE"] * 5 + ["GET"] * 5
    listings = [request for request in requests if "list-type=2" in request.path and "features" in request.path]
    assert len(listings) == 2


def test_a_run_that_adds_a_song_fetches_the_rows_of_each_kept_one_once(s3, stems_catalog, mined_run, mixprior):
    url = s3.put(mined_run, "added")
    [gone, *_] = (name for name in s3.content(url) if re.match(r"features/\w+/\w\w/", name))
    s3.fs.rm_file(f"{url}/{gone}")
    with s3.counting() as requests:
        done = json.loads(mixprior("mine", stems_catalog, "-o", url, "-j", 1, "--json").stdout)
    assert (done["kept"], done["mined"]) == (4, 1)
    assert s3.content(url)[gone] == local_content(mined_run)[gone]
    rows = [each for each in requests if re.search(r"features/\w+/\w\w/\w{16}\.parquet", each.path)]
    assert sorted(each.method for each in rows if gone not in each.path) == ["GET"] * 4


@pytest.mark.parametrize(
    "command",
    [
        ("query", "RUN", "--stem", "vocals"),
        ("query", "RUN", "--songs", "--stem", "vocals", "--stat", "integrated_lufs"),
        (
            "query",
            "RUN",
            "--sql",
            "SELECT stem, count(*) FROM features JOIN songs USING (song_id) GROUP BY stem ORDER BY 1",
        ),
        ("query", "RUN", "--regress", "vocals:integrated_lufs", "--on", "backing:integrated_lufs"),
        ("constants", "RUN", "--format", "json"),
    ],
    ids=lambda words: " ".join(words[:1] + words[2:3]),
)
def test_what_is_read_of_a_store_is_what_is_read_of_a_local_folder(command, s3, run_of, mined_run, mixprior):
    assert_read_alike(command, s3, run_of, mined_run, mixprior)


def test_priors_of_google_cloud_are_read_as_local_ones(gs, run_of, mined_run, mixprior):
    assert_read_alike(("query", "RUN", "--stem", "vocals"), gs, run_of, mined_run, mixprior)
    assert_read_alike(("query", "RUN", "--sql", SQL), gs, run_of, mined_run, mixprior)


@pytest.mark.nightly("engines")
@pytest.mark.parametrize(
    "words", [("report", "RUN"), ("mix", "--vocal", "VOCALS", "--backing", "OTHER", "--priors", "RUN")]
)
def test_what_is_made_of_a_store_is_what_is_made_of_a_local_folder(
    words, store, run_of, stems_catalog, mined_run, mixprior, tmp_path
):
    sounds = {"VOCALS": stems_catalog / "Amber" / "vocals.wav", "OTHER": stems_catalog / "Amber" / "other.wav"}
    for run, name in ((mined_run, "here.wav"), (run_of(store), "there.wav")):
        mixprior(*({**sounds, "RUN": run}.get(word, word) for word in words), "-o", tmp_path / name)
    here, there = ((tmp_path / name).read_bytes() for name in ("here.wav", "there.wav"))
    assert there.replace(run_of(store).encode(), str(mined_run).encode()) == here


def assert_read_alike(command, store, run_of, mined_run, mixprior):
    there, here = (
        mixprior(*(run if word == "RUN" else word for word in command)).stdout
        for run in (run_of(store), str(mined_run))
    )
    assert there.replace(run_of(store), str(mined_run)) == here


def test_tables_and_merged_priors_are_written_to_a_store_as_to_a_folder(s3, run_of, mined_run, mixprior, tmp_path):
    for run, out in ((mined_run, tmp_path), (run_of(s3), s3.url("out"))):
        mixprior("songs", run, "-o", f"{out}/songs.csv")
        mixprior("merge", run, "starter", "-o", f"{out}/merged")
        mixprior("constants", run, "-o", f"{out}/constants.json", "--format", "json")
        mixprior("aggregate", run, "-o", f"{out}/again", "-j", 1)
    assert s3.content(s3.url("out")) == local_content(tmp_path)


@pytest.mark.parametrize(
    "command",
    [
        ("mine", "SONGS", "-o", "STORE://musci/run"),
        ("mine", "STORE://musci/songs", "-o", "STORE://music/run"),
        ("aggregate", "RUN", "-o", "STORE://musci/priors"),
        ("merge", "RUN", "published", "-o", "STORE://musci/merged"),
        ("songs", "RUN", "-o", "STORE://musci/songs.csv"),
        ("query", "STORE://musci/run"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_bucket_that_is_not_there_is_named_in_one_line_and_not_made(
    command, store, stems_catalog, mined_run, mixprior
):
    scheme = store.store.scheme
    words = [word.replace("STORE", scheme) for word in command]
    words = [{"SONGS": stems_catalog, "RUN": mined_run}.get(word, word) for word in words]
    done = mixprior(*words, expect=2)
    [line] = done.stderr.splitlines()
    assert f"{scheme}://musci" in line
    assert not (store.store.folder / "musci").exists()


def test_errors_resets_and_slow_answers_change_no_byte(s3, run_of, mined_run, mixprior, monkeypatch):
    """The driver asks once, so that it is asked again by us."""
    monkeypatch.setattr(object_store, "_PAUSE_S", 0.01)
    monkeypatch.setattr(fsspec.get_filesystem_class("s3"), "retries", 1)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    url = run_of(s3)
    forget("s3")
    s3.fs.exists(url)
    object_store.exists(url)
    with s3.failing(TROUBLE):
        mixprior("aggregate", url, "-o", s3.url("troubled"), "-j", 1)
    forget("s3")
    mended = {f"priors/{name}": each for name, each in s3.content(s3.url("troubled")).items()}
    assert mended == {name: each for name, each in local_content(mined_run).items() if name.startswith("priors/")}


def test_a_store_that_is_gone_ends_a_command_with_one_line(s3, run_of, mixprior, monkeypatch):
    monkeypatch.setattr(object_store, "PATIENCE_S", 0.3)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    forget("s3")
    mixprior("query", run_of(s3), "--stem", "vocals")
    s3.proxy.faults = lambda *_: Fault(status=503)
    try:
        done = mixprior("query", run_of(s3), "--stem", "vocals", expect=1)
    finally:
        s3.proxy.faults = None
        forget("s3")
    [line] = done.stderr.splitlines()
    assert "s3://music does not answer" in line


EXPIRED = {
    "s3": Fault(
        status=400, content=b"<Error><Code>ExpiredToken</Code><Message>The token has expired.</Message></Error>"
    ),
    "gs": Fault(
        status=401, content=b'{"error": {"code": 401, "message": "Expired", "errors": [{"reason": "authError"}]}}'
    ),
}
"""What servers answer to credentials that expired: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
and https://cloud.google.com/storage/docs/json_api/v1/status-codes."""


def test_credentials_that_expire_end_the_run_in_one_line_and_what_is_finished_is_kept(
    store, stems_catalog, mixprior, tmp_path
):
    """Songs in a store, the output on this machine."""
    catalog = store.put(stems_catalog, "expiring")
    manifest = tmp_path / "songs.csv"
    names = sorted(each.name for each in stems_catalog.iterdir())
    manifest.write_text("path\n" + "".join(f"{catalog}/{name}\n" for name in names))
    out, one = tmp_path / "out", tmp_path / "one.csv"
    one.write_text(f"path\n{catalog}/{names[0]}\n")
    mixprior("mine", one, "-o", out, "-j", 1)
    expired = EXPIRED[store.store.scheme]
    store.proxy.faults = lambda request, _: expired if names[-1] in request.path and "wav" in request.path else None
    try:
        done = mixprior("mine", manifest, "-o", out, "-j", 1, expect=2)
    finally:
        store.proxy.faults = None
    [line] = done.stderr.splitlines()
    assert f"{store.store.scheme}://music: credentials are missing, wrong or expired" in line
    assert "continues with what is not finished" in line
    assert not list(out.glob("failures/*/*.parquet"))
    again = json.loads(mixprior("mine", manifest, "-o", out, "-j", 1, "--json").stdout)
    assert again["kept"] >= 1
    assert again["failed"] == 0


def test_wrong_keys_end_a_run_over_songs_of_a_store(s3, stems_catalog, mixprior, tmp_path, monkeypatch):
    if s3.store.name.startswith("moto"):
        pytest.skip("moto takes any key")
    catalog = s3.put(stems_catalog, "locked")
    manifest = tmp_path / "songs.csv"
    songs = [f"{catalog}/{each.name}" for each in stems_catalog.iterdir()]
    lines = [f"{song}/mix.wav,{song}/vocals.wav,{song}/other.wav\n" for song in songs]
    manifest.write_text("path,vocals,other\n" + "".join(lines))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-wrong-secret-key")
    forget("s3")
    try:
        done = mixprior("mine", manifest, "-o", tmp_path / "out", "-j", 1, expect=2)
    finally:
        forget("s3")
    [line] = done.stderr.splitlines()
    assert "credentials are missing, wrong or expired" in line
    assert not list((tmp_path / "out").glob("failures/*/*.parquet"))


def test_a_page_that_wants_a_password_is_no_refusal_of_all_songs():
    def call():
        error = Exception("Unauthorized")
        error.status = 401
        error.__cause__ = OSError()
        raise error

    with pytest.raises(store_errors.Refused) as caught:
        object_store.asked("https://host/a.wav", call)
    assert not isinstance(caught.value, store_errors.CredentialsRefused)


def test_credentials_reach_no_output_no_log_and_no_object(s3, mined_run, mixprior_process):
    secret = os.environ["AWS_SECRET_ACCESS_KEY"]
    session, values = (
        {"AWS_SESSION_TOKEN": "a-session-token-of-ours"},
        ("--songs", "--stem", "vocals", "--stat", "peak_dbfs"),
    )
    url = s3.put(mined_run, "secret")
    done = mixprior_process("query", url, *values, "--debug", expect=None, env=session)
    wrong = {"AWS_SECRET_ACCESS_KEY": "a-wrong-secret-key"}
    checked = not s3.store.name.startswith("moto")  # which takes any key
    refused = mixprior_process("query", url, "--debug", expect=2 if checked else 0, env=wrong)
    said = done.stdout + done.stderr + refused.stdout + refused.stderr
    everything = b"".join(s3.content(url).values()) + said.encode()
    for word in (secret, *session.values(), *wrong.values(), "Signature="):
        assert word.encode() not in everything


@pytest.mark.parametrize(
    "url",
    [
        "sftp://me:hush@host/songs",
        "https://host/songs.csv?X-Amz-Signature=hush",
        "s3://me:hush@music/songs",
        "s3://ME:hu/hush@music/songs",
        "https://hush@host/songs.csv",
    ],
)
def test_a_url_with_credentials_is_refused_without_them(url, mixprior, stems_catalog, tmp_path):
    for words in (("mine", url, "-o", tmp_path / "out"), ("mine", stems_catalog, "-o", url), ("query", url)):
        [line] = mixprior(*words, expect=2).stderr.splitlines()
        assert "credentials" in line
        assert "hush" not in line
    manifest = tmp_path / "songs.csv"
    manifest.write_text(f"path\n{url}\n")
    [line] = mixprior("mine", manifest, "-o", tmp_path / "out", expect=2).stderr.splitlines()
    assert "hush" not in line


def test_a_fault_of_the_program_is_no_refusal_of_the_store():
    def call():
        raise KeyError("bug")

    with pytest.raises(KeyError):
        object_store.asked("s3://b/x", call)


def test_a_request_that_timed_out_is_sent_again_though_its_status_is_400():
    def answered(code):
        error = Exception(code)
        error.response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": 400}}
        return error

    assert store_errors.is_passing(answered("RequestTimeout"))
    assert not store_errors.is_passing(answered("ExpiredToken"))
