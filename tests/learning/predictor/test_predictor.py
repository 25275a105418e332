"""Networks learn a law that is there and nothing where there is none, and run without torch as they do with it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mixprior.learning.predictor import known_truth, learners, learning_curve
from mixprior.learning.predictor.examples import Examples
from mixprior.learning.predictor.known_truth import Remixes, heard_in
from mixprior.learning.predictor.learners import our_prediction, train_ours
from mixprior.learning.predictor.linear import Linear, solved
from mixprior.learning.predictor.networks import LiNetwork, PriorNetwork
from mixprior.learning.predictor.tasks import LiTask, OurTask, network_of
from mixprior.learning.training.loop import train
from mixprior.mixing.learned import network

PRIOR = np.array([[-2.0, 2.5], [8.0, 3.0]])
NAMES = ("vocal_to_backing_lu", "loudness_range_lu")


def remixes(excerpts: int = 60, songs: int = 12, seed: int = 0) -> Remixes:
    """Spectra of noise that are tilted at random, which is what the law is of."""
    rng = np.random.default_rng(seed)
    tilts = rng.normal(0, 1, (excerpts, 4, 2, 1, 1)) * np.linspace(-15, 15, 128)[:, None]
    mel_db = (-30 + tilts + rng.normal(0, 3, (excerpts, 4, 2, 128, 70))).astype(np.float16)
    heard = np.array([[heard_in(*pair.astype(float)) for pair in each] for each in mel_db])
    levels = rng.normal(0, 3, (2, excerpts, 4))
    return Remixes(mel_db, *levels, heard, np.array([f"song {k % songs}" for k in range(excerpts)]))


@pytest.fixture(scope="module")
def examples() -> Examples:
    made = remixes()
    return made.examples(known_truth.truth(made, 0.8, 1)[1])


@pytest.mark.parametrize(("task", "config"), [(LiTask, learners.LI), (OurTask, learners.OURS)])
def test_the_loss_falls_and_gradients_reach_every_parameter(examples, task, config):
    seen: dict[str, float] = {}

    def after_step(state):
        for name, parameter in state.model.named_parameters():
            seen[name] = seen.get(name, 0.0) + float(parameter.grad.abs().sum())

    short = replace(config, steps=16, batch=8, check_every=8)
    state = train(task(examples, examples), short, after_step=after_step)
    assert state.looks[-1].training_loss < state.looks[0].training_loss
    assert seen.keys() == dict(state.model.named_parameters()).keys()
    assert all(total > 0 for total in seen.values()), seen


def test_lis_network_has_25_thousand_weights_and_takes_his_input():
    made = LiNetwork(9).eval()
    assert made(torch.zeros(3, 2, 128, 64)).shape == (3, 9)


def test_untrained_ours_predicts_the_prior_whatever_it_hears():
    mean, sd = PriorNetwork(PRIOR).eval()(torch.randn(4, 2, 128, 80))
    np.testing.assert_allclose(mean.detach(), np.tile(PRIOR[:, 0], (4, 1)), rtol=1e-6)
    np.testing.assert_allclose(sd.detach(), np.tile(PRIOR[:, 1], (4, 1)), rtol=1e-6)


@pytest.mark.parametrize("linear", [None, Linear(np.full((2, 64), 0.01), np.array([1.0, -2.0]), np.array([2.0, 4.0]))])
def test_without_torch_it_predicts_the_same(linear):
    torch.manual_seed(1)
    made = PriorNetwork(PRIOR, linear)
    torch.nn.init.normal_(made.last.weight, std=0.1)
    made(torch.randn(8, 2, 128, 90) * 10 - 30)  # moves the averages of the batch norm
    made.eval()
    mel_db = np.random.default_rng(2).normal(-30, 10, (2, 128, 100)).astype(np.float32)
    mean, sd = (each.detach().numpy()[0] for each in made(torch.from_numpy(mel_db)[None]))
    said = network.made(NAMES, made.arrays(), {}).predict(mel_db)
    np.testing.assert_allclose([said[name].mean for name in NAMES], mean, rtol=1e-4)
    np.testing.assert_allclose([said[name].sd for name in NAMES], sd, rtol=1e-4)


def test_before_it_is_trained_it_says_what_the_regression_says(examples):
    fitted = solved(examples)
    mean, sd = network_of(examples).eval()(torch.from_numpy(examples.mel_db.astype(np.float32)))
    np.testing.assert_allclose(mean.detach(), fitted.predict(examples.features), atol=1e-3)
    np.testing.assert_allclose(sd.detach(), np.tile(fitted.rmse, (len(examples), 1)), rtol=1e-4)


def test_the_regression_is_the_mean_where_songs_say_nothing_or_are_two():
    rng = np.random.default_rng(3)
    blank = remixes().examples(np.zeros((60, 3, 2)))
    fits = [solved(replace(blank, targets=rng.normal(0, 1, (180, 2)))).weights for _ in range(10)]
    assert sum(bool(np.any(each)) for fit in fits for each in fit) <= 2  # of 20, at 2.5 %
    law = blank.of(["song 1", "song 2"])
    np.testing.assert_array_equal(solved(replace(law, targets=law.features[:, :2])).weights, 0)


def test_what_the_network_adds_is_left_out_where_the_choosing_songs_gain_nothing_by_it(examples):
    training, choosing = examples.of([f"song {k}" for k in range(8)]), examples.of([f"song {k}" for k in range(8, 12)])
    wrong = replace(choosing, targets=-choosing.targets)
    trained = train_ours(training, wrong, replace(learners.OURS, steps=4, batch=8, check_every=2))
    assert trained.kept == learners.REGRESSION
    state = trained.state
    assert isinstance(state.model, PriorNetwork)
    fitted = solved(training.with_(wrong))
    np.testing.assert_allclose(our_prediction(state.model, choosing)[0], fitted.predict(choosing.features), atol=1e-3)


def test_a_target_that_is_not_known_teaches_nothing(examples):
    targets = examples.targets.copy()
    targets[::2, 1] = np.nan
    holes = replace(examples, targets=targets)
    state = train(OurTask(holes, holes), replace(learners.OURS, steps=10, check_every=5))
    assert all(torch.isfinite(value).all() for value in state.model.state_dict().values())
    for learner in (learners.boosting, learners.median):
        assert np.isfinite(learner(holes, holes, 0, None)(holes)).all()


@pytest.mark.parametrize("learner", learners.LEARNERS)
@pytest.mark.parametrize("lacking", ["training", "choosing"])
def test_a_target_that_one_side_lacks_is_answered_by_a_constant_and_spoils_no_other(
    examples, learner, lacking, monkeypatch
):
    for name in ("LI", "OURS"):
        monkeypatch.setattr(learners, name, replace(getattr(learners, name), steps=2, check_every=1))
    holes = replace(examples, targets=examples.targets.copy())
    holes.targets[:, 1] = np.nan
    training, choosing = (holes, examples) if lacking == "training" else (examples, holes)
    answer = learners.LEARNERS[learner](training, choosing, 0, None)(examples)
    assert np.isfinite(answer[:, 0]).all()
    assert np.ptp(answer[:, 1]) == 0


@pytest.mark.parametrize("changed", ["songs", "names", "targets", "mel_db", "sides"])
def test_other_songs_targets_or_sides_have_another_digest(examples, changed):
    half = np.arange(len(examples)) < len(examples) // 2
    one, two = examples[half], examples[~half]
    assert OurTask(one, two).digest == OurTask(examples[half], examples[~half]).digest
    other = {
        "songs": replace(one, songs=two.songs),
        "names": replace(one, names=one.names[::-1]),
        "targets": replace(one, targets=one.targets + 1),
        "mel_db": replace(one, mel_db=two.mel_db),
    }
    changed_task = OurTask(two, one) if changed == "sides" else OurTask(other[changed], two)
    assert changed_task.digest != OurTask(one, two).digest


@pytest.mark.parametrize("learner", ["boosting", "ridge", pytest.param("ours", marks=pytest.mark.nightly("training"))])
def test_a_law_is_found_on_songs_that_were_not_trained_on(learner):
    found = known_truth.found(remixes(), learners.LEARNERS[learner], 0.8, seed=1)
    for each in found.values():
        assert each.r2 > 0.4
        assert each.better_than_mean
        assert each.n == 12


def test_of_a_law_that_says_nothing_nothing_is_found():
    found = known_truth.found(remixes(), learners.boosting, 0.0, seed=2)
    assert all(-0.3 < each.r2 < 0.05 for each in found.values())


def test_the_mean_finds_nothing():
    found = known_truth.found(remixes(), learners.mean, 0.5, seed=1)
    assert not any(each.better_than_mean for each in found.values())


def test_a_level_that_nothing_tells_is_found_in_no_separation():
    first, again = known_truth.leak(remixes(), learners.boosting, seed=0)
    assert -0.3 < first < 0.1
    assert -0.3 < again < 0.1


def test_a_level_that_first_separations_alone_tell_is_lost_on_remixes():
    made = remixes()
    level_lu = made.level_lu.copy()
    level_lu[:, 0] = made.heard[:, 0, 0]
    told = replace(made, level_lu=level_lu)
    first, again = known_truth.first_separations(told, learners.ridge, seed=0)
    assert first > 0.4
    assert again < 0.1


def test_a_separation_leaves_less_of_a_law_where_it_adds_bleed():
    made = remixes()
    assert all(share > 0.99 for share in known_truth.left(made).values())
    bled = replace(made, mel_db=np.maximum(made.mel_db, made.mel_db[:, :, ::-1] - np.float16(6.0)))
    assert all(0.2 < share < 0.95 for share in known_truth.left(bled).values())


def test_each_song_tests_once_and_is_never_on_two_sides():
    songs = [f"song {k}" for k in range(11)]
    tested = []
    for training, choosing, testing in known_truth.folds(songs, 3):
        assert not set(training) & set(choosing) | set(training) & set(testing) | set(choosing) & set(testing)
        assert sorted([*training, *choosing, *testing]) == sorted(songs)
        tested += testing
    assert sorted(tested) == sorted(songs)


def test_what_another_separation_taught_is_tested_on_this_one():
    made = remixes()
    noisy = replace(made, mel_db=(made.mel_db + np.float16(1.0)))
    found = known_truth.found(noisy, learners.ridge, 0.8, seed=1, trained_on=made)
    assert all(each.r2 > 0.4 for each in found.values())


def test_more_songs_lower_the_error_below_that_of_the_mean():
    made = remixes(songs=12)
    examples = made.examples(known_truth.truth(made, 0.8, 1)[1])
    songs = sorted(set(made.songs))
    curve = list(learning_curve.errors(examples, (songs[4:], songs[:4]), learners.ours, (1, 2, 8, 16), seed=0))
    assert [count for count, *_ in curve] == [1, 2, 8]
    ratios = [(mae / of_mean).mean() for _, mae, of_mean in curve]
    assert ratios[0] == pytest.approx(1.0)
    assert ratios[-1] < 0.75
    assert ratios[-1] < ratios[1]


def test_a_song_with_one_truth_counts_once_by_the_mean_of_its_answers():
    examples = Examples(np.zeros((3, 2, 128, 8)), np.array([[1.0], [1.0], [5.0]]), np.array(list("aab")), ("rt60_s",))

    def learner(*_):
        return lambda there: np.arange(len(there), dtype=float)[:, None]

    ((_, mae, _of_mean),) = learning_curve.errors(examples, (["a"], ["a", "b"]), learner, (1,), seed=0)
    assert mae == pytest.approx((abs(0.5 - 1.0) + abs(2.0 - 5.0)) / 2)
