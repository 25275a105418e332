"""The console mixer: the rule it starts from, any tracks in any order, and that it learns."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import mixprior
from mixprior.learning.console import mixing
from mixprior.learning.console.controls import Controls
from mixprior.learning.console.settings import desk
from mixprior.learning.mixer import task
from mixprior.learning.mixer.features import feature_distance, features
from mixprior.learning.mixer.loss import sum_and_difference
from mixprior.learning.mixer.network import ConsoleMixer
from mixprior.learning.mixer.task import ConsoleTask, Example
from mixprior.learning.training.config import TrainingConfig
from mixprior.learning.training.loop import train
from mixprior.mixing.effects import chain
from mixprior.mixing.learned.mel import log_mel_db
from mixprior.stats.errors import InputError
from mixprior.stats.sound import Sound
from tests.mixing.multitrack_song import bass, kick, pad, sung
from tools.songs.mixer_loss import on_the_mix

SPREAD = {"output_gain_db": torch.tensor(3.0), "pan": torch.tensor(0.2), "band_gain_db": torch.tensor(2.0)}


def mels(tracks: int, batch: int = 1, frames: int = 40, seed: int = 0) -> torch.Tensor:
    return 20 * torch.randn(batch, tracks, 128, frames, generator=torch.manual_seed(seed)) - 40


def trained(bands: int = 0, statistics: int = 0) -> ConsoleMixer:
    """A mixer whose answers are not 0."""
    torch.manual_seed(1)
    mixer = ConsoleMixer(bands, statistics, width=16)
    torch.nn.init.normal_(mixer.last.weight)
    return mixer.eval()


def test_untrained_it_is_the_posterior_rule_within_a_hundredth_of_a_decibel():
    tracks = {"Kick": kick(2.0), "Bass": bass(2.0), "Pad": pad(220.0, 2.0), "Lead Vox": sung(240.0, 2.0)}
    settings = mixprior.mix_tracks(tracks, 44_100).recipe.settings
    audio = torch.stack([torch.from_numpy(np.asarray(tracks[name], np.float32)) for name in settings.tracks])
    console = desk(settings)
    mel_db = torch.stack([torch.from_numpy(log_mel_db(each[None].numpy())) for each in audio])
    bands = console.controls.band_kind.shape[-1]
    controls = ConsoleMixer(bands)(mel_db[None], console.controls, SPREAD)
    with torch.no_grad():
        found = replace(console, controls=controls).mix(audio[None, :, None], 44_100)[0].numpy()
    sounds = {n: Sound(np.stack([a, a]).astype(np.float32), 44_100) for n, a in tracks.items()}
    by_rule = chain.finish(chain.sum_up(settings, sounds).sound, replace(settings, limiter=None)).audio
    assert np.abs(20 * np.log10(np.linalg.norm(found, axis=1) / np.linalg.norm(by_rule, axis=1))).max() < 0.01
    assert np.linalg.norm(found - by_rule) < 1e-3 * np.linalg.norm(by_rule)


@pytest.mark.parametrize("tracks", [1, 2, 64])
def test_tracks_are_mixed_alike_in_any_order_and_number(tracks):
    mixer, mel_db, centre = trained(2), mels(tracks), Controls.at_rest(1, tracks, 2)
    order = torch.randperm(tracks, generator=torch.manual_seed(2))
    found, turned = mixer(mel_db, centre, SPREAD), mixer(mel_db[:, order], centre, SPREAD)
    for name in SPREAD:
        assert torch.allclose(getattr(found, name)[:, order], getattr(turned, name), atol=1e-5), name
        assert not torch.equal(getattr(found, name), getattr(centre, name))


def test_tracks_that_are_not_there_do_not_count_and_any_length_is_mixed():
    mixer = trained()
    for frames in (1, 40, 2000):
        mel_db, mask = mels(4, frames=frames), torch.tensor([[True, True, False, True]])
        found = mixer(mel_db, Controls.at_rest(1, 4), SPREAD, mask=mask)
        alone = mixer(mel_db[:, [0, 1, 3]], Controls.at_rest(1, 3), SPREAD)
        assert torch.allclose(found.pan[mask], alone.pan[0], atol=1e-5)


def test_the_level_of_a_file_changes_nothing():
    mixer, mel_db, centre = trained(), mels(3), Controls.at_rest(1, 3)
    louder = mel_db + torch.tensor([0.0, 12.0, -30.0])[None, :, None, None]
    found, again = (mixer(each, centre, SPREAD).output_gain_db for each in (mel_db, louder))
    assert torch.allclose(found, again, atol=1e-4)


def test_controls_stay_within_two_deviations_and_within_their_ranges():
    mixer = trained()
    torch.nn.init.constant_(mixer.last.bias, 1e3)
    centre = Controls.at_rest(1, 2).mapped(lambda value: value)
    centre = replace(centre, pan=torch.tensor([[0.5, 0.95]]), output_gain_db=torch.tensor([[0.0, 30.0]]))
    found = mixer(mels(2), centre, SPREAD)
    assert found.pan.tolist() == [pytest.approx([0.9, 1.0])]
    assert found.output_gain_db.tolist() == [pytest.approx([6.0, 30.0])]
    assert torch.equal(found.dry_wet, centre.dry_wet)  # no spread was given


def test_statistics_that_are_not_asked_for_are_not_read():
    mixer, mel_db, centre = trained(statistics=3), mels(2), Controls.at_rest(1, 2)
    asked = torch.tensor([[[1.0, -2.0, 0.5], [0.5, 1.0, 2.0]]])
    known = torch.tensor([[[True, False, True], [True, True, True]]])

    def pan(statistics, known):
        return mixer(mel_db, centre, SPREAD, statistics=statistics, known=known).pan

    unread, read = asked.clone(), asked.clone()
    unread[0, 0, 1], read[0, 0, 0] = 9.0, 0.0
    assert torch.equal(pan(asked, known), pan(unread, known))
    assert not torch.equal(pan(asked, known), pan(read, known))
    assert not torch.equal(pan(asked, known), pan(None, None))


def test_it_overfits_a_song_to_half_a_decibel_and_gradients_reach_every_weight():
    rng = torch.Generator().manual_seed(3)
    colours = torch.tensor([0.97, 0.8, 0.4, 0.0, -0.6])
    noise = torch.randn(5, 1, 8192, generator=rng) * 0.1
    tracks = torch.stack([each - colour * each.roll(1) for each, colour in zip(noise, colours, strict=True)])[None]
    mel_db = torch.stack([torch.from_numpy(log_mel_db(each.numpy())) for each in tracks[0]])[None]
    wanted_db = torch.tensor([[4.0, -3.0, 1.0, -5.0, 2.0]])
    centre = replace(Controls.at_rest(1, 5), pan=torch.tensor([[0.4, 0.55, 0.5, 0.45, 0.6]]))
    pan = torch.tensor([[0.3, 0.6, 0.5, 0.4, 0.7]])
    wanted = mixing.mix(tracks, replace(centre, output_gain_db=wanted_db, pan=pan), 44_100)
    torch.manual_seed(4)
    mixer = ConsoleMixer(width=16)
    adam = torch.optim.Adam(mixer.parameters(), lr=0.02)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(adam, 140)
    losses, reached = [], set()
    for _ in range(140):
        controls = mixer(mel_db, centre, {"pan": torch.tensor(0.2), "output_gain_db": torch.tensor(6.0)})
        loss = sum_and_difference(mixing.mix(tracks, controls, 44_100), wanted, (1024, 256))
        adam.zero_grad()
        loss.backward()
        reached |= {name for name, each in mixer.named_parameters() if each.grad is not None and each.grad.any()}
        adam.step()
        slower.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]
    assert (controls.output_gain_db - wanted_db).abs().max() < 0.5
    assert reached == {name for name, _ in mixer.named_parameters()}


NOISE_DB = 1.0


def songs_by_a_law(count: int, seed: int, with_tracks: bool = False) -> list[Example]:
    """Songs of coloured noises; a track is the louder the duller it is against the others, and a noise is added."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        tilts = rng.uniform(-0.9, 0.95, rng.integers(2, 7))
        white = rng.standard_normal((tilts.size, 1, 4_096)).astype(np.float32)
        tracks = 0.1 * (white - np.float32(tilts)[:, None, None] * np.roll(white, 1, -1))
        mel_db = torch.stack([torch.from_numpy(log_mel_db(each)) for each in tracks])
        gains_db = -6 * (tilts - tilts.mean()) + NOISE_DB * rng.standard_normal(tilts.size)
        centre = Controls.at_rest(1, tilts.size)
        wanted = replace(centre, output_gain_db=torch.from_numpy(gains_db.astype(np.float32))[None])
        sounds = torch.from_numpy(tracks) if with_tracks else None
        found.append(Example(mel_db, centre, wanted, sounds, statistics=wanted.output_gain_db[0, :, None]))
    return found


