import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from onhand_demo.result import KINDS

ENDS_WITHIN_S = 170


@pytest.mark.whole
def test_a_short_demo_keeps_every_promise_and_says_so_in_its_last_line(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "onhand.cli", "demo", "--check", "--json", "--events", "5000", "--senders", "2")
    ours = {
        name: value for name, value in os.environ.items() if not name.startswith(("ONHAND_", "DATABASE_", "REDIS_"))
    }
    ended = subprocess.run(
        command, check=False, cwd=tmp_path, env=ours, capture_output=True, text=True, timeout=ENDS_WITHIN_S
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    figures = json.loads(ended.stdout.splitlines()[-1])
    assert set(figures) == {
        "events_per_s", "holds_per_s", "refused", "duplicates", "latency_p50_s", "latency_p95_s", "exceptions",
        "verify_differences",
    }  # fmt: skip
    assert figures["verify_differences"] == 0
    assert figures["events_per_s"] > 0
    assert figures["holds_per_s"] > 0
    assert figures["duplicates"] > 0
    assert 0 < figures["latency_p50_s"] <= figures["latency_p95_s"]
    assert set(KINDS) <= {kind for kind, count in figures["exceptions"].items() if count > 0}
    assert "BROKEN" not in ended.stderr
    posted, waiting = re.search(r"corrections posted, waiting\D+(\d+), (\d+)", ended.stderr).groups()
    assert int(posted) > 0
    assert int(waiting) > 0
