# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong or unwise in a declared backup configuration of a STARFACE. Looks at nothing but the declaration.

Sources: the vendor's page (knowledge.starface.de/x/BgQIC) for the fields, SMBv1 and the archive job; mount.cifs(8) for
the security modes and the comma in a password; the failure codes that a public monitoring check has seen for what goes
wrong in the field (``mountfail``, ``sftpRightProblem``, ``mailtobig``).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .starface_config import BackupConfig
from .starface_schedule import SHIFT, clock, gap, meeting, times_of_day
from .starface_targets import DROPBOX, LOCAL_DISK, MAIL, SFTP, USB, WINDOWS_SHARE, Target

ERROR = "error"
WARNING = "warning"
HINT = "hint"
GRADES = (ERROR, WARNING, HINT)
"""It cannot work or cannot be restored from; it works and will hurt; it could be better."""

RECOMMENDED_SECURITY = "ntlmsspi"
_SIGNED = {"krb5i", "ntlmv2i", "ntlmsspi"}
_OLD_HASHES = {"ntlm", "ntlmi"}
_GENERIC_NAMES = {"backup", "default", "sicherung", "starface", "test", "neu", "new"}
_MAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;.]+")
_NOT_IN_A_FOLDER = re.compile(r'[\\/:*?"<>|\x00-\x1f]')


@dataclass(frozen=True)
class Advice:
    """``code`` names the rule, ``field`` the field of the wizard that it is about. No secret is in it."""

    grade: str
    code: str
    field: str
    text: str

    def to_result(self) -> dict[str, Any]:
        """The advice as a module returns it."""
        return {"grade": self.grade, "code": self.code, "field": self.field, "text": self.text}


def advise(config: BackupConfig) -> list[Advice]:
    """All that there is to say, the gravest first, otherwise in the order of the wizard."""
    found = [*_step_1(config), *_step_2(config), *_step_3(config), *_step_4(config)]
    return sorted(found, key=lambda advice: GRADES.index(advice.grade))


# --- step 1: name, report, interval, start ---------------------------------------------------------------------------
def _step_1(config: BackupConfig) -> Iterator[Advice]:
    yield from _name(config)
    yield from _report(config)
    yield from _interval(config)
    yield from _archive_job(config)


def _name(config: BackupConfig) -> Iterator[Advice]:
    name = config.name
    if name in config.other_names:
        yield Advice(ERROR, "name_taken", "name", f"Another backup configuration is called {name}, too.")
    if _NOT_IN_A_FOLDER.search(name) or name != name.strip() or name.strip(".") == "":
        yield Advice(
            ERROR,
            "name_no_folder",
            "name",
            "The appliance makes a folder of this name on the storage place; it must be one that every system takes.",
        )
    if name.strip().casefold() in _GENERIC_NAMES:
        yield Advice(
            HINT, "name_generic", "name", f"{name} says nothing: name the appliance, so that files tell whose they are."
        )


def _report(config: BackupConfig) -> Iterator[Advice]:
    if not config.error_report_to:
        yield Advice(
            WARNING,
            "report_missing",
            "error_report_to",
            "Nobody is told when the backup fails: the mail to this address is the appliance's only alarm.",
        )
    elif not _MAIL.fullmatch(config.error_report_to):
        yield Advice(ERROR, "report_no_address", "error_report_to", "This is no e-mail address.")


def _interval(config: BackupConfig) -> Iterator[Advice]:
    if config.is_manual:
        yield Advice(
            WARNING,
            "interval_manual",
            "interval",
            "With Manuell nothing ever starts it by itself: run starface_backup in mode rest on a schedule instead.",
        )
        if config.start is not None:
            yield Advice(HINT, "start_unused", "start", "A start means nothing to a configuration that is Manuell.")
    elif config.start is None:
        yield Advice(
            ERROR, "start_missing", "start", "The interval counts from the first start, which is not declared."
        )
    if config.interval > 7 * 24:
        yield Advice(
            WARNING, "interval_long", "interval", "More than a week of changes is lost when the appliance dies."
        )
    if 0 < config.interval * 60 <= config.duration:
        yield Advice(
            ERROR,
            "interval_short",
            "interval",
            f"A backup takes {config.duration} minutes, the next one begins before.",
        )


def _archive_job(config: BackupConfig) -> Iterator[Advice]:
    if config.is_manual or config.start is None:
        return
    job = config.archive_job
    if job is None:
        yield Advice(
            HINT,
            "archive_unknown",
            "start",
            "Declare when STARFACE Archivierung runs: it and the backup shift each other by an hour when they meet.",
        )
        return
    times = times_of_day(config.start, config.interval)
    for at in times:
        met = meeting(at, config.duration, job.start, job.duration)
        if met is not None:
            second = "the archive job" if met.backup_first else "the backup"
            yield Advice(
                WARNING,
                "archive_overlap",
                "start",
                f"The backup at {clock(at)} meets the archive job at {clock(job.start)}: {second} begins an hour later,"
                f" at {clock(met.shifted_to)}. Part them in time.",
            )
            return
    if min(gap(at, config.duration, job.start, job.duration) for at in times) < SHIFT:
        yield Advice(
            HINT,
            "archive_near",
            "start",
            "There is less than an hour between backup and archive job: when one takes longer, they shift each other.",
        )


