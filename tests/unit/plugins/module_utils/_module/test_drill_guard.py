# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._module import drill_guard
from ansible_collections.ucops.recovery.plugins.module_utils._module.drill_guard import (
    DrillConditions,
    DrillRefused,
    check_target,
)
from ansible_collections.ucops.recovery.plugins.module_utils._module.isolation_verdict import Attempt
from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe
from ansible_collections.ucops.recovery.plugins.module_utils._transport.base import Transport
from ansible_collections.ucops.recovery.plugins.module_utils._transport.host_keys import HostKey


def key(seed):
    blob = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20" + seed * 32
    return HostKey("ssh-ed25519", blob)


def line(one):
    return f"{one.kind} {base64.b64encode(one.blob).decode()}"


PRODUCTION, SPARE = key(b"p"), key(b"s")
THEN = {"machine_id": "a" * 32, "product_uuid": "u1", "serial": "s1", "hostname": "pbx", "macs": ["02:00:00:00:00:01"]}
NOW = {"machine_id": "b" * 32, "product_uuid": "u2", "serial": "s2", "hostname": "pbx", "macs": ["02:00:00:00:00:02"]}


class Target(Transport):
    def __init__(self, host="192.0.2.9", shown=SPARE):
        self.host, self.shown = host, shown

    def host_key(self):
        return self.shown

    def close(self):
        pass


def conditions(**given):
    known = {"production_host": "192.0.2.1", "production_host_key": line(PRODUCTION), "unreachable": ("198.51.100.1",)}
    return DrillConditions(**{**known, **given})


@pytest.fixture(autouse=True)
def nobody_answers(monkeypatch):
    tried = []

    def attempt(transport, address, port):
        tried.append((address, port))
        return Attempt(address, port, "silent", "silent")

    monkeypatch.setattr(drill_guard, "attempt", attempt)
    return tried


def check(then=None, now=None, target=None, port=22, **given):
    then, now = (default if one is None else one for one, default in ((then, THEN), (now, NOW)))
    return check_target(Probe(identity=then), Probe(identity=now), target or Target(), port, conditions(**given))


def test_another_host_that_is_cut_off(nobody_answers):
    found = check().to_result()
    assert nobody_answers == [("198.51.100.1", 5060)]
    assert found["isolation"] == ["198.51.100.1:5060: tcp silent, udp silent"]
    assert found["identity"] == f"pbx (machine id {'b' * 32})" and found["host_key"].startswith("ssh-ed25519 SHA256:")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("machine_id", "machine id"),
        ("product_uuid", "product UUID"),
        ("serial", "serial number"),
        ("macs", "network card"),
    ],
)
def test_every_one_of_the_identities_tells(name, message, nobody_answers):
    with pytest.raises(DrillRefused, match=message) as caught:
        check(now={**NOW, name: THEN[name]})
    assert "Nothing was touched" in caught.value.hint and nobody_answers == []


def test_the_domain_of_a_directory_tells():
    with pytest.raises(DrillRefused, match="domain SID"):
        check({"domain_sid": "S-1-5-21-1"}, {"domain_sid": "S-1-5-21-1"}, Target(shown=None), None)


def test_its_address_tells():
    with pytest.raises(DrillRefused, match="where the production host is"):
        check(target=Target("192.0.2.1"))
    with pytest.raises(DrillRefused, match="where the production host is"):
        check(target=Target("127.0.0.1"), production_host="localhost")


def test_behind_one_address_the_port_of_ssh_tells_hosts_apart_and_no_other_port_does():
    assert check(target=Target("192.0.2.1"), port=2222)
    with pytest.raises(DrillRefused, match="where the production host is"):
        check(target=Target("192.0.2.1", shown=None), port=1433)


# --- a Windows host: no SSH, known by its MachineGuid ----------------------------------------------------------------
GUID, OTHER = {"machine_id": "a-guid", "hostname": "UC01"}, {"machine_id": "b-guid", "hostname": "UC01"}


def check_windows(now, address="192.0.2.9", **given):
    return check(GUID, now, Target(address, shown=None), None, production_host_key=None, **given)


def test_a_windows_host_is_told_by_its_machine_guid_and_needs_no_ssh_host_key():
    found = check_windows(OTHER).to_result()
    assert (found["identity"], found["host_key"]) == ("UC01 (machine id b-guid)", "")
    with pytest.raises(DrillRefused, match="has the machine id of the host that the generation was made of"):
        check_windows(GUID)
    with pytest.raises(DrillRefused, match="cannot be told from"):
        check_windows({"hostname": "UC02"})


