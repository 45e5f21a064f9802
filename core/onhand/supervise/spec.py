"""What to run, and how it ended."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class ProcessSpec:
    """A process to run. By default its end, whatever the exit code, is a failure: it was meant to stay.

    `restarts_max`: how often in a row it may crash and be started again, after 0.5 s, then 1, 2, 4 … at most 30 s;
    the count starts over once it has stayed up for 10 s. `environment` is added to ours. With `log`, what it prints
    is appended to that file instead of being handed on line by line.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    log: Path | None = None
    restarts_max: int = 0
    stop_signal: signal.Signals = signal.SIGTERM
    grace_seconds: float = 10.0


class ProcessEnded(RuntimeError):
    """A process that was meant to stay has ended and is not started again."""

    def __init__(self, name: str, code: int) -> None:
        self.name = name
        self.code = code
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        super().__init__(f"{name} ended by itself ({how})")
