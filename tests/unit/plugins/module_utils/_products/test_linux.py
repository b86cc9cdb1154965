# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import shutil

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._entries import ItemReport
from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe
from ansible_collections.ucops.recovery.plugins.module_utils._products.linux import SYSTEM_CONFIG, Linux
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport

HOSTS = {
    "debian": {
        "etc/os-release": 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
        "etc/debian_version": "12.11\n",
        "etc/passwd": "root:x:0:0::/root:/bin/sh\n",
        "etc/shadow": "root:$6$x$y:1::::::\n",
        "etc/hosts": "127.0.0.1 localhost\n",
        "etc/network/interfaces": "auto eth0\n",
        "etc/netplan/01.yaml": "network: {}\n",
        "etc/cron.d/x": "* * * * * root true\n",
        "etc/nftables.conf": "flush ruleset\n",
        "etc/ssh/sshd_config": "Port 22\n",
        "etc/systemd/system/x.service.d/o.conf": "[Service]\n",
        "etc/timezone": "Europe/Berlin\n",
    },
    "rhel": {
        "etc/os-release": 'ID="rhel"\nVERSION_ID="9.4"\nVERSION="9.4 (Plow)"\n'
        'PRETTY_NAME="Red Hat Enterprise Linux 9.4 (Plow)"\n',
        "etc/passwd": "root:x:0:0::/root:/bin/sh\n",
        "etc/hostname": "pbx\n",
        "etc/sysconfig/network-scripts/ifcfg-eth0": "BOOTPROTO=none\n",
        "etc/NetworkManager/system-connections/lan.nmconnection": "[wifi-security]\npsk=geheim\n",
        "etc/chrony.conf": "pool x\n",
        "etc/firewalld/zones/public.xml": "<zone/>\n",
        "var/spool/cron/root": "@daily true\n",
    },
    "suse": {
        "usr/lib/os-release": 'ID="sles"\nVERSION_ID="15.6"\nPRETTY_NAME="SUSE Linux Enterprise Server 15 SP6"\n',
        "etc/passwd": "root:x:0:0::/root:/bin/sh\n",
        "etc/HOSTNAME": "pbx\n",
        "etc/sysconfig/network/ifcfg-eth0": "STARTMODE=auto\n",
    },
    "busybox": {
        "etc/passwd": "root:x:0:0::/root:/bin/sh\n",
        "etc/resolv.conf": "nameserver 192.0.2.53\n",
        "etc/inittab": "::sysinit:/etc/init.d/rcS\n",
        "etc/crontabs/root": "* * * * * true\n",
        "etc/TZ": "CET-1CEST\n",
    },
}


@pytest.fixture(name="transport")
def _transport():
    with LocalTransport() as transport:
        yield transport


def host(tmp_path, name):
    root = tmp_path / name
    for path, content in HOSTS[name].items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)
    return root


def gather(one, transport):
    contents, reports = {}, {}
    for item in one.items(one.probe(transport)):
        reports[item.name] = ItemReport(item.name)
        for entry, chunks in item.gather(transport, reports[item.name]):
            contents[entry.path] = (entry, b"".join(chunks))
    return contents, reports


def absent(name):
    """Parts of which such a host has nothing; on one kind of host they are gathered all the same."""
    there = {
        part.name for part in SYSTEM_CONFIG for path in part.paths for one in HOSTS[name] if f"/{one}".startswith(path)
    }
    return [] if name == "debian" else [part.name for part in SYSTEM_CONFIG if part.name not in there]


@pytest.mark.parametrize("name", HOSTS)
def test_every_kind_of_host_is_complete_without_options(tmp_path, transport, name):
    one = Linux({"root": str(host(tmp_path, name)), "skip": ["packages", *absent(name)]})
    contents, reports = gather(one, transport)
    required = {item.name for item in one.items(Probe()) if item.required}
    assert all(reports[item].found for item in required)
    assert all(not report.problems for report in reports.values())
    expected = {f"/{path}".encode() for path in HOSTS[name] if "release" not in path and "debian_version" not in path}
    assert expected <= set(contents)
    assert {entry.data_class for entry, _content in contents.values()} == {"system_config"}


@pytest.mark.parametrize(
    ("name", "release", "version"),
    [
        ("debian", "Debian GNU/Linux 12 (bookworm)", "12.11"),
        ("rhel", "Red Hat Enterprise Linux 9.4 (Plow)", "9.4 (Plow)"),
        ("suse", "SUSE Linux Enterprise Server 15 SP6", ""),
        ("busybox", "", ""),
    ],
)
def test_release(tmp_path, transport, name, release, version):
    probe = Linux({"root": str(host(tmp_path, name))}).probe(transport)
    assert (probe.release, probe.version) == (release, version)


def test_no_path_is_in_two_parts():
    paths = [path for part in SYSTEM_CONFIG for path in part.paths]
    assert len(paths) == len(set(paths))
    assert [one for one in paths for other in paths if one != other and one.startswith(other + "/")] == []


def test_system_config_can_be_left_out_as_a_whole_and_in_parts():
    assert [item.name for item in Linux({"system_config": False, "paths": ["/etc/asterisk"]}).items(Probe())] == [
        "etc-asterisk"
    ]
    names = [item.name for item in Linux({"skip": ["users", "packages"]}).items(Probe())]
    assert "users" not in names and "packages" not in names and "network" in names


