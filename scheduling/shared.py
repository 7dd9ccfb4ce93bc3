"""What all plans on one site share, whoever they are for and whenever they are made."""

from functools import cache, cached_property

from scheduling.facts import Image, Member, Site
from scheduling.pool import Fit
from scheduling.privileges import Privileges
from scheduling.rules import LiveNodes


class Shared:
    """What follows from a site's computers, groups, management nodes and privileges alone.

    It serves for every Site with the same of these, and with the same nodes alive: neither `now` counts, nor what is
    promised, nor what the computers have loaded. A plan of its own makes one; a forecast hands the same to each plan.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self.nodes = LiveNodes(site)
        self.groups_of_computer = cache(site.groups_of)
        self._fit: dict[Image, Fit] = {}
        self._granted: dict[Member, frozenset[int]] = {}

    def fit(self, image: Image) -> Fit:
        """The computers that may run an image at all."""
        if image not in self._fit:
            self._fit[image] = Fit(image, self._site, self.nodes)
        return self._fit[image]

    def granted_groups(self, member: Member) -> frozenset[int]:
        """The resource groups that a member may use by the privilege tree."""
        if member not in self._granted:
            self._granted[member] = self._privileges.granted_groups(member)
        return self._granted[member]

    @cached_property
    def owners(self) -> frozenset[int | None]:
        """The owners of computers."""
        return frozenset(self._site.computers.column("owner_id"))

    @cached_property
    def _privileges(self) -> Privileges:
        return Privileges(self._site.privileges)
