"""Clients of the API and the admin that verify each response, in threads."""

import json
import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from tests.drill.balancer import Answer, Balancer
from tests.drill.content import ACCOUNTS, PLACES, READINGS, checksum
from tests.drill.journal import Journal

DATASETS: Final = "/api/v1/datasets"
RECORDS: Final = f"{DATASETS}/{ACCOUNTS.name}/records"
TOKEN: Final = re.compile(rb'name="csrfmiddlewaretoken" value="([^"]+)"')
MOST_PAGES: Final = 12


@dataclass(frozen=True, slots=True)
class Access:
    """An API key, the steward's password, and the pause between two rounds of requests."""

    key: str
    password: str
    pause_s: float


class Client:
    """Repeats a round of requests in a thread until stopped."""

    def __init__(self, balancer: Balancer, journal: Journal, access: Access, seed: int) -> None:
        self.balancer = balancer
        self.journal = journal
        self.access = access
        self.chance = random.Random(seed)  # noqa: S311 - reproducible
        self._headers = {"Authorization": f"Bearer {access.key}"}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=type(self).__name__)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(120)

    def round(self) -> None:
        """One round of requests."""
        raise NotImplementedError

    def _run(self) -> None:
        while not self._stop.wait(self.access.pause_s):
            try:
                self.round()
            except Exception as error:  # noqa: BLE001 - whatever it is, the response was not as promised
                self.journal.fault(f"{type(self).__name__}: {error!r}")
        self.balancer.close()

    def get(self, path: str, *, status: int = 200) -> Answer:
        """The response. Raises ValueError: none, or another status."""
        return self.expect(self.balancer.request("GET", path, headers=self._headers), status)

    def send(self, method: str, path: str, members: Any = None, *, etag: str = "") -> Answer | None:
        """The response to a write, if the record still has this ETag."""
        body = None if members is None else json.dumps(members).encode()
        headers = {**self._headers, "Content-Type": "application/json", **({"If-Match": etag} if etag else {})}
        return self.balancer.request(method, path, headers=headers, body=body)

    @staticmethod
    def expect(answer: Answer | None, *statuses: int) -> Answer:
        """The response with one of these statuses. Raises ValueError: none, or another status."""
        if answer is None or answer.status not in statuses:
            raise ValueError(f"not one of {statuses}: {answer}")
        return answer


class Walker(Client):
    """Follows pages through both releases, and requests single records."""

    def round(self) -> None:
        place = self.chance.choice(PLACES)
        query = {"place": place, "limit": self.chance.choice((20, 100, 300))}
        order = self.chance.choice(("", "number", "-number"))
        query |= {"order": order} if order else {}
        path: str | None = f"{DATASETS}/{READINGS.name}/records?{urlencode(query)}"
        seen: set[str] = set()
        records: list[dict[str, Any]] = []
        for _ in range(MOST_PAGES):
            if path is None:
                break
            page = json.loads(self.get(path).body)
            for record in page["records"]:
                self._verify(record, place, seen)
            records += page["records"]
            path = _path(page["next"])
        numbers = [record["number"] for record in records]
        if order and numbers != sorted(numbers, reverse=order.startswith("-")):
            raise ValueError(f"not in the order {order}: {numbers}")
        if records:
            record = self.chance.choice(records)
            found = json.loads(self.get(f"{DATASETS}/{READINGS.name}/records/{record['_id']}").body)
            if found != record:
                raise ValueError(f"a record differs from its page: {found} and {record}")

    def _verify(self, record: dict[str, Any], place: str, seen: set[str]) -> None:
        if record["_id"] in seen:
            raise ValueError(f"a record is on two pages: {record}")
        seen.add(record["_id"])
        if record["place"] != place or record["check"] != checksum(record["number"], record["place"]):
            raise ValueError(f"a wrong record: {record}")


class Reader(Client):
    """Requests descriptions, exports and the admin's pages with one session."""

    cookies: dict[str, str]

    def round(self) -> None:
        names = {item["name"] for item in json.loads(self.get(DATASETS).body)["datasets"]}
        if not {READINGS.name, ACCOUNTS.name} <= names:
            raise ValueError(f"datasets are missing: {names}")
        fields = {item["name"] for item in json.loads(self.get(f"{DATASETS}/{READINGS.name}").body)["fields"]}
        if not set(READINGS.columns) <= fields:
            raise ValueError(f"fields are missing: {fields}")
        if "/api/v1/datasets/{name}/records" not in json.loads(self.get("/api/openapi.json").body)["paths"]:
            raise ValueError("the OpenAPI document lacks a path")
        self._export()
        self.get(f"{DATASETS}/nothing/records", status=404)
        self.get(f"{DATASETS}/{READINGS.name}/records?amount=1", status=400)
        self._admin()

    def _export(self) -> None:
        head, *lines = self.get(f"{RECORDS}.csv?fields=id,amount,check").body.decode().splitlines()
        if head != "id,amount,check":
            raise ValueError(f"a wrong header: {head}")
        for line in lines:
            name, amount, check = line.split(",")
            if int(check) != checksum(name, amount):
                raise ValueError(f"a wrong line: {line}")

    def _admin(self) -> None:
        login = "/admin/login/?next=/admin/"
        if not hasattr(self, "cookies"):
            self.cookies = {}
            token = self._page("GET", login, None, 200)
            form = {"csrfmiddlewaretoken": token, "username": "steward", "password": self.access.password}
            self._page("POST", login, urlencode(form).encode(), 302)
        self._page("GET", "/admin/", None, 200)
        self._page("GET", "/admin/ingest/quarantine/", None, 200)

    def _page(self, method: str, path: str, body: bytes | None, status: int) -> str:
        """The form's token. Raises ValueError: another status."""
        headers = {"Cookie": "; ".join(f"{name}={text}" for name, text in self.cookies.items())}
        headers |= {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        answer = self.expect(self.balancer.request(method, path, headers=headers, body=body), status)
        for cookie in answer.cookies:
            self.cookies.update([cookie])
        found = TOKEN.search(answer.body)
        return found[1].decode() if found else ""


@dataclass(slots=True)
class Written:
    """The last acknowledged write of a key: its amount, None if deleted, and when it ran (seconds since 1970)."""

    amount: int | None
    began_s: float
    ended_s: float


@dataclass(slots=True)
class Ledger:
    """The last acknowledged write by key."""

    written: dict[str, Written] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)


