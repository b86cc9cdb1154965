# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file that is much larger than the memory it may take to write and to read it.

Run as a program, this file is the process whose memory is measured: ``write`` or ``read``, and a folder.
"""

from __future__ import annotations

import hashlib
import json
import pathlib
import random
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIZE = 2 * 1024**3
CHUNK = 256 * 1024
MEMORY_LIMIT = 200 * 1024**2
SOURCE, PRODUCT, PATH = "pbx", "kamailio", b"/var/lib/mysql/kamailio.ibd"


def content() -> Iterator[bytes]:
    """The file: half of it noise, half of it text that repeats with other numbers, in turns that fit no limit."""
    noise = random.Random("large file")
    line = b"INSERT INTO `acc` VALUES (%012d,'INVITE','200','OK','2026-01-01 00:00:00');\n"
    left = SIZE
    number = 0
    while left:
        number += 1
        if number % 2:
            chunk = noise.randbytes(CHUNK + 12345)
        else:
            chunk = (line % number + line % (number * 7919)) * (CHUNK // len(line) // 2)
        yield chunk[:left]
        left -= min(left, len(chunk))


def sha256(chunks: Iterator[bytes]) -> tuple[int, str]:
    """Bytes and SHA-256."""
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
    return size, digest.hexdigest()


# --- the processes that are measured ---------------------------------------------------------------------------------
def write(folder: pathlib.Path) -> dict[str, Any]:
    """Make a repository and put the file in."""
    from ansible_collections.ucops.recovery.plugins.module_utils._entries import Entry
    from ansible_collections.ucops.recovery.plugins.module_utils._repository import age, owner
    from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.local import LocalBackend
    from ansible_collections.ucops.recovery.plugins.module_utils._repository.keys import WriterKey
    from ansible_collections.ucops.recovery.plugins.module_utils._repository.writer import (
        GenerationFacts,
        RepositoryWriter,
    )

    backend = LocalBackend(str(folder / "repository"))
    key = WriterKey.generate("backup1")
    documents = {"FORMAT.md": b"format\n", "RECOVERY.md": b"recovery\n", "recover.py": b"# recover\n"}
    secret = "correct horse battery staple"
    # a passphrase that costs next to no memory, so that what is measured is the file's
    plan = owner.plan_create(owner.read_state(backend), secret, documents, key.public, work_factor=1)
    owner.apply_plan(backend, plan)
    identity: age.X25519Identity = owner.unlock(owner.read_state(backend), secret)[0]
    (folder / "identity").write_text(identity.text)

    with RepositoryWriter(backend, key.with_pins(**plan.facts["pins"])) as store:
        generation = store.begin(SOURCE, PRODUCT)
        generation.add(Entry(item="database", data_class="user_data", kind="file", path=PATH, mode=0o600), content())
        committed = store.commit([generation.finish(GenerationFacts())])[0]
    return {"bytes": committed.bytes_read, "stored": committed.bytes_stored}


def read(folder: pathlib.Path) -> dict[str, Any]:
    """Get the file back."""
    from ansible_collections.ucops.recovery.plugins.module_utils._repository import age
    from ansible_collections.ucops.recovery.plugins.module_utils._repository.backends.local import LocalBackend
    from ansible_collections.ucops.recovery.plugins.module_utils._repository.generations import find_generation
    from ansible_collections.ucops.recovery.plugins.module_utils._repository.reader import (
        GenerationReader,
        sealed_headers,
    )

    backend = LocalBackend(str(folder / "repository"))
    identity = age.X25519Identity.parse((folder / "identity").read_text())
    record = find_generation(backend, f"{SOURCE}/{PRODUCT}/latest")
    headers = sealed_headers(backend, [record])
    keys = {sha: age.unwrap(age.parse_header(header), [identity]) for sha, header in headers.items()}
    with GenerationReader(backend, record, keys) as reader:
        (stored,) = reader.entries()
        size, digest = sha256(reader.content(stored))
    return {"bytes": size, "sha256": digest}


def main() -> None:
    """Do one of the two and tell the peak of this process's memory."""
    what, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    namespace = folder / "stage" / "ansible_collections" / "ucops"
    namespace.mkdir(parents=True, exist_ok=True)
    if not (namespace / "recovery").is_symlink():
        (namespace / "recovery").symlink_to(ROOT)
    sys.path.insert(0, str(folder / "stage"))
    result = write(folder) if what == "write" else read(folder)
    result["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(result))


# --- the test --------------------------------------------------------------------------------------------------------
def run(what: str, folder: pathlib.Path) -> dict[str, Any]:
    """Run this file as a program. The shell between is there because a process inherits its starter's peak."""
    command = ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, __file__, what, str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=300, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A folder that is not kept: pytest would keep three."""
    yield tmp_path
    shutil.rmtree(tmp_path)


def test_a_file_of_2_gib_takes_less_than_200_mib_of_memory(folder: pathlib.Path) -> None:
    written = run("write", folder)
    assert written["bytes"] == SIZE
    assert SIZE * 0.4 < written["stored"] < SIZE * 0.6
    assert written["memory"] < MEMORY_LIMIT

    read_back = run("read", folder)
    assert (read_back["bytes"], read_back["sha256"]) == sha256(content())
    assert read_back["memory"] < MEMORY_LIMIT


if __name__ == "__main__":
    main()
