# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fake_directory import BASE, FakeDirectory
from support.gathering import Gathering

from ansible_collections.ucops.recovery.plugins.module_utils._entries import Entry, ItemReport
from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    CommandFailed,
    HostileContent,
    OptionInvalid,
    RestoreFailed,
    RestoreRefused,
)
from ansible_collections.ucops.recovery.plugins.module_utils._items.base import Change
from ansible_collections.ucops.recovery.plugins.module_utils._items.directory import (
    DirectoryAttributes,
    default_base,
    is_below,
)
from ansible_collections.ucops.recovery.plugins.module_utils._items.directory_attribute import SavedAttribute
from ansible_collections.ucops.recovery.plugins.module_utils._items.directory_document import ObjectDocument

ATTRIBUTES = (
    SavedAttribute("ectisrv3Lines"),
    SavedAttribute("extensionName", re.compile(r"<?[0-9]+,"), records_others=True, longest=255),
    SavedAttribute("proxyAddresses", re.compile("(?i)sip:"), decides=False),
    SavedAttribute("telephoneNumber", decides=False, lent=True),
)
USERS = f"CN=Users,{BASE}"


def item(**options):
    return DirectoryAttributes(name="attributes", data_class="voip_config", **{"attributes": ATTRIBUTES, **options})


@pytest.fixture(name="fake")
def _fake():
    return FakeDirectory()


@pytest.fixture(name="user")
def _user(fake):
    return fake.add(
        "mueller",
        values={
            "extensionName": [b"<2,x>", b"<1,y>", b"fax"],
            "ectisrv3Lines": [b"b", b"a"],
            "proxyAddresses": [b"SMTP:m@x", b"SIP:m@x"],
            "telephoneNumber": [b"100"],
        },
    )


def path_of(guid):
    return f"/@directory/{guid}.json".encode()


def document_of(guid, attributes, name="mueller"):
    return ObjectDocument(guid, f"CN={name},{USERS}", name, "user", attributes)


def gathered(document, path=None, kind="dump"):
    entry = Entry("attributes", "voip_config", kind, path or path_of(document.guid), extra={"name": document.name})
    return entry, [document.to_bytes()]


def put_back(fake, before, **options):
    """Restore what was gathered before."""
    one = item(**options)
    one.restore(fake, list(before.wanted), Gathering(one, fake).entries)


# --- gathering -------------------------------------------------------------------------------------------------------
def test_one_document_per_object_with_the_values_that_count(fake, user):
    fake.add("bystander", values={"extensionName": [b"fax"], "proxyAddresses": [b"SIP:b@x"], "telephoneNumber": [b"1"]})
    fake.add("nobody")
    fake.add("unit", "unit", values={"ectisrv3Lines": [b"x"]})
    computer = fake.add("PC1$", "computer", values={"ectisrv3Lines": [b"x"]})
    found = Gathering(item(), fake)
    assert set(found.by_path) == {path_of(user), path_of(computer)}
    assert (found.report.found, found.report.notes, found.problems) == (True, {"objects": 2}, {})
    entry, content = found.by_path[path_of(user)]
    document = ObjectDocument.from_bytes(content)
    assert (entry.kind, entry.extra["name"], document.kind, document.dn) == (
        "dump",
        "mueller",
        "user",
        f"CN=mueller,{USERS}",
    )
    assert document.attributes == {
        "ectisrv3Lines": (b"a", b"b"),
        "extensionName": (b"<1,y>", b"<2,x>", b"fax"),
        "proxyAddresses": (b"SIP:m@x",),
        "telephoneNumber": (b"100",),
    }
    assert ObjectDocument.from_bytes(found.by_path[path_of(computer)][1]).kind == "computer"


def test_nothing_of_the_product_s_own_is_nothing_found(fake):
    fake.add("bystander", values={"extensionName": [b"fax"]})
    found = Gathering(item(), fake)
    assert (found.report.found, found.all) == (False, [])
    assert item().only_of_others(fake) == 1


