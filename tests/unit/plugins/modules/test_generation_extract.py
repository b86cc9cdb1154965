# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat

import pytest
from support.modules import run_module, run_unsealing
from support.repositories import SECRET, TIME, entry

from ansible_collections.ucops.recovery.plugins.module_utils._module import extraction
from ansible_collections.ucops.recovery.plugins.module_utils._repository import side_by_side
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import object_name

CONTENTS = [
    (entry("/etc", "directory", mode=0o755), b""),
    (entry("/etc/kamailio", "directory", mode=0o750), b""),
    (entry("/etc/kamailio/kamailio.cfg"), b"listen=udp:0.0.0.0:5060\n"),
    (entry("/etc/kamailio/tls.cfg", mode=0o600), b"[server]\n"),
    (entry("/etc/kamailio/current", "symlink", link_target=b"kamailio.cfg"), b""),
    (entry("/etc/kamailio/again.cfg", "hardlink", link_target=b"/etc/kamailio/kamailio.cfg"), b""),
    (entry("/run/kamailio.fifo", "fifo"), b""),
    (entry("/@database/db.sql", "dump", item="database", mode=None, mtime_ns=None), b"INSERT INTO x;\n"),
]


@pytest.fixture
def filled(repository):
    repository.backup(CONTENTS)
    return repository


@pytest.fixture
def extract(filled, tmp_path):
    def run(*, check=False, secret=SECRET, **options):
        given = {"generation": "pbx/kamailio/1", "dest": str(tmp_path / "out"), **options}
        return run_unsealing("generation_extract", {"repository": str(filled.path), **given}, secret, check=check)

    return run


def test_everything_comes_out_as_it_went_in(extract, tmp_path):
    result = extract()
    assert result["changed"] is True and result["generation"] == "pbx/kamailio/1", result
    out = tmp_path / "out"
    assert (out / "etc/kamailio/kamailio.cfg").read_bytes() == b"listen=udp:0.0.0.0:5060\n"
    assert (out / "@database/db.sql").read_bytes() == b"INSERT INTO x;\n"
    assert os.readlink(out / "etc/kamailio/current") == "kamailio.cfg"
    assert os.path.samefile(out / "etc/kamailio/again.cfg", out / "etc/kamailio/kamailio.cfg")
    assert stat.S_IMODE((out / "etc/kamailio/tls.cfg").stat().st_mode) == 0o600
    assert (out / "etc/kamailio").stat().st_mtime_ns == TIME
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert result["skipped"] == [{"path": "/run/kamailio.fifo", "reason": "This is a pipe"}]
    assert result["extracted"] == 7 and result["bytes_written"] == 24 + 9 + 15
    assert sorted(os.listdir(tmp_path)) == ["out", "repository", "writer.json"]


def test_a_second_time_nothing_changes(extract):
    assert extract()["changed"] is True
    second = extract()
    assert second["changed"] is False and second["extracted"] == 0 and second["bytes_written"] == 0


def test_check_mode_writes_nothing(extract, tmp_path):
    result = extract(check=True)
    assert result["changed"] is True and result["extracted"] == 7 and result["bytes_written"] == 48
    assert not (tmp_path / "out").exists()


def test_one_item(extract, tmp_path):
    assert extract(only_items=["database"])["extracted"] == 1
    assert os.listdir(tmp_path / "out") == ["@database"]


def test_some_paths(extract, tmp_path):
    assert extract(only_paths=["/etc/kamailio/t*.cfg"])["extracted"] == 1
    assert os.listdir(tmp_path / "out/etc/kamailio") == ["tls.cfg"]


def test_a_hardlink_without_its_file_becomes_the_file(extract, tmp_path):
    assert extract(only_paths=["/etc/kamailio/again.cfg"])["bytes_written"] == 24
    assert (tmp_path / "out/etc/kamailio/again.cfg").read_bytes() == b"listen=udp:0.0.0.0:5060\n"
    assert extract(only_paths=["/etc/kamailio/again.cfg"])["changed"] is False


def test_what_is_not_in_the_generation_is_an_error(extract):
    assert "holds no item nothing" in extract(only_items=["nothing"])["msg"]
    assert "nothing at or under" in extract(only_paths=["/var"])["msg"]
    assert "not absolute" in extract(only_paths=["etc"])["msg"]


