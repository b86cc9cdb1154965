# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services of a host in memory; a real service control manager is in tests/lab/test_windows_services.py."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.thoroughness import thorough
from support.windows_registry import MISSING, MemoryWindows, failed
from support.windows_services import SERVICES, MemoryServices, descriptor_of

from ansible_collections.ucops.recovery.plugins.module_utils._compare.normalise import normalise
from ansible_collections.ucops.recovery.plugins.module_utils._compare.registry import (
    REG_BINARY,
    REG_EXPAND_SZ,
    RegistryTree,
    RegistryValue,
    format_reg,
    parse_reg,
)
from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    CommandFailed,
    ConnectionLost,
    HostileContent,
    ItemTruncated,
    OptionInvalid,
    RestoreFailed,
    RestoreRefused,
)
from ansible_collections.ucops.recovery.plugins.module_utils._items import service_password
from ansible_collections.ucops.recovery.plugins.module_utils._items.services import Service
from ansible_collections.ucops.recovery.plugins.module_utils._items.windows_services import (
    ServiceDefinitions,
    Told,
    WindowsServiceControl,
    WindowsServiceName,
    path_of_service,
    service_of,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.base import CommandResult

KEY = SERVICES + r"\eucsrv"
ACCOUNT, PASSWORD = r"LABAD\ucserver", "planted-5ecret ä\"'$"
EVERYTHING = {
    "Type": 0x110,
    "Start": 2,
    "DelayedAutostart": 1,
    "ErrorControl": 0,
    "ImagePath": RegistryValue.of_text(r'"C:\Program Files\estos\eucsrv.exe" -x', REG_EXPAND_SZ),
    "DisplayName": "estos UCServer",
    "Description": "Größe",
    "Group": "Voice",
    "DependOnService": ["RpcSs", "LanmanServer"],
    "DependOnGroup": ["TDI"],
    "RequiredPrivileges": ["SeBackupPrivilege", "SeAuditPrivilege"],
    "ServiceSidType": 1,
    "FailureActions": bytes.fromhex("8051010000000000000000000300000014000000010000006 0ea0000".replace(" ", ""))
    + bytes.fromhex("0300000088130000" + "0000000000000000"),
    "FailureActionsOnNonCrashFailures": 1,
    "FailureCommand": r"C:\x y.exe",
    "RebootMessage": "going down",
}
SECURITY = "D:P(A;;0x2019d;;;S-1-5-18)(A;CI;0xf01ff;;;S-1-5-32-544)S:(AU;FA;0xf01ff;;;S-1-1-0)"


@pytest.fixture
def host():
    return MemoryWindows()


@pytest.fixture
def services(host):
    services = MemoryServices(host)
    services.add("eucsrv", state=4, **EVERYTHING)
    host.registry.put(KEY + r"\Security", {"Security": descriptor_of(SECURITY)})
    host.registry.set(KEY + r"\Parameters", Port=7222)
    host.registry.set(KEY + r"\Enum", Count=1)
    services.add("emswindows", state=4)
    return services


def definitions(*names, **options):
    values = {"name": "services", "data_class": "system_config", "services": names or ("eucsrv",), **options}
    return ServiceDefinitions(**values)


def nothing_left(host):
    return not host.files.list_folder(r"C:\Windows\Temp") and PASSWORD not in " ".join(host.lines())


def sent(host):
    """The commands that change something."""
    return [words for words, _input in host.asked if words[0] in ("sc", "powershell") and words[1] != "queryex"]


# --- what is gathered -------------------------------------------------------------------------------------------------
def test_a_service_is_the_export_of_its_key(host, services, gather):
    found = gather(definitions("EUCSRV", "eucsrv", "emswindows"), host.transport)
    assert [entry.path for entry in found.entries] == [b"/@service/eucsrv.reg", b"/@service/emswindows.reg"]
    entry, content = found.all[0]
    assert entry.extra == {
        "service": "eucsrv",
        "account": "LocalSystem",
        "display_name": "estos UCServer",
        "start": "delayed-auto",
    }
    assert parse_reg(content).is_same(host.registry.below(KEY))
    assert found.report.found and not found.report.problems and nothing_left(host)


def test_a_service_that_is_not_there(host, services, gather):
    found = gather(definitions("nothing"), host.transport)
    assert not found.report.found and found.report.notes == {"nothing_at": ["/@service/nothing.reg"]}
    assert gather(definitions("nothing", "eucsrv"), host.transport).report.found


def test_a_service_that_may_not_be_read(host, services, gather):
    host.registry.denied.add(KEY)
    found = gather(definitions("eucsrv", "emswindows"), host.transport)
    assert "cannot be exported" in found.problems["/@service/eucsrv.reg"] and len(found.all) == 1


def test_a_cut_export_and_an_unknown_setting_are_problems(host, services, gather):
    host.spoil = lambda content: content[:-10]
    assert "ends" in gather(definitions(), host.transport).problems["/@service/eucsrv.reg"]
    host.spoil = bytes
    host.registry.set(KEY, Start=9)
    assert "9 stands for nothing" in gather(definitions(), host.transport).problems["/@service/eucsrv.reg"]


@pytest.mark.parametrize(
    "change",
    [
        lambda registry: registry.set(KEY + r"\Enum", Count=2, Device="x"),
        lambda registry: registry.set(KEY + r"\Performance", **{"First Counter": 7}),
        lambda registry: registry.set(KEY, DeleteFlag=1),
        lambda registry: registry.set(KEY, Description=RegistryValue.of_text("Größe", REG_EXPAND_SZ)),
        lambda registry: registry.set(KEY, FailureActions=_other_pointers(EVERYTHING["FailureActions"])),
        lambda registry: registry.put(KEY + r"\Security", {"Security": descriptor_of(SECURITY)[:-12] + bytes(12)}),
    ],
)
def test_what_changes_by_itself_is_no_change(host, services, gather, change):
    item = definitions()
    entry, one = gather(item, host.transport).all[0]
    change(host.registry)
    other = gather(item, host.transport).all[0][1]
    assert one != other and normalise(one, item.normaliser(entry)) == normalise(other, item.normaliser(entry))


def _other_pointers(data):
    return RegistryValue(REG_BINARY, data[:4] + b"\1\2\3\4\5\6\7\x08" + data[12:])


@pytest.mark.parametrize(
    ("values", "less"),
    [
        ({"DelayedAutostart": 0}, {}),
        ({"FailureActionsOnNonCrashFailures": 0, "ServiceSidType": 0}, {}),
        ({"Description": "", "DependOnService": [], "RequiredPrivileges": []}, {}),
        ({"DisplayName": "emswindows"}, {}),
        ({"FailureActions": bytes(20)}, {}),
    ],
)
def test_what_says_nothing_is_nothing(host, services, gather, values, less):
    item = definitions("emswindows")
    entry, one = gather(item, host.transport).all[0]
    host.registry.put(SERVICES + r"\emswindows", values)
    other = gather(item, host.transport).all[0][1]
    assert one != other and normalise(one, item.normaliser(entry)) == normalise(other, item.normaliser(entry))


@pytest.mark.parametrize("name", list(EVERYTHING))
def test_every_setting_is_a_change(host, services, gather, name):
    item = definitions()
    entry, one = gather(item, host.transport).all[0]
    other = 7 if isinstance(EVERYTHING[name], int) else "other" if name != "FailureActions" else bytes(28)
    host.registry.put(KEY, {name: other})
    assert normalise(one, item.normaliser(entry)) != normalise(
        gather(item, host.transport).all[0][1], item.normaliser(entry)
    )


# --- what is put back -------------------------------------------------------------------------------------------------
def restore(host, gather, item, before):
    current = gather(item, host.transport).entries
    host.asked.clear()
    item.restore(host.transport, before.wanted, current)


def normal(host, gather, item):
    return [normalise(content, item.normaliser(entry)) for entry, content in gather(item, host.transport).all]


def test_a_service_that_is_missing_is_made_with_everything(host, services, gather):
    item = definitions()
    before, was = gather(item, host.transport), normal(host, gather, item)
    services.windows.registry.remove(KEY)
    del services.states["eucsrv"]
    restore(host, gather, item, before)
    assert normal(host, gather, item) == was and nothing_left(host)
    assert sent(host)[0][:3] == ["sc", "create", "eucsrv"]
    assert services.value("eucsrv", "DependOnService").texts == ["RpcSs", "LanmanServer"]
    assert host.registry.value(KEY + r"\Parameters", "Port").number == 7222


def test_defaults_of_a_repair_installation_are_replaced(host, services, gather):
    """The vendor: "Die Dienstdefinitionen ... werden entfernt und neu mit Voreinstellungen erstellt"."""
    item = definitions()
    before, was = gather(item, host.transport), normal(host, gather, item)
    host.registry.remove(KEY)
    services.add("eucsrv", state=4)
    restore(host, gather, item, before)
    assert normal(host, gather, item) == was


@thorough
@pytest.mark.parametrize(
    ("name", "value", "command"),
    [
        ("Start", 3, ["config", "start=", "delayed-auto"]),
        ("DelayedAutostart", 0, ["config", "start=", "delayed-auto"]),
        ("Type", 0x10, ["config", "type=", "own", "type=", "interact"]),
        ("ErrorControl", 1, ["config", "error=", "ignore"]),
        ("DisplayName", "x", ["config", "DisplayName=", "estos UCServer"]),
        ("Group", "", ["config", "group=", "Voice"]),
        ("DependOnService", ["x"], ["config", "depend=", "RpcSs/LanmanServer/+TDI"]),
        ("ImagePath", "x", ["config", "binPath=", r'"C:\Program Files\estos\eucsrv.exe" -x']),
        ("Description", "x", ["description", "Größe"]),
        ("ServiceSidType", 0, ["sidtype", "unrestricted"]),
        ("RequiredPrivileges", ["x"], ["privs", "SeBackupPrivilege/SeAuditPrivilege"]),
        ("FailureActionsOnNonCrashFailures", 0, ["failureflag", "1"]),
        ("FailureActions", bytes(20), ["failure", "reset=", "86400", "actions=", "restart/60000/run/5000//0"]),
        ("FailureCommand", "x", ["failure", "command=", r"C:\x y.exe"]),
        ("RebootMessage", "x", ["failure", "reboot=", "going down"]),
        ("ObjectName", r"NT AUTHORITY\LocalService", ["config", "obj=", "LocalSystem", "password=", ""]),
    ],
)
def test_only_what_differs_is_said(host, services, gather, name, value, command):
    item = definitions()
    before, was = gather(item, host.transport), normal(host, gather, item)
    host.registry.put(KEY, {name: value})
    restore(host, gather, item, before)
    assert sent(host) == [["sc", command[0], "eucsrv", *command[1:]]]
    assert normal(host, gather, item) == was


@pytest.mark.parametrize("made_anew", [False, True])
def test_what_no_command_line_can_hold_goes_into_the_key(host, services, gather, made_anew):
    image = RegistryValue.of_text(r"%SystemRoot%\system32\svchost.exe -k x!", REG_EXPAND_SZ)
    texts = {"ImagePath": image, "Description": "a\r\nb", "DisplayName": r"@%SystemRoot%\x.dll,-1", "Group": "!"}
    host.registry.put(KEY, {**texts, "FailureCommand": "%x%", "RebootMessage": "100 %", "DependOnService": ["a%b"]})
    item = definitions()
    before, was = gather(item, host.transport), normal(host, gather, item)
    host.registry.remove(KEY)
    del services.states["eucsrv"]
    if not made_anew:
        services.add("eucsrv", state=4, **EVERYTHING)
    restore(host, gather, item, before)
    assert normal(host, gather, item) == was


def test_a_key_that_no_command_line_can_name_is_a_problem(host, services, gather):
    services.add("a%b")
    found = gather(definitions("a%b", "eucsrv"), host.transport)
    assert "cmd.exe would expand" in found.problems["/@service/a%25b.reg"] and len(found.all) == 1


def test_what_came_later_is_gone(host, services, gather):
    item = definitions("emswindows")
    before, was = gather(item, host.transport), normal(host, gather, item)
    services.add("emswindows", **{**EVERYTHING, "Other": 5})
    host.registry.put(SERVICES + r"\emswindows\Security", {"Security": descriptor_of(SECURITY)})
    host.registry.set(SERVICES + r"\emswindows\TriggerInfo\0", Type=2)
    restore(host, gather, item, before)
    assert normal(host, gather, item) == was
    assert sent(host)[0][:3] == ["sc", "config", "emswindows"] and "depend=" in sent(host)[0]
    assert sent(host)[0][sent(host)[0].index("depend=") + 1] == "/"


def test_security_is_set_by_sc(host, services, gather):
    item = definitions()
    before = gather(item, host.transport)
    host.registry.put(KEY + r"\Security", {"Security": descriptor_of("D:(A;;0x1;;;S-1-1-0)")})
    restore(host, gather, item, before)
    assert sent(host) == [["sc", "sdset", "eucsrv", SECURITY]]


def test_what_is_as_it_should_be_is_not_touched(host, services, gather):
    item = definitions("eucsrv", "emswindows")
    before = gather(item, host.transport)
    host.registry.set(KEY + r"\Enum", Count=5)
    restore(host, gather, item, before)
    assert not sent(host) and not any("import" in line for line in host.lines())


# --- accounts and their passwords -------------------------------------------------------------------------------------
def with_account(host, services, gather, account=ACCOUNT):
    host.registry.put(KEY, {"ObjectName": account})
    before = gather(definitions(), host.transport)
    host.registry.put(KEY, {"ObjectName": "LocalSystem", "Start": 3})
    return before


@pytest.mark.parametrize("name", [ACCOUNT, ACCOUNT.upper(), "eucsrv", "EUCSRV"])
def test_an_account_gets_its_password_and_nobody_sees_it(host, services, gather, name):
    item = definitions(passwords={name: PASSWORD})
    restore(host, gather, item, with_account(host, services, gather))
    assert services.value("eucsrv", "ObjectName").text == ACCOUNT and services.passwords == {"eucsrv": PASSWORD}
    assert nothing_left(host) and PASSWORD not in repr(item)
    assert all(PASSWORD not in str(words) for words, _input in host.asked)


def test_a_password_that_is_not_given_is_told_before_anything_is_touched(host, services, gather):
    item = definitions(passwords={"other": PASSWORD})
    before = with_account(host, services, gather)
    with pytest.raises(RestoreRefused, match=r"not given: eucsrv \(LABAD\\ucserver\)"):
        restore(host, gather, item, before)
    assert not sent(host)


def test_a_service_that_is_missing_needs_its_password_too(host, services, gather):
    before = with_account(host, services, gather)
    host.registry.remove(KEY)
    del services.states["eucsrv"]
    with pytest.raises(RestoreRefused, match="not given"):
        restore(host, gather, definitions(), before)
    restore(host, gather, definitions(passwords={ACCOUNT: PASSWORD}), before)
    assert services.passwords == {"eucsrv": PASSWORD}


def test_the_same_account_needs_no_password(host, services, gather):
    host.registry.put(KEY, {"ObjectName": r".\ucserver"})
    before = gather(definitions(), host.transport)
    host.registry.put(KEY, {"Start": 3})
    restore(host, gather, definitions(), before)
    assert [words[1] for words in sent(host)] == ["config"]


@pytest.mark.parametrize(
    "account", [r"NT AUTHORITY\NetworkService", r"nt service\eucsrv", "localsystem", r"LABAD\gmsa$"]
)
def test_built_in_and_managed_accounts_have_no_password(host, services, gather, account):
    if account.endswith("$"):
        host.registry.put(KEY, {"ServiceAccountManaged": b"\1\0\0\0"})
    before = with_account(host, services, gather, account)
    host.registry.put(KEY, {"ObjectName": r"LABAD\other"})
    host.registry.unset(KEY, "ServiceAccountManaged")
    restore(host, gather, definitions(), before)
    assert services.value("eucsrv", "ObjectName").text.lower() == account.lower()
    assert (["sc", "managedaccount", "eucsrv", "true"] in sent(host)) == account.endswith("$")


@pytest.mark.parametrize(
    ("answer", "story"),
    [
        (22, "or its password is wrong"),
        (15, "cannot log on"),
        (99, "answers 99"),
    ],
)
def test_an_account_that_windows_refuses_leaves_everything_as_it_was(host, services, gather, answer, story):
    item = definitions(passwords={ACCOUNT: PASSWORD})
    before = with_account(host, services, gather)
    was = normal(host, gather, item)
    services.refusals["powershell"] = answer
    with pytest.raises(RestoreFailed, match=f"{story}.*as they were before") as caught:
        restore(host, gather, item, before)
    assert normal(host, gather, item) == was and PASSWORD not in str(caught.value)


def test_a_powershell_that_says_nothing_has_done_nothing(host, services, gather):
    before = with_account(host, services, gather)
    host.before["powershell"] = lambda: CommandResult(0, b"", b"")
    with pytest.raises(RestoreFailed, match="PowerShell did not do it"):
        restore(host, gather, definitions(passwords={ACCOUNT: PASSWORD}), before)


def test_what_powershell_complains_of_is_not_repeated(host, services, gather):
    before = with_account(host, services, gather)
    host.before["powershell"] = lambda: failed(f"Exception: {PASSWORD}")
    with pytest.raises(RestoreFailed) as caught:
        restore(host, gather, definitions(passwords={ACCOUNT: PASSWORD}), before)
    assert PASSWORD not in str(caught.value)


def test_the_script_binds_no_secret_to_a_cmdlet():
    verbs = ("Get-", "Set-", "Invoke-", "New-", "ConvertFrom-", "Write-", "Out-", "ForEach-Object", "|")
    assert not any(verb in service_password.SCRIPT for verb in verbs)


# --- what is refused --------------------------------------------------------------------------------------------------
def tree(**values):
    given = {"Type": 0x10, "Start": 2, "ImagePath": RegistryValue.of_text("x"), **values}
    made = {}
    for name, value in given.items():
        if value is not None:
            made[name] = RegistryValue.of_number(value) if isinstance(value, int) else value
    return RegistryTree({KEY: made})


@pytest.mark.parametrize(
    ("content", "error", "named"),
    [
        (format_reg(tree(Type=1)), HostileContent, "driver"),
        (format_reg(tree(Type=0x40)), HostileContent, "type that sc does not know"),
        (format_reg(tree(ImagePath=None)), HostileContent, "no program"),
        (format_reg(tree(Start=7)), HostileContent, "7 stands for nothing"),
        (
            format_reg(tree(FailureActions=RegistryValue(3, bytes(12) + b"\1\0\0\0\x14\0\0\0\x09\0\0\0\0\0\0\0"))),
            HostileContent,
            "when it fails",
        ),
        (format_reg(RegistryTree({**tree().keys, SERVICES + r"\Spooler": {}})), HostileContent, "Spooler"),
        (format_reg(RegistryTree(tree().keys, (SERVICES,))), HostileContent, "removes"),
        (format_reg(tree())[:-20], ItemTruncated, "line"),
    ],
)
def test_hostile_content_is_refused_before_anything_is_touched(host, services, gather, content, error, named):
    item = definitions()
    (entry,) = gather(item, host.transport).entries
    host.asked.clear()
    with pytest.raises(error, match=named):
        item.restore(host.transport, [(entry, [content])], [entry])
    assert not host.asked


@pytest.mark.parametrize("change", [{"path": b"/@service/Spooler.reg"}, {"path": b"/etc/passwd"}, {"kind": "file"}])
def test_entries_that_reach_beyond_the_item_are_refused(host, services, gather, change):
    item = definitions()
    ((entry, content),) = gather(item, host.transport).all
    with pytest.raises(HostileContent):
        item.restore(host.transport, [(replace(entry, **change), [content])], [])


def test_a_service_that_came_later_is_not_removed_but_named(host, services, gather):
    item = definitions("eucsrv", "emswindows")
    before = gather(definitions("eucsrv"), host.transport)
    with pytest.raises(RestoreRefused, match="on the host now: emswindows"):
        restore(host, gather, item, before)
    assert not sent(host)


def test_a_service_that_a_failed_restore_made_is_removed_again(host, services, gather):
    item = definitions("eucsrv", "emswindows")
    host.programs["sc"](["delete", "emswindows"], b"")
    before = gather(item, host.transport)
    services.add("emswindows")
    host.registry.set(KEY, Start=3)
    item.undo(host.transport, before.wanted, gather(item, host.transport).entries)
    assert [entry.extra["service"] for entry in gather(item, host.transport).entries] == ["eucsrv"]
    assert host.registry.value(KEY, "Start").number == 2
    item.undo(host.transport, before.wanted, gather(item, host.transport).entries)
    assert host.registry.value(KEY, "Start").number == 2


@pytest.mark.parametrize("name", ["", "a/b", "a\\b", "a\nb", " a", "a ", ".", "..", "x" * 257, 'a"b'])
def test_names_that_are_none(name):
    with pytest.raises(OptionInvalid):
        definitions(name)
    with pytest.raises(OptionInvalid):
        WindowsServiceName(name)
    assert service_of(path_of_service(name)) is None


@pytest.mark.parametrize("name", ["MSSQL$CHAT", ".NET x", "Größe 1", "a%b"])
def test_names_that_are_some(name):
    assert service_of(path_of_service(name)) == name and WindowsServiceName(name).name == name
    assert definitions(name).covers(path_of_service(name.replace("r", "R")))


def test_services_need_a_name_and_no_commands():
    with pytest.raises(OptionInvalid, match="no services"):
        ServiceDefinitions(name="x", data_class="system_config")
    with pytest.raises(OptionInvalid, match="Windows itself"):
        WindowsServiceName("x", start=["a"], stop=["b"], status=["c"])


# --- what goes wrong on the way ---------------------------------------------------------------------------------------
@thorough
@pytest.mark.parametrize("verb", ["config", "description", "failure", "sdset", "privs", "sidtype", "failureflag"])
def test_a_command_that_fails_leaves_everything_as_it_was(host, services, gather, verb):
    item = definitions("emswindows", "eucsrv")
    before = gather(item, host.transport)
    host.registry.set(SERVICES + r"\emswindows", Start=4)
    host.registry.remove(KEY)
    services.add("eucsrv", state=4)
    was = normal(host, gather, item)
    once = [True]

    def fails():
        return CommandResult(87, b"", b"") if once and once.pop() else None

    host.before[f"^sc {verb} eucsrv"] = fails
    with pytest.raises(RestoreFailed, match=f"sc {verb} ended with 87; .*as they were before"):
        restore(host, gather, item, before)
    assert normal(host, gather, item) == was and nothing_left(host)


def test_a_service_that_was_made_and_fails_is_removed_again(host, services, gather):
    item = definitions()
    before = gather(item, host.transport)
    host.registry.remove(KEY)
    del services.states["eucsrv"]
    services.refusals["failure"] = 5
    with pytest.raises(RestoreFailed, match="as they were before"):
        restore(host, gather, item, before)
    assert KEY not in host.registry and "eucsrv" not in services.states


def test_a_setting_that_is_not_taken_is_found(host, services, gather):
    item = definitions()
    before = gather(item, host.transport)
    host.registry.set(KEY, Start=3)
    host.before["^sc config"] = lambda: CommandResult(0, b"", b"")
    with pytest.raises(RestoreFailed, match="not as it was put back: DelayedAutostart, Start|Start"):
        restore(host, gather, item, before)


def test_a_host_that_is_lost_is_told_with_both_stories(host, services, gather):
    item = definitions()
    before = gather(item, host.transport)
    host.registry.set(KEY, Start=3)

    def lost():
        host.before["."] = lost
        raise ConnectionLost("the host is gone")

    host.before["^sc config"] = lost
    with pytest.raises(RestoreFailed, match="the host is gone; eucsrv is not as it was: the host is gone"):
        restore(host, gather, item, before)


def test_what_cannot_be_kept_is_not_changed(host, services, gather):
    item = definitions()
    before = gather(item, host.transport)
    host.registry.denied.add(KEY)
    with pytest.raises(RestoreRefused, match="nothing was touched"):
        item.restore(host.transport, before.wanted, before.entries)
    assert not sent(host)


def test_an_empty_restore_asks_the_host_nothing(host):
    definitions().restore(host.transport, [], [])
    assert not host.asked


# --- whether they run -------------------------------------------------------------------------------------------------
EUCSRV = WindowsServiceName("eucsrv")


def control(host, **options):
    clock = [0.0]

    def sleep(seconds):
        clock[0] += seconds

    values = {"deadline": 10, "clock": lambda: clock[0], "sleep": sleep}
    return WindowsServiceControl(host.transport, **{**values, **options})


@pytest.mark.parametrize(("state", "active"), [(1, False), (2, True), (3, True), (4, True), (7, True)])
def test_states(host, services, state, active):
    services.states["eucsrv"] = state
    assert control(host).is_active(EUCSRV) is active and control(host).exists(EUCSRV)


def test_a_service_that_windows_does_not_know(host, services):
    nothing = Service("nothing")
    assert not control(host).exists(nothing)
    for ask in (control(host).is_active, control(host).stop, control(host).start):
        with pytest.raises(CommandFailed, match="knows no such service"):
            ask(nothing)


@pytest.mark.parametrize("result", [failed(MISSING, 5), CommandResult(0, b"", b""), CommandResult(0, b"x: y\r\n", b"")])
def test_a_state_that_cannot_be_asked_for_is_no_stopped_service(host, services, result):
    host.before["sc query"] = lambda: result
    with pytest.raises(CommandFailed, match="cannot be asked for"):
        control(host).exists(EUCSRV)


def test_stop_and_start_wait_until_it_is_so(host, services):
    one = control(host)
    one.stop(EUCSRV)
    assert services.states["eucsrv"] == 1
    services.coming.clear()
    one.start(EUCSRV)
    assert services.states["eucsrv"] == 4
    assert [words[1] for words in sent(host)] == ["stop", "start"]


def test_what_is_so_already_is_not_asked_for(host, services):
    control(host).start(EUCSRV)
    services.states["eucsrv"] = 1
    control(host).stop(EUCSRV)
    assert not sent(host)


def test_a_service_on_its_way_is_waited_for_first(host, services):
    services.coming["eucsrv"] = [2, 2, 4, 3, 1]
    control(host).stop(EUCSRV)
    assert [words[1] for words in sent(host)] == ["stop"]
    services.states["eucsrv"], services.coming["eucsrv"] = 3, [3, 1, 2, 4, 4]
    host.asked.clear()
    control(host).start(EUCSRV)
    assert [words[1] for words in sent(host)] == ["start"]


@pytest.mark.parametrize(("action", "state", "story"), [("stop", 3, "still stopping"), ("start", 2, "still starting")])
def test_a_service_that_hangs_has_a_deadline(host, services, action, state, story):
    services.states["eucsrv"] = state
    with pytest.raises(CommandFailed, match=f"asked to {action}, but it is {story} after 10 s"):
        getattr(control(host), action)(EUCSRV)


def test_a_service_that_takes_no_order_now_is_asked_again(host, services):
    count = []

    def busy():
        count.append(1)
        return CommandResult(1061, b"", b"") if len(count) < 3 else None

    host.before["sc stop"] = busy
    control(host).stop(EUCSRV)
    assert len(count) == 3


@pytest.mark.parametrize(
    ("action", "code", "story"),
    [
        ("stop", 1051, "depend on it still run"),
        ("stop", 5, "access is denied"),
        ("start", 1069, "cannot log on"),
        ("start", 1058, "disabled"),
        ("start", 4711, "sc ended with 4711"),
    ],
)
def test_what_windows_refuses_is_told_by_its_number(host, services, action, code, story):
    services.states["eucsrv"] = 4 if action == "stop" else 1
    services.refusals[action] = code
    with pytest.raises(CommandFailed, match=story):
        getattr(control(host), action)(EUCSRV)


@pytest.mark.parametrize("coming", [[1, 2, 1], [1, 2, 4, 1]])
def test_a_service_that_comes_up_and_goes_down_again(host, services, coming):
    services.states["eucsrv"], services.coming["eucsrv"] = 1, coming
    with pytest.raises(CommandFailed, match="came up and went down again"):
        control(host).start(EUCSRV)


def test_a_start_that_somebody_else_was_quicker_with(host, services):
    services.states["eucsrv"], services.coming["eucsrv"] = 1, [1, 4]
    services.refusals["start"] = 1056
    control(host).start(EUCSRV)


def test_a_process_that_lingers_is_waited_for(host, services):
    services.lingering = ["eucsrv"] * 3
    control(host).stop(EUCSRV)
    assert not services.lingering
    services.states["eucsrv"] = 4
    services.coming.clear()
    services.lingering = ["eucsrv"] * 1000
    with pytest.raises(CommandFailed, match="asked to stop, but its process 1000 still runs after 10 s"):
        control(host).stop(EUCSRV)


def test_a_process_that_other_services_share_is_not_waited_for(host, services):
    host.before["sc queryex"] = lambda: CommandResult(0, QUERY % (b"20", b"1", b"4711"), b"")
    control(host).stop(EUCSRV)
    assert not any(line.startswith("tasklist") for line in host.lines())


QUERY = b"""
DIENSTNAME: 7zip 4

        TYP                : %b  X
        STATUS             : %b  BEENDET
                                (STOPPABLE, NOT_PAUSABLE)
        WIN32_EXIT_CODE    : 1077  (0x435)
        SERVICE_EXIT_CODE  : 0  (0x0)
        CHECKPOINT         : 0x0
        WAIT_HINT          : 0x0
        PID                : %b
        FLAGS              :
"""


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (QUERY % (b"10", b"4", b"4711"), Told(4, 4711)),
        (QUERY % (b"110", b"1", b"0"), Told(1, 0)),
        (QUERY % (b"20", b"4", b"4711"), Told(4, 0)),
        (b"        TYPE : 10\r\n        STATE : 4  RUNNING\r\n", Told(4, 0)),
        (b"", None),
        (b"        TYPE : 10\r\n", None),
        (b"        TYPE : 10\r\n        STATE : ab\r\n", None),
    ],
)
def test_numbers_not_words(answer, told):
    assert Told.of(answer) == told
