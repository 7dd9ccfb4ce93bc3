"""Names that people type are found, and what is not found is explained."""

import pytest

from blockalloc.models import OS, Affiliation, Image, UserGroup
from blockalloc.models.lookup import LookupProblem, image_by_name_or_id, user_group_by_name_or_id

pytestmark = pytest.mark.django_db


def image(prettyname: str, name: str, *, deleted: int = 0) -> Image:
    """An image; what else it needs is any."""
    return Image.objects.create(prettyname=prettyname, name=name, OS=OS.objects.all()[0], deleted=deleted)


def group(name: str, affiliation: str) -> UserGroup:
    """A user group of an affiliation, which is made if there is none of that name."""
    where, _new = Affiliation.objects.get_or_create(name=affiliation)
    return UserGroup.objects.create(name=name, affiliation=where)


@pytest.mark.parametrize("text", ["Ubuntu 22.04", "ubuntu 22.04", " Ubuntu 22.04 ", "ubuntu2204-v3"])
def test_an_image_goes_by_both_its_names_in_any_case(text: str) -> None:
    wanted = image("Ubuntu 22.04", "ubuntu2204-v3")
    image("Ubuntu 20.04", "ubuntu2004-v1")
    assert image_by_name_or_id(text) == wanted


def test_an_image_goes_by_its_id() -> None:
    wanted = image("Ubuntu 22.04", "ubuntu2204-v3")
    assert image_by_name_or_id(str(wanted.pk)) == wanted


def test_a_name_of_digits_comes_before_an_id() -> None:
    other = image("Ubuntu 22.04", "ubuntu2204-v3")
    wanted = image(str(other.pk), "digits-v0")
    assert image_by_name_or_id(str(other.pk)) == wanted


def test_near_misses_of_an_image_are_suggested_with_their_ids() -> None:
    near = image("Ubuntu 22.04", "ubuntu2204-v3")
    image("Windows 10 Office", "win10-office-v2")
    with pytest.raises(LookupProblem) as problem:
        image_by_name_or_id("Ubunto 22.4")
    text = f"there is no image 'Ubunto 22.4'; did you mean {near.pk} (Ubuntu 22.04, ubuntu2204-v3)?"
    assert str(problem.value) == text


def test_what_resembles_nothing_gets_no_suggestion() -> None:
    with pytest.raises(LookupProblem, match=r"^there is no image '☃ 9'$"):
        image_by_name_or_id("☃ 9")


@pytest.mark.parametrize("by_id", [False, True])
def test_a_deleted_image_is_not_found(by_id: bool) -> None:
    gone = image("Ubuntu 16.04", "ubuntu1604-v9", deleted=1)
    with pytest.raises(LookupProblem, match="there is no "):
        image_by_name_or_id(str(gone.pk) if by_id else gone.prettyname)


def test_an_image_name_that_is_another_ones_file_name_needs_the_id() -> None:
    one, other = image("same", "one-v0"), image("Other", "same")
    with pytest.raises(LookupProblem) as problem:
        image_by_name_or_id("same")
    assert str(problem.value) == (
        f"there are 2 images 'same': give the id of one: {one.pk} (same, one-v0), {other.pk} (Other, same)"
    )


@pytest.mark.parametrize("text", ["CS101@Local", "cs101@local", "CS101"])
def test_a_group_goes_by_its_name_with_or_without_affiliation(text: str) -> None:
    wanted = group("CS101", "Local")
    group("CS102", "Local")
    assert user_group_by_name_or_id(text) == wanted


def test_a_group_name_of_two_affiliations_needs_one_of_them() -> None:
    local, other = group("CS101", "Local"), group("CS101", "Example")
    assert user_group_by_name_or_id("CS101@Example") == other
    with pytest.raises(LookupProblem) as problem:
        user_group_by_name_or_id("CS101")
    assert "there are 2 user groups 'CS101': give the id of one: " in str(problem.value)
    assert f"{local.pk} (CS101@Local, CS101)" in str(problem.value)
    assert f"{other.pk} (CS101@Example, CS101)" in str(problem.value)


def test_a_group_without_affiliation_goes_by_its_bare_name() -> None:
    wanted = UserGroup.objects.create(name="everyone here", affiliation=None)
    assert user_group_by_name_or_id("everyone here") == wanted


def test_a_group_of_another_affiliation_is_suggested() -> None:
    near = group("CS101", "Local")
    with pytest.raises(LookupProblem, match=rf"did you mean {near.pk} \(CS101@Local, CS101\)"):
        user_group_by_name_or_id("CS101@Locall")
