"""The computers of a site as time moves on: what they have loaded changes, and the states that pass."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from scheduling.facts import Computer, Fleet, Image

# In these states a computer is for minutes or hours, and `available` after that.
PASSING_STATES = frozenset({"reserved", "inuse", "reloading", "timeout", "new", "pending", "reload"})
_CHANGING = ("state", "revision_id", "loaded_ram")


class ChangingFleet(Fleet):
    """A copy of a fleet that can change."""

    def __init__(self, fleet: Fleet) -> None:
        super().__init__(
            [[*fleet.column(name)] if name in _CHANGING else fleet.column(name) for name in Computer._fields]
        )
        self._states, self._revisions, self._rams = map(self._list, _CHANGING)
        self._with_revision: dict[int, set[int]] = defaultdict(set)
        for row_index, revision in enumerate(self._revisions):
            self._with_revision[revision].add(row_index)

    def _list(self, field: str) -> list[Any]:
        column = self.column(field)
        assert isinstance(column, list), "it was made above"
        return column

    def rows_with_revision(self, revision_id: int) -> Collection[int]:
        """The row indexes of computers that have an image revision loaded now."""
        return self._with_revision.get(revision_id, ())

    def load(self, computer_id: int, image: Image) -> None:
        """The computer has the production revision of `image` loaded from now on; nothing for one that is unknown."""
        row_index = self._row_indexes.get(computer_id)
        if row_index is None:
            return
        before = self._revisions[row_index]
        if before != image.revision_id:
            self._with_revision[before].discard(row_index)
            self._with_revision[image.revision_id].add(row_index)
        self._revisions[row_index] = image.revision_id
        if self.column("vm_host_id")[row_index] is not None:  # it counts for virtual machines only
            self._rams[row_index] = image.min_ram
        self._made.pop(row_index, None)

    def let_states_pass(self) -> None:
        """Computers in a state that passes are available now."""
        for row_index, state in enumerate(self._states):
            if state in PASSING_STATES:
                self._states[row_index] = "available"
                self._made.pop(row_index, None)
