"""`python -m tools.engines.manifests CRD.yaml ...`: hold the manifests of docs/running.md to the schemas of operators.

A schema is the operator's custom resource definition, as its Helm chart has it (`crds/`). A field that it does not name
is an error here, while Kubernetes drops it.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft7Validator

from tools import ROOT

_ANY = ("apiVersion", "kind", "metadata")


def manifests() -> Iterator[dict[str, Any]]:
    """The manifests of docs/running.md."""
    document = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
    for block in re.findall(r"```yaml\n(.*?)```", document, re.DOTALL):
        yield from (each for each in yaml.safe_load_all(block) if "apiVersion" in each)


def faults(manifest: dict[str, Any], definition: dict[str, Any]) -> list[str]:
    """What a definition of its kind finds wrong with a manifest, a line each."""
    spec = definition["spec"]
    found = {f"{spec['group']}/{each['name']}": each for each in spec["versions"]}
    if manifest["apiVersion"] not in found:
        return [f"apiVersion {manifest['apiVersion']} is not among {', '.join(found)}"]
    schema = _closed(found[manifest["apiVersion"]]["schema"]["openAPIV3Schema"])
    schema["properties"] |= {name: {} for name in _ANY}
    wrong = Draft7Validator(schema).iter_errors(manifest)
    return [f"{'.'.join(map(str, each.path))}: {each.message}" for each in wrong]


def _closed(schema: Any) -> Any:
    """The schema as JSON Schema has it, without fields that it does not name."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    closed = {name: _closed(each) for name, each in schema.items() if not name.startswith("x-kubernetes")}
    is_object = isinstance(schema.get("properties"), dict) and "type" in schema
    if is_object and not schema.get("x-kubernetes-preserve-unknown-fields"):
        closed.setdefault("additionalProperties", False)
    return closed


def main(arguments: list[str] | None = None) -> int:
    """Check each manifest that a definition given is for; 1 if one is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tools.engines.manifests")
    parser.add_argument("definitions", nargs="+", type=Path, metavar="CRD.yaml")
    given = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in parser.parse_args(arguments).definitions]
    by_kind = {each["spec"]["names"]["kind"]: each for each in given}
    is_wrong = False
    for manifest in manifests():
        if manifest["kind"] in by_kind:
            wrong = faults(manifest, by_kind[manifest["kind"]])
            is_wrong |= bool(wrong)
            print(f"{manifest['kind']}: {'; '.join(wrong) or 'valid'}")
    return int(is_wrong)


if __name__ == "__main__":
    sys.exit(main())
