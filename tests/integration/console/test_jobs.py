"""Jobs in the admin: everybody looks, stewards cancel and queue again, nobody edits; what a job says is text."""

import re
from typing import Any

from django.db.models.functions import Now
from django.test import Client

from apps.jobs.models import Job
from tests.integration.console.conftest import LookAs

LIST = "/admin/jobs/job/"
NASTY = "<script>alert(1)</script>\u202e\x9b"
"""Code for a browser, and what turns the text behind it round or begins a terminal's command."""


def made(**fields: Any) -> Job:
    """A row as it may stand."""
    row = {"kind": "datasets.purge_tombstones", "arguments": {"older_days": 30}, "max_attempts": 3, "actor": "ada"}
    return Job.objects.create(**{**row, "send_after": Now(), **fields})


def act(browser: Client, action: str, *jobs: Job) -> str:
    """What the list says after the action."""
    asked = {"action": action, "_selected_action": [job.pk for job in jobs]}
    return browser.post(LIST, asked, follow=True).content.decode()


def states(*jobs: Job) -> list[str]:
    for job in jobs:
        job.refresh_from_db()
    return [job.state for job in jobs]


def test_the_list_tells_state_progress_actor_and_the_age_of_the_heartbeat(look_as: LookAs) -> None:
    made(state="running", done=3, total=12, text="flights", heartbeat_at=Now())
    made(actor="", state="failed", error="ValueError: no")
    page = look_as("viewer").get(LIST).content.decode()
    for word in ("datasets.purge_tombstones", "3 of 12", "flights", "ada", "the station", "ValueError: no"):
        assert word in page
    assert re.search(r'<progress [^>]*max="12" value="3"', page)
    assert re.search(r"heartbeat \d+ s ago", page)


def test_it_is_narrowed_by_state_kind_and_actor(look_as: LookAs) -> None:
    made(state="failed", error="the one")
    made(state="succeeded", actor="grace", kind="tests.other", error="another")
    browser = look_as("viewer")
    for query in ("state__exact=failed", "kind=datasets.purge_tombstones", "actor=ada"):
        page = browser.get(f"{LIST}?{query}").content.decode()
        assert ("the one" in page, "another" in page) == (True, False), query
    made(actor="", error="of nobody")
    page = browser.get(f"{LIST}?actor=").content.decode()
    assert ("of nobody" in page, "the one" in page) == (True, False)
    assert re.search(r"\?actor=['\"][^>]*>\s*the station", page)


def test_what_a_job_holds_is_shown_as_text(look_as: LookAs) -> None:
    job = made(arguments={"x": NASTY}, result=[NASTY], checkpoint=NASTY, error=NASTY, text=NASTY, state="failed")
    browser = look_as("steward")
    for address in (LIST, f"{LIST}{job.pk}/change/"):
        page = browser.get(address).content.decode()
        assert NASTY not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;\\u202e\\u009b" in page
        assert not {"\u202e", "\x9b"} & {*page}


def test_stewards_cancel_and_queue_again(look_as: LookAs) -> None:
    queued, running, failed, done = (made(state=state) for state in ("queued", "running", "failed", "succeeded"))
    browser = look_as("steward")
    assert "1 cancelled, 1 running asked to end" in act(browser, "cancel", queued, running, failed, done)
    assert states(queued, running, failed, done) == ["cancelled", "running", "failed", "succeeded"]
    assert running.cancel_requested
    assert "2 queued again" in act(browser, "queue_again", queued, running, failed, done)
    assert states(queued, running, failed, done) == ["queued", "running", "queued", "succeeded"]


def test_viewers_only_look_and_nobody_edits(look_as: LookAs) -> None:
    job = made()
    viewer = look_as("viewer")
    assert "queue_again" not in viewer.get(LIST).content.decode()
    act(viewer, "cancel", job)
    assert states(job) == ["queued"]
    for browser in (viewer, look_as("steward")):
        assert browser.get(f"{LIST}add/").status_code == 403
        assert browser.post(f"{LIST}{job.pk}/change/", {"state": "succeeded"}).status_code == 403
        assert browser.post(f"{LIST}{job.pk}/delete/", {"post": "yes"}).status_code == 403
    assert states(job) == ["queued"]
