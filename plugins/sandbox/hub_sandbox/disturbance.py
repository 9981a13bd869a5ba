"""Faults on demand: what may go wrong between a reader and Jira, by endpoint, number and chance."""

from __future__ import annotations

import random
import threading
from fnmatch import fnmatchcase
from typing import Literal

import msgspec

__all__ = ["Disturbance", "Disturbances"]


class Disturbance(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One rule. The JSON body of `POST /__sandbox__/faults` has the same fields."""

    action: Literal["status", "cut", "slow", "truncate"]
    """Answer with a status; cut the connection within the body; answer late; send half of the JSON."""
    path: str = "*"
    """Shell pattern over the path, such as `*/search/jql`."""
    method: str = "*"
    status: int = 503
    """For `status`: 401, 403, 404, 410, 429, 500, 502, 503 …"""
    retry_after: int | None = None
    """Seconds, as the header `Retry-After`; a 429 always has one."""
    seconds: float = 0.2
    """For `slow`."""
    skip: int = 0
    """How many matching requests pass first."""
    count: int | None = None
    """How many requests it hits; None = all."""
    probability: float = 1.0
    seed: int = 0


class Disturbances:
    """The rules in force; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[tuple[Disturbance, random.Random, list[int]]] = []

    def add(self, rule: Disturbance) -> None:
        """Put a rule in force, behind the ones before."""
        with self._lock:
            self._rules.append((rule, random.Random(rule.seed), [0, 0]))

    def clear(self) -> None:
        """Withdraw all rules."""
        with self._lock:
            self._rules.clear()

    def hit(self, method: str, path: str) -> Disturbance | None:
        """Return the first rule that strikes this request, and count it."""
        with self._lock:
            for rule, chance, counted in self._rules:
                if not (fnmatchcase(path, rule.path) and fnmatchcase(method, rule.method)):
                    continue
                counted[0] += 1
                if counted[0] <= rule.skip or (rule.count is not None and counted[1] >= rule.count):
                    continue
                if rule.probability < 1 and chance.random() >= rule.probability:
                    continue
                counted[1] += 1
                return rule
        return None
