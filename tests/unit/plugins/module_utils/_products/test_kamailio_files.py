# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._products import kamailio_files as k
from ansible_collections.ucops.recovery.plugins.module_utils._products.kamailio_config import KamailioConfig, parse

SITE = pathlib.Path(__file__).parent / "golden" / "site"


def read(path):
    place = SITE / path.lstrip("/")
    return place.read_bytes() if place.is_file() else None


@pytest.fixture(name="config", scope="module")
def _config():
    return parse("/etc/kamailio/kamailio.cfg", read)


@pytest.mark.parametrize(
    ("path", "folder", "inside"),
    [
        ("/a/b", "/a", True),
        ("/a", "/a", True),
        ("/ab", "/a", False),
        ("/a/b", "/a/", True),
        ("/a", "/a/b", False),
        ("/a", "/", True),
    ],
)
def test_is_below(path, folder, inside):
    assert k.is_below(path, folder) is inside


def test_includes_that_lie_elsewhere(config):
    assert k.included_outside(config, "/etc/kamailio") == ["/opt/voip/extra.cfg", "/opt/voip/missing.cfg"]
    assert "/etc/kamailio/kamailio.cfg" in k.included_outside(config, "/srv")


def test_tls_material(config):
    assert k.tls_files(config, read) == [
        "/etc/kamailio/tls.cfg",
        "/etc/ssl/private/voip.key",
        "/etc/kamailio/tls/voip.pem",
        "/etc/ssl/certs/voip-ca.pem",
    ]


def test_tls_material_named_by_parameters_alone():
    config = KamailioConfig(
        modparams={("tls", "private_key"): ["/x/a.key"], ("tls", "certificate"): ["b.pem"]}, files=["/c/k.cfg"]
    )
    assert k.tls_files(config, read) == ["/x/a.key", "/c/b.pem"]
    assert k.tls_files(KamailioConfig(), read) == []


def test_other_files_that_parameters_name(config):
    tls = k.tls_files(config, read)
    assert k.files_referenced(config, tls) == ["/opt/voip/dispatcher.list", "/opt/voip/calls.lua"]


@pytest.mark.parametrize(
    "value",
    [
        "/run/k.sock",
        "/tmp/x",
        "/usr/lib/x.so",
        "/",
        "/a b",
        "/a;/b",
        "/x=$var(y)",
        "unix:/x/y",
        "/tmp/../run/x",
        "sub/x",
    ],
)
def test_values_that_are_no_files_of_ours(value):
    assert k.files_referenced(KamailioConfig(modparams={("m", "p"): [value]}), []) == []
