# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the product decides by itself: ways, versions, calls, options. What goes over the network is in
test_starface_rest and in the tests of the modules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    ConnectionFailed,
    OptionInvalid,
    RestoreRefused,
)
from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe
from ansible_collections.ucops.recovery.plugins.module_utils._products.starface import RestoreWishes, Starface
from ansible_collections.ucops.recovery.plugins.module_utils._products.starface_rest import BackupsMissing
from ansible_collections.ucops.recovery.plugins.module_utils._products.starface_ways import StarfaceWays, starface
from ansible_collections.ucops.recovery.plugins.module_utils._transport.base import CommandResult, Transport
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport


class Rest:
    """A REST interface that says what it is told to."""

    def __init__(self, backups=True, version="10.0.2.5", calls=0):
        self._backups, self._version, self._calls = backups, version, calls
        self.closed = False

    def has_backups(self):
        return self._backups

    def version(self):
        if isinstance(self._version, Exception):
            raise self._version
        return self._version

    def active_calls(self):
        return self._calls

    def close(self):
        self.closed = True


class Ssh(Transport):
    """An appliance by SSH: a version file, an Asterisk that is asked."""

    host = "pbx"

    def __init__(self, version=b"9.0.1.2\n", calls=b"", identity=True):
        self._version, self._calls = version, calls
        self.closed = False

    def run(self, argv, **_how):
        if argv[0] == "asterisk":
            if isinstance(self._calls, Exception):
                raise self._calls
            return CommandResult(0, self._calls, b"")
        return CommandResult(1, b"", b"")

    def read_file(self, path):
        if path.endswith(b"/fs-interface/version") and self._version is not None:
            yield self._version
        else:
            raise FileNotFoundError(2, "No such file")

    def list_dir(self, path):
        return []

    def close(self):
        self.closed = True


def ways(rest=None, ssh=None, mode="auto"):
    return StarfaceWays("pbx", rest, ssh, mode)


# --- which way -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("mode", "rest", "ssh", "way"),
    [
        ("auto", Rest(), Ssh(), "rest"),
        ("auto", Rest(backups=False), Ssh(), "ssh_pull"),
        ("auto", None, Ssh(), "ssh_pull"),
        ("rest", Rest(backups=False), Ssh(), "rest"),
        ("ssh_pull", Rest(), Ssh(), "ssh_pull"),
    ],
)
def test_the_way_that_is_taken(mode, rest, ssh, way):
    assert ways(rest, ssh, mode).way == way


def test_a_way_that_is_not_there():
    with pytest.raises(BackupsMissing, match="no other way"):
        assert ways(Rest(backups=False)).way
    for one in (ways(), ways(mode="rest"), ways(Rest(), mode="ssh_pull")):
        with pytest.raises(OptionInvalid):
            assert one.way


def test_all_is_closed():
    rest, ssh = Rest(), Ssh()
    with ways(rest, ssh):
        pass
    assert rest.closed and ssh.closed


def test_another_connection_is_none():
    with pytest.raises(OptionInvalid, match="no connection to a STARFACE"):
        starface(LocalTransport())


# --- what is there ---------------------------------------------------------------------------------------------------
def test_a_probe_by_rest():
    probe = Starface({}).probe(ways(Rest()))
    assert (probe.release, probe.version, probe.facts) == ("STARFACE 10.0", "10.0.2.5", {"way": "rest"})
    assert probe.identity == {"hostname": "pbx"}


def test_a_probe_by_ssh():
    probe = Starface({}).probe(ways(None, Ssh()))
    assert (probe.release, probe.version) == ("STARFACE 9.0", "9.0.1.2")
    assert probe.identity["hostname"] == "pbx"


@pytest.mark.parametrize("version", [None, b"", b"none\n", b"\xff\xfe", b"1\n" * 9000])
def test_a_version_file_that_is_none(version):
    probe = Starface({"release": "9.0"}).probe(ways(None, Ssh(version=version)))
    assert probe.version in ("9.0", "1")


@pytest.mark.parametrize(
    "options",
    [
        {"settle": -1},
        {"settle": True},
        {"max_age_hours": -1},
        {"backup_name": "../x"},
        {"backup_name": ".."},
        {"min_size": 0},
        {"containers": ["rar"]},
        {"data_class": "x"},
        {"boxes": 1},
    ],
)
def test_options_that_cannot_be(options):
    with pytest.raises(OptionInvalid):
        Starface(options)


