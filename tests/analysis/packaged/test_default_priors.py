"""The priors that come with mixprior: what they say is what was published or mined, and they are there by name."""

import io
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mixprior import main
from mixprior.analysis.constants import constants
from mixprior.analysis.constants.compare import OCTAVES_HZ, octave_levels_db, octave_means
from mixprior.analysis.errors import NotPriors, PriorsLookupError
from mixprior.analysis.packaged import published, published_table
from mixprior.analysis.packaged.default_priors import LEAST_SONGS, centre, open_chain
from mixprior.analysis.priors import PACKAGED, open_priors
from mixprior.analysis.regression import regress
from mixprior.pipeline.store.layout import PRIORS_FILE
from mixprior.stats.errors import InputError
from tests.analysis.priors_folder import RATIO, RATIO_OF_ALL, row, write_priors
from tests.conftest import ROOT
from tests.reference import PUBLISHED
from tools.songs import starter_table

RUN = ROOT / "outputs" / "songs"


@pytest.fixture(params=PACKAGED)
def packaged(request):
    return open_priors(request.param)


@pytest.fixture(scope="module")
def of_others():
    return open_priors("published")


@pytest.fixture(scope="module")
def starter():
    return open_priors("starter")


def test_published_numbers_are_shipped_as_they_are_built():
    shipped = {file.name: file.read_bytes() for file in PACKAGED["published"].iterdir()}
    built = published_table.files()
    assert shipped["manifest.json"] == built["manifest.json"]
    # SciPy's quantile of the t distribution, of which the intervals are made, changed by 1e-12 with version 1.17.
    table, expected = _table(built[PRIORS_FILE]), pq.read_table(PACKAGED["published"] / PRIORS_FILE)
    assert table.schema == expected.schema
    pd.testing.assert_frame_equal(table.to_pandas(), expected.to_pandas(), rtol=1e-9, atol=0)
    assert shipped.keys() == built.keys()


def test_starter_priors_are_shipped_as_they_are_built():
    if not (RUN / "priors" / PRIORS_FILE).is_file():
        pytest.skip("the songs are not mined here: mixprior mine ... -o outputs/songs")
    mined, shipped = open_priors(RUN), open_priors("starter")
    if mined.manifest["features"] != shipped.manifest["features"]:
        pytest.skip("outputs/songs was mined with other settings or models than the shipped priors")
    built = starter_table.files(RUN)
    assert json.loads(built["manifest.json"]) == shipped.manifest
    for name in built.keys() - {"manifest.json"}:
        assert _table(built[name]).equals(pq.read_table(shipped.path / name)), name


def _table(content: bytes):
    return pq.read_table(io.BytesIO(content))


def test_every_published_row_has_a_source_a_definition_and_a_unit(of_others):
    manifest = of_others.manifest
    told = {(label["group"], label["stem"], label["statistic"]): label["source"] for label in manifest["rows"]}
    for found in of_others.rows(vectors=True).to_pylist():
        source = told[found["group"], found["stem"], found["statistic"]]
        assert len(manifest["sources"][source]) > 20
        assert manifest["statistics"][found["statistic"]]["definition"]
        assert manifest["statistics"][found["statistic"]]["unit"] == found["unit"]
        assert found["mean"] is not None
        assert found["group"] in ("all", f"source={source}") or source == "li-gtzan"


def test_what_was_published_under_a_wrong_name_stands_under_the_right_one(of_others):
    assert of_others.lookup("vocals", "loudness_range_100ms_lu", "source=li-msd").mean == 16.3574
    with pytest.raises(PriorsLookupError):
        of_others.lookup("vocals", "loudness_range_lu")
    with pytest.raises(PriorsLookupError):
        of_others.lookup("vocals", "integrated_lufs")
    assert of_others.lookup("vocals", "loudness_after_normalisation_lufs").mean == -30.729
    assert of_others.lookup("song", "vocal_to_backing_mono_lu", "source=li-msd").mean == -1.77
    assert of_others.lookup("song", RATIO, "source=li-musdb18-train").mean == pytest.approx(-2.15, abs=0.002)
    corrected = " ".join(note["statistic"] for note in of_others.manifest["corrections"])
    for name in ("loudness_range_100ms_lu", "loudness_after_normalisation_lufs", "vocal_to_backing_mono_lu", RATIO):
        assert name in corrected