def test_own_paths_and_commands(tmp_path, transport):
    root = host(tmp_path, "busybox")
    (root / "opt/pbx/cache").mkdir(parents=True)
    (root / "opt/pbx/pbx.conf").write_text("a=1\n")
    (root / "opt/pbx/cache/x").write_text("x")
    (root / "opt/logs").mkdir()
    (root / "opt/logs/cdr.csv").write_text("1;2\n")
    one = Linux(
        {
            "root": str(root),
            "system_config": False,
            "paths": [
                {"path": "/opt/pbx", "exclude": ["cache"], "name": "pbx"},
                {"paths": ["/opt/logs/*.csv"], "data_class": "logs", "required": False},
            ],
            "commands": [
                {"name": "status", "cmd": "printf 'one two\\n%s\\n' done", "sentinel": "done"},
                ["true"],
                {"argv": ["no-such-program-here"], "required": False, "data_class": "voip_config"},
            ],
        }
    )
    items = one.items(Probe())
    assert [(item.name, item.data_class, item.required, item.restorable) for item in items] == [
        ("pbx", "voip_config", True, True),
        ("opt-logs-.csv", "logs", False, True),
        ("status", "system_config", True, False),
        ("true", "system_config", True, False),
        ("no-such-program-here", "voip_config", False, False),
    ]
    contents, reports = gather(one, transport)
    assert set(contents) >= {b"/opt/pbx/pbx.conf", b"/opt/logs/cdr.csv"}
    assert b"/opt/pbx/cache/x" not in contents
    assert contents[b"/@command/status"][1] == b"one two\ndone\n"
    assert not reports["no-such-program-here"].found
    assert reports["status"].problems == []


def test_a_missing_sentinel_is_a_problem(transport):
    one = Linux({"system_config": False, "commands": [{"argv": ["echo", "cut"], "sentinel": "end", "name": "x"}]})
    _contents, reports = gather(one, transport)
    assert reports["x"].problems


def test_services_are_stopped_around_a_backup_when_asked():
    trio = {"name": "pbx", "start": "true", "stop": "true", "status": "true"}
    assert Linux({}).services(Probe()) == []
    assert [one.name for one in Linux({"services": [trio, "cron"]}).services(Probe())] == ["pbx", "cron"]
    assert Linux({"services": [trio]}).services_to_stop_for_backup(Probe()) == []
    stopping = Linux({"services": [trio], "stop_services_for_backup": True})
    assert [one.name for one in stopping.services_to_stop_for_backup(Probe())] == ["pbx"]


@pytest.mark.parametrize(
    ("then", "now", "must"),
    [
        ({"os_id": "debian", "os_version_id": "12"}, {"os_id": "debian", "os_version_id": "12"}, False),
        ({"os_id": "debian", "os_version_id": "12"}, {"os_id": "debian", "os_version_id": "13"}, True),
        ({"os_id": "debian", "os_version_id": "12"}, {"os_id": "ubuntu", "os_version_id": "12"}, True),
        ({}, {"os_id": "debian", "os_version_id": "12"}, False),
    ],
)
def test_release_of_a_restore(then, now, must):
    assert Linux({}).release_must_match(Probe(facts=then), Probe(facts=now)) is must


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"paths": ["etc"]}, "paths must be an absolute path"),
        ({"paths": [{"exclude": ["x"]}]}, "paths must be a list of paths"),
        ({"paths": [{"path": "/x", "data_class": "config"}]}, "data_class must be one of"),
        ({"paths": [{"path": "/x", "name": "../x"}]}, "name must be a name"),
        ({"paths": ["/x", "/x"]}, "Two items are called x"),
        ({"paths": [{"path": "/x", "name": "users"}]}, "Two items are called users"),
        ({"commands": [{"name": "x"}]}, "commands must be a list of commands"),
        ({"commands": [{"argv": ["a"], "cmd": "a"}]}, "commands must be a list of commands"),
        ({"skip": ["nothing"]}, "skip must be one of users"),
        ({"system_config": False}, "nothing to gather"),
        ({"path": ["/x"]}, "Is paths meant"),
    ],
)
def test_options_that_cannot_be(options, told):
    with pytest.raises(OptionInvalid) as caught:
        Linux(options)
    assert told in str(caught.value)


def test_restore_of_a_destroyed_part(tmp_path, transport):
    root = host(tmp_path, "debian")
    one = Linux({"root": str(root)})
    contents, _reports = gather(one, transport)
    shutil.rmtree(root / "etc/network")
    (network,) = [item for item in one.items(Probe()) if item.name == "network"]
    report = ItemReport("network")
    current = []
    for entry, chunks in network.gather(transport, report):
        list(chunks)
        current.append(entry)
    network.restore(transport, [(e, (c,)) for e, c in contents.values() if e.item == "network"], current)
    assert (root / "etc/network/interfaces").read_text() == "auto eth0\n"


def test_each_of_several_named_paths_is_demanded(transport, tmp_path):
    root = host(tmp_path, "debian")
    for paths, missing in (
        (["/etc/hosts", "/etc/gone"], ["/etc/gone"]),
        (["/etc/hosts", "/etc/gone*"], []),
        ([{"path": ["/etc/hosts", "/etc/gone"], "required": False}], []),
    ):
        wanted = paths if isinstance(paths[0], dict) else [{"path": paths}]
        one = Linux({"root": str(root), "system_config": False, "paths": wanted})
        reports = list(gather(one, transport)[1].values())
        assert [problem.path for report in reports for problem in report.problems] == missing
        (item,) = one.items(Probe())
        report = ItemReport(item.name)
        item.measure(transport, report)
        assert [problem.path for problem in report.problems] == missing
