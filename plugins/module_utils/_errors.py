# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one tree of errors.

Errors are raised where the fact is known and turned into C(fail_json) in one place. A message names what happened;
host, item and hint say where and what to do next. None of them ever carries a secret.
"""

from __future__ import annotations

from typing import Any


class RecoveryError(Exception):
    """Base of all errors that a user may meet.

    :param message: one sentence, without the host's name (it is put in front)
    :param host: the target or backup host that it happened on
    :param item: the item, file or object that it happened to
    :param hint: what the operator should do next, one sentence
    :param details: small secret-free facts for the task result
    """

    def __init__(
        self,
        message: str,
        *,
        host: str | None = None,
        item: str | None = None,
        hint: str | None = None,
        **details: Any,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.host = host
        self.item = item
        self.hint = hint
        self.details = details

    def __str__(self) -> str:
        text = self.message if self.message.endswith((".", "!", "?")) else self.message + "."
        if self.item:
            text = f"{self.item}: {text}"
        if self.host:
            text = f"{self.host}: {text}"
        return f"{text} {self.hint}" if self.hint else text


class LibraryMissing(RecoveryError):
    """A Python library is not installed or too old."""


class OptionInvalid(RecoveryError):
    """Options that contradict each other or name something that cannot be."""


# --- reaching a host -------------------------------------------------------------------------------------------------
class ConnectionFailed(RecoveryError):
    """The host cannot be reached, or does not speak the protocol."""


class ConnectionLost(ConnectionFailed):
    """The connection was there and went away."""


class DeadlineExceeded(ConnectionLost):
    """The host was silent for too long, or the whole task took too long."""


class AuthenticationFailed(ConnectionFailed):
    """The host refused the credentials."""


class HostKeyUnknown(ConnectionFailed):
    """The host's key is in no known_hosts file and was not pinned."""


class HostKeyMismatch(ConnectionFailed):
    """The host showed another key than the one that is known."""


class CertificateRejected(ConnectionFailed):
    """The host's certificate comes from nobody who is trusted, belongs to another name, or is not valid today."""


class PrivilegeFailed(RecoveryError):
    """sudo refused."""


class CommandFailed(RecoveryError):
    """A command on the host ended with an error."""


class OutputTooLarge(RecoveryError):
    """A command on the host wrote more than it may."""


# --- what was gathered -----------------------------------------------------------------------------------------------
class ItemMissing(RecoveryError):
    """An item that the product demands is not there."""


class ItemTruncated(RecoveryError):
    """An item ends before its end."""


class HostileContent(RecoveryError):
    """Content that would reach beyond its place: traversal, links, devices, bombs."""


# --- the repository --------------------------------------------------------------------------------------------------
class RepositoryError(RecoveryError):
    """Base of what can be wrong with a repository."""


class IndependenceMissing(RepositoryError):
    """The repository would be lost together with the host that it keeps the backups of."""


class RepositoryMissing(RepositoryError):
    """There is no repository at this place."""


class RepositoryExists(RepositoryError):
    """There is a repository already, and it is another one."""


class RepositoryFull(RepositoryError):
    """No space is left."""


class StoredOtherwise(RepositoryError):
    """What was put together to be stored is not what was read: this machine or the program is at fault."""


class RepositoryDamaged(RepositoryError):
    """A file of the repository is missing, cut, changed or not understood."""


class SignatureInvalid(RepositoryDamaged):
    """A signature does not fit its text."""


class NotAuthentic(RepositoryDamaged):
    """Signed, but by nobody who is trusted for it."""


class KeyringMismatch(NotAuthentic):
    """The keyring is not the one that the writer knows."""


class RolledBack(NotAuthentic):
    """A generation that is known to have existed is not there any more."""


class AlreadyExists(RepositoryError):
    """A name that may be created only once exists."""


class GenerationMissing(RepositoryError):
    """No generation answers to what was asked for."""


class GenerationPruned(GenerationMissing):
    """The generation was let go by rule; its record tells when, why and by whom."""


class ChangeBegun(RepositoryError):
    """What a host is now can no more be kept as what it was before a change."""


class ClockRefused(RepositoryError):
    """The clock cannot be right, so nothing is deleted by it."""


class KeyRequired(RepositoryError):
    """Sealed content was asked for without anything that opens it."""


class WrongKey(RepositoryError):
    """The Domain Master Secret or identity does not open this."""


class WeakSecret(RepositoryError):
    """The Domain Master Secret is too short."""


# --- restore ---------------------------------------------------------------------------------------------------------
class RestoreRefused(RecoveryError):
    """A guard stopped a restore before anything was touched."""


class VersionMismatch(RestoreRefused):
    """The generation comes from another release of the product."""


class HostMismatch(RestoreRefused):
    """The generation comes from another host."""


class RestoreFailed(RecoveryError):
    """A restore failed after it began; the details tell what was put back."""