def test_places_and_kinds_limit_what_is_looked_at_and_nothing_comes_twice(fake, user):
    group = fake.add("sales", "group", dn=f"CN=sales,OU=Groups,{BASE}", values={"ectisrv3Lines": [b"x"]})
    both = Gathering(item(base_dns=[BASE, USERS, f"OU=Groups,{BASE}"]), fake)
    assert sorted(path for path in both.by_path) == sorted([path_of(user), path_of(group)])
    assert len(both.all) == 2
    assert set(Gathering(item(base_dns=[USERS]), fake).by_path) == {path_of(user)}
    assert set(Gathering(item(kinds=["groups"]), fake).by_path) == {path_of(group)}


def test_what_others_write_a_move_and_the_order_are_no_change(fake, user):
    def normalised():
        one = item()
        ((entry, content),) = Gathering(one, fake).by_path.values()
        normaliser = one.normaliser(entry)
        return normaliser.feed(content) + normaliser.finish(), entry.extra["values"]

    before = normalised()
    fake.set(user, "extensionName", [b"queue", b"<1,y>", b"<2,x>"])
    fake.move(user, f"CN=Schmidt,OU=New,{BASE}")
    assert normalised() == before
    fake.set(user, "extensionName", [b"<1,z>", b"<2,x>"])
    assert normalised()[0] != before[0] and normalised()[1] != before[1]


def test_a_content_that_is_no_document_is_compared_as_it_is():
    normaliser = item().normaliser(Entry("attributes", "voip_config", "dump", b"/@directory/x"))
    assert normaliser.feed(b"no ") + normaliser.feed(b"document") + normaliser.finish() == b"no document"


def test_a_server_that_is_no_domain_controller_is_told(fake):
    fake.root = {}
    with pytest.raises(CommandFailed, match="no Active Directory domain controller"):
        default_base(fake)
    with pytest.raises(CommandFailed):
        list(item().gather(fake, ItemReport("attributes")))


def test_an_object_whose_guid_may_not_be_read_is_told(fake, user):
    fake.set(user, "objectGUID", [])
    with pytest.raises(CommandFailed, match=f"CN=mueller,{USERS}: The directory does not tell the objectGUID"):
        Gathering(item(), fake)


@pytest.mark.parametrize(
    "options",
    [{"kinds": ["users", "printers"]}, {"kinds": []}, {"attributes": ()}, {"attributes": ATTRIBUTES[2:]}],
)
def test_options_that_cannot_be(options):
    with pytest.raises(OptionInvalid):
        item(**options)


@pytest.mark.parametrize(
    ("dn", "below"),
    [
        (f"CN=x,{USERS}", True),
        (f"cn=X,cn=users,{BASE.lower()}", True),
        (USERS, True),
        (f"CN=x,OU=Other,{BASE}", False),
        (f"CN=x\\,{USERS}", False),
        (f"CN=xCN=Users,{BASE}", False),
    ],
)
def test_below(dn, below):
    assert is_below(dn, USERS) is below


# --- plan and guards -------------------------------------------------------------------------------------------------
def test_the_plan_names_what_will_be_written_and_cleared_and_not_what_only_moved(fake, user):
    group = fake.add("sales", "group", values={"ectisrv3Lines": [b"x"]})
    before = Gathering(item(), fake)
    fake.move(user, f"CN=moved,{BASE}")
    fake.set(group, "ectisrv3Lines", [b"y"])
    newcomer = fake.add("new", values={"ectisrv3Lines": [b"z"]})
    now = Gathering(item(), fake)
    assert item().plan(before.entries, now.entries, {path_of(user)}) == sorted(
        [Change("write", path_of(group)), Change("remove", path_of(newcomer))], key=lambda change: change.path
    )


