"""Passing trouble: what a machine has with a song, which the song need not have the next time."""

from __future__ import annotations

import errno

from mixprior.pipeline.store.records import DEVICE_LOST as DEVICE_LOST
from mixprior.pipeline.store.records import OUT_OF_MEMORY as OUT_OF_MEMORY
from mixprior.pipeline.store.records import PASSING as PASSING
from mixprior.pipeline.store.records import READ_TROUBLE as READ_TROUBLE
from mixprior.pipeline.store.store_errors import PASSING_ERRNOS, StoreTrouble, is_of_time
from mixprior.stats.errors import causes

CRASHED = "Crashed"
TIMED_OUT = "TimedOut"

OF_THE_MACHINE = PASSING | {CRASHED, TIMED_OUT}
"""Kinds of failure that need not be the song's fault: a run in which most songs fail by one of them is stopped."""

BACK_OFF_S = (1.0, 4.0)
"""Pauses before what is in passing trouble is tried again."""


class Lost(Exception):
    """The device, or the process that owns it, is gone."""


def kind_of(error: BaseException) -> str | None:
    """Return which passing trouble an error, or one that caused it, is; None if it is none.

    >>> kind_of(OSError(errno.EIO, "Input/output error")), kind_of(MemoryError()), kind_of(FileNotFoundError(2, "gone"))
    ('ReadTrouble', 'OutOfMemory', None)
    """
    for each in causes(error, handled=True):
        text = str(each)
        # torch's errors are known by name: nothing here may load torch.
        if (
            type(each).__name__ == "OutOfMemoryError"
            or isinstance(each, MemoryError)
            or "can't allocate memory" in text
        ):
            return OUT_OF_MEMORY
        if (
            isinstance(each, Lost)
            or type(each).__name__ == "AcceleratorError"
            or "CUDA error" in text
            or "cuDNN error" in text
        ):
            return DEVICE_LOST
        if isinstance(each, StoreTrouble) or is_of_time(each):
            return READ_TROUBLE
        if isinstance(each, OSError):
            if each.errno == errno.ENOMEM:
                return OUT_OF_MEMORY
            if each.errno in PASSING_ERRNOS or isinstance(each, ConnectionError):
                return READ_TROUBLE
    return None
