# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts of a change a run leaves out, as far as the repositories and a scope tell. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

BEFORE, AFTER = "pre_change", "post_change"
_LIMITED = "It is in the scope, and was left out of this run by --limit."
_UNSEEN = "It was saved before the change, was left out of this run, and nobody looked at it since the change."
_UNKNOWN = (
    "It was left out of this run, and whether it was saved before the change is not known: {why}. Mend that, or say"
    " with scope which hosts are those of the change."
)


def left_out(
    others: Iterable[Mapping[str, Any]], looked: Iterable[Mapping[str, Any]], wanted: Sequence[str] = ()
) -> dict[str, str]:
    """By host, why the run must not be a success without it. Whoever was looked at by another run is not among them.

    :param others: hosts that are not in the run, with C(source), C(product), C(instance), C(backup_host), C(repository)
    :param looked: results of C(generation_info) for the change, each with its place as C(item); one that could not be
        had lacks C(generations)
    :param wanted: those of the others that somebody named as hosts of the change; without any, those of a repository
        that cannot be read are not left out silently either
    """
    found = dict.fromkeys(wanted, _LIMITED)
    places = {(str(one["item"]["backup_host"]), str(one["item"]["repository"])): one for one in looked}
    for other in others:
        place = places.get((str(other["backup_host"]), str(other["repository"])))
        if place is None or other["host"] in found:
            continue
        if place.get("generations") is None:
            if not wanted:
                why = str(place.get("msg") or f"{other['backup_host']} does not answer").strip().rstrip(".")
                found[other["host"]] = _UNKNOWN.format(why=why)
        elif _unseen(other, place["generations"]):
            found[other["host"]] = _UNSEEN
    return found


def _unseen(other: Mapping[str, Any], generations: Iterable[Mapping[str, Any]]) -> bool:
    """Whether there is a generation of before the change, and after it none of after."""
    subject = tuple(str(other[key]) for key in ("source", "product", "instance"))
    newest = {BEFORE: 0, AFTER: 0}
    for one in generations:
        phase = one.get("phase")
        if phase in newest and tuple(str(one.get(key) or "") for key in ("source", "product", "instance")) == subject:
            newest[phase] = max(newest[phase], int(one["sequence"]))
    return newest[BEFORE] > newest[AFTER]