def test_objects_without_a_place_are_named(fake, user):
    gone = fake.add("gone", values={"ectisrv3Lines": [b"x"]})
    away = fake.add("away", values={"ectisrv3Lines": [b"x"]})
    before = Gathering(item(base_dns=[USERS]), fake)
    del fake.objects[gone]
    fake.move(away, f"CN=away,OU=Other,{BASE}")
    assert item(base_dns=[USERS]).left_out(fake, before.entries) == {
        path_of(gone): "gone is not in the directory any more",
        path_of(away): f"away is now CN=away,OU=Other,{BASE}, not below base_dns",
    }
    assert item().left_out(fake, []) == {}
    fake.objects.pop(user)
    with pytest.raises(RestoreRefused, match="Not one of the 3 objects is there: away is now"):
        item(base_dns=[USERS]).left_out(fake, before.entries)


@pytest.mark.parametrize("path", [b"/etc/passwd", b"/@directory/x.json", b"/@directory/../x.json", b"/@directory/"])
def test_other_paths_are_hostile(fake, user, path):
    document = document_of(user, {"ectisrv3Lines": [b"x"]})
    assert not item().covers(path)
    with pytest.raises(HostileContent):
        item().restore(fake, [gathered(document, path)], [])
    assert fake.modified == []


def test_another_kind_of_entry_is_hostile(fake, user):
    with pytest.raises(HostileContent, match="no document"):
        item().restore(fake, [gathered(document_of(user, {}), kind="file")], [])


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"memberOf": [b"CN=Domain Admins"]}, "memberOf does not belong"),
        ({"unicodePwd": [b"x"], "ectisrv3Lines": [b"x"]}, "unicodePwd does not belong"),
        ({"extensionName": [b"<1," + b"x" * 300 + b">"]}, "such a long value of extensionName"),
    ],
)
def test_another_attribute_or_too_long_a_value_is_hostile_and_nothing_is_written(fake, user, attributes, words):
    good = fake.add("good", values={"ectisrv3Lines": [b"x"]})
    wanted = [gathered(document_of(good, {"ectisrv3Lines": [b"y"]})), gathered(document_of(user, attributes))]
    with pytest.raises(HostileContent, match=words):
        item().restore(fake, wanted, [])
    assert fake.modified == []


def test_a_document_of_another_object_is_hostile(fake, user):
    other = fake.add("other")
    with pytest.raises(HostileContent, match="one of another object"):
        item().restore(fake, [gathered(document_of(other, {}), path_of(user))], [])


@pytest.mark.parametrize("content", [b"{}", b"x" * (17 * 2**20)])
def test_what_is_no_document_is_hostile(fake, user, content):
    entry, _content = gathered(document_of(user, {}))
    with pytest.raises(HostileContent, match="no document of an object"):
        item().restore(fake, [(entry, [content])], [])


def test_an_object_of_another_kind_is_hostile(fake):
    unit = fake.add("unit", "unit")
    with pytest.raises(HostileContent, match="none of the users, groups, computers"):
        item().restore(fake, [gathered(document_of(unit, {"ectisrv3Lines": [b"x"]}))], [])
    group = fake.add("admins", "group")
    with pytest.raises(HostileContent, match="none of the users"):
        item(kinds=["users"]).restore(fake, [gathered(document_of(group, {"ectisrv3Lines": [b"x"]}))], [])


# --- the restore -----------------------------------------------------------------------------------------------------
def test_own_values_come_back_and_those_of_others_stay(fake, user):
    before = Gathering(item(), fake)
    fake.set(user, "extensionName", [b"<1,y>", b"<9,new>", b"queue"])
    fake.set(user, "ectisrv3Lines", [])
    fake.set(user, "proxyAddresses", [b"SMTP:m@x", b"sip:M@x", b"smtp:more@x"])
    fake.set(user, "telephoneNumber", [b"200"])
    fake.move(user, f"CN=Schmidt,OU=New,{BASE}")
    put_back(fake, before)
    assert fake.values(user, "extensionName") == [b"<1,y>", b"<2,x>", b"queue"]
    assert fake.values(user, "ectisrv3Lines") == [b"a", b"b"]
    assert fake.values(user, "proxyAddresses") == [b"SIP:m@x", b"SMTP:m@x", b"smtp:more@x"]
    assert fake.values(user, "telephoneNumber") == [b"100"]
    assert len(fake.modified) == 1
    put_back(fake, before)
    assert len(fake.modified) == 1


