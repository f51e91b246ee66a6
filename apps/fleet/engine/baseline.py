"""Baselines: of each service for this time of day, and of the fleet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apps.fleet.engine.observation import Floats
from apps.fleet.engine.robust import MAD_TO_DEVIATION, median, median_of_services, midmean

_DAY_S: Final = 86_400.0
_SATURDAY: Final = 5
_ZONE_MEMBERS: Final = 3
_APART: Final = float(np.log(1.15))
"""Zones whose shifts differ by less count as moving together."""
_WEEKEND_PATTERN: Final = float(np.log(1.15))
"""A service whose weekend shift differs less from the fleet's has no weekend pattern of its own."""
_REFERENCE_SHARE: Final = 0.4
"""The share of the fleet that must be at its baseline; otherwise the fleet itself has shifted."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """Logarithms, per block of B.

    `own` S × K × B is the baseline of each service. `fleet` K × B is the fleet's current shift from its baseline,
    `past_fleet` K × D × B its shift on each earlier day. `left` S × K × B and `past_left` S × K × D × B are the
    residuals of each service after both; `days` S × K counts the earlier days with data; `alike` D marks earlier days
    of the same kind as today: weekend or not. `apart` S × K marks services whose zone moved away from the fleet.
    """

    own: Floats
    fleet: Floats
    past_fleet: Floats
    left: Floats
    past_left: Floats
    days: NDArray[np.int64]
    alike: NDArray[np.bool_]
    apart: NDArray[np.bool_]


def estimate_baseline(
    level: Floats, past: Floats, *, at_s: float, zones: Sequence[str], least_services: int
) -> Baseline:
    """The baselines, from the current levels (S × K × B) and those of earlier days (S × K × D × B)."""
    by_block = np.ascontiguousarray(past.swapaxes(2, 3))
    first = median(by_block)
    past_fleet = median_of_services(past - first[:, :, None], least=least_services)
    # A day on which the fleet shifted must not make a service look like an outlier.
    own = median(by_block - past_fleet.swapaxes(1, 2)[None])
    alike = _days_of_kind(past.shape[2], at_s)
    kind = _kind_shift(past_fleet, alike)
    past_left = past - past_fleet - own[:, :, None]
    pattern = _weekend_pattern(past_left, alike)
    past_left[:, :, alike] -= pattern[:, :, None, None]
    own += (kind + pattern)[..., None]
    moved = level - own
    apart = _apart(moved, zones)
    fleet = median_of_services(np.where(apart[..., None], np.float32(np.nan), moved), least=least_services)
    known = (~np.isnan(past)).sum(axis=3) * 2 >= past.shape[3]
    return Baseline(
        own=own,
        fleet=fleet,
        past_fleet=past_fleet - kind[:, None, None],
        left=moved - fleet,
        past_left=past_left,
        days=np.asarray(known.sum(axis=2)),
        alike=alike,
        apart=apart,
    )


def _days_of_kind(days: int, at_s: float) -> NDArray[np.bool_]:
    weekend = [datetime.fromtimestamp(at_s - day * _DAY_S, UTC).weekday() >= _SATURDAY for day in range(days + 1)]
    alike = np.array([kind == weekend[0] for kind in weekend[1:]], dtype=bool)
    return alike if alike.any() else np.ones(days, bool)


def _kind_shift(past_fleet: Floats, alike: NDArray[np.bool_]) -> Floats:
    """The fleet's typical shift on days of this kind from the median of all days, K: a Saturday is not an event.

    Of two earlier days, use the one nearer to the others, so that one event cannot hide the next.
    """
    if alike.all():
        return np.zeros(len(past_fleet), np.float32)
    levels = np.nan_to_num(midmean(past_fleet[:, alike]))
    if levels.shape[1] > 2:
        return median(levels)
    nearest = np.abs(levels).argmin(axis=1)
    return np.asarray(np.take_along_axis(levels, nearest[:, None], axis=1)[:, 0])


def _weekend_pattern(past_left: Floats, alike: NDArray[np.bool_]) -> Floats:
    """The service's own shift relative to the fleet on days of this kind, S × K: weekend load is not an outlier.

    0 unless two earlier days show it clearly. Of those, use the one nearer to the fleet, so that one incident cannot
    hide the next.
    """
    if not 2 <= alike.sum() < len(alike) / 2:
        return np.zeros(past_left.shape[:2], np.float32)  # the most common kind of day is the baseline
    levels = midmean(past_left)
    low, high = levels[..., alike].min(axis=-1), levels[..., alike].max(axis=-1)
    nearest = np.where(low > 0, low, np.where(high < 0, high, np.float32(0)))
    scatter = np.float32(MAD_TO_DEVIATION) * median(np.abs(levels[..., ~alike]))
    return np.where(np.abs(nearest) > np.fmax(3 * scatter, np.float32(_WEEKEND_PATTERN)), nearest, np.float32(0))


def _apart(moved: Floats, zones: Sequence[str]) -> NDArray[np.bool_]:
    """The services, S × K, of zones that moved away while a large part of the fleet did not.

    The fleet's shift excludes them: otherwise a failing third of the fleet would pass for a shift of all.
    """
    apart = np.zeros(moved.shape[:2], bool)
    members = list(members_of(zones, least=_ZONE_MEMBERS).values())
    if len(members) > 1:
        half = -(-moved.shape[-1] // 2)
        motion = midmean(moved[..., -half:])
        for column in range(moved.shape[1]):
            apart[:, column] = _moved_zones(motion[:, column], members)
    return apart


def members_of(zones: Sequence[str], *, least: int) -> dict[str, NDArray[np.bool_]]:
    """The services of each zone, S, by zone name; only zones with at least `least` members."""
    if not zones:
        return {}
    names, number, count = np.unique(np.array(zones), return_inverse=True, return_counts=True)
    return {str(names[place]): number == place for place in np.nonzero((count >= least) & (names != ""))[0]}


def _moved_zones(motion: Floats, members: list[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """The services of zones that moved away, S."""
    known = ~np.isnan(motion)
    inside = [zone & known for zone in members if (zone & known).sum() >= _ZONE_MEMBERS]
    nothing = np.zeros(len(motion), bool)
    if len(inside) < 2:
        return nothing
    centres = np.array([np.median(motion[zone]) for zone in inside])
    spread = 1.4826 * np.median(
        np.concatenate([np.abs(motion[zone] - centre) for zone, centre in zip(inside, centres, strict=True)])
    )
    sure = 3 * 1.25 * spread / np.sqrt([zone.sum() for zone in inside])
    nearest = int(np.abs(centres).argmin())
    left = np.abs(centres - centres[nearest]) > np.maximum(_APART, np.hypot(sure, sure[nearest]))
    away = np.any([zone for zone, gone in zip(inside, left, strict=True) if gone] or [nothing], axis=0)
    return away if (known & ~away).sum() >= _REFERENCE_SHARE * known.sum() else nothing
