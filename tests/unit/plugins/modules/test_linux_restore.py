# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules linux_backup and linux_restore, from options to results, on a host that is a folder: what they do beside
damage, and in the lines of other hosts. The restore itself is in test_backup_and_restore.py."""

from __future__ import annotations

import os
import pathlib
from dataclasses import dataclass, field

import pytest
from ansible.module_utils.basic import AnsibleModule
from support.modules import run_unsealing
from support.repositories import SECRET, TestRepository

from ansible_collections.ucops.recovery.plugins.module_utils._module.product_parts import ProductParts
from ansible_collections.ucops.recovery.plugins.module_utils._repository.chain import read_record
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import GenerationId, object_name
from ansible_collections.ucops.recovery.plugins.module_utils._transport.local import LocalTransport

COMMITS = "commits/pbx/linux"


@dataclass
class Site:
    """A repository, and a host that is a folder with a configuration."""

    repository: TestRepository
    root: pathlib.Path
    warnings: list = field(default_factory=list)
    """What the last module warned of."""

    @property
    def config(self) -> pathlib.Path:
        return self.root / "etc/voip/trunk.cfg"

    def arguments(self, **options):
        return {
            "repository": str(self.repository.path),
            "writer_key_file": str(self.repository.writer_key_file),
            "source": "pbx",
            "root": str(self.root),
            "system_config": False,
            "paths": [{"name": "voip", "path": ["/etc/voip"], "data_class": "voip_config"}],
            **options,
        }

    def backup(self, content=None, *, diff=False, **options):
        if content is not None:
            self.config.write_bytes(content)
        self.warnings.clear()
        result = run_unsealing("linux_backup", self.arguments(**options), SECRET, diff=diff, none_needed=True)
        assert not result.get("failed"), result
        return result

    def restore(self, generation, *, check=False, **options):
        self.warnings.clear()
        given = self.arguments(allowed_signers=self.repository.allowed_signers, generation=generation, **options)
        return run_unsealing("linux_restore", given, SECRET, check=check)

    def record(self, generation):
        return read_record(self.repository.backend, GenerationId.parse(generation))

    def path_of(self, sha):
        return self.repository.path / object_name(sha)

    def bundle_of_its_own(self, generation, others):
        """The path of a bundle that a generation needs and none of the others."""
        shared = {sha for other in others for sha in self.record(other).objects}
        return self.path_of(next(sha for sha in self.record(generation).objects if sha not in shared))


@pytest.fixture
def site(repository, tmp_path, monkeypatch):
    monkeypatch.setattr(ProductParts, "transport", lambda self, params: LocalTransport())
    root = tmp_path / "host"
    (root / "etc/voip").mkdir(parents=True)
    (root / "etc/machine-id").write_text("a" * 32 + "\n")
    (root / "etc/os-release").write_text('ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian 12"\n')
    site = Site(repository, root)
    monkeypatch.setattr(AnsibleModule, "warn", lambda self, text, **_how: site.warnings.append(text))
    return site


@pytest.fixture
def two(site):
    """Two generations with bundles of their own."""
    site.backup(b"one" + os.urandom(200).hex().encode())
    site.first = site.config.read_bytes()
    site.backup(b"two" + os.urandom(200).hex().encode())
    site.second = site.config.read_bytes()
    return site


def flip(path, position=None):
    path.chmod(0o600)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if position is None else position] ^= 1
    path.write_bytes(data)


def flip_header(path):
    """A byte of the header's MAC: a header still, and nobody's."""
    flip(path, path.read_bytes().index(b"\n--- ") + 10)


# --- the newest generation is damaged ---------------------------------------------------------------------------------
def lose_bundle(site):
    site.bundle_of_its_own("pbx/linux/2", ["pbx/linux/1"]).unlink()


def flip_bundle_header(site):
    flip_header(site.bundle_of_its_own("pbx/linux/2", ["pbx/linux/1"]))


def flip_manifest_header(site):
    flip_header(site.path_of(site.record("pbx/linux/2").manifest[0]))


def flip_bundle_content(site):
    flip(site.bundle_of_its_own("pbx/linux/2", ["pbx/linux/1"]), -5)


def lose_manifest(site):
    site.path_of(site.record("pbx/linux/2").manifest[0]).unlink()


def flip_record(site):
    flip(site.repository.path / COMMITS / "2.json")


def lose_signature(site):
    (signature,) = (site.repository.path / COMMITS).glob("2.*.sig")
    signature.unlink()


def plant_record(site):
    (site.repository.path / COMMITS / "3.json").write_bytes(b"{}")


OBJECTS = [lose_bundle, flip_bundle_header, flip_manifest_header, lose_manifest]
RECORDS = [flip_record, lose_signature, plant_record]


@pytest.mark.parametrize("damage", [*OBJECTS, flip_bundle_content])
def test_an_older_generation_is_put_back_beside_damaged_objects_of_the_newest(two, damage):
    damage(two)
    result = two.restore("pbx/linux/1")
    assert not result.get("failed"), result
    assert two.config.read_bytes() == two.first and result["changed"] is True
    # what was there before was put aside whole, whatever the newest generation lacks
    put_aside = result["pre_restore"]
    again = two.restore(put_aside, pre_restore="skip")
    assert not again.get("failed"), again
    assert two.config.read_bytes() == two.second


@pytest.mark.parametrize("damage", RECORDS)
def test_an_older_generation_is_put_back_beside_a_damaged_record(two, damage):
    damage(two)
    looked = two.restore("pbx/linux/1", check=True)
    assert not looked.get("failed"), looked
    (warning,) = two.warnings
    assert "is damaged" in warning and COMMITS in warning and "nothing will be put back" in warning
    # nothing can be put aside, so the default refuses before anything is touched
    refused = two.restore("pbx/linux/1")
    assert refused["error"] == "RestoreRefused" and "nothing was put back" in refused["msg"], refused
    assert "best_effort" in refused["msg"] and two.config.read_bytes() == two.second
    result = two.restore("pbx/linux/1", pre_restore="best_effort")
    assert not result.get("failed"), result
    assert two.config.read_bytes() == two.first and result["pre_restore"] is None
    assert any("goes on without" in warning for warning in two.warnings)


@pytest.mark.parametrize("damage", RECORDS)
def test_the_latest_generation_is_not_guessed_beside_a_damaged_record(two, damage):
    damage(two)
    result = two.restore("latest", pre_restore="skip")
    assert result["failed"] is True and COMMITS in result["msg"]
    assert two.config.read_bytes() == two.second


@pytest.mark.parametrize("damage", OBJECTS)
def test_the_damaged_generation_itself_is_refused(two, damage):
    damage(two)
    two.config.write_bytes(b"now")
    try:
        result = two.restore("pbx/linux/2")
    except Exception as error:  # the controller's side has no result of its own here
        result = {"failed": True, "error": type(error).__name__}
    assert result["failed"] is True and result["error"] in ("RepositoryDamaged", "WrongKey"), result
    assert two.config.read_bytes() == b"now"


@pytest.mark.parametrize("damage", RECORDS)
def test_an_expected_head_before_the_damage_is_found(two, damage):
    first, second = (two.record(f"pbx/linux/{number}").hash for number in (1, 2))
    damage(two)
    found = two.restore("pbx/linux/1", pre_restore="skip", expected_heads={"pbx/linux": first})
    assert not found.get("failed"), found
    lost = two.restore("pbx/linux/1", pre_restore="skip", expected_heads={"pbx/linux": second})
    if damage is plant_record:
        assert not lost.get("failed"), lost
    else:
        assert lost["failed"] is True and "whether the expected head of pbx/linux is still there" in lost["msg"]


# --- a difference to a damaged generation -----------------------------------------------------------------------------
@pytest.mark.parametrize("damage", [*OBJECTS, flip_bundle_content])
def test_a_backup_with_a_difference_heals_as_one_without(two, damage):
    damage(two)
    result = two.backup(b"three", diff=True)
    assert result["generation"]["id"] == "pbx/linux/3" and "diff" not in result
    assert any("No difference to pbx/linux/2 is shown" in warning for warning in two.warnings)
    two.config.write_bytes(b"later")
    restored = two.restore("pbx/linux/3")
    assert not restored.get("failed"), restored
    assert two.config.read_bytes() == b"three"


def test_the_difference_is_there_when_nothing_is_damaged(two):
    result = two.backup(b"three", diff=True)
    assert "three" in result["diff"]["prepared"] and two.warnings == []


# --- lines of other hosts ---------------------------------------------------------------------------------------------
def test_the_head_that_is_expected_of_another_host_is_looked_for_in_its_line(two):
    before = {path.name for path in (two.repository.path / COMMITS).iterdir()}
    gone = two.backup(b"three")["generation"]["head"]
    for path in (two.repository.path / COMMITS).iterdir():
        if path.name not in before:
            path.unlink()
    heads = {"pbx/linux": gone}
    there = {"source": "spare", "allow_different_host": True, "pre_restore": "skip"}
    result = two.restore("pbx/linux/1", **there, expected_heads=heads)
    assert result["error"] == "RolledBack" and "pbx/linux" in result["msg"]
    two.backup(b"spare", source="spare")
    result = two.restore("latest", **there, expected="pbx/linux/1", expected_heads=heads)
    assert result["error"] == "RolledBack" and "pbx/linux" in result["msg"]
    result = two.restore("pbx/linux/1", **there, expected_heads={"pbx/linux": two.record("pbx/linux/2").hash})
    assert not result.get("failed"), result
