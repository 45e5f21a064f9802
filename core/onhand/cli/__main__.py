"""`python -m onhand.cli`, the same as `onhand`."""

from onhand.cli import main

main()
