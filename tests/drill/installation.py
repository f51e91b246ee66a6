"""The drill's installation: servers, database, and management commands of either release."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import psycopg

from embedded.kafka import EmbeddedKafka
from embedded.postgres import EmbeddedPostgres
from tests.drill.content import Feed
from tests.drill.processes import Release
from tests.integration.upgrade.make_release import environment

PREPARE: Final = (["migrate", "--no-input"], ["datasets", "apply", "contracts"], ["topics", "ensure"])
"""The commands of `entrypoint prepare`, which the chart's jobs run before the processes start."""
WAIT_S: Final = 180.0


class Installation:
    """One database and one Kafka, for processes of both releases."""

    def __init__(self, folder: Path, postgres: EmbeddedPostgres, kafka: EmbeddedKafka) -> None:
        self.folder = folder
        self.bootstrap = kafka.bootstrap
        self.env = environment(postgres, kafka, folder) | {
            "ANDEN_KAFKA_SESSION_TIMEOUT_MS": "3000",
            "ANDEN_STEWARD_PASSWORD": "drill-password-0123",
            "ANDEN_WEB_WORKERS": "1",
        }
        self._database = psycopg.connect(postgres.admin_url.removesuffix("postgres") + "anden", autocommit=True)

    def close(self) -> None:
        self._database.close()

    def ask(self, query: str) -> list[Any]:
        """The rows of a superuser's query."""
        return self._database.execute(query.encode()).fetchall()

    def wait(self, what: str, query: str) -> None:
        """Wait until the query's only value is true. Raises RuntimeError: it stays false."""
        deadline = time.monotonic() + WAIT_S
        while not self.ask(query)[0][0]:
            if time.monotonic() > deadline:
                raise RuntimeError(f"waited in vain for {what}")
            time.sleep(0.1)

    def contracts(self, name: str, *documents: Mapping[str, Any]) -> Path:
        """A new folder with these contracts."""
        folder = self.folder / name
        folder.mkdir()
        for number, contract in enumerate(documents):
            (folder / f"{number}.yaml").write_text(json.dumps(contract))
        return folder

    def client_command(self, name: str) -> list[str]:
        """The command that creates an API client."""
        grants = [word for grant in ("readings:read", "accounts:read,write") for word in ("--grant", grant)]
        return ["clients", "create", name, *grants, "--key-file", str(self.folder / f"{name}.key")]

    def store_version(self, feed: Feed, former: str, word: str) -> None:
        """Store another version of the contract, in which `word` replaces `former`."""
        with self._database.transaction():
            self._database.execute(
                "INSERT INTO datasets_contractversion (dataset_id, version, document, fingerprint)"
                " SELECT d.id, d.version + 1, replace(document, %s, %s), fingerprint FROM datasets_contractversion v"
                " JOIN datasets_dataset d ON d.id = dataset_id AND d.version = v.version WHERE name = %s",
                (former, word, feed.name),
            )
            self._database.execute("UPDATE datasets_dataset SET version = version + 1 WHERE name = %s", (feed.name,))

    def command(self, release: Release, *commands: Sequence[str]) -> None:
        """Run management commands of the release in one process. Raises RuntimeError: one failed."""
        path = {"PYTHONPATH": f"{release.code}:{release.code / 'platform'}"}
        done = subprocess.run(
            [sys.executable, "-m", "embedded.commands"],
            input=json.dumps(commands),
            env={**self.env, **path},
            cwd=release.code,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stdout[-3000:] + done.stderr[-1000:])