def test_what_came_later_is_cleared_but_for_what_is_only_lent(fake, user):
    before = Gathering(item(), fake)
    newcomer = fake.add(
        "new",
        values={
            "extensionName": [b"<1,1>", b"fax"],
            "ectisrv3Lines": [b"x"],
            "proxyAddresses": [b"SMTP:n@x", b"sip:n@x"],
            "telephoneNumber": [b"7"],
        },
    )
    put_back(fake, before)
    assert fake.values(newcomer, "extensionName") == [b"fax"]
    assert fake.values(newcomer, "ectisrv3Lines") == []
    assert fake.values(newcomer, "proxyAddresses") == [b"SMTP:n@x"]
    assert fake.values(newcomer, "telephoneNumber") == [b"7"]
    assert [guid for guid, _changes in fake.modified] == [newcomer]


def test_attributes_that_were_not_looked_at_keep_their_values(fake, user):
    then = item(attributes=ATTRIBUTES[:1])
    before = Gathering(then, fake)
    limited, left = item().limited_to(then.scope())
    assert left == ["extensionName", "proxyAddresses", "telephoneNumber"]
    fake.set(user, "ectisrv3Lines", [b"c"])
    values = {name: fake.values(user, name) for name in left}
    limited.restore(fake, list(before.wanted), Gathering(limited, fake).entries)
    assert {name: fake.values(user, name) for name in left} == values
    assert fake.values(user, "ectisrv3Lines") == [b"a", b"b"]
    assert item().limited_to(item().scope())[1] == []


@pytest.mark.parametrize(
    ("then", "now", "is_seen"),
    [
        ({}, {}, True),
        ({}, {"base_dns": [USERS]}, True),
        ({"base_dns": [BASE]}, {"base_dns": [USERS]}, True),
        ({"base_dns": [USERS]}, {"base_dns": [BASE]}, False),
        ({"base_dns": [USERS]}, {"base_dns": [USERS, f"OU=New,{BASE}"]}, False),
        ({"base_dns": [USERS]}, {}, False),
        ({"kinds": ["users"]}, {}, False),
        ({}, {"kinds": ["users"]}, True),
        ({"attributes": ATTRIBUTES[:1]}, {}, False),
        ({"attributes": ATTRIBUTES[:2]}, {}, True),
    ],
)
def test_an_object_counts_as_new_only_where_all_was_looked_at_that_is_now(then, now, is_seen):
    entry = gathered(document_of("00000000-0000-0000-0000-000000000001", {}))[0]
    assert item(**now).looked_at(item(**then).scope())(entry) is is_seen


def test_a_pattern_that_was_too_narrow_can_be_put_right_afterwards(fake):
    user = fake.add("x", values={"extensionName": [b"<1,y>", b"key=value"]})
    before = Gathering(item(), fake)
    fake.set(user, "extensionName", [])
    wider = dataclasses.replace(ATTRIBUTES[1], own=re.compile(r"<?[0-9]+,|key="))
    put_back(fake, before, attributes=(wider,) + ATTRIBUTES[:1] + ATTRIBUTES[2:])
    assert fake.values(user, "extensionName") == [b"<1,y>", b"key=value"]


def test_an_account_without_the_right_is_told_before_anything_is_touched(fake, user):
    admin = fake.add("admin", values={"ectisrv3Lines": [b"x"]})
    before = Gathering(item(), fake)
    for guid in (user, admin):
        fake.set(guid, "ectisrv3Lines", [b"changed"])
    fake.read_only.add(admin)
    with pytest.raises(RestoreRefused, match="may not write the attributes of admin; nothing was touched") as caught:
        put_back(fake, before)
    assert "AdminSDHolder" in str(caught.value)
    assert fake.modified == []
    fake.set(admin, "ectisrv3Lines", [b"x"])
    put_back(fake, before)
    assert [guid for guid, _changes in fake.modified] == [user]


