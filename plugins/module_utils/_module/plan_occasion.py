# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a generation tells a plan of the steps that bring a system back."""

from __future__ import annotations

from collections.abc import Mapping

from .._products.base import Probe
from .._products.restore_plans.plan import Occasion
from .._repository.backends.base import Backend
from .._repository.format import GenerationId
from .._repository.reader import GenerationReader
from . import companions


def occasion_of(backend: Backend, reader: GenerationReader) -> Occasion:
    """From the generation's record and manifest."""
    record, manifest = reader.record, reader.manifest
    belongs = companions.recorded(backend, record, manifest.contract)
    return Occasion(
        generation=str(GenerationId.of(record)),
        source=record.source,
        probe=Probe.from_json(manifest.version),
        companions=[one["generation"] for one in belongs["demanded"] if one["generation"]],
        items=[name for name in manifest.restore_order if name in record.items],
        images=[_declared(one) for one in belongs["declared"]],
    )


def _declared(one: Mapping[str, str]) -> str:
    when = f" of {one['taken_at']}" if one.get("taken_at") else ""
    return f"{one['kind'].replace('_', ' ')} {one['reference']}{when}"
