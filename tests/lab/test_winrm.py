# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""WinRM against a stand-in Windows host: real NTLM, TLS, message encryption, cmd.exe and programs of Wine."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import importlib
import os
import pathlib
import random
import socket
import threading
import time
import tracemalloc

import pytest
import requests
import winrm.transport
from support.certificates import Authority

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    AuthenticationFailed,
    CertificateRejected,
    ConnectionFailed,
    ConnectionLost,
    DeadlineExceeded,
    OptionInvalid,
    OutputTooLarge,
    RepositoryDamaged,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.base import CommandsRefused
from ansible_collections.ucops.recovery.plugins.module_utils._transport.winrm import WinRm, WinRmOptions
from lab.directory.objects import Directory
from lab.windows.endpoint import Cut, Hang, Manners
from lab.windows.kerberos_login import use_debians_libraries
from lab.windows.messages import Fault
from lab.windows.shells import MAX_SHELLS

MIB = 2**20
WORDS = ["a b", 'c"d', "x&y|z<>^", "Größe €", "", "\\", "ends \\", 'say "hi" & echo x', "(1)", "@echo", "a=b;c,d"]


@pytest.fixture(autouse=True)
def nothing_stays_and_nothing_is_said(windows_host, capfd):
    yield
    deadline = time.monotonic() + 8
    while time.monotonic() < deadline:
        ours = [each.name for each in threading.enumerate() if each.name.startswith(("ucops-", "Timer"))]
        if not ours and not windows_host.shells.open and not windows_host.shells.unfinished:
            break
        time.sleep(0.05)
    assert (ours, windows_host.shells.open, windows_host.shells.unfinished) == ([], 0, 0)
    said = "".join(capfd.readouterr())
    assert said == ""
    assert windows_host.password not in "".join(windows_host.commands)


def options(there, /, **changes) -> WinRmOptions:
    values = {
        "host": there.address,
        "port": there.https_port,
        "username": there.username,
        "password": there.password,
        "ca_file": str(there.ca_file),
        "connect_timeout": 5,
    }
    return WinRmOptions(**{**values, **changes})


def connect(there, /, **changes) -> WinRm:
    return WinRm(options(there, **changes))


@pytest.fixture(params=["https", "http"])
def commands(windows_host, request):
    port = windows_host.https_port if request.param == "https" else windows_host.http_port
    with connect(windows_host, scheme=request.param, port=port) as winrm:
        yield winrm


@contextlib.contextmanager
def odd(host, **manners):
    """Commands by a listener with these manners, over HTTP."""
    with host.listener(manners=Manners(**manners)) as listener:
        yield WinRmOptions(
            host.address, listener.port, "http", username=host.username, password=host.password, connect_timeout=2
        )


def hasty(login: WinRmOptions) -> WinRmOptions:
    """The same with a second's patience."""
    return dataclasses.replace(login, silence_timeout=1)


def when(operation, error):
    """Manners of one kind of request."""

    def before(request):
        if request.operation == operation:
            raise error

    return before


def failure(call, kind):
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.__class__ is kind
    assert caught.value.host
    return caught.value


def running(host, image: str) -> bool:
    return image in host.run_in_wine(["tasklist", "/fo", "csv"])


def wait_until_gone(host, image: str) -> None:
    deadline = time.monotonic() + 10
    while running(host, image) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not running(host, image)


# --- commands ---------------------------------------------------------------------------------------------------------
def test_every_word_is_data(commands):
    assert commands.run(["words", *WORDS]).text.splitlines() == WORDS


def test_words_of_any_kind(windows_host):
    some = random.Random(20).choices
    with connect(windows_host) as winrm:
        for _turn in range(6):
            words = ["".join(some("\\\"^&|<>()@ \t=,;:/*?'`~+$#[]{}aü€", k=length)) for length in range(1, 30)]
            assert winrm.run(["words", *words]).text.splitlines() == words


def test_words_that_cmd_would_expand_never_leave(commands, windows_host):
    before = len(windows_host.commands)
    for word in ("%OS%", "wait!", "two\nlines"):
        with pytest.raises(OptionInvalid):
            commands.run(["words", word])
    assert len(windows_host.commands) == before


