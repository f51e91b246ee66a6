"""Moves a model's content type to another app, so that its permissions and admin log stay attached."""

from typing import Any

from django.apps.registry import Apps
from django.db.migrations import RunPython


def content_types_moved(source: str, target: str, *models: str) -> RunPython:
    """The migration operation that moves these models' content types to the target app; reversible."""

    def relabelled(apps: Apps, editor: Any, *, old: str, new: str) -> None:
        kinds = apps.get_model("contenttypes", "ContentType").objects.using(editor.connection.alias)
        kinds.filter(app_label=old, model__in=models).update(app_label=new)

    return RunPython(
        lambda apps, editor: relabelled(apps, editor, old=source, new=target),
        lambda apps, editor: relabelled(apps, editor, old=target, new=source),
    )
