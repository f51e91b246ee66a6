"""Tests of Andén; the folder says the cost."""
