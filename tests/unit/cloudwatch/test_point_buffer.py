"""Each point is used once, however late it arrives and whatever the local clock does."""

from hypothesis import given
from hypothesis import strategies as st

from apps.cloudwatch.collector.point_buffer import MAX_POINTS, PointBuffer
from apps.cloudwatch.collector.queries import Point


@given(
    delays=st.lists(st.integers(0, 1_800), min_size=1, max_size=80),
    cycle_s=st.integers(60, 600),
    steps_back=st.lists(st.integers(-4_000, 4_000), max_size=10),
)
def test_every_point_in_a_window_is_used_exactly_once(delays: list[int], cycle_s: int, steps_back: list[int]) -> None:
    points = [(60.0 * number, float(number), 60.0 * number + 60 + delay) for number, delay in enumerate(delays)]
    buffer, taken, offered = PointBuffer(), list[Point](), set[Point]()
    jumps = iter(steps_back)
    for true_s in range(0, 60 * len(points) + 4_000, cycle_s):
        clock_s = true_s + next(jumps, 0)  # a wrong local clock moves only the window
        visible = [(at, value) for at, value, from_s in points if from_s <= true_s and clock_s - 960 <= at < clock_s]
        offered.update(visible)
        timely, late = buffer.add(visible, end_s=clock_s)
        taken += [*timely, *late]
    assert len(taken) == len(set(taken))
    assert set(taken) == offered


def test_a_point_that_an_earlier_response_could_have_contained_is_late() -> None:
    buffer = PointBuffer()
    assert buffer.add([(0.0, 1.0), (120.0, 3.0)], end_s=180) == (((0.0, 1.0), (120.0, 3.0)), ())
    assert buffer.add([(0.0, 1.0), (60.0, 2.0), (120.0, 3.0), (180.0, 4.0)], end_s=240) == (
        ((180.0, 4.0),),
        ((60.0, 2.0),),
    )
    assert buffer.add([(60.0, 2.0), (180.0, 4.0)], end_s=240) == ((), ())
    assert buffer.newest == (180.0, 4.0)


def test_a_late_point_does_not_become_the_newest() -> None:
    buffer = PointBuffer()
    buffer.add([(120.0, 3.0)], end_s=180)
    buffer.add([(60.0, 2.0)], end_s=180)
    assert buffer.newest == (120.0, 3.0)


def test_an_evicted_point_is_not_new_again() -> None:
    points = [(60.0 * (number * 7 % (MAX_POINTS * 3)), 1.0) for number in range(MAX_POINTS * 3)]
    buffer = PointBuffer()
    buffer.add(points, end_s=1e9)
    assert buffer.add(points, end_s=1e9) == ((), ())
    assert buffer.newest == (60.0 * (MAX_POINTS * 3 - 1), 1.0)


def test_a_value_is_current_for_three_periods() -> None:
    buffer = PointBuffer()
    assert buffer.current(now_s=600.0, period_s=60) is None
    buffer.add([(420.0, 5.0)], end_s=480)
    assert buffer.current(now_s=600.0, period_s=60) == (420.0, 5.0)
    assert buffer.current(now_s=659.0, period_s=60) == (420.0, 5.0)
    assert buffer.current(now_s=660.0, period_s=60) is None


def test_zero_is_a_value_and_missing_is_not() -> None:
    buffer = PointBuffer()
    buffer.add([], end_s=480)
    assert buffer.newest is None
    buffer.add([(420.0, 0.0)], end_s=480)
    assert buffer.current(now_s=480.0, period_s=60) == (420.0, 0.0)
