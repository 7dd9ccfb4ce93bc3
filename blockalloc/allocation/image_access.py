"""Whether a user may have an image (SPEC 2.2: image access; rule 7 of section 4)."""

from blockalloc.store import links
from blockalloc.store.rows import ImageRow
from scheduling.facts import Member
from scheduling.privileges import Privileges


def may_use_image(row: ImageRow, user_id: int) -> bool:
    """Whether the user owns the image or reaches one of its resource groups through the privilege tree."""
    if row.owner_id == user_id:
        return True
    linked = links.read([links.image_groups_part([row.image.id]), *links.privilege_parts([user_id])])
    none: frozenset[int] = frozenset()
    user = Member(user_id, "", linked.user_groups.get(user_id, none), linked.owned_groups.get(user_id, none))
    groups = linked.image_groups.get(row.image.id, none)
    return not groups.isdisjoint(Privileges(linked.privileges).granted_groups(user))
