"""Supervises a child that has a child, says that one's pid, then waits, returns, raises, or lets `run_processes` wait."""

import signal
import sys
import time

from onhand.supervise import Processes, ProcessSpec, run_processes

PARENT = (
    "import subprocess, sys, time;"
    "grandchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(99)']);"
    "print(grandchild.pid, flush=True); time.sleep(99)"
)

signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may have it ignored
spec = ProcessSpec("web", [sys.executable, "-c", PARENT], grace_seconds=2)
then = sys.argv[1]
if then == "run":
    sys.exit(run_processes([spec], on_line=lambda _name, line: print(line, flush=True)))
with Processes([spec], on_line=lambda _name, line: print(line, flush=True)):
    time.sleep(0.5 if then in ("return", "raise") else 99)
    if then == "raise":
        raise RuntimeError("as told")
