# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration of an EJBCA (a stand-in for its REST interface), backed up by real playbooks."""

from __future__ import annotations

import pytest
from support.certificates import Authority
from support.ejbca_stand_in import PLANTED, EjbcaStandIn
from support.playbooks import Controller
from support.repositories import SECRET, TestRepository


class Site:
    """A stand-in, a repository, a controller."""

    def __init__(self, folder, server):
        self.server = server
        self.store = TestRepository.create(folder)
        self.controller = Controller(folder)
        self.defaults = {
            "repository": str(self.store.path),
            "writer_key_file": str(self.store.writer_key_file),
            "source": "ca1",
            "host": server.address,
            "port": server.port,
            "ca_file": server.ca_file,
            "client_certificate_file": server.client(),
            "allowed_signers": self.store.allowed_signers,
            "domain_master_secret": SECRET,
        }

    def play(self, *tasks, arguments=()):
        named = [
            {"name": name, "ucops.recovery.ejbca_configdump_backup": _given({**self.defaults, **options})}
            for name, options in tasks
        ]
        play = self.controller.play(named, *arguments)
        assert PLANTED not in play.output and "planted-code" not in play.output
        assert self.server.complaints == []
        return play


def _given(options):
    return {name: value for name, value in options.items() if value is not None}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ejbca")
    with EjbcaStandIn(folder, address="127.0.23.2") as server:
        yield Site(folder, server)


@pytest.fixture(scope="module")
def before(site):
    return site.play(("first", {}), ("again", {}))


def test_a_dump_is_a_generation_and_the_same_one_is_no_change(site, before):
    assert before.code == 0, before.output
    first = before["first"]
    assert first["changed"] and first["generation"]["id"] == "ca1/ejbca_configdump/1"
    assert first["generation"]["status"] == "complete" and first["generation"]["release"] == "EJBCA 8.3.2"
    assert "no private keys" in first["notes"][0]
    assert not before["again"]["changed"] and before["again"]["generation"]["changed_items"] == []


def test_what_changed_is_told_in_the_words_of_ejbca_without_secrets(site, before):
    site.server.dump["certificate-profiles"]["TLS server"]["Validity"] = "398d"
    site.server.dump["crypto-tokens"]["soft"]["Auth Code"] = "planted-code-88"
    play = site.play(("changed", {}), arguments=("--diff",))
    assert play.code == 0, play.output
    told = {(one["kind"], one["object"], one["after"]) for one in play["changed"]["changes"]}
    assert ("certificate-profiles", "TLS server", "Validity=398d") in told
    assert ("crypto-tokens", "soft") in {one[:2] for one in told}
    assert '+   "Validity": "398d"' in play.output


def test_in_check_mode_nothing_is_written(site, before):
    count = len(list((site.store.path / "commits").rglob("*.json")))
    site.server.dump["admin-roles"]["Auditors"] = {"Members": []}
    play = site.play(("look", {}), arguments=("--check",))
    assert play.code == 0, play.output
    assert play["look"]["changed"] and play["look"]["generation"]["id"] is None
    assert len(list((site.store.path / "commits").rglob("*.json"))) == count


def test_who_may_not_and_what_is_not_there_keep_nothing(site, before, tmp_path):
    count = len(list((site.store.path / "commits").rglob("*.json")))
    strange = Authority(tmp_path)
    (tmp_path / "community").mkdir()
    with EjbcaStandIn(tmp_path / "community", address="127.0.23.3", community=True) as community:
        play = site.play(
            ("wrong authority", {"ca_file": str(strange.file)}),
            ("no client certificate", {"client_certificate_file": None}),
            ("no right", {"client_certificate_file": site.server.client("Auditor")}),
            (
                "community",
                {
                    "host": community.address,
                    "port": community.port,
                    "ca_file": community.ca_file,
                    "client_certificate_file": community.client(),
                },
            ),
        )
    errors = {name: play[name]["error"] for name in ("wrong authority", "no client certificate", "no right")}
    assert errors == {
        "wrong authority": "CertificateRejected",
        "no client certificate": "AuthenticationFailed",
        "no right": "PrivilegeFailed",
    }
    assert play["community"]["error"] == "ItemMissing" and "Enterprise edition" in play["community"]["msg"]
    assert len(list((site.store.path / "commits").rglob("*.json"))) == count


def test_a_dump_that_is_cut_or_hostile_is_partial_and_fails(site, before):
    bad = {
        "cut": b'{"services": {"a": {"x": ',
        "deep": b'{"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        "empty": b"{}",
    }
    for name, body in bad.items():
        site.server.instead = lambda handler, body=body: handler.reply(200, body)
        try:
            play = site.play((name, {}))
        finally:
            site.server.instead = None
        result = play[name]
        assert result["error"] == "BackupIncomplete" and result["generation"]["status"] == "partial", result
        assert result["generation"]["missing"] == ["configdump"]
    site.server.broken = ["CA 'Lost' has no crypto token"]
    try:
        play = site.play(("refused", {}), ("ignored", {"ignore_errors": True}))
    finally:
        site.server.broken = []
    assert "CA 'Lost' has no crypto token" in play["refused"]["msg"]
    assert play["ignored"]["generation"]["status"] == "complete"
