# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A product as its modules know it: its class, its options and the way to its host, put together.

Ansible sends a module with everything that it imports. So a module is given the parts of its own product, and only what
learns from its options which product is meant asks :mod:`all_parts` by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._products.base import Product
from .._repository.format import ChainId
from .._transport.base import Transport
from .._transport.proof import Shown
from .argspec import ArgumentSpec
from .connections.connection import Connection, Params


@dataclass(frozen=True)
class ProductParts:
    """What there is of a product.

    :param name: as the names of its modules and of its generations have it
    :param load: its class; the code is loaded when it is asked for
    :param options: its own options, mirrored by the documentation fragment of its name
    :param connection: the way to its host
    :param of_the_connection: options of that way which the product has to know as well
    :param renamed: option -> the name by which the class knows it; it counts more than an option of that name
    :param instance_option: where there always are several on a host, the option that tells them apart
    """

    name: str
    load: Callable[[], type[Product]]
    options: Mapping[str, Mapping[str, Any]]
    connection: Connection
    of_the_connection: Sequence[str] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    instance_option: str = ""

    def spec(self) -> ArgumentSpec:
        """The options of the product and of the way to its host."""
        return ArgumentSpec(self.options).merge(self.connection.spec())

    def product(self, params: Params) -> Product:
        """The product, as the options of its module say. Raises OptionInvalid."""
        return self.load()(self.product_options(params))

    def product_options(self, params: Params) -> dict[str, Any]:
        """What the product's class takes of a module's options; what is not given is left out."""
        names = (*self.options, *self.of_the_connection)
        given = {name: _given(params[name]) for name in names if params[name] is not None}
        for name, known_as in self.renamed.items():
            if name in given:
                given[known_as] = given.pop(name)
        return given

    def transport(self, params: Params) -> Transport:
        """The transport to the host that the options name; it connects on first use.

        Raises OptionInvalid, LibraryMissing.
        """
        return self.connection.connect(params)

    def shown(self, params: Params) -> list[Shown]:
        """The host keys and certificates that the host shows before it gets any secret.

        Raises ConnectionFailed, OptionInvalid, LibraryMissing.
        """
        return self.connection.shown(params)

    def instance(self, params: Params) -> str:
        """The option C(instance), or what tells instances of this product apart by itself."""
        return str(params["instance"] or params.get(self.instance_option, ""))

    def chain(self, params: Params) -> ChainId:
        """The line of generations that the options name."""
        return ChainId(params["source"], self.name, self.instance(params))


def _given(value: Any) -> Any:
    """A value without the suboptions that are not given."""
    if isinstance(value, Mapping):
        return {name: _given(inner) for name, inner in value.items() if inner is not None}
    return [_given(inner) for inner in value] if isinstance(value, list) else value