def test_a_folder_with_something_else_is_refused(extract, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").write_bytes(b"mine")
    result = extract()
    assert result["error"] == "OptionInvalid" and "holds something else" in result["msg"]
    assert os.listdir(tmp_path / "out") == ["mine"]


def test_a_folder_with_more_than_the_generation_is_refused(extract, tmp_path):
    extract()
    (tmp_path / "out/mine").write_bytes(b"mine")
    assert "holds something else" in extract()["msg"]


def test_force_writes_beside_what_is_there_and_mends_what_differs(extract, tmp_path):
    extract()
    (tmp_path / "out/mine").write_bytes(b"mine")
    (tmp_path / "out/etc/kamailio/tls.cfg").write_bytes(b"changed")
    result = extract(force=True)
    # the folder's time changed with the file in it
    assert result["changed"] is True and result["extracted"] == 1, result
    assert (tmp_path / "out/mine").read_bytes() == b"mine"
    assert (tmp_path / "out/etc/kamailio/tls.cfg").read_bytes() == b"[server]\n"


def test_an_empty_folder_is_fine(extract, tmp_path):
    (tmp_path / "out").mkdir()
    assert extract()["changed"] is True
    assert (tmp_path / "out/etc/kamailio/tls.cfg").exists()


def test_no_parent(extract, tmp_path):
    assert "no parent" in extract(dest=str(tmp_path / "a/b"))["msg"]


def test_a_file_in_the_way(extract, tmp_path):
    (tmp_path / "out").write_bytes(b"x")
    assert "no folder" in extract()["msg"]


def test_damaged_content_leaves_nothing(extract, filled, tmp_path):
    record = filled.backup(CONTENTS + [(entry("/etc/more"), os.urandom(1000))]).record
    (sha,) = set(record.objects) - {name for name in record.objects if name in filled_objects(filled, 1)}
    path = filled.path / object_name(sha)
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)
    result = extract(generation="pbx/kamailio/2")
    assert result["failed"] is True and result["error"] == "RepositoryDamaged" and sha in result["msg"]
    assert sorted(os.listdir(tmp_path)) == ["repository", "writer.json"]


def filled_objects(repository, sequence):
    import json

    return json.loads((repository.path / f"commits/pbx/kamailio/{sequence}.json").read_bytes())["objects"]


@pytest.mark.parametrize(
    ("path", "kind"), [("/../../outside", "file"), ("/etc/../../outside", "directory"), ("/../x", "symlink")]
)
def test_hostile_paths_are_refused_by_name(repository, tmp_path, path, kind):
    repository.backup([(entry(path, kind, link_target=b"/etc/passwd" if kind == "symlink" else None), b"")])
    given = {"repository": str(repository.path), "generation": "pbx/kamailio/1", "dest": str(tmp_path / "out")}
    result = run_unsealing("generation_extract", given, SECRET)
    assert result["failed"] is True and result["error"] == "HostileContent" and path in result["msg"]
    assert sorted(os.listdir(tmp_path)) == ["repository", "writer.json"]


def test_without_a_key(filled, tmp_path):
    given = {"repository": str(filled.path), "generation": "pbx/kamailio/1", "dest": str(tmp_path / "out")}
    result = run_module("generation_extract", given)
    assert result["error"] == "KeyRequired"
    assert "domain_master_secret, identity, identity_file" in result["msg"]


@pytest.mark.parametrize("option", ["domain_master_secret", "identity", "identity_file"])
def test_a_secret_that_reached_the_module_is_refused_and_not_repeated(filled, tmp_path, option):
    given = {"repository": str(filled.path), "generation": "pbx/kamailio/1", "dest": str(tmp_path / "out")}
    result = run_module("generation_extract", {**given, option: "hunter2-hunter2"})
    assert result["error"] == "OptionInvalid" and "never belongs" in result["msg"]
    assert "hunter2" not in str(result)


@pytest.mark.parametrize("keys", [{"x": "not base64!"}, {"x": 5}])
def test_nonsense_instead_of_keys(filled, tmp_path, keys):
    given = {"repository": str(filled.path), "generation": "pbx/kamailio/1", "dest": str(tmp_path / "out")}
    result = run_module("generation_extract", {**given, "unseal_stage": "open", "file_keys": keys})
    assert result["error"] == "OptionInvalid"
    result = run_module("generation_extract", {**given, "file_keys": keys})
    assert "not for playbooks" in result["msg"]


def test_keys_of_something_else(filled, tmp_path):
    given = {"repository": str(filled.path), "generation": "pbx/kamailio/1", "dest": str(tmp_path / "out")}
    result = run_module("generation_extract", {**given, "unseal_stage": "open", "file_keys": {"00" * 32: "AAAA"}})
    assert result["error"] == "KeyRequired"


def test_latest_is_the_newest_complete_one(filled, extract):
    filled.backup({"/etc/a": b"1"})
    filled.backup({"/etc/a": b"2"}, status="partial")
    assert extract(generation="pbx/kamailio/latest")["generation"] == "pbx/kamailio/2"


