"""What is asked of every add-on and can be seen without a database: one list of checks, for tests and the command line.

`onhand.testing.contract.AddonContract` runs these and those that need one.
"""

from onhand.contract.checks import CHECKS, Check
from onhand.contract.subject import Subject, among, look_at

__all__ = ["CHECKS", "Check", "Subject", "among", "look_at"]
