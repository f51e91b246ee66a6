"""PostgreSQL and Kafka on this machine, from wheels and locked jars, for `make run`, tests and benchmarks."""
