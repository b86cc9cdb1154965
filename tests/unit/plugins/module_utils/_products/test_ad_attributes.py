# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""UCServer's part of a directory: looked at, gathered, destroyed, put back. The directory is one in memory; the same on
a real domain is in tests/lab."""

from __future__ import annotations

import json

import pytest
from support.fake_directory import BASE, FakeDirectory
from support.gathering import Gathering
from support.store import Store

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    CommandFailed,
    OptionInvalid,
    RestoreFailed,
    RestoreRefused,
)
from ansible_collections.ucops.recovery.plugins.module_utils._products.ad_attributes import AdAttributes
from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport

SCHEMA = ("ectisrv3CTIEnabled", "ectisrv3CTILines", "ectisrv3SchemaVersion", "otherProductLines")
USERS = f"CN=Users,{BASE}"


@pytest.fixture(name="fake")
def _fake():
    fake = FakeDirectory(SCHEMA)
    fake.add(
        "mueller",
        values={
            "ectisrv3SchemaVersion": [b"8"],
            "ectisrv3CTILines": [b"b", b"a"],
            "extensionName": [b"<1,x>", b"fax"],
            "proxyAddresses": [b"SMTP:m@x", b"sip:m@x"],
            "telephoneNumber": [b"100"],
        },
    )
    fake.add("sales", "group", values={"extensionName": [b"<3,1>"]})
    return fake


def guid_of(fake, name):
    return next(guid for guid, (_dn, values) in fake.objects.items() if values.get("sAMAccountName") == [name.encode()])


def test_probe(fake):
    probe = AdAttributes({}).probe(fake)
    assert (probe.release, probe.version) == ("ectisrv3 schema 8", "8")
    assert probe.identity == {"hostname": "lab.example", "domain_sid": "S-1-5-21-1-2-3"}
    assert probe.identity_text() == "lab.example (domain SID S-1-5-21-1-2-3)"
    assert probe.counts == {"users": 1, "groups": 1, "computers": 0}
    assert probe.facts == {
        "domain": "lab.example",
        "forest": "lab.example",
        "schema_attributes": ["ectisrv3CTIEnabled", "ectisrv3CTILines", "ectisrv3SchemaVersion"],
        "used_attributes": ["ectisrv3CTILines", "ectisrv3SchemaVersion"],
        "base_dns": [BASE],
    }
    assert Probe.from_json(json.loads(json.dumps(probe.to_json()))) == probe


def test_a_look_says_the_same_whatever_the_order(fake):
    before = AdAttributes({}).probe(fake)
    fake.objects = dict(reversed(fake.objects.items()))
    assert AdAttributes({}).probe(fake) == before


def test_several_versions_of_the_schema(fake):
    fake.add("schmidt", values={"ectisrv3SchemaVersion": [b"10"]})
    fake.add("broken", values={"ectisrv3SchemaVersion": [b"eight"]})
    probe = AdAttributes({}).probe(fake)
    assert (probe.release, probe.version) == ("ectisrv3 schema 10", "8, 10")


def test_without_schema_extension_the_shared_attributes_are_everything():
    fake = FakeDirectory()
    fake.add("mueller", values={"extensionName": [b"<1,x>"], "proxyAddresses": [b"sip:m@x"]})
    probe = AdAttributes({}).probe(fake)
    assert (probe.release, probe.facts["schema_attributes"]) == ("", [])
    (item,) = AdAttributes({}).items(probe)
    assert [attribute.name for attribute in item.attributes] == ["extensionName", "proxyAddresses"]
    assert len(Gathering(item, fake).all) == 1


def test_options_choose_attributes_kinds_and_places(fake):
    chosen = AdAttributes(
        {
            "proxy_addresses": False,
            "phone_attributes": ["telephoneNumber", "mobile"],
            "object_kinds": "users",
            "base_dns": f"{USERS}; OU=Sales\\;North,{BASE}",
            "schema_prefix": "other",
        }
    )
    fake.add("north", "unit", dn=f"OU=Sales\\;North,{BASE}")
    probe = chosen.probe(fake)
    (item,) = chosen.items(probe)
    assert [attribute.name for attribute in item.attributes] == [
        "otherProductLines",
        "extensionName",
        "telephoneNumber",
        "mobile",
    ]
    assert (item.kinds, item.base_dns) == (["users"], [USERS, f"OU=Sales\\;North,{BASE}"])
    assert probe.counts == {"users": 1}


@pytest.mark.parametrize(
    "options",
    [
        {"base_dns": "Sales"},
        {"base_dns": [""]},
        {"object_kinds": ["printers"]},
        {"object_kinds": []},
        {"extension_name_pattern": "("},
        {"proxy_address_pattern": ""},
        {"schema_prefix": "a*)(cn=*"},
        {"schema_prefix": ""},
        {"phone_attributes": ["memberOf"]},
        {"extension_name": "yes"},
        {"no_such_option": 1},
    ],
)
def test_options_that_cannot_be(options):
    with pytest.raises(OptionInvalid):
        AdAttributes(options)


def test_nothing_left_to_keep_is_told():
    product = AdAttributes({"extension_name": False})
    with pytest.raises(OptionInvalid, match="no attribute that tells"):
        product.items(Probe())


def test_only_directories_and_only_domain_controllers(fake):
    with LocalTransport() as local, pytest.raises(OptionInvalid, match="only known of directories"):
        AdAttributes({}).probe(local)
    fake.root = {}
    with pytest.raises(CommandFailed, match="no Active Directory domain controller"):
        AdAttributes({}).probe(fake)


def test_a_pattern_that_fits_nothing_is_said(fake):
    product = AdAttributes({"extension_name_pattern": "UC:", "schema_prefix": "none"})
    probe = product.probe(fake)
    (check,) = product.validate(fake, probe)
    assert check.ok is None and "2 objects have values, none of which looks like UCServer's" in check.detail
    assert AdAttributes({}).validate(fake, AdAttributes({}).probe(fake)) == []
    empty = FakeDirectory()
    assert AdAttributes({}).validate(empty, AdAttributes({}).probe(empty)) == []


# --- guards ----------------------------------------------------------------------------------------------------------
def test_a_schema_that_lacks_what_is_in_use_refuses_a_restore(fake):
    product = AdAttributes({})
    then = product.probe(fake)
    items = product.items(then)
    assert product.refuse_restore(fake, then, then, items) == []
    bare = FakeDirectory(["ectisrv3CTIEnabled"])
    now = product.probe(bare)
    with pytest.raises(RestoreRefused, match="has no ectisrv3CTILines, ectisrv3SchemaVersion, which the generation"):
        product.refuse_restore(bare, then, now, items)
    assert product.refuse_restore(bare, then, now, []) == []
    unused = Probe(facts={**then.facts, "used_attributes": []})
    assert product.refuse_restore(bare, unused, now, items) == []


def test_a_schema_that_was_extended_since_is_a_warning(fake):
    product = AdAttributes({})
    now = product.probe(fake)
    (warning,) = product.refuse_restore(fake, product.probe(FakeDirectory()), now, [])
    assert "extended since" in warning


@pytest.mark.parametrize(
    ("then", "now", "refused"),
    [("8", "8", False), ("8", "9", True), ("9", "8", True), ("", "9", False), ("8", "", False)],
)
def test_another_version_of_the_schema_is_refused(then, now, refused):
    product = AdAttributes({})
    probes = [Probe(release=f"ectisrv3 schema {version}" if version else "") for version in (then, now)]
    assert (product.release_verdict(*probes) is not None) is refused
    assert product.release_must_match(*probes) is refused


def test_health(fake):
    product = AdAttributes({})
    probe = product.probe(fake)
    assert [check.ok for check in product.health(fake, probe)] == [True, True]
    other = FakeDirectory(["ectisrv3CTIEnabled"])
    other.objects[guid_of(other, "domain")][1]["objectSid"] = [bytes([1, 1, 0, 0, 0, 0, 0, 5, 9, 0, 0, 0])]
    domain, schema = product.health(other, probe)
    assert (domain.ok, schema.ok) == (False, False)
    assert "lacks ectisrv3CTILines" in schema.detail
    bare = FakeDirectory()
    assert [check.name for check in product.health(bare, product.probe(bare))] == ["domain"]


# --- through the store -----------------------------------------------------------------------------------------------
@pytest.fixture(name="store")
def _store(tmp_path):
    with Store(tmp_path) as store:
        yield store


def test_backup_and_restore(fake, store):
    product = AdAttributes({})
    outcome = store.backup(product, fake)
    assert (outcome.gathering.status, outcome.probe.counts["users"]) == ("complete", 1)
    mueller, sales = guid_of(fake, "mueller"), guid_of(fake, "sales")
    fake.set(mueller, "extensionName", [b"queue"])
    assert store.backup(product, fake).changed_items == ["attributes"]
    assert store.backup(product, fake, dry_run=True).content_changed is False
    fake.set(sales, "extensionName", [])
    fake.move(mueller, f"CN=moved,{USERS}")
    restorer = store.restorer(outcome, product, fake)
    result = restorer.run(restorer.plan(look_only=False))
    assert result["restored_items"] == ["attributes"]
    assert fake.values(mueller, "extensionName") == [b"<1,x>", b"queue"]
    assert fake.values(sales, "extensionName") == [b"<3,1>"]
    assert store.restorer(outcome, product, fake).plan(look_only=False).items == []


def test_the_plan_warns_of_who_is_gone_and_the_others_come_back(fake, store):
    product = AdAttributes({})
    outcome = store.backup(product, fake)
    del fake.objects[guid_of(fake, "sales")]
    mueller = guid_of(fake, "mueller")
    fake.set(mueller, "ectisrv3CTILines", [])
    restorer = store.restorer(outcome, product, fake)
    plan = restorer.plan(look_only=False)
    assert plan.warnings == ["attributes: sales is not in the directory any more; it is left out."]
    restorer.run(plan)
    assert fake.values(mueller, "ectisrv3CTILines") == [b"a", b"b"]


def test_a_refusal_in_the_middle_is_rolled_back(fake, store):
    product = AdAttributes({})
    outcome = store.backup(product, fake)
    mueller, sales = guid_of(fake, "mueller"), guid_of(fake, "sales")
    for guid in (mueller, sales):
        fake.set(guid, "extensionName", [b"<9,broken>"])
    restorer = store.restorer(outcome, product, fake)
    plan = restorer.plan(look_only=False)
    # whoever comes second
    changed = []
    modify = fake.modify

    def refuse_the_second(base, changes):
        changed.append(base)
        if len(changed) == 2:
            raise CommandFailed("The directory refuses: busy")
        modify(base, changes)

    fake.modify = refuse_the_second
    with pytest.raises(RestoreFailed, match="1 of 2 objects were changed before.*put back to host/ad_attributes/2"):
        restorer.run(plan)
    assert [fake.values(guid, "extensionName") for guid in (mueller, sales)] == [[b"<9,broken>"]] * 2


def test_an_empty_directory_with_values_of_others_only_can_be_restored(fake, store):
    product = AdAttributes({})
    outcome = store.backup(product, fake)
    mueller = guid_of(fake, "mueller")
    for name in ("extensionName", *SCHEMA):
        fake.set(mueller, name, [b"fax"] if name == "extensionName" else [])
    fake.set(guid_of(fake, "sales"), "extensionName", [])
    restorer = store.restorer(outcome, product, fake)
    restorer.run(restorer.plan(look_only=False))
    assert fake.values(mueller, "extensionName") == [b"<1,x>", b"fax"]
    assert fake.values(mueller, "ectisrv3SchemaVersion") == [b"8"]


# --- SIP addresses of other applications -----------------------------------------------------------------------------
def put_back(store, outcome, product, fake, **options):
    restorer = store.restorer(outcome, product, fake, **options)
    restorer.run(restorer.plan(look_only=False))
    assert store.restorer(outcome, product, fake).plan(look_only=False).items == []


def test_a_sip_address_that_nobody_knows_stays(fake, store):
    """Lync, Teams and others write SIP addresses too."""
    product = AdAttributes({})
    mueller = guid_of(fake, "mueller")
    outcome = store.backup(product, fake)
    fake.set(mueller, "proxyAddresses", [b"SMTP:m@x", b"SIP:m@lync"])
    newcomer = fake.add("new", values={"extensionName": [b"<1,1>"], "proxyAddresses": [b"sip:n@lync", b"SIP:M@x"]})
    put_back(store, outcome, product, fake)
    assert fake.values(mueller, "proxyAddresses") == [b"SIP:m@lync", b"SMTP:m@x", b"sip:m@x"]
    assert fake.values(newcomer, "extensionName") == []
    # of this one the generation tells that it is UCServer's, of somebody else
    assert fake.values(newcomer, "proxyAddresses") == [b"sip:n@lync"]


def test_a_lost_sip_address_is_no_reason_to_touch_another_one(fake, store):
    product = AdAttributes({})
    mueller = guid_of(fake, "mueller")
    outcome = store.backup(product, fake)
    fake.set(mueller, "proxyAddresses", [b"SIP:m@lync", b"SIP:M@X"])
    assert store.backup(product, fake, dry_run=True).content_changed is True
    put_back(store, outcome, product, fake)
    assert fake.values(mueller, "proxyAddresses") == [b"SIP:m@lync", b"sip:m@x"]
    fake.set(mueller, "proxyAddresses", [b"sip:m@x", b"SIP:m@lync", b"SIP:m@teams"])
    assert store.restorer(outcome, product, fake).plan(look_only=False).items == []


def test_what_a_pattern_names_is_put_back_exactly(fake, store):
    product = AdAttributes({"proxy_address_pattern": r"(?i)sip:.*@x$"})
    mueller = guid_of(fake, "mueller")
    outcome = store.backup(product, fake)
    fake.set(mueller, "proxyAddresses", [b"SIP:m@lync", b"sip:other@x"])
    put_back(store, outcome, product, fake)
    assert fake.values(mueller, "proxyAddresses") == [b"SIP:m@lync", b"sip:m@x"]


def test_a_restore_that_fails_takes_back_the_sip_addresses_that_it_gave(fake, store):
    product = AdAttributes({})
    outcome = store.backup(product, fake)
    mueller, sales = guid_of(fake, "mueller"), guid_of(fake, "sales")
    fake.set(mueller, "proxyAddresses", [b"SIP:m@lync"])
    fake.set(sales, "extensionName", [b"<9,broken>"])
    restorer = store.restorer(outcome, product, fake)
    plan = restorer.plan(look_only=False)
    modify, changed = fake.modify, []

    def refuse_the_second(base, changes):
        changed.append(base)
        if len(changed) == 2:
            raise CommandFailed("The directory refuses: busy")
        modify(base, changes)

    fake.modify = refuse_the_second
    with pytest.raises(RestoreFailed, match="put back to host/ad_attributes/2"):
        restorer.run(plan)
    assert fake.values(mueller, "proxyAddresses") == [b"SIP:m@lync"]
    assert fake.values(sales, "extensionName") == [b"<9,broken>"]


def test_a_rollback_takes_away_the_sip_addresses_that_the_change_gave(fake, store):
    product = AdAttributes({})
    outcome = store.backup(product, fake)
    mueller = guid_of(fake, "mueller")
    fake.set(mueller, "proxyAddresses", [b"SMTP:m@x", b"sip:m@new"])
    after = store.backup(product, fake)
    fake.set(mueller, "proxyAddresses", [b"SMTP:m@x", b"sip:m@new", b"SIP:m@lync"])
    restorer = store.restorer(outcome, product, fake, expected=after, confirm_losses=True)
    restorer.run(restorer.plan(look_only=False))
    assert fake.values(mueller, "proxyAddresses") == [b"SIP:m@lync", b"SMTP:m@x", b"sip:m@x"]
