# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Windows made of Wine: real registry, service control manager, processes and file API, without a screen.

Making one takes half a minute, so a finished one lies in a cache of the machine and is copied per host. Everything that
runs in it runs below one process that ends with its stdin, so with the test run, however that one ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence

from lab.machine import PATH

HERE = pathlib.Path(__file__).parent
CACHE = pathlib.Path("/var/cache/ucops-lab")
KEPT = 3 * 24 * 3600
"""Seconds after which a finished Windows that nobody uses is removed from the cache."""
DLLS = pathlib.Path("/usr/lib/x86_64-linux-gnu/wine/x86_64-windows")

PROGRAMS = (
    "gcc-mingw-w64-x86-64-win32:x86_64-w64-mingw32-gcc",
    "binutils-mingw-w64-x86-64:x86_64-w64-mingw32-windres",
    "wine",
    "wine:wineserver",
    "util-linux:nsenter",
    "util-linux:unshare",
)
"""Programs that it takes, each with its Debian package in front where the names differ."""

OUR_PROGRAMS = {
    "run": r"windows\run.exe",
    "service": r"windows\service.exe",
    "words": r"windows\words.exe",
    "chatter": r"windows\chatter.exe",
    "sc_standin": r"windows\system32\sc.exe",
    "tasklist_standin": r"windows\system32\tasklist.exe",
}
"""What is compiled from ``programs/``, and where it is put on drive C:."""

LINE = "UCOPS_LAB_LINE"
EXIT = "UCOPS_LAB_EXIT"
"""Environment variables that hand ``run.exe`` a command line and a file for its exit code (Linux would keep 8 of its 32
bits). It takes both out again."""


class WineFailed(Exception):
    """Wine itself failed; never the thing under test."""


def why_not() -> str:
    """One sentence that says why Wine cannot run here; empty when it can."""
    if os.geteuid() != 0:
        return "a Windows made of Wine needs root"
    missing = [each for each in PROGRAMS if not shutil.which(each.rpartition(":")[2], path=PATH)]
    if not missing and not DLLS.is_dir():
        missing = ["wine64"]
    if missing:
        packages = sorted({each.partition(":")[0] for each in missing})
        return f"not installed: {', '.join(packages)} (`make test` installs them as root on Debian)"
    return ""


class Wine:
    """One Windows in ``home``, made from the cache when there is none yet. ``name`` is its computer name."""

    def __init__(self, home: pathlib.Path, name: str) -> None:
        self.home = home
        self.prefix = home / "prefix"
        if not self.prefix.exists():
            copy_template(self.prefix)
        self._keeper = _Keeper(home, name)
        try:
            # services.exe keeps the outputs that its first caller had: whoever read a pipe would wait for ever.
            self._keeper.run(["wineserver", "-p"], self.environment, self.drive_c)
            self._keeper.run(["wine", "cmd", "/c", "exit"], self.environment, self.drive_c)
        except BaseException:
            self._keeper.close()
            raise

    def __enter__(self) -> Wine:
        return self

    def __exit__(self, *_unused: object) -> None:
        self.close()

    def close(self) -> None:
        """End every process; the files stay."""
        self._keeper.close()

    @property
    def drive_c(self) -> pathlib.Path:
        """Drive C: as the machine sees it."""
        return self.prefix / "drive_c"

    @property
    def services_process(self) -> int:
        """The process of Wine's service control manager, as the machine counts."""
        return self._keeper.find(b"services.exe")

    @property
    def environment(self) -> dict[str, str]:
        """What Wine needs to run without a screen and without touching anything of ours."""
        return _environment(self.home, self.prefix)

    def start(self, line: str, variables: Mapping[str, str] | None = None, folder: str | None = None) -> WineProcess:
        """Start a command line exactly as it stands, with pipes. It ends with 251 when Windows cannot start it."""
        name = f"windows/temp/{secrets.token_hex(8)}.exit"
        environment = {**self.environment, **(variables or {}), LINE: line, EXIT: "C:/" + name}
        words = ["wine", "C:\\" + OUR_PROGRAMS["run"], *([folder] if folder else [])]
        return WineProcess(self._keeper.start(words, environment, self.drive_c), self.drive_c / name)

    def run(self, argv: Sequence[str], input: bytes = b"", timeout: float = 60) -> subprocess.CompletedProcess[bytes]:
        """Run a command to its end; its words reach it unharmed."""
        started = self.start(subprocess.list2cmdline(argv))
        try:
            stdout, stderr = started.process.communicate(input, timeout)
        except subprocess.TimeoutExpired:
            started.kill()
            raise
        return subprocess.CompletedProcess(list(argv), started.wait(), stdout, stderr)


