"""The outlier engine: every service against its own past and its peers of the moment. Arrays in, values out."""
