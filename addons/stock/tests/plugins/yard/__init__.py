"""An add-on of a partner, for tests: further kinds of movement, and an ear at the ledger."""
