# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages of WS-Management as far as Windows' remote shell uses it (MS-WSMV): requests taken apart, answers made."""

from __future__ import annotations

import base64
import re
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
FAULT = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
SPACES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "r": SHELL,
}
_OPERATIONS = {
    f"{TRANSFER}/Create": "create",
    f"{TRANSFER}/Delete": "delete",
    f"{SHELL}/Command": "command",
    f"{SHELL}/Receive": "receive",
    f"{SHELL}/Send": "send",
    f"{SHELL}/Signal": "signal",
}


class Fault(Exception):
    """A request that is refused. ``number`` is the WSManFault code of Windows' wsmerror.h, or a Win32 error."""

    def __init__(self, number: int, text: str, code: str = "s:Receiver", subcode: str = "w:InternalError") -> None:
        super().__init__(text)
        self.number, self.text, self.code, self.subcode = number, text, code, subcode


def timed_out() -> Fault:
    """ERROR_WSMAN_OPERATION_TIMEDOUT."""
    text = "The WS-Management service cannot complete the operation within the time specified in OperationTimeout."
    return Fault(2150858793, text, subcode="w:TimedOut")


def no_shell(shell: str) -> Fault:
    """ERROR_WSMAN_UNEXPECTED_SELECTORS, as Windows says it of a shell that is gone."""
    text = f"The request for the Windows Remote Shell with ShellId {shell} failed because the shell was not found."
    return Fault(2150858843, text, "s:Sender", "w:InvalidSelectors")


def aborted() -> Fault:
    """ERROR_OPERATION_ABORTED: the command was ended meanwhile."""
    text = "The I/O operation has been aborted because of either a thread exit or an application request."
    return Fault(995, text)


def too_many_shells(limit: int) -> Fault:
    """ERROR_WSMAN_QUOTA_MAX_SHELLS."""
    text = f"This user is allowed a maximum number of {limit} concurrent shells, which has been exceeded."
    return Fault(2150859173, text, subcode="w:QuotaLimit")


def too_large(limit: int) -> Fault:
    """ERROR_WSMAN_MAX_ENVELOPE_SIZE."""
    text = f"The WS-Management service cannot process the request: the SOAP packet is larger than {limit} bytes."
    return Fault(2150858823, text, "s:Sender", "w:EncodingLimit")


@dataclass(frozen=True)
class Request:
    """One request. ``operation`` is one of create, delete, command, receive, send, signal, or empty."""

    operation: str
    action: str
    message: str
    shell: str
    options: dict[str, str]
    timeout: float
    envelope: int
    body: ET.Element

    def find(self, path: str) -> ET.Element:
        """An element of the body that must be there."""
        found = self.body.find(path, SPACES)
        if found is None:
            raise Fault(2150858817, f"the request has no {path}", "s:Sender", "w:SchemaValidationError")
        return found

    def text(self, path: str) -> str:
        """The text of an element that may be missing."""
        return self.body.findtext(path, "", SPACES)


def parse(data: bytes) -> Request:
    """Take a request apart. Raises Fault."""
    try:
        root = ET.fromstring(data)
    except ET.ParseError:
        raise Fault(2150858819, "the request is no XML", "s:Sender", "w:SchemaValidationError") from None
    head, body = root.find("s:Header", SPACES), root.find("s:Body", SPACES)
    if head is None or body is None:
        raise Fault(2150858817, "no envelope", "s:Sender", "w:SchemaValidationError")
    action = head.findtext("a:Action", "", SPACES)
    seconds = re.match(r"PT([\d.]+)S", head.findtext("w:OperationTimeout", "PT60S", SPACES))
    return Request(
        operation=_OPERATIONS.get(action, ""),
        action=action,
        message=head.findtext("a:MessageID", "", SPACES),
        shell=head.findtext("w:SelectorSet/w:Selector", "", SPACES),
        options={one.get("Name", ""): one.text or "" for one in head.findall("w:OptionSet/w:Option", SPACES)},
        timeout=float(seconds.group(1)) if seconds else 60.0,
        envelope=int(head.findtext("w:MaxEnvelopeSize", "153600", SPACES)),
        body=body,
    )


def answer(action: str, relates_to: str, body: str) -> bytes:
    """An envelope around a body."""
    spaces = "".join(f" xmlns:{name}={quoteattr(space)}" for name, space in {**SPACES, "x": TRANSFER}.items())
    return (
        f"<s:Envelope{spaces}><s:Header><a:Action>{escape(action)}</a:Action>"
        f"<a:MessageID>uuid:{uuid.uuid4()}</a:MessageID><a:RelatesTo>{escape(relates_to)}</a:RelatesTo></s:Header>"
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def created(shell: str) -> str:
    """The body that tells a new shell's id."""
    return (
        "<x:ResourceCreated><a:Address>http://host/wsman</a:Address><a:ReferenceParameters>"
        f"<w:ResourceURI>{SHELL}/cmd</w:ResourceURI><w:SelectorSet>"
        f'<w:Selector Name="ShellId">{shell}</w:Selector></w:SelectorSet></a:ReferenceParameters></x:ResourceCreated>'
    )


def started(command: str) -> str:
    """The body that tells a new command's id."""
    return f"<r:CommandResponse><r:CommandId>{command}</r:CommandId></r:CommandResponse>"


def received(command: str, pieces: Iterable[tuple[str, bytes]], code: int | None) -> str:
    """The body that carries output; ``code`` None: the command still runs."""
    body = "".join(
        f'<r:Stream Name="{name}" CommandId="{command}">{base64.b64encode(data).decode()}</r:Stream>'
        for name, data in pieces
    )
    if code is None:
        state = f'<r:CommandState CommandId="{command}" State="{SHELL}/CommandState/Running"/>'
    else:
        body += "".join(f'<r:Stream Name="{name}" CommandId="{command}" End="true"/>' for name in ("stdout", "stderr"))
        state = (
            f'<r:CommandState CommandId="{command}" State="{SHELL}/CommandState/Done">'
            f"<r:ExitCode>{code}</r:ExitCode></r:CommandState>"
        )
    return f"<r:ReceiveResponse>{body}{state}</r:ReceiveResponse>"


def refused(relates_to: str, fault: Fault) -> bytes:
    """The envelope of a fault."""
    text = escape(fault.text)
    return answer(
        FAULT,
        relates_to,
        f"<s:Fault><s:Code><s:Value>{fault.code}</s:Value><s:Subcode><s:Value>{fault.subcode}</s:Value></s:Subcode>"
        f'</s:Code><s:Reason><s:Text xml:lang="en-US">{text}</s:Text></s:Reason><s:Detail>'
        '<f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"'
        f' Code="{fault.number}" Machine="host">'
        f"<f:Message>{text}</f:Message></f:WSManFault></s:Detail></s:Fault>",
    )
