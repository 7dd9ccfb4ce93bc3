"""The load times that a process remembers for the timeline."""

from collections.abc import ItemsView, Iterator

import pytest

from blockalloc.store import timeline
from blockalloc.store.timeline import LoadTimes

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]


class Busy(dict[int, tuple[int, int]]):
    """Somebody else adds an image whenever one goes through all of them."""

    def items(self) -> ItemsView[int, tuple[int, int]]:
        return ItemsView(self)

    def __iter__(self) -> Iterator[int]:
        for image in super().__iter__():
            self[len(self) + 1] = (60, 0)
            yield image


def test_another_thread_may_look_up_images_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "_load_times", Busy({1: (300, 1000), 2: (500, 1000)}))
    assert dict(LoadTimes(1100).of({1})) == {1: 300}
