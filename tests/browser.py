"""A browser for tests: headless Chromium, driven over WebDriver (https://www.w3.org/TR/webdriver2/) with the standard
library alone."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # how the protocol calls a reference
# No sandbox: tests may run as root. The others keep it from looking for hosts that are not there.
SWITCHES = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip


class Browser:
    """One window."""

    def __init__(self, address: str):
        self._address = address
        self._session = ""

    def open(self, profile: Path, size: tuple[int, int], *switches: str) -> None:
        arguments = [*SWITCHES, f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}", *switches]
        wanted = {
            "goog:chromeOptions": {"args": arguments, "binary": shutil.which("chromium")},
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        self._session = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]

    def go(self, address: str) -> None:
        self._tell("url", {"url": address})

    def find(self, selector: str) -> str:
        return self._tell("element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector: str) -> None:
        """As a person does: what is covered or not to be seen cannot be clicked."""
        self._tell(f"element/{self.find(selector)}/click", {})

    def type(self, selector: str, text: str) -> None:
        self._tell(f"element/{self.find(selector)}/value", {"text": text})

    def clear(self, selector: str) -> None:
        self.type(selector, "\ue009a\ue000\ue017")  # Ctrl+A, Delete: the protocol's own way tells no page of it

    def press(self, key: str) -> None:
        """A key for whatever has the focus."""
        actions = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self._tell("actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def click_at(self, selector: str, x: float, y: float) -> None:
        """A click at pixels from the middle of an element."""
        origin = {ELEMENT: self.find(selector)}
        move = {"type": "pointerMove", "duration": 0, "origin": origin, "x": round(x), "y": round(y)}
        actions = [move, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self._tell("actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": actions}]})

    def run(self, script: str, *arguments: Any) -> Any:
        return self._tell("execute/sync", {"script": script, "args": list(arguments)})

    def asks(self, script: str) -> Any:
        """What a script gives to its first argument, a function, as soon as it calls it."""
        return self._tell("execute/async", {"script": script, "args": []})

    def wait(self, script: str) -> Any:
        """What a script gives as soon as that is true."""
        body = "const done = arguments[0]; const look = () => { const found = (() => { SCRIPT })();"
        body += " if (found) done(found); else setTimeout(look, 20); }; look();"
        return self.asks(body.replace("SCRIPT", script))

    def screenshot(self) -> bytes:
        return base64.b64decode(self._ask("GET", f"/session/{self._session}/screenshot"))

    def log(self) -> list[str]:
        """What the page complained of since the last time."""
        return [entry["message"] for entry in self._tell("se/log", {"type": "browser"})]

    def close(self) -> None:
        if self._session:
            self._ask("DELETE", f"/session/{self._session}")
            self._session = ""

    def _tell(self, what: str, content: dict[str, Any]) -> Any:
        return self._ask("POST", f"/session/{self._session}/{what}", content)

    def _ask(self, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
        body = None if content is None else json.dumps(content).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self._address + path, body, headers, method=method)
        no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with no_proxy.open(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as problem:
            raise AssertionError(json.load(problem)["value"]["message"].splitlines()[0]) from None


@contextlib.contextmanager
def browser(folder: Path, *switches: str, size: tuple[int, int] = (1280, 900)) -> Iterator[Browser]:
    """Skips where there is none."""
    for tool in ("chromium", "chromedriver"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool}")
    environment = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    environment["HOME"] = str(folder)
    command = ["chromedriver", "--port=0"]
    driver = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    try:
        assert driver.stdout is not None
        found = next(
            (found for line in driver.stdout if (found := re.search(r"successfully on port (\d+)", line))), None
        )
        assert found is not None, "chromedriver did not start"
        made = Browser(f"http://127.0.0.1:{found[1]}")
        try:
            made.open(folder / "profile", size, *switches)
            yield made
        finally:
            made.close()
    finally:
        driver.terminate()
        driver.wait(10)
        if driver.stdout is not None:
            driver.stdout.close()
