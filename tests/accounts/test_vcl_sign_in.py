"""Staff sign in by accounts of VCL: who gets in, as whom, with which rights, and for how long."""

import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, get_user
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import Group, Permission
from django.contrib.auth.models import User as StaffUser
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from blockalloc.accounts import vcl_accounts
from blockalloc.accounts.staff_accounts import PERMISSIONS, AccountRows
from blockalloc.models import Affiliation, LocalAuth, StaffAccount, User, UserGroup, UserGroupMember, UserGroupPriv
from blockalloc.models.scope import Scope, scope_of
from tests.support.https_client import Browser
from tests.support.rpc_calls import TEST, fault_of, post, signing_in
from tests.support.sites.accounts import GLOBAL, OWN, PASSWORD, SALT, give_password, grant, make_user, manager, sign_in
from tests.support.sites.staff_site import PAGES, Site, list_url, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("wednesday_noon")]
INDEX = reverse("admin:today")


@pytest.fixture(autouse=True)
def _fast(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def jdoe() -> User:
    """A user who manages the blocks of NCSU."""
    return manager("jdoe", "NCSU", OWN)


def is_in(client: Client) -> bool:
    return client.get(INDEX).status_code == 200


def current(client: Client) -> StaffUser:
    """Whom the session makes of a request."""
    request = client.get(INDEX).wsgi_request
    found = get_user(request)
    assert isinstance(found, StaffUser)
    return found


# --- Who gets in -----------------------------------------------------------------------------------
@pytest.mark.parametrize("right", [GLOBAL, OWN])
@pytest.mark.parametrize("name", ["jdoe@NCSU", "JDoe@ncsu", " jdoe@NCSU "])
def test_accounts_that_may_manage_blocks_get_in(name: str, right: str, client: Client) -> None:
    user = manager("jdoe", "NCSU", right)
    assert sign_in(client, name)
    staff = StaffUser.objects.get(username="jdoe@NCSU")
    assert (staff.is_staff, staff.is_superuser, staff.has_usable_password()) == (True, False, False)
    link = StaffAccount.objects.get()
    assert (link.user, link.vcl_user_id) == (staff, user.pk)
    assert not staff.user_permissions.exists()


def test_a_session_that_an_earlier_version_began_goes_on(jdoe: User, client: Client) -> None:
    assert sign_in(client, "jdoe@NCSU")
    session = client.session
    session[BACKEND_SESSION_KEY] = "blockalloc.staff_accounts.VclAccountBackend"
    session.save()
    assert is_in(client)
    session[BACKEND_SESSION_KEY] = "blockalloc.staff_accounts.Unknown"
    session.save()
    assert not is_in(client)


def test_a_name_alone_is_one_of_local(jdoe: User, client: Client) -> None:
    manager("local", "Local", OWN)
    assert not sign_in(client, "jdoe")
    assert sign_in(client, "local")
    assert sign_in(client, "local@Local")
    assert StaffAccount.objects.count() == 1


def test_names_and_passwords_with_accents(client: Client) -> None:
    manager("jürgen", "NCSU", OWN, password="pä$$")
    assert sign_in(client, "jürgen@NCSU", "pä$$")


def test_what_only_the_database_takes_for_the_name_is_nobody(client: Client) -> None:
    manager("system", "NCSU", OWN)
    assert not sign_in(client, "süstem@NCSU")


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("jdoe@NCSU", "wrong"),
        ("jdoe@NCSU", PASSWORD.upper()),
        ("jdoe@NCSU", f" {PASSWORD}"),
        ("nobody@NCSU", PASSWORD),
        ("jdoe@Nowhere", PASSWORD),
        ("jdoe@", PASSWORD),
        ("@NCSU", PASSWORD),
        ("jdoe@NCSU@NCSU", PASSWORD),
        ("jdo%@NCSU", PASSWORD),
        ("jdo_@NCSU", PASSWORD),
        ("☃@NCSU", PASSWORD),
        ("jdoe@☃", PASSWORD),
        ("admin", PASSWORD),  # has no local account
    ],
)
def test_nobody_else_does(name: str, password: str, jdoe: User, client: Client) -> None:
    assert not sign_in(client, name, password)
    assert not StaffUser.objects.exists()


