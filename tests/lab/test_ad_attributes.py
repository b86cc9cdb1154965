# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""UCServer's attributes in a real Active Directory domain (Samba): filled, backed up, destroyed, put back.

The schema extension is a stand-in for the vendor's, see ``lab/directory/schema.py``.
"""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from support.certificates import Authority
from support.store import Store

from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask import Masker
from ansible_collections.ucops.recovery.plugins.module_utils._compare.textdiff import ContentChange, content_diff
from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    AuthenticationFailed,
    CommandFailed,
    ConnectionFailed,
    ConnectionLost,
    DeadlineExceeded,
    HostMismatch,
    OptionInvalid,
    RestoreFailed,
    RestoreRefused,
    VersionMismatch,
)
from ansible_collections.ucops.recovery.plugins.module_utils._items.directory import DirectoryAttributes
from ansible_collections.ucops.recovery.plugins.module_utils._products.ad_attributes import AdAttributes
from ansible_collections.ucops.recovery.plugins.module_utils._transport import ldap
from ansible_collections.ucops.recovery.plugins.module_utils._transport.directory import (
    ADD,
    REPLACE,
    Modification,
    by_guid,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.ldap import LdapOptions, LdapTransport
from lab.directory import REALM, SCHEMA_VERSION, Directory, DomainController, Relay, extend_schema

PASSWORD = "Planted-pass-word-7"
SECRET = "planted-voicemail-pin-4711"
FOREIGN = ["fax server: queue 7", "x"]
KEPT = ("extensionName", "proxyAddresses", "ectisrv3CTIEnabled", "ectisrv3CTILines", "ectisrv3LabBinary")
_NUMBERS = itertools.count(1)


@pytest.fixture(name="directory", scope="module")
def _directory(domain: DomainController) -> Iterator[Directory]:
    directory = Directory(domain)
    extend_schema(directory)
    directory.add_user("backup", values={"adminCount": [0]}, password=PASSWORD)
    yield directory
    directory.close()


@dataclass
class Site:
    """A unit of its own in the directory, with UCServer's data in a user, a group and a computer."""

    directory: Directory
    store: Store
    unit: str
    objects: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def product(self) -> AdAttributes:
        return AdAttributes({"base_dns": self.unit, **self.options})

    def transport(self, **options: Any) -> LdapTransport:
        domain = self.directory.domain
        admin = {"username": f"Administrator@{REALM}", "password": domain.password}
        return LdapTransport(LdapOptions(**{"host": domain.address, "ca_file": domain.ca_file, **admin, **options}))

    def state(self) -> dict[tuple[str, str], list[bytes]]:
        """The values of every object, as the administrator sees them."""
        return {
            (name, attribute): self.directory.values(guid, attribute)
            for name, guid in self.objects.items()
            for attribute in (*KEPT, "telephoneNumber")
        }


@pytest.fixture(name="site")
def _site(directory: Directory, tmp_path: pathlib.Path) -> Iterator[Site]:
    unit = directory.add_unit(f"unit {next(_NUMBERS)}")
    number = next(_NUMBERS)
    with Store(tmp_path) as store:
        site = Site(directory, store, unit)
        site.objects = {
            "user": directory.add_user(
                f"mueller{number}",
                unit,
                {
                    "extensionName": ["<1,1>", "<12,+49 30 1>", *FOREIGN],
                    "proxyAddresses": ["SMTP:m@lab.example", "SIP:m@lab.example"],
                    "ectisrv3CTIEnabled": [1],
                    "ectisrv3SchemaVersion": [SCHEMA_VERSION],
                    "ectisrv3CTILines": ["line b", "line a", "Büro"],
                    "ectisrv3LabBinary": [b"\0\xff\x80", b"\1"],
                    "ectisrv3LabPassword": [SECRET],
                    "telephoneNumber": ["+49 30 100"],
                },
            ),
            "group": directory.add_group(f"sales{number}", unit, {"extensionName": ["<3,x>"]}),
            "computer": directory.add_computer(f"PC{number}", unit, {"ectisrv3CTIEnabled": [1]}),
            "bystander": directory.add_user(f"other{number}", unit, {"extensionName": FOREIGN}),
        }
        yield site


