"""The groups `viewer` and `steward` and their permissions, completed by every migrate."""

from collections.abc import Iterator
from typing import Any, Final

from django.apps import AppConfig
from django.apps import apps as installed
from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.db.models import Q

VIEWER: Final = "viewer"
STEWARD: Final = "steward"

COVERED_APPS: Final = ("jobs", "datasets", "ingest", "api", "cloudwatch", "fleet", "monitoring")
STEWARD_PERMISSIONS: Final = (
    ("ingest", "quarantine", ("change",)),
    ("api", "client", ("add", "change")),
    ("api", "key", ("change",)),
    ("api", "grant", ("delete",)),
    ("fleet", "incident", ("change",)),
    ("jobs", "job", ("change",)),
)
"""A steward's permissions besides `view`: app, model, actions.

`change_quarantine` also shows raw records with restricted fields. Contracts and rows cannot be edited.
"""


def sync_groups(*, using: str, apps: Apps, **_signal: Any) -> None:
    """Add the permissions that a group lacks; those that an administrator added stay."""
    try:
        group_model = apps.get_model("auth", "Group")
        permission_model = apps.get_model("auth", "Permission")
    except LookupError:
        return  # a partial migrate without auth
    for config in covered_apps():
        # Django creates an app's permissions after its own migrate, which may come after auth's.
        create_permissions(config, verbosity=0, using=using, apps=apps)
    permissions = permission_model.objects.using(using)
    views = Q(content_type__app_label__in=COVERED_APPS, codename__startswith="view_")
    for name, wanted in ((VIEWER, views), (STEWARD, views | _any(_steward_extras()))):
        group, _ = group_model.objects.using(using).get_or_create(name=name)
        group.permissions.add(*permissions.filter(wanted))


def covered_apps() -> Iterator[AppConfig]:
    """The apps whose models the groups cover."""
    return (installed.get_app_config(label) for label in COVERED_APPS)


def _steward_extras() -> Iterator[Q]:
    for app_label, model, actions in STEWARD_PERMISSIONS:
        for action in actions:
            yield Q(content_type__app_label=app_label, codename=f"{action}_{model}")


def _any(conditions: Iterator[Q]) -> Q:
    """The conditions, joined by OR."""
    either = Q(pk__in=())
    for condition in conditions:
        either |= condition
    return either