class Writer(Client):
    """Writes its own keys, and keys that Kafka's records change, too. Repeats what may have been lost."""

    def __init__(self, balancer: Balancer, journal: Journal, access: Access, seed: int) -> None:
        super().__init__(balancer, journal, access, seed)
        self.ledger = Ledger()
        self._seed = seed
        self._number = seed * 100_000_000

    def round(self) -> None:
        name = f"a{self._seed}-{self.chance.randrange(25)}"
        actions: tuple[Callable[[str], None], ...] = (self._post, self._put, self._put, self._patch, self._delete)
        self.chance.choice(actions)(name)
        # Each shared key belongs to one writer, so that its writes have an order.
        self._put(f"m-{self.chance.randrange(15) * 2 + self._seed % 2}")

    def _members(self, name: str) -> dict[str, Any]:
        self._number += 1
        return {"id": name, "amount": self._number, "check": checksum(name, self._number)}

    def _exists(self, name: str) -> bool:
        return name in self.ledger.written and self.ledger.written[name].amount is not None

    def _post(self, name: str) -> None:
        members, began_s = self._members(name), time.time()
        answer = self.send("POST", RECORDS, members)
        if self._exists(name):
            self.expect(answer, 409)
        elif answer is not None and answer.status == 409 and (answer.repeated or name.startswith("m")):
            # The first attempt was executed, or Kafka's record came first.
            if self._read(name)["amount"] == members["amount"]:
                self._keep(name, members, began_s)
            elif not name.startswith("m"):
                raise ValueError(f"{name} exists with another amount than {members['amount']}")
        else:
            self._same(members, self.expect(answer, 201))
            self._keep(name, members, began_s)

    def _put(self, name: str) -> None:
        found = self._id(name)
        if found is None:
            self._post(name)
            return
        members, began_s = self._members(name), time.time()
        answer = self.send("PUT", f"{RECORDS}/{found}", members)
        if name.startswith("m") and answer is not None and answer.status == 409:
            self.journal.note("writes refused because Kafka's record is newer")
            return
        self._same(members, self.expect(answer, 200, 201))
        self._keep(name, members, began_s)
        if not name.startswith("m"):
            self._compare(name)

    def _patch(self, name: str) -> None:
        found = self._id(name)
        if found is None:
            return
        members, began_s = self._members(name), time.time()
        del members["id"]
        if not self._exists(name):
            self.expect(self.send("PATCH", f"{RECORDS}/{found}", members), 404)
            return
        etag = self.get(f"{RECORDS}/{found}").headers["etag"]
        answer = self.send("PATCH", f"{RECORDS}/{found}", members, etag=etag)
        if answer is None or not (answer.repeated and answer.status == 412):  # the first attempt was executed
            self._same({**members, "id": name}, self.expect(answer, 200))
        self._keep(name, members, began_s)
        self._compare(name)

    def _delete(self, name: str) -> None:
        found = self._id(name)
        if found is None:
            return
        began_s = time.time()
        answer = self.send("DELETE", f"{RECORDS}/{found}")
        if self._exists(name) and not (answer and answer.repeated and answer.status == 404):
            self.expect(answer, 204)
        elif not self._exists(name):
            self.expect(answer, 404)
            return
        self.ledger.written[name] = Written(None, began_s, time.time())
        self.get(f"{RECORDS}/{found}", status=404)

    def _id(self, name: str) -> str | None:
        if name not in self.ledger.ids:
            records = json.loads(self.get(f"{RECORDS}?{urlencode({'id': name})}").body)["records"]
            if records:
                self.ledger.ids[name] = records[0]["_id"]
        return self.ledger.ids.get(name)

    def _keep(self, name: str, members: dict[str, Any], began_s: float) -> None:
        self.ledger.written[name] = Written(members["amount"], began_s, time.time())

    def _compare(self, name: str) -> None:
        """Read the own write, perhaps from the other release."""
        members = self._read(name)
        if members["amount"] != self.ledger.written[name].amount:
            raise ValueError(f"{members} is not the last write {self.ledger.written[name]}")

    def _read(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.get(f"{RECORDS}/{self._id(name)}").body)
        return found

    @staticmethod
    def _same(members: dict[str, Any], answer: Answer) -> None:
        found = json.loads(answer.body)
        if {name: found.get(name) for name in members} != members:
            raise ValueError(f"wrote {members}, and the response is {found}")


def _path(url: str | None) -> str | None:
    """The path and query of the next page, which any server can serve."""
    if url is None:
        return None
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"
