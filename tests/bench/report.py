"""What a run is told as, beside its figures: the machine's line, and the block of docs/performance.md."""

import os
import platform
import shlex
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.measure import Figure

__all__ = ["BEGIN", "COLUMNS", "END", "machine", "markdown"]

COLUMNS = ("arm", "callers", "ops/s", "raw ops/s", "ratio", "p50 ms", "p95 ms", "p99 ms", "note")
BEGIN, END = "<!-- figures: written by `make bench` -->", "<!-- figures end -->"
ROOT = Path(__file__).resolve().parents[2]


def machine() -> str:
    """Return the machine's line: figures of different machines are not compared, nor of a busy one believed."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if "model name" in line), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} × {model}, {memory:.0f} GB, {platform.system()} {platform.release()}, load {load:.2f} before"
    )


def markdown(figures: Sequence[Figure], began: str, arguments: Sequence[str]) -> str:
    """Return the figures as docs/performance.md carries them, with date, commit, command and machine."""
    options = [one for one in arguments if one != "--markdown"]
    command = "make bench" + (f' ARGS="{shlex.join(options)}"' if options else "")
    rows = [" | ".join(["", *(cell.replace("|", "/") for cell in figure.row()), ""]).strip() for figure in figures]
    return "\n".join(
        [
            BEGIN,
            "",
            f"{datetime.now(UTC):%Y-%m-%d}, commit {_commit()}, `{command}`, {began}.",
            "",
            f"| {' | '.join(COLUMNS)} |",
            "|---|" + "---:|" * (len(COLUMNS) - 2) + "---|",
            *rows,
            "",
            END,
        ]
    )


def _commit() -> str:
    """Return the commit that was measured; with a mark where the tree differs from it."""
    command = ["git", "describe", "--always", "--dirty=, with changes", "--exclude=*"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
