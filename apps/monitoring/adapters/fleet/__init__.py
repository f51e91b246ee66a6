"""Where the signals of a fleet come from: Prometheus, CloudWatch, or a file."""
