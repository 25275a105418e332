"""FFmpeg's own command, which the package imageio-ffmpeg brings where there is no other."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from tools.benches.comparison import Missing


def executable() -> str:
    """Path of the program.

    Raises:
        Missing: if there is none.
    """
    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        import imageio_ffmpeg
    except ImportError:
        raise Missing("no ffmpeg here (pip install imageio-ffmpeg)") from None
    return str(imageio_ffmpeg.get_ffmpeg_exe())


def run(*arguments: str | Path) -> str:
    """Run it with one thread for its filters; what it says is returned."""
    command = [executable(), "-hide_banner", "-nostdin", "-y", "-filter_threads", "1", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stderr


def loudness(path: Path) -> tuple[float, float, float]:
    """Integrated loudness in LUFS, loudness range in LU, true peak in dBTP of a file, by its filter ebur128."""
    said = run("-i", path, "-af", "ebur128=peak=true:framelog=quiet", "-f", "null", "-")
    summary = said[said.rindex("Summary:") :]
    lufs, range_lu, peak_dbtp = (
        float(re.search(rf"{name}:\s+(-?[\d.]+)", summary)[1])  # type: ignore[index]
        for name in ("I", "LRA", "Peak")
    )
    return lufs, range_lu, peak_dbtp


def filtered(path: Path, filters: str) -> None:
    """Pass a file through filters, and throw the sound away."""
    run("-i", path, "-af", filters, "-f", "null", "-")
