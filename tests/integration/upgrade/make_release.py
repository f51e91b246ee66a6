"""Make the fixture of a release from a commit: a used installation as a plain dump, with its metadata.

    python -m tests.integration.upgrade.make_release f4f673a 0.1.0

The commit's code runs from a scratch folder, with today's dependencies, on embedded servers. The metadata has a
client's key and the responses that it received.
"""

import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from confluent_kafka import Producer

from embedded.kafka import EmbeddedKafka
from embedded.ports import free_port
from embedded.postgres import EmbeddedPostgres, _ground

ROOT: Final = Path(__file__).parents[3]
RELEASES: Final = Path(__file__).with_name("releases")
PATHS: Final = (
    "/api/v1/datasets",
    "/api/v1/datasets/airports/records?limit=10",
    "/api/v1/datasets/airlines/records?limit=10",
    "/api/v1/datasets/flights/records?limit=10&origin=JFK",
)
UP_WITHIN_S: Final = 60.0


def airports(first: int, last: int) -> list[bytes]:
    """Records of the topic airports; every seventh violates its contract."""
    return [
        json.dumps(
            {
                "faa": f"X{number:02d}",
                "name": f"Field {number}",
                "lat": 40 + number / 100 if number % 7 else 400,
                "lon": -73.5,
                "alt": number,
                "tz": -5,
                "dst": "A",
                "tzone": "America/New_York",
            }
        ).encode()
        for number in range(first, last)
    ]


def airlines() -> list[bytes]:
    """Records of the topic airlines; one is not JSON."""
    return [
        *(json.dumps({"carrier": word, "name": f"Airline {word}"}).encode() for word in ("AA", "BB", "CC")),
        b"{no json",
    ]


def flights(first: int, last: int) -> list[bytes]:
    """Records of the topic flights, one month of 2013 each; every fifth has no origin."""
    return [
        json.dumps(
            {
                "year": 2013,
                "month": number % 12 + 1,
                "day": 3,
                "sched_dep_time": 515,
                "sched_arr_time": 819,
                "carrier": "AA",
                "flight": number + 1,
                "origin": "JFK" if number % 5 else "XXX",
                "dest": "X01",
                "distance": 1400,
                "hour": 5,
                "minute": 15,
                "time_hour": f"2013-{number % 12 + 1:02d}-03T10:00:00Z",
                **dict.fromkeys(("dep_time", "dep_delay", "arr_time", "arr_delay", "tailnum", "air_time")),
            }
        ).encode()
        for number in range(first, last)
    ]


def send(kafka: EmbeddedKafka, topic: str, values: Sequence[bytes]) -> None:
    """Append all values to the topic's first partition, or raise."""
    producer = Producer({"bootstrap.servers": kafka.bootstrap})

    def delivered(error: object, _: object) -> None:
        if error:
            raise RuntimeError(f"{topic}: {error}")

    for number, value in enumerate(values):
        # Distinct keys and current timestamps, so that compaction and retention keep every record.
        producer.produce(topic, value, str(number), partition=0, on_delivery=delivered)
    if producer.flush(60):
        raise RuntimeError(f"{topic}: not every record was taken")


TOPICS: Final = (("airports", airports(0, 40)), ("airlines", airlines()), ("flights", flights(0, 60)))
"""The topics that the release had read."""


def environment(postgres: EmbeddedPostgres, kafka: EmbeddedKafka, folder: Path) -> dict[str, str]:
    """The environment of every process."""
    return {
        **os.environ,
        **postgres.urls(),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "ANDEN_SECRET_KEY": "tests-only-" + "0123456789abcdef" * 4,
        "ANDEN_DATABASE_ADMIN_URL": postgres.admin_url,
        "ANDEN_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
        "ANDEN_DEBUG": "true",
        "ANDEN_LOG_LEVEL": "WARNING",
        "ANDEN_CELERY_FOLDER": str(folder / "celery"),
        "ANDEN_STATIC_ROOT": str(folder / "static"),
    }


