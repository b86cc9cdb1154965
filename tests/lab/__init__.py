# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test hosts that cost a tenth of a second each: namespaces, an overlay over this machine's own files, a real sshd.

``hosts`` brings them up, ``kamailio`` and ``phones`` turn them into a telephone system, ``watch`` records what crosses
a link or a process, ``controller`` runs Ansible from one of them. ``python -m lab`` starts a few for trying by hand.
"""
