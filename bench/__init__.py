"""Measures every performance claim, interleaved with its baseline: make bench."""
