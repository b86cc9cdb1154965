# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Products that compare generations, where nobody gives their options."""

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._compare.mask import Masker
from ansible_collections.ucops.recovery.plugins.module_utils._module.generation_diff import known_product
from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe
from ansible_collections.ucops.recovery.plugins.module_utils._products.registry import product_names
from ansible_collections.ucops.recovery.plugins.module_utils._repository.format import Manifest


def manifest(product, **version):
    return Manifest("r", "pbx", product, "", (), 0, "complete", version=version)


@pytest.mark.parametrize("name", product_names())
@pytest.mark.parametrize("version", [{}, Probe(release="1", facts={"surprise": 1}).to_json()])
def test_every_product_compares_without_options(name, version):
    owner = known_product(manifest(name, **version))
    assert owner is not None and owner.name == name
    assert owner.semantic({}, {}, Masker(b"k" * 32)) == []
    assert owner.mask_rules(b"/C:/x.xml") is not None


def test_one_that_a_newer_release_knows_is_none():
    assert known_product(manifest("from_the_future")) is None
