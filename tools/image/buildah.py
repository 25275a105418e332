"""Builds the image by buildah, and runs programs in it. Its base is made by debootstrap, without a registry."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools import ROOT
from tools.engines.programs import NotHere

RELEASE = "bookworm"
IMAGE = "localhost/mixprior:latest"
BASE, GO = f"localhost/mixprior-base:{RELEASE}", f"localhost/mixprior-go:{RELEASE}"
_PROGRAMS = ("buildah", "debootstrap", "go")
_CERTIFICATES = "/etc/ssl/certs:/etc/ssl/certs:ro"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def build(checkout: Path = ROOT, device: str = "cpu") -> float:
    """Build the image; layers that are there already are taken as they are.

    Args:
        checkout: folder of the Dockerfile.
        device: cpu or cuda.

    Returns:
        Seconds it took, without the base.

    Raises:
        NotHere: if this machine has not what it takes.
        RuntimeError: if the build fails.
    """
    _make_bases()
    given = {"BASE": BASE, "GO": GO, "FETCH": "npm"} | ({} if device == "cpu" else {"DEVICE": device})
    options = [word for name, value in given.items() for word in ("--build-arg", f"{name}={value}")]
    began_s = time.monotonic()
    buildah("bud", "--layers", "--isolation", "chroot", "--volume", _CERTIFICATES, *options, "-t", IMAGE, str(checkout))
    return time.monotonic() - began_s


def size() -> str:
    """Size of the image's layers, unpacked, in words."""
    return str(json.loads(buildah("images", "--json", IMAGE))[0]["size"])


@contextmanager
def container() -> Iterator[str]:
    """Have a container of the image; give its name."""
    name = buildah("from", IMAGE).strip()
    try:
        yield name
    finally:
        buildah("rm", name)


def running(container: str, *command: object, data: Path) -> list[str]:
    """Return the command that runs the image's entry point in a container, as its user.

    Args:
        container: its name.
        command: what the entry point is given.
        data: folder that is /data in the container.
    """
    options = ["--isolation", "chroot", "--volume", f"{data}:/data"]
    return ["buildah", "run", *options, container, "--", "/usr/local/bin/entrypoint", *map(str, command)]


def remove() -> None:
    """Remove all images and layers of the build."""
    buildah("rmi", "--force", IMAGE, GO, BASE)
    buildah("rmi", "--prune", "--force")


def buildah(*arguments: str) -> str:
    """Run buildah; return what it prints.

    Raises:
        RuntimeError: if it fails, with the end of what it said.
    """
    done = subprocess.run(["buildah", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"buildah {arguments[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def _make_bases() -> None:
    lacking = [name for name in _PROGRAMS if shutil.which(name) is None]
    if lacking or os.geteuid() != 0:
        raise NotHere(f"the image is built by root with buildah, debootstrap and go; lacking: {lacking or 'root'}")
    there = buildah("images", "--format", "{{.Name}}:{{.Tag}}").split()
    if BASE not in there:
        with tempfile.TemporaryDirectory() as folder:
            packages = "--include=ca-certificates,python3,python3-venv"
            subprocess.run(["debootstrap", "--variant=minbase", packages, RELEASE, folder], check=True)
            _commit("scratch", BASE, folder, "/", _PATH)
    if GO not in there:
        go = subprocess.check_output(["go", "env", "GOROOT"], text=True).strip()
        _commit(BASE, GO, go, "/usr/local/go", f"/usr/local/go/bin:{_PATH}")


def _commit(source: str, image: str, folder: str, place: str, path: str) -> None:
    """Make an image of another and a folder."""
    name = buildah("from", source).strip()
    buildah("add", "--quiet", name, folder, place)
    buildah("config", "--env", f"PATH={path}", name)
    buildah("commit", "--quiet", "--rm", name, image)
