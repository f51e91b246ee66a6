"""What is asked of CloudWatch, what comes back, and what it costs. Values in, values out; time is an argument."""
