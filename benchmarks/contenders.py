# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs that are compared: how each one begins a repository, backs up, restores and verifies."""

from __future__ import annotations

import pathlib
import re
import shlex
import sys
from collections.abc import Sequence

from measure import Command

PASSWORD = "k7fw.92mq.x3tb.vrd4.hs8e.n5pc.ajg6"

BACKUPS = ("first", "unchanged", "changed")
PHASES = (*BACKUPS, "restore", "verify")


class Contender:
    """One program with its repository below ``folder``, for sources that are folders of ``tree``.

    ``scale``: how many times as many sources the whole set has. ``name`` is how tables call it.
    """

    name = ""

    def __init__(self, folder: pathlib.Path, tree: pathlib.Path, sources: Sequence[str], scale: float = 1.0) -> None:
        self.folder = folder
        self.tree = tree
        self.sources = list(sources)
        self.scale = scale
        self.repository = folder / "repository"

    @property
    def environment(self) -> dict[str, str]:
        """Variables to run it with."""
        return {}

    def prepare(self) -> list[Command]:
        """Make an empty repository; not measured."""
        raise NotImplementedError

    def backup(self) -> list[Command]:
        """Back up all sources."""
        raise NotImplementedError

    def restore(self, target: pathlib.Path) -> list[Command]:
        """Restore the newest state of all sources below ``target``, which exists, in folders of their names."""
        raise NotImplementedError

    def verify(self) -> list[Command] | None:
        """Read, open and compare everything that is stored; None when that means nothing here."""
        raise NotImplementedError

    def commands(self, phase: str, target: pathlib.Path) -> list[Command] | None:
        """What a phase consists of."""
        if phase in BACKUPS:
            return self.backup()
        return self.restore(target) if phase == "restore" else self.verify()


class Ours(Contender):
    """This project: one process for all sources, a generation for each."""

    name = "ucops.recovery"

    @property
    def environment(self) -> dict[str, str]:
        # compiled once, as an installed program is
        return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(self.folder.parent / "bytecode")}

    def _command(self, command: str, *options: str) -> Command:
        program = str(pathlib.Path(__file__).with_name("our_store.py"))
        key_file = str(self.folder / "writer.json")
        return Command((sys.executable, program, command, str(self.repository), key_file, *options), self.folder)

    def prepare(self) -> list[Command]:
        return [self._command("create")]

    def backup(self) -> list[Command]:
        return [self._command("backup", "--tree", str(self.tree), "--sources", *self.sources)]

    def restore(self, target: pathlib.Path) -> list[Command]:
        return [self._command("restore", "--tree", str(target))]

    def verify(self) -> list[Command] | None:
        return [self._command("verify", "--level", "2")]

    def verify_hashes(self) -> list[Command]:
        """Read everything and compare it with its signed hashes, without any key."""
        return [self._command("verify", "--level", "1")]


class OursReadingAll(Ours):
    """This project, reading every file again, as with ``reread_days: 0``."""

    name = "ucops.recovery, reread_days 0"

    def backup(self) -> list[Command]:
        return [self._command("backup", "--tree", str(self.tree), "--reread-days", "0", "--sources", *self.sources)]


class OursPerHost(Ours):
    """This project as Ansible runs a module: a process for each source."""

    name = "ucops.recovery, a process per host"

    def backup(self) -> list[Command]:
        return [self._command("backup", "--tree", str(self.tree), "--sources", source) for source in self.sources]

    def restore(self, target: pathlib.Path) -> list[Command]:
        return [self._command("restore", "--tree", str(target), "--sources", source) for source in self.sources]

    def verify(self) -> list[Command] | None:
        return None


