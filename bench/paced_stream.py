"""`python -m bench.paced_stream TOPIC RATE SECONDS`: sends orders at a rate, and prints when it sent some of them.

Each line of the output is a record's id and the monotonic time at which it was handed to the Kafka client. The records
between two of these are copies of a few encoded values, whose ids are below the first printed one.
"""

import os
import sys
import time
from typing import Final

from apps.ingest.demo.rate_limiter import RateLimiter
from bench.record_kinds import ORDERS
from bench.topics import OutgoingRecord, flush, produce, producer_make

PARTITIONS: Final = 4
PROBE_EVERY_S: Final = 0.05
FILLERS: Final = 10_000
LINGER_MS: Final = 5


def main(topic: str, rate: float, seconds: float) -> None:
    """Send the records in ticks; the first record of a tick is a probe."""
    producer = producer_make(os.environ["ANDEN_KAFKA_BOOTSTRAP_SERVERS"], linger_ms=LINGER_MS)
    fillers = [ORDERS.value(number) for number in range(FILLERS)]
    began_s = probed_s = time.monotonic()
    limiter, sent, probe = RateLimiter(rate, began_s), 0, FILLERS
    while (now_s := time.monotonic()) < began_s + seconds:
        if now_s >= probed_s + PROBE_EVERY_S:
            probed_s, probe = now_s, probe + 1
            sys.stdout.write(f"{probe} {time.monotonic()}\n")
            sys.stdout.flush()
            produce(producer, OutgoingRecord(topic, probe % PARTITIONS, ORDERS.value(probe)))
        while sent < limiter.allowed(now_s):
            produce(producer, OutgoingRecord(topic, sent % PARTITIONS, fillers[sent % FILLERS]))
            sent += 1
        producer.poll(limiter.wait_s(time.monotonic()))
    flush(producer)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))
