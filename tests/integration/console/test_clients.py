"""Clients in the admin: a key is shown once and can be revoked; viewers can do neither."""

import re

from django.test import Client as Browser
from django.urls import reverse

from apps.api.access.keys import KeyText
from apps.api.models import Client, Grant, Key
from tests.integration.console.conftest import Filled, LoginAs

ADD = "admin:api_client_add"


def revoke(browser: Browser, model: str, *ids: int) -> int:
    """Revoke these; return the response's status."""
    return browser.post(
        reverse(f"admin:api_{model}_changelist"), {"action": "revoke", "_selected_action": list(ids)}, follow=True
    ).status_code


def test_a_new_clients_key_is_shown_once_and_works(filled: Filled, login_as: LoginAs) -> None:
    dataset, other = filled.dataset("things"), filled.dataset("others")
    browser = login_as("steward")
    assert "things" in browser.get(reverse(ADD)).content.decode()
    answer = browser.post(reverse(ADD), {"name": "acme", "read": [dataset.pk, other.pk]})
    (public_id, secret), *more = re.findall(r"anden_([0-9a-f]{16})_([0-9a-f]{64})", answer.content.decode())
    assert not more
    assert "no-store" in answer.headers["Cache-Control"]
    key = Key.objects.get(public_id=public_id)
    assert KeyText(public_id, secret).matches(key.secret_sha256)
    assert set(Grant.objects.values_list("dataset__name", "may_read", "may_write")) == {
        ("things", True, False),
        ("others", True, False),
    }
    page = browser.get(reverse("admin:api_client_change", args=[key.client_id])).content.decode()
    assert public_id in page
    assert secret not in page
    assert key.secret_sha256 not in page


def test_a_grant_that_the_contract_forbids_is_refused_with_the_reason(filled: Filled, login_as: LoginAs) -> None:
    dataset = filled.dataset("things")
    answer = login_as("steward").post(reverse(ADD), {"name": "acme", "write": [dataset.pk]})
    assert "apiWrites" in answer.content.decode()
    assert not Client.objects.exists()


def test_revoking_disables_clients_and_keys_and_stores_when(filled: Filled, login_as: LoginAs) -> None:
    filled.dataset("things")
    browser = login_as("steward")
    for name in ("acme", "other"):
        browser.post(reverse(ADD), {"name": name})
    acme = Client.objects.get(name="acme")
    assert revoke(browser, "client", acme.pk) == 200
    assert revoke(browser, "key", Key.objects.get(client__name="other").pk) == 200
    acme.refresh_from_db()
    assert acme.revoked_at is not None
    assert Client.objects.get(name="other").revoked_at is None
    assert Key.objects.get(client__name="other").revoked_at is not None


def test_a_steward_deletes_a_grant(filled: Filled, login_as: LoginAs) -> None:
    dataset = filled.dataset("things")
    browser = login_as("steward")
    browser.post(reverse(ADD), {"name": "acme", "read": [dataset.pk]})
    url = reverse("admin:api_grant_delete", args=[Grant.objects.get().pk])
    assert browser.post(url, {"post": "yes"}).status_code == 302
    assert not Grant.objects.exists()


def test_a_viewer_can_neither_create_nor_revoke(filled: Filled, login_as: LoginAs) -> None:
    dataset = filled.dataset("things")
    login_as("steward").post(reverse(ADD), {"name": "acme", "read": [dataset.pk]})
    viewer = login_as("viewer")
    assert viewer.get(reverse(ADD)).status_code == 403
    assert viewer.post(reverse(ADD), {"name": "mine"}).status_code == 403
    revoke(viewer, "client", Client.objects.get().pk)
    revoke(viewer, "key", Key.objects.get().pk)
    grant = reverse("admin:api_grant_delete", args=[Grant.objects.get().pk])
    assert viewer.post(grant, {"post": "yes"}).status_code == 403
    assert Client.objects.filter(revoked_at=None).count() == 1
    assert Key.objects.filter(revoked_at=None).count() == 1
    assert Grant.objects.count() == 1
