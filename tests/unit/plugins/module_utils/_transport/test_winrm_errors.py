# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every error of the libraries has a name of ours."""

from __future__ import annotations

import ssl

import pytest
import requests
import winrm.exceptions

from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    AuthenticationFailed,
    CertificateRejected,
    ConnectionFailed,
    ConnectionLost,
    DeadlineExceeded,
    OptionInvalid,
    OutputTooLarge,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.base import CommandsRefused
from ansible_collections.ucops.recovery.plugins.module_utils._transport.winrm_errors import (
    DeadlineOfHost,
    ShellGone,
    named,
)
from ansible_collections.ucops.recovery.plugins.module_utils._transport.winrm_options import WinRmOptions

OPTIONS = WinRmOptions("uc01", username="backup", password="Planted-Secret")


def fault(number, reason="reason"):
    return winrm.exceptions.WSManFaultError(500, "message", "<x/>", reason, wsman_fault_code=number)


def certificate(message, text=""):
    error = ssl.SSLCertVerificationError(1, text or f"certificate verify failed: {message}")
    error.verify_message = message
    return requests.exceptions.SSLError(error)


class GSSError(Exception):
    """As pykerberos raises it."""


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (fault(2150858843), ShellGone, "ended its shell"),
        (fault(995), ConnectionLost, "ended the command"),
        (fault(5), CommandsRefused, "may run nothing"),
        (fault(2147942405), CommandsRefused, "may run nothing"),
        (fault(2150859173), ConnectionFailed, "quota"),
        (fault(2150859174), ConnectionFailed, "quota"),
        (fault(2150858823), ConnectionFailed, "larger than WinRM takes"),
        (fault(206), OptionInvalid, "longer than the host takes"),
        (fault(4711, "odd\x1b[31m\nthing"), ConnectionFailed, "fault 4711: odd [31m thing"),
        (fault(None), ConnectionFailed, "WinRM refuses"),
        (winrm.exceptions.InvalidCredentialsError("x"), AuthenticationFailed, "login of backup (ntlm)"),
        (PermissionError("no challenge"), AuthenticationFailed, "login of backup"),
        (winrm.exceptions.WinRMOperationTimeoutError(), DeadlineOfHost, "in time"),
        (winrm.exceptions.WinRMTransportError("http", 404, ""), ConnectionFailed, "no WinRM at that port"),
        (winrm.exceptions.WinRMTransportError("http", 503, ""), ConnectionFailed, "overloaded"),
        (winrm.exceptions.WinRMTransportError("http", 418, ""), ConnectionFailed, "418"),
        (certificate("self-signed certificate in certificate chain"), CertificateRejected, "Nobody whom we trust"),
        (certificate("unable to get local issuer certificate"), CertificateRejected, "Nobody whom we trust"),
        (certificate("Hostname mismatch, certificate is not valid for 'uc01'."), CertificateRejected, "another name"),
        (certificate("IP address mismatch"), CertificateRejected, "another name"),
        (certificate("", "hostname 'uc01' doesn't match 'x'"), CertificateRejected, "another name"),
        (certificate("certificate has expired"), CertificateRejected, "not valid today"),
        (requests.exceptions.SSLError("wrong version number"), ConnectionFailed, "TLS cannot be agreed on"),
        (
            GSSError(("Unspecified GSS failure", 851968), ("No credentials found", 1)),
            AuthenticationFailed,
            "No credentials",
        ),
        (requests.exceptions.ConnectTimeout(), DeadlineExceeded, "did not let us in"),
        (requests.exceptions.ReadTimeout(), DeadlineExceeded, "did not let us in"),
        (requests.exceptions.ConnectionError("Remote end closed"), ConnectionFailed, "does not speak WinRM"),
        (KeyError("www-authenticate"), ConnectionFailed, "does not speak WinRM as it should (KeyError)"),
        (StopIteration(), ConnectionFailed, "does not speak WinRM as it should"),
    ],
)
def test_every_error_is_named(error, kind, said):
    result = named(error, OPTIONS, logged_in=False)
    assert result.__class__ is kind
    assert said in str(result) and str(result).startswith("uc01: ")
    assert result.hint or kind is OptionInvalid
    assert "Planted-Secret" not in str(result) + repr(result)


def test_what_breaks_after_the_login_is_a_lost_connection():
    assert named(requests.exceptions.ConnectionError("reset"), OPTIONS, logged_in=True).__class__ is ConnectionLost
    assert "did not answer within 35 s" in str(named(requests.exceptions.ReadTimeout(), OPTIONS, logged_in=True))


def test_errors_of_ours_come_through_the_libraries():
    ours = OutputTooLarge("too much", host="uc01")
    wrapped = requests.exceptions.ConnectionError(ours)
    assert named(ours, OPTIONS, True) is ours and named(wrapped, OPTIONS, True) is ours


def test_a_host_may_refuse_a_certificate():
    options = WinRmOptions("uc01", authentication="certificate")
    for error in (
        requests.exceptions.SSLError("tlsv13 alert certificate required"),
        requests.exceptions.SSLError("EOF occurred in violation of protocol"),
        requests.exceptions.ConnectionError("Connection aborted."),
        winrm.exceptions.InvalidCredentialsError("x"),
    ):
        result = named(error, options, False)
        assert result.__class__ is AuthenticationFailed and "client_certificate_file" in result.hint


def test_why_a_port_cannot_be_reached():
    refused = requests.exceptions.ConnectionError("x")
    refused.__cause__ = type("NewConnectionError", (Exception,), {})("x")
    refused.__cause__.__cause__ = ConnectionRefusedError(111, "Connection refused")
    assert "Port 5986 cannot be reached: Connection refused" in str(named(refused, OPTIONS, False))
