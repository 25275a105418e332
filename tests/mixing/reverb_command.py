"""`mixprior reverb` as a user calls it."""

import contextlib
import io
import json
from pathlib import Path

from mixprior import main
from mixprior.mixing.reverb import settings_file
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings

ROOM = FdnReverbSettings(room_size=8, reverberation_time_s=1.2, highs_gain_db_s=-20.0, dry_wet=0.3, fade_in_s=0.05)


def reverb(*words) -> str:
    """Run the command; return what it printed."""
    with contextlib.redirect_stdout(io.StringIO()) as told:
        assert main(["reverb", *map(str, words)]) == 0
    return told.getvalue()


def refusal(capsys, *words) -> str:
    """Run a command that cannot be done; return the one line that says why."""
    capsys.readouterr()
    assert main(["reverb", *map(str, words)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    return line


def save_settings(path: Path, settings: FdnReverbSettings = ROOM) -> Path:
    path.write_text(json.dumps(settings_file.document(settings)), "utf-8")
    return path
