"""The services of the fleet, and what each look at them said."""

from django.db import models

from apps.fleet.engine.evaluation import ServiceState


class FleetService(models.Model):
    """A service that was observed at least once.

    `state`, a ServiceState, began at `since`; `last_seen` is when it last had data, to ten minutes: a row that nothing
    happened to is not written at every evaluation.
    """

    name = models.CharField(max_length=250, unique=True)
    zone = models.CharField(max_length=250, blank=True, db_default="")
    state = models.SmallIntegerField(
        choices=[(state.value, state.name.lower().replace("_", " ")) for state in ServiceState]
    )
    since = models.DateTimeField()
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()

    class Meta:
        ordering = ("name",)
        db_table = "monitoring_fleetservice"

    def __str__(self) -> str:
        return self.name


class FleetEvaluation(models.Model):
    """One look at the fleet, or one try that failed: then `outcome` is the error's name, and `trouble` its words.

    The S services are `service_ids` (apps.fleet.engine.packing), in their order `worst` (float16) and
    `states` (int8). Flags hold the worst first, up to a bound; `multiples` are the curves of the first.
    """

    OK = "ok"

    at = models.DateTimeField(unique=True)
    outcome = models.CharField(max_length=40, db_default=OK)
    error = models.TextField(blank=True, db_default="")
    window_s = models.FloatField()
    read_s = models.FloatField()
    score_s = models.FloatField(db_default=0)
    ok = models.IntegerField(db_default=0)
    outliers = models.IntegerField(db_default=0)
    no_data = models.IntegerField(db_default=0)
    learning = models.IntegerField(db_default=0)
    shifts = models.JSONField(db_default={})
    events = models.JSONField(db_default=[])
    flags = models.JSONField(db_default=[])
    multiples = models.JSONField(db_default=[])
    service_ids = models.BinaryField(default=b"")
    worst = models.BinaryField(default=b"")
    states = models.BinaryField(default=b"")

    class Meta:
        ordering = ("-at",)
        db_table = "monitoring_fleetevaluation"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S}: {self.outcome}"


class FleetDetail(models.Model):
    """Every signal of every service at the newest evaluation, S × K: too much to keep for each one.

    `score` is float16, `value` (the median of the window) and `ratio` (value over own usual) are float32;
    `peers` holds the peers' median ratio of each signal.
    """

    evaluation = models.OneToOneField(FleetEvaluation, on_delete=models.CASCADE, related_name="detail")
    signals = models.JSONField()
    peers = models.JSONField()
    score = models.BinaryField()
    value = models.BinaryField()
    ratio = models.BinaryField()

    class Meta:
        db_table = "monitoring_fleetdetail"

    def __str__(self) -> str:
        return f"detail of {self.evaluation}"
