"""The console in torch gives what the effects give, and gradients that finite differences confirm."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mixprior.learning.console import mixing
from mixprior.learning.console.compressor import compress
from mixprior.learning.console.controls import REST, Controls
from mixprior.learning.console.equaliser import design, equalise
from mixprior.learning.console.reverb import SMOOTH, response, response_of
from mixprior.learning.console.settings import desk, settings_of
from mixprior.mixing.effects import chain
from mixprior.mixing.effects.settings import KINDS, RANGES, Chain, Curve, MixSettings
from mixprior.stats.reverb.fdn.settings import PARAMETERS, FdnReverbSettings
from mixprior.stats.sound import Sound
from tests.learning import random_mixes


def by_effects(settings: MixSettings, audio: np.ndarray, rate_hz: int) -> np.ndarray:
    """The mix as `mixprior.mixing.effects.chain` renders it, mono on both sides."""
    stereo = np.broadcast_to(audio, (len(audio), 2, audio.shape[-1]))
    sounds = {name: Sound(each.copy(), rate_hz) for name, each in zip(settings.tracks, stereo, strict=True)}
    return chain.finish(chain.sum_up(settings, sounds).sound, settings).audio


def by_console(settings: MixSettings, audio: np.ndarray, rate_hz: int) -> np.ndarray:
    return desk(settings).mix(torch.from_numpy(audio)[None], rate_hz)[0].numpy()


def difference_db(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(10 * np.log10(max(np.square(found - wanted).sum() / np.square(wanted).sum(), 1e-30)))


@pytest.mark.parametrize(
    ("rate_hz", "channels", "one_room", "seed"),
    [(44_100, 2, True, 0), (44_100, 1, False, 1), (48_000, 2, False, 2), (22_050, 1, True, 3), (96_000, 2, True, 4)],
)
def test_a_mix_with_every_effect_is_that_of_the_effects_to_100_db(rate_hz, channels, one_room, seed):
    rng = np.random.default_rng(seed)
    settings = random_mixes.settings(rng, 3, one_room=one_room)
    audio = random_mixes.sounds(rng, 3, channels, 20_000)
    found, wanted = by_console(settings, audio, rate_hz), by_effects(settings, audio, rate_hz)
    assert difference_db(found, wanted) < -100


@pytest.mark.parametrize("what", ["input_gain_db", "bands", "compressor", "pan", "reverb", "output_gain_db"])
def test_each_effect_alone_is_that_of_the_effects(what):
    rng = np.random.default_rng(5)
    for _ in range(3):
        every = random_mixes.chain(rng, 3, random_mixes.ROOM)
        settings = MixSettings({"track": replace(Chain(), **{what: getattr(every, what)})})
        audio = random_mixes.sounds(rng, 1, 2, 10_000)
        assert difference_db(by_console(settings, audio, 44_100), by_effects(settings, audio, 44_100)) < -120


def test_bands_above_half_the_rate_do_what_those_of_the_effects_do():
    from mixprior.mixing.effects.equaliser import _design
    from mixprior.mixing.effects.settings import Band

    for kind in KINDS:
        for hz in (0.5, 1000.0, 10_999.0, 11_025.0, 19_000.0):
            at = [torch.tensor(value) for value in (KINDS.index(kind), hz, 7.0, 0.9)]
            assert np.allclose(design(*at, 22_050), _design(Band(kind, hz, 7.0, 0.9), 22_050), rtol=1e-4, atol=1e-6)


def leaf(values) -> torch.Tensor:
    return torch.as_tensor(values, dtype=torch.float64).requires_grad_()


def test_gradients_of_the_equaliser_are_those_of_finite_differences():
    rng = np.random.default_rng(6)
    audio = leaf(rng.standard_normal((2, 2, 24)))
    kind = torch.tensor([[0, 1, 2], [2, 0, 1]])
    settings = leaf([[300.0, 900, 2500], [1200, 200, 3000]]), leaf(rng.uniform(-9, 9, (2, 3))), leaf([[0.7, 2, 1]] * 2)
    assert torch.autograd.gradcheck(lambda x, f, g, q: equalise(x, 8000.0, kind, f, g, q), (audio, *settings))


def test_gradients_of_a_band_of_0_db_are_those_of_finite_differences():
    audio = torch.randn(1, 1, 24, dtype=torch.float64, generator=torch.manual_seed(0))
    kind, frequency_hz, q = (torch.tensor([[value]]) for value in (0, 900.0, 1.0))
    assert torch.autograd.gradcheck(lambda gain: equalise(audio, 8000.0, kind, frequency_hz, gain, q), leaf([[0.0]]))


@pytest.mark.parametrize("channels", [1, 2])
def test_gradients_of_the_compressor_are_those_of_finite_differences(channels):
    rng = np.random.default_rng(7)
    steps = np.repeat([0.05, 1.0, 0.2, 0.7], 15)
    audio = leaf(steps * rng.uniform(0.5, 1.5, (3, channels, 60)) * rng.choice([-1, 1], (3, channels, 60)))
    settings = ([-20.0, -12, -6], [2.0, 4, 8], [0.001, 0.002, 0.004], [0.01, 0.02, 0.03], [0.0, 6, 18], [3.0, 0, 1])
    assert torch.autograd.gradcheck(
        lambda x, *at: compress(x, 1000.0, *at), (audio, *map(leaf, settings)), eps=1e-7, atol=1e-5
    )


def test_gradients_of_a_whole_mix_are_those_of_finite_differences():
    rng = np.random.default_rng(8)
    found = desk(random_mixes.settings(rng, 2, bands=2), dtype=torch.float64)
    audio = torch.from_numpy(random_mixes.sounds(rng, 2, 1, 400)).double()[None]
    responses = found.responses(8000.0)[..., :300]
    weights = torch.randn(2, 400, dtype=torch.float64, generator=torch.manual_seed(1))

    def heard(*values: torch.Tensor) -> torch.Tensor:
        controls = replace(found.controls, **dict(zip(REST, values, strict=True)))
        return (mixing.mix(audio, controls, 8000.0, responses=responses) * weights).sum()

    values = [getattr(found.controls, name).clone().requires_grad_() for name in REST]
    assert torch.autograd.gradcheck(heard, values, eps=1e-6, atol=1e-4, rtol=1e-3)


def test_gradients_of_a_response_are_those_of_wide_finite_differences():
    room = FdnReverbSettings(1, 0.3, lows_gain_db_s=-12.0, highs_gain_db_s=-25.0, fade_in_s=0.12, fdn_size=16)
    weights = torch.randn(response(room, 8000.0).shape, dtype=torch.float64, generator=torch.manual_seed(2))
    assert set(SMOOTH) < {each.name for each in PARAMETERS}
    for name in SMOOTH:
        value = leaf(getattr(room, name))
        (response_of(room, 8000.0, **{name: value}) * weights).sum().backward()
        step = 1e-3 * abs(value.item())
        sums = []
        for at in (value.item() - step, value.item() + step):
            rendered = response(replace(room, **{name: at}), 8000.0)
            length = min(rendered.shape[-1], weights.shape[-1])
            sums.append((rendered[..., :length] * weights[..., :length]).sum().item())
        assert value.grad.item() == pytest.approx((sums[1] - sums[0]) / (2 * step), rel=1e-3, abs=1e-9), name


def test_tracks_that_are_not_there_change_nothing_and_have_no_gradient():
    rng = np.random.default_rng(9)
    settings = [random_mixes.settings(rng, 4, one_room=False) for _ in range(2)]
    desks = [desk(each) for each in settings]
    audio = torch.from_numpy(np.stack([random_mixes.sounds(rng, 4, 2, 4000) for _ in range(2)]))
    joined = {
        name: torch.cat([getattr(each.controls, name) for each in desks]).requires_grad_(name in REST)
        for name in vars(desks[0].controls)
    }
    mask = torch.tensor([[True, True, False, True], [False, True, True, True]])
    controls = Controls(**joined)
    audio[~mask] = torch.nan
    mixed = mixing.mix(audio, controls, 44_100, mask=mask)
    for at in range(2):
        kept = {n: chain for n, (_, chain) in enumerate(settings[at].tracks.items()) if mask[at, n]}
        dry = {f"{n}": replace(chain, reverb=None) for n, chain in kept.items()}
        alone = by_effects(MixSettings(dry, gain_db=settings[at].gain_db), audio[at][mask[at]].numpy(), 44_100)
        assert difference_db(mixed[at].detach().numpy(), alone) < -100
    mixed.square().sum().backward()
    assert torch.isfinite(controls.output_gain_db.grad).all()
    assert (controls.band_gain_db.grad[~mask] == 0).all()
    assert (controls.band_gain_db.grad[mask] != 0).all()


def test_the_strips_add_up_to_the_mix():
    rng = np.random.default_rng(10)
    found = desk(random_mixes.settings(rng, 3))
    audio = torch.from_numpy(random_mixes.sounds(rng, 3, 2, 5000))[None]
    responses = found.responses(44_100)
    strips = mixing.strips(audio, found.controls, 44_100, responses=responses)
    assert strips.shape == (1, 3, 2, 5000)
    total = strips.sum(1) * 10 ** (found.controls.gain_db / 20)
    mixed = mixing.mix(audio, found.controls, 44_100, responses=responses)
    assert difference_db(total.numpy(), mixed.numpy()) < -110


def test_settings_on_the_console_and_off_again_are_the_same():
    settings = random_mixes.settings(np.random.default_rng(11), 3, one_room=False)
    found = desk(settings, dtype=torch.float64)
    again = settings_of(found.controls, found.names, found.rooms)
    audio = random_mixes.sounds(np.random.default_rng(12), 3, 2, 5000)
    assert difference_db(by_effects(again, audio, 44_100), by_effects(settings, audio, 44_100)) < -120
    assert settings_of(desk(again, dtype=torch.float64).controls, found.names, found.rooms) == again


def test_the_gain_of_a_bus_goes_to_its_tracks():
    rng = np.random.default_rng(13)
    chains = random_mixes.settings(rng, 2).tracks
    settings = MixSettings(chains, {"bus": Chain(output_gain_db=-4.0)}, {"track 1": "bus"}, gain_db=1.0)
    audio = random_mixes.sounds(rng, 2, 2, 5000)
    assert difference_db(by_console(settings, audio, 44_100), by_effects(settings, audio, 44_100)) < -100


@pytest.mark.parametrize("channels", [1, 2])
def test_a_mix_with_buses_and_matching_filters_is_that_of_the_effects_to_100_db_and_comes_off_again(channels):
    rng = np.random.default_rng(15)
    tracks, buses = random_mixes.settings(rng, 4).tracks, random_mixes.settings(rng, 2, bands=2, one_room=False).tracks
    curve = Curve((60.0, 500.0, 4000.0), (4.0, -3.0, 2.0))
    settings = MixSettings(
        {**tracks, "track 2": replace(tracks["track 2"], match=curve)},
        {"drums": replace(buses["track 0"], match=curve), "rest": buses["track 1"]},
        {"track 0": "drums", "track 1": "rest", "track 2": "drums"},  # and one goes to the mix directly
        gain_db=-2.0,
    )
    audio = random_mixes.sounds(rng, 4, channels, 12_000)
    wanted = by_effects(settings, audio, 22_050)
    assert difference_db(by_console(settings, audio, 22_050), wanted) < -100
    assert difference_db(by_effects(desk(settings, dtype=torch.float64).settings(), audio, 22_050), wanted) < -100


def test_sounds_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="the console takes"):
        mixing.mix(torch.zeros(2, 100), Controls.at_rest(1, 2), 44_100)


def test_controls_go_along_their_ranges_and_back():
    controls = Controls.at_rest(2, 3, bands=2)
    assert set(REST) == set(RANGES)
    for name in RANGES:
        way = torch.rand(getattr(controls, name).shape, generator=torch.manual_seed(3))
        moved = controls.at({name: way})
        assert torch.allclose(moved.way(name), way, atol=1e-5)
        assert RANGES[name].low <= getattr(moved, name).min() <= getattr(moved, name).max() <= RANGES[name].high


def test_controls_at_rest_change_no_sound():
    audio = torch.from_numpy(random_mixes.sounds(np.random.default_rng(14), 2, 2, 1000))[None]
    strips = mixing.strips(audio, Controls.at_rest(1, 2, bands=3), 44_100)
    assert difference_db(strips.numpy(), audio.numpy()) < -130
