"""A warning: a code for programs, a sentence for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Code = Literal[
    "prior",
    "silent",
    "role",
    "out-of-reach",
    "tempo",
    "limiter",
    "true-peak",
    "format",
    "not-measurable",
    "no-direct-sound",
    "file",
    "unreliable",
    "not-in-recipe",
]

CODES: Mapping[Code, str] = {
    "prior": "a target is not from the requested priors or group, or from few songs only",
    "silent": "a sound is silent, or too short to be measured",
    "role": "the class of a track is uncertain",
    "out-of-reach": "a target cannot be reached with the means of the step",
    "tempo": "there is no tempo to set a reverberation time by, or it leads out of the plug-in's range",
    "limiter": "the limiter takes much from the peaks, or moves the vocals against the backing",
    "true-peak": "the file has a true peak above the ceiling",
    "format": "the format of the file changed the loudness of the mix",
    "not-measurable": "something of an impulse response cannot be measured",
    "no-direct-sound": "an impulse response has no direct sound: time zero is the start of the file",
    "file": "a file may be damaged or cut short",
    "unreliable": "separation errs on a statistic by as much as songs differ, or how far it errs is not known",
    "not-in-recipe": "a mix that was taken apart holds something that no recipe can hold",
}
"""What each code is about. Codes are stable, the sentences of warnings are not."""


@dataclass(frozen=True)
class Notice:
    """One warning.

    Attributes:
        code: what it is about, one of `CODES`.
        text: a sentence.

    >>> str(Notice("silent", "Kick is silent"))
    'Kick is silent'
    """

    code: Code
    text: str

    def __str__(self) -> str:
        """The sentence."""
        return self.text
