"""Each point is taken over once, however late it came and whatever our clock did."""

from hypothesis import given
from hypothesis import strategies as st

from apps.cloudwatch.collector.point_buffer import KEPT, PointBuffer
from apps.cloudwatch.collector.queries import Point


@given(
    delays=st.lists(st.integers(0, 1_800), min_size=1, max_size=80),
    cycle_s=st.integers(60, 600),
    steps_back=st.lists(st.integers(-4_000, 4_000), max_size=10),
)
def test_a_point_is_never_taken_over_twice_and_those_in_the_window_are_all_taken(
    delays: list[int], cycle_s: int, steps_back: list[int]
) -> None:
    points = [(60.0 * number, float(number), 60.0 * number + 60 + delay) for number, delay in enumerate(delays)]
    filling, taken, offered = PointBuffer(), list[Point](), set[Point]()
    jumps = iter(steps_back)
    for true_s in range(0, 60 * len(points) + 4_000, cycle_s):
        clock_s = true_s + next(jumps, 0)  # the clock that is wrong is ours: it moves the window alone
        visible = [(at, value) for at, value, from_s in points if from_s <= true_s and clock_s - 960 <= at < clock_s]
        offered.update(visible)
        timely, late = filling.take(visible, end_s=clock_s)
        taken += [*timely, *late]
    assert len(taken) == len(set(taken))
    assert set(taken) == offered


def test_a_point_that_an_earlier_answer_could_have_held_is_late() -> None:
    filling = PointBuffer()
    assert filling.take([(0.0, 1.0), (120.0, 3.0)], end_s=180) == (((0.0, 1.0), (120.0, 3.0)), ())
    assert filling.take([(0.0, 1.0), (60.0, 2.0), (120.0, 3.0), (180.0, 4.0)], end_s=240) == (
        ((180.0, 4.0),),
        ((60.0, 2.0),),
    )
    assert filling.take([(60.0, 2.0), (180.0, 4.0)], end_s=240) == ((), ())
    assert filling.newest == (180.0, 4.0)


def test_a_late_point_does_not_become_the_newest() -> None:
    filling = PointBuffer()
    filling.take([(120.0, 3.0)], end_s=180)
    filling.take([(60.0, 2.0)], end_s=180)
    assert filling.newest == (120.0, 3.0)


def test_what_was_forgotten_is_not_taken_for_new() -> None:
    points = [(60.0 * (number * 7 % (KEPT * 3)), 1.0) for number in range(KEPT * 3)]
    filling = PointBuffer()
    filling.take(points, end_s=1e9)
    assert filling.take(points, end_s=1e9) == ((), ())
    assert filling.newest == (60.0 * (KEPT * 3 - 1), 1.0)


def test_a_value_is_current_for_three_periods_and_then_not_known() -> None:
    filling = PointBuffer()
    assert filling.current(now_s=600.0, period_s=60) is None
    filling.take([(420.0, 5.0)], end_s=480)
    assert filling.current(now_s=600.0, period_s=60) == (420.0, 5.0)
    assert filling.current(now_s=659.0, period_s=60) == (420.0, 5.0)
    assert filling.current(now_s=660.0, period_s=60) is None


def test_zero_is_a_value_and_missing_is_none() -> None:
    filling = PointBuffer()
    filling.take([], end_s=480)
    assert filling.newest is None
    filling.take([(420.0, 0.0)], end_s=480)
    assert filling.current(now_s=480.0, period_s=60) == (420.0, 0.0)
