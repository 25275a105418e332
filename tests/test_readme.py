"""Every command of the README does what it says."""

import argparse
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import soundfile

from tests.conftest import ROOT
from tests.pipeline.tiny_model import write_tiny_model

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[list[str]]:
    lines = "".join(blocks("sh")).replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.strip()]


@pytest.fixture(scope="module")
def music(stems_catalog, tmp_path_factory) -> Path:
    """A folder with the README's files: a song to separate and one that comes as stems, vocals and a band."""
    root = tmp_path_factory.mktemp("readme")
    shutil.copytree(stems_catalog / "Birch", root / "MUSIC" / "Birch")
    sounds = {path.stem: soundfile.read(path) for path in (stems_catalog / "Amber").iterdir()}
    vocals, rate_hz = sounds.pop("vocals")
    band = sum(audio for audio, _ in sounds.values())
    soundfile.write(root / "vocals.wav", vocals, rate_hz)
    soundfile.write(root / "band.wav", band, rate_hz)
    soundfile.write(root / "MUSIC" / "Amber.flac", vocals + band, rate_hz)
    return root


def test_the_first_two_commands_are_targets_of_make():
    first, second = commands()[:2]
    assert (first, second) == (["make", "demo"], ["make", "test"])
    for command in (first, second):
        subprocess.run([*command, "--dry-run"], cwd=ROOT, check=True, capture_output=True)


def test_the_commands_for_own_songs_run_in_order(music, stems_catalog, mixprior, tmp_path):
    environment = {**os.environ, "MIXPRIOR_MODEL_REPO": str(write_tiny_model(tmp_path / "model"))}
    mixprior("mine", stems_catalog / "Cedar", "-o", tmp_path / "more", "-j", 1)
    printed: dict[str, str] = {}
    for command in commands():
        if command[0] == ".venv/bin/mixprior":
            arguments = [
                str(music / word) if (music / word).exists() else word.replace("outputs/", f"{tmp_path}/")
                for word in command[1:]
            ]
            arguments = [str(tmp_path / word) if word == "mix.wav" else word for word in arguments]
            model = ("-n", "tiny") if arguments[0] == "mine" else ()
            printed[arguments[0]] = printed.get(arguments[0], "") + mixprior(*arguments, *model, env=environment).stdout
    assert list(printed) == ["mine", "query", "constants", "normalize", "reverb", "report", "aggregate", "merge", "mix"]
    assert "3 songs" in printed["merge"]
    assert "MUSIC/Amber.flac" in printed["query"]
    for name in ("report.html", "features.npz", "response.wav", "both/manifest.json", "mix.flac", "normalized"):
        assert (tmp_path / name).exists()
    assert "2 mined" in printed["mine"]
    assert "duration_s" in printed["query"]
    assert (tmp_path / "mix.wav").exists()
    assert (tmp_path / "mix.mix.json").exists()

    [snippet] = blocks("python")
    names: dict = {}
    exec(snippet.replace("outputs/mine", str(tmp_path / "mine")), names)
    assert "vocal_to_backing_lu" in list(names["frame"]["statistic"])
    assert names["constants"]


def test_a_query_of_the_packaged_priors_prints_what_is_shown(mixprior):
    [shown] = blocks("text")
    command, _, table = shown.partition("\n")
    assert mixprior(*shlex.split(command)[2:]).stdout == table


def test_the_dataflow_command_names_options_that_exist():
    from mixprior.pipeline import mine
    from mixprior.pipeline.graphs.beam_options import pipeline_options

    [command] = [command for command in commands() if "DataflowRunner" in command]
    parser = argparse.ArgumentParser(allow_abbrev=False)
    mine.add_arguments(parser)
    options = pipeline_options(mine.parse(parser, command[2:]).beam_options).get_all_options(drop_default=True)
    assert (options["runner"], options["sdk_container_image"]) == ("DataflowRunner", "IMAGE_WITH_MIXPRIOR_AND_WEIGHTS")


def test_the_map_of_the_tree_names_every_folder():
    for folder in ("stats", "pipeline", "analysis", "mixing", "learning", "mixprior", "tests", "tools"):
        assert f"`{folder}/`" in README
        assert (ROOT / folder).is_dir()
