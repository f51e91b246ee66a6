"""The services of the fleet and the results of its evaluations."""

from django.db import models

from apps.fleet.engine.evaluation import ServiceState


class FleetService(models.Model):
    """A service that was observed at least once.

    `since` is when `state`, a ServiceState, began; `last_seen` is accurate to ten minutes, so that unchanged rows are
    not written at every evaluation.
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
    """One evaluation, successful or failed. After a failure `outcome` is the name of the error, `error` its message.

    The S services are `service_ids` (apps.fleet.engine.packing); `worst` (float16) and `states` (int8) have the same
    order. Flags are sorted, the worst first, and bounded; `multiples` are the series of the first flags.
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
    """Every signal of every service at the newest evaluation, S × K; too large to keep for each one.

    `score` is float16; `value` (the median of the window) and `ratio` (value over own baseline) are float32;
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
