"""Jobs: work that must not be lost, a row each."""