class WineProcess:
    """A command that runs in a Windows."""

    def __init__(self, process: subprocess.Popen[bytes], exit_file: pathlib.Path) -> None:
        self.process = process
        self._exit_file = exit_file
        self._code: int | None = None

    def wait(self) -> int:
        """All 32 bits of the exit code."""
        code = self.process.wait()
        with contextlib.suppress(OSError, ValueError):
            self._code = int(self._exit_file.read_text())
            self._exit_file.unlink()
        return self._code if self._code is not None else code

    def kill(self) -> None:
        """Kill it with everything that it started itself; services stay."""
        # run.exe holds a job object that ends with it; nsenter would leave it behind
        pid = self.process.pid
        with contextlib.suppress(OSError):
            for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
                os.kill(int(child), signal.SIGKILL)
        self.process.kill()


class _Keeper:
    """A process 1 in namespaces of its own (processes, mounts, host name), below which a Windows lives."""

    def __init__(self, home: pathlib.Path, name: str) -> None:
        passwd = home / "passwd"
        passwd.write_text(f"Administrator:x:0:0::{home}:/bin/sh\n", encoding="ascii")
        script = (
            'read -r pid rest </proc/self/stat && mount -t proc proc /proc && mount --bind "$1" /etc/passwd'
            ' && hostname "$2" && mount -t tmpfs -o mode=1777 tmpfs /tmp && echo $pid && while read -r line; do :; done'
        )
        self._process = subprocess.Popen(
            [
                *("unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child"),
                # bash takes note of the end of what others left behind; the machine runs out of process numbers else
                *("bash", "-c", script, "bash", str(passwd), name),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": PATH},
            start_new_session=True,
        )
        said = self._process.stdout.readline().strip() if self._process.stdout else ""
        if not said:
            story = self._process.stderr.read() if self._process.stderr else ""
            self.close()
            raise WineFailed(f"no namespaces for Wine: {story}")
        self.pid = int(said)

    def close(self) -> None:
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=10)
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe:
                pipe.close()

    def start(
        self, argv: Sequence[str], environment: Mapping[str, str], folder: pathlib.Path
    ) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [*self._entering(folder), *argv],
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=dict(environment),
            start_new_session=True,
        )

    def run(self, argv: Sequence[str], environment: Mapping[str, str], folder: pathlib.Path) -> None:
        """Run a program whose outputs nobody reads, because something that stays may inherit them."""
        nothing = subprocess.DEVNULL
        done = subprocess.run(
            [*self._entering(folder), *argv],
            check=False,
            stdin=nothing,
            stdout=nothing,
            stderr=nothing,
            env=dict(environment),
            timeout=120,
        )
        if done.returncode != 0:
            raise WineFailed(f"{' '.join(argv)} ended with {done.returncode}")

    def find(self, program: bytes) -> int:
        """The one process in these namespaces whose command line holds a program's name."""
        inside = os.stat(f"/proc/{self.pid}/ns/pid").st_ino
        for process in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                folder = pathlib.Path("/proc", process)
                if program in (folder / "cmdline").read_bytes() and (folder / "ns" / "pid").stat().st_ino == inside:
                    return int(process)
        raise WineFailed(f"no {program.decode()} runs")

    def _entering(self, folder: pathlib.Path) -> list[str]:
        # One Windows process in some ten thousand lands where Wine wants to be, and dies while it starts (error 1359):
        # -R lets none lie at random.
        entering = ["nsenter", "--target", str(self.pid), "--mount", "--pid", "--uts", f"--wd={folder}", "--"]
        return [*entering, "setarch", "-R"]