def destroy(site: Site) -> None:
    """What a broken migration does: values gone, changed, added; a user moved and renamed."""
    directory, objects = site.directory, site.objects
    directory.set(objects["user"], "extensionName", [FOREIGN[0], "<1,0>", "added since by another application"])
    directory.set(
        objects["user"],
        "proxyAddresses",
        ["SMTP:m@lab.example", "sip:M@lab.example", "SIP:m@lync.example", "smtp:new@lab.example"],
    )
    directory.set(objects["user"], "ectisrv3CTIEnabled", [0])
    directory.set(objects["user"], "ectisrv3CTILines", [])
    directory.set(objects["user"], "ectisrv3LabBinary", [b"\2"])
    directory.set(objects["group"], "extensionName", [])
    directory.set(objects["computer"], "ectisrv3CTIEnabled", [])
    inner = directory.add_unit("moved", site.unit)
    directory.move(objects["user"], f"Müller-Lüdenscheidt, {next(_NUMBERS)}".replace(",", "\\,"), inner)


# --- backup and restore ----------------------------------------------------------------------------------------------
def test_destroyed_values_come_back_and_what_others_wrote_stays(site: Site) -> None:
    directory, objects = site.directory, site.objects
    with site.transport() as transport:
        probe = site.product.probe(transport)
        assert probe.counts == {"users": 1, "groups": 1, "computers": 1}
        assert probe.release == f"ectisrv3 schema {SCHEMA_VERSION}"
        assert probe.facts["domain"] == REALM.lower() and "ectisrv3CTILines" in probe.facts["schema_attributes"]
        outcome = site.store.backup(site.product, transport)
        assert outcome.gathering.status == "complete"
        assert len(site.store.contents(outcome)) == 3
        assert site.store.backup(site.product, transport).content_changed is False
        before = site.state()

        destroy(site)
        objects["newcomer"] = directory.add_user(
            f"new{next(_NUMBERS)}", site.unit, {"extensionName": ["<1,1>", "y"], "telephoneNumber": ["7"]}
        )
        plan = site.store.restorer(outcome, site.product, transport).plan(look_only=True)
        assert {change.action for change in plan.changes["attributes"]} == {"write", "remove"}
        assert len(plan.changes["attributes"]) == 4

        restorer = site.store.restorer(outcome, site.product, transport)
        result = restorer.run(restorer.plan(look_only=False))
        assert [check["ok"] for check in result["checks"]] == [True, True]
        after = site.state()
        mixed = {("user", "extensionName"), ("user", "proxyAddresses")}
        assert {key: after[key] for key in before if key not in mixed} == {
            key: values for key, values in before.items() if key not in mixed
        }
        others = [FOREIGN[0].encode(), b"added since by another application"]
        assert after["user", "extensionName"] == sorted([*others, b"<1,1>", b"<12,+49 30 1>"])
        assert after["user", "proxyAddresses"] == [
            b"SIP:m@lab.example",
            b"SIP:m@lync.example",
            b"SMTP:m@lab.example",
            b"smtp:new@lab.example",
        ]
        assert after["newcomer", "extensionName"] == [b"y"] and after["newcomer", "telephoneNumber"] == [b"7"]
        assert "OU=moved" in directory.dn(objects["user"])

        again = site.store.restorer(outcome, site.product, transport).plan(look_only=False)
        assert again.items == [] and again.warnings == []


def test_phone_numbers_come_back_only_when_they_are_named(site: Site) -> None:
    site.options = {"phone_attributes": "telephoneNumber"}
    with site.transport() as transport:
        outcome = site.store.backup(site.product, transport)
        site.directory.set(site.objects["user"], "telephoneNumber", ["0"])
        restorer = site.store.restorer(outcome, site.product, transport)
        restorer.run(restorer.plan(look_only=False))
        assert site.directory.values(site.objects["user"], "telephoneNumber") == [b"+49 30 100"]


