"""What a run would take: arithmetic on constants that are stated, of a catalog or of so many songs."""

import json
from dataclasses import astuple, replace

import numpy as np
import pytest
import soundfile

import mixprior
from mixprior.pipeline import estimate
from mixprior.pipeline.plan import command, constants, work
from mixprior.pipeline.plan import measure as measuring
from mixprior.pipeline.plan.constants import SEPARATED, WITH_STEMS, Constants, Overhead, PerSong
from mixprior.pipeline.plan.forecast import Fleet, Work, forecast
from mixprior.pipeline.plan.reference import REFERENCE
from mixprior.pipeline.plan.simulation import Troubles
from mixprior.pipeline.song import pace
from mixprior.pipeline.song.pace import Pace
from mixprior.pipeline.song.pool import Answer
from mixprior.pipeline.store.ledger import Found
from mixprior.pipeline.store.records import Song
from mixprior.stats.errors import InputError
from tests.pipeline.store.test_packing import row_file

CONSTANTS = Constants(
    machine="2 cores",
    cores=2,
    measured="2026-01-01",
    load=0.5,
    songs={
        SEPARATED: PerSong(1.0, 0.25, 0.0, 7, 100_000, "clips"),
        WITH_STEMS: PerSong(0.5, 0.01, 0.0, 7, 100_000, "clips"),
    },
    engines={
        "local": (Overhead(1, 4.0, 3.0, 1.0), Overhead(2, 6.0, 5.0, 1.2)),
        "dask": (Overhead(1, 14.0, 9.0, 1.0), Overhead(2, 16.0, 15.0, 1.2)),
    },
    table_s=1e-4,
    table_bytes=100.0,
    aggregate_s=1e-3,
    graph_s=7.0,
)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_sizes_that_are_not_known_are_not_nothing(tmp_path, monkeypatch, capsys):
    soundfile.write(tmp_path / "a.wav", np.zeros(80_000), 8000, "PCM_16")
    monkeypatch.setattr(work.sources, "size_bytes", lambda _path: 0)
    assert mixprior.main(["plan", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["read_bytes"] is found["read_mb_per_s"] is None
    assert mixprior.main(["plan", str(tmp_path)]) == 0
    assert "read an unknown size, write" in capsys.readouterr().out


def songs(count, seconds, size_bytes=0.0):
    return Work({SEPARATED: np.full(count, seconds)}, {SEPARATED: count}, size_bytes)


def test_the_hours_are_those_of_the_constants():
    found = forecast(songs(100, 100.0, 1e9), Fleet("local", 1), CONSTANTS, Troubles())
    mining_s = 100 * (1.0 + 0.25 * 100.0)
    assert found.wall_s == pytest.approx(mining_s + 4.0 + 100 * (1e-4 + 1e-3))
    assert found.cpu_hours == pytest.approx((mining_s + 3.0 + 100 * (1e-4 + 1e-3)) / 3600)
    assert (found.read_bytes, found.written_bytes, found.kept_bytes) == (10**9, 10_010_000, 10_010_000)
    assert (found.gpu_hours, found.price, found.lost_hours) == (0.0, None, 0.0)


def test_busy_cores_are_slower_and_a_step_of_processes_adds_up_many_songs():
    two = forecast(songs(1000, 100.0), Fleet("local", 2), CONSTANTS, Troubles())
    mining_s = 500 * 1.2 * (1.0 + 0.25 * 100.0)
    assert two.wall_s == pytest.approx(mining_s + 6.0 + 1000 * 1e-4 + 1000 * 1e-3 / 2 + 7.0)


def test_a_worker_with_a_gpu_is_as_fast_as_the_slower_of_its_gpu_and_its_cores():
    known = command.with_gpu(CONSTANTS, 100.0)
    hundred, factor = songs(100, 100.0), 1.2
    bound_by_gpu = forecast(hundred, Fleet("dask", 10, cores=8), known, Troubles())
    assert bound_by_gpu.gpu_hours == pytest.approx(100 * 1.0 / 3600)
    bound_by_cores = forecast(hundred, Fleet("dask", 10, cores=1), known, Troubles())
    assert bound_by_cores.wall_s > bound_by_gpu.wall_s
    assert bound_by_cores.cpu_hours == pytest.approx((100 * factor * 1.5 + 15.0 + 8 * 6.0 + 0.11) / 3600)


def test_what_is_paid_is_every_worker_from_the_start_to_the_end():
    found = forecast(songs(100, 100.0), Fleet("dask", 10, price_per_hour=2.0), CONSTANTS, Troubles())
    assert found.price == pytest.approx(2.0 * 10 * found.wall_s / 3600)
    assert found.price == pytest.approx(2.0 * found.paid_hours)


def test_a_million_songs_are_planned_in_seconds_and_take_as_long_as_their_number(capsys):
    assert mixprior.main(["plan", "--songs", "1000000", "--minutes", "4", "--workers", "1000", "--json"]) == 0
    million = json.loads(capsys.readouterr().out)
    thousandth = mixprior.plan(songs=1000, minutes=4.0, workers=2, engine="dask", slow_workers=0, again=0)
    assert million["audio_hours"] == pytest.approx(1e6 * 4 / 60)
    assert million["cpu_hours"] == pytest.approx(1000 * thousandth.cpu_hours, rel=0.05)
    assert million["wall_days"][1] > 2 * thousandth.wall_days[1]  # slow workers, and songs that are mined twice
    assert million["constants"]["machine"] == REFERENCE.machine


def test_the_output_states_its_constants_its_seed_and_the_troubles(capsys):
    arguments = ["--songs", "1000", "--workers", "20", "--price-per-hour", "0.5", "--preemptions", "2", "--seed", "3"]
    assert mixprior.main(["plan", *arguments]) == 0
    out = capsys.readouterr().out
    assert "constants: measured on another machine" in out
    assert "simulated, seed 3: 5 % of workers 2 times slower" in out
    assert "price: " in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "takes a catalog, or --songs"),
        (["a", "--songs", "3"], "one of them"),
        (["--songs", "0"], "--songs takes a number from 1"),
        (["--songs", "5", "--minutes", "-1"], "--minutes takes"),
        (["--songs", "5", "--slow-workers", "101"], "--slow-workers takes a number from 0 to 100, not 101"),
        (["--songs", "5", "--preemptions", "nan"], "--preemptions takes a number"),
        (["--songs", "5", "--seed", "-1"], "--seed takes a number from 0"),
        (["--songs", "5", "--workers", "1000000000"], "--workers takes a number from 1 to 1e+06"),
    ],
)
def test_what_makes_no_plan_is_refused_in_one_line(arguments, words, capsys):
    assert mixprior.main(["plan", *arguments]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert words in line


def test_an_engine_that_is_not_planned_for_is_refused():
    with pytest.raises(InputError, match="no engine 'spark' to plan for; there are local, dask"):
        mixprior.plan(songs=5, engine="spark")


def test_a_machine_that_was_not_measured_has_its_own_cores_and_not_those_of_the_reference(monkeypatch):
    monkeypatch.setattr(command, "usable_cores", lambda: 12)
    found = mixprior.plan(songs=100)
    assert (found.workers, found.engine) == (12, "local")
    assert mixprior.plan(songs=100, workers=12).engine == "local"
    assert mixprior.plan(songs=100, workers=13).engine == "dask"


def test_a_measured_gpu_is_one_gpu_with_all_cores_and_not_one_for_each(monkeypatch):
    with_gpu = replace(command.with_gpu(CONSTANTS, 10.0), cores=16)
    monkeypatch.setattr(command, "_constants", lambda *_asked: with_gpu)
    found = mixprior.plan(songs=100, minutes=1.0)
    assert (found.workers, found.engine) == (1, "local")
    assert found.wall_s >= found.gpu_hours * 3600
    assert mixprior.plan(songs=100, workers=4).engine == "dask"
    with pytest.raises(InputError, match="has one GPU"):
        mixprior.plan(songs=100, workers=4, engine="local")
    assert mixprior.plan(songs=100, minutes=1.0, with_stems=True).workers == 16


def test_a_catalog_is_as_long_as_its_headers_say(tmp_path):
    for k, seconds in enumerate((10, 20)):
        soundfile.write(tmp_path / f"{k}.wav", np.zeros(8000 * seconds), 8000, "PCM_16")
    found = mixprior.plan(tmp_path, workers=1)
    assert found.songs == 2
    assert found.audio_hours == pytest.approx(30 / 3600, rel=0.01)
    assert found.read_bytes == sum(path.stat().st_size for path in tmp_path.glob("*.wav"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no song"):
        mixprior.plan(tmp_path / "empty")


def settings():
    return command._settings(None, 20.0)


def test_what_is_measured_is_kept_and_prevails_and_damage_costs_it_alone():
    constants.keep(CONSTANTS, settings())
    assert constants.read(settings()) == CONSTANTS
    assert mixprior.plan(songs=10, minutes=1.0).constants == CONSTANTS
    another = replace(settings(), separation=replace(settings().separation, overlap=0.5))
    found = constants.completed(constants.read(another), REFERENCE, another)
    assert found.songs == {SEPARATED: REFERENCE.songs[SEPARATED], WITH_STEMS: CONSTANTS.songs[WITH_STEMS]}
    constants.user_cache.write("plan", constants._name(), {"songs": 3})
    assert constants.read(settings()) is None
    assert mixprior.plan(songs=10, minutes=1.0).constants.is_reference


def test_the_plan_and_the_dry_run_share_what_was_measured():
    pace.remember(Pace(100.0, 50.0, 40.0, 2, 7, 1000), settings(), [True])
    found = mixprior.plan(songs=10, minutes=1.0, with_stems=True).constants.songs[WITH_STEMS]
    assert (found.audio_s, found.by) == (0.4, "the last run on this machine")  # of the cores, not of the clock
    constants.keep(CONSTANTS, settings())
    one = Found(Song("a", (("vocals", "a/vocals.wav"),)), 1000)
    assert estimate.of([one], replace(settings(), rehash=True), workers=1).by == estimate.LAST_RUN
    own = CONSTANTS.songs[SEPARATED].pace()
    assert own.hours(3600.0, workers=1) == pytest.approx((1.0 * 15 + 0.25 * 3600) / 3600)
    assert estimate._by_plan(settings(), [False]) == own


def test_songs_that_were_not_measured_take_as_long_as_in_the_last_run():
    own = replace(CONSTANTS, songs={WITH_STEMS: CONSTANTS.songs[WITH_STEMS]})
    pace.remember(Pace(100.0, 20.0, 40.0, 2, 7, 1000), settings(), [False])
    found = constants.completed(own, REFERENCE, settings()).songs
    assert found[SEPARATED].audio_s == 0.4
    assert found[WITH_STEMS] == CONSTANTS.songs[WITH_STEMS]
    assert constants.completed(CONSTANTS, REFERENCE, settings()).songs == CONSTANTS.songs


def test_what_the_last_run_waited_for_a_gpu_is_time_of_the_gpu():
    on_gpu = replace(settings(), separation=replace(settings().separation, device="cuda"))
    pace.remember(Pace(100.0, 5.0, 2.0, 4, 7, 1000), on_gpu, [False])
    found = constants.completed(None, REFERENCE, on_gpu).songs[SEPARATED]
    assert (found.audio_s, found.gpu_s) == (0.02, 0.05)


def test_what_a_machine_was_measured_for_is_found_where_no_model_is():
    with_model = replace(settings(), separation=replace(settings().separation, weights_sha256="0" * 64))
    without = replace(settings(), separation=replace(settings().separation, weights_sha256=""))
    constants.keep(CONSTANTS, with_model)
    song = Found(Song("a", (("vocals", "a/vocals.wav"),)), 1000)
    assert estimate.of([song], without, workers=1).by == estimate.MEASURED  # as a dry run of songs with stems asks
    assert constants.read(without).songs.keys() == {WITH_STEMS}
    later = replace(CONSTANTS, measured="2026-02-02", songs={WITH_STEMS: CONSTANTS.songs[WITH_STEMS]})
    constants.keep(later, without)
    found = constants.read(with_model)
    assert found.measured == "2026-02-02"
    assert found.songs[SEPARATED] == replace(CONSTANTS.songs[SEPARATED], by="clips, 2026-01-01")


def test_a_worker_of_a_cluster_takes_time_and_cores_to_start():
    ten, thousand = (mixprior.plan(songs=10**6, workers=n, slow_workers=0, again=0) for n in (10, 1000))
    each_s = REFERENCE.engines["dask"][1].cpu_s - REFERENCE.engines["dask"][0].cpu_s
    assert 3600 * (thousand.cpu_hours - ten.cpu_hours) == pytest.approx(990 * each_s)
    at_once = mixprior.plan(songs=10**6, workers=1000, slow_workers=0, again=0, start=0)
    assert thousand.wall_s - at_once.wall_s == pytest.approx(300.0)
    assert thousand.lost_hours - at_once.lost_hours == pytest.approx(1000 * 300 / 3600)
    assert thousand.paid_hours - at_once.paid_hours == pytest.approx(1000 * 300 / 3600)


def test_workers_of_one_machine_have_no_troubles_of_a_cluster_and_a_gpu_each_by_dask():
    one = mixprior.plan(songs=100, workers=4, gpu=60.0, one_machine=True)
    assert (one.engine, one.troubles) == ("dask", Troubles())
    assert mixprior.plan(songs=100, workers=4, gpu=60.0).troubles.slow_share == 0.05
    assert mixprior.plan(songs=100, workers=4, one_machine=True, start=30.0).troubles.restart_s == 30.0
    assert mixprior.plan(songs=100, gpu=60.0).engine == "local"
    with pytest.raises(InputError, match="--engine local has one GPU: for several, --engine dask --one-machine"):
        mixprior.plan(songs=100, workers=4, gpu=60.0, engine="local")


@pytest.mark.parametrize(
    ("count", "fleet", "packed"),
    [
        (4095, Fleet("local", 2), 0),
        (4096, Fleet("local", 2), 4096),  # at the end
        (5000, Fleet("local", 2), 5000),
        (10_000, Fleet("dask", 30), 7680),
        (10_000, Fleet("dask", 64), 10_000),  # at the end: no worker mines 256
    ],
)
def test_rows_are_written_twice_where_a_run_packs_them(count, fleet, packed):
    found = forecast(songs(count, 100.0), fleet, CONSTANTS, Troubles())
    assert found.written_bytes == 100_000 * (count + packed) + 100 * count


@pytest.mark.parametrize(("engine", "more_s"), [("local", CONSTANTS.graph_s), ("dask", 0.0)])
def test_a_run_that_is_no_graph_so_far_waits_for_one_that_adds_up_many_songs(engine, more_s):
    without = replace(CONSTANTS, graph_s=0.0)
    took_s, rest_s = (
        forecast(songs(1000, 1.0), Fleet(engine, 2), known, Troubles()).wall_s for known in (CONSTANTS, without)
    )
    assert took_s - rest_s == pytest.approx(more_s)


def test_what_a_run_takes_once_is_not_taken_for_a_share_of_its_songs(tmp_path, monkeypatch):
    """Runs take 3 s and the time of their songs; the first one of all also reads libraries from the disk."""
    stems = CONSTANTS.songs[WITH_STEMS]

    def run(first_s, share):
        began = []

        def answer(catalog, _out, *_options):
            songs_s = 12 * (stems.song_s + stems.audio_s * measuring._SONG_S[catalog.name])
            began.append(catalog)
            more_s = first_s if len(began) == 1 else 0.0
            return 3.0 + songs_s / share + more_s, 2.0 + songs_s + more_s

        monkeypatch.setattr(measuring, "_run", answer)
        return measuring._overhead(tmp_path, "local", 1, 1.0, stems)

    assert astuple(run(0.0, 1.0)) == pytest.approx((1, 3.0, 2.0, 1.0, 1.0))
    assert astuple(run(0.0, 0.5)) == pytest.approx((1, 3.0, 2.0, 1.0, 0.5))
    assert astuple(run(20.0, 1.0)) == pytest.approx((1, 3.0, 2.0, 1.0, 1.0))


def test_a_machine_that_others_share_takes_longer_and_no_more_of_its_cores():
    shared = replace(CONSTANTS, engines={"local": (Overhead(1, 4.0, 3.0, 1.0, 0.5), Overhead(2, 6.0, 5.0, 1.2, 0.25))})
    alone, found = (forecast(songs(100, 100.0), Fleet("local", 1), each, Troubles()) for each in (CONSTANTS, shared))
    mining_s = 100 * (1.0 + 0.25 * 100.0)
    assert found.wall_s - alone.wall_s == pytest.approx(mining_s)
    assert found.cpu_hours == alone.cpu_hours
    assert shared.overhead("local", 3).share == 1.0  # on other machines


def answers(kind_s: float, wait_s: float) -> list[list[Answer]]:
    """What children say of clips of 4 s and 14 s: half a second each, and seconds of a core and of waiting a second."""
    return [
        [
            Answer(
                {"duration_s": d, "cpu_s": 0.5 + kind_s * d, "mined_s": 0.5 + (kind_s + wait_s) * d}, row_file("0" * 16)
            )
        ]
        for d in (4.0, 4.0, 14.0, 14.0)
    ]


def test_the_line_through_clips_tells_a_song_from_a_second_and_a_gpu_from_the_cores(monkeypatch):
    kinds = {True: answers(0.01, 0.0), False: answers(0.2, 0.05)}
    monkeypatch.setattr(pace, "clips", lambda _settings, has_stems, *_lengths: kinds[has_stems])
    stems = measuring._per_song(settings(), WITH_STEMS)
    assert (stems.song_s, stems.audio_s, stems.rows) == (pytest.approx(0.5), pytest.approx(0.01), 7)
    assert measuring._per_song(settings(), SEPARATED).audio_s == pytest.approx(0.2)
    on_gpu = measuring._by_gpu(settings(), stems)
    assert (on_gpu.audio_s, on_gpu.gpu_s) == (pytest.approx(0.01), pytest.approx(0.24))
    assert measuring._busy(settings(), 2, stems) == pytest.approx(1.0)


def test_songs_that_are_dealt_finer_end_earlier_where_workers_are_slow():
    coarse, fine = (
        mixprior.plan(songs=100_000, workers=100, bundles=bundles, again=0).wall_days[1] for bundles in (None, 64)
    )
    assert fine < 0.95 * coarse


def test_a_plan_needs_no_model_on_this_machine(tmp_path, monkeypatch):
    monkeypatch.setenv("MIXPRIOR_MODEL_REPO", str(tmp_path))
    assert mixprior.plan(songs=10, minutes=1.0).constants.songs[SEPARATED] == REFERENCE.songs[SEPARATED]