def test_a_curve_has_the_published_frequencies_and_no_more(of_others):
    octaves = of_others.rows("vocals", "magnitude_spectrum_octaves_db", "all")
    assert tuple(octaves["bin_hz"].to_pylist()) == OCTAVES_HZ
    assert tuple(octaves["mean"].to_pylist()) == published.MAGNITUDE_SPECTRUM_DB["vocals"]
    assert {found["statistic"] for found in of_others.contents}.isdisjoint({"magnitude_spectrum", "sps_phi"})


@pytest.mark.reference("reference/published")
def test_octave_curves_are_those_of_their_source():
    fxnorm, ito_master = (np.load(PUBLISHED / f"{name}.npz") for name in ("fxnorm_musdb18", "ito_master_mixture"))
    for stem, levels_db in published.MAGNITUDE_SPECTRUM_DB.items():
        assert levels_db == pytest.approx(octave_levels_db(fxnorm[f"eq/{stem}"]), abs=0.005001), stem
        assert published.SPS_PHI[stem] == pytest.approx(octave_means(fxnorm[f"panning/{stem}"]), abs=5.001e-5), stem
    levels_db = octave_levels_db(ito_master["eq/mixture"])
    assert levels_db == pytest.approx(published.MIXTURE_SPECTRUM_DB, abs=0.005001)


def test_what_the_report_shows_as_published_agrees(of_others):
    for (stem, statistic), found in published.SCALARS.items():
        rows = of_others.rows(stem, statistic).to_pylist()
        for each in found:
            nearest = min(abs(each.value - row["mean"]) for row in rows)
            if statistic != "vocal_to_backing_mono_lu":  # MUSDB18's were measured in stereo
                assert nearest < 0.006, (stem, statistic)


@pytest.mark.parametrize(
    ("file", "key", "stem", "statistic", "group"),
    [
        pytest.param("musdb18hq_vox_acc_ratio", ["train"], "song", RATIO, "source=li-musdb18-train"),
        pytest.param("musdb18hq_vox_acc_ratio", ["test"], "song", RATIO, "source=li-musdb18-test"),
        pytest.param("musdb18hq_vox_acc_ratio", ["train", "test"], "song", RATIO, "all"),
        pytest.param(
            "musdb18hq_train_rt_tempo_lra", ["vocal_lra_100ms_blocks"], "vocals", "loudness_range_100ms_lu", "all"
        ),
        pytest.param(
            "musdb18hq_train_rt_tempo_lra", ["reverb_time_s_from_chameleon_ir"], "vocals", "chameleon_rt60_s", "all"
        ),
    ],
)
@pytest.mark.reference("reference/published")
def test_numbers_are_those_of_the_published_songs(of_others, file, key, stem, statistic, group):
    found = json.loads((PUBLISHED / f"{file}.json").read_text("utf-8"))
    songs = np.concatenate([found[name] for name in key])
    prior = of_others.lookup(stem, statistic, group)
    wanted = [songs.mean(), songs.std(ddof=1), songs.min(), songs.max(), *np.quantile(songs, [0.05, 0.25, 0.5, 0.95])]
    got = [prior.mean, prior.sd, prior.min, prior.max, prior.p5, prior.p25, prior.p50, prior.p95]
    assert prior.n == songs.size
    np.testing.assert_allclose(got, wanted, atol=0.00051)


@pytest.mark.reference("reference/published")
@pytest.mark.parametrize(("file", "source"), [("fxnorm_musdb18", "fxnorm"), ("koo_musdb18", "koo")])
def test_numbers_are_those_of_the_published_constants(of_others, file, source):
    found = np.load(PUBLISHED / f"{file}.npz")
    for stem in ("vocals", "drums", "bass", "other"):
        group = f"source={source}"
        names = ("onset_peak_mean_db", "onset_peak_sd_db", "loudness_after_normalisation_lufs")
        got = [of_others.lookup(stem, name, group).mean for name in names]
        wanted = [*found[f"compression/{stem}"], *found[f"loudness/{stem}"]]
        np.testing.assert_allclose(got, wanted, atol=0.00051)
        if source == "koo":
            imager = of_others.lookup(stem, "mid_energy_fraction", group).mean
            np.testing.assert_allclose(imager, found[f"imager/{stem}"], atol=0.00051)


