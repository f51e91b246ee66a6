"""Pure rules of ingest: no Django, no driver, no clock."""
