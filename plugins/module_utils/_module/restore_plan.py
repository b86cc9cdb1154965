# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of the modules C(<product>_restore_plan): what people and modules do, in order, to bring a system back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._errors import OptionInvalid
from .._products.restore_plans.ecsta import ecsta_plan
from .._products.restore_plans.keyfactor_appliance import keyfactor_appliance_plan
from .._products.restore_plans.metadirectory import metadirectory_plan
from .._products.restore_plans.plan import Occasion, RecoveryPlan
from .._products.restore_plans.procall_server import procall_server_plan
from .._repository.backends.base import Backend
from .._repository.format import CommitRecord, GenerationId
from .._repository.generations import find_generation
from .._repository.reader import GenerationReader
from . import unsealing
from .argspec import ArgumentSpec, repository, trust, unlock
from .opening import believed_writers, check_heads
from .plan_occasion import occasion_of

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

PLANS: Mapping[str, Callable[[Occasion], RecoveryPlan]] = {
    "ecsta": ecsta_plan,
    "keyfactor_appliance": keyfactor_appliance_plan,
    "metadirectory": metadirectory_plan,
    "procall_server": procall_server_plan,
}
"""Products of which the vendor leaves steps of the restore to people."""

SPEC = ArgumentSpec({"generation": {"type": "str", "required": True}}).merge(repository(), unlock(), trust())


def plan_restore(module: AnsibleModule, product: str) -> Mapping[str, Any]:
    """What the module returns. Raises KeyRequired, RepositoryError, OptionInvalid."""

    def body(backend: Backend, file_keys: unsealing.FileKeys | None) -> dict[str, Any]:
        keys = unsealing.required(file_keys, "To plan a restore")
        (record,) = wanted(module.params, backend, product)
        with GenerationReader(backend, record, keys) as reader:
            plan = PLANS[product](occasion_of(backend, reader))
        return {**plan.to_result(), "text": plan.markdown()}

    return unsealing.serve(module, lambda params, backend: wanted(params, backend, product), body)


def wanted(params: Mapping[str, Any], backend: Backend, product: str) -> Sequence[CommitRecord]:
    """The generation that is to be put back. Raises OptionInvalid when it is of another product."""
    record = find_generation(backend, params["generation"], believed_writers(params, backend))
    if record.product != product:
        raise OptionInvalid(
            f"{GenerationId.of(record)} is a generation of {record.product}, not of {product}", item="generation"
        )
    check_heads(params, backend, record.chain)
    return [record]
