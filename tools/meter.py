"""An independent meter: FFmpeg's ebur128 filter, out of the libraries that PyAV brings along."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import av.filter


@dataclass(frozen=True)
class Reading:
    """What FFmpeg reads of a file.

    Attributes:
        integrated_lufs: integrated loudness, in steps of 0.001; -70 for silence.
        true_peak_dbtp: true peak of the louder channel by fourfold oversampling; minus infinity for silence.
    """

    integrated_lufs: float
    true_peak_dbtp: float


def read(path: str | Path) -> Reading:
    """Measure a file of at least 0.4 s as `ffmpeg -i FILE -af ebur128=peak=true -f null -` does."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        graph = av.filter.Graph()
        source = graph.add_abuffer(template=stream)
        meter = graph.add("ebur128", "peak=true:metadata=1")
        sink = graph.add("abuffersink")
        source.link_to(meter)
        meter.link_to(sink)
        graph.configure()
        lufs, peak = -math.inf, 0.0
        for frame in (*container.decode(stream), None):
            graph.push(frame)
            for values in _measured(graph):
                lufs = float(values.get("lavfi.r128.I", lufs))
                peak = max([peak, *(float(value) for name, value in values.items() if "true_peak" in name)])
    return Reading(lufs, 20 * math.log10(peak) if peak else -math.inf)


def _measured(graph: av.filter.Graph) -> Iterator[dict[str, str]]:
    """Metadata of the frames that have come out of the filter by now."""
    while True:
        try:
            yield graph.pull().metadata
        except (av.BlockingIOError, av.EOFError):
            return