@pytest.mark.nightly("training")
def test_it_finds_a_law_of_the_sound_to_nearly_its_noise_on_other_songs():
    spread = {"output_gain_db": torch.tensor(4.0)}
    task = ConsoleTask(songs_by_a_law(800, 5), songs_by_a_law(16, 6), spread, width=16)
    state = train(task, TrainingConfig(steps=400, batch=16, rate=0.01, check_every=40))
    for seed in (90, 91, 92, 93):  # none of them chose anything
        songs = songs_by_a_law(40, seed)
        with torch.no_grad():
            found = [state.model(each.mel_db[None], each.centre, spread).output_gain_db for each in songs]
        wanted = [each.wanted.output_gain_db for each in songs]
        off_db = torch.cat([one - other for one, other in zip(found, wanted, strict=True)], dim=1)
        assert torch.cat(wanted, dim=1).square().mean().sqrt() > 2.0
        assert off_db.square().mean().sqrt() < 1.2 * NOISE_DB, seed
    assert state.looks[-1].choosing_loss < 0.5 * task.choosing_loss(task.model().eval())


def test_a_training_on_the_mix_goes_through_the_console():
    task = ConsoleTask(songs_by_a_law(2, 8, True), songs_by_a_law(1, 9, True), SPREAD, width=16, mix_weight=1.0)
    task = replace(task, spread={name: sd for name, sd in SPREAD.items() if name != "band_gain_db"})
    state = train(task, TrainingConfig(steps=60, batch=2, rate=0.01, check_every=10))
    alone = replace(task, mix_weight=0.0)
    assert state.looks[0].choosing_loss > alone.choosing_loss(state.model)
    assert state.looks[-1].training_loss < 0.8 * state.looks[0].training_loss


