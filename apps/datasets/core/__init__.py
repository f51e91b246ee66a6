"""Pure rules of datasets: no Django, no driver, no clock."""
