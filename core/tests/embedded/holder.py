"""Holds services in a folder (or temporary ones), says so, then waits for a line, returns at once, or raises."""

import json
import signal
import sys
from pathlib import Path

import psutil
from onhand.embedded import services, temporary_services

folder, then = sys.argv[1:]
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may have them ignored
signal.signal(signal.SIGINT, signal.default_int_handler)
with services(Path(folder)) if folder else temporary_services() as held:
    (guardian,) = (child.pid for child in psutil.Process().children() if child.cmdline()[-1].endswith("guardian.py"))
    told = {
        "postgres": held.postgres_pid,
        "valkey": held.valkey_pid,
        "guardian": guardian,
        "folder": str(held.folder),
    }
    print(json.dumps(told), flush=True)
    if then == "raise":
        raise RuntimeError("as told")
    if then == "wait":
        sys.stdin.readline()
