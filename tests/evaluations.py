"""Hand-made evaluations, so that each test states what is flagged."""

import numpy as np

from apps.fleet.engine.evaluation import Evaluation, FleetEvent, OutlierFlag, ServiceState
from apps.fleet.engine.sentences import capital
from apps.fleet.engine.signals import SIGNAL_BY_NAME, SIGNALS

START_S = 1_795_000_000.0


def flag(service: str, signal: str = "error_ratio", *, score: float = 8.0, since_s: float = START_S) -> OutlierFlag:
    """A flag of this service with round figures."""
    phrase = SIGNAL_BY_NAME[signal].phrase
    return OutlierFlag(
        service=service,
        signal=signal,
        kind="level",
        value=0.06,
        baseline=0.02,
        peer_median=0.021,
        score=score,
        window_s=1_800.0,
        peers=49,
        since_s=since_s,
        sentence=f"{capital(phrase)} of {service} is 3.0 times its baseline; its 49 peers are at their baseline.",
    )


def event(zone: str = "", *, shift: float = 1.6, signal: str = "latency_p95") -> FleetEvent:
    """A shift of the fleet, or of one of its zones."""
    where = f"Zone {zone}" if zone else "The entire fleet"
    sentence = f"{where} is {shift:.1f} times its baseline: no single service is the cause."
    return FleetEvent(signal, zone, shift, 40, START_S, sentence)


def evaluation(
    services: tuple[str, ...],
    *flags: OutlierFlag,
    events: tuple[FleetEvent, ...] = (),
    silent: tuple[str, ...] = (),
    at_s: float = START_S,
) -> Evaluation:
    """The evaluation of these services: flagged ones are outliers, silent ones have no data, the rest are healthy."""
    shape, points = (len(services), len(SIGNALS)), 30
    score = np.full(shape, 0.4, np.float32)
    ratio = np.ones(shape, np.float32)
    state = np.zeros(len(services), np.int8)
    names = [signal.name for signal in SIGNALS]
    for one in flags:
        row = services.index(one.service)
        score[row, names.index(one.signal)] = one.score
        ratio[row, names.index(one.signal)] = one.value / one.baseline
        state[row] = ServiceState.OUTLIER
    for name in silent:
        row = services.index(name)
        state[row], score[row], ratio[row] = ServiceState.NO_DATA, np.nan, np.nan
    band = np.ones((len(SIGNALS), points), np.float32)
    return Evaluation(
        at_s=at_s,
        window_s=1_800.0,
        services=services,
        signals=SIGNALS,
        score=score,
        ratio=ratio,
        state=state,
        shift=np.ones(len(SIGNALS), np.float32),
        peer_low=band * 0.8,
        peer_median=band,
        peer_high=band * 1.25,
        flags=flags,
        events=events,
    )
