"""The two groups of the console and their permissions, which every migrate completes."""

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
"""What a steward may do besides looking: bad records, their restricted fields included, clients, incidents, jobs.

Contracts and rows are not changed by hand.
"""


def sync_groups(*, using: str, apps: Apps, **_signal: Any) -> None:
    """Give both groups the permissions they lack. What an administrator added to them stays."""
    try:
        group_model = apps.get_model("auth", "Group")
        permission_model = apps.get_model("auth", "Permission")
    except LookupError:
        return  # a partial migrate that has not come to auth yet
    for config in covered_apps():
        # Django makes an app's permissions after its own migrate, which may come after the console's.
        create_permissions(config, verbosity=0, using=using, apps=apps)
    permissions = permission_model.objects.using(using)
    views = Q(content_type__app_label__in=COVERED_APPS, codename__startswith="view_")
    for name, wanted in ((VIEWER, views), (STEWARD, views | _any(_steward_extras()))):
        group, _ = group_model.objects.using(using).get_or_create(name=name)
        group.permissions.add(*permissions.filter(wanted))


def covered_apps() -> Iterator[AppConfig]:
    """The installed apps whose models the groups are about."""
    return (installed.get_app_config(label) for label in COVERED_APPS)


def _steward_extras() -> Iterator[Q]:
    for app_label, model, actions in STEWARD_PERMISSIONS:
        for action in actions:
            yield Q(content_type__app_label=app_label, codename=f"{action}_{model}")


def _any(conditions: Iterator[Q]) -> Q:
    """True where one of the conditions is."""
    either = Q(pk__in=())
    for condition in conditions:
        either |= condition
    return either
