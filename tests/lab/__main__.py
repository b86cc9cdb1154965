# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small fleet for trying things by hand: ``make lab``."""

from __future__ import annotations

import cmd
import pathlib
import shlex
import signal
import sys

from lab.controller import HOME, SETTINGS, Controller
from lab.hosts import Fleet
from lab.kamailio import Pbx, install
from lab.machine import PROJECT, why_not
from lab.phones import Phone, call_drill
from lab.readme import lay_out

DOORS = PROJECT / "build" / "lab"

WELCOME = """
The lab runs. It is invisible from outside and gone when this ends.

  enter a host, from another shell as root:
{doors}
  on the controller, in {home}, the README's quickstart lies ready:
      ansible-playbook -i inventory.yml quickstart.yml
      ls kept-outside
  on backup1:
      ls -R /srv/recovery | head
      sh -c 'cd /srv/recovery && python3 recover.py list'

Type "help" for what can be done to the fleet from here, "quit" or Ctrl-D to stop it.
"""


class Desk(cmd.Cmd):
    """What can be done to the fleet while it runs."""

    prompt = "lab> "

    def __init__(self, fleet: Fleet, systems: dict[str, Pbx], phones: tuple[Phone, Phone]) -> None:
        super().__init__()
        self.fleet, self.systems, self.phones = fleet, systems, phones

    def emptyline(self) -> bool:
        return False

    def do_hosts(self, _line: str) -> None:
        """hosts: names, addresses and whether they run"""
        for host in self.fleet.hosts.values():
            print(f"  {host.name:14} {host.address:12} {'runs' if host.running else 'is dead'}")

    def do_call(self, line: str) -> None:
        """call HOST: register 1002 there and call it from 1001"""
        drill = call_drill(self.fleet[line], *self.phones)
        print(f"  registered {drill.registered}, called {drill.called}, answered {drill.answered}")
        if not drill.passed:
            print(drill.log[-600:])

    def do_destroy(self, line: str) -> None:
        """destroy HOST: its Kamailio loses configuration and database"""
        self.systems[line].destroy()

    def do_start(self, line: str) -> None:
        """start HOST: start its database and Kamailio, after kill and boot"""
        self.systems[line].start()

    def do_cut(self, line: str) -> None:
        """cut HOST: pull its network cable"""
        self.fleet[line].cut()

    def do_mend(self, line: str) -> None:
        """mend HOST: put the cable back"""
        self.fleet[line].mend()

    def do_kill(self, line: str) -> None:
        """kill HOST: cut its power"""
        self.fleet[line].kill()

    def do_boot(self, line: str) -> None:
        """boot HOST: start it again, with the disk it had"""
        self.fleet[line].boot()
        write_doors(self.fleet)

    def do_quit(self, _line: str) -> bool:
        """quit: end the lab"""
        return True

    def do_EOF(self, _line: str) -> bool:
        """Ctrl-D: end the lab"""
        return True

    def onecmd(self, line: str) -> bool:
        try:
            return bool(super().onecmd(line))
        except KeyError as error:
            print(f"  there is no {error}")
        except Exception as error:  # a mistyped line must not end the lab
            print(f"  {error}")
        return False


def write_doors(fleet: Fleet) -> None:
    """A script for each host that opens a shell in it, or runs a command."""
    DOORS.mkdir(parents=True, exist_ok=True)
    for host in fleet.hosts.values():
        door = DOORS / host.name
        entering = shlex.join(host.command([])).removesuffix(" --")
        script = f'[ $# -gt 0 ] || set -- bash -l\nexec env HOME=/root TERM="${{TERM:-dumb}}" {entering} -- "$@"\n'
        door.write_text(f"#!/bin/sh\n{script}")
        door.chmod(0o755)


def main() -> int:
    reason = why_not()
    if reason:
        print(f"make lab: {reason}")
        return 1
    # A plain kill ends the lab as tidily as Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_unused: sys.exit(143))
    with Fleet() as fleet:
        print("starting the hosts ...", flush=True)
        controller = Controller(fleet)
        systems = {"pbx-berlin": lay_out(controller)}
        systems["pbx-hamburg"] = install(fleet.add("pbx-hamburg"), "dbtext")
        phones = (
            Phone(fleet.add("alice"), "1001", "Winter-1001"),
            Phone(fleet.add("bob"), "1002", "Sommer-1002"),
        )
        controller.meet()
        exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in SETTINGS.items())
        controller.host.write("/root/.profile", f"{exports}export LC_ALL=C.UTF-8\ncd {HOME}\n")
        write_doors(fleet)
        doors = "".join(f"      {(DOORS / name).relative_to(pathlib.Path.cwd())}\n" for name in fleet.hosts)
        desk = Desk(fleet, systems, phones)
        print(WELCOME.format(doors=doors, home=HOME), flush=True)
        try:
            if sys.stdin.isatty():
                desk.cmdloop()
            else:
                for line in sys.stdin:
                    print(desk.prompt + line.strip(), flush=True)
                    if desk.onecmd(line.strip()):
                        break
        except KeyboardInterrupt:
            print()
        finally:
            for name in fleet.hosts:
                (DOORS / name).unlink(missing_ok=True)
        print("the lab is gone")
    return 0


if __name__ == "__main__":
    sys.exit(main())
