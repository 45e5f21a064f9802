"""Being asked to end, turned into an ordinary way out."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ASKS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def orderly_exit() -> Iterator[None]:
    """Inside, SIGTERM and SIGHUP raise SystemExit(128 + n), so that every `with` and `finally` runs.

    Once: the second ends us on the spot, as it would have. Only in the main thread, and only where nobody else handles
    the signal; outside, it is as before. Ctrl-C needs nothing: it raises KeyboardInterrupt already.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _frame: FrameType | None) -> None:
        for each in taken:
            signal.signal(each, signal.SIG_DFL)
        raise SystemExit(128 + number)

    taken = [number for number in ASKS if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
