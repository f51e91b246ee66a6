"""Runs functions as Lambda does: a warm process that handles many events, with only its own files."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

RUNTIME: Final = Path(__file__).with_name("function_process.py")

# The part of the SDK that the functions use; each secret is a file.
BOTO3: Final = """
import os, pathlib

class Secrets:
    def get_secret_value(self, SecretId):
        return {"SecretString": (pathlib.Path(os.environ["SECRETS"]) / SecretId).read_text()}

def client(service, config):
    assert service == "secretsmanager"
    return Secrets()
"""


class FunctionFailed(Exception):
    """The handler raised: Lambda counts an error."""


@dataclass
class Function:
    """A warm function."""

    process: "subprocess.Popen[str]"

    def invoke(self, event: Mapping[str, Any]) -> Any:
        """The handler's response. Raises FunctionFailed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(event) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the function's process has ended"
        result = json.loads(line)
        if "error" in result:
            raise FunctionFailed(f"{result['error']}: {result['message']}")
        return result["response"]


@contextmanager
def warm(
    handler: str, *folders: Path, environment: Mapping[str, str], log: Path, bytecode: Path | None = None
) -> Iterator[Function]:
    """Start a function with only these folders or zips on its path.

    Lambda's folder is read-only, so bytecode is not cached, unless a folder for it is given.
    """
    compiled = ["-X", f"pycache_prefix={bytecode}"] if bytecode else ["-B"]
    command = [sys.executable, "-I", "-S", *compiled, str(RUNTIME), *map(str, folders), handler]
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            yield Function(process)
        finally:
            process.kill()


def stand_in_sdk(folder: Path) -> Path:
    """Write a replacement for boto3 into the folder."""
    (folder / "botocore").mkdir(parents=True)
    (folder / "boto3.py").write_text(BOTO3, encoding="utf-8")
    (folder / "botocore/config.py").write_text("Config = dict\n", encoding="utf-8")
    return folder


def asked(path: str, query: str = "", headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """An HTTP API event for a GET request."""
    http = {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"}
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"host": "localhost", **(headers or {})},
        "requestContext": {"requestId": "JKJaXmPLvHcESHA=", "stage": "$default", "http": http},
        "isBase64Encoded": False,
    }