class Restic(Contender):
    """restic with one snapshot of everything."""

    name = "restic, one snapshot"
    options: tuple[str, ...] = ()

    @property
    def environment(self) -> dict[str, str]:
        return {"RESTIC_PASSWORD": PASSWORD, "RESTIC_CACHE_DIR": str(self.folder / "cache")}

    def _command(self, *options: str) -> Command:
        return Command(("restic", "--quiet", "--repo", str(self.repository), *options), self.tree)

    def prepare(self) -> list[Command]:
        return [self._command("init")]

    def backup(self) -> list[Command]:
        return [self._command("backup", *self.options, "--host", "fleet", ".")]

    def restore(self, target: pathlib.Path) -> list[Command]:
        return [self._command("restore", "latest", "--target", str(target))]

    def verify(self) -> list[Command] | None:
        return [self._command("check", "--read-data")]


class ResticForced(Restic):
    """restic that reads every file again, as it must when the files come from somewhere else."""

    name = "restic --force"
    options = ("--force",)


class ResticPerHost(Restic):
    """restic with a snapshot for each source."""

    name = "restic, a snapshot per host"

    def backup(self) -> list[Command]:
        return [self._command("backup", "--host", source, source) for source in self.sources]

    def restore(self, target: pathlib.Path) -> list[Command]:
        options = ("--target", str(target))
        return [self._command("restore", "latest", "--host", source, *options) for source in self.sources]

    def verify(self) -> list[Command] | None:
        return None


class Borg(Contender):
    """borg with one archive of everything."""

    name = "borg, one archive"

    def __init__(self, folder: pathlib.Path, tree: pathlib.Path, sources: Sequence[str], scale: float = 1.0) -> None:
        super().__init__(folder, tree, sources, scale)
        self._number = 0

    @property
    def environment(self) -> dict[str, str]:
        return {"BORG_PASSPHRASE": PASSWORD, "BORG_BASE_DIR": str(self.folder / "base")}

    def prepare(self) -> list[Command]:
        return [Command(("borg", "init", "--encryption", "repokey", str(self.repository)), self.tree)]

    def backup(self) -> list[Command]:
        self._number += 1
        archive = f"{self.repository}::{self._number}"
        return [Command(("borg", "create", "--compression", "zstd,3", archive, "."), self.tree)]

    def restore(self, target: pathlib.Path) -> list[Command]:
        return [Command(("borg", "extract", f"{self.repository}::{self._number}"), target)]

    def verify(self) -> list[Command] | None:
        return [Command(("borg", "check", "--verify-data", str(self.repository)), self.tree)]


class TarZstdAge(Contender):
    """A sealed archive of everything, a new one each time."""

    name = "tar, zstd, age"

    def __init__(self, folder: pathlib.Path, tree: pathlib.Path, sources: Sequence[str], scale: float = 1.0) -> None:
        super().__init__(folder, tree, sources, scale)
        self._number = 0
        self._identity = folder / "identity.txt"

    def _pipe(self, cwd: pathlib.Path, text: str) -> list[Command]:
        return [Command(("bash", "-o", "pipefail", "-c", text), cwd)]

    @property
    def _archive(self) -> str:
        return shlex.quote(str(self.repository / f"{self._number}.tar.zst.age"))

    def prepare(self) -> list[Command]:
        self.repository.mkdir()
        return [Command(("age-keygen", "-o", str(self._identity)), self.folder)]

    def backup(self) -> list[Command]:
        self._number += 1
        match = re.search(r"age1[0-9a-z]+", self._identity.read_text())
        recipient = match.group(0) if match else ""
        pipe = f"tar -c . | zstd -q -3 | age -r {recipient} -o {self._archive}"
        return self._pipe(self.tree, f"{pipe} && sync {self._archive}")

    def restore(self, target: pathlib.Path) -> list[Command]:
        return self._pipe(target, f"{self._open()} | tar -x")

    def verify(self) -> list[Command] | None:
        return self._pipe(self.tree, f"{self._open()} | tar -t > /dev/null")

    def _open(self) -> str:
        return f"age -d -i {shlex.quote(str(self._identity))} {self._archive} | zstd -q -d"
