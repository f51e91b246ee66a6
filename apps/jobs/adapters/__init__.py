"""The outside world of jobs: the broker."""
