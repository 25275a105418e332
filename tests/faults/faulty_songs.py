"""Songs that do to the process that mines them what songs may do: crash it, hang, exhaust its memory, fail to be read.

The protocol faulty:// is the local file system. In a child of the pool, reading a song whose name begins with a fault
has it happen: `SITE` is imported by every interpreter that has its folder on PYTHONPATH.
"""

from __future__ import annotations

import os
from pathlib import Path

SITE = """
import ctypes, errno, os, signal, sys, time
import fsspec
from fsspec.implementations.local import LocalFileSystem

NOTES = os.environ.get("FAULTY_NOTES", "")


def first(name, times=1):
    for k in range(times):
        try:
            os.close(os.open(os.path.join(NOTES, f"{name} {k}"), os.O_CREAT | os.O_EXCL))
            return True
        except FileExistsError:
            pass
    return False


def happen(name):
    with open(os.path.join(NOTES, "attempts"), "a") as attempts:
        attempts.write(name.rpartition("_")[0] + "\\n")
    name = name.rpartition("_")[0]
    fault = name.split("_")[0]
    if fault == "crash":
        ctypes.string_at(0)
    if fault == "killedonce" and first(name):
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "hang":
        while True:
            time.sleep(1)
    if fault == "memory" or (fault == "memoryonce" and first(name)):
        raise MemoryError
    if fault == "cuda":
        raise RuntimeError("CUDA error: device-side assert triggered")
    # The song's own attempts are tried here, not those of each request.
    sys.modules["mixprior.pipeline.store.object_store"].PATIENCE_S = 0.0
    if fault == "disk" or (fault == "diskonce" and first(name)):
        raise OSError(errno.EIO, "Input/output error")


class FaultySystem(LocalFileSystem):
    protocol = "faulty"

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(str(path).removeprefix("faulty://"))

    def cat_file(self, path, *args, **keywords):
        if "FAULTY_NOTES" in os.environ and os.getpid() != int(os.environ["FAULTY_PARENT"]):
            happen(os.path.basename(path))
        return super().cat_file(path, *args, **keywords)


fsspec.register_implementation("faulty", FaultySystem, clobber=True)
"""


def environment(folder: Path) -> dict[str, str]:
    """An environment whose interpreters have the faults happen, but for this one."""
    (folder / "notes").mkdir(parents=True)
    (folder / "sitecustomize.py").write_text(SITE)
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return {"PYTHONPATH": path, "FAULTY_NOTES": str(folder / "notes"), "FAULTY_PARENT": str(os.getpid())}
