"""Callers inside the process: threads that ask a combined verb, as a web process's threads do."""

import threading
import time
from collections.abc import Callable

from flask import Flask

from bench.measure import Run


def drive(app: Flask, callers: int, seconds: float, call: Callable[[int, int], object]) -> Run:
    """Keep `callers` threads busy for so long; `call(caller, turn)` is one operation."""
    waits: list[list[float]] = [[] for _ in range(callers)]
    errors: list[BaseException] = []
    ready = threading.Barrier(callers + 1)
    stop = threading.Event()

    def work(number: int) -> None:
        own = waits[number]
        turn = 0
        with app.app_context():
            ready.wait()
            while not stop.is_set():
                started = time.perf_counter()
                try:
                    call(number, turn)
                except BaseException as error:
                    errors.append(error)
                    return
                own.append(time.perf_counter() - started)
                turn += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    ready.wait()
    begin = time.perf_counter()
    time.sleep(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begin
    if errors:
        raise errors[0]
    return Run(sum(map(len, waits)), took, [wait for own in waits for wait in own])