def test_nobody_gives_options_to_compare():
    assert Starface.for_comparison(Probe()).name == "starface"


# --- versions --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("then", "now", "says", "must"),
    [
        ("STARFACE 10.0", "STARFACE 10.0", None, False),
        ("STARFACE 10.0", "STARFACE 10.1", "minor", False),
        ("STARFACE 9.0", "STARFACE 10.0", "major", True),
        ("STARFACE 10.0", "STARFACE 9.0", "major", True),
        ("9.0", "STARFACE 9.0", None, False),
        ("", "STARFACE 9.0", None, False),
        ("", "", None, False),
    ],
)
def test_which_release_fits(then, now, says, must):
    product = Starface({})
    verdict = product.release_verdict(Probe(release=then), Probe(release=now))
    assert verdict is None if says is None else says in verdict
    assert product.release_must_match(Probe(release=then), Probe(release=now)) is must


@given(st.text(max_size=20), st.text(max_size=20))
def test_no_release_is_too_strange(then, now):
    product = Starface({})
    if product.release_must_match(Probe(release=then), Probe(release=now)):
        assert product.release_verdict(Probe(release=then), Probe(release=now))
    assert product.release_verdict(Probe(release=then), Probe(release=then)) is None


# --- before a restore ------------------------------------------------------------------------------------------------
def refused(product, transport):
    release = Probe(release="STARFACE 10.0")
    return product.refuse_restore(transport, release, release, ["files"])


def wishing(**wishes):
    product = Starface({})
    product.wishes = RestoreWishes(**{"confirm_host": "pbx", **wishes})
    return product


def test_a_restore_that_is_confirmed_and_disturbs_nobody():
    assert refused(wishing(), ways(Rest())) == []


@pytest.mark.parametrize("confirmed", ["", "PBX", "pbx2", "pbx "])
def test_only_the_very_name_confirms(confirmed):
    with pytest.raises(RestoreRefused, match="not confirmed"):
        refused(wishing(confirm_host=confirmed), ways(Rest()))


def test_nothing_to_restore_needs_no_word():
    assert Starface({}).refuse_restore(ways(Rest()), Probe(), Probe(), []) == []


ASTERISK = b"%d active channels\n%d active calls\n12 calls processed\n"


@pytest.mark.parametrize(
    ("calls", "stopped"),
    [(ASTERISK % (0, 0), False), (ASTERISK % (4, 2), True), (b"1 active channel\n1 active call\n", True)],
)
def test_asterisk_is_asked_where_the_interface_does_not_tell(calls, stopped):
    transport = ways(Rest(calls=None), Ssh(calls=calls))
    if stopped:
        with pytest.raises(RestoreRefused, match="would end them"):
            refused(wishing(), transport)
        assert "ends" in refused(wishing(allow_active_calls=True), transport)[0]
    else:
        assert refused(wishing(), transport) == []


@pytest.mark.parametrize("calls", [b"", b"Unable to connect to remote asterisk\n", ConnectionFailed("gone")])
def test_calls_that_nobody_tells_are_a_warning(calls):
    assert "Nobody could be asked" in refused(wishing(), ways(Rest(calls=None), Ssh(calls=calls)))[0]


def test_an_unknown_release_is_a_warning():
    warnings = wishing().refuse_restore(ways(Rest()), Probe(), Probe(release="STARFACE 10.0"), ["files"])
    assert "not known" in warnings[0]


def test_ignore_ip_needs_its_name():
    with pytest.raises(RestoreRefused, match="not published"):
        refused(wishing(ignore_ip=True), ways(Rest()))
    assert wishing(ignore_ip=True, ignore_ip_part="x").wishes.parts == {"x": "true"}


def test_health_is_an_answer():
    product = Starface({})
    assert product.health(ways(Rest()), Probe())[0].ok is True
    assert product.health(ways(Rest(version=ConnectionFailed("gone"))), Probe())[0].ok is False
    assert product.health(ways(None, Ssh()), Probe()) == []


def test_remarks_say_that_it_is_a_credential():
    assert any("password" in remark for remark in Starface({}).remarks(Probe()))
