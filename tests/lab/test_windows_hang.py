# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""WinRM that stops answering in the middle of a restore, and the host looked at afterwards.

The host is the stand-in of ``tests/lab/windows``; commands go by real WinRM messages, files by real SMB.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from support.collection import make_importable
from support.store import Store

make_importable()

from ansible_collections.ucops.recovery.plugins.module_utils._errors import RestoreFailed  # noqa: E402
from ansible_collections.ucops.recovery.plugins.module_utils._items import host_registry  # noqa: E402
from ansible_collections.ucops.recovery.plugins.module_utils._products.registry import product_class  # noqa: E402
from ansible_collections.ucops.recovery.plugins.module_utils._repository.journal import open_restores  # noqa: E402
from ansible_collections.ucops.recovery.plugins.module_utils._transport.smb import SmbFiles, SmbOptions  # noqa: E402
from ansible_collections.ucops.recovery.plugins.module_utils._transport.windows import WindowsTransport  # noqa: E402
from ansible_collections.ucops.recovery.plugins.module_utils._transport.winrm import WinRm, WinRmOptions  # noqa: E402
from lab.windows.endpoint import Hang, Manners  # noqa: E402
from lab.windows.host import WindowsHost  # noqa: E402
from lab.windows.messages import Request  # noqa: E402
from lab.windows_recovery import WindowsSight  # noqa: E402

FOLDER = r"C:\Data\Acme PBX"
KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Acme\Hanging"
ACME = {"paths": [FOLDER], "registry": [KEY]}
PATIENCE = 2
"""Seconds, in place of minutes."""


@dataclasses.dataclass
class Silence:
    """Manners of a host that says nothing more as soon as a command runs. ``since``: the beginning of its line."""

    since: str = ""
    silent: bool = False

    def __call__(self, request: Request) -> None:
        if self.silent:
            raise Hang
        if request.operation == "command" and self.since:
            self.silent = request.text("r:CommandLine/r:Command").startswith(self.since)

    def end(self) -> None:
        """The host answers again."""
        self.since, self.silent = "", False


@pytest.fixture
def there(windows_host: WindowsHost) -> Iterator[WindowsHost]:
    """The host with a folder and a key."""
    windows_host.write(rf"{FOLDER}\acme.xml", "<Acme><Port>5060</Port></Acme>")
    windows_host.registry.set(KEY, Port=5060, Trunks=["a", "b"])
    windows_host.registry.set(rf"{KEY}\Büro", Name="Köln")
    yield windows_host
    windows_host.registry.delete(KEY)


@contextlib.contextmanager
def way_to(host: WindowsHost, silence: Silence) -> Iterator[WindowsTransport]:
    """The host by a listener with these manners."""
    with host.listener(manners=Manners(before=silence)) as listener:
        login = WinRmOptions(
            host.address,
            listener.port,
            "http",
            username=host.username,
            password=host.password,
            connect_timeout=PATIENCE,
            silence_timeout=PATIENCE,
        )
        files = SmbFiles(SmbOptions(host.address, host.smb_port, host.username, host.password))
        with WindowsTransport(WinRm(login), files) as transport:
            yield transport


def look(host: WindowsHost) -> Any:
    """The folder and the key, from beside every client."""
    sight = WindowsSight(host)
    return sight.files(FOLDER), sight.keys(KEY)


def test_winrm_that_hangs_in_the_middle_of_a_restore(
    there: WindowsHost, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, silence = product_class("windows")(ACME), Silence()
    with Store(tmp_path) as store:
        with way_to(there, silence) as transport:
            outcome = store.backup(acme, transport)
            before = look(there)
            there.write(rf"{FOLDER}\acme.xml", "<Acme/>")
            there.write(rf"{FOLDER}\later.xml", "<Later/>")
            there.registry.set(KEY, Port=1, Later="x")
            spoilt = look(there)
            restorer = store.restorer(outcome, acme, transport)
            plan = restorer.plan(look_only=False)
            monkeypatch.setattr(host_registry, "DEADLINE", PATIENCE)
            silence.since = "reg import"
            with pytest.raises(RestoreFailed) as caught:
                restorer.run(plan)
            assert silence.silent
        said = str(caught.value)
        for words in ("The restore of host/windows/1 failed", "reg import", "Putting host/windows/2 back failed too"):
            assert words in said, said
        assert "host/windows/2 or host/windows/1 again" in (caught.value.hint or "")
        assert there.password not in said
        # the command did its work unheard; then files went back, as they do without WinRM, and the key could not
        assert look(there) == (spoilt[0], before[1])
        assert open_restores(store.backend, "host", "windows") == [caught.value.details["journal"]]

        monkeypatch.undo()
        silence.end()
        with way_to(there, silence) as transport:
            again = store.restorer(outcome, acme, transport)
            plan = again.plan(look_only=False)
            assert plan.open_restores == [caught.value.details["journal"]]
            assert any("began and never ended" in warning for warning in plan.warnings)
            again.run(plan)
            assert look(there) == before
            assert open_restores(store.backend, "host", "windows") == []
            assert not store.restorer(outcome, acme, transport).plan(look_only=False).is_needed
    there.shells.forget()
    assert not list(there.path(r"C:\Windows\Temp").glob("ucops-*"))
