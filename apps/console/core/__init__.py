"""Pure rules of console: no Django, no driver, no clock."""
