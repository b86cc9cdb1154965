# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""recover.py and RECOVERY.md against repositories that the real writer wrote."""

from __future__ import annotations

import ast
import dataclasses
import getpass
import hashlib
import importlib.util
import io
import json
import os
import pathlib
import pty
import random
import re
import shlex
import shutil
import stat
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib.metadata import distribution
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement
from support.thoroughness import sample

from ansible_collections.ucops.recovery.plugins.module_utils._entries import Entry
from ansible_collections.ucops.recovery.plugins.module_utils._repository import age, bundles, keyring
from ansible_collections.ucops.recovery.plugins.module_utils._repository.age import X25519Identity
from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.local import LocalBackend
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import CommitRecord, entry_lines
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import OwnerChange, Recipient, Signer
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keys import WriterKey, owner_key
from ansible_collections.ucops.recovery.plugins.module_utils._repository.owner import (
    apply_plan,
    plan_change,
    plan_create,
    plan_rotate_identity,
    read_state,
    unlock,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.writer import GenerationFacts, RepositoryWriter

ROOT = pathlib.Path(__file__).resolve().parents[4]
DOCUMENTS = ROOT / "plugins" / "plugin_utils" / "repository_documents"
SECRET = "Vögel-lampe-quarz-7341"
SAFE = X25519Identity.generate()
MTIME = 1_700_000_000_123_456_789
BIG = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(40000))
BIGGER = BIG[:600_000] + b"something was put in here" + BIG[600_000:]

NEWEST_RECORDS = ("pbx-berlin/kamailio/3.json", "sbc%20m%C3%BCnchen/kamailio@A-B/1.json")

Content = tuple[Entry, bytes]


def entry(kind: str, path: bytes, item: str = "config", **fields: Any) -> Entry:
    return Entry(item=item, data_class="voip_config", kind=kind, path=path, **fields)


def tree(config: bytes, big: bytes) -> list[Content]:
    """One of everything, with names that are hard to bear."""
    return [
        (entry("directory", b"/etc/kamailio", mode=0o750, mtime_ns=MTIME), b""),
        (entry("directory", b"/etc/kamailio/closed", mode=0o500, mtime_ns=MTIME), b""),
        (entry("directory", b"/etc/empty folder", mode=0o755), b""),
        (entry("file", b"/etc/kamailio/closed/read only.pem", mode=0o400, sensitive=True), b"key"),
        (
            entry("file", b"/etc/kamailio/kamailio.cfg", mode=0o640, mtime_ns=MTIME, extra={"path": "x", "mode": "7"}),
            config,
        ),
        (entry("file", b"/etc/kamailio/empty", mode=0o600, mtime_ns=MTIME), b""),
        (entry("file", " /grüße %41 \"q\" \\n 'a' $x `y`; *?[z]\n\t.cfg ".encode()[1:], mode=0o604), b"umlauts"),
        (entry("file", b"/etc/kamailio/\xff\xfe raw", mode=0o600), b"raw"),
        (entry("file", "/etc/\u2028-\u0085-%0A".encode(), mode=0o600, xattrs={"user.path": b"\0value"}), b"separators"),
        (entry("file", b"/srv/- \n", mode=0o1644), b"ends in a line feed"),
        (entry("file", b"/var/big.bin", mode=0o644), big),
        (entry("symlink", b"/etc/kamailio/link", link_target=b"kamailio.cfg", mtime_ns=MTIME), b""),
        (entry("symlink", b"/etc/away", link_target=b'../../a "b" %/\xff'), b""),
        (entry("symlink", b"/etc/disk", link_target=b"../../pci-0000:00:1f.2-ata-1"), b""),
        (entry("hardlink", b"/etc/kamailio/hard link", link_target=b"/etc/kamailio/kamailio.cfg", mode=0o640), b""),
        (entry("fifo", b"/run/fifo", mode=0o660), b""),
        (entry("output", b"/@command/version", item="version"), b"kamailio 5.6\n"),
        (entry("dump", b"/@database/main.sql", item="database", extra={"sha256": "x", "pieces": [1]}), b"-- end\n"),
    ]


