"""The ledger: what became of every message, and why."""
