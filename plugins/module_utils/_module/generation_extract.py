# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of the module C(generation_extract)."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._entries import path_to_text
from .._errors import OptionInvalid
from .._repository.backends.base import Backend
from .._repository.format import CommitRecord, GenerationId, StoredEntry
from .._repository.generations import find_generation
from .._repository.reader import GenerationReader
from . import unsealing
from .argspec import ArgumentSpec, repository, trust, unlock
from .extraction import EXTRACTED_KINDS, FILE_KINDS, ExtractionFolder, parents_of, put_files
from .opening import believed_writers, check_heads
from .selection import EntrySelection

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

SKIPPED_LIMIT = 200

SPEC = ArgumentSpec(
    {
        "generation": {"type": "str", "required": True},
        "dest": {"type": "path", "required": True},
        "only_items": {"type": "list", "elements": "str"},
        "only_paths": {"type": "list", "elements": "str"},
        "force": {"type": "bool", "default": False},
    }
).merge(repository(), unlock(), trust())


def extract_generation(module: AnsibleModule) -> Mapping[str, Any]:
    """What the module returns. Raises KeyRequired, RepositoryError, OptionInvalid, HostileContent."""
    params = module.params
    selection = EntrySelection(params["only_items"], params["only_paths"])

    def body(backend: Backend, file_keys: unsealing.FileKeys | None) -> dict[str, Any]:
        keys = unsealing.required(file_keys, "To extract a generation")
        (record,) = wanted(params, backend)
        with GenerationReader(backend, record, keys) as reader:
            content = Content.of(reader, selection)
            done = Extraction(params["dest"], content, reader, force=params["force"]).run(dry_run=module.check_mode)
        return {"generation": str(GenerationId.of(record)), **done}

    return unsealing.serve(module, wanted, body)


def wanted(params: Mapping[str, Any], backend: Backend) -> Sequence[CommitRecord]:
    """The generation that is asked for. Raises NotAuthentic or RolledBack when it is not what trust says."""
    record = find_generation(backend, params["generation"], believed_writers(params, backend))
    check_heads(params, backend, record.chain)
    return [record]


@dataclass
class Content:
    """What is extracted: ``entries`` in the manifest's order, ``sources`` of hardlinks by path, and what is not."""

    entries: list[StoredEntry]
    sources: dict[bytes, StoredEntry]
    skipped: list[dict[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, reader: GenerationReader, selection: EntrySelection) -> Content:
        """Choose from a generation. Raises OptionInvalid."""
        everything = list(reader.entries())
        sources = {stored.entry.path: stored for stored in everything if stored.entry.kind in FILE_KINDS}
        content = cls([], sources)
        for stored in selection.of(everything):
            reason = content.reason_to_skip(stored)
            if reason:
                content.skipped.append({"path": path_to_text(stored.entry.path), "reason": reason})
            else:
                content.entries.append(stored)
        return content

    def reason_to_skip(self, stored: StoredEntry) -> str:
        """Why an entry cannot be extracted; empty when it can."""
        if stored.entry.kind not in EXTRACTED_KINDS:
            return f"This is a {stored.entry.kind} device" if stored.entry.kind != "fifo" else "This is a pipe"
        if stored.entry.kind == "hardlink" and stored.entry.link_target not in self.sources:
            return "The file that it is a hardlink to is not in the generation"
        return ""

    def digest(self, stored: StoredEntry) -> str | None:
        """SHA-256 of what the entry's content will be."""
        if stored.entry.kind == "hardlink":
            return self.sources[stored.entry.link_target or b""].sha256
        return stored.sha256

    def expected_names(self) -> set[bytes]:
        """All paths that the folder will hold."""
        names = {stored.entry.path for stored in self.entries}
        return names | {parent for name in names for parent in parents_of(name)}


class Extraction:
    """Brings a folder to hold the content. A new one appears as a whole or not at all."""

    def __init__(self, dest: str, content: Content, reader: GenerationReader, *, force: bool) -> None:
        self.dest = os.path.abspath(dest)
        self.content = content
        self.reader = reader
        self.force = force
        self.with_owners = os.geteuid() == 0

    def run(self, *, dry_run: bool) -> dict[str, Any]:
        """The facts of the result. Raises OptionInvalid when the folder holds something else."""
        result = {
            "dest": self.dest,
            "skipped": self.content.skipped[:SKIPPED_LIMIT],
            "changed": False,
            "extracted": 0,
            "bytes_written": 0,
        }
        missing = self._missing()
        if missing:
            result.update(changed=True, extracted=len(missing))
            if dry_run:
                result["bytes_written"] = sum(
                    stored.entry.size for stored in missing if stored.entry.kind in FILE_KINDS
                )
            else:
                result["bytes_written"] = self._write(missing)
        return result

    def _missing(self) -> list[StoredEntry]:
        """What is not there yet as it should be. Raises OptionInvalid."""
        parent = os.path.dirname(self.dest)
        if not os.path.isdir(parent):
            raise OptionInvalid("The folder to extract into has no parent", item=parent)
        if not os.path.lexists(self.dest):
            return self.content.entries
        if not os.path.isdir(self.dest):
            raise OptionInvalid("There is something that is no folder", item=self.dest)
        with ExtractionFolder(self.dest, with_owners=self.with_owners) as folder:
            names = folder.names()
            missing = [
                stored for stored in self.content.entries if not folder.holds(stored.entry, self.content.digest(stored))
            ]
        if names and not self.force and (missing or names - self.content.expected_names()):
            raise OptionInvalid(
                "The folder holds something else than this generation",
                item=self.dest,
                hint="Take an empty folder, or set force to write into this one.",
            )
        return missing

    def _write(self, missing: Sequence[StoredEntry]) -> int:
        if os.path.isdir(self.dest) and os.listdir(self.dest):
            return self._write_into(self.dest, missing)
        staging = tempfile.mkdtemp(prefix=f".{os.path.basename(self.dest)}.", dir=os.path.dirname(self.dest))
        try:
            count = self._write_into(staging, missing)
            os.rename(staging, self.dest)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        return count

    def _write_into(self, path: str, missing: Sequence[StoredEntry]) -> int:
        count = 0
        written = {stored.entry.path for stored in self.content.entries if stored.entry.kind in FILE_KINDS}
        # links come last, so that no path leads through one of them
        later = [stored for stored in missing if stored.entry.kind in ("symlink", "hardlink")]
        files = [stored for stored in missing if stored.entry.kind in FILE_KINDS]
        with ExtractionFolder(path, with_owners=self.with_owners) as folder:
            for stored in missing:
                if stored.entry.kind == "directory":
                    folder.put(stored.entry, ())
            try:
                count += put_files(files, self.reader, folder.put)
            except BaseException:
                folder.sweep(stored.entry for stored in files)
                raise
            for stored in later:
                entry = stored.entry
                if entry.kind == "symlink":
                    folder.put(entry, ())
                elif entry.link_target in written:
                    folder.link(entry, entry.link_target)
                else:
                    source = self.content.sources[entry.link_target or b""]
                    count += folder.put(entry, self.reader.content(source))
            folder.finish()
        return count