def test_gradients_of_the_loss_on_the_mix_reach_every_weight():
    songs = songs_by_a_law(2, 8, True)
    task = ConsoleTask(songs, songs, {"output_gain_db": SPREAD["output_gain_db"]}, width=16, mix_weight=1.0)
    model = trained(statistics=1)
    both, alone = (each.loss(model, np.random.default_rng(0), 2) for each in (task, replace(task, mix_weight=0.0)))
    (both - alone).backward()
    assert {name for name, each in model.named_parameters() if each.grad is None or not each.grad.any()} == set()


def test_features_of_a_mix_are_those_that_are_measured_on_it():
    audio = 0.1 * torch.randn(1, 2, 88_200, generator=torch.manual_seed(0))
    audio[0, :, 1000] = 0.9
    wide = torch.stack([audio[:, 0], 0.5 * audio[:, 0]], dim=1)
    quietest = torch.tensor([1e-12])
    found, of_wide = (features(each, 44_100, quietest) for each in (audio, wide))
    assert float(found["loudness_lufs"]) == pytest.approx(Sound(audio[0].numpy(), 44_100).integrated_lufs, abs=0.05)
    rms = audio[0].square().mean(dim=1).sqrt()
    assert torch.allclose(found["crest_db"][0], 20 * torch.log10(0.9 / rms), atol=1e-3)
    assert float(of_wide["width_db"]) == pytest.approx(20 * np.log10(0.25 / 0.75), abs=1e-3)
    assert torch.allclose(torch.sum(10 ** (of_wide["bark_db"] / 10), dim=2)[0, 1], (audio[0, 0] / 4).square().mean())


def test_a_gain_changes_loudness_and_bands_alone_and_silence_has_a_gradient():
    audio = 0.1 * torch.randn(1, 2, 16_384, generator=torch.manual_seed(0))
    assert float(feature_distance(audio, audio, 44_100)) == 0.0
    assert float(feature_distance(audio / 2, audio, 44_100)) == pytest.approx(6.02 / 4 * 2 / 4, abs=0.01)
    silent = torch.zeros(1, 2, 16_384, requires_grad=True)
    for wanted in (audio, torch.zeros_like(audio)):
        distance = feature_distance(silent, wanted, 44_100)
        distance.backward()
        assert torch.isfinite(distance)
        assert torch.isfinite(silent.grad).all()


def test_another_balance_is_another_training():
    (song,) = songs_by_a_law(1, 8)
    count = len(song.mel_db)
    digests = {
        ConsoleTask([replace(song, balance=each)], [song], SPREAD).digest
        for each in (None, torch.zeros(count), torch.ones(count))
    }
    assert len(digests) == 3


def test_a_short_song_cuts_no_other_and_is_heard_over_again():
    short, long = mels(2, frames=3)[0], mels(4, frames=8, seed=1)[0]
    padded, mask = task._padded([short, long], torch.device("cpu"))
    assert torch.equal(padded[1], long)
    assert torch.equal(padded[0, :2], torch.cat([short, short, short[..., :2]], dim=-1))
    assert mask.tolist() == [[True, True, False, False], [True] * 4]


def test_a_console_training_goes_on_with_its_own_songs_alone(tmp_path):
    spread = {"output_gain_db": torch.tensor(4.0)}

    def of(seed):
        sides = (songs_by_a_law(2, seed), songs_by_a_law(1, 9))
        # And without anything that could be asked for.
        unasked, choosing = ([replace(each, statistics=None) for each in side] for side in sides)
        return ConsoleTask(unasked, choosing, spread, width=16)

    config = TrainingConfig(steps=1, batch=2, check_every=1)
    done = train(of(8), config, tmp_path)
    assert train(of(8), config, tmp_path).looks == done.looks
    with pytest.raises(InputError, match="other songs"):
        train(of(7), config, tmp_path)


def test_what_is_wanted_has_no_loss_on_the_mix_and_the_centre_has():
    songs = songs_by_a_law(2, 8, True)
    assert on_the_mix(songs, [each.wanted for each in songs]) == (0.0, 0.0)
    assert min(on_the_mix(songs, [each.centre for each in songs])) > 0.1
