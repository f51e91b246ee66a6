"""Makes the zips of the functions on AWS Lambda: the same bytes from the same sources, on every machine."""
