"""Pure rules of monitoring: no Django, no driver, no clock."""
