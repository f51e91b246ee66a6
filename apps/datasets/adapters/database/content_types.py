"""A model that moves to another app takes its content type along: permissions and the admin's log hang on it."""

from typing import Any

from django.apps.registry import Apps
from django.db.migrations import RunPython


def content_types_moved(source: str, target: str, *models: str) -> RunPython:
    """The step of a migration that gives the content types of these models to the target app; back, the source's."""

    def relabelled(apps: Apps, editor: Any, *, old: str, new: str) -> None:
        kinds = apps.get_model("contenttypes", "ContentType").objects.using(editor.connection.alias)
        kinds.filter(app_label=old, model__in=models).update(app_label=new)

    return RunPython(
        lambda apps, editor: relabelled(apps, editor, old=source, new=target),
        lambda apps, editor: relabelled(apps, editor, old=target, new=source),
    )
