"""The command `mixprior model`: fetch a separation model ahead of a run, or show what a run would use."""

from __future__ import annotations

import argparse
import json

from mixprior.pipeline.separation import model_store
from mixprior.pipeline.separation.model_folder import ModelFolder
from mixprior.pipeline.separation.model_store import (
    DEFAULT_MODEL,
    LICENCE,
    MODEL_REPO_VARIABLE,
    ModelFiles,
    ModelUnavailable,
)
from mixprior.stats.visible import visible


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mixprior model` takes to its parser."""
    parser.add_argument(
        "action",
        choices=["fetch", "show"],
        help="fetch: download it into the cache unless it is there. show: its folder, source and digest",
    )
    parser.add_argument("name", metavar="NAME", nargs="?", default=DEFAULT_MODEL, help="default: %(default)s")
    parser.add_argument(
        "--model-repo",
        metavar="FOLDER",
        help=f"folder that holds the model (NAME.yaml; *.safetensors); default: ${MODEL_REPO_VARIABLE}",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Fetch or find the model, and print its facts.

    Raises:
        InputError: if the model is not known, cannot be fetched, or, with `show`, has not been fetched.
    """
    if args.action == "fetch":
        files = model_store.resolve(args.name, args.model_repo)
    else:
        found = model_store.find(args.name, args.model_repo)
        if found is None:
            raise ModelUnavailable(f"model {args.name} is not on this machine: mixprior model fetch {args.name}")
        files = found
    facts = _facts(files)
    if args.json:
        print(json.dumps(facts))
    else:
        from tabulate import tabulate  # here: a help text needs no table

        lines = [(name, visible(fact)) for name, fact in facts.items()]
        print(tabulate(lines, tablefmt="plain", disable_numparse=True))
    return 0


def _facts(files: ModelFiles) -> dict[str, str | int]:
    return {
        "model": files.name,
        "folder": str(files.folder),
        "source": files.source,
        "weights_sha256": files.weights_sha256,
        "arguments_sha256": files.arguments_sha256,
        "licence": LICENCE,
        "bytes": sum(path.stat().st_size for path in ModelFolder(files.folder, files.name).weights_files),
    }
