# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._products.starface_advice import (
    ERROR,
    GRADES,
    HINT,
    WARNING,
    advise,
)
from ansible_collections.ucops.recovery.plugins.module_utils._products.starface_config import FINISHES, parse_config
from ansible_collections.ucops.recovery.plugins.module_utils._products.starface_targets import LABELS, SECURITY_MODES

SFTP = {"kind": "sftp", "username": "pbx", "kept_at": "vault", "server": "192.0.2.9", "path": "/incoming"}
SHARE = {
    "kind": "windows_share",
    "username": "LAB\\pbx",
    "kept_at": "vault",
    "server": "192.0.2.8",
    "share": "backup/pbx",
    "security": "ntlmsspi",
}
GOOD = {
    "name": "pbx-berlin",
    "error_report_to": "ops@example.org",
    "interval": "daily",
    "start": "2026-11-30 02:00",
    "targets": [SFTP],
    "finish": "run_and_save",
    "archive_job": {"start": "06:00", "duration": 30},
}


def codes(changed=None):
    return {one.code: one.grade for one in advise(parse_config({**GOOD, **(changed or {})}))}


def test_a_good_configuration_has_hints_at_most():
    assert set(codes().values()) == {HINT}
    assert set(codes()) == {"sftp_host_key", "contents_large"}


@pytest.mark.parametrize(
    ("changed", "code", "grade"),
    [
        # step 1
        ({"other_names": ["pbx-berlin"]}, "name_taken", ERROR),
        ({"name": "pbx/berlin"}, "name_no_folder", ERROR),
        ({"name": " pbx "}, "name_no_folder", ERROR),
        ({"name": ".."}, "name_no_folder", ERROR),
        ({"name": "Default"}, "name_generic", HINT),
        ({"error_report_to": None}, "report_missing", WARNING),
        ({"error_report_to": "ops"}, "report_no_address", ERROR),
        ({"interval": "manual", "start": None}, "interval_manual", WARNING),
        ({"interval": "manual"}, "start_unused", HINT),
        ({"start": None}, "start_missing", ERROR),
        ({"interval": "2w"}, "interval_long", WARNING),
        ({"interval": "hourly", "duration": 90}, "interval_short", ERROR),
        # the archive job
        ({"archive_job": None}, "archive_unknown", HINT),
        ({"archive_job": {"start": "02:30"}}, "archive_overlap", WARNING),
        ({"archive_job": {"start": "01:30"}}, "archive_overlap", WARNING),
        ({"archive_job": {"start": "03:30", "duration": 5}}, "archive_near", HINT),
        ({"interval": "6h", "archive_job": {"start": "20:10"}}, "archive_overlap", WARNING),
        # step 2
        ({"contents": {"master_data": False}}, "contents_no_master_data", ERROR),
        ({"contents": {"announcements": False}}, "contents_no_announcements", WARNING),
        ({"contents": {"cdr_and_voicemail": False}}, "contents_no_cdr", HINT),
        # step 3
        ({"targets": None}, "target_missing", ERROR),
        ({"targets": [{"kind": "local_disk"}]}, "local_disk_alone", ERROR),
        ({"targets": [{"kind": "usb"}]}, "usb_alone", WARNING),
        ({"targets": [{"kind": "mail", "addresses": ["a@example.org"]}]}, "mail_alone", WARNING),
        ({"targets": [{"kind": "usb"}, {"kind": "local_disk"}]}, "no_safe_target", WARNING),
        ({"targets": [{"kind": "usb"}]}, "usb_readable", HINT),
        ({"targets": [{"kind": "local_disk"}]}, "disk_never_pruned", HINT),
        ({"targets": [{"kind": "mail", "addresses": ["a@example.org"]}]}, "mail_readable", WARNING),
        ({"targets": [{"kind": "dropbox"}]}, "dropbox_key", HINT),
        ({"targets": [SFTP]}, "sftp_host_key", HINT),
        ({}, "contents_large", HINT),
        ({"targets": [SFTP, SFTP]}, "target_twice", ERROR),
        ({"targets": [{"kind": "mail"}]}, "mail_no_address", ERROR),
        ({"targets": [{"kind": "mail", "addresses": ["nobody"]}]}, "mail_no_address", ERROR),
        ({"targets": [{"kind": "mail", "addresses": ["a@example.org"]}]}, "mail_large", WARNING),
        ({"targets": [{"kind": "dropbox"}]}, "dropbox_readable", WARNING),
        ({"targets": [{**SFTP, "username": None}]}, "login_user", ERROR),
        ({"targets": [{**SFTP, "kept_at": None}]}, "login_password", WARNING),
        ({"targets": [{**SFTP, "server": None}]}, "server_missing", ERROR),
        ({"targets": [{**SFTP, "server": "backup.example.org"}]}, "server_no_ipv4", ERROR),
        ({"targets": [{**SFTP, "server": "sftp://192.0.2.9"}]}, "server_no_ipv4", ERROR),
        ({"targets": [{**SFTP, "server": "192.0.2.9:2222"}]}, "server_no_ipv4", ERROR),
        ({"targets": [{**SFTP, "server": "2001:db8::1"}]}, "server_no_ipv4", ERROR),
        ({"targets": [{**SFTP, "server": "127.0.0.1"}]}, "server_no_ipv4", ERROR),
        ({"targets": [{**SFTP, "path": None}]}, "sftp_path", ERROR),
        ({"targets": [{**SFTP, "path": "incoming"}]}, "sftp_path", ERROR),
        ({"targets": [{**SFTP, "path": "/a/../b"}]}, "sftp_path", ERROR),
        ({"targets": [{**SHARE, "share": None}]}, "smb_share", ERROR),
        ({"targets": [{**SHARE, "share": "backup\\pbx"}]}, "smb_share", ERROR),
        ({"targets": [{**SHARE, "share": "//192.0.2.8/backup"}]}, "smb_share", ERROR),
        ({"targets": [{**SHARE, "share": "backup/../x"}]}, "smb_share", ERROR),
        ({"targets": [{**SHARE, "password": "a,b"}]}, "smb_password_comma", ERROR),
        ({"targets": [SHARE]}, "smb1_tried", WARNING),
        ({"targets": [{**SHARE, "security": None}]}, "smb_security", ERROR),
        ({"targets": [{**SHARE, "security": "none"}]}, "smb_anonymous", ERROR),
        ({"targets": [{**SHARE, "security": "none"}]}, "smb_user_unused", HINT),
        ({"targets": [{**SHARE, "security": "ntlm"}]}, "smb_old_hash", ERROR),
        ({"targets": [{**SHARE, "security": "ntlmi"}]}, "smb_old_hash", ERROR),
        ({"targets": [{**SHARE, "security": "ntlmv2"}]}, "smb_unsigned", WARNING),
        ({"targets": [{**SHARE, "security": "ntlmssp"}]}, "smb_unsigned", WARNING),
        ({"targets": [{**SHARE, "security": "krb5"}]}, "smb_unsigned", WARNING),
        ({"targets": [{**SHARE, "security": "krb5i"}]}, "smb_kerberos_address", WARNING),
        ({"targets": [{**SHARE, "security": "ntlmv2i"}]}, "smb_other", HINT),
        # step 4
        ({"finish": "run_only"}, "not_saved", ERROR),
        ({"finish": "run_only", "interval": "manual"}, "not_saved", WARNING),
        ({"finish": "save_only"}, "first_run_later", HINT),
        ({"applied_by": "M. Muster"}, "applied_when", HINT),
    ],
)
def test_each_rule(changed, code, grade):
    assert codes(changed).get(code) == grade


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({}, "archive_overlap"),
        ({}, "archive_near"),
        ({"targets": [{**SFTP, "path": "."}]}, "sftp_path"),
        ({"targets": [SHARE]}, "smb_unsigned"),
        ({"targets": [{**SHARE, "security": "none", "username": None}]}, "login_user"),
        ({"targets": [{**SFTP, "password": "a,b"}]}, "smb_password_comma"),
        ({"targets": [{"kind": "local_disk"}, SFTP]}, "local_disk_alone"),
        ({"targets": [{"kind": "usb"}, SHARE]}, "no_safe_target"),
    ],
)
def test_what_is_good_is_not_complained_of(changed, code):
    assert code not in codes(changed)