def manage(code: Path, env: dict[str, str], *words: str) -> str:
    """The output of a command of the code in this folder.

    Raises RuntimeError: it failed; the message has its last lines.
    """
    done = subprocess.run([code / "platform/entrypoint", *words], env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {(done.stdout + done.stderr)[-2000:]}")
    return done.stdout + done.stderr


@contextmanager
def web(code: Path, env: dict[str, str], log: Path) -> Iterator[Callable[[str, str], str]]:
    """A function that requests a path from this code's web server with a key, and returns the body."""
    address = f"127.0.0.1:{free_port()}"
    with (
        log.open("w") as out,
        subprocess.Popen(
            [code / "platform/entrypoint", "web"], env={**env, "ANDEN_WEB_BIND": address}, stdout=out, stderr=out
        ) as process,
    ):

        def ask(path: str, key: str) -> str:
            request = urllib.request.Request(f"http://{address}{path}", headers={"Authorization": f"Bearer {key}"})
            deadline = time.monotonic() + UP_WITHIN_S
            while True:
                try:
                    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - our own URL
                        return str(answer.read().decode())
                except urllib.error.HTTPError:
                    raise
                except OSError:
                    if process.poll() is not None or time.monotonic() > deadline:
                        raise RuntimeError(log.read_text()[-2000:]) from None
                    time.sleep(0.1)

        try:
            yield ask
        finally:
            process.terminate()
            process.wait(30)


def unpack(commit: str, folder: Path) -> Path:
    """Unpack the commit's tree. Raises subprocess.CalledProcessError: the history lacks the commit."""
    packed = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as tree:
        tree.extractall(folder, filter="data")
    return folder


def dump(postgres: EmbeddedPostgres) -> bytes:
    """The database as SQL, without passwords, which belong to roles."""
    url = postgres.admin_url.removesuffix("postgres") + "anden"
    programs = _ground(postgres.folder / "data").programs
    text = subprocess.run([programs / "pg_dump", url], capture_output=True, check=True).stdout
    # Since PostgreSQL 18 dumps contain a random word, which would make each dump different.
    return b"\n".join(line for line in text.splitlines() if not line.startswith((b"\\restrict", b"\\unrestrict")))


def main(commit: str, release: str) -> None:
    """Write the release's dump and metadata."""
    with TemporaryDirectory(prefix="anden-release-") as scratch:
        Path(scratch).chmod(0o711)
        folder = Path(scratch)
        code = unpack(commit, folder / "code")
        with (
            EmbeddedPostgres(folder / "postgres", quick=True) as postgres,
            EmbeddedKafka(folder / "kafka", quick=True) as kafka,
        ):
            env = environment(postgres, kafka, folder)
            manage(code, env, "prepare")
            for topic, values in TOPICS:
                send(kafka, topic, values)
            manage(code, env, "manage", "ingest", *(topic for topic, _ in TOPICS), "--until-idle")
            manage(code, env, "manage", "probe", "install", "--key-file", str(folder / "probe-key"))
            key = folder / "key"
            grants = (
                "--grant",
                "airports:read",
                "--columns",
                "faa,name",
                "--grant",
                "airlines:read",
                "--grant",
                "flights:read",
            )
            manage(code, env, "manage", "clients", "create", "third-party", *grants, "--key-file", str(key))
            manage(code, env, "manage", "steward", "create", "steward")
            with web(code, env, folder / "web.log") as ask:
                answers = {path: json.loads(ask(path, key.read_text().strip())) for path in PATHS}
            metadata = {"commit": commit, "key": key.read_text().strip(), "answers": answers}
            packed = gzip.compress(dump(postgres), mtime=0)
    RELEASES.mkdir(exist_ok=True)
    (RELEASES / f"{release}.sql.gz").write_bytes(packed)
    (RELEASES / f"{release}.json").write_text(json.dumps(metadata, indent=1, ensure_ascii=False) + "\n")
    sys.stdout.write(f"{release}: {len(packed)} bytes\n")


if __name__ == "__main__":
    main(*sys.argv[1:3])
