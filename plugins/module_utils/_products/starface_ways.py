# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways to a STARFACE: its REST interface, and SSH to the appliance itself."""

from __future__ import annotations

from .._errors import OptionInvalid
from .._transport.base import Transport
from .starface_rest import BackupsMissing, StarfaceRest

REST, SSH_PULL, LANDING, AUTO = "rest", "ssh_pull", "landing", "auto"
MODES = (AUTO, REST, LANDING, SSH_PULL)


class StarfaceWays(Transport):
    """Both ways to one appliance, of which one may be missing. :attr:`way` is the one that a backup takes.

    :param mode: ``auto``: by REST where it makes backups, else by SSH where that is given
    """

    def __init__(self, host: str, rest: StarfaceRest | None, ssh: Transport | None, mode: str = AUTO) -> None:
        self.host = host
        self.rest = rest
        self.ssh = ssh
        self._mode = mode
        self._way = ""

    @property
    def way(self) -> str:
        """``rest`` or ``ssh_pull``, found out when it is first asked for.

        :raises BackupsMissing: the appliance makes no backups by REST, and there is no other way to it
        :raises OptionInvalid: what the mode needs is not given
        """
        if not self._way:
            self._way = self._found()
        return self._way

    def _found(self) -> str:
        if self._mode == SSH_PULL:
            if self.ssh is None:
                raise OptionInvalid("It is not said how to reach the appliance by SSH", item="ssh", host=self.host)
            return SSH_PULL
        if self.rest is None:
            if self._mode == AUTO and self.ssh is not None:
                return SSH_PULL
            raise OptionInvalid("The REST interface needs username and password", host=self.host)
        if self._mode == REST or self.rest.has_backups():
            return REST
        if self.ssh is None:
            raise BackupsMissing(
                "This appliance makes no backups by REST, and no other way to it is given",
                host=self.host,
                hint="That needs STARFACE 10. Before it let the appliance push its backups (landing), or fetch them by"
                " SSH (ssh).",
            )
        return SSH_PULL

    def close(self) -> None:
        if self.rest is not None:
            self.rest.close()
        if self.ssh is not None:
            self.ssh.close()


def starface(transport: Transport) -> StarfaceWays:
    """The transport as ways to a STARFACE. Raises OptionInvalid when it is none."""
    if not isinstance(transport, StarfaceWays):
        raise OptionInvalid("This is no connection to a STARFACE", host=transport.host)
    return transport