@pytest.mark.parametrize("port", [22, 443, 5986])
def test_a_windows_host_at_the_address_of_production_is_production_whatever_the_ports(port):
    with pytest.raises(DrillRefused, match="where the production host is"):
        check_windows(OTHER, "192.0.2.1", production_port=port)
    with pytest.raises(DrillRefused, match="where the production host is"):
        check_windows(OTHER, "127.0.0.1", production_host="localhost", production_port=port)


def test_its_host_key_tells():
    with pytest.raises(DrillRefused, match="shows the SSH host key of the production host"):
        check(target=Target(shown=PRODUCTION))


def test_a_revoked_key_of_production_tells_too(tmp_path):
    known = tmp_path / "known_hosts"
    known.write_text(f"192.0.2.1 {line(SPARE)}\n@revoked 192.0.2.1 {line(PRODUCTION)}\n")
    with pytest.raises(DrillRefused, match="shows the SSH host key"):
        check(target=Target(shown=PRODUCTION), production_host_key=None, known_hosts_file=str(known))


def test_a_production_host_of_which_no_key_is_known_refuses(tmp_path):
    with pytest.raises(DrillRefused, match="is not known"):
        check(production_host_key=None)
    (tmp_path / "known_hosts").write_text("")
    with pytest.raises(DrillRefused, match="is not known"):
        check(production_host_key=None, known_hosts_file=str(tmp_path / "known_hosts"))


@pytest.mark.parametrize(
    ("then", "now"),
    [({}, NOW), (THEN, {}), ({"hostname": "pbx"}, {"hostname": "spare"}), ({"macs": ["1"]}, {"macs": ["2"]})],
)
def test_what_is_not_known_refuses(then, now):
    with pytest.raises(DrillRefused, match="cannot be told from"):
        check(then, now)


def test_containers_of_one_machine_show_the_same_hardware():
    shared = {**NOW, "product_uuid": "u1", "serial": "s1"}
    assert check(now=shared, shares_hardware=True)
    with pytest.raises(DrillRefused, match="machine id"):
        check(now={**shared, "machine_id": THEN["machine_id"]}, shares_hardware=True)
    nothing_else = {"product_uuid": "u1"}
    with pytest.raises(DrillRefused, match="cannot be told from"):
        check(nothing_else, nothing_else, shares_hardware=True)


@pytest.mark.parametrize(
    ("tcp", "udp"), [("reached", "silent"), ("silent", "reached"), ("unknown (no bash)", "silent")]
)
def test_a_trunk_that_may_be_reached_refuses(monkeypatch, tcp, udp):
    monkeypatch.setattr(drill_guard, "attempt", lambda transport, address, port: Attempt(address, port, tcp, udp))
    with pytest.raises(DrillRefused, match=r"198\.51\.100\.1:5060"):
        check()
    found = check(accept_reachable="a trunk of the laboratory").to_result()
    assert found["isolation"][-1] == "accepted without proof: a trunk of the laboratory"


def test_to_stop_something_it_only_counts_that_it_is_not_production(nobody_answers):
    assert drill_guard.refuse_production(Probe(identity=THEN), Probe(identity=NOW), Target(), 22, conditions()) == SPARE
    with pytest.raises(DrillRefused, match="machine id"):
        drill_guard.refuse_production(Probe(identity=THEN), Probe(identity=THEN), Target(), 22, conditions())
    assert nobody_answers == []


def test_nothing_declared_refuses_unless_that_is_accepted():
    with pytest.raises(DrillRefused, match="not declared what the target must not reach"):
        check(unreachable=())
    assert check(unreachable=(), accept_reachable="no trunk at all").attempts == ()


def test_the_option():
    given = {
        "production_host": "pbx",
        "production_port": 22,
        "production_host_key": None,
        "production_known_hosts_file": None,
        "unreachable": [],
        "accept_reachable": " ",
        "shares_hardware": False,
    }
    made = DrillConditions.of(given, "/known")
    assert made is not None and (made.known_hosts_file, made.accept_reachable) == ("/known", "")
    assert DrillConditions.of(None, "/known") is None
    with pytest.raises(OptionInvalid, match="no address"):
        DrillConditions.of({**given, "unreachable": ["trunk.example.com"]}, None)
