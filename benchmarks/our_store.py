# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""This project's store as a program that can be measured like any other: create, backup, restore and verify.

What a transport brings from a host comes from folders here. A source is a folder of the tree, such as a host of a
fleet, or the whole tree. Each command imports what it needs, as a module does.
"""

from __future__ import annotations

import argparse
import grp
import os
import pathlib
import pwd
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

ROOT = pathlib.Path(__file__).resolve().parents[1]


def _make_importable() -> None:
    """Put the checkout on the path as ansible_collections.ucops.recovery."""
    stage = ROOT / "build" / "bench" / "stage"
    link = stage / "ansible_collections" / "ucops" / "recovery"
    if not link.is_symlink():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(ROOT, link.parent))
    sys.path.insert(0, str(stage))


_make_importable()

from ansible_collections.ucops.recovery.plugins.module_utils._entries import Entry  # noqa: E402
from ansible_collections.ucops.recovery.plugins.module_utils._repository import age, owner  # noqa: E402
from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.local import (  # noqa: E402
    LocalBackend,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.chain import (  # noqa: E402
    believe_operator,
    head,
    list_chains,
    sequences,
)
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import StoredEntry  # noqa: E402
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keyring import load_keyring  # noqa: E402
from ansible_collections.ucops.recovery.plugins.module_utils._repository.keys import WriterKey  # noqa: E402
from ansible_collections.ucops.recovery.plugins.module_utils._repository.sshsig import AllowedSigners  # noqa: E402

if TYPE_CHECKING:
    from ansible_collections.ucops.recovery.plugins.module_utils._repository.reader import GenerationReader
    from ansible_collections.ucops.recovery.plugins.module_utils._repository.writer import Prepared

SECRET = "k7fw.92mq.x3tb.vrd4.hs8e.n5pc.ajg6"
PRODUCT = "kamailio"
GROUP = 100
"""Generations that are committed together."""

REREAD_DAYS = 7
"""As of the modules."""
SETTLED = 60.0
"""What was touched within so many seconds is read again, as by the modules."""
_LARGE = 256 * 1024

_WHOLE_FILE = 1024 * 1024
_CHUNK = 1024 * 1024


# --- reading hosts ---------------------------------------------------------------------------------------------------
@cache
def _owner(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return ""


@cache
def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return ""


def _content(path: str, size: int) -> Iterator[bytes]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        wanted = size + 1 if size <= _WHOLE_FILE else _CHUNK
        while True:
            data = os.read(descriptor, wanted)
            if data:
                yield data
            if len(data) < wanted:
                return
    finally:
        os.close(descriptor)


def _version(status: os.stat_result) -> bytes:
    """What find says of a large file on a host."""
    if status.st_size < _LARGE or status.st_nlink > 1 or time.time() - status.st_ctime < SETTLED:
        return b""
    facts = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return " ".join(map(str, facts)).encode()


def _entries(folder: str, inner: str = "") -> Iterator[tuple[Entry, Iterable[bytes]]]:
    with os.scandir(folder + inner) as found:
        items = sorted(found, key=lambda item: item.name)
    for item in items:
        path = f"{inner}/{item.name}"
        status = item.stat(follow_symlinks=False)
        is_folder = item.is_dir(follow_symlinks=False)
        yield (
            Entry(
                item="config",
                data_class="voip_config",
                kind="directory" if is_folder else "file",
                path=os.fsencode(path),
                mode=status.st_mode & 0o7777,
                uid=status.st_uid,
                gid=status.st_gid,
                owner=_owner(status.st_uid),
                group=_group(status.st_gid),
                mtime_ns=status.st_mtime_ns,
                version=b"" if is_folder else _version(status),
            ),
            () if is_folder else _content(item.path, status.st_size),
        )
        if is_folder:
            yield from _entries(folder, path)


# --- the four commands -----------------------------------------------------------------------------------------------
def create(repository: str, key_file: str) -> None:
    """A repository, and the key of its writer."""
    backend = LocalBackend(repository)
    key = WriterKey.generate("backup1")
    documents = {name: bytes(20000) for name in ("FORMAT.md", "RECOVERY.md", "recover.py")}
    plan = owner.plan_create(owner.read_state(backend), SECRET, documents, key.public, writer_name=key.name)
    owner.apply_plan(backend, plan)
    key.with_pins(**plan.facts["pins"]).save(key_file)
    pathlib.Path(key_file + ".allowed_signers").write_text(plan.facts["allowed_signers"])


def backup(repository: str, key_file: str, tree: str, sources: Sequence[str], reread_days: int) -> None:
    """One generation of each source, committed in groups."""
    from ansible_collections.ucops.recovery.plugins.module_utils._repository.writer import (
        GenerationFacts,
        RepositoryWriter,
    )

    facts = GenerationFacts(
        phase="scheduled",
        run_id=f"run-{int(time.time())}",
        actor="awx",
        job="4711",
        release="5.6.3",
        version={"release": "5.6.3", "build": "5.6.3-2"},
        contract={"config": "required"},
        items={"config": {"consistency": "none"}},
        restore_order=("config",),
    )
    with RepositoryWriter(LocalBackend(repository), WriterKey.load(key_file)) as store:
        waiting: list[Prepared] = []
        for source in sources:
            generation = store.begin(source, PRODUCT, believed_for=reread_days * 86400.0)
            known = generation.known_files
            for entry, chunks in _entries(os.path.join(tree, source)):
                found = known.find(entry) if known is not None and entry.version else None
                generation.add(*(found or (entry, chunks)))
            waiting.append(generation.finish(facts))
            if len(waiting) == GROUP:
                store.commit(waiting)
                waiting = []
        if waiting:
            store.commit(waiting)


class _Unlocked:
    """The repository for somebody who knows the Domain Master Secret."""

    def __init__(self, backend: LocalBackend) -> None:
        self._identities = owner.unlock(owner.read_state(backend), SECRET)

    def unwrap(self, headers: Mapping[str, bytes]) -> dict[str, bytes]:
        """What opens the objects that have these headers."""
        return {sha: age.unwrap(age.parse_header(raw), self._identities) for sha, raw in headers.items()}


def restore(repository: str, key_file: str, target: str, sources: Sequence[str]) -> None:
    """The newest generation of each source, or of all, each into a folder of its name."""
    from ansible_collections.ucops.recovery.plugins.module_utils._repository.reader import (
        GenerationReader,
        sealed_headers,
    )

    backend = LocalBackend(repository)
    unlocked = _Unlocked(backend)
    believe = believe_operator(load_keyring(backend), _allowed_signers(key_file))
    for chain in list_chains(backend):
        if sources and chain.source not in sources:
            continue
        record = head(backend, chain, believe)
        if record is not None:
            file_keys = unlocked.unwrap(sealed_headers(backend, [record]))
            with GenerationReader(backend, record, file_keys) as reader:
                _write_entries(reader, os.path.join(target, chain.source))


def _allowed_signers(key_file: str) -> AllowedSigners:
    return AllowedSigners.parse(pathlib.Path(key_file + ".allowed_signers").read_text())


def _write_entries(reader: GenerationReader, folder: str) -> None:
    from ansible_collections.ucops.recovery.plugins.module_utils._module.extraction import put_files

    os.makedirs(folder)
    folders: list[tuple[str, Entry]] = []
    files: list[StoredEntry] = []
    for stored in reader.entries():
        if stored.entry.kind == "directory":
            path = folder + os.fsdecode(stored.entry.path)
            os.mkdir(path)
            folders.append((path, stored.entry))
        else:
            files.append(stored)

    def put(entry: Entry, chunks: Iterable[memoryview]) -> int:
        path = folder + os.fsdecode(entry.path)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        try:
            for chunk in chunks:
                os.write(descriptor, chunk)
            os.fchown(descriptor, entry.uid or 0, entry.gid or 0)
            os.fchmod(descriptor, entry.mode or 0o600)
            os.utime(descriptor, ns=(entry.mtime_ns or 0, entry.mtime_ns or 0))
        finally:
            os.close(descriptor)
        return entry.size

    put_files(files, reader, put)
    for path, entry in reversed(folders):
        os.chown(path, entry.uid or 0, entry.gid or 0)
        os.chmod(path, entry.mode or 0o700)
        os.utime(path, ns=(entry.mtime_ns or 0, entry.mtime_ns or 0))


def check(repository: str, key_file: str, level: int) -> None:
    """Verify everything on a level. Exits with 1 when something is wrong."""
    from ansible_collections.ucops.recovery.plugins.module_utils._repository.verify import (
        Trust,
        headers_to_open,
        verify,
    )

    backend = LocalBackend(repository)
    file_keys = None
    if level == 2:
        unlocked = _Unlocked(backend)
        chains = list_chains(backend)
        wanted = [chain.generation(number) for chain in chains for number in sequences(backend, chain)]
        file_keys = unlocked.unwrap(headers_to_open(backend, wanted))
    report = verify(backend, level, Trust(allowed_signers=_allowed_signers(key_file)), file_keys)
    if report.verdict != "authentic":
        sys.exit(f"{report.verdict}: {report.findings[:3]}")


def main() -> None:
    """Run one command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("create", "backup", "restore", "verify"))
    parser.add_argument("repository")
    parser.add_argument("key_file")
    parser.add_argument("--tree", help="what to back up, or where to restore to")
    parser.add_argument("--sources", nargs="*", default=[], help="folders of the tree; none for a restore: all")
    parser.add_argument("--reread-days", type=int, default=REREAD_DAYS, help="0 reads large files each time")
    parser.add_argument("--level", type=int, default=2)
    parser.add_argument("--profile", help="write a cProfile to this file")
    options = parser.parse_args()
    if options.profile:
        import cProfile

        profile = cProfile.Profile()
        profile.enable()
    if options.command == "create":
        create(options.repository, options.key_file)
    elif options.command == "backup":
        backup(options.repository, options.key_file, options.tree, options.sources, options.reread_days)
    elif options.command == "restore":
        restore(options.repository, options.key_file, options.tree, options.sources)
    else:
        check(options.repository, options.key_file, options.level)
    if options.profile:
        profile.disable()
        profile.dump_stats(options.profile)


if __name__ == "__main__":
    main()
