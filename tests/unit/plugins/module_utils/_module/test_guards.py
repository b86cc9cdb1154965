# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    HostMismatch,
    RestoreRefused,
    VersionMismatch,
)
from ansible_collections.ucops.recovery.plugins.module_utils._module.guards import (
    SPACE_RESERVE,
    check_host,
    check_release,
    check_space,
)
from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe
from ansible_collections.ucops.recovery.plugins.module_utils._products.registry import product_class

HERE, THERE = Probe(identity={"machine_id": "a"}), Probe(identity={"machine_id": "b"})


def wanted(**sizes):
    return [SimpleNamespace(entry=SimpleNamespace(path=path.encode(), size=size)) for path, size in sizes.items()]


def host(**free):
    return SimpleNamespace(host="target", free_space=lambda volume: free.get(volume[0]))


def test_space_is_asked_for_on_each_volume():
    one = product_class("metadirectory")({})
    files = wanted(**{"/D:/a": 100, "/d:/b": 100, "/C:/c": 10, "/@service/x.reg": 5})
    check_space(host(C=SPACE_RESERVE + 15, D=SPACE_RESERVE + 200), one, files)
    with pytest.raises(RestoreRefused, match=r"free below D:\\, the restore writes up to 200"):
        check_space(host(C=2**40, D=SPACE_RESERVE + 199), one, files)
    with pytest.raises(RestoreRefused, match=r"free below C:\\, the restore writes up to 15"):
        check_space(host(C=SPACE_RESERVE + 14, D=2**40), one, files)


def test_space_that_cannot_be_told_is_no_reason_and_a_full_disk_is_one():
    one = product_class("linux")({})
    check_space(host(), one, wanted(**{"/etc/x": 2**50}))
    with pytest.raises(RestoreRefused, match="writes up to 0"):
        check_space(host(**{"/": SPACE_RESERVE - 1}), one, [])


def test_another_host():
    assert check_host(HERE, HERE, False, "pbx/linux/1", "pbx") == []
    with pytest.raises(HostMismatch, match="comes from another host"):
        check_host(HERE, THERE, False, "pbx/linux/1", "pbx")
    assert "comes from another host" in check_host(HERE, THERE, True, "pbx/linux/1", "pbx")[0]


def test_a_version_that_nobody_knew_fits_none():
    one = product_class("metadirectory")({})
    with pytest.raises(VersionMismatch, match="made with an unknown release, .* runs MetaDirectory 5.1") as caught:
        check_release(one, Probe(), Probe(release="MetaDirectory 5.1"), False, "m/metadirectory/1", "m")
    assert "Find out which one it was" in caught.value.hint and "allow_version_mismatch" in caught.value.hint
    assert check_release(one, Probe(), Probe(release="MetaDirectory 5.1"), True, "m/metadirectory/1", "m")


@pytest.mark.parametrize(("now", "said"), [("MetaDirectory 5.1", "runs MetaDirectory 5.1"), ("", "runs none")])
def test_the_identical_version(now, said):
    one = product_class("metadirectory")({})
    then, now = Probe(release="MetaDirectory 5.0"), Probe(release=now)
    assert check_release(one, then, then, False, "m/metadirectory/1", "m") == []
    with pytest.raises(VersionMismatch, match=said):
        check_release(one, then, now, False, "m/metadirectory/1", "m")
    assert said in check_release(one, then, now, True, "m/metadirectory/1", "m")[0]
