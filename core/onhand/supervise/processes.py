"""Several processes side by side, until one ends or we do."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType, TracebackType
from typing import Self

from onhand.supervise.guard import Guard
from onhand.supervise.output import OnLine, print_line, read_for
from onhand.supervise.signals import orderly_exit
from onhand.supervise.slot import Slot
from onhand.supervise.spec import ProcessEnded, ProcessSpec

ASKS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TICK_SECONDS = 0.05


class Processes:
    """Runs processes beside the caller's own work; on leaving, by whatever way, they are stopped and gone.

    One thread of ours reads what they print, notices who ends and starts again who may. When one ends for good the
    others go on: ask `check()` or `wait()`, and leave. `on_line(name, line)` is called from that thread; a slow one
    slows the processes down, one that raises is dropped for the rest of the run. On leaving each gets its stop
    signal, then SIGKILL to its whole process group; a second Ctrl-C skips the grace.
    """

    def __init__(self, specs: Sequence[ProcessSpec], *, on_line: OnLine | None = None) -> None:
        if len({spec.name for spec in specs}) != len(specs):
            raise ValueError("two processes of one name")
        self._specs = tuple(specs)
        self._on_line = print_line if on_line is None else on_line
        self._slots: dict[str, Slot] = {}
        self._ended: ProcessEnded | None = None
        self._news = threading.Event()
        self._asked = threading.Event()
        self._hurry = threading.Event()
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.enter_context(orderly_exit())
            guard = stack.enter_context(Guard())
            self._slots = {spec.name: Slot(spec, guard=guard, on_line=self._say) for spec in self._specs}
            thread = threading.Thread(target=self._tend, name="onhand-supervise", daemon=True)
            stack.callback(self._stop, thread)
            for slot in self._slots.values():
                slot.start()
            thread.start()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def pids(self) -> dict[str, int]:
        """The pid of each process that runs now."""
        return {name: slot.child.pid for name, slot in self._slots.items() if slot.child and slot.child.alive}

    def restarts(self, name: str) -> int:
        """How often it was started again."""
        return self._slots[name].restarts

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send it a signal and return the pid it had; what happens next is up to its spec."""
        child = self._slots[name].child
        if child is None:
            raise LookupError(f"{name} does not run")
        child.send(number)
        return child.pid

    def check(self) -> None:
        """Raise ProcessEnded if one has ended for good."""
        if self._ended is not None:
            raise self._ended

    def wait(self, timeout_seconds: float | None = None) -> ProcessEnded | None:
        """Wait until one ends for good; None when the time is up first."""
        self._news.wait(timeout_seconds)
        return self._ended

    def _say(self, name: str, line: str) -> None:
        try:
            self._on_line(name, line)
        except Exception as error:  # our thread must live on: it is the one that notices crashes
            self._on_line = lambda _name, _line: None
            with contextlib.suppress(OSError, ValueError):  # a terminal that went away
                print_line(name, f"what it prints is dropped from here on: {error!r}")

    def _tend(self) -> None:
        slots = self._slots.values()
        while True:
            read_for(TICK_SECONDS, [slot.lines for slot in slots if slot.lines is not None])
            if self._asked.is_set():
                gone = [slot.stop(at_once=self._hurry.is_set()) for slot in slots]
                if all(gone):
                    return
                continue
            for slot in slots:
                ended = slot.tend()
                if ended is not None and self._ended is None:
                    self._ended = ended
                    self._news.set()

    def _stop(self, thread: threading.Thread) -> None:
        self._asked.set()
        if not thread.is_alive():
            self._tend()
            return
        interrupted = False
        while thread.is_alive():
            try:
                thread.join()
            except KeyboardInterrupt:
                interrupted = True
                self._hurry.set()
        if interrupted:
            raise KeyboardInterrupt


def run_processes(
    specs: Sequence[ProcessSpec],
    *,
    on_line: OnLine | None = None,
    stop_after: float | None = None,
    check: Callable[[], None] | None = None,
) -> int:
    """Run the processes until one ends for good, SIGINT, SIGTERM or SIGHUP arrives, or `stop_after` seconds are over.

    Then all are stopped, each with its own stop signal. 0 when we were asked to stop; otherwise what the process that
    ended returned (128 + n when signal n killed it, 1 if it returned 0). `check` is called several times a second;
    what it raises stops everything and is raised on.
    """
    on_line = print_line if on_line is None else on_line
    deadline = None if stop_after is None else time.monotonic() + stop_after
    with _asked_to_stop() as asked, Processes(specs, on_line=on_line) as processes:
        while not asked.is_set() and (deadline is None or time.monotonic() < deadline):
            if (ended := processes.wait(0.1)) is not None:
                on_line(ended.name, str(ended))
                return 128 - ended.code if ended.code < 0 else ended.code or 1
            if check is not None:
                check()
    return 0


@contextlib.contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """An event set by SIGINT, SIGTERM and SIGHUP; a second SIGINT raises KeyboardInterrupt. Main thread only."""
    asked = threading.Event()

    def note(number: int, _frame: FrameType | None) -> None:
        if asked.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked.set()

    ours = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, note) for number in (ASKS if ours else ())}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
