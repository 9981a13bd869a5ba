"""The labels an issue or merge request had, and the states an issue went through, from GitLab's events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hub_gitlab.moment import instant_or_none
from hub_gitlab.value import as_dict, as_text, dicts, native_id

__all__ = ["LabelHistory", "Span", "StateHistory", "label_since", "read_labels", "read_states"]


@dataclass(frozen=True, slots=True)
class LabelHistory:
    """Which label came or went when, oldest first."""

    steps: tuple[tuple[int, str, bool], ...]
    """(instant, label, it came)."""
    first: frozenset[str]
    """Labels before the first step."""
    complete: bool
    """No step is missing."""
    created_at: int | None

    def never(self, labels: set[str]) -> int | None:
        """Since when none of these labels has been held; None = not known, or one is held."""
        held, since = set(self.first), self.created_at
        for at, name, came in self.steps:
            before = not held.isdisjoint(labels)
            (held.add if came else held.discard)(name)
            if before and held.isdisjoint(labels):
                since = at
        return since if self.complete and held.isdisjoint(labels) else None


def label_since(history: LabelHistory, labels: set[str]) -> int | None:
    """Since when one of these labels has been held without a gap; None = not known, or none is held."""
    if not history.complete:
        return None
    held = set(history.first)
    since = None if held.isdisjoint(labels) else history.created_at
    for at, name, came in history.steps:
        before = not held.isdisjoint(labels)
        (held.add if came else held.discard)(name)
        now = not held.isdisjoint(labels)
        since = since if now and before else at if now else None
    return since


def read_labels(body: dict[str, Any], now: list[str], created_at: int | None) -> LabelHistory:
    """Read the label events a document carries; which labels there were at first follows from those there are now."""
    steps: list[tuple[int, str, bool]] = []
    complete = isinstance(body.get("label_events"), list)
    for each in dicts(body.get("label_events")):
        at, action = instant_or_none(each.get("created_at")), as_text(each.get("action"))
        name = as_text(as_dict(each.get("label")).get("name"))
        if name is None and each.get("label") is None and at is not None and action:
            continue  # the label itself was deleted: nothing holds it now, and no map can name it
        if at is None or action not in {"add", "remove"} or name is None:
            complete = False
            continue
        steps.append((at, name, action == "add"))
    steps.sort(key=lambda step: step[0])
    held = set(now)
    for _, name, came in reversed(steps):
        (held.discard if came else held.add)(name)
    return LabelHistory(tuple(steps), frozenset(held), complete, created_at)


@dataclass(frozen=True, slots=True)
class Span:
    """What an issue was from an instant on, and who made it so."""

    at: int
    state: str
    labels: frozenset[str]
    actor: dict[str, Any] | None
    entry: str | None
    """Native id of the event."""


@dataclass(frozen=True, slots=True)
class StateHistory:
    """States and labels of an issue, one span after another."""

    spans: tuple[Span, ...]
    complete: bool


def read_states(body: dict[str, Any], labels: LabelHistory) -> StateHistory:
    """Lay state events and label events on one line; without both, or without creation, it is not complete."""
    known = isinstance(body.get("state_events"), list) and labels.complete and labels.created_at is not None
    if labels.created_at is None:
        return StateHistory((), complete=False)
    steps: list[tuple[int, int, dict[str, Any]]] = []
    for each in dicts(body.get("state_events")):
        at = instant_or_none(each.get("created_at"))
        if at is None or as_text(each.get("state")) is None:
            known = False
        else:
            steps.append((at, 1, each))
    for each in dicts(body.get("label_events")):
        at = instant_or_none(each.get("created_at"))
        if at is not None and as_text(as_dict(each.get("label")).get("name")):
            steps.append((at, 0, each))
    state, held = "opened", set(labels.first)
    spans = [Span(labels.created_at, state, frozenset(held), None, None)]
    for at, is_state, each in sorted(steps, key=lambda step: step[:2]):
        if is_state:
            state = "opened" if each["state"] == "reopened" else each["state"]
        else:
            name = str(as_dict(each["label"])["name"])
            (held.add if each.get("action") == "add" else held.discard)(name)
        if spans[-1].at == at and len(spans) > 1:
            spans.pop()  # labels that take each other's place come and go in one instant
        spans.append(Span(at, state, frozenset(held), as_dict(each.get("user")), native_id(each.get("id"))))
    return StateHistory(tuple(spans), known)
