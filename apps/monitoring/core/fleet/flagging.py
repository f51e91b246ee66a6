"""Every flag with its reason."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from apps.monitoring.core.fleet.baseline import Usual
from apps.monitoring.core.fleet.blocks import Blocks
from apps.monitoring.core.fleet.evaluation import Flag
from apps.monitoring.core.fleet.findings import KINDS, Findings
from apps.monitoring.core.fleet.observation import Floats, Observation
from apps.monitoring.core.fleet.peers import at_points, to_usual
from apps.monitoring.core.fleet.wording import flag_sentence


def flags_of(
    observation: Observation,
    usual: Usual,
    findings: Findings,
    *,
    blocks: Blocks,
    zones: Mapping[tuple[int, int], str],
    since: Mapping[tuple[str, str], float],
) -> tuple[Flag, ...]:
    """The flags, the worst first. `zones` names the zone that a service (number) moves with in a signal (number)."""
    rows, columns = np.nonzero(findings.flagged)
    order = np.argsort(-findings.score[rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]
    starts = began(observation, usual, findings, size=blocks.size, rows=rows, columns=columns)
    now_s = float(observation.times_s[-1])
    known = (~np.isnan(findings.effect)).sum(axis=0)
    flags = []
    for row, column, start in zip(rows.tolist(), columns.tolist(), starts.tolist(), strict=True):
        signal, service = observation.signals[column], observation.services[row]
        first = int(findings.first_block[findings.look[row, column]])
        baseline = max(float(np.exp(np.nanmedian(usual.own[row, column, first:]))) - signal.floor, 0.0)
        effect = float(findings.effect[row, column])
        fleet = float(findings.ratio[row, column] / np.exp(effect))
        value = max(float(findings.ratio[row, column]) * (baseline + signal.floor) - signal.floor, 0.0)
        flag = Flag(
            service=service,
            signal=signal.name,
            kind=KINDS[findings.look[row, column]],
            value=value,
            baseline=baseline,
            peer_median=max(fleet * (baseline + signal.floor) - signal.floor, 0.0),
            score=float(findings.score[row, column]),
            window_s=observation.step_s * len(observation.times_s),
            peers=int(known[column]) - 1,
            since_s=since.get((service, signal.name), start),
            sentence="",
            zone=zones.get((row, column), ""),
        )
        flags.append(replace(flag, sentence=flag_sentence(flag, signal, at_s=now_s)))
    return tuple(flags)


def began(
    observation: Observation,
    usual: Usual,
    findings: Findings,
    *,
    size: int,
    rows: np.ndarray[tuple[int], np.dtype[np.int64]],
    columns: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """When each of these left its usual, epoch seconds: the split of the window that explains its points best."""
    points = len(observation.times_s)
    part = Observation(
        services=tuple(observation.services[row] for row in rows),
        zones=("",) * len(rows),
        signals=observation.signals,
        times_s=observation.times_s,
        now=observation.now[rows],
        past=observation.past[rows][:, :, :0],
        deployed_s=observation.deployed_s[rows],
    )
    left: Floats = to_usual(part, _of(usual, rows), size) - at_points(usual.fleet, size, points)
    left = left[np.arange(len(rows)), columns]
    effect = findings.effect[rows, columns][:, None]
    held = np.clip(np.nan_to_num(left * np.sign(effect)), -np.abs(effect), 2 * np.abs(effect))
    after = np.cumsum(held[:, ::-1], axis=1)[:, ::-1]
    count = np.cumsum(np.isfinite(left)[:, ::-1], axis=1)[:, ::-1]
    gain = np.where(after > 0, after**2 / np.maximum(count, 1), 0)
    return np.asarray(observation.times_s[gain.argmax(axis=1)] if points else np.zeros(len(rows)))


def _of(usual: Usual, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Usual:
    return Usual(
        own=usual.own[rows],
        fleet=usual.fleet,
        past_fleet=usual.past_fleet,
        left=usual.left[rows],
        past_left=usual.past_left[rows],
        days=usual.days[rows],
        alike=usual.alike,
        apart=usual.apart[rows],
    )
