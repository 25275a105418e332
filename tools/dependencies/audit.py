"""Asks for known vulnerabilities of what requirements.lock names: `python -m tools.dependencies.audit`."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tools.dependencies.lock import LOCK


def verdict(report: dict[str, Any]) -> tuple[int, list[str]]:
    """Exit code, and lines to print, of a report of pip-audit in JSON.

    pip-audit passes what the index knows nothing of: where that is everything, nothing was audited.

    >>> verdict({"dependencies": [{"name": "numpy", "skip_reason": "not found"}]})
    (0, ['skipped: the index answers for none of 1 packages'])
    >>> verdict({"dependencies": [{"name": "numpy", "version": "2.0", "vulns": [{"id": "CVE-1"}]}]})
    (1, ['numpy 2.0: CVE-1', '1 packages audited, 0 unknown to the index'])
    """
    packages = report["dependencies"]
    audited = [package for package in packages if "skip_reason" not in package]
    if not audited:
        return 0, [f"skipped: the index answers for none of {len(packages)} packages"]
    found = [
        f"{package['name']} {package['version']}: {', '.join(each['id'] for each in package['vulns'])}"
        for package in audited
        if package["vulns"]
    ]
    return int(bool(found)), [
        *found,
        f"{len(audited)} packages audited, {len(packages) - len(audited)} unknown to the index",
    ]


def main() -> int:
    """Run pip-audit in an environment of its own."""
    command = [sys.executable, "-m", "uv", "tool", "run", "pip-audit", "--requirement", str(LOCK), "--disable-pip"]
    done = subprocess.run([*command, "--require-hashes", "--format", "json"], capture_output=True, text=True)
    try:
        code, lines = verdict(json.loads(done.stdout))
    except ValueError:
        code, lines = 0, [f"skipped: pip-audit did not answer: {(done.stderr.splitlines() or ['no message'])[-1]}"]
    print(*lines, sep="\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
