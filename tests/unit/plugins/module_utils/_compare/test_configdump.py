# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two dumps of EJBCA's configuration in the words of EJBCA."""

from __future__ import annotations

import json

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._compare.configdump import (
    TOPICS,
    changes,
    normal,
    objects,
)
from ansible_collections.ucops.recovery.plugins.module_utils._compare.findings import Rules, graded
from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask import Masker
from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask_rules import JSON
from ansible_collections.ucops.recovery.plugins.module_utils._compare.semantic import HIGH
from ansible_collections.ucops.recovery.plugins.module_utils._compare.textdiff import ContentChange, content_diff

MASKER = Masker(b"k" * 32)
CA = {"Subject DN": "CN=Root,O=Müller", "Validity": "10y"}


def dump(**groups):
    return json.dumps({name.replace("_", "-"): group for name, group in groups.items()}).encode()


def told(old, new):
    return [str(change) for change in changes(old, new, MASKER)]


def test_objects_by_type_and_name():
    group = {"Root": CA}
    assert objects({"certification-authorities": group, "validators": {}}) == {"certification-authorities": group}


def test_a_list_of_named_objects_and_a_single_one():
    found = objects({"ct-logs": [{"Name": "a"}, {"Name": "a"}, "x"], "ocsp-configuration": {"extensions": []}})
    assert list(found["ct-logs"]) == ["a", "a #2", "#3"]
    assert found["ocsp-configuration"] == {"": {"extensions": []}}


@pytest.mark.parametrize("value", [[], "x", None, {"errors": ["no"], "warnings": []}])
def test_what_is_no_dump(value):
    with pytest.raises(ValueError, match="it is "):
        objects(value)


def test_what_came_went_and_changed():
    old = dump(certificate_profiles={"TLS": {"Validity": "1y", "Usage": ["a", "b"]}, "old": {"x": 1}})
    new = dump(certificate_profiles={"TLS": {"Validity": "2y", "Usage": ["a", "b"]}, "new": {"x": 1}})
    assert told(old, new) == [
        "certificate-profiles TLS changed: Validity=1y -> Validity=2y",
        "certificate-profiles new added: x=1",
        "certificate-profiles old removed: x=1",
    ]
    assert told(None, new)[0].startswith("certificate-profiles TLS added")
    assert told(new, new) == []


def test_what_decides_who_may_what_and_a_lost_authority_are_high():
    role = {"Super": {"Members": [{"Value": "SuperAdmin"}]}}
    other = {"Super": {"Members": [{"Value": "Mallory"}]}}
    found = changes(
        dump(admin_roles=role, certification_authorities={"Root": CA, "Sub": CA}),
        dump(admin_roles=other, certification_authorities={"Root": CA, "New": CA}),
        MASKER,
    )
    found, _findings = graded(found, TOPICS, Rules())
    assert {(one.kind, one.object, one.severity == HIGH) for one in found} == {
        ("admin-roles", "Super", True),
        ("certification-authorities", "Sub", True),
        ("certification-authorities", "New", False),
    }
    assert "Members/0/Value=Mallory" in str(found[0])


def test_a_secret_changes_and_is_not_shown():
    shown = told(
        dump(crypto_tokens={"soft": {"Auth Code": "planted-1", "Properties": {"pin": [{"x": "planted-2"}]}}}),
        dump(crypto_tokens={"soft": {"Auth Code": "planted-3", "Properties": {"pin": [{"x": "planted-4"}]}}}),
    )
    assert len(shown) == 1 and "planted" not in shown[0] and shown[0].count("<secret:") == 4


def test_long_texts_that_differ_at_their_end_differ():
    (one,) = told(dump(services={"s": {"x": "a" * 300 + "1"}}), dump(services={"s": {"x": "a" * 300 + "2"}}))
    assert len(one) < 600


def test_a_name_that_would_draw_in_a_terminal():
    (one,) = told(dump(), dump(services={"\x1b[31mred": {"x": "\x1b]0;title"}}))
    assert "\x1b" not in one


def test_the_normal_form_sorts_names_and_named_objects_and_no_other_list():
    one = b'{"b": [{"Name": "2"}, {"Name": "1"}], "a": ["y", "x"]}'
    other = b'{"a":["y","x"],"b":[{"Name":"1"},{"Name":"2"}]}'
    assert normal(one) == normal(other) == normal(normal(one))
    assert normal(b'{"a": ["x", "y"]}') != normal(b'{"a": ["y", "x"]}')


def test_the_difference_as_text_has_lines_and_no_secret():
    old = dump(crypto_tokens={"soft": {"Auth Code": "planted-1", "Type": "Soft"}})
    new = dump(crypto_tokens={"soft": {"Auth Code": "planted-2", "Type": "PKCS11"}})
    text = content_diff(ContentChange(b"/@ejbca/configdump.json", old, new), MASKER, JSON).text
    assert '-   "Type": "Soft"' in text and '+   "Type": "PKCS11"' in text
    assert "planted" not in text and text.count("<secret:") == 2
