"""The catalogue's metrics, one file for each AWS service."""
