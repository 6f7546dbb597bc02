"""Downloads one file of weights: with progress, cancellable at every chunk, never leaving half a file."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from pathlib import Path
from urllib.parse import unquote, urlparse

from walkin.results import Progress

_CHUNK = 1 << 18
_PATIENCE_S = 15.0  # without a byte from the server
_BETWEEN_REPORTS_S = 0.1


class DownloadError(Exception):
    """Why there is no file, in a few words."""


def checkpoints() -> Path:
    """Where torch.hub keeps what it downloaded: what is there already is used."""
    import torch

    return Path(torch.hub.get_dir()) / "checkpoints"


def file_name(url: str) -> str:
    return unquote(Path(urlparse(url).path).name)


def hash_prefix(name: str) -> str:
    """First digits of the file's SHA-256, '' if the name has none: torch.hub's `resnet50-11ad3fa6.pth`."""
    found = re.search(r"-([0-9a-f]{8,64})\.\w+$", name)
    return found[1] if found else ""


def download(url: str, target: Path, job: str) -> Generator[Progress, None, Path]:
    """Fetch `url` into `target`; DownloadError if that does not work out. `target` is complete or untouched."""
    label = f"downloading {target.name}"
    yield Progress(job, label)
    unfinished: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        request = urllib.request.Request(url, headers={"User-Agent": "walkin"})
        with urllib.request.urlopen(request, timeout=_PATIENCE_S) as response:
            handle, name = tempfile.mkstemp(prefix=f"{target.name}.", suffix=".partial", dir=target.parent)
            unfinished = Path(name)
            with os.fdopen(handle, "wb") as file:
                total = int(response.headers.get("Content-Length") or 0)
                digest = yield from _copy(response, file, total, job, label)
        wanted = hash_prefix(target.name)
        if not digest.startswith(wanted):
            raise DownloadError(f"{target.name} arrived damaged (SHA-256 {digest[:8]}..., not {wanted})")
        os.replace(unfinished, target)
        unfinished = None
    except (OSError, ValueError) as problem:  # URLError, timeouts and a full disk are OSErrors
        raise DownloadError(reason(problem)) from problem
    finally:  # also where the job is cancelled, at one of the yields
        if unfinished is not None:
            unfinished.unlink(missing_ok=True)
    yield Progress(job, label, 1.0, 0.0)
    return target


def _copy(response, file, total: int, job: str, label: str) -> Generator[Progress, None, str]:
    """Copy what arrives; the SHA-256 of it."""
    import http.client

    digest, done = hashlib.sha256(), 0
    started = reported = time.monotonic()
    # read1 returns what has arrived: read would wait for a whole chunk, and a slow job could not be cancelled.
    read = getattr(response, "read1", response.read)
    while True:
        try:
            chunk = read(_CHUNK)
        except http.client.IncompleteRead:
            break
        if not chunk:
            break
        file.write(chunk)
        digest.update(chunk)
        done += len(chunk)
        now = time.monotonic()
        if now - reported >= _BETWEEN_REPORTS_S:
            reported = now
            share = done / total if total else None
            remaining = (now - started) * (total - done) / done if total else None
            yield Progress(job, label, share, remaining)
    if total and done < total:
        raise DownloadError(f"the connection ended after {done / 1e6:.1f} of {total / 1e6:.1f} MB")
    return digest.hexdigest()


def reason(problem: BaseException) -> str:
    """What went wrong, in words for somebody who wants weights."""
    if isinstance(problem, urllib.error.HTTPError):
        return f"{urlparse(problem.url).hostname} answered {problem.code} {problem.reason}".strip()
    cause = getattr(problem, "reason", problem)
    if isinstance(cause, TimeoutError):
        return f"no answer for {_PATIENCE_S:.0f} s"
    text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return " ".join(str(text).split())
