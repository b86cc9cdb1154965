# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo: a small fleet on loopback is backed up, changed, compared, restored and verified, as by an operator.

``.venv/bin/python demo/run.py`` runs it; ``--serve`` only starts the fleet and waits, for tries of your own.
"""

from __future__ import annotations

import argparse
import logging
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any, NoReturn

from demo_fleet import Fleet, FleetHost
from demo_folder import PROJECT, DemoFolder, FolderUnusable
from narrator import Narrator
from playbook_runner import PlaybookFailed, PlaybookRun, PlaybookRunner
from sip_responder import ask
from the_change import CHANGE_ID, make_change, snapshot

DEMO = pathlib.Path(__file__).resolve().parent
BACKED_UP = "fleet_backup_result"
"""The module by which each host gets its own result of the one job for all."""
BACKUP_HOST = "backup-host"
KEPT_FOLDERS = ("etc/kamailio", "etc/default", "var/lib/kamailio")


class Surprise(Exception):
    """Something is not as this demo promises."""


class Demo:
    """The steps, in the order in which they are told."""

    def __init__(self, narrator: Narrator, folder: DemoFolder, fleet: Fleet) -> None:
        self.say = narrator
        self.folder = folder
        self.fleet = fleet
        self.runner = PlaybookRunner(folder.path)
        self.berlin = fleet.hosts["pbx-berlin"]

    # --- the steps ---------------------------------------------------------------------------------------------------
    def show_fleet(self) -> None:
        self.say.table(self._host_row(host) for host in self.fleet.hosts.values())
        self.say.say(
            "SSH, commands and files are real; each host is a folder with a Kamailio or Linux configuration tree. What "
            "answers SIP, and the kamailio command, are small stand-ins: nothing has to be installed for this demo."
        )

    def create_repository(self) -> None:
        run = self._playbook(DEMO / "create_repository.yml")
        created = run.result("repository", BACKUP_HOST)
        self.say.keep_secret([self.folder.secret_file.read_text("utf-8").strip()])
        self.say.good(f"repository {created['repository_id']}, owner key {created['owner_fingerprint']}")
        self.say.say(
            "The Domain Master Secret was generated on the controller (a file with mode 0600) and stays there. The "
            "backup host got a key that writes and signs, and opens nothing. The recovery card is for printing."
        )

    def back_up_before(self) -> None:
        run = self._playbook("ucops.recovery.backup", "-e", "phase=pre_change", "-e", f"change_id={CHANGE_ID}")
        self._show_generations(run)
        self.say.say(
            "Everything that the products demand was found; otherwise the task would have failed, and the generation "
            "be marked partial. The backup host holds sealed files only; the heads were noted on the controller."
        )

    def change(self) -> None:
        change = make_change(self.berlin)
        self.say.keep_secret(change.secrets)
        for step in change.steps:
            self.say.say(f"- {step}")
        service = str(self.berlin.directory / "usr/sbin/kamailio")
        for verb in ("stop", "start"):
            subprocess.run([service, "service", verb], check=True, capture_output=True)
        answer = ask(self._port)
        if answer is not None:
            raise Surprise(f"pbx-berlin still answers {answer}")
        self.say.bad(
            f"Kamailio started, its configuration is valid; but nobody answers SIP OPTIONS on port {self._port}"
        )

    def back_up_after(self) -> None:
        run = self._playbook(
            "ucops.recovery.backup", "--diff", "-e", "phase=post_change", "-e", f"change_id={CHANGE_ID}"
        )
        self._show_generations(run)
        changed = [name for name, generation in self._generations(run).items() if generation["content_changed"]]
        if changed != [self.berlin.name]:
            raise Surprise(f"changed are {changed}")
        self.say.say(
            "Of the other two nothing but a signed record was added, as proof that they were looked at. What changed "
            "on pbx-berlin, in Kamailio's words:"
        )
        result = run.result(BACKED_UP, self.berlin.name)
        self.say.table(_semantic_row(change) for change in result["changes"])
        self.say.say("And line by line, as --diff shows it:")
        self.say.diff(result["diff"]["prepared"])
        self.say.say(
            "Secrets are compared, but shown only as keyed placeholders: another placeholder is another secret. The "
            "listen line has the slip of the finger."
        )

    def restore(self, before: dict[str, tuple[object, ...]]) -> None:
        run = self._playbook(
            "ucops.recovery.restore",
            *("--limit", self.berlin.name, "-e", "generation=pre_change", "-e", f"change_id={CHANGE_ID}"),
        )
        restored = run.result("kamailio_restore", self.berlin.name)
        self._show_restore(restored)
        answer = ask(self._port)
        if answer is None or not answer.startswith("200"):
            raise Surprise(f"after the restore pbx-berlin answers {answer}")
        after = snapshot(self.berlin, *KEPT_FOLDERS)
        different = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        if different:
            raise Surprise(f"after the restore these differ: {', '.join(different)}")
        self.say.good(f"asked by this demo itself: SIP OPTIONS on {self._port}: {answer}")
        self.say.good(f"compared by this demo itself: content, mode, owner and time of {len(after)} files and folders")

    def verify(self) -> None:
        result = self._playbook(DEMO / "verify.yml").result("repository_verify", BACKUP_HOST)
        self.say.good(f"{result['verdict']}: {_counted(result['checked'])}")
        if result["verdict"] != "authentic":
            raise Surprise(f"the verdict is {result['verdict']}")
        self.say.say(
            "Level 2: every sealed object was opened and every file compared with its hash. Authentic, and not only "
            "consistent, since the allowed signers and the newest heads are kept on the controller, outside of it."
        )

    def list_without_ansible(self) -> None:
        command = [sys.executable, str(self.folder.repository / "recover.py"), "list"]
        self.say.command(f"python3 {_short(self.folder.repository / 'recover.py')} list")
        listed = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.folder.path)
        if listed.returncode:
            raise PlaybookFailed(" ".join(command), listed.stdout + listed.stderr)
        self.say.verbatim(listed.stdout)
        self.say.say(
            "recover.py is one file in the repository itself. It needs neither Ansible nor this project; RECOVERY.md "
            "beside it does the same with stock tools only."
        )

    def close(self) -> None:
        backup, restore = "ansible-playbook ucops.recovery.backup", "ansible-playbook ucops.recovery.restore"
        self.say.table(
            [
                ("create", f"module ucops.recovery.repository, as in {_short(DEMO / 'create_repository.yml')}"),
                ("before a change", f"ansible-playbook ucops.recovery.pre_change -e change_id={CHANGE_ID}"),
                ("after a change", f"ansible-playbook ucops.recovery.post_change -e change_id={CHANGE_ID}"),
                ("every night", f"{backup} -e phase=scheduled"),
                ("plan a restore", f"{restore} --check --limit HOST -e generation=latest"),
                ("undo a change", f"ansible-playbook ucops.recovery.rollback -e change_id={CHANGE_ID}"),
                ("verify", f"module ucops.recovery.repository_verify, as in {_short(DEMO / 'verify.yml')}"),
                ("find, compare", "modules ucops.recovery.generation_info and ucops.recovery.generation_diff"),
                ("single files", "module ucops.recovery.generation_extract"),
            ]
        )
        self.say.say(f"Each with -i and your inventory, of which {_short(self.folder.inventory)} is an example.")
        self.say.say("To look at:")
        self.say.table(
            [
                ("repository", _short(self.folder.repository)),
                ("recovery without us", _short(self.folder.repository / "RECOVERY.md")),
                ("recovery card, to print", _short(self.folder.recovery_card)),
                ("what Ansible said", _short(self.folder.path / "logs")),
                ("how to begin", _short(PROJECT / "README.md")),
            ]
        )
        self.say.say(
            f"The servers are stopped. For tries of your own: {_short(pathlib.Path(sys.executable), resolve=False)} "
            f"{_short(DEMO / 'run.py')} --serve"
        )

    # --- helpers -----------------------------------------------------------------------------------------------------
    @property
    def _port(self) -> int:
        assert self.berlin.sip is not None
        return self.berlin.sip.port

    def _playbook(self, playbook: str | pathlib.Path, *arguments: str) -> PlaybookRun:
        shown = playbook if isinstance(playbook, str) else _short(playbook)
        self.say.command(" ".join(["ansible-playbook", shown, "-i", _short(self.folder.inventory), *arguments]))
        return self.runner.run(str(playbook), *arguments)

    def _host_row(self, host: FleetHost) -> list[object]:
        login = "password" if host.ssh.password else "key"
        row: list[object] = [host.name, host.product, f"ssh 127.0.0.1:{host.port} ({login})"]
        if host.sip:
            answer = ask(host.sip.port)
            if answer is None:
                raise Surprise(f"{host.name} does not answer SIP")
            row.append(f"SIP OPTIONS on {host.sip.port}: {answer}")
        return row

    def _generations(self, run: PlaybookRun) -> dict[str, dict[str, Any]]:
        return {host: result["generation"] for host, result in sorted(run.results(BACKED_UP).items())}

    def _show_generations(self, run: PlaybookRun) -> None:
        generations = self._generations(run)
        if set(generations) != set(self.fleet.hosts):
            raise Surprise(f"backed up were only {', '.join(generations) or 'none'}")
        self.say.table(
            (
                generation["id"],
                generation["status"],
                _what_changed(generation),
                f"{_size(generation['bytes_read'])} read",
                f"{_size(generation['bytes_stored'])} stored",
            )
            for generation in generations.values()
        )

    def _show_restore(self, restored: dict[str, Any]) -> None:
        plan = restored["plan"]
        self.say.table((change["action"], change["path"]) for changes in plan["changes"].values() for change in changes)
        self.say.say(
            "Before anything was touched, the generation was proved authentic and whole, and the host as it was became "
            f"{restored['pre_restore']}, to go back to if this fails. {', '.join(plan['stop_and_start'])} was stopped "
            "and started again; everything was gathered once more and compared."
        )
        for check in restored["checks"]:
            (self.say.good if check["ok"] else self.say.bad)(f"{check['name']}: {check['detail']}")
            if not check["ok"]:
                raise Surprise(f"{check['name']}: {check['detail']}")


def _short(path: pathlib.Path, resolve: bool = True) -> str:
    """A path as one would type it here."""
    path = path.resolve() if resolve else path
    return os.path.relpath(path) if path.is_relative_to(pathlib.Path.cwd()) else str(path)


def _semantic_row(change: dict[str, Any]) -> list[str]:
    values = " -> ".join(str(change[side]) for side in ("before", "after") if change.get(side) is not None)
    return [change["action"], change["kind"], change["object"], values]


def _what_changed(generation: dict[str, Any]) -> str:
    if not generation["content_changed"]:
        return "unchanged"
    if generation["previous"] is None:
        return f"the first one, {len(generation['changed_items'])} items"
    return f"changed: {', '.join(generation['changed_items'])}"


def _size(count: int) -> str:
    return f"{count} B" if count < 10_000 else f"{count / 1000:.0f} kB"


def _counted(checked: dict[str, Any]) -> str:
    return ", ".join(f"{number} {name}" for name, number in checked.items() if isinstance(number, int))


def tell(narrator: Narrator, folder: DemoFolder, fleet: Fleet) -> None:
    """The whole story."""
    narrator.title("ucops.recovery: sealed backups of a VoIP fleet, a change that goes wrong, and the way back")
    with narrator.step("The fleet: three hosts on this machine, in folders, without root"):
        demo = Demo(narrator, folder, fleet)
        demo.show_fleet()
    with narrator.step("A sealed repository on the backup host"):
        demo.create_repository()
    with narrator.step(f"Backup before change {CHANGE_ID}"):
        demo.back_up_before()
    before = snapshot(demo.berlin, *KEPT_FOLDERS)
    with narrator.step("The change, by hand, on pbx-berlin"):
        demo.change()
    with narrator.step(f"Backup after change {CHANGE_ID}"):
        demo.back_up_after()
    with narrator.step("Back to the generation before the change"):
        demo.restore(before)
    with narrator.step("Is the repository whole, and is it ours?"):
        demo.verify()
    with narrator.step("The last resort: no Ansible, no us"):
        demo.list_without_ansible()
    with narrator.step("The same for real"):
        demo.close()


def serve(narrator: Narrator, folder: DemoFolder, fleet: Fleet) -> NoReturn:
    """Only the servers, until Ctrl-C."""
    narrator.title("The fleet serves until Ctrl-C. In another terminal:")
    narrator.say(f"cd {folder.path} && PATH={pathlib.Path(sys.executable).parent}:$PATH")
    narrator.say(f"ansible-playbook {DEMO / 'create_repository.yml'}")
    narrator.say("ansible-playbook ucops.recovery.backup")
    host = fleet.hosts["pbx-berlin"]
    narrator.verbatim(
        f"ssh -p {host.port} -i {fleet.private_key_file} -o UserKnownHostsFile={fleet.known_hosts_file} "
        "backup@127.0.0.1 kamailio -v"
    )
    while True:
        time.sleep(0.5)  # short: a signal that comes just before a sleep does not shorten it


def main(arguments: Sequence[str]) -> int:
    """0 when everything was as promised, 1 when not, 2 when it could not begin, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--folder", type=pathlib.Path, default=PROJECT / ".demo", help="where it works (default: %(default)s)"
    )
    parser.add_argument("--serve", action="store_true", help="only start the fleet, and wait")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    narrator = Narrator(sys.stdout, os.environ)
    folder = DemoFolder(options.folder)
    started = time.monotonic()
    try:
        folder.renew()
    except FolderUnusable as error:
        print(error, file=sys.stderr)
        return 2
    logging.basicConfig(filename=folder.path / "fleet.log", level=logging.WARNING)
    try:
        with Fleet(folder.path / "fleet") as fleet:
            narrator.keep_secret(fleet.secrets.values())
            folder.write_inventory(fleet)
            (serve if options.serve else tell)(narrator, folder, fleet)
    except KeyboardInterrupt:
        narrator.bad(f"Interrupted. The servers are stopped; {folder.path} is left as it is.")
        return 130
    except PlaybookFailed as failure:
        narrator.bad(f"{failure.command} failed. This is everything it said:")
        narrator.verbatim(failure.log)
        return 1
    except Surprise as surprise:
        narrator.bad(f"Not as promised: {surprise}. What Ansible said stands in {folder.path / 'logs'}.")
        return 1
    if narrator.withheld:
        narrator.bad(
            f"{narrator.withheld} secrets nearly got into this output. That is a fault of ours: please report it."
        )
        return 1
    narrator.title(
        f"\nDone in {time.monotonic() - started:.0f} s. None of the fleet's {narrator.secret_count} passwords, keys "
        "and digests is in these lines: each line was searched for them."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