# --- step 2: contents ------------------------------------------------------------------------------------------------
def _step_2(config: BackupConfig) -> Iterator[Advice]:
    boxes = config.contents
    if not boxes.master_data:
        yield Advice(
            ERROR,
            "contents_no_master_data",
            "contents",
            "Without Stammdaten (users, groups, telephones, numbers) no appliance can be restored from it.",
        )
    elif not boxes.announcements:
        yield Advice(
            WARNING,
            "contents_no_announcements",
            "contents",
            "Without Ansagetexte the restored appliance has none of its own announcements.",
        )
    if not boxes.cdr_and_voicemail:
        yield Advice(
            HINT,
            "contents_no_cdr",
            "contents",
            "Call lists and voicemails are in no backup: is a second configuration, run less often, meant for them?",
        )
    else:
        yield Advice(
            HINT,
            "contents_large",
            "contents",
            "CDR and voicemails can make the file very large: see that every storage place has the room.",
        )


# --- step 3: storage places ------------------------------------------------------------------------------------------
def _step_3(config: BackupConfig) -> Iterator[Advice]:
    kinds = {target.kind for target in config.targets}
    if not kinds:
        yield Advice(ERROR, "target_missing", "targets", "No storage place is declared.")
        return
    yield from _alone(kinds)
    seen: list[tuple[str, str]] = []
    for target in config.targets:
        if (target.kind, target.place) in seen:
            yield Advice(ERROR, "target_twice", "targets", f"{target} is declared twice.")
        seen.append((target.kind, target.place))
        yield from _RULES[target.kind](target, config)


def _alone(kinds: set[str]) -> Iterator[Advice]:
    if kinds == {LOCAL_DISK}:
        yield Advice(
            ERROR, "local_disk_alone", "targets", "The only backup lies on the appliance itself and dies with it."
        )
    elif kinds == {USB}:
        yield Advice(
            WARNING,
            "usb_alone",
            "targets",
            "The only backup is plugged into the appliance: it burns and is stolen with it.",
        )
    elif kinds == {MAIL}:
        yield Advice(
            WARNING,
            "mail_alone",
            "targets",
            "The only backup goes by mail, which refuses what is too large (code mailtobig) just when there is much.",
        )
    elif kinds <= {LOCAL_DISK, USB, MAIL}:
        yield Advice(
            WARNING, "no_safe_target", "targets", "No backup surely leaves the appliance: add SFTP to the backup host."
        )


def _local_disk(target: Target, config: BackupConfig) -> Iterator[Advice]:
    yield Advice(
        HINT,
        "disk_never_pruned",
        "targets",
        "Nothing that is known removes old files from the appliance's disk: watch it.",
    )


def _usb(target: Target, config: BackupConfig) -> Iterator[Advice]:
    yield Advice(HINT, "usb_readable", "targets", "Whoever takes the stick has the passwords of the appliance.")


def _mail(target: Target, config: BackupConfig) -> Iterator[Advice]:
    if not target.addresses:
        yield Advice(ERROR, "mail_no_address", "targets", "The backup is to be sent by mail, and to nobody.")
    for address in target.addresses:
        if not _MAIL.fullmatch(address):
            yield Advice(ERROR, "mail_no_address", "targets", f"{address} is no e-mail address.")
    yield Advice(
        WARNING,
        "mail_readable",
        "targets",
        "The file is as good as a password, and it lies in mailboxes and on every mail server on its way.",
    )
    if config.contents.cdr_and_voicemail:
        yield Advice(
            WARNING,
            "mail_large",
            "targets",
            "With CDR and voicemails the file outgrows what mail servers take (code mailtobig).",
        )


def _dropbox(target: Target, config: BackupConfig) -> Iterator[Advice]:
    yield Advice(
        WARNING,
        "dropbox_readable",
        "targets",
        "The file is as good as a password, and Dropbox can read it: nothing seals it before it leaves.",
    )
    if not target.kept_at:
        yield Advice(HINT, "dropbox_key", "targets", "Say where the confirmation key is kept (kept_at).")


def _sftp(target: Target, config: BackupConfig) -> Iterator[Advice]:
    yield from _login(target)
    yield from _server(target)
    if not target.path:
        yield Advice(
            ERROR, "sftp_path", "targets", "The path is missing: an absolute one, or a dot for the current folder."
        )
    elif target.path != "." and (not target.path.startswith("/") or _climbs(target.path)):
        yield Advice(ERROR, "sftp_path", "targets", f"{target.path} is neither an absolute path nor a dot.")
    yield Advice(
        HINT,
        "sftp_host_key",
        "targets",
        "There is no field for the server's host key, for a key of ours or for a port: give the account a password of"
        " its own, a folder that it cannot leave, and only the appliance's address.",
    )


