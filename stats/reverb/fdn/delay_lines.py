"""How long the delay lines of the network are."""

from __future__ import annotations

import numpy as np


def delays(room_size: int, fdn_size: int, sample_rate_hz: float) -> np.ndarray:
    """Return the delays of the lines: tenths of milliseconds that are odd primes, ever further apart.

    Args:
        room_size: 1 to 30.
        fdn_size: number of lines.
        sample_rate_hz: of the signal.

    Returns:
        Samples, int64, shape (fdn_size,), rising.

    >>> delays(1, 64, 48_000)[[0, 1, 2, 3, -1]].tolist()
    [24, 33, 52, 62, 1521]
    """
    first = room_size // 10
    index = [max(first, 1)]
    for line in range(1, fdn_size):
        gap = max(1.0, first + abs(room_size - first) * line / fdn_size)
        index.append(int(index[-1] + gap + 0.5))  # halves away from zero; round() would go to the even number
    primes = _odd_primes(index[-1] + 1)[index].astype(np.float32)
    # The plug-in's single precision decides which way a delay on the border of a sample falls.
    return (primes / np.float32(10) / np.float32(1000) * np.float32(sample_rate_hz)).astype(np.int64)


def _odd_primes(count: int) -> np.ndarray:
    limit = 64 + int(1.3 * count * np.log(count + 20.0))
    is_prime = np.ones(limit, bool)
    is_prime[:3] = False
    is_prime[4::2] = False
    for n in range(3, int(limit**0.5) + 1, 2):
        if is_prime[n]:
            is_prime[n * n :: n] = False
    return np.flatnonzero(is_prime)[:count]