def test_status_output_and_errors_come_apart(commands):
    result = commands.run(["chatter", "errors", "2"])
    assert (result.rc, result.stdout, result.complaint) == (3, b"", "something is wrong")
    assert commands.run(["sc", "query", "nothing"]).rc == 1060


def test_a_missing_program_is_a_result(commands):
    result = commands.run(["no-such-program"])
    assert result.rc != 0 and result.stdout == b"" and result.stderr


def test_a_command_without_input_reads_an_empty_stream(commands):
    assert commands.run(["chatter", "count"]).text.strip() == "0"


def test_large_streams_flow_both_ways_in_bounded_memory(commands):
    data = bytes(range(256)) * 4096
    tracemalloc.start()
    with commands.open(["chatter", "echo"], input=(data for _turn in range(6))) as stream:
        assert b"".join(stream.chunks()) == data * 6
        assert stream.finish().rc == 0
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40 * MIB  # twice the result, which this test itself joins


def test_input_that_a_command_does_not_want_is_no_error(commands):
    assert commands.run(["chatter", "errors", "1"], input=(b"x" * MIB for _turn in range(8))).rc == 3


def test_umlauts_of_the_registry(commands, windows_host):
    key = r"HKEY_LOCAL_MACHINE\SOFTWARE\Büro & Söhne"
    windows_host.registry.merge(f'[{key}]\n"Größe"="weiß"\n')
    result = commands.run(["reg", "query", key])
    assert result.rc == 0 and "Größe" in result.text and "weiß" in result.text


