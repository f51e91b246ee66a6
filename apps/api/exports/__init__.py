"""Exports: the records of a dataset as one file, in each format of the table."""
