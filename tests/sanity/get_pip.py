# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands in for the get-pip.py that ansible-test would download: runs the pip wheel that lies beside this file.

``run.sh`` puts both into ansible-test's cache, so that the sanity tests need nothing but a Python package index.
"""

from __future__ import annotations

import os
import pathlib
import sys

if __name__ == "__main__":
    wheel = next(pathlib.Path(__file__).parent.glob("pip-*.whl"))
    arguments = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
    # Without this, ansible-test's wrapper would run this file again instead of the pip that it brings.
    os.environ.pop("GET_PIP", None)
    for name in [name for name in sys.modules if name == "pip" or name.startswith("pip.")]:
        del sys.modules[name]
    sys.path.insert(0, str(wheel))

    from pip._internal.cli.main import main

    sys.exit(main(["install", "--upgrade", "--force-reinstall", *arguments]))
