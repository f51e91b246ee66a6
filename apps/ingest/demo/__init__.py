"""The demo's data on its way into Kafka: real flights from New York, sent at a pace, each record once."""
