"""Grouping: operations joined into groups so that the graph of the groups stays free of cycles. Knows no torch."""

from __future__ import annotations

import heapq

from walkin.network.tracing.recording import Trace


class Grouping:
    """Every operation in a group of its own at first."""

    def __init__(self, trace: Trace):
        self.trace = trace
        self.group_of: list[int] = list(range(len(trace.ops)))
        """For each operation its group: the index of the group's first member."""
        self.members: dict[int, list[int]] = {index: [index] for index in self.group_of}

    def join(self, first: int, second: int) -> None:
        """The groups `first` and `second` become one; its number is the smaller of theirs."""
        if first == second:
            return
        keep, gone = min(first, second), max(first, second)
        for op in self.members.pop(gone):
            self.group_of[op] = keep
            self.members[keep].append(op)
        self.members[keep].sort()

    def join_all(self, ops: list[int]) -> None:
        """The groups of all these operations become one."""
        for op in ops[1:]:
            self.join(self.group_of[ops[0]], self.group_of[op])

    def try_join(self, group: int, op: int) -> bool:
        """Joins `op`'s group, which nothing taken so far follows, to an earlier `group` unless a path between the two
        leads through other groups."""
        own = self.group_of[op]
        outside = [source for source in self.sources(own) if source != group]
        if any(self._leads_to(group, source) for source in outside):
            return False
        self.join(group, own)
        return True

    def sources(self, group: int) -> list[int]:
        """Groups whose values go into `group`, in argument order, each once."""
        found: dict[int, None] = {}
        for member in self.members[group]:
            for source in self.trace.ops[member].inputs:
                if (origin := self.group_of[source]) != group:
                    found[origin] = None
        return list(found)

    def consumers(self, group: int) -> list[int]:
        """Groups that take a value of `group`."""
        taken = self.trace.consumers
        found = dict.fromkeys(self.group_of[user] for member in self.members[group] for user in taken[member])
        found.pop(group, None)
        return list(found)

    def _leads_to(self, start: int, end: int) -> bool:
        """Whether a path leads from group `start` to group `end`."""
        waiting, seen = [end], {end}
        while waiting:
            current = waiting.pop()
            if current == start:
                return True
            if self.members[current][-1] < start:
                continue  # all of it was over before `start` began
            for source in self.sources(current):
                if source not in seen:
                    seen.add(source)
                    waiting.append(source)
        return False

    def in_order(self) -> list[int]:
        """The groups so that each comes after those it takes values from, else by their first members."""
        missing = {group: len(self.sources(group)) for group in self.members}
        ready = [group for group, count in missing.items() if count == 0]
        heapq.heapify(ready)
        order: list[int] = []
        while ready:
            group = heapq.heappop(ready)
            order.append(group)
            for consumer in self.consumers(group):
                missing[consumer] -= 1
                if missing[consumer] == 0:
                    heapq.heappush(ready, consumer)
        return order
