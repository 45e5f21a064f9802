"""What faults do to the stage, and how everything is healed in the end."""

import contextlib
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable

import psycopg
import redis

from crash.proxy import Weather
from crash.schedule import Fault, schedule
from crash.stage import ROLES, Stage
from crash.traps import Trap

__all__ = ["Faults"]

TRAP_SECONDS_MAX = 1.5
DELAY_SECONDS = 0.03


class Faults:
    """Carries out the schedule of a seed until stopped, one fault after another."""

    def __init__(self, stage: Stage, seed: int, say: Callable[[str], None]) -> None:
        self._stage, self._seed, self._say = stage, seed, say
        self._random = random.Random(f"{seed}/targets")
        self._stop = threading.Event()
        self.kinds: Counter[str] = Counter()
        self.struck: Counter[str] = Counter()
        """traps that caught their statement, each as text"""

    def run(self) -> None:
        """Go on until stopped."""
        for fault in schedule(self._seed):
            if self._stop.wait(fault.wait_seconds):
                return
            try:
                self._carry_out(fault)
            except (psycopg.Error, redis.RedisError) as error:  # the target is down from the fault before
                self._say(f"{fault.kind}: {type(error).__name__}")

    def stop(self) -> None:
        """Ask it to end after the fault in hand."""
        self._stop.set()

    def heal(self) -> None:
        """Take back whatever lasts. Processes are started again by who supervises them."""
        self._stage.proxy.arm(None)
        self._stage.proxy.weather = Weather()
        self._stage.services.mend()

    def _carry_out(self, fault: Fault) -> None:
        if fault.trap is not None:
            self._trap(fault.trap)
            return
        happened = getattr(self, "_" + fault.kind.replace(" ", "_"))(fault.seconds)
        if happened is not False:
            self.kinds[fault.kind] += 1
            self._say(fault.kind)

    def _trap(self, trap: Trap) -> None:
        self._stage.proxy.arm(trap)
        if trap.sprung.wait(TRAP_SECONDS_MAX):
            self.kinds[f"{trap.act} {trap.role} at a statement"] += 1
            self.struck[str(trap)] += 1
            self._say(str(trap))
        self._stage.proxy.arm(None)

    def _kill_web(self, _: float) -> bool:
        return self._kill("web")

    def _kill_worker(self, _: float) -> bool:
        return self._kill("worker")

    def _kill_scheduler(self, _: float) -> bool:
        return self._kill("scheduler")

    def _kill(self, role: str) -> bool:
        if role not in self._stage.processes.pids():
            return False
        self._stage.processes.kill(role)
        return True

    def _kill_web_process(self, _: float) -> bool:
        """One of the processes that answer requests; the one that forked them starts another."""
        pids = self._stage.proxy.pids("web")
        if not pids:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._random.choice(pids), signal.SIGKILL)
        return True

    def _terminate_backend(self, _: float) -> bool:
        rows = self._stage.sql(
            "SELECT count(pg_terminate_backend(pid)) FROM ("
            "SELECT pid FROM pg_stat_activity WHERE usename = 'onhand_app' ORDER BY random() LIMIT 3) AS chosen"
        )
        return bool(rows[0][0])

    def _kill_backend(self, _: float) -> bool:
        """PostgreSQL takes a killed backend for corruption: it ends all others and recovers."""
        rows = self._stage.sql("SELECT pid FROM pg_stat_activity WHERE usename = 'onhand_app' LIMIT 20")
        if not rows:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._random.choice(rows)[0], signal.SIGKILL)
        return True

    def _postgres_immediate(self, _: float) -> None:
        self._stage.services.restart_postgres("immediate")

    def _postgres_kill(self, _: float) -> None:
        self._stage.services.restart_postgres(None)

    def _valkey_kill(self, _: float) -> None:
        self._stage.services.restart_valkey()

    def _valkey_gone(self, seconds: float) -> None:
        self._stage.services.valkey.kill()
        self._stop.wait(seconds)
        self._stage.services.valkey.start()

    def _valkey_flush(self, _: float) -> None:
        with contextlib.closing(redis.Redis.from_url(self._stage.services.redis_url, socket_timeout=2.0)) as client:
            client.flushall()

    def _valkey_stall(self, seconds: float) -> None:
        pid = self._stage.services.valkey_pid
        os.kill(pid, signal.SIGSTOP)
        try:
            self._stop.wait(seconds)
        finally:
            os.kill(pid, signal.SIGCONT)

    def _net_slow(self, seconds: float) -> None:
        self._weather(Weather(delay_seconds=DELAY_SECONDS), seconds)

    def _net_stall(self, seconds: float) -> None:
        self._weather(Weather(stalled=True), seconds)

    def _net_closed(self, seconds: float) -> None:
        self._stage.proxy.cut(ROLES)
        self._weather(Weather(closed=True), seconds)

    def _net_cut(self, _: float) -> bool:
        return self._stage.proxy.cut([self._random.choice(ROLES)]) > 0

    def _weather(self, weather: Weather, seconds: float) -> None:
        self._stage.proxy.weather = weather
        self._stop.wait(seconds)
        self._stage.proxy.weather = Weather()
