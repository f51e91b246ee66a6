"""The report of bench.neighbours: a line per fault, the cost of restarts, and whether the claim holds."""

from bench.neighbour_report import Comparison, CrashCost, report

CRASH_COST = CrashCost("a record that hangs", faulty_s=38.0, baseline_s=2.0, ended=3)


def compared(name: str, *ratios: float) -> Comparison:
    return Comparison(name, [100_000 * ratio for ratio in ratios], [100_000.0] * len(ratios), target=0.9)


def test_each_fault_has_its_rounds_and_the_median_of_their_ratios() -> None:
    *_, first, second, _, verdict = report(
        [compared("poison", 1.0, 0.5, 0.95), compared("a denied topic", 1.2, 1.1, 1.3)],
        None,
        backlog=1_000,
        target=0.9,
        every_s=0.1,
    ).splitlines()
    assert first.split() == ["poison", "95,000", "100,000", "0.95", "1.00", "0.50", "0.95", "holds"]
    assert second.split() == ["a", "denied", "topic", "120,000", "100,000", "1.20", "1.20", "1.10", "1.30", "holds"]
    assert first.index("holds") == second.index("holds")
    assert verdict.startswith("The claim holds: next to each of 2 faults")
    assert "0.95 in the worst case, next to poison." in verdict


def test_a_fault_that_slows_its_neighbour_down_fails_the_claim_and_is_named() -> None:
    text = report(
        [compared("poison", 0.89), compared("a cut", 0.9), compared("marks", 0.2)],
        None,
        backlog=1,
        target=0.9,
        every_s=0.1,
    )
    assert text.splitlines()[-1] == "The claim FAILS: below 0.9 of its rate next to poison, marks."
    assert [line.split()[-1] for line in text.splitlines()[-5:-2]] == ["FAILS", "holds", "FAILS"]


def test_restarts_have_a_separate_line_without_a_target() -> None:
    text = report([compared("poison", 1.0)], CRASH_COST, backlog=1_000, target=0.9, every_s=0.1).splitlines()
    assert text[-3].startswith("Without a target: a record that hangs killed the worker 3 times.")
    assert text[-3].endswith("after 38.0 s, without the fault after 2.0 s: 12.0 s per restart.")
    assert text[-1].startswith("The claim holds")


def test_a_report_of_restarts_alone_has_no_verdict() -> None:
    assert report([], CRASH_COST, backlog=1_000, target=0.9, every_s=0.1) == CRASH_COST.line
