"""The service's clock, simulated for a while."""

import threading
import time

import pytest

from blockalloc import clock

pytestmark = pytest.mark.no_database


def test_all_threads_have_the_simulated_time_until_the_end() -> None:
    times = iter((1000.9, 1060.0, 2000.0))
    seen: list[int] = []
    with clock.simulated(lambda: next(times)):
        seen.append(clock.now())
        thread = threading.Thread(target=lambda: seen.append(clock.now()))
        thread.start()
        thread.join()
        with clock.simulated(lambda: 5.0):
            assert clock.now() == 5
        seen.append(clock.now())
    assert seen == [1000, 1060, 2000]
    assert abs(clock.now() - time.time()) < 5


def test_a_failure_ends_it_too() -> None:
    with pytest.raises(LookupError), clock.simulated(lambda: 5.0):
        raise LookupError
    assert clock.now() > 5
