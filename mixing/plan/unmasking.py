"""The unmasking step: bands by which vocals and the rest leave each other room, where the vocals are masked."""

from __future__ import annotations

from dataclasses import asdict, replace

from mixprior.mixing.effects import chain
from mixprior.mixing.effects.chain import VOCALS
from mixprior.mixing.effects.settings import Band, Chain
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.step import Step
from mixprior.mixing.rules import unmasking
from mixprior.mixing.rules.masking import masked_db
from mixprior.stats.sound import Sound


def unmask(vocals: Sound, backing: Sound, options: Options) -> tuple[tuple[Band, ...], tuple[Band, ...], Step]:
    """Choose bands that free the vocals; `amount` scales their gains.

    Args:
        vocals: at the level they have in the mix, two channels.
        backing: all the rest.
        options: how it is mixed.

    Returns:
        Bands of the vocals, bands of all the rest, and the step.
    """
    masked = {"masked_vocals_db": masked_db(vocals, backing), "masked_backing_db": masked_db(backing, vocals)}
    if options.eq_rule == "seed":
        found = unmasking.seed_rule(vocals, backing)
    else:
        found = unmasking.where_masked(vocals, backing, masked["masked_vocals_db"])
    vocals_bands, backing_bands = (
        tuple(replace(band, gain_db=round(options.amount * band.gain_db, 2)) for band in bands)
        for bands in (found.vocals, found.backing)
    )
    if vocals_bands or backing_bands:
        after = chain.process(Chain(bands=vocals_bands), vocals)
        rest = chain.process(Chain(bands=backing_bands), backing)
        masked["masked_vocals_after_db"] = masked_db(after, rest)
        masked["masked_backing_after_db"] = masked_db(rest, after)
    reason = found.reason
    if options.amount != 1 and (found.vocals or found.backing):
        reason += f"; {options.amount:.0%} of these gains are set"
    step = Step(
        name="unmask",
        of=VOCALS,
        reason=reason,
        measured=masked | {"bands": [asdict(band) for band in found.bands]},
        target={"rule": options.eq_rule},
        setting={
            "vocals": [asdict(band) for band in vocals_bands],
            "backing": [asdict(band) for band in backing_bands],
        },
    )
    return vocals_bands, backing_bands, step
