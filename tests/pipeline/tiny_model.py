"""HTDemucs with random weights and a second's segment: small enough to separate with in a test."""

from fractions import Fraction
from pathlib import Path

import torch
from demucs.htdemucs import HTDemucs

from mixprior.pipeline.separation.model_folder import write_htdemucs

SIGNATURE = "0a1b2c3d"
ARGUMENTS = {
    "sources": ["drums", "bass", "other", "vocals"],
    "channels": 8,
    "nfft": 1024,
    "depth": 4,
    "bottom_channels": 16,
    "t_layers": 1,
    "t_heads": 2,
    "segment": Fraction(1),
}


def tiny_state(seed: int = 0, gain: float = 1.0) -> dict[str, torch.Tensor]:
    """The weights, in half precision; stems are louder by `gain`."""
    torch.manual_seed(seed)
    last = f"decoder.{ARGUMENTS['depth'] - 1}.conv_tr"
    state = HTDemucs(**ARGUMENTS).state_dict()
    return {name: (gain * tensor if last in name else tensor).half() for name, tensor in state.items()}


def write_tiny_model(folder: Path, name: str = "tiny", seed: int = 0, gain: float = 1.0) -> Path:
    """A model repository with the tiny model, called `name`; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_htdemucs(folder / f"{SIGNATURE}.safetensors", tiny_state(seed, gain), ARGUMENTS)
    (folder / f"{name}.yaml").write_text(f"models: ['{SIGNATURE}']\n")
    return folder