def test_an_object_that_went_since_the_plan_or_left_its_place_is_refused(fake, user):
    before = Gathering(item(), fake)
    fake.set(user, "ectisrv3Lines", [])
    fake.move(user, f"CN=mueller,OU=Other,{BASE}")
    with pytest.raises(RestoreRefused, match="is not below base_dns any more"):
        put_back(fake, before, base_dns=[USERS])
    fake.objects.pop(user)
    with pytest.raises(RestoreRefused, match="mueller is not in the directory any more"):
        item().restore(fake, list(before.wanted), [])
    with pytest.raises(RestoreRefused, match="There is no OU=Nowhere"):
        item(base_dns=["OU=Nowhere"]).restore(fake, list(before.wanted), [])


def test_a_refusal_in_the_middle_names_the_object_and_how_far_it_came(fake):
    guids = [fake.add(f"u{number}", values={"extensionName": [b"<1,x>"]}) for number in range(3)]
    before = Gathering(item(), fake)
    for guid in guids:
        fake.set(guid, "extensionName", [])
    fake.refuse.add(guids[1])
    with pytest.raises(
        RestoreFailed, match="extensionName of u1 could not be set .*; 1 of 3 objects were changed before"
    ):
        put_back(fake, before)
    assert [fake.values(guid, "extensionName") for guid in guids] == [[b"<1,x>"], [], []]


def test_a_part_of_the_paths_touches_no_other_object(fake, user):
    other = fake.add("other", values={"ectisrv3Lines": [b"x"]})
    before = Gathering(item(), fake)
    for guid in (user, other):
        fake.set(guid, "ectisrv3Lines", [b"changed"])
    now = Gathering(item(), fake)
    wanted = [(entry, content) for entry, content in before.wanted if entry.path == path_of(other)]
    item().restore(fake, wanted, [entry for entry in now.entries if entry.path == path_of(other)])
    assert fake.values(user, "ectisrv3Lines") == [b"changed"]
    assert fake.values(other, "ectisrv3Lines") == [b"x"]


# --- the law of it all -----------------------------------------------------------------------------------------------
own = st.builds(lambda key, value: f"<{key},{value}>".encode(), st.integers(0, 3), st.sampled_from("aAb"))
foreign = st.sampled_from([b"fax", b"queue 7", b"Fax 2"])
held = st.fixed_dictionaries(
    {
        "extensionName": st.lists(st.one_of(own, foreign), unique_by=bytes.lower, max_size=4),
        "ectisrv3Lines": st.lists(st.sampled_from([b"a", b"B", b"\xff"]), unique=True, max_size=3),
        "proxyAddresses": st.lists(st.sampled_from([b"SIP:a", b"sip:b", b"SMTP:c"]), unique_by=bytes.lower, max_size=3),
        "telephoneNumber": st.lists(st.sampled_from([b"1", b"2"]), max_size=1),
    }
)


@given(before=st.lists(held, min_size=3, max_size=3), after=st.lists(held, min_size=3, max_size=3))
def test_whatever_was_and_whatever_became_of_it(before, after):
    fake = FakeDirectory()
    guids = [fake.add(f"u{number}", values=values) for number, values in enumerate(before)]
    then = Gathering(item(), fake)
    for guid, values in zip(guids, after):
        for name, some in values.items():
            fake.set(guid, name, some)
    put_back(fake, then)
    kept = {entry.path: entry.extra["values"] for entry in then.entries}
    assert {entry.path: entry.extra["values"] for entry in Gathering(item(), fake).entries} == kept
    for guid, was, became in zip(guids, before, after):
        extension, proxies = ATTRIBUTES[1], ATTRIBUTES[2]
        for attribute in (extension, proxies):
            others = sorted(value for value in became[attribute.name] if not attribute.owns(value))
            assert [v for v in fake.values(guid, attribute.name) if not attribute.owns(v)] == others
        if path_of(guid) in kept:
            assert fake.values(guid, "telephoneNumber") == was["telephoneNumber"]
        else:
            assert fake.values(guid, "telephoneNumber") == became["telephoneNumber"]
            assert fake.values(guid, "ectisrv3Lines") == []
