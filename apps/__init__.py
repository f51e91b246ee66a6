"""The apps of Andén: datasets, ingest, api, monitoring, console."""
