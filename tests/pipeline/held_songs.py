"""Songs of which only some can be mined: whoever reads another stops there until it is ended.

`SITE` is imported by every interpreter that has its folder on PYTHONPATH. It registers the protocol held://, which is
the local file system, but for songs whose content was fingerprinted and which are read again, to be mined: of these as
many pass as HELD_PASS says, and all once there is a note `release`.
"""

from __future__ import annotations

import os
from pathlib import Path

SITE = """
import os, time
import fsspec
from fsspec.implementations.local import LocalFileSystem

PASS = int(os.environ.get("HELD_PASS", "0"))
NOTES = os.environ.get("HELD_NOTES", "")


def noted(name):
    try:
        os.close(os.open(os.path.join(NOTES, name), os.O_CREAT | os.O_EXCL))
        return True
    except FileExistsError:
        return False


class HeldFileSystem(LocalFileSystem):
    protocol = "held"

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(str(path).removeprefix("held://"))

    def cat_file(self, path, *args, **keywords):
        from mixprior.pipeline.store.copies import Copies

        Copies.keep = lambda *_: None  # without copies, what is mined is read again
        title, stem = self._strip_protocol(path).split("/")[-2:]
        if not noted(f"fingerprinted {title} {stem}") and not os.path.exists(os.path.join(NOTES, f"passed {title}")):
            if any(noted(f"pass {k}") for k in range(PASS)):
                noted(f"passed {title}")
            else:
                while not os.path.exists(os.path.join(NOTES, "release")):
                    time.sleep(0.05)
                noted(f"passed {title}")
        return super().cat_file(path, *args, **keywords)


fsspec.register_implementation("held", HeldFileSystem)
"""


def environment(folder: Path, passing: int) -> dict[str, str]:
    """An environment in which so many songs of held:// can be mined.

    Args:
        folder: of this environment alone.
        passing: number of songs.
    """
    (folder / "notes").mkdir(parents=True)
    (folder / "sitecustomize.py").write_text(SITE)
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path, "HELD_PASS": str(passing), "HELD_NOTES": str(folder / "notes")}
