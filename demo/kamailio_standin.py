# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for /usr/sbin/kamailio on the demo's hosts, so that the demo runs where no Kamailio is installed.

It answers ``kamailio -v``, checks a configuration with ``kamailio -c -f FILE``, and is no SIP server.
``kamailio service start|stop|status`` stands for systemctl: start checks the configuration first, as a real one would.
"""

from __future__ import annotations

import pathlib
import sys

from kamailio_config import ConfigError, read_config

VERSION = "version: kamailio 5.6.3 (x86_64/linux) \nflags: stand-in of the ucops.recovery demo"


def check(path: pathlib.Path) -> int:
    """Say like Kamailio whether the configuration can be used; 255 when it cannot."""
    try:
        config = read_config(path)
    except ConfigError as error:
        sys.stderr.write(f" 0(1) CRITICAL: <core> [core/cfg.y]: yyerror_at(): parse error in config file {error}\n")
        sys.stderr.write("ERROR: bad config file (1 errors)\n")
        return 255
    sys.stdout.write("Listening on \n")
    sys.stdout.writelines(f"             {proto}: {address}:{port}\n" for proto, address, port in config.listens)
    sys.stderr.write("config file ok, exiting...\n")
    return 0


def service(root: pathlib.Path, verb: str) -> int:
    """Start, stop or ask for the host's SIP service; its state is the file that the SIP responder looks at."""
    state = root / "run/kamailio/kamailio.pid"
    if verb == "status":
        return 0 if state.exists() else 3
    if verb == "stop":
        state.unlink(missing_ok=True)
        return 0
    result = check(root / "etc/kamailio/kamailio.cfg")
    if result == 0:
        state.parent.mkdir(parents=True, exist_ok=True)
        state.write_text("1\n", "ascii")
    return result


def main(root: pathlib.Path, arguments: list[str]) -> int:
    """The command line of kamailio, as far as a backup asks; ``root`` is the host's folder."""
    if arguments[:1] == ["service"] and arguments[1:] in (["start"], ["stop"], ["status"]):
        return service(root, arguments[1])
    if "-v" in arguments or "-V" in arguments:
        sys.stdout.write(VERSION + "\n")
        return 0
    if "-c" in arguments:
        named = "-f" in arguments[:-1]
        return check(
            pathlib.Path(arguments[arguments.index("-f") + 1]) if named else root / "etc/kamailio/kamailio.cfg"
        )
    sys.stderr.write("This stand-in for kamailio knows only -v, -c [-f FILE] and service start|stop|status.\n")
    return 64


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2:]))
