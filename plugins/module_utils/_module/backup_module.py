# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of a C(<product>_backup) module to its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._compare.mask import Masker
from .._errors import ConnectionFailed, RecoveryError, RepositoryError
from .._products.base import Check, Probe, Product
from .._repository.backends.base import Backend
from .._repository.chain import head
from .._repository.digests import Digester
from .._repository.format import ChainId, CommitRecord, GenerationId
from .._repository.keys import WriterKey
from .._repository.reader import GenerationReader
from .._repository.writer import RepositoryWriter
from .._transport.base import Transport
from . import unsealing
from .argspec import ArgumentSpec, backup, change, counting, phase, repository, source, unlock, writer
from .backup import BackupOptions, BackupOutcome, Occasion, generation_result, incomplete_error, take_backup
from .companions import Provided
from .comparison import CHANGES_LIMIT, Comparison, Side, describe_change
from .live_side import LiveSide
from .path_patterns import PathPatterns
from .product_parts import ProductParts
from .release_change import ReleaseChange
from .reserve import check_reserve, reserve_of
from .retry import Earlier, look_for_earlier, reused_result
from .tools import tool_versions

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

DIFF_LINES = 2000


def backup_spec(parts: ProductParts) -> ArgumentSpec:
    """The options of C(<product>_backup)."""
    where = (repository(), writer(), unlock(), source())
    return parts.spec().merge(*where, change(), phase(), backup(), counting())


def back_up(module: AnsibleModule, parts: ProductParts) -> Mapping[str, Any]:
    """What the module returns. Raises RecoveryError; a partial generation is an error that carries the result."""

    def body(backend: Backend, file_keys: unsealing.FileKeys | None) -> dict[str, Any]:
        backup_of_host = ProductBackup(module.params, parts, file_keys, check_mode=module.check_mode, diff=module._diff)
        with RepositoryWriter(backend, WriterKey.load(module.params["writer_key_file"])) as store:
            return backup_of_host.run(store)

    def predecessor(params: Mapping[str, Any], backend: Backend) -> Sequence[CommitRecord]:
        return useful(params, backend, parts)

    return unsealing.serve(module, unsealing.nothing, body, useful=unsealing.readable(predecessor))


def useful(params: Mapping[str, Any], backend: Backend, parts: ProductParts) -> Sequence[CommitRecord]:
    """The generation before, which a difference is made to; a backup can be made without."""
    newest = head(backend, parts.chain(params))
    return [newest] if newest is not None else []


def occasion_of(params: Mapping[str, Any], phase_name: str) -> Occasion:
    """The options of the group change."""
    return Occasion(
        phase=phase_name,
        change_id=params["change_id"],
        reason=params["reason"],
        actor=params["actor"],
        job=params["job"],
        run_id=params["run_id"],
    )


def counted(product: Product, transport: Transport, probe: Probe) -> dict[str, int]:
    """How much of its work the host does now. That it cannot be counted keeps no host from its backup, which will say
    itself when the host is gone."""
    try:
        return product.counters(transport, probe)
    except RecoveryError:
        return {}


