"""Every speed claim of the README, measured side by side with its peers in one run: make bench."""
