"""The rate of a worker in a steady stream, from one of its commits to a later one. Pure."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class CommitEdges:
    """Records when the number of committed records changes.

    A rate between two commits is exact, whatever the batches' size: the open batch at either end counts for neither.
    """

    edges: list[tuple[float, int]] = field(default_factory=list)

    def see(self, now_s: float, committed: int) -> None:
        """Note the number of committed records at this time."""
        if not self.edges or committed != self.edges[-1][1]:
            self.edges.append((now_s, committed))

    def rate(self, *, since_s: float) -> float:
        """Records per second between the first and the last commit after `since_s`; 0 with fewer than two."""
        inside = [edge for edge in self.edges[1:] if edge[0] >= since_s]
        if len(inside) < 2:
            return 0.0
        (first_s, first), (last_s, last) = inside[0], inside[-1]
        return (last - first) / (last_s - first_s)
