"""The shared kernel: contracts, the tables made from them, the ledger, the run-time models."""
