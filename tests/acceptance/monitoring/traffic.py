"""Valid and invalid requests of third parties, and records of a faulty producer."""

import http.client
import itertools
import json
import threading
import uuid
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from confluent_kafka import Producer

BASE: Final = "/api/v1/datasets"
PAUSE_S: Final = 1.0
"""Between two rounds: without it, the traffic would keep one CPU busy."""


class Traffic(threading.Thread):
    """Sends requests and records until `end`."""

    def __init__(self, project: Path, site: str, key: str) -> None:
        super().__init__(daemon=True)
        self._project = project
        self._host = urlsplit(site).netloc
        self._key = key
        self._over = threading.Event()
        self.answered: dict[int, int] = {}
        self.failures: list[str] = []

    def end(self) -> None:
        """Stop after the current request."""
        self._over.set()
        self.join(30)

    def run(self) -> None:
        """Send all requests, round after round."""
        self._bad_records()
        for number in itertools.count():
            if self._over.wait(PAUSE_S):
                return
            for method, path, body, key in _requests(number, self._key):
                self._send(method, path, body, key)

    def _send(self, method: str, path: str, body: str | None, key: str) -> None:
        connection = http.client.HTTPConnection(self._host, timeout=30)
        try:
            headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            response.read()
            self.answered[response.status] = self.answered.get(response.status, 0) + 1
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(f"{method} {path}: {error}")
        finally:
            connection.close()

    def _bad_records(self) -> None:
        """Produce records that violate the contract of `airlines`, for the quarantine."""
        environment = (self._project / ".anden/environment").read_text()
        line = next(one for one in environment.splitlines() if "KAFKA_BOOTSTRAP_SERVERS" in one)
        producer = Producer({"bootstrap.servers": line.partition("=")[2].strip("'\"")})
        for value in (b"no JSON", b'{"carrier": 7}', b"{}"):
            producer.produce("airlines", value, b"x")
        producer.flush(10)


def _requests(number: int, key: str) -> list[tuple[str, str, str | None, str]]:
    person = json.dumps({"person_id": str(uuid.uuid4()), "given_name": "Ada", "family_name": f"Number {number}"})
    return [
        ("GET", f"{BASE}/flights/records?limit=50", None, key),
        ("GET", f"{BASE}/flights/records?limit=5&carrier=UA", None, key),
        ("GET", f"{BASE}/flights/records/count", None, key),
        ("GET", f"{BASE}/airports/records.csv", None, key),
        ("GET", f"{BASE}/flights", None, key),
        ("GET", BASE, None, key),
        ("GET", f"{BASE}/flights/records?nonsense=1", None, key),
        ("GET", f"{BASE}/nothing/records", None, key),
        ("GET", f"{BASE}/flights/records", None, "anden_wrong_key"),
        ("POST", f"{BASE}/persons/records", person, key),
    ]
