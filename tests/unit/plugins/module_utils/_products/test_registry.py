# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ucops.recovery.plugins.module_utils._errors import OptionInvalid
from ansible_collections.ucops.recovery.plugins.module_utils._products import registry
from ansible_collections.ucops.recovery.plugins.module_utils._products.base import Probe, Product


@pytest.mark.parametrize("name", registry.product_names())
def test_every_product_is_there_under_its_own_name(name):
    found = registry.product_class(name).for_comparison(Probe())
    assert isinstance(found, Product)
    assert found.name == name
    assert registry.product_class(name) is type(found)


def test_unknown_names_and_options_are_refused():
    with pytest.raises(OptionInvalid, match="There are .*kamailio, keyfactor_appliance, linux"):
        registry.product_class("pabx")
    with pytest.raises(OptionInvalid, match="There is no option rooot"):
        registry.product_class("linux")({"rooot": "/"})