class ProductBackup:
    """One backup of one host, as its options say.

    :param params: the validated options of the product's module
    :param connected: is given the transport before anything is asked of it
    :param answered: is called when the host has answered for the first time
    :param stopping: is told before services are stopped, in how many seconds they run again once all is gathered
    :param going_on: is asked again and again while it gathers; raises DeadlineExceeded when it is to end
    """

    def __init__(
        self,
        params: Mapping[str, Any],
        parts: ProductParts,
        file_keys: unsealing.FileKeys | None,
        *,
        check_mode: bool,
        diff: bool,
        connected: Callable[[Transport], object] = lambda transport: None,
        answered: Callable[[], object] = lambda: None,
        stopping: Callable[[float], object] = lambda seconds: None,
        going_on: Callable[[], object] = lambda: None,
    ) -> None:
        self._params = params
        self._parts = parts
        self._product: Product = parts.product(params)
        self._file_keys = file_keys
        self._check_mode = check_mode
        self._diff = diff
        self._connected = connected
        self._answered = answered
        self._stopping = stopping
        self._going_on = going_on
        self._live: LiveSide | None = None
        self._not_shown: list[str] = []

    def run(self, store: RepositoryWriter) -> dict[str, Any]:
        """The result of the task. Raises RecoveryError; a partial generation is an error that carries the result."""
        params = self._params
        options = BackupOptions(
            source=params["source"],
            instance=self._parts.instance(params),
            occasion=occasion_of(params, params["phase"]),
            accept_shrunken=params["accept_shrunken"],
            tools=tool_versions(),
            provided=Provided.of(params),
            reserve=reserve_of(params),
            allow_same_host=params["allow_same_host"],
            release_change=ReleaseChange.of(params),
        )
        chain = self._parts.chain(params)
        before = look_for_earlier(params, store.backend, chain, store.believe)
        if before.record is not None:
            return reused_result(params, store.backend, before.record, before.newest)
        if not params["only_counters"]:
            check_reserve(store.backend, options.reserve)
        return self._make(store, options, chain, before)

    def _make(self, store: RepositoryWriter, options: BackupOptions, chain: ChainId, before: Earlier) -> dict[str, Any]:
        params = self._params
        with (
            self._parts.transport(params) as transport,
            ExitStack() as opened,
        ):
            self._connected(transport)
            probe = self._product.probe(transport)
            self._answered()
            self._going_on()
            options = replace(options, counters=counted(self._product, transport, probe))
            if params["only_counters"]:
                return {"counters": dict(options.counters)}
            earlier = self._earlier(store.backend, opened)
            outcome = take_backup(
                store,
                transport,
                self._product,
                probe,
                self._product.items(probe),
                options,
                dry_run=self._check_mode,
                force_store=before.damaged,
                sink_around=self._keeping(earlier) if earlier is not None else None,
                already=lambda _gathering, _digests: self._made_meanwhile(store, chain),
                stopping=self._stopping,
                going_on=self._going_on,
            )
            if outcome.already is not None:
                newest = head(store.backend, chain, store.believe)
                again = reused_result(params, store.backend, outcome.already, newest)
                return {**again, "warnings": [*again["warnings"], *outcome.left_behind]}
            result: dict[str, Any] = {
                "changed": outcome.changed,
                "reused": False,
                "generation": generation_result(outcome, self._product, options),
                "checks": [check.to_result() for check in self._checks(transport, probe, outcome)],
                "open_restores": outcome.open_restores,
                "companions": {
                    "demanded": [state.to_result() for state in outcome.companions],
                    "declared": [dict(one) for one in options.provided.declared],
                },
                "findings": [finding.to_result() for finding in outcome.findings],
                "notes": [*self._product.remarks(probe), *([outcome.not_read] if outcome.not_read else [])],
            }
            if earlier is not None:
                result.update(self._difference(earlier, store.writer_key))
            result["warnings"] = [*before.warnings, *self._warnings(outcome, options.provided), *self._not_shown]
        error = incomplete_error(outcome, transport.host, self._product)
        if error is not None:
            error.details["result"] = result
            raise error
        return result

    def _made_meanwhile(self, store: RepositoryWriter, chain: ChainId) -> CommitRecord | None:
        """What a later try for the same change made while this one gathered: its controller was killed, say.

        The change may have begun on the strength of that one, and what is gathered here may be of its middle.
        """
        if self._check_mode:
            return None
        return look_for_earlier(self._params, store.backend, chain, store.believe).record

    @staticmethod
    def _warnings(outcome: BackupOutcome, provided: Provided) -> list[str]:
        unused = provided.unused(state.companion for state in outcome.companions)
        warnings = [f"companions_elsewhere names {name}, which nothing demands." for name in unused]
        return [*(outcome.committed.warnings if outcome.committed is not None else ()), *warnings, *outcome.left_behind]

    def _checks(self, transport: Transport, probe: Probe, outcome: BackupOutcome) -> Sequence[Check]:
        """What the host says of its configuration. The generation is committed: a host that is lost costs no more."""
        if outcome.gathering.failure is not None:
            return []
        try:
            return self._product.validate(transport, probe)
        except ConnectionFailed as error:
            return [Check("configuration", None, error.message)]

    def _earlier(self, backend: Backend, opened: ExitStack) -> Side | None:
        """The generation before, opened, when a difference is wanted and the keys are at hand."""
        if not self._diff or self._file_keys is None:
            return None
        (record,) = useful(self._params, backend, self._parts) or (None,)
        if record is None:
            return None
        try:
            return Side(opened.enter_context(GenerationReader(backend, record, self._file_keys)), PathPatterns(None))
        except RepositoryError as error:
            self._not_shown.append(_not_shown(str(GenerationId.of(record)), error))
            return None

    def _keeping(self, earlier: Side) -> Callable[[Digester], LiveSide]:
        def around(generation: Digester) -> LiveSide:
            self._live = LiveSide(generation, earlier)
            return self._live

        return around

    def _difference(self, earlier: Side, key: WriterKey) -> dict[str, Any]:
        if self._live is None:
            return {}
        masker = Masker(key.placeholder_key(self._params["source"]))
        try:
            comparison = Comparison(earlier, self._live, masker, self._product)
            text, _truncated = comparison.text(DIFF_LINES)
            changes = comparison.semantic()[:CHANGES_LIMIT]
        except RepositoryError as error:
            self._not_shown.append(_not_shown(earlier.label, error))
            return {}
        return {"changes": [describe_change(change) for change in changes], "diff": {"prepared": text}}


def _not_shown(generation: str, error: RepositoryError) -> str:
    """A backup is worth more than the difference to what cannot be read any more."""
    return f"No difference to {generation} is shown: {error.item + ': ' if error.item else ''}{error.message}."
