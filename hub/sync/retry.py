"""The one layer that retries: passing faults of a tool, within a bound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import tenacity

from hub.errors import Retriable

__all__ = ["Caller", "RetryPolicy", "make_caller"]

T = TypeVar("T")


class Caller(Protocol):
    """Runs one request and, where the fault is a passing one, runs it again."""

    def __call__(self, request: Callable[[], T], /) -> T:
        """Return what `request` returns; raise its last fault when the policy's bound is reached."""
        ...


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, how long and how evenly a request is tried again."""

    attempts: int = 6
    """Tries in all, the first included."""
    total_s: float = 300.0
    """No new try starts later than this after the first; a longer `Retry-After` ends the trying at once."""
    first_wait_s: float = 0.5
    """Wait after the first fault; doubled after each further one."""
    longest_wait_s: float = 30.0
    """Bound of one wait that the tool did not ask for."""
    jitter_s: float = 0.5
    """Up to this much is added at random, so that many readers do not come back together."""


def make_caller(policy: RetryPolicy, *, sleep: Callable[[float], None], monotonic: Callable[[], float]) -> Caller:
    """Make the function that runs requests under `policy`.

    Only `hub.errors.Retriable` is tried again: after `retry_after_s` where the tool names it (never
    sooner), else after an exponential wait. Everything else, and the last fault, comes out unchanged.
    `sleep` takes seconds; `monotonic` counts seconds from anywhere.
    """
    growing = tenacity.wait_exponential(multiplier=policy.first_wait_s, max=policy.longest_wait_s)
    spread = tenacity.wait_random(0, policy.jitter_s)

    def wait(state: tenacity.RetryCallState) -> float:
        fault = state.outcome.exception() if state.outcome else None
        asked = fault.retry_after_s if isinstance(fault, Retriable) else None
        return (growing(state) if asked is None else max(asked, 0.0)) + spread(state)

    def call(request: Callable[[], T], /) -> T:
        started = monotonic()

        def stop(state: tenacity.RetryCallState) -> bool:
            spent = monotonic() - started + state.upcoming_sleep
            return state.attempt_number >= policy.attempts or spent > policy.total_s

        trying = tenacity.Retrying(
            sleep=sleep,
            wait=wait,
            stop=stop,
            retry=tenacity.retry_if_exception_type(Retriable),
            reraise=True,
        )
        return trying(request)

    return call
