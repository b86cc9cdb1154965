# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from support.modules import run_module, run_unsealing
from support.repositories import SECRET, entry

COMMON = b'loadmodule "rtpengine.so"\nmodparam("auth_db", "password_column", "ha1")\n'
BEFORE = COMMON + b"DBPASS=hunter2hunter2\nlisten=udp:10.0.0.1:5060\n"
AFTER = COMMON + b"DBPASS=changedchanged\nlisten=udp:10.0.0.2:5060\n"


@pytest.fixture
def filled(repository):
    repository.backup(
        [
            (entry("/etc/default/kamailio"), BEFORE),
            (entry("/etc/kamailio/gone.cfg"), b"gone\n"),
            (entry("/etc/kamailio/mode.cfg", mode=0o640, owner="root"), b"same\n"),
            (entry("/etc/kamailio/sound.wav"), b"RIFF\0\0before"),
            (entry("/etc/kamailio/link", "symlink", link_target=b"a"), b""),
        ],
        product="linux",
    )
    repository.backup(
        [
            (entry("/etc/default/kamailio"), AFTER),
            (entry("/etc/kamailio/new.cfg"), b"new\n"),
            (entry("/etc/kamailio/mode.cfg", mode=0o600, owner="kamailio"), b"same\n"),
            (entry("/etc/kamailio/sound.wav"), b"RIFF\0\0after!"),
            (entry("/etc/kamailio/link", "symlink", link_target=b"b"), b""),
        ],
        product="linux",
    )
    return repository


@pytest.fixture
def compare(filled):
    def run(*, diff=False, **options):
        given = {"repository": str(filled.path), "generation": "pbx/linux/2", **options}
        return run_unsealing("generation_diff", given, SECRET, diff=diff)

    return run


def test_what_differs(compare):
    result = compare()
    assert result.get("failed") is not True, result
    assert (result["generation"], result["against"]) == ("pbx/linux/2", "pbx/linux/1")
    assert result["changed"] is False and result["identical"] is False and result["truncated"] is False
    assert result["files"] == [
        {"path": "/etc/default/kamailio", "action": "changed", "metadata": []},
        {"path": "/etc/kamailio/gone.cfg", "action": "removed", "metadata": []},
        {"path": "/etc/kamailio/link", "action": "metadata", "metadata": ["link_target"]},
        {"path": "/etc/kamailio/mode.cfg", "action": "metadata", "metadata": ["mode", "owner"]},
        {"path": "/etc/kamailio/new.cfg", "action": "added", "metadata": []},
        {"path": "/etc/kamailio/sound.wav", "action": "changed", "metadata": []},
    ]
    assert "-listen=udp:10.0.0.1:5060\n" in result["text"] and "+listen=udp:10.0.0.2:5060\n" in result["text"]
    assert "/etc/kamailio/mode.cfg: mode, owner changed\n" in result["text"]
    assert "RIFF" not in result["text"] and "binary, 12 bytes" in result["text"]
    assert "diff" not in result


def test_secrets_are_placeholders(compare):
    text = compare()["text"]
    assert "hunter2" not in text and "changedchanged" not in text
    assert len(set(re.findall(r"<secret:[0-9a-f]{8}>", text))) == 2


def test_placeholders_last_only_with_the_writers_key(compare, filled):
    def placeholders(**options):
        return re.findall(r"<secret:[0-9a-f]{8}>", compare(**options)["text"])

    assert placeholders() != placeholders()
    key = str(filled.writer_key_file)
    assert placeholders(writer_key_file=key) == placeholders(writer_key_file=key)


def test_diff_mode(compare):
    result = compare(diff=True)
    assert result["diff"] == {"prepared": result["text"]}


def test_the_other_way_round(compare):
    result = compare(generation="pbx/linux/1", against="pbx/linux/2")
    assert "+listen=udp:10.0.0.1:5060" in result["text"]


def test_the_same_generation_is_identical(compare):
    result = compare(against="pbx/linux/2")
    assert result["identical"] is True and result["files"] == [] and result["text"] == "" and result["changes"] == []


def test_some_paths(compare):
    result = compare(only_paths=["/etc/kamailio/*.cfg"])
    assert [file["path"][14:] for file in result["files"]] == ["gone.cfg", "mode.cfg", "new.cfg"]


def test_a_bounded_text(compare):
    result = compare(max_lines=3)
    assert result["truncated"] is True and result["text"].count("\n") == 3
    assert compare(max_lines=0)["text"] == ""


def test_a_sensitive_entry_is_never_shown(repository):
    for content in (b"very-private-1\n", b"very-private-2\n"):
        repository.backup([(entry("/etc/thing", sensitive=True), content)], product="linux")
    given = {"repository": str(repository.path), "generation": "pbx/linux/2"}
    text = run_unsealing("generation_diff", given, SECRET)["text"]
    assert "very-private" not in text and "/etc/thing" in text


def test_a_large_content_is_named_only(repository, monkeypatch):
    from ansible_collections.ucops.recovery.plugins.module_utils._module import view

    monkeypatch.setattr(view, "LARGEST_CONTENT", 1000)
    for content in (b"a\n" * 1000, b"b\n" * 1000):
        repository.backup({"/var/big": content}, product="linux")
    given = {"repository": str(repository.path), "generation": "pbx/linux/2"}
    result = run_unsealing("generation_diff", given, SECRET)
    assert result["text"] == "/var/big: changed (file, 2000 bytes and file, 2000 bytes)\n"


