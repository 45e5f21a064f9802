"""The benchmark runs: arms are found by name, figures come out whole, and what fills large books breaks no law."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMES = {
    "hold.spread.process", "hold.spread.threads", "hold.spread.http", "hold.hot.process", "hold.hot.http",
    "hold.lines5.process", "hold.lines5.http", "confirm", "fulfil", "release", "expire", "intake.http", "atp.http", "verify", "asof", "hooks",
}  # fmt: skip
LARGE = {"growth.hold", "growth.atp", "growth.intake"}


def bench(*arguments):
    command = [sys.executable, str(ROOT / "tests/bench"), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)


def test_the_arms_have_their_names():
    assert set(bench("--list").stdout.split()) == NAMES
    assert set(bench("--list", "--large").stdout.split()) == NAMES | LARGE
    assert set(bench("--list", "--only", "hold.hot", "--only", "verify").stdout.split()) == {
        "hold.hot.process", "hold.hot.http", "verify",
    }  # fmt: skip


def test_an_arm_that_is_not_there_is_refused():
    done = bench("--only", "teleport")
    assert done.returncode == 2
    assert "no arm starts with teleport" in done.stderr


def test_figures_come_out_whole_and_large_books_agree():
    small = ("--items", "1100", "--holds", "2200", "--entries", "22000", "--rounds", "1", "--seconds", "0.1")
    done = bench("--json", "--large", *small, "--callers", "8", "--only", "hold.lines5.process", "--only", "growth.atp")
    assert done.returncode == 0, done.stderr
    assert "no differences" in done.stderr
    figures = [json.loads(line) for line in done.stdout.splitlines() if '"arm"' in line]
    assert [one["arm"] for one in figures] == ["hold.lines5.process", "growth.atp", "growth.atp"]
    for one in figures:
        assert one.keys() >= {"arm", "callers", "ops_per_s", "raw_ops_per_s", "ratio", "p50_ms", "p95_ms", "p99_ms"}
        assert one["callers"] == 8
        assert one["ops_per_s"] > 0 < one["raw_ops_per_s"]
        assert 0 < one["p50_ms"] <= one["p95_ms"] <= one["p99_ms"]
    assert figures[-1]["growth"] > 0
