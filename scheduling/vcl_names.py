"""Names that VCL gives to its own users and to the states of its rows, as they stand in its tables."""

from typing import NamedTuple


class UserName(NamedTuple):
    """A user as VCL tells users apart: by name and affiliation."""

    unityid: str
    affiliation: str

    def __str__(self) -> str:
        return f"{self.unityid}@{self.affiliation}"


RELOAD_USER = UserName("vclreload", "Local")  # owns reload requests, and block requests that came through an API
SYSTEM_USER = UserName("vclsystem", "Local")  # calls on behalf of the site itself (SPEC 2.1)

# Of a block request (`blockRequest.status`): the one that awaits its decision, the one that is processed, the one after
# its expiry, and the two that never become a block.
REQUESTED = "requested"
ACCEPTED = "accepted"
COMPLETED = "completed"
REJECTED, DELETED = "rejected", "deleted"
