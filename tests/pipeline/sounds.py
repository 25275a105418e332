"""Sound files of every format, made by the libraries that read them."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import soundfile

_SOUNDFILE = (".wav", ".flac", ".aiff", ".aif", ".au", ".ogg", ".oga", ".mp3")
_CODECS = {".mp3": "libmp3lame", ".m4a": "aac", ".aac": "aac", ".opus": "libopus", ".wma": "wmav2", ".mp4": "aac"}
_CONTAINERS = {".m4a": "ipod", ".aac": "adts", ".wma": "asf", ".oga": "ogg"}
_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}

PLAYLISTS = {
    "m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{0}\n",
    "concat": "ffconcat version 1.0\nfile '{0}'\n",
    "plain": "{0}\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=a\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\na={0}\n",
}
"""Texts that make FFmpeg open another file, whose path takes the place of {0}, where nothing keeps it from it."""


def tone(duration_s: float = 5.0, rate_hz: int = 44_100, hz: float = 1000.0, peak: float = 0.5, channels: int = 2):
    """A sine in all channels: float32, shape (channels, samples)."""
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    return np.tile((peak * np.sin(2 * np.pi * hz * time_s)).astype(np.float32), (channels, 1))


def write(
    path: Path,
    *streams: np.ndarray,
    rate_hz: int = 44_100,
    options: dict | None = None,
    bit_rate: int = 192_000,
    **keywords,
) -> Path:
    """Write arrays of shape (channels, samples) in the format of the file's ending, each as a stream of its own."""
    suffix = path.suffix.lower()
    if suffix in _SOUNDFILE and options is None:
        (audio,) = streams
        kind = "OGG" if suffix in (".ogg", ".oga") else None
        with soundfile.SoundFile(path, "w", rate_hz, len(audio), format=kind, **keywords) as file:
            for start in range(0, audio.shape[1], 1 << 16):  # libvorbis overflows its stack on long writes
                file.write(audio.T[start : start + (1 << 16)])
        return path
    with av.open(str(path), "w", format=_CONTAINERS.get(suffix), options=options or {}) as container:
        encoders = [
            container.add_stream(
                _CODECS[suffix], rate=48_000 if suffix == ".opus" else rate_hz, layout=_LAYOUTS[len(audio)]
            )
            for audio in streams
        ]
        for encoder, audio in zip(encoders, streams, strict=True):
            encoder.bit_rate = bit_rate
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(audio), "fltp", encoder.layout.name)
            frame.sample_rate, frame.pts = rate_hz, 0
            size = encoder.codec_context.frame_size or 1024
            pieces = av.AudioResampler(encoder.format.name, encoder.layout.name, encoder.rate, frame_size=size)
            for piece in [*pieces.resample(frame), *pieces.resample(None)]:
                container.mux(encoder.encode(piece))
            container.mux(encoder.encode(None))
    return path


def write_picture(path: Path) -> Path:
    """Write a video of one frame without sound."""
    with av.open(str(path), "w") as out:
        picture = out.add_stream("mjpeg", rate=1)
        picture.width = picture.height = 64
        picture.pix_fmt = "yuvj420p"
        out.mux(picture.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")))
        out.mux(picture.encode(None))
    return path


def rms_db(audio: np.ndarray) -> float:
    """Level of the middle of a sound, away from what codecs do at its ends."""
    edge = audio.shape[-1] // 10
    return float(10 * np.log10(np.mean(np.square(audio[..., edge:-edge], dtype=np.float64))))