def test_the_first_has_nothing_before_it(compare):
    result = compare(generation="pbx/linux/1")
    assert result["error"] == "GenerationMissing" and "against" in result["msg"]


def test_different_products_are_not_compared(filled, compare):
    filled.backup({"/etc/a": b"1"}, product="kamailio")
    result = compare(against="pbx/kamailio/1")
    assert result["error"] == "OptionInvalid" and "not of the same product" in result["msg"]


def test_another_source_can_be_compared(filled, compare):
    filled.backup({"/etc/default/kamailio": BEFORE}, source="sbc", product="linux")
    assert compare(against="sbc/linux/1", only_paths=["/etc/default"])["identical"] is False


def test_a_product_that_this_release_does_not_know(repository):
    for content in (b"password=hunter2hunter2\n", b"password=otherother\n"):
        repository.backup({"/etc/thing.conf": content}, product="newer_product")
    given = {"repository": str(repository.path), "generation": "pbx/newer_product/2"}
    result = run_unsealing("generation_diff", given, SECRET)
    assert result["changes"] == [] and result["identical"] is False
    assert "hunter2" not in result["text"] and "<secret:" in result["text"]


def test_without_a_key(filled):
    result = run_module("generation_diff", {"repository": str(filled.path), "generation": "pbx/linux/2"})
    assert result["error"] == "KeyRequired"


def test_by_digests_alone_nothing_is_opened(filled):
    given = {"repository": str(filled.path), "generation": "pbx/linux/2", "only_digests": True}
    result = run_module("generation_diff", given)
    assert result.get("failed") is not True, result
    assert result["opened"] is False and result["identical"] is False and result["changed_items"] == ["config"]
    assert result["changes"] == [] and result["text"] == "" and result["files"] == []
    same = run_module("generation_diff", {**given, "against": "pbx/linux/2"})
    assert same["identical"] is True and same["changed_items"] == []


def test_by_digests_alone_findings_are_those_of_the_record(repository):
    repository.backup([(entry("/a"), b"a"), (entry("/b", item="gone"), b"b")], release="a 1", counts={"users": 100})
    repository.backup([(entry("/a"), b"a")], release="a 2", counts={"users": 50})
    given = {"repository": str(repository.path), "generation": "pbx/kamailio/2", "only_digests": True}
    found = run_module("generation_diff", given)["findings"]
    assert [(one["grade"], one["rule"]) for one in found] == [
        ("high", "item_gone"),
        ("high", "users_gone"),
        ("medium", "release_changed"),
    ]


def test_what_the_record_counts(repository):
    for counts in ({"servers": 3, "tables": 100, "lines": 9}, {"servers": 2, "tables": 60, "lines": 8, "now:up": 1}):
        repository.backup({"/a": b"a"}, counts=counts)
    given = {"repository": str(repository.path), "generation": "pbx/kamailio/2"}
    for found in (
        run_module("generation_diff", {**given, "only_digests": True})["findings"],
        run_unsealing("generation_diff", given, SECRET)["findings"],
    ):
        assert [(one["grade"], one["rule"], one["text"]) for one in found] == [
            ("high", "count_changed", "3 servers then, 2 now"),
            ("medium", "count_changed", "100 tables then, 60 now"),
        ]


def test_digests_of_different_sources_say_nothing(filled):
    filled.backup({"/a": b"a"}, source="other", product="linux")
    given = {"repository": str(filled.path), "generation": "pbx/linux/2", "against": "other/linux/1"}
    result = run_module("generation_diff", {**given, "only_digests": True})
    assert result["changed_items"] is None and result["identical"] is None


def test_what_has_to_be_looked_at_comes_with_the_difference(repository):
    lines = b"exten => 112,1,Dial(PJSIP/112@psap)\n"
    users = b"root:x:0:0::/root:/bin/sh\n"
    for content, passwd in ((lines, users), (b"", users + b"toor:x:0:0::/root:/bin/sh\n")):
        repository.backup(
            [(entry("/etc/asterisk/extensions.conf"), content), (entry("/etc/passwd"), passwd)],
            product="linux",
            release=f"debian {len(passwd)}",
        )
    given = {"repository": str(repository.path), "generation": "pbx/linux/2"}
    result = run_unsealing("generation_diff", given, SECRET)
    assert result.get("failed") is not True, result
    assert [(one["grade"], one["rule"]) for one in result["findings"]] == [
        ("high", "administrator_changed"),
        ("high", "emergency_route"),
        ("medium", "release_changed"),
    ]
    assert [change["severity"] for change in result["changes"]] == ["high"]
    quiet = run_unsealing("generation_diff", {**given, "emergency_numbers": []}, SECRET)
    assert "emergency_route" not in {one["rule"] for one in quiet["findings"]}


def test_what_cannot_be_looked_into_is_told_by_digest(compare):
    (opaque,) = compare()["opaque"]
    assert opaque["path"] == "/etc/kamailio/sound.wav"
    assert opaque["before"].startswith("12 bytes, digest ") and opaque["before"] != opaque["after"]


def test_rules_that_cannot_be(compare):
    assert compare(users_gone_percent=101)["error"] == "OptionInvalid"
