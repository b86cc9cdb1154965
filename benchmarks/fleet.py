# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measures one job for a whole fleet against what Ansible, OpenSSH and a bare paramiko need for the same hosts, taking
turns in the same run.

A host is an address of this machine (127.1.x.y) with a folder of its own, behind one real OpenSSH server. So the
hosts' own work, sshd above all, is done by the same processors as everything else, and counts in everybody's wall time.
The parts are ``compare`` (with the contenders), ``profile`` (where the time goes), ``scale`` (by the number of hosts)
and ``bad`` (a fleet of which a tenth hangs, a twentieth refuses, and a twentieth is a slow link).
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import re
import shutil
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress

import yaml
from measure import Command, Usage, run
from sections import with_section

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests")]
from sshd import Sshd  # noqa: E402

DOCUMENT = ROOT / "docs" / "benchmarks.md"
BIN = pathlib.Path(sys.executable).parent
CONCURRENCY = 16
FILES, FILE_SIZE = 20, 2000
PING_TARGET, CPU_TARGET, LINEAR_TARGET, BAD_TARGET = 0.25, 2.5, 1.2, 1.5
PARTS = ("compare", "profile", "scale", "bad")
DEADLINE = 20
"""Seconds that a host of the bad fleet may take."""


class Fleet:
    """Hosts with their folders, a repository, and playbooks for all that is measured."""

    def __init__(self, folder: pathlib.Path, server: Sshd, count: int) -> None:
        from support.repositories import TestRepository

        self.folder = folder
        self.server = server
        self.names = [f"h{number:05}" for number in range(count)]
        self.addresses = {
            name: f"127.1.{number >> 8}.{number & 255 or 1}" for number, name in enumerate(self.names, 256)
        }
        self.ports: dict[str, int] = {}
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "hosts").mkdir(parents=True)
        for number, name in enumerate(self.names):
            path = folder / "hosts" / name
            path.mkdir()
            for file in range(FILES):
                line = f"# {name} {file}\nlisten=udp:{self.addresses[name]}:5060\nsecret={number * 7919 + file}\n"
                (path / f"{file}.cfg").write_text((line * (FILE_SIZE // len(line) + 1))[:FILE_SIZE])
        stage = folder / "stage" / "ansible_collections"
        for name, place in (("ucops/recovery", ROOT), ("ansible/posix", posix_collection())):
            (stage / name).parent.mkdir(parents=True)
            (stage / name).symlink_to(place)
        self._make_repository = lambda: TestRepository.create(folder)
        self.new_repository()

    def new_repository(self) -> None:
        """An empty one. The old one goes at the end: a file system is slow with new files while it remembers removed
        ones."""
        with suppress(FileNotFoundError):
            (self.folder / "repository").rename(tempfile.mkdtemp(dir=self.folder, prefix="old"))
        (self.folder / "writer.json").unlink(missing_ok=True)
        self._make_repository()

    def write(self) -> None:
        """Inventory, known hosts and playbooks, as the hosts are now."""
        port = self.server.port
        known = [f"[{self.addresses[name]}]:{self.ports.get(name, port)} {self.server.host_key}" for name in self.names]
        (self.folder / "known_hosts").write_text("\n".join(known) + "\n")
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        hosts = {name: {"ansible_host": self.addresses[name], **self._port(name)} for name in self.names}
        everywhere = {
            "ansible_port": port,
            "ansible_user": self.server.username,
            "ansible_ssh_private_key_file": str(self.server.client_key),
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={self.folder}/known_hosts",
            "ansible_python_interpreter": sys.executable,
            "ansible_pipelining": True,
            "recovery_product": "linux",
            "recovery_backup_host": "backup1",
            "recovery_repository": str(self.folder / "repository"),
            "recovery_writer_key_file": str(self.folder / "writer.json"),
            "recovery_known_hosts_file": f"{self.folder}/known_hosts",
            "recovery_private_key_file": str(self.server.client_key),
            "recovery_heads_file": str(self.folder / "heads.json"),
            "recovery_options": {
                "repository": str(self.folder / "repository"),
                "writer_key_file": str(self.folder / "writer.json"),
                "source": "{{ inventory_hostname }}",
                "host": "{{ ansible_host }}",
                "port": "{{ ansible_port }}",
                "username": self.server.username,
                "private_key_file": str(self.server.client_key),
                "known_hosts_file": f"{self.folder}/known_hosts",
                "become": False,
                "system_config": False,
                "allow_same_host": True,
                "paths": [{"path": [f"{self.folder}/hosts/{{{{ inventory_hostname }}}}"], "name": "config"}],
            },
        }
        inventory = {
            "fleet": {"hosts": hosts, "vars": everywhere},
            "others": {"hosts": {"backup1": here}},
        }
        (self.folder / "inventory.yml").write_text(yaml.safe_dump(inventory, sort_keys=False))
        for name, tasks in PLAYS.items():
            play = [{"hosts": "fleet", "gather_facts": False, "tasks": tasks}]
            (self.folder / f"{name}.yml").write_text(yaml.safe_dump(play, sort_keys=False))

    def _port(self, name: str) -> Mapping[str, int]:
        return {"ansible_port": self.ports[name]} if name in self.ports else {}

    @property
    def environment(self) -> dict[str, str]:
        """Of every program that is measured."""
        return {
            "ANSIBLE_COLLECTIONS_PATH": str(self.folder / "stage"),
            "ANSIBLE_FORKS": str(CONCURRENCY),
            "ANSIBLE_HOME": str(self.folder / "home"),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.folder / "cp"),
            "ANSIBLE_NOCOLOR": "1",
            "OPTIONS": str(self.folder),
        }

    def play(self, name: str, *arguments: str) -> Command:
        """One of the playbooks."""
        return Command((str(BIN / "ansible-playbook"), "-i", "inventory.yml", f"{name}.yml", *arguments), self.folder)

    def playbook(self) -> Command:
        """The collection's own playbook, which people run."""
        return Command((str(BIN / "ansible-playbook"), "-i", "inventory.yml", "ucops.recovery.backup"), self.folder)

    def job(self) -> Command:
        """The process on the backup host alone, as Ansible starts it: its payload is kept from a play."""
        kept = {"ANSIBLE_KEEP_REMOTE_FILES": "1", "ANSIBLE_REMOTE_TMP": str(self.folder / "payload")}
        play = self.play("fleet")
        environment = {**os.environ, **self.environment, **kept}
        subprocess.run(play.argv, cwd=play.cwd, env=environment, check=True, capture_output=True)
        (payload,) = (self.folder / "payload").glob("*/AnsiballZ_fleet_backup.py")
        return Command((sys.executable, str(payload)), self.folder)

    def write_options(self) -> pathlib.Path:
        """The options of the module in a file, as the action plugin makes them from the inventory."""
        variables = yaml.load((self.folder / "inventory.yml").read_text(), yaml.CSafeLoader)["fleet"]["vars"]
        own = {name: variables["recovery_options"][name] for name in ("repository", "writer_key_file")}

        def options(name: str) -> dict[str, object]:
            text = json.dumps({**variables["recovery_options"], "port": self.server.port})
            text = text.replace("{{ inventory_hostname }}", name).replace("{{ ansible_host }}", self.addresses[name])
            return dict(json.loads(text))

        hosts = [{"name": name, "product": "linux", "options": options(name)} for name in self.names]
        path = self.folder / "options.json"
        path.write_text(json.dumps({**own, "hosts": hosts, "concurrency": CONCURRENCY}))
        return path

    def ssh_tar(self) -> Command:
        """A shell's loop over all hosts."""
        ssh = (
            f"ssh -p {self.server.port} -i {self.server.client_key} -o UserKnownHostsFile={self.folder}/known_hosts "
            f"-o BatchMode=yes {self.server.username}@$2 tar -C {self.folder}/hosts/$1 -c . > {self.folder}/tars/$1.tar"
        )
        pairs = "\n".join(f"{name} {self.addresses[name]}" for name in self.names)
        (self.folder / "pairs").write_text(pairs + "\n")
        (self.folder / "tars").mkdir(exist_ok=True)
        loop = f"xargs -P {CONCURRENCY} -L 1 sh -c '{ssh}' sh < pairs"
        return Command(("sh", "-c", loop), self.folder)

    def paramiko(self) -> Command:
        """The same bytes by paramiko alone, as many at a time, in one process."""
        return Command((sys.executable, __file__, "--gather", str(self.folder), str(self.server.port)), self.folder)


PLAYS = {
    "ping": [{"ansible.builtin.ping": {}}],
    "nothing": [{"ansible.builtin.debug": {"msg": "nothing"}}],
    "fleet": [
        {
            "ucops.recovery.fleet_backup": {"concurrency": CONCURRENCY, "host_timeout": DEADLINE},
            "delegate_to": "backup1",
            "run_once": True,
            "register": "job",
        },
        {"ucops.recovery.fleet_backup_result": {"job": "job"}},
    ],
    "own_tasks": [
        {
            "ucops.recovery.linux_backup": {},
            "module_defaults": {"ucops.recovery.linux_backup": "{{ recovery_options }}"},
            "delegate_to": "backup1",
        }
    ],
    "synchronize": [
        {
            "ansible.posix.synchronize": {
                "mode": "pull",
                "src": "{{ lookup('env', 'OPTIONS') }}/hosts/{{ inventory_hostname }}/",
                "dest": "{{ lookup('env', 'OPTIONS') }}/synchronized/{{ inventory_hostname }}/",
                "use_ssh_args": True,
                "verify_host": True,
            },
        }
    ],
    "fetch": [
        {
            "ansible.builtin.fetch": {
                "src": "{{ lookup('env', 'OPTIONS') }}/hosts/{{ inventory_hostname }}/{{ item }}.cfg",
                "dest": "{{ lookup('env', 'OPTIONS') }}/fetched/",
            },
            "loop": [str(number) for number in range(FILES)],
        }
    ],
}


def posix_collection() -> pathlib.Path:
    """The collection ansible.posix, from the package of all collections on PyPI, which is fetched once."""
    place = ROOT / "build" / "bench" / "posix"
    found = place / "ansible_collections" / "ansible" / "posix"
    if not found.exists():
        with tempfile.TemporaryDirectory() as folder:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, "ansible==12.*"]
            subprocess.run(pip, check=True)
            (wheel,) = pathlib.Path(folder).glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                names = [name for name in archive.namelist() if name.startswith("ansible_collections/ansible/posix/")]
                archive.extractall(place, names)
    return found


def gather(folder: pathlib.Path, port: int) -> None:
    """What the bare paramiko does: a login, a tar, and its bytes, for each host."""
    from concurrent.futures import ThreadPoolExecutor

    import paramiko

    inventory = yaml.load((folder / "inventory.yml").read_text(), yaml.CSafeLoader)["fleet"]
    key = paramiko.Ed25519Key.from_private_key_file(inventory["vars"]["ansible_ssh_private_key_file"])
    known = paramiko.HostKeys(str(folder / "known_hosts"))

    def one(item: tuple[str, Mapping[str, str]]) -> int:
        name, host = item
        line = socket.create_connection((host["ansible_host"], port))
        transport = paramiko.Transport(line)
        try:
            transport.start_client(timeout=30)
            if not known.check(f"[{host['ansible_host']}]:{port}", transport.get_remote_server_key()):
                raise ValueError(f"{name} shows another key")
            transport.auth_publickey(inventory["vars"]["ansible_user"], key)
            channel = transport.open_session()
            channel.exec_command(f"tar -C {folder}/hosts/{name} -c .")
            size = 0
            while data := channel.recv(65536):
                size += len(data)
            return size
        finally:
            transport.close()

    with ThreadPoolExecutor(CONCURRENCY) as pool:
        if min(pool.map(one, inventory["hosts"].items())) < FILES * FILE_SIZE:
            raise SystemExit("a host gave too little")


@contextmanager
def sshd() -> Iterator[Sshd]:
    """One server for all addresses."""

    class Everywhere(Sshd):
        host = "0.0.0.0"

    with Everywhere(config="MaxStartups 500:30:1000") as server:
        yield server


class SlowLink(socketserver.ThreadingTCPServer):
    """Passes bytes on, with a pause before each piece."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int, delay: float) -> None:
        behind = ("127.0.0.1", port)

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection(behind) as other, suppress(OSError):
                    threading.Thread(target=pump, args=(other, self.request), daemon=True).start()
                    pump(self.request, other)

        def pump(source: socket.socket, target: socket.socket) -> None:
            with suppress(OSError):
                while data := source.recv(8192):
                    time.sleep(delay)
                    target.sendall(data)
            with suppress(OSError):
                target.shutdown(socket.SHUT_WR)

        super().__init__(("0.0.0.0", 0), Handler)


def measure(fleet: Fleet, what: str, command: Command) -> Usage:
    """One measurement, said at once."""
    usage = run([command], fleet.environment, fleet.folder / "log.txt")
    say(f"{what:44}{usage.wall:8.2f} s {usage.cpu:8.2f} s CPU {usage.memory >> 20:5} MiB")
    return usage


def compare(folder: pathlib.Path, count: int, repetitions: int, few: int) -> list[str]:
    """The table of one fleet."""
    rows: dict[str, list[Usage]] = {}
    with sshd() as server:
        fleet = Fleet(folder, server, count)
        fleet.write()
        small = ",".join(fleet.names[:few])
        job = fleet.job()
        for _turn in range(repetitions):
            fleet.new_repository()
            for what, command, scale in (
                ("ping over SSH", fleet.play("ping"), 1.0),
                ("fleet_backup, first", fleet.play("fleet"), 1.0),
                ("paramiko alone", fleet.paramiko(), 1.0),
                ("a task that does nothing", fleet.play("nothing"), 1.0),
                ("fleet_backup, unchanged", fleet.play("fleet"), 1.0),
                ("its process on the backup host, unchanged", job, 1.0),
                ("playbook backup, unchanged", fleet.playbook(), 1.0),
                ("ansible.posix.synchronize", fleet.play("synchronize"), 1.0),
                ("ssh tar in a loop", fleet.ssh_tar(), 1.0),
                ("linux_backup, a task for each", fleet.play("own_tasks", "--limit", small), count / few),
                ("ansible.builtin.fetch", fleet.play("fetch", "--limit", small), count / few),
            ):
                for left in ("cp", "synchronized", "fetched"):
                    shutil.rmtree(folder / left, ignore_errors=True)  # every login and every copy is a new one
                (folder / "synchronized").mkdir()
                rows.setdefault(what, []).append(measure(fleet, what, command).times(scale))
    best = {what: least(usages) for what, usages in rows.items()}
    ping, bare = best["ping over SSH"], best["paramiko alone"]
    lines = [
        f"{count} hosts with {FILES} files of {FILE_SIZE} bytes each, {CONCURRENCY} at a time; least of {repetitions}; "
        f"tasks for each host and fetch with {few} hosts, extrapolated.",
        "",
        "| what | wall s | CPU s | ms CPU a host | peak MiB | wall / ping | CPU / paramiko |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for what, usage in best.items():
        lines.append(
            f"| {what} | {usage.wall:.1f} | {usage.cpu:.1f} | {usage.cpu / count * 1000:.0f} | {usage.memory >> 20} "
            f"| {usage.wall / ping.wall:.2f} | {usage.cpu / bare.cpu:.1f} |"
        )
    first = best["fleet_backup, first"]
    lines += [
        "",
        f"First backup to ping: {first.wall / ping.wall:.2f} (at most {PING_TARGET}). "
        f"CPU of a host to paramiko's: {first.cpu / bare.cpu:.2f} (at most {CPU_TARGET}).",
    ]
    return lines


def least(usages: list[Usage]) -> Usage:
    """What comes on top is the noise of a shared machine."""
    return Usage(
        min(usage.wall for usage in usages), min(usage.cpu for usage in usages), max(usage.memory for usage in usages)
    )


def profile(folder: pathlib.Path, count: int) -> list[str]:
    """Where the time of a first backup goes."""
    with sshd() as server:
        fleet = Fleet(folder, server, count)
        fleet.write()
        job = fleet.job()
        fleet.new_repository()
        whole = measure(fleet, f"fleet_backup, first, {count} hosts", fleet.play("fleet"))
        fleet.new_repository()
        alone = measure(fleet, "its process alone, first", job)
        fleet.new_repository()
        program = pathlib.Path(__file__).with_name("fleet_profile.py")
        command = [sys.executable, str(program), str(fleet.write_options())]
        done = subprocess.run(command, cwd=folder, check=True, capture_output=True)
        steps: dict[str, float] = json.loads(done.stdout)
    lines = [
        f"{count} hosts, first backup: {whole.cpu:.1f} s of CPU in all, {alone.cpu:.1f} s of it in the process on",
        "the backup host; its steps are measured with stopwatches, which cost something themselves.",
        "",
        "| step | CPU s | ms a host |",
        "| --- | ---: | ---: |",
    ]
    rows = {"Ansible: the playbook, the payload, a task for each host's result": whole.cpu - alone.cpu, **steps}
    return [*lines, *(f"| {name} | {cpu:.2f} | {cpu / count * 1000:.1f} |" for name, cpu in rows.items())]


def scale(folder: pathlib.Path, counts: list[int]) -> list[str]:
    """Time and memory by the number of hosts."""
    lines = [
        "| hosts | wall s | ms a host | CPU s | peak MiB of Ansible | of the process on the backup host |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    per_host = []
    for count in counts:
        with sshd() as server:
            fleet = Fleet(folder, server, count)
            fleet.write()
            job = fleet.job()
            fleet.new_repository()
            usage = measure(fleet, f"fleet_backup, first, {count} hosts", fleet.play("fleet"))
            fleet.new_repository()
            alone = measure(fleet, "its process alone, first", job)
        per_host.append(usage.wall / count)
        lines.append(
            f"| {count} | {usage.wall:.1f} | {per_host[-1] * 1000:.0f} | {usage.cpu:.1f} | {usage.memory >> 20} "
            f"| {alone.memory >> 20} |"
        )
    ratio = per_host[-1] / per_host[0]
    told = f"Time of a host at {counts[-1]} to that at {counts[0]}: {ratio:.2f} (at most {LINEAR_TARGET})."
    return [*lines, "", told]


def bad_days(folder: pathlib.Path, count: int) -> list[str]:
    """A fleet with hosts that hang, refuse and are slow, against the same fleet on a good day."""
    with sshd() as server, ExitStack() as opened:
        fleet = Fleet(folder, server, count)
        fleet.write()
        good = timed(fleet, "a good day")
        silent = opened.enter_context(socket.create_server(("0.0.0.0", 0), backlog=512))
        slow = opened.enter_context(SlowLink(server.port, 0.05))
        threading.Thread(target=slow.serve_forever, daemon=True).start()
        opened.callback(slow.shutdown)
        closed = socket.create_server(("0.0.0.0", 0))
        refusing = closed.getsockname()[1]
        closed.close()
        for position, name in enumerate(fleet.names):
            kind = position % 20
            if kind in (3, 13):
                fleet.ports[name] = silent.getsockname()[1]
            elif kind == 7:
                fleet.ports[name] = refusing
            elif kind == 17:
                fleet.ports[name] = slow.server_address[1]
        fleet.new_repository()
        fleet.write()
        bad = timed(fleet, "a bad day")
        kept = len(list((folder / "repository" / "commits").rglob("*.json")))
    allowed = BAD_TARGET * good + DEADLINE
    return [
        f"{count} hosts: a tenth hangs, a twentieth refuses, a twentieth is a slow link. {kept} generations were kept.",
        f"A good day takes {good:.1f} s, the bad one {bad:.1f} s. Allowed are {BAD_TARGET} x the good one and",
        f"a deadline of {DEADLINE} s, {allowed:.1f} s.",
    ]


def timed(fleet: Fleet, what: str) -> float:
    """Seconds of a run that may fail for some hosts."""
    began = time.perf_counter()
    command = fleet.play("fleet")
    with (fleet.folder / "log.txt").open("wb") as log:
        subprocess.run(
            command.argv, cwd=command.cwd, env={**os.environ, **fleet.environment}, stdout=log, stderr=log, check=False
        )
    wall = time.perf_counter() - began
    say(f"{what:44}{wall:8.2f} s")
    return wall


def say(text: str) -> None:
    """At once."""
    print(text, flush=True)


def main() -> None:
    """Measure what is asked for, and print what belongs into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--few", type=int, default=20, help="hosts for what is slow, extrapolated")
    parser.add_argument("--scale", type=int, nargs="*", default=[100, 1000], help="numbers of hosts")
    parser.add_argument("--bad", type=int, default=200, help="hosts of the bad fleet")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--write-docs", action="store_true", help=f"write into {DOCUMENT.relative_to(ROOT)}")
    parser.add_argument("--work", default=str(ROOT / "build" / "bench" / "fleet"))
    parser.add_argument("--gather", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.gather:
        gather(pathlib.Path(options.gather[0]), int(options.gather[1]))
        return
    from support.collection import make_importable

    make_importable()
    work = pathlib.Path(options.work)
    parts: dict[str, list[str]] = {}
    if "compare" in options.parts:
        parts["compare"] = compare(work, options.hosts, options.repetitions, options.few)
    if "profile" in options.parts:
        parts["profile"] = profile(work, options.hosts)
    if "scale" in options.parts:
        parts["scale"] = scale(work, options.scale)
    if "bad" in options.parts:
        parts["bad"] = bad_days(work, options.bad)
    shutil.rmtree(work, ignore_errors=True)
    say("\n" + "\n\n".join("\n".join(lines) for lines in parts.values()))
    if options.write_docs:
        write_docs(parts)


def write_docs(parts: Mapping[str, list[str]]) -> None:
    """The fleet's section of the page. Raises KeyError when a part was not measured."""
    template = pathlib.Path(__file__).with_name("fleet_page.md").read_text()
    values = {**{name: "\n".join(lines) for name, lines in parts.items()}, "day": time.strftime("%Y-%m-%d")}
    text = re.sub(r"@([a-z_]+)@", lambda mark: values[mark[1]], template)
    DOCUMENT.write_text(with_section(DOCUMENT.read_text(), "fleet", text))


if __name__ == "__main__":
    main()
