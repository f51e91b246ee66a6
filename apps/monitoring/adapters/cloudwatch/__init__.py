"""CloudWatch behind two small ports, asked within limits and within a budget, and the strict fake beside it."""