class Fleet:
    """A repository with a line of generations of which the newest is partial, and what was put into them."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        self.backend = LocalBackend(str(root))
        self.key = WriterKey.generate("backup-1")
        self.documents = {name: (DOCUMENTS / name).read_bytes() for name in ("FORMAT.md", "RECOVERY.md", "recover.py")}
        further = [Recipient(SAFE.recipient, "safe")]
        plan = plan_create(
            read_state(self.backend),
            SECRET,
            self.documents,
            self.key.public,
            further,
            work_factor=8,
            writer_name="backup-1",
        )
        apply_plan(self.backend, plan)
        self.bind(plan.facts["pins"])
        self.owner = plan.facts["owner_fingerprint"]

    def bind(self, pins: dict[str, str]) -> None:
        self.key = self.key.with_pins(**pins)

    def store(self, content: Iterable[Content], source: str = "pbx-berlin", instance: str = "", **facts: Any) -> str:
        with RepositoryWriter(self.backend, self.key) as writer:
            generation = writer.begin(source, "kamailio", instance)
            for one, data in content:
                generation.add(one, [data] if data else [])
            (committed,) = writer.commit([generation.finish(GenerationFacts(**facts))])
        return str(committed.generation_id)

    def objects(self, generation: str) -> dict[str, Any]:
        record: dict[str, Any] = json.loads((self.root / "commits" / f"{generation}.json").read_bytes())
        return record


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    before = os.fsync
    os.fsync = lambda descriptor: None
    try:
        fleet = Fleet(tmp_path_factory.mktemp("recover") / "repository")
        fleet.store(tree(b"version 1\n" * 50, BIG), release="5.6", change_id="CHG0042", phase="pre_change")
        reason = 'he said: "manifest":["x"]'
        fleet.store(tree(b"version 2\n" * 50, BIGGER), release="5.7", counts={"users": 120}, reason=reason)
        fleet.store(tree(b"version 3\n", BIG)[:5], status="partial", missing=("database",))
        fleet.store(tree(b"other\n", BIG)[:6], source="sbc münchen", instance="A/B".replace("/", "-"))
    finally:
        os.fsync = before
    return fleet


@pytest.fixture
def fleet(original: Fleet, tmp_path: pathlib.Path) -> Fleet:
    """A copy to do harm to."""
    copy = Fleet.__new__(Fleet)
    copy.root = tmp_path / "repository"
    shutil.copytree(original.root, copy.root)
    copy.backend = LocalBackend(str(copy.root))
    copy.key, copy.documents, copy.owner = original.key, original.documents, original.owner
    return copy


def load(path: pathlib.Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("recover_under_test", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RECOVER = load(DOCUMENTS / "recover.py")
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Run:
    def call(fleet: Fleet, command: str, *words: str, secret: str = SECRET) -> tuple[int, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(secret.encode() + b"\n")))
        if command == "extract":
            words = (*words, *(() if "--identity" in words else ("--secret-stdin",)))
        capfdbinary.readouterr()
        code = RECOVER.main([command, *words, "--repository", str(fleet.root)])
        return code, capfdbinary.readouterr().out.decode("utf-8")

    return call


def check_tree(folder: pathlib.Path, content: Iterable[Content], *, all_of_it: bool = True) -> None:
    """Everything is there as it was, and nothing else."""
    root = os.fsencode(folder)
    inodes = {}
    for one, data in content:
        place = root + one.path
        status = os.lstat(place)
        if one.kind in ("file", "output", "dump"):
            with open(place, "rb") as stream:
                assert stream.read() == data, one.path
            inodes[one.path] = status.st_ino
        if one.kind == "directory":
            assert stat.S_ISDIR(status.st_mode)
        if one.kind == "symlink":
            assert os.readlink(place) == one.link_target
        if one.kind == "hardlink":
            assert status.st_ino == inodes[one.link_target or b""]
        if one.kind == "fifo":
            assert stat.S_ISFIFO(status.st_mode)
        if one.mode is not None:
            assert stat.S_IMODE(status.st_mode) == one.mode, one.path
        if one.mtime_ns is not None:
            assert status.st_mtime_ns == one.mtime_ns, one.path
    if all_of_it:
        wanted = {one.path for one, _data in content}
        found = {
            os.path.join(parent, name)[len(root) :]
            for parent, folders, files in os.walk(root)
            for name in [*files, *(name for name in folders if not os.listdir(os.path.join(parent, name)))]
        }
        assert {path for path in found if not path.startswith(b"/@recover/")} <= wanted


# --- looking ---------------------------------------------------------------------------------------------------------
def test_list(original: Fleet, run: Run) -> None:
    code, text = run(original, "list")
    assert code == 0
    lines = text.splitlines()
    assert len(lines) == 5
    assert lines[1].endswith(" MB") and lines[4].endswith(" kB")
    assert re.search(r"^pbx-berlin/kamailio/1 .* complete +pre_change +CHG0042 +5\.6 ", text, re.MULTILINE)
    assert re.search(r"^pbx-berlin/kamailio/3 .* partial ", text, re.MULTILINE)
    assert lines[-1].startswith("sbc münchen/kamailio@A-B/1 ")


def test_list_of_nothing(tmp_path: pathlib.Path, run: Run) -> None:
    empty = Fleet(tmp_path / "empty")
    assert run(empty, "list") == (0, run(empty, "list")[1])
    assert "There are no generations." in run(empty, "list")[1]
    assert run(empty, "verify")[0] == 0


def test_verify(original: Fleet, run: Run) -> None:
    code, text = run(original, "verify")
    assert code == 0
    assert "4 generations" in text
    assert f"owner  {original.owner}" in text
    head = hashlib.sha256((original.root / "commits/pbx-berlin/kamailio/3.json").read_bytes()).hexdigest()
    assert f"head  pbx-berlin/kamailio  {head}" in text
    assert "Compare the owner with the recovery card." in text
    code, text = run(original, "verify", "--owner", original.owner)
    assert code == 0
    assert "the owner is the one you named" in text
    code, text = run(original, "verify", "--owner", "SHA256:another")
    assert code == 1
    assert "BROKEN  keys/keyring.json: its owner is" in text


def test_a_folder_that_is_no_repository(tmp_path: pathlib.Path, run: Run) -> None:
    fleet = Fleet.__new__(Fleet)
    fleet.root = tmp_path
    for words in (("list",), ("verify",), ("extract", "a/b", "--to", str(tmp_path / "out"))):
        code, text = run(fleet, *words)
        assert code == 2
        assert "is no repository" in text


# --- extracting ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("wanted", "content"),
    [
        ("pbx-berlin/kamailio/1", tree(b"version 1\n" * 50, BIG)),
        ("pbx-berlin/kamailio/2", tree(b"version 2\n" * 50, BIGGER)),
        ("pbx-berlin/kamailio", tree(b"version 2\n" * 50, BIGGER)),
        ("pbx-berlin/kamailio/latest", tree(b"version 2\n" * 50, BIGGER)),
        ("pbx-berlin/kamailio/newest", tree(b"version 3\n", BIG)[:5]),
        ("sbc münchen/kamailio@A-B", tree(b"other\n", BIG)[:6]),
    ],
)
def test_extract(original: Fleet, run: Run, tmp_path: pathlib.Path, wanted: str, content: list[Content]) -> None:
    code, text = run(original, "extract", wanted, "--to", str(tmp_path / "out"))
    assert code == 0, text
    files = [one for one, _data in content if one.kind in ("file", "output", "dump")]
    assert f"{len(files)} files, all hashes equal, in {tmp_path / 'out'}" in text
    assert "signed by backup-1" in text
    assert ("is partial" in text) == (
        wanted in ("pbx-berlin/kamailio", "pbx-berlin/kamailio/latest", "pbx-berlin/kamailio/newest")
    )
    check_tree(tmp_path / "out", content)
    owners = (tmp_path / "out/@recover/owners.txt").read_text()
    assert "0640 ?:? ?:? /etc/kamailio/kamailio.cfg\n" in owners


def test_extended_attributes(original: Fleet, run: Run, tmp_path: pathlib.Path) -> None:
    probe = tmp_path / "probe"
    probe.write_bytes(b"")
    try:
        os.setxattr(probe, "user.probe", b"")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    run(original, "extract", "pbx-berlin/kamailio/1", "--to", str(tmp_path / "out"))
    place = os.fsencode(tmp_path / "out") + "/etc/\u2028-\u0085-%0A".encode()
    assert os.getxattr(place, "user.path") == b"\0value"


def test_an_identity_file_opens_it_as_well(original: Fleet, run: Run, tmp_path: pathlib.Path) -> None:
    content = tree(b"version 2\n" * 50, BIGGER)
    (tmp_path / "safe.txt").write_text(f"# safe\n{SAFE.text}\n")
    words = ("extract", "pbx-berlin/kamailio/2", "--identity", str(tmp_path / "safe.txt"), "--to")
    assert run(original, *words, str(tmp_path / "out"))[0] == 0
    check_tree(tmp_path / "out", content)
    for text, message in (("", "holds no identity"), ("nonsense", "no age identity file")):
        (tmp_path / "safe.txt").write_text(text)
        code, shown = run(original, *words, str(tmp_path / "other"))
        assert (code, message in shown) == (2, True)
    (tmp_path / "safe.txt").unlink()
    assert run(original, *words, str(tmp_path / "other"))[0] == 2
    (tmp_path / "safe.txt").write_text(X25519Identity.generate().text)
    code, shown = run(original, *words, str(tmp_path / "other"))
    assert code == 1
    assert "the identities at hand do not open it" in shown


def test_the_secret_is_asked_for(original: Fleet, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(prompt: str) -> str:
        asked.append(prompt)
        return "Vo\u0308gel" + SECRET[5:]  # as a terminal may send it: not composed

    monkeypatch.setattr(getpass, "getpass", answer)
    words = ["extract", "pbx-berlin/kamailio/3", "--to", str(tmp_path / "out"), "--repository", str(original.root)]
    assert RECOVER.main(words) == 0
    assert asked == ["Domain Master Secret: "]


def test_what_cannot_be_done_is_said(original: Fleet, run: Run, tmp_path: pathlib.Path) -> None:
    out = str(tmp_path / "out")
    code, text = run(original, "extract", "pbx-berlin/kamailio/2", "--to", out, secret="another secret")
    assert (code, "does not open this repository" in text) == (2, True)
    code, text = run(original, "extract", "pbx-bonn/kamailio", "--to", out)
    assert (code, "Known sources and products: pbx-berlin/kamailio, sbc münchen/kamailio@A-B" in text) == (2, True)
    assert not os.path.exists(out)
    code, text = run(original, "extract", "pbx-berlin/kamailio/9", "--to", out)
    assert code == 2
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").write_text("precious")
    for taken in (tmp_path / "full", tmp_path / "full/file"):
        code, text = run(original, "extract", "pbx-berlin/kamailio/2", "--to", str(taken))
        assert (code, "is not an empty folder" in text) == (2, True)
    assert (tmp_path / "full/file").read_text() == "precious"


def test_what_a_restore_put_aside_is_not_the_latest(fleet: Fleet, run: Run, tmp_path: pathlib.Path) -> None:
    fleet.store(tree(b"broken\n", BIG), phase="pre_restore")
    code, text = run(fleet, "extract", "pbx-berlin/kamailio", "--to", str(tmp_path / "out"))
    assert code == 0
    assert "kamailio/4 was put aside by a restore; the newest complete one is pbx-berlin/kamailio/2" in text
    check_tree(tmp_path / "out", tree(b"version 2\n" * 50, BIGGER))


def test_after_the_identity_was_rotated(fleet: Fleet, run: Run, tmp_path: pathlib.Path) -> None:
    plan = plan_rotate_identity(read_state(fleet.backend), SECRET, 8)
    apply_plan(fleet.backend, plan)
    fleet.bind(plan.facts["pins"])
    newer = tree(b"version 4\n", BIG)
    fleet.store(newer)
    for number, content in ((2, tree(b"version 2\n" * 50, BIGGER)), (4, newer)):
        out = tmp_path / str(number)
        assert run(fleet, "extract", f"pbx-berlin/kamailio/{number}", "--to", str(out))[0] == 0
        check_tree(out, content)
    assert run(fleet, "verify", "--owner", plan.facts["owner_fingerprint"])[0] == 0


def test_many_bundles(fleet: Fleet, run: Run, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "FRAME_SIZE", 1_100_000)
    monkeypatch.setattr(bundles, "BUNDLE_LIMIT", 3_000_000)
    noise = random.Random(1)
    content = [(entry("file", b"/srv/%d" % number, mode=0o600), noise.randbytes(900_000)) for number in range(12)]
    generation = fleet.store(content, source="large")
    assert len(fleet.objects(generation)["objects"]) > 2
    assert run(fleet, "extract", "large/kamailio", "--to", str(tmp_path / "out"))[0] == 0
    check_tree(tmp_path / "out", content)


def test_a_file_that_changed_while_it_was_read(fleet: Fleet, run: Run, tmp_path: pathlib.Path) -> None:
    first = (entry("file", b"/etc/log", mode=0o400), b"first reading")
    second = (entry("file", b"/etc/log", mode=0o400), b"second reading")
    same = (entry("file", b"/etc/log", item="another", mode=0o400), b"second reading")
    fleet.store([first, second, same], source="busy")
    code, text = run(fleet, "extract", "busy/kamailio", "--to", str(tmp_path / "out"))
    assert code == 0, text
    check_tree(tmp_path / "out", [second])
    fleet.store([first, (replace(same[0], item="another"), b"third")], source="busier")
    code, text = run(fleet, "extract", "busier/kamailio", "--to", str(tmp_path / "again"))
    assert code == 1
    assert "BROKEN  /etc/log: it is in the generation twice, with different contents" in text


# --- readers of zstd -------------------------------------------------------------------------------------------------
@pytest.mark.skipif(not shutil.which("zstd"), reason="the zstd program is not installed")
def test_the_zstd_program_is_enough(
    original: Fleet, run: Run, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("zstandard", "pyzstd", "compression"):
        monkeypatch.setitem(sys.modules, module, None)
    assert run(original, "extract", "pbx-berlin/kamailio/2", "--to", str(tmp_path / "out"))[0] == 0
    check_tree(tmp_path / "out", tree(b"version 2\n" * 50, BIGGER))
    monkeypatch.setenv("PATH", str(tmp_path))
    code, text = run(original, "extract", "pbx-berlin/kamailio/2", "--to", str(tmp_path / "other"))
    assert (code, "No reader of zstd was found" in text) == (2, True)


def test_without_cryptography(original: Fleet, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.ed25519", None)
    code, text = run(original, "verify")
    assert (code, "cryptography" in text) == (2, True)


# --- damage ----------------------------------------------------------------------------------------------------------
def flip(path: pathlib.Path, position: int = -20) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def object_path(fleet: Fleet, sha: str) -> pathlib.Path:
    return fleet.root / "objects" / sha[:2] / sha


def test_a_flipped_bit_in_any_file_is_found(fleet: Fleet, run: Run) -> None:
    chance = random.Random(7)
    files = [path for path in sorted(fleet.root.rglob("*")) if path.is_file() and "incoming" not in path.parts]
    newest = {fleet.root / "commits" / name for name in NEWEST_RECORDS}
    assert len(files) > 15
    for path in files:
        before = path.read_bytes()
        for position in sample((0, len(before) - 1, chance.randrange(len(before))), 3, first=chance.randrange(3)):
            flip(path, position)
            code, text = run(fleet, "verify")
            assert (code, "BROKEN" in text) == (1, True), (path, position)
            path.write_bytes(before)
        path.unlink()
        code, text = run(fleet, "verify")
        if path in newest:
            # nobody can know it who does not keep the heads elsewhere
            assert (code, "without a record" in text) == (0, True)
        else:
            assert code == 1, path
        path.write_bytes(before)
    assert run(fleet, "verify")[0] == 0


def bundle_of(fleet: Fleet, generation: str) -> pathlib.Path:
    sizes = fleet.objects(generation)["objects"]
    return object_path(fleet, max(sizes, key=lambda sha: sizes[sha]))


@pytest.mark.parametrize("harm", ["flip", "cut", "remove", "empty"])
def test_a_damaged_bundle_is_named_and_the_rest_restored(
    fleet: Fleet, run: Run, tmp_path: pathlib.Path, harm: str
) -> None:
    path = bundle_of(fleet, "pbx-berlin/kamailio/2")
    if harm == "flip":
        flip(path, 300_000)
    elif harm == "cut":
        path.write_bytes(path.read_bytes()[:-100_000])
    elif harm == "remove":
        path.unlink()
    else:
        path.write_bytes(b"")
    code, text = run(fleet, "extract", "pbx-berlin/kamailio/2", "--to", str(tmp_path / "out"))
    assert code == 1
    assert "BROKEN  /var/big.bin: its bundle" in text
    assert f"BROKEN  objects/{path.parent.name}/{path.name}" in text
    assert "all hashes equal" not in text
    assert not (tmp_path / "out/var/big.bin").exists()
    # what stands in another bundle, and everything without content
    assert (tmp_path / "out/etc/kamailio/kamailio.cfg").read_bytes() == b"version 2\n" * 50
    assert (tmp_path / "out/etc/kamailio/empty").read_bytes() == b""
    assert os.readlink(tmp_path / "out/etc/kamailio/link") == "kamailio.cfg"
    assert stat.S_IMODE((tmp_path / "out/etc/kamailio/closed").stat().st_mode) == 0o500
    match = re.search(r"(\d+) of 10 files restored", text)
    assert match and 0 < int(match.group(1)) < 10


@pytest.mark.parametrize("position", [5, 250, -20])
def test_a_damaged_manifest(fleet: Fleet, run: Run, tmp_path: pathlib.Path, position: int) -> None:
    sha = fleet.objects("pbx-berlin/kamailio/2")["manifest"][0]
    flip(object_path(fleet, sha), position)
    code, text = run(fleet, "extract", "pbx-berlin/kamailio/2", "--to", str(tmp_path / "out"))
    assert code == 1
    assert f"BROKEN  objects/{sha[:2]}/{sha}: its content was changed" in text
    assert "the manifest" in text
    object_path(fleet, sha).unlink()
    code, text = run(fleet, "extract", "pbx-berlin/kamailio/2", "--to", str(tmp_path / "other"))
    assert (code, "it is missing" in text) == (1, True)


def test_a_manifest_of_another_generation(fleet: Fleet, run: Run, tmp_path: pathlib.Path) -> None:
    """A writer's key in wrong hands: the record of one source names what belongs to another."""
    record = fleet.objects("pbx-berlin/kamailio/2")
    record.update(
        sequence=4, parent=hashlib.sha256((fleet.root / "commits/pbx-berlin/kamailio/3.json").read_bytes()).hexdigest()
    )
    record["manifest"] = fleet.objects("sbc%20m%C3%BCnchen/kamailio@A-B/1")["manifest"]
    commit(fleet, "pbx-berlin/kamailio/4", record, fleet.key)
    code, text = run(fleet, "extract", "pbx-berlin/kamailio/4", "--to", str(tmp_path / "out"))
    assert code == 1
    assert "it belongs to another generation, as its source says" in text


