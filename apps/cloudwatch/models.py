"""What was asked of CloudWatch, month by month: a killed process must not forget what it spent."""

from django.db import models


class CloudWatchMonth(models.Model):
    """A calendar month (UTC), by its first day. Both counts are raised before each call, never after it."""

    month = models.DateField(primary_key=True)
    metrics_requested = models.BigIntegerField(db_default=0)
    calls = models.BigIntegerField(db_default=0)

    class Meta:
        ordering = ("-month",)
        db_table = "monitoring_cloudwatchmonth"

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"