def test_starter_tells_every_song_its_licence_and_how_it_was_separated(starter):
    songs = starter.manifest["catalog"]
    assert len(songs) == starter.manifest["songs"] == 31
    for song in songs:
        assert all(song[fact] for fact in ("title", "artist", "licence"))
    (features,) = starter.manifest["features"].values()
    assert features["stems"] == "separated"
    assert features["model"] == "htdemucs"


def test_starter_holds_what_mixing_needs(starter):
    for stem, statistic in [
        ("song", RATIO),
        ("vocals", "loudness_range_lu"),
        ("vocals", "rt60_s"),
        ("vocals", "wet_dry_db"),
        *((stem, "loudness_vs_mixture_lu") for stem in constants.STEMS),
    ]:
        prior = starter.lookup(stem, statistic)
        assert prior.n >= 8
        assert prior.p25 <= prior.p50 <= prior.p75
    assert [row["p50"] > 0 for row in starter.rows("vocals", "rt60_octaves_s", "all").to_pylist()] == [True] * 5
    found = constants.of_priors(starter)
    assert all(found.features["eq"][stem].shape == (32769,) for stem in constants.STEMS)
    (line,) = regress(starter, ("vocals", "rt60_s"), [("backing", "tempo_bpm")])
    assert line["n"] == starter.lookup("vocals", "rt60_s").n


def test_thinned_curves_keep_their_means_and_scalars_everything(starter):
    mined = RUN / "priors" / PRIORS_FILE
    rows = pq.read_table(mined) if mined.is_file() else pq.read_table(starter.path / PRIORS_FILE)
    before, after = rows.to_pylist()[::50], starter_table.thinned(rows).to_pylist()[::50]
    for was, now in zip(before, after, strict=True):
        if was["statistic"] in ("magnitude_spectrum", "magnitude_spectrum_db", "sps_phi"):
            for name in ("mean", "sd", "weighted_mean"):
                assert now[name] == (None if was[name] is None else pytest.approx(was[name], rel=1e-7))
            assert now["n"] == was["n"]
            assert now["p50"] is now["mean_low"] is None
        else:
            assert now == was


def test_of_songs_with_singing_the_means_of_curves_are_kept_and_of_other_groups_none(starter):
    rows = starter.rows("vocals", "sps_phi")
    groups = [
        rows.set_column(0, "group", pa.array([name] * len(rows))) for name in ("all", "singing=no", "singing=yes")
    ]
    thinned = starter_table.thinned(pa.concat_tables(groups)).to_pandas()
    assert set(thinned["group"]) == {"all", "singing=yes"}
    of_all, of_sung = (thinned[thinned["group"] == name] for name in ("all", "singing=yes"))
    assert list(of_sung["mean"]) == list(of_all["mean"])
    assert (of_sung["sd"].isna().all(), of_all["sd"].isna().all()) == (True, False)


def test_a_song_whose_role_is_not_prior_is_refused(monkeypatch, tmp_path, starter):
    header, *rows = starter_table.ROLES.read_text("utf-8").splitlines()
    (tmp_path / "roles.csv").write_text("\n".join([header, *(row for row in rows if "Vibe Ace" not in row)]), "utf-8")
    monkeypatch.setattr(starter_table, "ROLES", tmp_path / "roles.csv")
    with pytest.raises(InputError, match="73d6443ef90a7c02"):
        starter_table.files(starter.path)


def test_together_they_are_small_and_name_no_machine():
    files = [file for folder in PACKAGED.values() for file in folder.iterdir()]
    assert sum(file.stat().st_size for file in files) < 1_200_000
    manifests = "".join(file.read_text("utf-8") for file in files if file.suffix == ".json")
    for path in ("/work", "/root", "/home", "/tmp", "\\Users", "/Users"):
        assert path not in manifests
    for folder in PACKAGED.values():
        rows = open_priors(folder).rows(vectors=True)
        words = {word for name in ("group", "stem", "statistic") for word in rows[name].unique().to_pylist()}
        assert not any("/" in word for word in words)


