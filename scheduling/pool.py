"""The computers that may run an image at all, in the order in which they are taken (SPEC 4)."""

from collections.abc import Iterator

from scheduling.facts import Computer, Image, Site
from scheduling.reasons import Reason
from scheduling.rules import Judge, LiveNodes, terms_of


class Pool:
    """Computers that pass the rules about the computer itself; `passed_over` has a reason for the others.

    `computers` are those that pass, first choice first.
    """

    def __init__(self, image: Image, site: Site, nodes: LiveNodes) -> None:
        self.image = image
        self.passed_over: dict[int, Reason] = {}
        judge = Judge(terms_of(image, site), nodes)
        none: frozenset[int] = frozenset()
        fit = []
        for computer in site.computers.values():
            reason = judge.reason_against(computer, site.computer_groups.get(computer.id, none))
            if reason is None:
                fit.append(computer)
            else:
                self.passed_over[computer.id] = reason
        self.computers = sorted(fit, key=self._order)
        self._ids = {computer.id for computer in fit}

    def __contains__(self, computer_id: int) -> bool:
        return computer_id in self._ids

    def holds_image(self, computer: Computer) -> bool:
        """Whether the computer holds the production revision of the image now."""
        return computer.revision_id == self.image.revision_id

    def in_order(self, suspects: frozenset[int]) -> Iterator[Computer]:
        """The computers, first choice first; `suspects` (recent failures) only after all others."""
        if not suspects:
            yield from self.computers
            return
        yield from (computer for computer in self.computers if computer.id not in suspects)
        yield from (computer for computer in self.computers if computer.id in suspects)

    def _order(self, computer: Computer) -> tuple[bool, int, int, int, int]:
        """Those that hold the image, then the smallest that fits; equal ones by id."""
        power = computer.speed * computer.processors
        return (not self.holds_image(computer), computer.ram, power, computer.network, computer.id)