def test_the_shifted_time_is_told():
    found = advise(parse_config({**GOOD, "archive_job": {"start": "02:30"}}))
    assert "the archive job begins an hour later, at 03:30" in next(
        o.text for o in found if o.code == "archive_overlap"
    )
    found = advise(parse_config({**GOOD, "archive_job": {"start": "01:30"}}))
    assert "the backup begins an hour later, at 03:00" in next(o.text for o in found if o.code == "archive_overlap")


word = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
targets = st.one_of(
    st.builds(
        lambda **given: {"kind": "windows_share", **given},
        username=word,
        password=word,
        server=word | st.ip_addresses(v=4).map(str),
        share=word,
        security=st.sampled_from(sorted(SECURITY_MODES)),
    ),
    st.builds(
        lambda **given: {"kind": "sftp", **given}, username=word, password=word, server=word, path=word | st.just(".")
    ),
    st.builds(lambda addresses: {"kind": "mail", "addresses": addresses}, st.lists(word, max_size=3)),
    st.sampled_from([{"kind": kind} for kind in LABELS]),
)
configs = st.builds(
    lambda **given: given,
    name=word,
    error_report_to=st.none() | word,
    interval=st.sampled_from(["manual", "hourly", "daily", "weekly", "5h", "9w"]),
    start=st.none() | st.just("2026-11-30 02:00"),
    contents=st.fixed_dictionaries(
        {name: st.booleans() for name in ("master_data", "cdr_and_voicemail", "announcements")}
    ),
    targets=st.lists(targets, max_size=4),
    finish=st.sampled_from(sorted(FINISHES)),
    archive_job=st.none() | st.just({"start": "03:00"}),
)


@given(configs)
def test_any_configuration_is_judged_in_order_and_no_password_is_told(raw):
    config = parse_config(raw)
    found = advise(config)
    grades = [GRADES.index(one.grade) for one in found]
    assert grades == sorted(grades)
    marked = {
        **raw,
        "targets": [{**t, "password": "pl4nted,s3cret"} if t.get("password") else t for t in raw["targets"]],
    }
    assert "pl4nted" not in str([one.to_result() for one in advise(parse_config(marked))])


@given(configs)
def test_more_boxes_and_one_safe_target_never_add_an_error(raw):
    before = {one.code for one in advise(parse_config(raw)) if one.grade == ERROR}
    boxes = dict.fromkeys(("master_data", "cdr_and_voicemail", "announcements"), True)
    better = {**raw, "contents": boxes, "targets": [*raw["targets"], {**SFTP, "server": "198.51.100.77"}]}
    assert {one.code for one in advise(parse_config(better)) if one.grade == ERROR} <= before


@given(st.text(max_size=20))
def test_only_an_ipv4_address_is_a_server(text):
    try:
        address = ipaddress.IPv4Address(text)
        fine = not (address.is_loopback or address.is_multicast or address.is_unspecified)
    except ValueError:
        fine = False
    if text and "\0" not in text:
        assert ("server_no_ipv4" not in codes({"targets": [{**SFTP, "server": text}]})) == fine
