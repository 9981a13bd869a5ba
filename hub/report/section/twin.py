"""One miss that two requirements see is told once. Pure."""

from __future__ import annotations

from collections import defaultdict

from hub.report.section.line import Nonconformity

__all__ = ["twins"]

_RANK = {"critical": 0, "major": 1, "minor": 2}


def twins(lines: list[Nonconformity]) -> dict[str, str]:
    """Return key of a finding -> key of the one it is told under, under another requirement.

    They are one miss where record, instant and state are the same, and either what was found or what decided it:
    two requirements that ask different things of one record at one instant stay two.
    """
    groups: dict[tuple[object, ...], list[Nonconformity]] = defaultdict(list)
    for line in lines:
        for cause in _causes(line):
            groups[line.subject.id, line.breached_at, line.state, cause].append(line)
    under: dict[str, str] = {}
    for group in groups.values():
        first = min(group, key=lambda line: (_RANK[line.severity], line.requirement, line.key))
        for line in group:
            if line.requirement != first.requirement and first.key not in under:
                under.setdefault(line.key, first.key)
    return {key: head for key, head in under.items() if head not in under}


def _causes(line: Nonconformity) -> list[str]:
    decided = sorted(proof.id for proof in line.evidence if proof.id != line.subject.id)
    return [f"found {line.found}", *([f"decided by {' '.join(decided)}"] if decided else [])]