def test_commands_run_side_by_side(windows_host):
    results: list[str] = []
    with connect(windows_host) as winrm:

        def one(number: int) -> None:
            results.append(winrm.run(["chatter", "echo"], input=(b"x" * number for _turn in range(3))).text)

        threads = [threading.Thread(target=one, args=(number,)) for number in range(1, 9)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert sorted(map(len, results)) == [3 * number for number in range(1, 9)]


def test_nobody_becomes_another_user(windows_host):
    with connect(windows_host) as winrm, pytest.raises(OptionInvalid, match="becoming another user"):
        winrm.run(["hostname"], become=True)


def test_environment_and_netrc_of_this_machine_change_nothing(windows_host, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text(f"machine {windows_host.address} login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / ".netrc"))
    with connect(windows_host) as winrm:
        assert winrm.run(["hostname"]).text.strip() == windows_host.name


# --- logging in -------------------------------------------------------------------------------------------------------
def test_a_domain_in_front_of_the_name(windows_host):
    with connect(windows_host, username=rf"LAB\{windows_host.username}") as winrm:
        winrm.connect()


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_wrong_password(windows_host, scheme):
    port = windows_host.https_port if scheme == "https" else windows_host.http_port
    with connect(windows_host, scheme=scheme, port=port, password="Wrong-Password") as winrm:
        error = failure(winrm.connect, AuthenticationFailed)
    assert "refuses the login of Administrator (ntlm)" in str(error) and error.hint
    assert "Wrong-Password" not in repr(error) + str(error)


def test_a_certificate_logs_in_and_a_strange_one_does_not(windows_host, tmp_path):
    ours = windows_host.authority.issue("backup")
    login = {"authentication": "certificate", "username": None, "password": None}
    with connect(windows_host, **login, client_certificate_file=str(ours), client_key_file=str(ours)) as winrm:
        assert winrm.run(["hostname"]).text.strip() == windows_host.name
    strange = Authority(tmp_path, "Somebody").issue("backup")
    with connect(windows_host, **login, client_certificate_file=str(strange), client_key_file=str(strange)) as winrm:
        error = failure(winrm.connect, AuthenticationFailed)
    assert "client_certificate_file" in error.hint


def test_an_account_that_may_not(windows_host):
    with odd(windows_host, before=when("create", Fault(5, "Access is denied."))) as login, WinRm(login) as winrm:
        error = failure(winrm.connect, CommandsRefused)
    assert "LocalAccountTokenFilterPolicy" in error.hint


# --- Kerberos ---------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def members(windows_host, domain):
    """A ticket cache of a user of a real domain that the host belongs to, and the host's keytab."""
    directory = Directory(domain)
    service = f"HTTP/{windows_host.address}"
    directory.add_user("uc01-http", password="Host-Secret-1", values={"servicePrincipalName": [service]})
    directory.add_user("backup", password="Backup-Secret-1")
    directory.close()
    return domain.ticket("backup", "Backup-Secret-1"), pathlib.Path(domain.keytab(service))


@pytest.fixture
def ticket(members, domain, monkeypatch):
    """What the members have, and the libraries for it."""
    reason = use_debians_libraries()
    if reason:
        pytest.skip(f"left out: {reason}")
    kerberos = importlib.import_module("winrm.vendor.requests_kerberos")
    monkeypatch.setattr(winrm.transport, "HAVE_KERBEROS", True)
    for name in ("HTTPKerberosAuth", "REQUIRED"):
        monkeypatch.setattr(winrm.transport, name, getattr(kerberos, name), raising=False)
    monkeypatch.setenv("KRB5_CONFIG", domain.krb5_config)
    monkeypatch.delenv("KRB5CCNAME", raising=False)
    return members


def test_a_keytab_logs_in(windows_host, domain, ticket, monkeypatch, tmp_path):
    _cache, keytab = ticket
    monkeypatch.setenv("KRB5_CLIENT_KTNAME", f"FILE:{domain.keytab('backup')}")
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path / 'cache'}")
    login = {"authentication": "kerberos", "username": None, "password": None}
    certificate = windows_host.authority.issue(windows_host.address)
    with windows_host.listener(certificate, keytab=keytab) as listener:
        with connect(windows_host, port=listener.port, **login) as winrm:
            assert winrm.run(["hostname"]).text.strip() == windows_host.name
        monkeypatch.setenv("KRB5_CLIENT_KTNAME", f"FILE:{tmp_path / 'none'}")
        monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path / 'empty'}")
        with connect(windows_host, port=listener.port, **login) as winrm:
            failure(winrm.connect, AuthenticationFailed)


def test_a_ticket_logs_in(windows_host, ticket):
    cache, keytab = ticket
    login = {"authentication": "kerberos", "username": None, "password": None, "kerberos_cache_file": cache}
    certificate = windows_host.authority.issue(windows_host.address)
    with windows_host.listener(certificate, keytab=keytab) as listener:
        with connect(windows_host, port=listener.port, **login) as winrm:
            assert winrm.run(["hostname"]).text.strip() == windows_host.name
        with connect(windows_host, port=listener.port, **{**login, "kerberos_cache_file": f"{cache}-none"}) as winrm:
            error = failure(winrm.connect, AuthenticationFailed)
        assert "Kerberos" in str(error) and "kinit" in error.hint
    assert "KRB5CCNAME" not in os.environ
    with connect(windows_host, **login) as winrm:  # this host belongs to no domain
        failure(winrm.connect, AuthenticationFailed)
    if not hasattr(importlib.import_module("kerberos"), "authGSSWinRMEncryptMessage"):
        with connect(windows_host, scheme="http", port=windows_host.http_port, **login) as winrm:
            assert "cannot encrypt" in str(failure(winrm.connect, ConnectionFailed))
        return
    listener = windows_host.listener(keytab=keytab)
    with listener, connect(windows_host, scheme="http", port=listener.port, **login) as winrm:
        assert winrm.run(["words", *WORDS]).text.splitlines() == WORDS


# --- certificates -----------------------------------------------------------------------------------------------------
def test_an_unknown_authority(windows_host, tmp_path):
    other = Authority(tmp_path, "Other")
    for ca_file in (str(other.file), None):
        with connect(windows_host, ca_file=ca_file) as winrm:
            error = failure(winrm.connect, CertificateRejected)
        assert "Nobody whom we trust" in str(error) and "ca_file" in error.hint


@pytest.mark.parametrize(
    ("name", "year", "said"), [("elsewhere.example", 2090, "another name"), ("127.0.0.1", 2021, "not valid today")]
)
def test_a_certificate_that_does_not_fit(windows_host, name, year, said):
    certificate = windows_host.authority.issue(name, until=datetime.datetime(year, 1, 1))
    with windows_host.listener(certificate) as listener, connect(windows_host, port=listener.port) as winrm:
        error = failure(winrm.connect, CertificateRejected)
    assert said in str(error) and error.hint


# --- no encryption ----------------------------------------------------------------------------------------------------
def test_the_host_takes_nothing_unencrypted(windows_host):
    """What the other tests stand on: nothing of ours went in the clear, or it would have been refused."""
    url = f"http://{windows_host.address}:{windows_host.http_port}/wsman"
    basic = requests.post(url, data=b"<x/>", auth=(windows_host.username, windows_host.password), timeout=5)
    assert basic.status_code == 401


def test_an_answer_in_the_clear_is_not_believed(windows_host):
    with odd(windows_host, answers_in_clear=True) as login, WinRm(login) as winrm:
        error = failure(winrm.connect, ConnectionFailed)
    assert "without encryption" in str(error)
    windows_host.shells.forget()  # the host did open one


def test_schemes_are_not_mixed_up(windows_host):
    with connect(windows_host, port=windows_host.http_port) as winrm:
        assert "TLS" in str(failure(winrm.connect, ConnectionFailed))
    with connect(windows_host, scheme="http") as winrm:
        assert "does not speak WinRM" in str(failure(winrm.connect, ConnectionFailed))


def test_a_redirect_is_not_followed(windows_host):
    with odd(windows_host, redirect="http://127.0.0.1:9/wsman") as login, WinRm(login) as winrm:
        assert "another place" in str(failure(winrm.connect, ConnectionFailed))


@pytest.mark.parametrize(("status", "said"), [(403, "403"), (404, "no WinRM at that port"), (503, "overloaded")])
def test_what_is_no_winrm_is_named(windows_host, status, said):
    with odd(windows_host, status=status) as login, WinRm(login) as winrm:
        error = failure(winrm.connect, ConnectionFailed)
    assert said in str(error) and error.hint


# --- deadlines --------------------------------------------------------------------------------------------------------
def test_nobody_listens(windows_host):
    with connect(windows_host, port=9) as winrm:
        assert "refused" in str(failure(winrm.connect, ConnectionFailed))
    with connect(windows_host, host="no-such-host.invalid") as winrm:
        assert "cannot be resolved" in str(failure(winrm.connect, ConnectionFailed))


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_somebody_listens_and_says_nothing(windows_host, scheme):
    with socket.create_server((windows_host.address, 0)) as silent:
        began = time.monotonic()
        with connect(windows_host, scheme=scheme, port=silent.getsockname()[1], connect_timeout=1) as winrm:
            error = failure(winrm.connect, DeadlineExceeded)
    assert "did not let us in within 1 s" in str(error)
    assert time.monotonic() - began < 4


@pytest.mark.parametrize("operation", ["create", "command", "receive"])
def test_the_service_hangs(windows_host, operation):
    began = time.monotonic()
    with odd(windows_host, before=when(operation, Hang())) as login, WinRm(hasty(login)) as winrm:
        error = failure(lambda: winrm.run(["hostname"]), DeadlineExceeded)
    assert error.hint
    assert time.monotonic() - began < 10


def test_a_silent_command_is_cut_off_and_ends(windows_host):
    with connect(windows_host) as winrm:
        error = failure(lambda: winrm.run(["chatter", "silent"], silence=1), DeadlineExceeded)
        assert "Nothing moved for 1 s" in str(error)
    wait_until_gone(windows_host, "chatter.exe")


def test_a_command_may_take_so_long(windows_host):
    with connect(windows_host) as winrm:
        failure(lambda: winrm.run(["chatter", "endless"], deadline=1, limit=10**12), DeadlineExceeded)
    wait_until_gone(windows_host, "chatter.exe")


def test_endless_output_is_cut_off(windows_host):
    tracemalloc.start()
    with connect(windows_host) as winrm:
        error = failure(lambda: winrm.run(["chatter", "endless"], limit=3 * MIB), OutputTooLarge)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "more than 3145728 bytes" in str(error)
    assert peak < 20 * MIB
    wait_until_gone(windows_host, "chatter.exe")


def test_who_leaves_early_ends_the_command(windows_host):
    with connect(windows_host) as winrm, winrm.open(["chatter", "endless"]) as stream:
        assert next(stream.chunks())
    wait_until_gone(windows_host, "chatter.exe")


def test_a_slow_reader_loses_nothing(windows_host):
    data = b"0123456789abcdef" * 2**17
    with connect(windows_host) as winrm, winrm.open(["chatter", "echo"], input=data) as stream:
        received = bytearray()
        for chunk in stream.chunks():
            received += chunk
            if len(received) < 2**18:
                time.sleep(0.1)
    assert bytes(received) == data


def test_an_error_of_the_input_comes_back(windows_host):
    def broken():
        yield b"first half"
        raise RepositoryDamaged("the second half is lost")

    with connect(windows_host) as winrm, pytest.raises(RepositoryDamaged):
        winrm.run(["chatter", "count"], input=broken())
    wait_until_gone(windows_host, "chatter.exe")


# --- broken connections -----------------------------------------------------------------------------------------------
def test_the_host_goes_away_in_the_middle(windows_host):
    listener = windows_host.listener()
    listener.start()
    login = options(windows_host, scheme="http", port=listener.port, connect_timeout=1)
    with WinRm(login) as winrm, winrm.open(["chatter", "endless"]) as stream:
        chunks = stream.chunks()
        assert next(chunks)
        listener.stop()
        error = failure(lambda: [None for _chunk in chunks], ConnectionLost)
        assert "connection broke" in str(error) and error.hint
    windows_host.shells.forget()  # it would have ended them with itself
    wait_until_gone(windows_host, "chatter.exe")


def test_a_cut_connection_is_not_taken_up_again(windows_host):
    with odd(windows_host, before=when("command", Cut())) as login, WinRm(login) as winrm:
        failure(lambda: winrm.run(["hostname"]), ConnectionLost)
    windows_host.shells.forget()


def test_a_shell_that_ends_in_the_middle_is_no_end_of_the_command(windows_host):
    with connect(windows_host) as winrm, winrm.open(["chatter", "silent"]) as stream:
        threading.Timer(0.5, windows_host.shells.forget).start()
        with pytest.raises(ConnectionLost):
            list(stream.chunks())


def test_a_lost_shell_is_opened_again(windows_host):
    with connect(windows_host) as winrm:
        assert winrm.run(["hostname"]).rc == 0
        windows_host.shells.forget()
        assert winrm.run(["hostname"]).rc == 0


def test_a_login_serves_many_commands(windows_host):
    with windows_host.listener() as listener:
        with connect(windows_host, scheme="http", port=listener.port) as winrm:
            for _turn in range(4):
                assert winrm.run(["hostname"]).rc == 0
        assert listener.accepted == 1


def test_a_connection_that_ended_between_two_commands_is_replaced(windows_host):
    listener = windows_host.listener()
    with listener, connect(windows_host, scheme="http", port=listener.port) as winrm:
        assert winrm.run(["hostname"]).rc == 0
        listener.stop()
        listener.start()
        assert winrm.run(["hostname"]).rc == 0
        assert listener.accepted == 2


def test_the_quota_of_shells(windows_host):
    with contextlib.ExitStack() as all_of_them:
        for _each in range(MAX_SHELLS):
            all_of_them.enter_context(connect(windows_host)).connect()
        with connect(windows_host) as winrm:
            error = failure(winrm.connect, ConnectionFailed)
    assert "quota" in str(error) and "MaxShellsPerUser" in error.hint


def test_the_planted_password_turns_up_nowhere(windows_host):
    with connect(windows_host) as winrm:
        everything = repr(winrm.__dict__) + repr(options(windows_host)) + winrm.run(["cmd", "/c", "set"]).text
    everything += "".join(windows_host.commands)
    assert windows_host.password not in everything