def _windows_share(target: Target, config: BackupConfig) -> Iterator[Advice]:
    security = target.security
    if security == "none":
        if target.username:
            yield Advice(HINT, "smb_user_unused", "targets", "With None the user name is not sent.")
    else:
        yield from _login(target)
    yield from _server(target)
    yield from _share(target)
    yield from _security(security)
    if "," in target.password:
        yield Advice(
            ERROR,
            "smb_password_comma",
            "targets",
            "A comma in the password ends it for mount.cifs, which the names of the security modes belong to: choose a"
            " password without one.",
        )
    yield Advice(
        WARNING,
        "smb1_tried",
        "targets",
        "With every security mode the appliance tries SMBv1 first: the server must refuse it, and when the backup then"
        " fails (code mountfail) use SFTP and do not switch SMBv1 on.",
    )


def _share(target: Target) -> Iterator[Advice]:
    share = target.share
    if not share:
        yield Advice(ERROR, "smb_share", "targets", "The share is missing.")
    elif "\\" in share:
        yield Advice(ERROR, "smb_share", "targets", "Subdirectories follow the share with /, not with a backslash.")
    elif share.startswith("/") or "//" in share or _climbs(share):
        yield Advice(ERROR, "smb_share", "targets", f"{share} is not the name of a share with its subdirectories.")


def _security(security: str) -> Iterator[Advice]:
    if not security:
        yield Advice(
            ERROR, "smb_security", "targets", f"Choose a security mode; {RECOMMENDED_SECURITY} is the recommended one."
        )
    elif security == "none":
        yield Advice(
            ERROR, "smb_anonymous", "targets", "None logs nobody in: whoever reaches the share can read and replace it."
        )
    elif security in _OLD_HASHES:
        yield Advice(
            ERROR,
            "smb_old_hash",
            "targets",
            f"{security} hashes the password as NTLM 1 does: it is broken, and today's servers refuse it.",
        )
    elif security not in _SIGNED:
        yield Advice(
            WARNING, "smb_unsigned", "targets", f"{security} does not sign: choose {_signed(security)}, which does."
        )
    elif security != RECOMMENDED_SECURITY:
        yield Advice(
            HINT, "smb_other", "targets", f"The vendor recommends {RECOMMENDED_SECURITY} where it is possible."
        )
    if security.startswith("krb5"):
        yield Advice(
            WARNING,
            "smb_kerberos_address",
            "targets",
            "Kerberos tickets are made for names, and the server is given as an address here.",
        )


def _signed(security: str) -> str:
    return f"{security}i"


def _login(target: Target) -> Iterator[Advice]:
    if not target.username:
        yield Advice(ERROR, "login_user", "targets", f"{target}: the user name is missing.")
    if not target.password and not target.kept_at:
        yield Advice(
            WARNING,
            "login_password",
            "targets",
            f"{target}: say where the password is kept (kept_at), or who enters it must guess.",
        )


def _server(target: Target) -> Iterator[Advice]:
    if not target.server:
        yield Advice(ERROR, "server_missing", "targets", f"{target.label}: the server's address is missing.")
        return
    try:
        address = ipaddress.IPv4Address(target.server)
    except ValueError:
        yield Advice(
            ERROR,
            "server_no_ipv4",
            "targets",
            f"{target.server} is no IPv4 address: the field takes neither a name, nor IPv6, nor a protocol or port.",
        )
        return
    if address.is_loopback or address.is_unspecified or address.is_multicast:
        yield Advice(ERROR, "server_no_ipv4", "targets", f"{target.server} is no address of another host.")


def _climbs(path: str) -> bool:
    return ".." in path.split("/")


_RULES = {
    LOCAL_DISK: _local_disk,
    WINDOWS_SHARE: _windows_share,
    SFTP: _sftp,
    DROPBOX: _dropbox,
    USB: _usb,
    MAIL: _mail,
}


# --- step 4: what becomes of it --------------------------------------------------------------------------------------
def _step_4(config: BackupConfig) -> Iterator[Advice]:
    if config.finish == "run_only":
        grade = WARNING if config.is_manual else ERROR
        yield Advice(
            grade,
            "not_saved",
            "finish",
            "With Nur Backup ausführen the configuration is not saved: there is no second backup.",
        )
    elif config.finish == "save_only" and not config.is_manual:
        yield Advice(
            HINT,
            "first_run_later",
            "finish",
            "Nobody knows before the first start whether it works: Backup ausführen und Einstellungen übernehmen tells"
            " at once, and lets the file be downloaded.",
        )
    if config.applied_by and config.applied_at is None:
        yield Advice(HINT, "applied_when", "applied_at", "It is not said when this was entered.")
