# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in Windows host itself: what tests build on has to be as it says."""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from lab.machine import PROJECT
from lab.windows.hives import read_hive
from lab.windows.host import private_folder
from lab.windows.wine import WineFailed
from lab.windows.words import NotOneCommand, split_words

KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS\UCServer4\Server"


def test_words_reach_a_program_unharmed(windows_host):
    words = ["a b", 'c"d', "%OS%", "x&y|z", "Größe €", "", "\\", 'ends \\"']
    assert windows_host.run_in_wine(["words", *words]).splitlines() == words


def test_exit_codes_have_all_their_bits(windows_host):
    with pytest.raises(WineFailed, match="ended with 1060"):
        windows_host.run_in_wine(["sc", "query", "nothing"])


def test_a_service_is_real(windows_host):
    image = r"C:\Program Files\estos\UCServer\bin\EUCSrv.exe"
    windows_host.install_service(
        "eucsrv", "estos UCServer", image, version="8.6.2.4711", start="delayed-auto", depends=["RpcSs", "LanmanServer"]
    )
    assert windows_host.service_state("eucsrv") == 1
    windows_host.start_service("eucsrv")
    assert windows_host.service_state("eucsrv") == 4
    assert '"EUCSrv.exe"' in windows_host.run_in_wine(["tasklist", "/fo", "csv", "/fi", "IMAGENAME eq eucsrv.exe"])
    windows_host.stop_service("eucsrv")
    assert windows_host.service_state("eucsrv") == 1
    until = time.monotonic() + 10  # a process ends only after it said that the service has stopped
    while "EUCSrv.exe" in windows_host.run_in_wine(["tasklist", "/fo", "csv"]):
        assert time.monotonic() < until
    text = windows_host.registry.export(r"HKLM\SYSTEM\CurrentControlSet\Services\eucsrv")
    assert '"DelayedAutostart"=dword:00000001' in text
    assert windows_host.service_state("nothing") == 0
    program = windows_host.path(image).read_bytes()
    at = program.index(b"\xbd\x04\xef\xfe") + 8
    assert program[at : at + 8] == bytes((6, 0, 8, 0, 0x67, 0x12, 2, 0))


def test_a_manager_of_services_that_is_held_up_is_waited_for(windows_host):
    """Wine's RPC waits for 5 seconds; what asks meanwhile is no wrong answer."""
    windows_host.install_service("late", "Late", r"C:\late\late.exe")
    held = windows_host.wine.services_process
    os.kill(held, signal.SIGSTOP)
    try:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            asked = [pool.submit(windows_host.service_state, "late") for _each in range(3)]
            time.sleep(7)
            assert not any(one.done() for one in asked)
            os.kill(held, signal.SIGCONT)
            assert [one.result() for one in asked] == [1, 1, 1]
    finally:
        os.kill(held, signal.SIGCONT)


def test_settings_of_a_service_are_kept(windows_host):
    windows_host.install_service("other", "Other", r"C:\other\other.exe")
    run = windows_host.run_in_wine
    run(["sc", "config", "other", "start=", "disabled", "depend=", "RpcSs/eucsrv", "DisplayName=", "Größe"])
    run(["sc", "failure", "other", "reset=", "86400", "actions=", "restart/60000//5", "command=", "C:\\x y.exe"])
    run(["sc", "failureflag", "other", "1"])
    run(["sc", "sidtype", "other", "unrestricted"])
    run(["sc", "privs", "other", "SeBackupPrivilege/SeRestorePrivilege"])
    run(["sc", "sdset", "other", "D:(A;;CCLCSWRPWPDTLOCRRC;;;SY)"])
    shown = run(["sc", "qc", "other"])
    assert "START_TYPE         : 4" in shown and "Größe" in shown and "RpcSs\r\n" in shown and ": eucsrv" in shown
    shown = run(["sc", "qfailure", "other"])
    assert "86400" in shown and "1 -- Delay = 60000" in shown and "0 -- Delay = 5" in shown and "C:\\x y.exe" in shown
    assert "UNRESTRICTED" in run(["sc", "qsidtype", "other"])
    assert "SeRestorePrivilege" in run(["sc", "qprivs", "other"])
    assert "D:(A;;CCLCSWRPWPDTLOCRRC;;;SY)" in run(["sc", "sdshow", "other"])
    run(["sc", "config", "other", "depend=", "/"])
    assert "eucsrv" not in run(["sc", "qc", "other"])
    for wrong in (["start=auto"], ["start=", "sometimes"], ["colour=", "red"]):
        with pytest.raises(WineFailed):
            run(["sc", "config", "other", *wrong])