def copy_template(target: pathlib.Path) -> None:
    """A new Windows, copied from the cache; made first when the cache has none of this Wine and these programs."""
    CACHE.mkdir(parents=True, exist_ok=True)
    place = CACHE / f"wine-{_fingerprint()}"
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            _sweep()
            work = pathlib.Path(tempfile.mkdtemp(prefix="making-", dir=CACHE))
            try:
                _make(work)
                (work / "prefix").rename(place)
            finally:
                shutil.rmtree(work, ignore_errors=True)
        os.utime(place)
        # Never hard links: Wine rewrites its registry files in place.
        subprocess.run(["cp", "--archive", "--reflink=auto", str(place), str(target)], check=True, env={"PATH": PATH})


def _sweep() -> None:
    """Remove what no checkout has used for long, and what a killed run was making."""
    for old in (*CACHE.glob("wine-*"), *CACHE.glob("making-*")):
        if time.time() - old.stat().st_mtime > KEPT:
            shutil.rmtree(old, ignore_errors=True)


def _fingerprint() -> str:
    digest = hashlib.sha256(pathlib.Path(__file__).read_bytes())
    for source in sorted((HERE / "programs").iterdir()):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    version = subprocess.run(["wine", "--version"], check=True, capture_output=True, env={"PATH": PATH}).stdout
    return hashlib.sha256(digest.digest() + version).hexdigest()[:16]


def _make(home: pathlib.Path) -> None:
    prefix = home / "prefix"
    prefix.mkdir()
    keeper = _Keeper(home, "TEMPLATE")
    try:
        keeper.run(["wineboot", "--init"], _environment(home, prefix), home)
        keeper.run(["wineserver", "--kill", "--wait"], _environment(home, prefix), home)
    finally:
        keeper.close()
    drive = prefix / "drive_c"
    _share_dlls(drive)
    (prefix / "wineserver").unlink(missing_ok=True)  # names a socket of this very process
    (prefix / "dosdevices" / "z:").unlink()  # no way out of drive C:
    (drive / "users").rename(drive / "Users")
    for link in (drive / "Users").rglob("*"):
        if link.is_symlink():  # into HOME
            link.unlink()
            link.mkdir()
    compile_programs(drive)


def _share_dlls(drive: pathlib.Path) -> None:
    """Wine copies each of its own DLLs, 600 MB of them; a link does as well."""
    for copy in drive.joinpath("windows").rglob("*"):
        original = DLLS / copy.name
        twins = copy.is_file() and not copy.is_symlink() and original.is_file()
        if twins and copy.read_bytes() == original.read_bytes():
            copy.unlink()
            copy.symlink_to(original)


def compile_programs(drive: pathlib.Path) -> None:
    """Our own programs, put where Windows looks for them."""
    sources = HERE / "programs"
    with tempfile.TemporaryDirectory() as folder:
        version = str(pathlib.Path(folder, "version.o"))
        _compile(["x86_64-w64-mingw32-windres", str(sources / "version.rc"), version])
        for name, place in OUR_PROGRAMS.items():
            target = drive / place.replace("\\", "/")
            target.unlink(missing_ok=True)
            _compile(
                [
                    *("x86_64-w64-mingw32-gcc", "-O1", "-Wall", "-Werror", "-municode", "-I", str(sources)),
                    *("-o", str(target), str(sources / f"{name}.c"), version, "-ladvapi32"),
                ]
            )


def _compile(argv: Sequence[str]) -> None:
    done = subprocess.run(argv, check=False, capture_output=True, text=True, env={"PATH": PATH})
    if done.returncode != 0:
        raise WineFailed(f"{' '.join(argv)}:\n{done.stderr}")


def _environment(home: pathlib.Path, prefix: pathlib.Path) -> dict[str, str]:
    return {
        "PATH": PATH,
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "WINEPREFIX": str(prefix),
        "WINEARCH": "win64",
        "WINEDEBUG": "-all",
        # ours instead of the ones that Wine has built in
        "WINEDLLOVERRIDES": "mscoree=;mshtml=;winemenubuilder.exe=;sc.exe,tasklist.exe=n",
    }
