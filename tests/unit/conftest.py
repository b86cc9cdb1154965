# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes ``ansible_collections.ucops.recovery`` importable from a plain checkout."""

from __future__ import annotations

import pathlib
import sys
import tempfile

import hypothesis
from support.thoroughness import examples

# time is measured in benchmarks/, on a machine that does nothing else
hypothesis.settings.register_profile("ucops", deadline=None, max_examples=examples(100))
hypothesis.settings.load_profile("ucops")

ROOT = pathlib.Path(__file__).resolve().parents[2]

if ROOT.parent.parent.name != "ansible_collections":
    _stage = tempfile.TemporaryDirectory(prefix="ucops-stage-")
    _namespace = pathlib.Path(_stage.name) / "ansible_collections" / "ucops"
    _namespace.mkdir(parents=True)
    (_namespace / "recovery").symlink_to(ROOT)
    sys.path.insert(0, _stage.name)
    try:
        from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

        _AnsibleCollectionFinder(paths=[_stage.name])._install()
    except ImportError:
        pass
