"""How songs are decoded and separated, as options of a command."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mixprior.pipeline.separation.model_store import ModelFiles
    from mixprior.pipeline.separation.separator import SeparationSettings
    from mixprior.pipeline.song.settings import MiningSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    from mixprior.pipeline.separation.model_store import DEFAULT_MODEL

    parser.add_argument("-n", "--model", default=DEFAULT_MODEL, help="Demucs model (%(default)s)")
    parser.add_argument("--model-repo", metavar="DIR", help="folder that holds the model's weights")
    parser.add_argument("-d", "--device", default="auto", help="cpu, cuda, or auto")
    parser.add_argument(
        "--precision",
        choices=("auto", "fp32", "bf16", "fp16"),
        default="auto",
        help="auto: fp16 on a GPU, and there alone; bf16 where the processor has it",
    )
    parser.add_argument(
        "--batch", type=int, metavar="N", help="segments of all songs that a GPU separates together (8); 1 on a CPU"
    )
    parser.add_argument("--overlap", type=float, default=0.25, help="overlap of the separator's windows (0.25)")
    parser.add_argument("--max-minutes", type=float, default=20.0, help="refuse longer songs (20)")


def of(args: argparse.Namespace) -> dict[str, Any]:
    """Return the options as keywords of `mine` and `calibrate`.

    Raises:
        InputError: if one is out of range.
    """
    from mixprior.pipeline.separation.separator import SeparationSettings

    separation = SeparationSettings(
        model=args.model,
        model_repo=args.model_repo,
        device=args.device,
        precision=args.precision,
        overlap=args.overlap,
        batch=args.batch,
    )
    return {"separation": separation, "max_minutes": args.max_minutes}


def settings(
    separation: SeparationSettings | None,
    max_minutes: float,
    find: Callable[[str, str | None], ModelFiles | None] | None,
    is_local: bool,
) -> MiningSettings:
    """Return how songs are to be mined.

    Args:
        separation: model and way of separating; None for the usual.
        max_minutes: longer songs are refused.
        find: gives the model's files; None where nothing is separated.
        is_local: whether this machine does the work, so that its device counts.

    Raises:
        InputError: if the model cannot be had, or an option is out of range.
    """
    from mixprior.pipeline.audio.decode import DecodeLimits
    from mixprior.pipeline.separation.separator import SeparationSettings
    from mixprior.pipeline.song.settings import MiningSettings

    separation = separation or SeparationSettings()
    if find is not None:
        found = find(separation.model, separation.model_repo)
        # Weights that are yet to be fetched have no rows.
        separation = replace(separation, weights_sha256=found.weights_sha256 if found else "")
        if is_local:
            separation = separation.resolved()
        elif separation.precision == "auto":
            # Machines differ; what they compute must not.
            separation = replace(separation, precision="fp32")
    return MiningSettings(separation, DecodeLimits(max_minutes=max_minutes))
