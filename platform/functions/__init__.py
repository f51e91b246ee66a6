"""Wiring only: the entry points of the functions on AWS Lambda."""