def test_objects_that_are_gone_are_named_and_all_others_come_back(site: Site) -> None:
    directory, objects = site.directory, site.objects
    with site.transport() as transport:
        outcome = site.store.backup(site.product, transport)
        name = directory.dn(objects["group"]).partition(",")[0].removeprefix("CN=")
        directory.delete(objects.pop("group"))
        directory.move(objects["computer"], f"away{next(_NUMBERS)}", f"CN=Computers,{directory.base}")
        directory.set(objects["user"], "ectisrv3CTILines", [])
        directory.set(objects["computer"], "ectisrv3CTIEnabled", [0])
        restorer = site.store.restorer(outcome, site.product, transport)
        plan = restorer.plan(look_only=False)
        told = "\n".join(plan.warnings)
        assert f"{name} is not in the directory any more; it is left out" in told
        assert "not below base_dns; it is left out" in told and len(plan.warnings) == 2
        restorer.run(plan)
        assert len(directory.values(objects["user"], "ectisrv3CTILines")) == 3
        assert directory.values(objects["computer"], "ectisrv3CTIEnabled") == [b"0"]
        directory.delete(objects.pop("user"))
        directory.delete(objects.pop("computer"))
        with pytest.raises(RestoreRefused, match="Not one of the 3 objects is there"):
            site.store.restorer(outcome, site.product, transport).plan(look_only=False)


def test_sixteen_hundred_values_of_one_attribute_and_more_objects_than_a_page(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ldap, "PAGE", 50)
    values = [f"<{number},value {number}>" for number in range(1600)]
    site.directory.set(site.objects["user"], "extensionName", [*values, *FOREIGN])
    crowd = [
        site.directory.add_user(f"crowd{next(_NUMBERS)}", site.unit, {"extensionName": ["<1,1>"]})
        for _each in range(120)
    ]
    with site.transport() as transport:
        outcome = site.store.backup(site.product, transport)
        assert len(site.store.contents(outcome)) == 123
        site.directory.set(site.objects["user"], "extensionName", FOREIGN)
        site.directory.set(crowd[-1], "extensionName", [])
        restorer = site.store.restorer(outcome, site.product, transport)
        restorer.run(restorer.plan(look_only=False))
    kept = site.directory.values(site.objects["user"], "extensionName")
    assert kept == sorted(value.encode() for value in [*values, *FOREIGN])
    assert site.directory.values(crowd[-1], "extensionName") == [b"<1,1>"]


# --- guards ----------------------------------------------------------------------------------------------------------
def test_a_schema_without_the_attributes_of_the_generation_is_refused(site: Site) -> None:
    with site.transport() as transport:
        outcome = site.store.backup(site.product, transport)
        site.options = {"schema_prefix": "another"}
        site.directory.set(site.objects["user"], "ectisrv3CTILines", [])
        with pytest.raises(RestoreRefused, match=r"has no ectisrv3CTIEnabled, .*which the generation holds"):
            site.store.restorer(outcome, site.product, transport).plan(look_only=False)


