"""The flags with their reasons."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apps.fleet.engine.baseline import Baseline
from apps.fleet.engine.blocks import WindowBlocks
from apps.fleet.engine.evaluation import FlagKind, OutlierFlag
from apps.fleet.engine.findings import STATISTICS, OutlierFindings
from apps.fleet.engine.observation import Floats, Observation
from apps.fleet.engine.onset import onset
from apps.fleet.engine.peers import at_points, log_values
from apps.fleet.engine.sentences import flag_sentence

Numbers = NDArray[np.int64]
_AFTER_DEPLOY_S: Final = 900.0
"""A level change within this time after a deploy is attributed to it."""


def flags_of(
    observation: Observation,
    baseline: Baseline,
    findings: OutlierFindings,
    *,
    blocks: WindowBlocks,
    zones: Mapping[tuple[int, int], str],
    since: Mapping[tuple[str, str], float],
) -> tuple[OutlierFlag, ...]:
    """The flags, the worst first. `zones` maps (service, signal) indexes to the zone they shift with."""
    rows, columns = np.nonzero(findings.flagged)
    order = np.argsort(-findings.score[rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]
    began = onset(_left(observation, baseline, blocks.size, rows, columns), findings.effect[rows, columns])
    known = (~np.isnan(findings.effect)).sum(axis=0)
    flags = []
    for place, (row, column) in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
        key = (observation.services[row], observation.signals[column].name)
        since_s = since.get(key, float(observation.times_s[began.point[place]]))
        kind = _kind(STATISTICS[findings.statistic[row, column]], bool(began.gradual[place]))
        deployed_s = float(observation.deployed_s[row])
        if kind == "level" and _follows(since_s, deployed_s, blocks.size * observation.step_s):
            kind = "step"
        flag = _flag(observation, findings, row, column, peers=int(known[column]) - 1, kind=kind)
        flag = replace(flag, since_s=since_s, zone=zones.get((row, column), ""))
        flags.append(replace(flag, sentence=_sentence(flag, observation, findings, row, column)))
    return tuple(flags)


def _flag(
    observation: Observation, findings: OutlierFindings, row: int, column: int, *, peers: int, kind: FlagKind
) -> OutlierFlag:
    signal = observation.signals[column]
    usually, ratio = float(np.exp(findings.baseline_log[row, column])), float(findings.ratio[row, column])
    fleet = ratio / float(np.exp(findings.effect[row, column]))
    return OutlierFlag(
        service=observation.services[row],
        signal=signal.name,
        kind=kind,
        value=max(ratio * usually - signal.floor, 0.0),
        baseline=max(usually - signal.floor, 0.0),
        peer_median=max(fleet * usually - signal.floor, 0.0),
        score=float(findings.score[row, column]),
        window_s=observation.step_s * len(observation.times_s),
        peers=peers,
        since_s=0.0,
        sentence="",
    )


def _sentence(flag: OutlierFlag, observation: Observation, findings: OutlierFindings, row: int, column: int) -> str:
    return flag_sentence(
        flag,
        observation.signals[column],
        at_s=float(observation.times_s[-1]),
        swing=float(findings.swing[row, column]),
        deployed_s=float(observation.deployed_s[row]),
        new=bool(findings.new[row, column]),
    )


def _kind(kind: FlagKind, gradual: bool) -> FlagKind:
    if kind == "spread":
        return kind
    return "drift" if gradual else "level"


def _follows(since_s: float, deployed_s: float, slack_s: float) -> bool:
    """Whether it began with the deploy. The first deviating point may appear slightly earlier."""
    return bool(deployed_s - slack_s <= since_s <= deployed_s + _AFTER_DEPLOY_S)


def _left(observation: Observation, baseline: Baseline, size: int, rows: Numbers, columns: Numbers) -> Floats:
    """The residuals of these signals at each point, after baseline and fleet shift, F × W."""
    floors = np.array([signal.floor for signal in observation.signals], dtype=np.float32)[columns, None]
    expected = at_points(baseline.own[rows, columns] + baseline.fleet[columns], size, len(observation.times_s))
    return log_values(observation.now[rows, columns], floors) - expected
