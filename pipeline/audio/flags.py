"""What is kept beside a sound that is used although something about it is not as it should be."""

from __future__ import annotations

from collections.abc import Mapping

LENGTH_UNSURE, DAMAGED_PCM, DOWNMIXED = "length_unsure", "damaged_pcm", "downmixed"

FLAGS: Mapping[str, str] = {
    LENGTH_UNSURE: "may be cut short: its format does not tell",
    DAMAGED_PCM: "has clicks, dropouts or bursts of noise like those of damaged bytes",
    DOWNMIXED: "has more than two channels, which were mixed down to two",
}
"""What each flag says of a sound. Names are stable, sentences are not."""
