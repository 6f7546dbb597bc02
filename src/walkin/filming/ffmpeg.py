"""Ffmpeg: pictures into a film, by the program that imageio-ffmpeg brings."""

from __future__ import annotations

import importlib.util
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from walkin.errors import WalkinError

QUALITY = "10"  # of H.264's quantiser, 0 to 51: fine lines of text keep their edges
END_S = 60.0


def missing() -> bool:
    return importlib.util.find_spec("imageio_ffmpeg") is None


class Encoder:
    """One film that is being written. imageio-ffmpeg's own writer does not tell when the disk was full."""

    def __init__(self, path: Path, rate_hz: int):
        self._path, self._rate_hz = path, rate_hz
        self._process: subprocess.Popen[bytes] | None = None
        self._told = tempfile.TemporaryFile()

    def add(self, pixels: np.ndarray) -> None:
        """uint8 (H, W, 3); an odd last row or column is left out, as 4:2:0 wants it."""
        height, width = pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2
        if self._process is None:
            self._process = self._begun(width, height)
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(np.ascontiguousarray(pixels[:height, :width]).data)
        except OSError:  # it has ended and said why
            self.close()

    def close(self) -> None:
        """Wait for its end; WalkinError with what it said if that was not a good one."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        try:
            process.stdin.close()
        except OSError:
            pass
        if process.wait(END_S):
            self._told.seek(0)
            lines = self._told.read().decode(errors="replace").strip().splitlines()
            full = any("No space left" in line for line in lines)
            reason = "the disk is full; nothing of it was kept" if full else (lines or ["ffmpeg failed"])[-1]
            raise WalkinError(f"cannot write {self._path}: {reason}")

    def stop(self) -> None:
        """Give it up."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(END_S)
            if process.stdin is not None:
                try:
                    process.stdin.close()
                except OSError:
                    pass
        self._told.close()

    def _begun(self, width: int, height: int) -> subprocess.Popen[bytes]:
        import imageio_ffmpeg

        # Players take large films for BT.709 and small ones for BT.601 if nothing is said, and ffmpeg writes BT.601 if
        # nothing is asked.
        says = "range=tv:colorspace=bt709:color_primaries=bt709:color_trc=iec61966-2-1"
        given = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(self._rate_hz), "-i", "-"]
        coded = ["-an", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-qp", QUALITY, "-r", str(self._rate_hz)]
        coded += ["-vf", f"scale=out_color_matrix=bt709:out_range=tv,setparams={says}"]
        # One thread and no words about the program: the same film each time.
        same = ["-threads", "1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-movflags", "+faststart"]
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *given, *coded, *same, str(self._path)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._told)
