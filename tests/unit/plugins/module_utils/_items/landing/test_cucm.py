# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documents written after what public tools read of them; no real set was at hand."""

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._compare.xml_document import XmlRefused
from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.cucm import is_document, read_manifest, sets
from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.facts import FileFacts
from ansible_collections.ucops.recovery.plugins.module_utils._items.landing.judging import Arrival

STAMP = "2026-01-31-02-00-00"
NAME = f"cucm/{STAMP}_PUB_drfComponent.xml".encode()


def document(*rows):
    """Rows of server, feature, component, status."""
    body = "".join(
        f"<FeatureObject><FeatureName>{feature}</FeatureName><vServerObject><ServerObj><ServerName>{server}</ServerName>"
        f"<Status>{status}</Status><vComponentObject><ComponentObject><ComponentName>{component}</ComponentName>"
        f"<Status>{status}</Status></ComponentObject></vComponentObject></ServerObj></vServerObject></FeatureObject>"
        for server, feature, component, status in rows
    )
    return f"<?xml version='1.0' encoding='UTF-8'?><DRFComponent>{body}</DRFComponent>".encode()


BOTH = document(("PUB", "UCM", "CCMDB", "SUCCESS"), ("SUB1", "CDR_CAR", "CAR", "SUCCESS"))
PARTS = (f"{STAMP}_PUB_UCM_CCMDB.tar".encode(), f"{STAMP}_SUB1_CDR_CAR_CAR.tar".encode())


def test_the_parts_that_a_document_names():
    manifest = read_manifest(NAME, BOTH)
    assert manifest.parts == PARTS and manifest.failed == ()


def test_an_old_document_without_a_host_in_its_name():
    assert is_document(f"{STAMP}_drfComponent.xml".encode())
    assert read_manifest(f"{STAMP}_drfComponent.xml".encode(), BOTH).parts == PARTS


@pytest.mark.parametrize("status", ["ERROR", "CANCELED", "", "IN_PROGRESS"])
def test_what_does_not_say_success_failed(status):
    manifest = read_manifest(NAME, document(("PUB", "UCM", "CCMDB", status), ("PUB", "UCM", "TFTP", "SUCCESS")))
    assert manifest.failed == ("PUB_UCM_CCMDB",) and len(manifest.parts) == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<a>",
        b"<a/>",
        document(("PUB", "UCM", "", "SUCCESS")),
        document(("..", "/etc", "passwd", "SUCCESS")),
        b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
    ],
)
def test_what_is_no_document_is_refused(content):
    with pytest.raises(XmlRefused):
        read_manifest(NAME, content)


def arrivals(*names, unstable=()):
    return {
        name: Arrival(
            FileFacts(name, 1, number, 1, 512, 0, 0), "received" if name in unstable else "stable", number, ()
        )
        for number, name in enumerate(names)
    }


def test_a_set_is_stable_when_every_part_is():
    manifests = {NAME: read_manifest(NAME, BOTH)}
    first, second = (b"cucm/" + part for part in PARTS)
    (found,) = sets(arrivals(NAME, first), manifests)
    assert not found.is_stable and "1 of its 2 parts" in found.waits_for[0]
    (found,) = sets(arrivals(NAME, first, second, unstable=[second]), manifests)
    assert not found.is_stable
    (found,) = sets(arrivals(NAME, first, second, b"cucm/stranger.tar"), manifests)
    assert found.is_stable and found.names == (NAME, first, second)


def test_a_part_in_another_folder_is_none():
    (found,) = sets(arrivals(NAME, *PARTS), {NAME: read_manifest(NAME, BOTH)})
    assert not found.is_stable


def test_without_its_document_nothing_is_a_set():
    assert sets(arrivals(*PARTS), {}) == []
    (found,) = sets(arrivals(NAME, unstable=[NAME]), {})
    assert not found.is_stable
