"""The privilege tree: who may use which computers.

VCL
└── Teaching               CS blades, virtual machines, images: available and cascaded
    ├── Computer Science   CS101, CS420 check out; library guests are blocked here
    ├── Engineering        ENG240 checks out engineering blades; the CS blades' cascade is blocked
    └── Library            library blades; library guests check out
"""

from blockalloc.demo import images, inventory, people
from blockalloc.demo.inventory import Inventory
from blockalloc.demo.people import People
from blockalloc.demo.rows import VCL_NODE, VCLSYSTEM, Rows

# Ids of VCL's own rows (userprivtype).
_BLOCK, _CASCADE, _COMPUTER_ADMIN, _IMAGE_ADMIN, _IMAGE_CHECKOUT = 1, 2, 4, 5, 6


def add_privileges(rows: Rows, inv: Inventory, who: People) -> None:
    """Add the tree with what users and resources have at each of its nodes."""
    teaching = rows.add("privnode", parent=VCL_NODE, name="Teaching")
    science = rows.add("privnode", parent=teaching, name="Computer Science")
    engineering = rows.add("privnode", parent=teaching, name="Engineering")
    library = rows.add("privnode", parent=teaching, name="Library")

    for group in (inventory.CS, inventory.VMS, images.GENERAL, images.CLUSTERS, images.VIRTUAL):
        _resource(rows, teaching, inv.groups[group], "available", "cascade")
    _resource(rows, engineering, inv.groups[inventory.CS], "block")
    for group in (inventory.ENGINEERING, images.ENGINEERING):
        _resource(rows, engineering, inv.groups[group], "available")
    _resource(rows, library, inv.groups[inventory.LIBRARY], "available")

    _group(rows, science, who.groups[people.CS101], _IMAGE_CHECKOUT)
    _group(rows, science, who.groups[people.CS420], _IMAGE_CHECKOUT)
    _group(rows, engineering, who.groups[people.ENG240], _IMAGE_CHECKOUT)
    _group(rows, teaching, who.groups[people.LIBRARY], _IMAGE_CHECKOUT, _CASCADE)
    _group(rows, science, who.groups[people.LIBRARY], _BLOCK)
    _group(rows, teaching, who.groups[people.STAFF], _IMAGE_ADMIN, _COMPUTER_ADMIN, _CASCADE)
    # The back end's account may make blocks of any image of the site.
    for privilege in (_IMAGE_ADMIN, _CASCADE):
        rows.add("userpriv", userid=VCLSYSTEM, usergroupid=None, privnodeid=teaching, userprivtypeid=privilege)


def _group(rows: Rows, node: int, group: int, *privileges: int) -> None:
    for privilege in privileges:
        rows.add("userpriv", userid=None, usergroupid=group, privnodeid=node, userprivtypeid=privilege)


def _resource(rows: Rows, node: int, group: int, *types: str) -> None:
    for kind in types:
        rows.add("resourcepriv", resourcegroupid=group, privnodeid=node, type=kind)