def test_a_package_is_built_with_them(tmp_path):
    done = subprocess.run(
        [sys.executable, "setup.py", "-q", "build_py", "--build-lib", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for folder in PACKAGED.values():
        for file in folder.iterdir():
            assert (
                tmp_path / "mixprior" / "analysis" / "packaged" / folder.name / file.name
            ).read_bytes() == file.read_bytes()


def test_packaged_priors_are_queried_by_name(packaged, capsys):
    name = packaged.path.name.removesuffix("_priors")
    assert main(["query", name, "--stem", "song", "--stat", RATIO, "--group", "all", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["rows"]
    assert found["p50"] == packaged.lookup("song", RATIO).p50


def test_the_report_takes_their_name(packaged, tmp_path, capsys):
    name = packaged.path.name.removesuffix("_priors")
    assert main(["report", name, "-o", str(tmp_path / "report.html")]) == 0
    assert "Vocals against backing" in (tmp_path / "report.html").read_text("utf-8")


def test_a_folder_of_that_name_goes_first(tmp_path, monkeypatch):
    write_priors(tmp_path / "starter")
    monkeypatch.chdir(tmp_path)
    assert open_priors("starter").manifest["songs"] == 102
    assert open_priors("published").path == PACKAGED["published"]


def test_another_bare_name_is_no_priors(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotPriors, match="or published or starter"):
        open_priors("starters")


def test_a_chain_asks_the_priors_given_first(tmp_path):
    chain = open_chain(write_priors(tmp_path))
    prior, source = chain.lookup("song", RATIO)
    assert (prior.p50, source.group, source.notes) == (RATIO_OF_ALL[7], "all", ())
    assert source.priors.path == tmp_path


def test_a_chain_says_what_it_takes_from_elsewhere(tmp_path):
    chain = open_chain(open_priors(write_priors(tmp_path)))
    prior, source = chain.lookup("vocals", "loudness_range_lu")
    assert source.priors.path == PACKAGED["starter"]
    assert centre(prior) == prior.p50
    assert source.notes == (
        f"{tmp_path} has no loudness_range_lu of vocals; the packaged priors published has no "
        "loudness_range_lu of vocals: taken from the packaged priors starter",
    )


def test_statistics_asked_for_together_come_from_the_same_songs():
    names = [("song", RATIO), ("vocals", "rt60_s"), ("vocals", "rt60_octaves_s")]
    assert open_chain().source(names[:1]).priors.path == PACKAGED["published"]
    source = open_chain().source(names)
    assert source.priors.path == PACKAGED["starter"]
    assert "taken from the packaged priors starter" in source.notes[-1]


def test_all_songs_stand_in_for_a_group_that_is_missing_small_or_empty(tmp_path):
    chain = open_chain(write_priors(tmp_path))
    for group, told in (
        ("genre=folk", "did you mean"),
        ("genre=polka", f"fewer than {LEAST_SONGS}"),
        ("genre=jazz", ""),
    ):
        prior, source = chain.lookup("song", RATIO, group)
        assert prior.group == source.group == "all"
        (note,) = source.notes
        assert note.startswith(f"all songs are used in place of the group {group}: ")
        assert told in note
    assert chain.lookup("song", RATIO, "genre=rock")[0].n == 40


def test_priors_that_measured_no_song_give_way(tmp_path):
    chain = open_chain(write_priors(tmp_path, [row("all", "song", RATIO, "LU", 0, n_missing=4)]))
    _, source = chain.lookup("song", RATIO)
    assert source.priors.path == PACKAGED["published"]


def test_few_songs_in_all_are_taken_and_told(tmp_path):
    chain = open_chain(write_priors(tmp_path, [row("all", "song", RATIO, "LU", 3, RATIO_OF_ALL)]))
    prior, source = chain.lookup("song", RATIO)
    assert prior.n == 3
    assert source.notes == (f"the prior of {RATIO} of song rests on 3 songs only",)


def test_a_mean_alone_is_aimed_at_and_nothing_is_not(of_others, tmp_path):
    assert centre(of_others.lookup("vocals", "onset_peak_mean_db")) == -14.241
    nothing = open_priors(write_priors(tmp_path, [row("all", "song", RATIO, "LU", 0)])).lookup("song", RATIO)
    with pytest.raises(PriorsLookupError, match="on no song"):
        centre(nothing)


def test_what_no_priors_hold_is_an_error_of_the_first(tmp_path):
    with pytest.raises(PriorsLookupError, match=f"no statistic 'nonsense_db' .*{tmp_path.name}"):
        open_chain(write_priors(tmp_path)).lookup("vocals", "nonsense_db")


def test_a_packaged_name_heads_the_chain_once():
    assert [priors.path for priors in open_chain("starter").links] == [PACKAGED["starter"], PACKAGED["published"]]
