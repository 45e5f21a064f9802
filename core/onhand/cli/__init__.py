"""The command line `onhand`. Exit codes: 0 done, 1 refused or differences found, 2 usage, 3 a service is missing."""

from onhand.cli.group import alone, main

__all__ = ["alone", "main"]
