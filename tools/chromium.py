"""A headless Chromium driven through a pipe: pages are opened, keys pressed, expressions evaluated, pictures taken."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe"),
    *("--no-first-run", "--disable-extensions", "--disable-background-networking"),
)
_KEYS = {
    " ": ("Space", 32),
    "ArrowLeft": ("ArrowLeft", 37),
    "ArrowUp": ("ArrowUp", 38),
    "ArrowRight": ("ArrowRight", 39),
}
_KEYS |= {"ArrowDown": ("ArrowDown", 40), "Tab": ("Tab", 9)}

_READS, _WRITES = 3, 4
"""Descriptors from which the browser reads commands, and to which it writes answers."""


class Page:
    """One page of a browser, spoken to by the Chrome DevTools protocol."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, from_browser
        self._left = b""
        self._number = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol; its answer. Raises RuntimeError where the browser refuses it."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._left:
            received = os.read(self._from, 1 << 20)
            if not received:
                raise RuntimeError("the browser has ended")
            self._left += received
        message, _, self._left = self._left.partition(b"\0")
        return json.loads(message)

    def open(self, path: Path, width: int = 1200, height: int = 900, dark: bool = False, scale: float = 1.0) -> None:
        """Load a file in a window of a size, and wait until it is loaded."""
        size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=scheme)
        self.events.clear()
        self.call("Page.navigate", url=path.resolve().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self._read())

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of JavaScript, awaited. Raises RuntimeError where it throws."""
        given = {"expression": expression, "awaitPromise": True, "returnByValue": True, "userGesture": True}
        found = self.call("Runtime.evaluate", **given)
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"].get("exception", {}).get("description", "exception"))
        return found["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key and let it go, as a person does."""
        code, number = _KEYS.get(key, (f"Digit{key}", ord(key[0])))
        text = key if len(key) == 1 else ""
        named = {"key": key, "code": code, "windowsVirtualKeyCode": number}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **named)
        self.call("Input.dispatchKeyEvent", type="keyUp", **named)

    def picture(self, path: Path, whole: bool = False) -> None:
        """Write what is seen, or the whole page, as PNG."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def requests(self) -> list[str]:
        """Addresses that the page asked for since it was opened."""
        sent = (event["params"] for event in self.events if event["method"] == "Network.requestWillBeSent")
        return [params["request"]["url"] for params in sent]

    def complaints(self) -> list[str]:
        """Errors that the page wrote to the console since it was opened."""
        found = []
        for event in self.events:
            if event["method"] == "Runtime.exceptionThrown":
                found.append(event["params"]["exceptionDetails"]["text"])
            if event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
                found.append(event["params"]["entry"]["text"])
        return found


def _connect(reads: int, writes: int) -> None:
    """In the child: put pipes where the browser looks for them, by way of numbers that neither has."""
    aside = [fcntl.fcntl(each, fcntl.F_DUPFD, 10) for each in (reads, writes)]
    for descriptor, place in zip(aside, (_READS, _WRITES), strict=True):
        os.dup2(descriptor, place)


@contextmanager
def page() -> Iterator[Page]:
    """Run a browser with one empty page."""
    assert BROWSER is not None
    (browser_reads, to_browser), (from_browser, browser_writes) = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory() as profile:
        command = [BROWSER, *_OPTIONS, f"--user-data-dir={profile}"]
        process = subprocess.Popen(
            command,
            pass_fds=(_READS, _WRITES),
            env={**os.environ, "TMPDIR": profile},  # where it would leave folders of its own
            preexec_fn=lambda: _connect(browser_reads, browser_writes),
            stderr=subprocess.DEVNULL,
        )
        os.close(browser_reads)
        os.close(browser_writes)
        try:
            opened = Page(to_browser, from_browser)
            yield opened
            opened._session = None
            opened.call("Browser.close")
        finally:
            process.terminate()
            process.wait(30)
            os.close(to_browser)
            os.close(from_browser)
