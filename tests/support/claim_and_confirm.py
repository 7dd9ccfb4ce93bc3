"""The moment between the two transactions of a call: the claim is committed, nothing is confirmed yet."""

from collections.abc import Callable
from typing import Any, Protocol

import pytest

from blockalloc.allocation.claim_and_confirm import ClaimAndConfirm


class Between(Protocol):
    """See `between_claim_and_confirm`."""

    def __call__(self, *steps: Callable[[], object]) -> None: ...


@pytest.fixture
def between_claim_and_confirm(monkeypatch: pytest.MonkeyPatch) -> Between:
    """Give it steps: one is done before each confirming transaction from now on, until none is left.

    A call has one such transaction; it has a second one when something that it claimed is lost in the first.
    Steps that are given later replace those that are left.
    """
    waiting: list[Callable[[], object]] = []
    confirm = ClaimAndConfirm._next_round

    def do_a_step_and_confirm(call: ClaimAndConfirm, planned: Any, *, may_replan: bool) -> object:
        if waiting:
            waiting.pop(0)()
        return confirm(call, planned, may_replan=may_replan)

    def give(*steps: Callable[[], object]) -> None:
        waiting[:] = steps

    monkeypatch.setattr(ClaimAndConfirm, "_next_round", do_a_step_and_confirm)
    return give
