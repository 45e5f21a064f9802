"""Services of a test run: one pair for all workers, gone when the run is, however it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

SECONDS_MAX = 90.0  # two Pythons and a server begin meanwhile, perhaps on a busy machine
TOLD = """
import json, os, time
from pathlib import Path
import pytest

@pytest.fixture
def addons():
    return []

@pytest.mark.parametrize("turn", range(6))
def test_tell(services, site, turn, worker_id):
    [(data,)] = site.database.superuser("SHOW data_directory")
    pid = int(Path(data, "postmaster.pid").read_text().split()[0])
    told = {"postgres": pid, "database": site.database.name, "redis": site.settings.redis_url, "worker": worker_id}
    Path(f"told-{worker_id}-{turn}.json").write_text(json.dumps(told))
    while os.environ.get("STAY"):
        time.sleep(0.1)
    time.sleep(0.2)  # so that the other worker gets some, too
"""


@pytest.fixture
def start(tmp_path):
    """Start a run of pytest in a folder of its own; killed in the end, if it still runs."""
    (tmp_path / "test_told.py").write_text(TOLD)
    with ExitStack() as stack:

        def begin(*options: str, **environment: str) -> "subprocess.Popen[str]":
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
            run = stack.enter_context(
                subprocess.Popen(
                    [*command, *options],
                    cwd=tmp_path,
                    env={**os.environ, **environment},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
            )
            stack.callback(run.kill)
            return run

        yield begin


def told(folder: Path) -> list[dict]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob("told-*.json"))]


def wait_until(condition) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while not condition():
        assert time.monotonic() < deadline, f"not within {SECONDS_MAX} s"
        time.sleep(0.05)


def test_workers_share_services_and_have_databases_of_their_own(tmp_path, start):
    run = start("-n", "2", "--dist", "load")
    output, _ = run.communicate(timeout=SECONDS_MAX)
    assert run.returncode == 0, output
    seen = told(tmp_path)
    assert len({one["postgres"] for one in seen}) == 1
    assert {one["worker"] for one in seen} == {"gw0", "gw1"}
    assert len({one["database"] for one in seen}) == len({one["redis"] for one in seen}) == 2
    assert not psutil.pid_exists(seen[0]["postgres"])


@pytest.mark.parametrize("options", [(), ("-n", "2")])
def test_a_killed_run_leaves_no_servers(tmp_path, start, options):
    run = start(*options, STAY="1")
    wait_until(lambda: len(told(tmp_path)) >= (2 if options else 1))
    postgres = told(tmp_path)[0]["postgres"]
    assert psutil.pid_exists(postgres)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    wait_until(lambda: not psutil.pid_exists(postgres))