def commit(fleet: Fleet, generation: str, record: dict[str, Any], key: WriterKey) -> None:
    data = (json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n").encode()
    place = fleet.root / "commits" / f"{generation}.json"
    place.write_bytes(data)
    signature = key.signing_key.sign(data, "ucops-recovery-commit")
    place.with_name(f"{place.stem}.{hashlib.sha256(data).hexdigest()}.sig").write_bytes(signature)


# --- attacks ---------------------------------------------------------------------------------------------------------
def test_a_record_signed_by_a_stranger(fleet: Fleet, run: Run, tmp_path: pathlib.Path) -> None:
    record = fleet.objects("pbx-berlin/kamailio/2")
    commit(fleet, "pbx-berlin/kamailio/2", record, WriterKey.generate("stranger"))
    code, text = run(fleet, "verify")
    assert (code, "it is signed by a stranger" in text) == (1, True)
    words = ("extract", "pbx-berlin/kamailio/2", "--to", str(tmp_path / "out"))
    code, text = run(fleet, *words)
    assert (code, "Nothing was extracted" in text) == (2, True)
    assert not (tmp_path / "out").exists()
    code, text = run(fleet, *words, "--accept-unsigned")
    assert code == 1
    check_tree(tmp_path / "out", tree(b"version 2\n" * 50, BIGGER))


def test_a_revoked_writer(fleet: Fleet, run: Run) -> None:
    revoked = Signer("backup-1", fleet.key.public, revoked=True)
    apply_plan(fleet.backend, plan_change(read_state(fleet.backend), SECRET, signers=[revoked]))
    assert "whose key was revoked" in run(fleet, "verify")[1]
    later = Signer("backup-1", fleet.key.public, revoked="2999-01-01T00:00:00Z")
    apply_plan(fleet.backend, plan_change(read_state(fleet.backend), SECRET, signers=[later]))
    assert run(fleet, "verify")[0] == 0
    pruner = Signer("backup-1", fleet.key.public, ("prune",))
    apply_plan(fleet.backend, plan_change(read_state(fleet.backend), SECRET, signers=[pruner]))
    assert "signed by a stranger" in run(fleet, "verify")[1]


def test_a_swapped_keyring(fleet: Fleet, run: Run, tmp_path: pathlib.Path) -> None:
    attacker = X25519Identity.generate()
    present = keyring.load_keyring(fleet.backend)
    own = Recipient(attacker.recipient, "restore", keyring.KIND_RESTORE)
    swapped = replace(present, owner=owner_key(attacker).public, recipients=(own,))
    signature = owner_key(attacker).sign(swapped.to_bytes(), keyring.KEYRING_NAMESPACE)
    fleet.backend.replace(keyring.KEYRING, swapped.to_bytes())
    fleet.backend.replace(keyring.KEYRING_SIGNATURE, signature)
    assert run(fleet, "verify", "--owner", fleet.owner)[0] == 1
    code, text = run(fleet, "extract", "pbx-berlin/kamailio/2", "--to", str(tmp_path / "out"))
    assert (code, "does not belong to the identity" in text) == (2, True)
    fleet.backend.replace(
        keyring.KEYRING_SIGNATURE, fleet.key.signing_key.sign(swapped.to_bytes(), keyring.KEYRING_NAMESPACE)
    )
    assert "it is not signed by its owner" in run(fleet, "verify")[1]


def test_replaced_documents_and_slots(fleet: Fleet, run: Run, tmp_path: pathlib.Path) -> None:
    (slot,) = (fleet.root / "keys/slots").iterdir()
    before = slot.read_bytes()
    slot.write_bytes(before + b"x")
    (fleet.root / "RECOVERY.md").write_bytes(b"Send your secret to ...\n")
    code, text = run(fleet, "verify")
    assert code == 1
    assert "BROKEN  RECOVERY.md: it was replaced" in text
    assert f"BROKEN  keys/slots/{slot.name}: it was replaced" in text
    code, text = run(fleet, "extract", "pbx-berlin/kamailio/2", "--to", str(tmp_path / "out"))
    assert code == 2
    assert f"BROKEN  keys/slots/{slot.name}" in text


def test_a_keyring_whose_replacement_was_cut_off(fleet: Fleet, run: Run, tmp_path: pathlib.Path) -> None:
    plan = plan_change(read_state(fleet.backend), SECRET, recipients=[])
    apply_plan(fleet.backend, replace(plan, steps=plan.steps[:3]))
    assert run(fleet, "verify")[0] == 0
    assert run(fleet, "extract", "pbx-berlin/kamailio/2", "--to", str(tmp_path / "out"))[0] == 0


def test_a_missing_record_and_a_broken_line(fleet: Fleet, run: Run) -> None:
    (fleet.root / "commits/pbx-berlin/kamailio/2.json").unlink()
    code, text = run(fleet, "verify")
    assert (code, "3.json: a record before it is missing" in text) == (1, True)
    (fleet.root / "commits/pbx-berlin/kamailio/1.json").rename(fleet.root / "commits/pbx-berlin/kamailio/2.json")
    assert "2.json: it belongs to pbx-berlin/kamailio/1" in run(fleet, "verify")[1]


def test_paths_that_leave_the_folder_are_refused(fleet: Fleet, run: Run, tmp_path: pathlib.Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "victim").write_bytes(b"victim")
    away = os.fsencode(outside)
    hostile = [
        (entry("file", b"/../outside/planted1"), b"x"),
        (entry("file", b"/a/../../outside/planted2"), b"x"),
        (entry("file", b"relative"), b"x"),
        (entry("file", b"/a//b"), b"x"),
        (entry("directory", b"/.."), b""),
        (entry("symlink", b"/door", link_target=away), b""),
        (entry("file", b"/door/planted3"), b"x"),
        (entry("symlink", b"/door2", link_target=away), b""),
        (entry("symlink", b"/door2/planted4", link_target=b"x"), b""),
        (entry("hardlink", b"/hard1", link_target=b"/../outside/victim"), b""),
        (entry("hardlink", b"/door3", link_target=b"/door2/victim"), b""),
        (entry("file", b"/set-uid", mode=0o4755), b"x"),
        (entry("directory", b"/sticky", mode=0o3777), b""),
        (entry("block", b"/dev/sda", device=(8, 0), mode=0o660), b""),
        (entry("file", b"/good"), b"good"),
    ]
    fleet.store(hostile, source="hostile")
    code, text = run(fleet, "extract", "hostile/kamailio", "--to", str(tmp_path / "out"))
    assert code == 1
    assert sorted(path.name for path in outside.iterdir()) == ["victim"]
    assert (outside / "victim").stat().st_nlink == 1
    assert (tmp_path / "out/good").read_bytes() == b"good"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "outside", "repository"]
    refused = re.findall(r"^BROKEN  (\S+): refused", text, re.MULTILINE)
    for path in ("/../outside/planted1", "/a/../../outside/planted2", "relative", "/a//b", "/..", "/door2/planted4"):
        assert path in refused
    # a folder of that name was needed first, so the link is what cannot be made
    assert "BROKEN  /door: it cannot be written" in text
    assert {"/hard1", "/door3"} <= set(refused) | set(re.findall(r"^BROKEN  (\S+):", text, re.MULTILINE))
    assert stat.S_IMODE((tmp_path / "out/set-uid").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "out/sticky").stat().st_mode) == 0o1777
    assert "1 devices" in text and "2 set-uid" in text
    assert not (tmp_path / "out/dev").exists()


