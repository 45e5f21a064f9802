"""A site of its own, as somebody has it who just installed Onhand: no services, no settings."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="module")
def environment_alone():
    names = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ONHAND_OWNER_DATABASE_URL")
    kept = {name: value for name, value in os.environ.items() if name not in names}
    return kept | {"ONHAND_SAFE_MODE": "1"}


@pytest.fixture(scope="module")
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def served(folder, environment_alone, port):
    command = [sys.executable, "-m", "onhand.cli", "serve", "--port", str(port), "--workers", "2", "--threads", "4"]
    with (folder / "serve.log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment_alone, stdout=log, stderr=log)
        url = f"http://127.0.0.1:{port}"
        until = time.monotonic() + 120
        while time.monotonic() < until and process.poll() is None:
            try:
                if httpx.get(f"{url}/readyz", trust_env=False).status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.2)
        yield url, process
        process.terminate()
        process.wait(90)


def call(folder, environment, *words):
    command = [sys.executable, "-m", "onhand.cli", *words]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=180, check=False
    )


def test_commands_use_the_services_that_a_running_site_holds(folder, environment_alone, served):
    made = call(folder, environment_alone, "entity", "create", "A", "--json")
    assert made.returncode == 0, made.stderr
    issued = call(
        folder, environment_alone, "token", "create", "--entity", "A", "--permission", "onhand.read_audit", "--json"
    )
    assert json.loads(issued.stdout)["token"].startswith("oh_")


def test_ten_megabytes_get_an_answer_and_not_a_broken_connection(served):
    url, _ = served
    for _ in range(3):
        answer = httpx.post(f"{url}/login", content=b"x" * 10_000_000, trust_env=False, timeout=90)
        assert answer.status_code in {400, 413}
        assert answer.headers["content-type"].startswith("text/html")


def test_metrics_of_all_processes_add_up(served):
    url, _ = served
    for _ in range(20):
        with httpx.Client(trust_env=False) as client:
            client.get(f"{url}/livez")
    counts = set()
    for _ in range(4):
        text = httpx.get(f"{url}/metrics", trust_env=False).text
        name = 'onhand_request_seconds_count{endpoint="health.livez",method="GET",status="200"}'
        counts.add(next(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name)))
    assert counts == {20.0}


def test_processes_share_the_connections_and_one_that_stands_still_keeps_none_waiting(served, port):
    _, process = served
    [arbiter] = [child for child in psutil.Process(process.pid).children() if "gunicorn" in " ".join(child.cmdline())]
    workers = arbiter.children()

    def say_hello():
        line = socket.create_connection(("127.0.0.1", port), timeout=20)
        line.sendall(b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n")
        assert line.recv(4_096).startswith(b"HTTP/1.1 200")
        return line

    def held():
        return [sum(one.status == "ESTABLISHED" for one in worker.net_connections("tcp")) for worker in workers]

    lines = []
    try:
        lines += [say_hello() for _ in range(24)]
        before = held()
        assert min(before) >= 4, before
        workers[0].suspend()
        lines += [say_hello() for _ in range(4)]
    finally:
        workers[0].resume()
        for line in lines:
            line.close()


def test_site_stops_when_asked_and_takes_its_services_along(served, folder):
    _, process = served
    process.terminate()
    assert process.wait(90) == 0
    assert not list(Path(folder, ".run", "data").glob("postmaster.pid"))
    assert "Traceback" not in (folder / "serve.log").read_text()
