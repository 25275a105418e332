"""`mixprior doctor` says a line on each thing that is needed, and what to do where it is missing."""

import builtins
import importlib.util
import json

from mixprior.pipeline import doctor


def test_every_format_is_decoded_and_every_line_is_ok_or_has_a_remedy(mixprior):
    checks = {each["name"]: each for each in json.loads(mixprior("doctor", "--json", expect=None).stdout)}
    for name in ("WAV", "FLAC", "MP3", "OGG", "OPUS", "M4A", "python", "numpy", "cores", "memory", "cache"):
        assert checks[name]["remedy"] is None, checks[name]


def test_without_torch_and_beam_it_names_the_extra_and_ends_well(mixprior, monkeypatch):
    real, spec = builtins.__import__, importlib.util.find_spec
    gone = ("torch", "apache_beam", "demucs", "safetensors")

    def no_import(name, *others):
        if name.partition(".")[0] in gone:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *others)

    monkeypatch.setattr(builtins, "__import__", no_import)
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *others: None if name in gone else spec(name, *others)
    )
    out = mixprior("doctor").stdout
    assert "pip install 'mixprior[mine]'" in out
    assert "GPU" not in out


def test_a_folder_that_cannot_be_written_and_a_broken_decoder_are_told(mixprior, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    def broken(*_):
        raise OSError("no codec")

    monkeypatch.setattr(doctor, "_write_m4a", broken)
    out = mixprior("doctor", expect=1).stdout
    assert "set XDG_CACHE_HOME" in out
    assert "M4A: OSError: no codec: pip install" in out
