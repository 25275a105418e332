"""What a step gives at the end of a bundle, which has no element to take its window from."""

from __future__ import annotations

from typing import Any

from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue


def in_no_window(element: Any) -> WindowedValue:
    """Return an element as `finish_bundle` gives it."""
    return WindowedValue(element, GlobalWindow().max_timestamp(), (GlobalWindow(),))
