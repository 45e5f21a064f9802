"""Run child processes so that none of them outlives us.

`run_processes` runs several until one ends or somebody asks; `Processes` does it beside work of your own. `Child`,
`Guard` and `orderly_exit` are what both, and the embedded services, are made of.
"""

from onhand.supervise.account import Account
from onhand.supervise.child import KILL, Child, Steps
from onhand.supervise.guard import Guard
from onhand.supervise.output import OnLine, print_line
from onhand.supervise.processes import Processes, run_processes
from onhand.supervise.signals import orderly_exit
from onhand.supervise.spec import ProcessEnded, ProcessSpec

__all__ = [
    "KILL",
    "Account",
    "Child",
    "Guard",
    "OnLine",
    "ProcessEnded",
    "ProcessSpec",
    "Processes",
    "Steps",
    "orderly_exit",
    "print_line",
    "run_processes",
]
