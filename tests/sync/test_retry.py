from __future__ import annotations

import pytest

from hub.errors import AuthenticationFailed, ProtocolFault, Retriable, ScopeUnreadable
from hub.sync.retry import RetryPolicy, make_caller


class Machine:
    """A clock that moves only when somebody sleeps, and a tool that answers from a script."""

    def __init__(self, *script: object) -> None:
        self.script = list(script)
        self.now_s = 100.0
        self.slept: list[float] = []
        self.tries = 0

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds

    def request(self) -> object:
        self.tries += 1
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def run(self, policy: RetryPolicy) -> object:
        return make_caller(policy, sleep=self.sleep, monotonic=lambda: self.now_s)(self.request)


def test_a_passing_fault_is_tried_again_with_growing_waits():
    machine = Machine(Retriable("a"), Retriable("b"), Retriable("c"), "done")
    assert machine.run(RetryPolicy(first_wait_s=1, jitter_s=0)) == "done"
    assert machine.slept == [1, 2, 4]


def test_waits_are_capped_and_spread():
    machine = Machine(*[Retriable("x")] * 5, "done")
    machine.run(RetryPolicy(first_wait_s=10, longest_wait_s=12, jitter_s=2))
    assert all(10 <= seconds <= 14 for seconds in machine.slept)
    assert len(set(machine.slept)) > 1


def test_the_tool_is_taken_at_its_word():
    machine = Machine(Retriable("slow down", retry_after_s=17), "done")
    machine.run(RetryPolicy(jitter_s=1))
    assert 17 <= machine.slept[0] <= 18


def test_attempts_are_bounded_and_the_last_fault_comes_out():
    machine = Machine(Retriable("1"), Retriable("2"), Retriable("3"), "never asked")
    with pytest.raises(Retriable, match="3"):
        machine.run(RetryPolicy(attempts=3))
    assert machine.tries == 3


def test_the_whole_is_bounded_before_sleeping_too_long():
    machine = Machine(Retriable("wait an hour", retry_after_s=3600), "never asked")
    with pytest.raises(Retriable, match="an hour"):
        machine.run(RetryPolicy(total_s=60))
    assert machine.slept == []


@pytest.mark.parametrize(
    "fault", [AuthenticationFailed("no"), ScopeUnreadable("no"), ProtocolFault("no"), KeyError("x")]
)
def test_nothing_else_is_tried_again(fault):
    machine = Machine(fault, "never asked")
    with pytest.raises(type(fault)):
        machine.run(RetryPolicy())
    assert machine.tries == 1
