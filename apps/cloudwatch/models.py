"""CloudWatch usage per month, stored so that a killed process does not lose its spending."""

from django.db import models


class CloudWatchMonth(models.Model):
    """A calendar month (UTC), keyed by its first day. Both counts are increased before each call."""

    month = models.DateField(primary_key=True)
    metrics_requested = models.BigIntegerField(db_default=0)
    calls = models.BigIntegerField(db_default=0)

    class Meta:
        ordering = ("-month",)
        db_table = "monitoring_cloudwatchmonth"

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"