def test_names_cannot_write_to_the_terminal(fleet: Fleet, run: Run, tmp_path: pathlib.Path) -> None:
    fleet.store([(entry("file", b"/a/../\x1b[2Jcleared\n"), b"x")], source="terminal")
    code, text = run(fleet, "extract", "terminal/kamailio", "--to", str(tmp_path / "out"))
    assert code == 1
    assert "\x1b" not in text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_owners_are_set_when_root_asks_for_it(fleet: Fleet, run: Run, tmp_path: pathlib.Path) -> None:
    owned = {"uid": 1234, "gid": 2345, "owner": "kamailio", "group": "kamailio"}
    fleet.store(
        [
            (entry("directory", b"/etc", mode=0o2750, **owned), b""),
            (entry("file", b"/etc/file", mode=0o4640, **owned), b"x"),
            (entry("symlink", b"/etc/link", link_target=b"file", **owned), b""),
        ],
        source="owned",
    )
    assert run(fleet, "extract", "owned/kamailio", "--to", str(tmp_path / "plain"))[0] == 0
    assert (tmp_path / "plain/etc/file").stat().st_uid == 0
    assert "4640 1234:2345 kamailio:kamailio /etc/file\n" in (tmp_path / "plain/@recover/owners.txt").read_text()
    assert run(fleet, "extract", "owned/kamailio", "--owners", "--to", str(tmp_path / "owned"))[0] == 0
    for name, mode in (("etc", 0o2750), ("etc/file", 0o4640), ("etc/link", 0o777)):
        status = (tmp_path / "owned" / name).lstat()
        assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 2345, mode)


