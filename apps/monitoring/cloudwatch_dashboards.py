"""Uploads the rendered CloudWatch dashboards that differ."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeVar

from apps.cloudwatch.client.port import DashboardStore
from apps.cloudwatch.collector.rate_limit import TRIES, backoff_s
from apps.monitoring.errors import RenderedFilesStale
from apps.monitoring.renderers.provisioning import REGION
from apps.telemetry.errors import SourceUnavailable

UploadOutcome = Literal["created", "updated", "unchanged"]
Value = TypeVar("Value")
FOLDER: Final = Path("dashboards/cloudwatch")


@dataclass(frozen=True, slots=True)
class DashboardUpload:
    """The outcome for one dashboard, and CloudWatch's validation messages."""

    name: str
    done: UploadOutcome
    remarks: tuple[str, ...] = ()


def upload_dashboards(
    store: DashboardStore, folder: Path, *, prefix: str, region: str, sleep: Callable[[float], None]
) -> Iterator[DashboardUpload]:
    """Upload each file of the folder, named prefix plus stem; a second run uploads nothing.

    Raises RenderedFilesStale: no files, or a file is not valid JSON. SourceUnavailable, SourceRefused.
    """
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise RenderedFilesStale(f"{folder} contains no dashboards: run `make render`")
    for path in paths:
        body = path.read_text(encoding="utf-8").replace(REGION, region)
        try:
            wanted = json.loads(body)
        except ValueError as error:
            raise RenderedFilesStale(f"{path} is not valid JSON: run `make render`") from error
        yield _put(store, f"{prefix}{path.stem.removeprefix(prefix)}", wanted, sleep)


def _put(store: DashboardStore, name: str, wanted: object, sleep: Callable[[float], None]) -> DashboardUpload:
    found = _with_retries(lambda: store.body(name), sleep)
    if found is not None and _parsed(found) == wanted:
        return DashboardUpload(name, "unchanged")
    text = json.dumps(wanted, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    remarks = _with_retries(lambda: store.put(name, text), sleep)
    return DashboardUpload(name, "created" if found is None else "updated", remarks)


def _parsed(body: str) -> object:
    """The parsed body; None if it is not valid JSON."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def _with_retries(act: Callable[[], Value], sleep: Callable[[float], None]) -> Value:
    for tried in range(1, TRIES):
        try:
            return act()
        except SourceUnavailable:
            sleep(backoff_s(tried, 0.5))
    return act()