def test_another_version_of_the_schema_and_another_domain_are_refused(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with site.transport() as transport:
        outcome = site.store.backup(site.product, transport)
        site.directory.set(site.objects["user"], "ectisrv3SchemaVersion", [SCHEMA_VERSION + 1])
        with pytest.raises(VersionMismatch, match=f"schema {SCHEMA_VERSION}, .*schema {SCHEMA_VERSION + 1}"):
            site.store.restorer(outcome, site.product, transport).plan(look_only=False)
        product = site.product
        probe = product.probe(transport)
        probe.identity["domain_sid"] = "S-1-5-21-1-2-3"
        monkeypatch.setattr(product, "probe", lambda _transport: probe)
        with pytest.raises(HostMismatch, match="domain SID"):
            site.store.restorer(outcome, product, transport).plan(look_only=False)


def test_an_account_may_write_what_was_delegated_and_otherwise_nothing_is_touched(site: Site) -> None:
    account = f"backup@{REALM}"
    with site.transport(username=account, password=PASSWORD) as transport:
        outcome = site.store.backup(site.product, transport)
        assert outcome.gathering.status == "complete"
        destroy(site)
        broken = site.state()
        restorer = site.store.restorer(outcome, site.product, transport)
        with pytest.raises(RestoreFailed, match=r"may not write the attributes of .* and .*was put back|nothing was"):
            restorer.run(restorer.plan(look_only=False))
        assert site.state() == broken
        guid = site.directory.guid(f"CN=backup,CN=Users,{site.directory.base}")
        probe = site.product.probe(transport)
        needed = ["extensionName", "proxyAddresses", *probe.facts["schema_attributes"]]
        site.directory.delegate(guid, site.unit, needed)
    with site.transport(username=account, password=PASSWORD) as transport:
        restorer = site.store.restorer(outcome, site.product, transport)
        restorer.run(restorer.plan(look_only=False))
        assert len(site.directory.values(site.objects["user"], "ectisrv3CTILines")) == 3
        with pytest.raises(CommandFailed, match="no right"):
            transport.modify(by_guid(site.objects["user"]), [Modification(REPLACE, "telephoneNumber", [b"1"])])


def refusal(site: Site, **options: Any) -> str:
    """How a connection with these options fails."""
    with site.transport(**options) as transport, pytest.raises(ConnectionFailed) as caught:
        site.product.probe(transport)
    return str(caught.value)


# --- bad days --------------------------------------------------------------------------------------------------------
def test_wrong_password_unknown_authority_wrong_name_and_no_tls(site: Site, tmp_path: pathlib.Path) -> None:
    domain = site.directory.domain
    with site.transport(password="not this one") as transport:
        with pytest.raises(AuthenticationFailed, match="wrong password") as caught:
            site.product.probe(transport)
        assert "not this one" not in str(caught.value) + repr(transport._options)
    strangers = [str(Authority(tmp_path, name).file) for name in ("Authority for tests", "another")]
    for security, ca_file in itertools.product(("ldaps", "starttls"), (*strangers, None)):
        assert "authority (CA) that is not trusted" in refusal(site, security=security, ca_file=ca_file)
    with Relay(domain.address, 636) as relay:
        assert "not made for the name localhost" in refusal(site, host="localhost", port=relay.port)
    with pytest.raises(OptionInvalid, match="never reached without TLS"):
        site.transport(security="plain")
    assert "does not speak TLS" in refusal(site, port=389)


def test_starttls_serves_as_well(site: Site) -> None:
    with site.transport(security="starttls") as transport:
        assert site.store.backup(site.product, transport).gathering.status == "complete"


@pytest.mark.parametrize("how", ["cut", "hang"])
def test_a_domain_controller_that_goes_in_mid_search_is_one_clear_error(site: Site, how: str) -> None:
    site.directory.set(site.objects["user"], "extensionName", [f"<{number},{'x' * 200}>" for number in range(800)])
    with (
        Relay(site.directory.domain.address, 636) as relay,
        site.transport(host="127.0.0.1", port=relay.port, silence_timeout=2) as transport,
    ):
        product = site.product
        probe = product.probe(transport)
        (relay.cut_after if how == "cut" else relay.hang_after)(20_000)
        (item,) = product.items(probe)
        assert isinstance(item, DirectoryAttributes)
        with pytest.raises(ConnectionLost) as caught:
            list(item.objects(transport))
        assert isinstance(caught.value, DeadlineExceeded) is (how == "hang")


def test_a_restore_that_is_cut_off_is_rolled_back(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        Relay(site.directory.domain.address, 636) as relay,
        site.transport(host="127.0.0.1", port=relay.port) as transport,
    ):
        outcome = site.store.backup(site.product, transport)
        destroy(site)
        broken = site.state()
        restorer = site.store.restorer(outcome, site.product, transport)
        plan = restorer.plan(look_only=False)
        modify, calls = transport.modify, itertools.count(1)

        def cut_at_the_second(base: str, changes: Any) -> None:
            if next(calls) == 2:
                relay.cut_after(0)
            modify(base, changes)

        monkeypatch.setattr(transport, "modify", cut_at_the_second)
        with pytest.raises(
            RestoreFailed, match=r"1 of 3 objects were changed before.*put back to host/ad_attributes/2"
        ):
            restorer.run(plan)
    assert site.state() == broken


def test_a_domain_controller_that_dies_in_a_restore_leaves_it_open_until_one_is_done(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain = site.directory.domain
    with site.transport() as transport:
        outcome = site.store.backup(site.product, transport)
        before = site.state()
        site.directory.set(site.objects["user"], "ectisrv3CTILines", [])
        site.directory.set(site.objects["group"], "extensionName", [])
        restorer = site.store.restorer(outcome, site.product, transport)
        plan = restorer.plan(look_only=False)
        modify, calls = transport.modify, itertools.count(1)

        def die_at_the_second(base: str, changes: Any) -> None:
            if next(calls) == 2:
                domain.stop()
            modify(base, changes)

        monkeypatch.setattr(transport, "modify", die_at_the_second)
        with pytest.raises(RestoreFailed, match=r"1 of 2 objects were changed before.* back failed too.*needs you"):
            restorer.run(plan)
    domain.start()
    site.directory.connect()
    assert site.state() != before
    with site.transport() as transport:
        assert len(site.store.backup(site.product, transport).open_restores) == 1
        restorer = site.store.restorer(outcome, site.product, transport)
        restorer.run(restorer.plan(look_only=False))
        assert site.state() == before
        assert site.store.backup(site.product, transport).open_restores == []


def test_a_change_that_the_directory_refuses_leaves_no_half_state(site: Site) -> None:
    with site.transport() as transport:
        with pytest.raises(CommandFailed) as caught:
            transport.modify(
                by_guid(site.objects["user"]),
                [
                    Modification(ADD, "extensionName", [b"<99,ok>"]),
                    Modification(ADD, "extensionName", [b"<98," + b"x" * 252 + b">"]),
                ],
            )
        assert "xxx" not in str(caught.value)
    assert b"<99,ok>" not in site.directory.values(site.objects["user"], "extensionName")


# --- what is shown ---------------------------------------------------------------------------------------------------
def test_a_difference_names_users_and_attributes_and_hides_secrets(site: Site) -> None:
    with site.transport() as transport:
        first = site.store.backup(site.product, transport)
        destroy(site)
        site.directory.set(site.objects["user"], "ectisrv3LabPassword", [f"{SECRET}-2"])
        second = site.store.backup(site.product, transport)
        assert second.changed_items == ["attributes"]
    old, new = site.store.contents(first), site.store.contents(second)
    masker = Masker(b"k" * 32)
    changes = site.product.semantic(old, new, masker)
    told = [str(change) for change in changes]
    assert any("ectisrv3CTIEnabled changed: 1 -> 0" in line for line in told)
    assert any(line.startswith("group sales") and "removed" in line for line in told)
    shown = "\n".join(told)
    for path in {*old, *new}:
        change = ContentChange(path, old.get(path), new.get(path))
        shown += content_diff(change, masker, site.product.mask_rules(path)).text
    assert "<secret:" in shown and "ectisrv3LabPassword" in shown and SECRET not in shown
    assert "+49 30 1" not in shown.replace("+49 30 100", "")


# --- Kerberos --------------------------------------------------------------------------------------------------------
def test_a_ticket_opens_the_directory(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gssapi", reason="the Python library gssapi is not installed: it is built for minutes")
    domain = site.directory.domain
    monkeypatch.setenv("KRB5_CONFIG", domain.krb5_config)
    controller = site.directory.guid(f"CN=DC1,OU=Domain Controllers,{site.directory.base}")
    site.directory.add_values(controller, "servicePrincipalName", [f"ldap/{domain.address}"])
    ticket = domain.ticket("backup", PASSWORD)
    options = {"security": "kerberos", "username": None, "password": None}
    with site.transport(**options, kerberos_cache_file=ticket) as transport:
        assert site.store.backup(site.product, transport).gathering.status == "complete"
    assert "no Kerberos ticket" in refusal(site, **options, kerberos_cache_file=f"{ticket}-none")
