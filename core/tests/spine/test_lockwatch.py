"""What a process leaves that ended for keeping the interpreter's lock: told once, when it has ended, and to the right account."""

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest
from onhand.addons import boundary
from onhand.lockwatch import Keeper, keeper, left_behind

PACKAGES = {"recalls": Path("/site/onhand_recalls"), "stock": Path("/site/onhand_stock")}
FRAMES = {
    "match": '  File "/python/re/__init__.py", line 166 in match',
    "hook": '  File "/site/onhand_recalls/stock.py", line 12 in objections',
    "bounded": f'  File "{boundary.__file__}", line 141 in bounded',
    "at_work": f'  File "{boundary.__file__}", line 101 in at_work',
    "outer": '  File "/site/onhand_stock/services/posting.py", line 80 in post',
}


@pytest.mark.parametrize(
    ("frames", "found"),
    [
        (("match", "hook", "bounded", "outer", "bounded"), Keeper("recalls", "objections", "onhand_recalls/stock.py:12")),
        (("match", "hook", "at_work", "outer"), None),
        (("match", "bounded", "hook"), None),
        (("outer",), None),
    ],
    ids=["hook", "job", "nobody's package", "no hook"],
)  # fmt: skip
def test_the_innermost_hook_is_to_blame(frames, found):
    assert keeper("Stack (most recent call first):\n" + "\n".join(FRAMES[name] for name in frames), PACKAGES) == found


def test_a_stack_is_told_once_and_not_while_its_process_lives(tmp_path):
    living, ended = tmp_path / "1.stack", tmp_path / "2.stack"
    ended.write_text("a stack")
    (tmp_path / "3.stack").touch()
    with living.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write("half a st")
        file.flush()
        assert [*left_behind(tmp_path)] == ["a stack"]
    assert [*left_behind(tmp_path)] == ["half a st"]
    assert [*tmp_path.iterdir()] == []


BURN = """
import re, sys, time
from pathlib import Path
from onhand import lockwatch

lockwatch.MARGIN_SECONDS = 0.0
lockwatch.TICK_SECONDS = 0.05
file = lockwatch.watch_lock(Path(sys.argv[1]), 0.5)
begun = time.process_time()
while time.process_time() - begun < 1.0:
    pass
print("python may burn what it likes", flush=True)
if sys.argv[2] == "disarmed":
    lockwatch.disarm()
re.match(r"(a+)+$", "a" * (22 if sys.argv[2] == "disarmed" else 50) + "b")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the signal goes to any thread there")
@pytest.mark.parametrize("is_armed", [True, False])
def test_who_keeps_the_lock_ends_its_process_and_who_only_works_does_not(tmp_path, is_armed):
    words = [sys.executable, "-c", BURN, str(tmp_path), "armed" if is_armed else "disarmed"]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert "python may burn" in ended.stdout, ended.stderr
    assert (ended.returncode != 0) == is_armed, ended.stderr
    assert ["in match" in stack for stack in left_behind(tmp_path)] == [True] * is_armed
