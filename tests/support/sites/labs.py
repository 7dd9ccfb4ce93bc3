"""Labs of a small site: resource groups of computers, with the images that are mapped to them."""

from blockalloc.models import (
    Computer,
    Image,
    Resource,
    ResourceGroup,
    ResourceGroupMember,
    ResourceMap,
    ResourceType,
)


def group(kind: str, name: str, *keys: int) -> int:
    """A resource group of rows of one type."""
    type_ = ResourceType.objects.get(name=kind)
    made = ResourceGroup.objects.create(name=name, resourcetype=type_, ownerusergroup_id=1)
    for key in keys:
        resource, _ = Resource.objects.get_or_create(resourcetype=type_, subid=key)
        ResourceGroupMember(resource=resource, resourcegroup=made).save(force_insert=True)
    return made.pk


def mapped(images: int, computers: int) -> None:
    """Map a group of images to one of computers."""
    ResourceMap(
        resourcegroup1_id=images,
        resourcetype1=ResourceType.objects.get(name="image"),
        resourcegroup2_id=computers,
        resourcetype2=ResourceType.objects.get(name="computer"),
    ).save(force_insert=True)


def lab(name: str, *computers: Computer, images: tuple[Image, ...] = ()) -> int:
    """A lab with computers, and images that are mapped to it."""
    key = group("computer", name, *(each.pk for each in computers))
    if images:
        mapped(group("image", f"images of {name}", *(each.pk for each in images)), key)
    return key