def test_locked_accounts_never_get_in(jdoe: User, client: Client) -> None:
    LocalAuth.objects.filter(user=jdoe).update(lockedout=1)
    assert not sign_in(client, "jdoe@NCSU")
    assert not StaffUser.objects.exists()


def test_an_account_without_a_right_does_not(client: Client) -> None:
    user = manager("jdoe", "NCSU")
    assert not sign_in(client, "jdoe@NCSU")
    grant(user, "View Dashboard (global)")
    grant(make_user("other", "NCSU"), GLOBAL)
    UserGroup.objects.update(owner=user)  # of a group that has the right, but no member
    assert not sign_in(client, "jdoe@NCSU")
    assert not StaffUser.objects.exists()


def test_names_of_the_rights_are_those_of_vcl() -> None:
    ids = {2: vcl_accounts.MANAGES_ALL_BLOCKS, 13: vcl_accounts.MANAGES_BLOCKS_OF_AFFILIATION}
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, name FROM usergroupprivtype WHERE id IN (2, 13)")
        assert dict(cursor.fetchall()) == ids


# --- One name is one account -----------------------------------------------------------------------
@pytest.mark.parametrize("taken", ["jdoe@NCSU", "JDOE@ncsu"])
@pytest.mark.parametrize("active", [True, False])
def test_nobody_takes_over_a_django_account(
    taken: str, active: bool, jdoe: User, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    root = StaffUser.objects.create_superuser(taken, password="django", is_active=active)
    assert not sign_in(client, "jdoe@NCSU")
    assert not StaffAccount.objects.exists()
    assert "a Django account has the name" in caplog.text
    assert PASSWORD not in caplog.text
    if active:
        assert sign_in(client, taken, "django")
        assert current(client) == root
        assert scope_of(current(client)) == Scope()


def test_a_name_alone_that_django_has_is_never_vcls(client: Client) -> None:
    StaffUser.objects.create_superuser("jdoe", password="django")
    manager("jdoe", "Local", OWN)
    assert not sign_in(client, "jdoe")
    assert sign_in(client, "jdoe@Local")
    assert not current(client).is_superuser
    assert sign_in(client, "jdoe", "django")
    assert current(client).is_superuser


def test_a_new_user_of_the_same_name_is_another_one(jdoe: User, client: Client) -> None:
    assert sign_in(client, "jdoe@NCSU")
    before = current(client)
    UserGroupMember.objects.filter(user=jdoe).delete()
    LocalAuth.objects.filter(user=jdoe).delete()
    jdoe.delete()
    heir = manager("jdoe", "NCSU", GLOBAL)
    assert heir.pk != StaffAccount.objects.get().vcl_user_id
    assert not is_in(client)
    other = Browser()
    assert sign_in(other, "jdoe@NCSU")
    assert current(other) != before
    assert current(other).username == "jdoe@NCSU"
    before.refresh_from_db()
    assert before.username.startswith("jdoe@NCSU (VCL user ")
    assert not is_in(client)


def test_a_user_whom_vcl_renames_stays_who_it_is(jdoe: User, client: Client) -> None:
    assert sign_in(client, "jdoe@NCSU")
    before = current(client)
    User.objects.filter(pk=jdoe.pk).update(unityid="jroe")
    assert is_in(client)
    assert sign_in(client, "jroe@NCSU")
    assert current(client) == before
    assert current(client).username == "jroe@NCSU"
    assert not sign_in(Browser(), "jdoe@NCSU")


def test_two_users_may_swap_names(jdoe: User, client: Client) -> None:
    other = manager("other", "NCSU", GLOBAL, password="0ther")
    for name, password in (("jdoe@NCSU", PASSWORD), ("other@NCSU", "0ther")):
        assert sign_in(Browser(), name, password)
    for user, name in ((jdoe, "swap"), (other, "jdoe"), (jdoe, "other")):
        User.objects.filter(pk=user.pk).update(unityid=name)
    for name, password, user in (("jdoe@NCSU", "0ther", other), ("other@NCSU", PASSWORD, jdoe)):
        assert sign_in(client, name, password)
        assert current(client).staffaccount.vcl_user_id == user.pk
        assert current(client).username == name


def test_two_first_sign_ins_at_one_moment_are_one_account(
    jdoe: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sign_in(Browser(), "jdoe@NCSU")
    read = AccountRows.read
    early = [AccountRows(None, [])]  # what the second one has read before the first was done
    monkeypatch.setattr(AccountRows, "read", lambda *args: early.pop() if early else read(*args))
    assert sign_in(client, "jdoe@NCSU")
    assert not early
    assert StaffUser.objects.count() == StaffAccount.objects.count() == 1


def test_a_django_account_that_gets_the_name_at_that_moment_keeps_it(
    jdoe: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    StaffUser.objects.create_superuser("jdoe@NCSU", password="django")
    read = AccountRows.read
    early = [AccountRows(None, [])]
    monkeypatch.setattr(AccountRows, "read", lambda *args: early.pop() if early else read(*args))
    assert not sign_in(client, "jdoe@NCSU")
    assert not StaffAccount.objects.exists()


# --- Rights, read at each request ------------------------------------------------------------------
def test_rights_are_those_of_the_right(client: Client, site: Site) -> None:
    user = manager("jdoe", "NCSU", OWN)
    assert sign_in(client, "jdoe@NCSU")
    assert current(client).get_all_permissions() == PERMISSIONS
    assert scope_of(current(client)) == Scope(user.affiliation_id)
    for page in PAGES:
        assert client.get(list_url(page)).status_code == 200
    grant(user, GLOBAL)
    assert current(client).get_all_permissions() == PERMISSIONS
    assert scope_of(current(client)) == Scope()


def test_what_can_be_given_is_what_exists() -> None:
    known = {f"{each.content_type.app_label}.{each.codename}" for each in Permission.objects.all()}
    assert known | {"blockalloc.view_decision"} >= PERMISSIONS


def test_a_change_of_affiliation_counts_at_once(jdoe: User, client: Client) -> None:
    assert sign_in(client, "jdoe@NCSU")
    User.objects.filter(pk=jdoe.pk).update(affiliation_id=1)
    assert scope_of(current(client)) == Scope(1)


def test_nothing_comes_from_djangos_tables(jdoe: User, client: Client) -> None:
    assert sign_in(client, "jdoe@NCSU")
    staff = StaffUser.objects.get()
    everything = Permission.objects.all()
    group = Group.objects.create(name="all")
    group.permissions.set(everything)
    staff.groups.add(group)
    staff.user_permissions.set(everything)
    StaffUser.objects.update(is_superuser=True)
    assert current(client).get_all_permissions() == PERMISSIONS
    assert not current(client).has_perm("auth.view_user")
    for page in ("admin:auth_user_changelist", "admin:auth_group_changelist"):
        assert client.get(reverse(page)).status_code == 403
    assert "Authentication and Authorization" not in text(client, INDEX)


def test_two_statements_tell_who_somebody_is(jdoe: User, client: Client) -> None:
    assert sign_in(client, "jdoe@NCSU")
    client.get(INDEX)
    with CaptureQueriesContext(connection) as queries:
        client.get(list_url("blocktime"))
    asked = [
        query["sql"] for query in queries if re.search(r"auth_|staffaccount|localauth|usergrouppriv", query["sql"])
    ]
    assert len(asked) == 2


def _lock(user: User) -> None:
    LocalAuth.objects.filter(user=user).update(lockedout=1)


def _new_password(user: User) -> None:
    passhash = hashlib.sha1(b"new" + SALT.encode()).hexdigest()  # noqa: S324
    LocalAuth.objects.filter(user=user).update(passhash=passhash)


def _new_salt(user: User) -> None:
    LocalAuth.objects.filter(user=user).update(salt="87654321")


def _leave_group(user: User) -> None:
    UserGroupMember.objects.filter(user=user).delete()


def _take_right(user: User) -> None:
    UserGroupPriv.objects.filter(usergroup__usergroupmember__user=user).delete()


def _no_account(user: User) -> None:
    LocalAuth.objects.filter(user=user).delete()


def _deactivate(_user: User) -> None:
    StaffUser.objects.update(is_active=False)


ENDS: list[Callable[[User], None]] = [
    _lock,
    _new_password,
    _new_salt,
    _leave_group,
    _take_right,
    _no_account,
    _deactivate,
]


@pytest.mark.parametrize("end", ENDS)
def test_what_ends_in_vcl_ends_the_session_for_good(end: Callable[[User], None], jdoe: User, client: Client) -> None:
    assert sign_in(client, "jdoe@NCSU")
    groups = list(UserGroup.objects.filter(usergroupmember__user=jdoe))
    auth = LocalAuth.objects.get(user=jdoe)
    assert is_in(client)
    end(jdoe)
    assert not is_in(client)
    for page in PAGES:
        assert client.get(list_url(page)).status_code == 302
    # All as it was before.
    auth.save()
    UserGroupMember.objects.filter(user=jdoe).delete()
    UserGroupPriv.objects.filter(usergroup__in=groups).delete()
    grant(jdoe, OWN)
    StaffUser.objects.update(is_active=True)
    assert not is_in(client)
    other = Browser()
    assert sign_in(other, "jdoe@NCSU")
    assert is_in(other)
    assert not is_in(client)


def test_a_session_of_the_old_password_does_not_come_back_with_the_new_one(jdoe: User, client: Client) -> None:
    """Also if it asked for nothing in the meantime."""
    assert sign_in(client, "jdoe@NCSU")
    _new_password(jdoe)
    other = Browser()
    assert not sign_in(other, "jdoe@NCSU")
    assert sign_in(other, "jdoe@NCSU", "new")
    assert not is_in(client)
    assert is_in(other)


def test_several_sessions_of_one_password_live_side_by_side(jdoe: User, client: Client) -> None:
    other = Browser()
    assert sign_in(client, "jdoe@NCSU")
    assert sign_in(other, "jdoe@NCSU")
    assert is_in(client)
    assert is_in(other)


def test_ended_sessions_write_nothing_more(jdoe: User, client: Client) -> None:
    assert sign_in(client, "jdoe@NCSU")
    _lock(jdoe)
    assert not is_in(client)
    with CaptureQueriesContext(connection) as queries:
        assert not is_in(client)
    assert not [query for query in queries if not query["sql"].startswith("SELECT")]


@pytest.mark.parametrize("column", ["is_active", "is_staff"])
def test_a_superuser_can_keep_an_account_out(column: str, jdoe: User, client: Client) -> None:
    assert sign_in(client, "jdoe@NCSU")
    StaffUser.objects.update(**{column: False})
    assert not is_in(client)
    assert not sign_in(Browser(), "jdoe@NCSU")
    assert not getattr(StaffUser.objects.get(), column)


# --- Passwords -------------------------------------------------------------------------------------
def test_no_password_of_django_can_be_set(jdoe: User, client: Client) -> None:
    assert sign_in(client, "jdoe@NCSU")
    page = reverse("admin:password_change")
    assert page not in client.get(INDEX).content.decode()
    form = {"old_password": PASSWORD, "new_password1": "Tr0ub4dor&3x", "new_password2": "Tr0ub4dor&3x"}
    assert client.get(page).status_code == 403
    assert client.post(page, form).status_code == 403
    assert not StaffUser.objects.get().has_usable_password()
    by_key = reverse("admin:auth_user_password_change", args=[StaffUser.objects.get().pk])
    assert client.post(by_key, {"password1": "Tr0ub4dor&3x", "password2": "Tr0ub4dor&3x"}).status_code in (302, 403)
    assert not StaffUser.objects.get().has_usable_password()


def test_djangos_accounts_can_change_theirs(viewer: Client) -> None:
    assert viewer.get(reverse("admin:password_change")).status_code == 200


def test_a_password_of_django_does_not_stand_for_vcls(jdoe: User, client: Client) -> None:
    """A superuser may set one by mistake: what VCL takes away would stay."""
    assert sign_in(client, "jdoe@NCSU")
    staff = StaffUser.objects.get()
    staff.set_password("django")
    staff.save()
    assert not is_in(client)
    assert not sign_in(client, "jdoe@NCSU", "django")
    assert sign_in(client, "jdoe@NCSU")


def test_the_digest_is_neither_the_hash_nor_made_without_the_key(
    jdoe: User, client: Client, settings: Settings
) -> None:
    assert sign_in(client, "jdoe@NCSU")
    auth = LocalAuth.objects.get(user=jdoe)
    digest = StaffAccount.objects.get().digest
    assert len(digest) == 64
    assert auth.passhash not in digest
    settings.SECRET_KEY = "another"
    assert vcl_accounts.find("jdoe@NCSU").digest != digest


# --- Nobody learns which accounts exist --------------------------------------------------------------
@pytest.mark.usefixtures("no_purge")
def test_every_refusal_takes_the_same_work(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    """Statements, hashes of Django's and of VCL's."""
    manager("known", "NCSU", OWN)
    give_password(make_user("locked", "NCSU"), PASSWORD.encode(), lockedout=1)
    manager("powerless", "NCSU")
    manager("taken", "NCSU", OWN)
    StaffUser.objects.create_superuser("taken@NCSU", password="django")
    manager("inactive", "NCSU", OWN)
    assert sign_in(client, "inactive@NCSU")
    StaffUser.objects.filter(username="inactive@NCSU").update(is_active=False)
    hashes: list[str] = []
    encode = "django.contrib.auth.hashers.MD5PasswordHasher.encode"
    original, compare = MD5PasswordHasher.encode, hmac.compare_digest
    compared: list[int] = []

    def hashed(*args: Any) -> str:
        hashes.append("django")
        return original(*args)

    def compared_with(one: bytes, two: bytes) -> bool:
        compared.append(len(two))
        return compare(one, two)

    monkeypatch.setattr(encode, hashed)
    monkeypatch.setattr("hmac.compare_digest", compared_with)
    seen = {}
    attempts = [
        ("nobody@NCSU", PASSWORD),
        ("known@NCSU", "wrong"),
        ("locked@NCSU", PASSWORD),
        ("locked@NCSU", "wrong"),
        ("powerless@NCSU", PASSWORD),
        ("taken@NCSU", PASSWORD),
        ("taken@NCSU", "wrong"),
        ("inactive@NCSU", PASSWORD),
        ("☃@NCSU", PASSWORD),
        ("known@Nowhere", PASSWORD),
    ]
    for number, (name, password) in enumerate(attempts):
        hashes.clear()
        compared.clear()
        with CaptureQueriesContext(connection) as queries:
            assert not sign_in(Browser(), name, password, peer=f"198.51.100.{number}")
        statements = [query["sql"].replace("`", '"') for query in queries]
        shapes = tuple(" ".join(re.findall(r'(?:FROM|INTO|JOIN|UPDATE) "\w+"', statement)) for statement in statements)
        seen[name, password] = (shapes, tuple(hashes), tuple(compared))
    assert len(set(seen.values())) == 1, seen
    shapes, *_rest = seen["nobody@NCSU", PASSWORD]
    assert sum("localauth" in shape for shape in shapes) == 2


def test_refusals_are_logged_once_with_the_reason(jdoe: User, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    give_password(make_user("locked", "NCSU"), PASSWORD.encode(), lockedout=1)
    manager("powerless", "NCSU")
    reasons = {
        ("nobody@NCSU", PASSWORD): "unknown user",
        ("jdoe@NCSU", "wr0ng-s3cret"): "wrong password",
        ("locked@NCSU", PASSWORD): "locked out",
        ("powerless@NCSU", PASSWORD): "may not manage block allocations",
    }
    for (name, password), reason in reasons.items():
        caplog.clear()
        assert not sign_in(client, name, password)
        (record,) = [record for record in caplog.records if record.name.startswith("blockalloc")]
        assert reason in record.getMessage()
        assert "198.51.100.1" in record.getMessage()
        assert password not in caplog.text


# --- Lock-out ----------------------------------------------------------------------------------------
@pytest.fixture
def few(settings: Settings) -> int:
    """Failures that lock out."""
    settings.VCL_LOCKOUT_FAILURES = 4
    return 4


def code(client: Client, name: str, password: str = PASSWORD) -> str:
    """What the form says: "in", "refused", or "locked out"."""
    form = {"username": name, "password": password}
    response = client.post(reverse("admin:login"), form, REMOTE_ADDR="198.51.100.1")
    if response.status_code == 302:
        client.logout()
        return "in"
    return "locked out" if "Too many" in response.content.decode() else "refused"


def clear_address(client: Client) -> None:
    """End the count of the address, as anybody with an account can."""
    assert code(client, "attacker@NCSU") == "in"


@pytest.mark.parametrize(
    ("one", "other"), [("jdoe", "jdoe@Local"), ("jdoe@local", "JDOE"), ("jdoe@LOCAL", "jdoe@Local")]
)
def test_both_ways_to_write_a_name_have_one_count(few: int, one: str, other: str, client: Client) -> None:
    manager("jdoe", "Local", OWN)
    manager("attacker", "NCSU", OWN)
    for number in range(few):
        assert code(client, (one, other)[number % 2], "wrong") == "refused"
        clear_address(client)
    assert code(client, one) == "locked out"
    assert code(client, other) == "locked out"


def test_other_affiliations_are_others(few: int, jdoe: User, client: Client) -> None:
    manager("attacker", "NCSU", OWN)
    for _ in range(few):
        assert code(client, "jdoe@Local", "wrong") == "refused"
        clear_address(client)
    assert code(client, "jdoe@NCSU") == "in"


def test_a_django_account_gives_no_guesses_at_its_namesake_in_vcl(few: int, client: Client) -> None:
    manager("jdoe", "Local", OWN)
    StaffUser.objects.create_superuser("jdoe", password="django")
    said = []
    for _ in range(few):
        said.append(code(client, "jdoe@Local", "wrong"))
        code(client, "jdoe", "django")
    assert said == ["refused"] * few
    assert code(client, "jdoe@Local") == "locked out"


def test_an_account_of_vcl_gives_no_guesses_at_its_namesake_in_django(few: int, client: Client) -> None:
    manager("jdoe", "Local", OWN)
    StaffUser.objects.create_superuser("jdoe", password="django")
    said = []
    for _ in range(few):
        said.append(code(client, "jdoe", "wrong"))
        code(client, "jdoe@Local")
    assert said == ["refused"] * few
    assert code(client, "jdoe", "django") == "locked out"


def test_a_success_ends_the_counts(few: int, jdoe: User, client: Client) -> None:
    for _ in range(3):
        for _ in range(few - 1):
            assert code(client, "jdoe@NCSU", "wrong") == "refused"
        assert code(client, "jdoe@NCSU") == "in"


def test_the_doors_count_accounts_apart(few: int, client: Client) -> None:
    manager("jdoe", "NCSU", OWN)
    manager("attacker", "NCSU", OWN)
    for _ in range(few):
        assert fault_of(post(TEST, headers=signing_in("jdoe@NCSU", "wrong"), peer="198.51.100.1"))[0] == 3
        clear_address(client)
    assert fault_of(post(TEST, headers=signing_in("jdoe@NCSU"), peer="198.51.100.1"))[0] == 207
    assert code(client, "jdoe@NCSU") == "in"


# --- What the pages say --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("right", "said"),
    [(OWN, "Signed in as jdoe@NCSU , classes of NCSU only"), (GLOBAL, "Signed in as jdoe@NCSU , classes of all")],
)
def test_the_pages_say_who_one_is_and_what_for(right: str, said: str, client: Client) -> None:
    manager("jdoe", "NCSU", right)
    assert sign_in(client, "jdoe@NCSU")
    assert said in text(client, INDEX)
    assert said in text(client, list_url("blocktime"))


def test_names_of_vcl_are_escaped(client: Client) -> None:
    Affiliation.objects.create(name="<b>&Co", dataUpdateText="")
    manager("j<i>", "<b>&Co", OWN)
    assert sign_in(client, "j<i>@<b>&Co")
    body = client.get(INDEX).content.decode()
    assert "<b>&Co" not in body
    assert "j&lt;i&gt;@&lt;b&gt;&amp;Co" in body


def test_the_form_says_how_to_write_a_name(client: Client) -> None:
    assert "Name (VCL: name or name@affiliation)" in text(client, reverse("admin:login"))
