"""The machine that a row was measured on."""

from __future__ import annotations

import os
import re
from pathlib import Path

INSTRUCTION_SETS = {"amx": "amx_bf16", "avx512_bf16": "avx512_bf16", "avx512": "avx512f", "avx2": "avx2"}
"""By the flag of /proc/cpuinfo that shows it, the fastest for us first."""


def description(cuda: bool = False) -> str:
    """Such as "2 cores, Intel Xeon Platinum 8481C, amx"; with the card's name where it was measured on that."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"^model name\s*: *(.+?) *$", text, re.MULTILINE)
    family = re.search(r"^cpu family\s*: *(\d+)$", text, re.MULTILINE)
    number = re.search(r"^model\s*: *(\d+)$", text, re.MULTILINE)
    name = model.group(1) if model else "unknown processor"
    if family and number:
        name += f" (family {family.group(1)}, model {number.group(1)})"
    flags = set(text.split())
    best = next((label for label, flag in INSTRUCTION_SETS.items() if flag in flags), "no avx2")
    words = [f"{os.cpu_count()} cores", name, best]
    if cuda:
        import torch

        words.append(torch.cuda.get_device_name())
    return ", ".join(words)