def test_the_registry_is_filled_and_read(windows_host):
    windows_host.registry.set(KEY, Name="Größe", Count=7, Data=b"\x01\x02", Lines=["a", "b"], Path='C:\\x "y"')
    text = windows_host.registry.export(KEY)
    for line in ('"Name"="Größe"', '"Count"=dword:00000007', '"Data"=hex:01,02', r'"Path"="C:\\x \"y\""'):
        assert line in text
    assert "hex(7):61,00,00,00,62,00,00,00,00,00" in text
    windows_host.registry.delete(KEY)
    assert windows_host.registry.export(KEY) == ""


def test_profiles_have_real_hives(windows_host):
    content = '[HKEY_CURRENT_USER\\Software\\estos\\Größe]\n"Nâme"="Wert €"\n"n"=dword:0000000a\n'
    away = windows_host.add_user("Jürgen", content=content)
    here = windows_host.add_user("anna", logged_on=True, content=content)
    assert away.hive.read_bytes()[:4] == b"regf"
    assert '"Nâme"' in read_hive(away.hive, rf"HKEY_USERS\{away.sid}")
    assert windows_host.registry.export(rf"HKEY_USERS\{away.sid}") == ""
    assert '"Nâme"="Wert €"' in windows_host.registry.export(rf"HKEY_USERS\{here.sid}")
    load, unload = windows_host.programs["reg load"], windows_host.programs["reg unload"]
    hive = r"C:\users\JÜRGEN\ntuser.dat"
    assert load(["reg", "load", r"HKU\tmp", hive], b"").code == 0
    assert load(["reg", "load", r"HKU\tmp2", hive], b"").code == 1
    windows_host.registry.set(r"HKEY_USERS\tmp\Software\estos", Added="später")
    assert unload(["reg", "unload", r"HKU\tmp"], b"").code == 0
    assert unload(["reg", "unload", r"HKU\tmp"], b"").code == 1
    assert windows_host.registry.export(r"HKEY_USERS\tmp") == ""
    text = read_hive(away.hive, "HKEY_USERS\\x")
    assert '"Added"=' in text and '"Nâme"=' in text
    assert load(["reg", "load", r"HKU\tmp", r"C:\Users\anna\NTUSER.DAT"], b"").code == 1
    assert load(["reg", "load", r"HKU\tmp", r"C:\nothing"], b"").code == 1


def test_the_same_drive_is_behind_smb(windows_host):
    windows_host.write(r"C:\Program Files\estos\größe.txt", "content")
    listed = subprocess.run(
        windows_host.samba.client(r'ls "Program Files\estos\*"'), check=True, capture_output=True, text=True
    )
    assert "größe.txt" in listed.stdout
    assert windows_host.run_in_wine(["cmd", "/c", "type", r"C:\Program Files\estos\größe.txt"]) == "content"
    assert not [each for each in windows_host.drive_c.rglob("*") if each.is_symlink() and "windows" not in each.parts]


def test_lines_that_would_be_two_commands_are_told():
    assert split_words('reg query "HKLM\\a & b" ^"x^|y^"') == ["reg", "query", "HKLM\\a & b", "x|y"]
    for line in ("a & b", "a > b", 'x "y" | z', "echo %OS%", "a\nb", 'a "b\\"&c"'):
        with pytest.raises(NotOneCommand):
            split_words(line)


def test_nothing_outlives_a_killed_run(windows_host):
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from lab.windows.host import WindowsHost\n"
        "with WindowsHost('KILLED') as host:\n"
        "    print(host.home, host.samba._folder, flush=True); time.sleep(60)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(PROJECT / "tests")], stdout=subprocess.PIPE, text=True)
    folders = child.stdout.readline().split()
    assert [bool(processes_of(folder)) for folder in folders] == [True, True]
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    deadline = time.monotonic() + 10
    while any(map(processes_of, folders)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [processes_of(folder) for folder in folders] == [[], []]
    assert pathlib.Path(folders[0]).exists()
    with private_folder():
        assert not pathlib.Path(folders[0]).exists()


def processes_of(folder: str) -> list[str]:
    """Command lines of processes that know a folder, from their environment or words."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        if int(process.name) == os.getpid():
            continue
        try:
            words = (process / "cmdline").read_bytes()
            environment = (process / "environ").read_bytes()
        except OSError:  # it ended meanwhile
            continue
        if folder.encode() in environment + words:
            found.append(words.decode(errors="replace"))
    return found
