"""Pure rules of api: no Django, no driver, no clock."""
