# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must be true before a restore touches a host."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from .._errors import HostMismatch, RepositoryError, RestoreRefused, VersionMismatch
from .._products.base import Probe, Product
from .._repository.backends.base import Backend
from .._repository.chain import head, walk_back
from .._repository.expiry import fate_of
from .._repository.format import ChainId, GenerationId, StoredEntry
from .._transport.base import Transport
from .losses import Loss

SHOWN_LOSSES = 20
SPACE_RESERVE = 16 * 2**20
"""Bytes that must stay free on the target beside what is written."""


def check_host(then: Probe, now: Probe, allowed: bool, generation: str, host: str) -> list[str]:
    """Same host, or allowed by name. Returns warnings; raises HostMismatch."""
    if then.same_host(now):
        return []
    was, is_now = then.identity_text(), now.identity_text()
    if allowed:
        return [f"The generation {generation} comes from another host: {was}; this one is {is_now}."]
    raise HostMismatch(
        f"The generation {generation} comes from another host: {was}; this one is {is_now}",
        host=host,
        hint="Nothing was touched. If the host was replaced, set allow_different_host: true.",
    )


def check_release(
    product: Product,
    then: Probe,
    now: Probe,
    allowed: bool,
    generation: str,
    host: str,
    fitting: Callable[[], str | None] = lambda: None,
) -> list[str]:
    """A release that the product can take. Returns warnings; raises VersionMismatch.

    :param fitting: finds the newest complete generation of the release that the host runs
    """
    verdict = product.release_verdict(then, now)
    if verdict is None:
        return []
    was, is_now = then.release or "an unknown release", now.release or "none"
    text = f"The generation {generation} was made with {was}, the host runs {is_now}: {verdict}"
    if allowed or not product.release_must_match(then, now):
        return [text + "."]
    found = fitting()
    other = f", restore {found}, which was made with {now.release}" if found else ""
    install = f"Install {then.release}" if then.release else "Find out which one it was and install that"
    raise VersionMismatch(
        text,
        host=host,
        hint=f"Nothing was touched. {install} first{other}, or, when the vendor's release notes say that"
        " the host's release takes this configuration, set allow_version_mismatch: true, which is recorded.",
    )


def newest_of_release(backend: Backend, chain: ChainId, release: str) -> str | None:
    """The newest complete generation of a release that is still there; a damaged line has none."""
    if not release:
        return None
    try:
        newest = head(backend, chain)
        for record in walk_back(backend, newest) if newest is not None else ():
            if record.is_complete and record.release == release and fate_of(backend, record).pruned is None:
                return str(GenerationId.of(record))
    except RepositoryError:
        return None
    return None


def check_space(transport: Transport, product: Product, wanted: Iterable[StoredEntry]) -> None:
    """Enough free space on the target for all that would be written, on each of its volumes. Raises RestoreRefused."""
    needed = {product.root: 0}
    for stored in wanted:
        volume = product.volume_of(stored.entry.path)
        needed[volume] = needed.get(volume, 0) + stored.entry.size
    for volume, size in sorted(needed.items()):
        free = transport.free_space(volume)
        if free is not None and free < size + SPACE_RESERVE:
            raise RestoreRefused(
                f"There are {free} bytes free below {volume}, the restore writes up to {size}",
                host=transport.host,
                hint="Nothing was touched. Make room, or restore single items or paths.",
            )


def check_losses(losses: Sequence[Loss], confirmed: bool, expected: str, host: str) -> None:
    """Nothing is lost that nobody confirmed. Raises RestoreRefused with the first losses."""
    if not losses or confirmed:
        return
    first = losses[0].to_result()
    more = f" and {len(losses) - 1} more" if len(losses) > 1 else ""
    raise RestoreRefused(
        f"The restore would lose what came after {expected}: {first['item']} {first['path'] or 'as a whole'}{more}",
        host=host,
        hint="Nothing was touched. Look at the plan, and set confirm_losses: true if none of it is needed.",
        losses=[loss.to_result() for loss in losses[:SHOWN_LOSSES]],
        loss_count=len(losses),
    )
