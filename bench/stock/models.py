"""The flights' table as a plain model."""

from typing import ClassVar

from django.db import models


class Flight(models.Model):
    """A row of data.flights, with Andén's key."""

    objects: ClassVar[models.Manager["Flight"]] = models.Manager()

    pk = models.CompositePrimaryKey("time_hour", "source", "offset")
    year = models.SmallIntegerField()
    month = models.SmallIntegerField()
    day = models.SmallIntegerField()
    dep_time = models.SmallIntegerField(null=True)
    sched_dep_time = models.SmallIntegerField()
    dep_delay = models.SmallIntegerField(null=True)
    arr_time = models.SmallIntegerField(null=True)
    sched_arr_time = models.SmallIntegerField()
    arr_delay = models.SmallIntegerField(null=True)
    carrier = models.TextField()
    flight = models.IntegerField()
    tailnum = models.TextField(null=True)
    origin = models.TextField()
    dest = models.TextField()
    air_time = models.SmallIntegerField(null=True)
    distance = models.SmallIntegerField()
    hour = models.SmallIntegerField()
    minute = models.SmallIntegerField()
    time_hour = models.DateTimeField()
    source = models.IntegerField(db_column="_source")
    offset = models.BigIntegerField(db_column="_offset")
    batch = models.BigIntegerField(db_column="_batch")

    class Meta:
        app_label = "stock"
        managed = False
        db_table = '"data"."flights"'
