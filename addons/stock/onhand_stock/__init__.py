"""Stock states, the ledger, balances and the posting verb."""
