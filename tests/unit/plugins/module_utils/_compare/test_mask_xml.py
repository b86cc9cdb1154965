# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.thoroughness import examples, thorough

from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask import Masker
from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask_rules import XML, rules_for
from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask_xml import xml_values

MASKER = Masker(bytes(32))
SECRET = "S3cr3t-Pla nted"
PLACES = [
    "<Password>{}</Password>",
    "<AdminPassword encrypted='1'>{}</AdminPassword>",
    "<x:Password xmlns:x='urn:x'>{}</x:Password>",
    '<User name="anna" password="{}"/>',
    "<User name='anna' CurrentPassword='{}'>x</User>",
    '<add key="DbPassword" value="{}"/>',
    '<add value="{}" key="DbPassword"/>',
    '<Setting name="LdapPwd">{}</Setting>',
    '<Setting name="LdapPwd"><Value>{}</Value></Setting>',
    "<Setting><Name>LdapPwd</Name><Value>{}</Value></Setting>",
    "<Setting><Value>{}</Value><Name>LdapPwd</Name></Setting>",
    "<Password><Plain>{}</Plain></Password>",
    '<Setting name="LdapPwd" default="{}"/>',
    '<Setting default="{}" name="LdapPwd"/>',
    '<Setting name="LdapPwd"><Current><Text>{}</Text></Current></Setting>',
    "<Setting><Current>{}</Current><Name>LdapPwd</Name></Setting>",
    "<Setting><Name>LdapPwd</Name><Value><Text>{}</Text></Value></Setting>",
    "<Setting><Value><Text>{}</Text></Value><Name>LdapPwd</Name></Setting>",
    "<Password><![CDATA[{}]]></Password>",
    "<Passwords><Entry for='x'>{}</Entry></Passwords>",
    "<LicenseKey>{}</LicenseKey>",
    "<Licenses><License>{}</License></Licenses>",
    "<Secret\n  kind='x'\n>\n  {}\n</Secret>",
    "<Password>{}",
    '<add key="DbPassword" value="{}',
    "<a><Password>{}</a><b/>",
    '<add connectionString="Server=db;User=sa;Password={};Encrypt=yes"/>',
    "<Url>ldap://reader:{}@dc1/</Url>",
]


@pytest.mark.parametrize("place", PLACES)
def test_a_planted_secret_is_never_seen_and_its_change_always_is(place):
    secret = SECRET.replace(" ", "") if "Server=" in place or "ldap:" in place else SECRET
    text = f"<Config><Port>712</Port>{place.format(secret)}</Config>"
    masked, hits = MASKER.mask_text(text, XML)
    assert secret not in masked and hits
    assert "<Port>712</Port>" in masked
    other, _hits = MASKER.mask_text(text.replace(secret, secret + "x"), XML)
    assert masked != other


@given(st.sampled_from(PLACES[:23]), st.text("abcXYZ019äß!#$%()*+,-./:=?@[]^_{|}~", min_size=6, max_size=20))
@settings(max_examples=examples(60))
def test_whatever_the_secret_is_made_of(place, secret):
    masked, _hits = MASKER.mask_text(f"<Config>{place.format('%' + secret)}</Config>", XML)
    assert secret not in masked


@pytest.mark.parametrize(
    "text",
    [
        '<User id="17" name="Anna Berg" phone="+49 30 1"><Line>SIP/17</Line></User>',
        "<Password>1</Password><SavePassword>true</SavePassword>",
        "<PublicKey>abc</PublicKey>",
        '<add key="Port" value="712"/>',
        '<Setting type="int"><Name>Port</Name><Value>712</Value></Setting><Name>Password</Name>',
        "<!-- <Replicator/> --><?xml-stylesheet href='x.xsl'?><!DOCTYPE a>",
        "plain > text, 1 < 2",
    ],
)
def test_what_is_no_secret_stays_readable(text):
    assert list(xml_values(text)) == []


def test_the_name_of_a_secret_stays():
    text = '<Setting type="text"><Name>LdapPwd</Name><Value>x y z</Value></Setting>'
    masked, hits = MASKER.mask_text(text, [xml_values])
    assert masked.startswith('<Setting type="text"><Name>LdapPwd</Name><Value><secret:') and hits == 1


def test_licence_codes_are_told_by_their_form():
    masked, _hits = MASKER.mask_text('<Product key="AB12-CD34-EF56-GH78">8</Product>', XML)
    assert "CD34" not in masked and masked.endswith(">8</Product>")


@thorough
def test_time_grows_with_the_length_only():
    for hostile in (
        "<a" * 60_000,
        "<a>" * 40_000 + "</b>" * 40_000,
        '<a b="' * 40_000,
        "<a>" * 60_000,
        "<!--" * 20_000,
    ):
        started = time.monotonic()
        list(xml_values(hostile))
        assert time.monotonic() - started < 20


def test_files_that_are_xml_by_name():
    assert rules_for(b"/C:/Program Files/estos/MetaDirectory/config/MetaDirectoryServer.XML") is XML
    assert rules_for(b"/C:/inetpub/web.config") is XML