@pytest.mark.parametrize("generation", ["pbx/kamailio/99", "nobody/kamailio/latest"])
def test_a_generation_that_is_not_there(extract, generation):
    assert extract(generation=generation)["error"] == "GenerationMissing"


@pytest.mark.parametrize("generation", ["pbx", "pbx/kamailio", "pbx/kamailio/x", "pbx/Kamailio!/1"])
def test_a_generation_that_cannot_be(extract, generation):
    assert extract(generation=generation)["error"] == "OptionInvalid"


def test_trust(extract, filled):
    head = run_module("generation_info", {"repository": str(filled.path)})["generations"][0]["head"]
    trust = {"allowed_signers": filled.allowed_signers, "expected_heads": {"pbx/kamailio": head, "other/linux": "x"}}
    assert extract(**trust)["changed"] is True


def test_trust_in_somebody_else(extract, filled):
    from ansible_collections.ucops.recovery.plugins.module_utils._repository.sshsig import SigningKey

    owner, writer = filled.allowed_signers.splitlines()
    stranger = SigningKey.generate().public
    for signers in (
        owner.rsplit("ssh-ed25519", 1)[0] + stranger + "\n" + writer,
        owner + "\n" + writer.rsplit("ssh-ed25519", 1)[0] + stranger,
    ):
        result = extract(allowed_signers=signers)
        assert result["failed"] is True and result["error"] == "NotAuthentic", result


def test_a_head_that_is_gone(extract):
    result = extract(expected_heads={"pbx/kamailio": "0" * 64})
    assert result["error"] == "RolledBack" and "pbx/kamailio" in result["msg"]


@pytest.mark.parametrize("heads", ["/some/path", {"pbx/kamailio": 5}, ["x"]])
def test_heads_that_are_none(extract, heads):
    assert extract(expected_heads=heads)["error"] == "OptionInvalid"


@pytest.fixture
def in_processes(monkeypatch):
    monkeypatch.setattr(side_by_side, "_processors", lambda: 3)
    monkeypatch.setattr(extraction, "LEAST_BYTES", 1)
    forks = []
    fork = os.fork
    monkeypatch.setattr(os, "fork", lambda: forks.append(None) or fork())
    return forks


MANY = [
    *CONTENTS,
    (entry("/etc/locked", "directory", mode=0o500), b""),
    *((entry(f"/etc/locked/{number}", mode=0o400), b"%d" % number * 3000) for number in range(20)),
]


def test_several_processes_write_what_one_does(repository, tmp_path, in_processes):
    repository.backup(MANY)
    out = tmp_path / "out"
    given = {"repository": str(repository.path), "generation": "pbx/kamailio/1", "dest": str(out)}
    result = run_unsealing("generation_extract", given, SECRET)
    sizes = sum(len(content) for _entry, content in MANY)
    assert (result["extracted"], result["bytes_written"], len(in_processes)) == (28, sizes, 2), result
    for one, content in MANY[-20:]:
        path = out / one.path.decode()[1:]
        assert path.read_bytes() == content and stat.S_IMODE(path.stat().st_mode) == 0o400
    locked = (out / "etc/locked").stat()
    assert stat.S_IMODE(locked.st_mode) == 0o500 and locked.st_mtime_ns == TIME
    assert os.path.samefile(out / "etc/kamailio/again.cfg", out / "etc/kamailio/kamailio.cfg")
    assert run_unsealing("generation_extract", given, SECRET)["changed"] is False


@pytest.mark.parametrize("into", ["new", "existing"])
def test_several_processes_leave_nothing_half_written(repository, tmp_path, in_processes, into):
    noise = {f"/etc/{number}": os.urandom(300_000) for number in range(12)}
    record = repository.backup(noise).record
    out = tmp_path / "out"
    if into == "existing":
        out.mkdir()
        (out / "mine").write_bytes(b"mine")
    (sha,) = record.objects
    path = repository.path / object_name(sha)
    data = bytearray(path.read_bytes())
    # behind the first frame, whose files are right
    data[-100_000] ^= 1
    path.write_bytes(data)
    given = {"repository": str(repository.path), "generation": "pbx/kamailio/1", "dest": str(out), "force": True}
    result = run_unsealing("generation_extract", given, SECRET)
    assert result["error"] == "RepositoryDamaged" and sha in result["msg"] and "It holds /etc/" in result["msg"]
    assert len(in_processes) == 2
    if into == "new":
        assert sorted(os.listdir(tmp_path)) == ["repository", "writer.json"]
        return
    assert set(os.listdir(out / "etc")) < {name[5:] for name in noise}
    assert all((out / name[1:]).read_bytes() == text for name, text in noise.items() if (out / name[1:]).exists())
    assert (out / "mine").read_bytes() == b"mine"
