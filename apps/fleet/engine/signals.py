"""The six signals of a service, and the bad direction of each."""

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class ServiceSignal:
    """One signal of a service.

    `floor` is in the signal's unit: differences below it are meaningless (values are compared as log(value + floor)).
    `phrase` fits into "… is 3.2 times its baseline". `share_of` names the rate of which this signal is a share.
    """

    name: str
    title: str
    unit: Literal["requests/s", "ratio", "seconds"]
    bad: Literal["high", "both"]
    floor: float
    phrase: str
    share_of: str = ""


SIGNALS: Final = (
    ServiceSignal("request_rate", "Request rate", "requests/s", "both", 0.05, "the request rate"),
    ServiceSignal("error_ratio", "Error ratio", "ratio", "high", 0.002, "the error ratio", "request_rate"),
    ServiceSignal("latency_p95", "Latency p95", "seconds", "high", 0.002, "the p95 latency"),
    ServiceSignal("database_read", "Database read time", "seconds", "high", 0.0005, "the database read time"),
    ServiceSignal("database_write", "Database write time", "seconds", "high", 0.0005, "the database write time"),
    ServiceSignal("saturation", "Saturation", "ratio", "high", 0.02, "the saturation"),
)
SIGNAL_BY_NAME: Final = {signal.name: signal for signal in SIGNALS}