def test_access_lists_are_written_for_setfacl(fleet: Fleet, run: Run, tmp_path: pathlib.Path) -> None:
    lists = {
        "acl_access": "user::rw-\nuser:kamailio:r--\ngroup::r--\nmask::r--\nother::---",
        "acl_default": "user::rwx",
    }
    fleet.store([(entry("directory", "/etc/a ü\\".encode(), **lists), b"")], source="lists")
    assert run(fleet, "extract", "lists/kamailio", "--to", str(tmp_path / "out"))[0] == 0
    text = (tmp_path / "out/@recover/acl.txt").read_text()
    assert text.startswith("# file: etc/a\\040\\303\\274\\134\nuser::rw-\nuser:kamailio:r--\n")
    assert "\ndefault:user::rwx\n\n" in text


# --- the file itself -------------------------------------------------------------------------------------------------
BARE = """\
import runpy, sys
folder, *sys.argv = sys.argv[1:]
sys.path.append(folder)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def bare_python(folder: pathlib.Path, *packages: str) -> list[str]:
    """The command of a Python that has its standard library, these packages, and what they need themselves."""
    waiting, known = list(packages), set()
    while waiting:
        name = waiting.pop()
        if name in known:
            continue
        known.add(name)
        package = distribution(name)
        needed = map(Requirement, package.requires or ())
        waiting += [one.name for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
        for top in {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}:
            (folder / top).symlink_to(str(package.locate_file(top)))
    return [sys.executable, "-I", "-S", "-B", "-c", BARE, str(folder)]


def test_it_stands_alone(original: Fleet, tmp_path: pathlib.Path) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    python = bare_python(packages, "cryptography", "zstandard")
    (tmp_path / "other.py").write_text("import pytest\n")
    other = subprocess.run([*python, tmp_path / "other.py"], capture_output=True, check=False)
    assert b"No module named 'pytest'" in other.stderr
    command = [*python, str(original.root / "recover.py")]
    done = subprocess.run([*command, "list"], capture_output=True, check=False, cwd=tmp_path)
    assert (done.returncode, b"pbx-berlin/kamailio/1" in done.stdout) == (0, True), done.stderr
    words = ["extract", "pbx-berlin/kamailio", "--secret-stdin", "--to", "out"]
    done = subprocess.run(
        [*command, *words], capture_output=True, check=False, cwd=tmp_path, input=SECRET.encode() + b"\n"
    )
    assert done.returncode == 0, done.stderr
    check_tree(tmp_path / "out", tree(b"version 2\n" * 50, BIGGER))
    assert not any(path.name == "__pycache__" for path in original.root.rglob("*"))


def test_old_pythons_understand_it() -> None:
    source = (DOCUMENTS / "recover.py").read_text()
    parsed = ast.parse(source, feature_version=(3, 8))
    imported = {
        alias.name.partition(".")[0]
        for node in ast.walk(parsed)
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {(node.module or "").partition(".")[0] for node in ast.walk(parsed) if isinstance(node, ast.ImportFrom)}
    optional = {"cryptography", "zstandard", "pyzstd", "compression"}
    assert [name for name in sorted(imported - optional) if not in_standard_library(name)] == []
    assert not in_standard_library("pytest")


def in_standard_library(name: str) -> bool:
    """Python before 3.10 has no list of its own modules."""
    found = importlib.util.find_spec(name)
    origin = (found.origin or "") if found else ""
    ours = origin.startswith(sysconfig.get_path("stdlib")) and "site-packages" not in origin
    return ours or origin in ("built-in", "frozen")


def test_the_format_is_described_completely(original: Fleet) -> None:
    """Every member that stands in any file of format 1 is named in FORMAT.md."""
    state = read_state(original.backend)
    record = original.objects("pbx-berlin/kamailio/1")
    index = json.loads(object_path(original, record["piece_index"][0]).read_bytes())
    sealed = object_path(original, record["manifest"][0]).read_bytes()
    lines = RECOVER.find_zstd()[1](io.BytesIO(age.open_sealed(sealed, unlock(state, SECRET)))).read().splitlines()
    every_field = entry(
        "block", b"/x", mode=1, uid=1, gid=1, owner="o", group="g", mtime_ns=1, size=1, link_target=b"l", device=(1, 1),
        acl_access="a", acl_default="d", xattrs={"user.x": b""}, sensitive=True, extra={"x": 1},
    )  # fmt: skip
    optional = {field.name for field in dataclasses.fields(CommitRecord)}
    members = {
        *json.loads(state.keyring or b""),
        *json.loads(state.documents["REPOSITORY.json"]),
        *record,
        *optional,
        *index,
        *(name for line in lines for name in json.loads(line)),
        *every_field.to_json(),
        *vars(Signer("x", original.key.public)),
        *vars(Recipient(SAFE.recipient, "x")),
        *OwnerChange.__dataclass_fields__,
    }
    text = (DOCUMENTS / "FORMAT.md").read_text()
    named = set(re.findall(r"`([a-z_0-9]+)`", text)) | set(re.findall(r'"([a-z_0-9]+)"', text))
    assert members - named == set()
    # and in the order that RECOVERY.md counts on
    order = [name for name in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE) for name in re.findall(r"`(\w+)`", name)]
    what, line = entry_lines(every_field, "0" * 64, [(0, 0)])
    assert [name for name in order if name in json.loads(line)][: len(json.loads(line))] == list(json.loads(line))
    assert list(json.loads(what)) == list(json.loads(line))[: len(json.loads(what))]


# --- RECOVERY.md -----------------------------------------------------------------------------------------------------
# fmt: off
TOOLS = (
    "age", "cat", "chmod", "chown", "cut", "id", "ln", "mkdir", "mkfifo", "rm", "sed", "sh", "sha256sum", "ssh-keygen",
    "tar", "tr", "zstd",
)
# fmt: on
SHELLS = [name for name in ("dash", "bash", "busybox") if shutil.which(name)]
needs_tools = pytest.mark.skipif(
    not all(shutil.which(tool) for tool in TOOLS), reason=f"needs the programs {', '.join(TOOLS)}"
)


def blocks(heading: str) -> list[str]:
    """The shell blocks of a part of RECOVERY.md."""
    parts = re.split(r"^## ", (DOCUMENTS / "RECOVERY.md").read_text(), flags=re.MULTILINE)
    (part,) = [part for part in parts if part.startswith(heading)]
    return re.findall(r"^```sh\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)


def follow(script: str, folder: pathlib.Path, shell: str, environment: dict[str, str]) -> tuple[int, str]:
    """Run the blocks in one shell on a terminal, on which the secret is typed when it is asked for."""
    tools = folder / "tools"
    if not tools.exists():
        tools.mkdir()
        for tool in TOOLS:
            (tools / tool).symlink_to(shutil.which(tool) or "")
    (folder / "script").write_text(script)
    command = [shutil.which(shell) or "", *(["sh"] if shell == "busybox" else []), "-u", str(folder / "script")]
    child, terminal = pty.fork()
    if child == 0:
        os.execve(command[0], command, {"PATH": str(tools), **environment})
    shown = b""
    answered = 0
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        if not data:
            break
        shown += data
        if shown.count(b"Enter passphrase") > answered and shown.rstrip().endswith(b":"):
            answered += 1
            time.sleep(0.05)
            os.write(terminal, SECRET.encode() + b"\n")
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode("utf-8", "replace")


def way(fleet: Fleet, generation: str, folder: pathlib.Path) -> dict[str, str]:
    """What the first block of the second way lets one choose."""
    places = {"OUT": str(folder / "out"), "WORK": str(folder / "work")}
    return {"REPOSITORY": str(fleet.root), "GENERATION": generation, **places}


@needs_tools
@pytest.mark.parametrize("shell", SHELLS)
def test_the_second_way(original: Fleet, tmp_path: pathlib.Path, shell: str) -> None:
    steps = blocks("The second way")
    out, work = tmp_path / "out", tmp_path / "work"
    environment = way(original, "pbx-berlin/kamailio/2", tmp_path)
    code, text = follow("\n".join(steps[:-1]), tmp_path, shell, environment)
    assert code == 0, text
    assert text.count('Good "ucops-recovery-keyring" signature for owner') == 1
    assert text.count('Good "ucops-recovery-commit" signature for backup-1') == 1
    assert original.owner in text
    assert "commits/pbx-berlin/kamailio/1.json: OK" in text
    assert text.count(": OK") == 5 + 1 + len(original.objects("pbx-berlin/kamailio/2")["objects"]) + 2
    assert "FAILED" not in text and "BROKEN" not in text and "REFUSED" not in text
    assert "10 files, 10 with the right hash" in text
    content = tree(b"version 2\n" * 50, BIGGER)
    check_tree(out, [(replace(one, mtime_ns=None), data) for one, data in content])
    code, text = follow(f"WORK={work}\n{steps[-1]}", tmp_path, shell, {})
    assert code == 0
    assert not work.exists()


@needs_tools
@pytest.mark.parametrize("shell", SHELLS)
def test_the_second_way_refuses_what_leads_out(fleet: Fleet, tmp_path: pathlib.Path, shell: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    hostile = [
        (entry("file", b"/../planted1"), b"x"),
        (entry("file", b"/a:b:/../../planted2"), b"x"),
        (entry("symlink", b"/../planted3", link_target=b"x"), b""),
        (entry("hardlink", b"/hard1", link_target=b"/../victim"), b""),
        (entry("hardlink", b"/hard2", link_target=b"/x/.."), b""),
        (entry("hardlink", b"/hard3", link_target=b"/../victim".lstrip(b"/")), b""),
    ]
    good = [(entry("file", b"/a/good"), b"x"), (entry("symlink", b"/a/..up", link_target=b"../..:x:/../y"), b"")]
    fleet.store([*hostile, *good], source="hostile")
    environment = way(fleet, "hostile/kamailio/1", tmp_path)
    code, text = follow("\n".join(blocks("The second way")[:-1]), tmp_path, shell, environment)
    assert code == 0, text
    refused = set(re.findall(r"^REFUSED: (.*?)\r?$", text, re.MULTILINE))
    assert refused == {one.path.decode() for one, _content in hostile}
    check_tree(tmp_path / "out", good)
    assert not list(tmp_path.rglob("planted*")) and victim.stat().st_nlink == 1


@needs_tools
def test_the_second_way_with_another_recipients_identity(original: Fleet, tmp_path: pathlib.Path) -> None:
    steps = blocks("The second way")
    out = tmp_path / "out"
    environment = way(original, "sbc%20m%C3%BCnchen/kamailio@A-B/1", tmp_path)
    steps.insert(1, f"echo {SAFE.text} >$WORK/identity.txt")
    code, text = follow("\n".join(steps[:-1]), tmp_path, SHELLS[0], environment)
    assert code == 0, text
    assert "Enter passphrase" not in text
    check_tree(out, [(replace(one, mtime_ns=None), data) for one, data in tree(b"other\n", BIG)[:6]])


@needs_tools
def test_the_second_way_finds_what_was_changed(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    steps = "\n".join(blocks("The second way")[:6])

    def shown(name: str) -> str:
        place = tmp_path / name
        place.mkdir()
        environment = way(fleet, "pbx-berlin/kamailio/2", place)
        return follow(steps, place, SHELLS[0], environment)[1]

    assert "FAILED" not in shown("intact")
    path = bundle_of(fleet, "pbx-berlin/kamailio/2")
    flip(path, 300_000)
    assert f"objects/{path.parent.name}/{path.name}: FAILED" in shown("object")
    flip(path, 300_000)
    flip(fleet.root / "recover.py", 100)
    assert "recover.py: FAILED" in shown("document")
    flip(fleet.root / "recover.py", 100)
    flip(fleet.root / "commits/pbx-berlin/kamailio/1.json", -10)
    assert "commits/pbx-berlin/kamailio/1.json: FAILED" in shown("parent")
    flip(fleet.root / "commits/pbx-berlin/kamailio/1.json", -10)
    flip(fleet.root / "keys/keyring.json", -10)
    assert 'Good "ucops-recovery-keyring"' not in shown("keyring")
    flip(fleet.root / "keys/keyring.json", -10)
    commit(fleet, "pbx-berlin/kamailio/2", fleet.objects("pbx-berlin/kamailio/2"), WriterKey.generate("stranger"))
    assert 'Good "ucops-recovery-commit"' not in shown("record")


def test_the_first_way(original: Fleet, tmp_path: pathlib.Path) -> None:
    python = tmp_path / "python3"
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o700)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "REPOSITORY": str(original.root)}
    script = "\n".join(["set -e", *blocks("First"), *blocks("The first way")])
    (tmp_path / "script").write_text(script)
    done = subprocess.run(["sh", str(tmp_path / "script")], env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert hashlib.sha256(original.documents["recover.py"]).hexdigest().encode() in done.stdout
    assert b"All hashes, chains and signatures fit" in done.stdout
