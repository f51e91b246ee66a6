"""What jobs decide: pure, without Django, driver or clock."""
