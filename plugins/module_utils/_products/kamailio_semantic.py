# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two states of a Kamailio in its own words: parameters, sockets, routes, trunks, users."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from .._compare import dbtext, sqldump
from .._compare.findings import PEER, ROUTE, TRUNK, USER
from .._compare.linediff import counts
from .._compare.mask import Masker, decoded, mask_values, readable
from .._compare.mask_rules import COMMON, KAMAILIO
from .._compare.semantic import (
    ADDED,
    CHANGED,
    HIGH,
    REMOVED,
    SemanticChange,
    compare_records,
    compare_texts,
    judged,
)
from .._compare.tables import Row, secret_values
from .kamailio_config import KamailioConfig
from .kamailio_tables import NATURAL_KEYS, TRUNKS, USERS, TableClasses

_ROUTING = (*TRUNKS, "dr_rules", "dialplan", "mtrees", "pdt", "lcr_rule", "dbaliases")
TOPICS: Mapping[str, str] = {
    **dict.fromkeys(_ROUTING, ROUTE),
    **dict.fromkeys(TRUNKS, TRUNK),
    **dict.fromkeys(USERS, USER),
    **dict.fromkeys(("address", "trusted"), PEER),
}
_WORDS_OF_A_LIST = ("setid", "destination", "flags", "priority", "attrs")
_NOT_DIALLED = re.compile(r"\b(?:setid|flags|priority|weight|ruleid|groupid|pr|dpid|match_op|match_len)=\S+|\b[a-z_]+=")
"""Parts of a shown row that are no telephone numbers."""
_DUMP = re.compile(rb"^/@database/(.+)\.sql$")


@dataclass
class Tables:
    """The rows of all databases: those that are told one by one, of the others how many and a digest."""

    records: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)


def compare_dumps(old: Iterable[bytes], new: Iterable[bytes]) -> list[SemanticChange]:
    """Whole dumps that came or went. Their rows are not told: one may be too large to be looked at."""
    shown = ({readable(decoded(path)): "" for path in paths} for paths in (old, new))
    return judged(compare_texts("dump", *shown), lambda change: change.action == REMOVED)


def compare(
    old: KamailioConfig, new: KamailioConfig, old_tables: Tables, new_tables: Tables, masker: Masker
) -> list[SemanticChange]:
    """What changed in configuration and rows."""
    return [
        *_compare_scripts(old, new, masker),
        *_compare_routes(old.routes, new.routes),
        *_compare_tables(old_tables, new_tables),
    ]


# --- configuration ---------------------------------------------------------------------------------------------------
def _compare_scripts(old: KamailioConfig, new: KamailioConfig, masker: Masker) -> Iterator[SemanticChange]:
    yield from compare_texts("module", dict.fromkeys(old.modules, ""), dict.fromkeys(new.modules, ""))
    yield from compare_texts("modparam", _parameters(old, masker), _parameters(new, masker))
    yield from compare_texts("listen", dict.fromkeys(old.listens, ""), dict.fromkeys(new.listens, ""))
    yield from compare_texts("alias", dict.fromkeys(old.aliases, ""), dict.fromkeys(new.aliases, ""))
    yield from compare_texts("setting", _settings(old.settings, masker), _settings(new.settings, masker))
    yield from compare_texts("define", _defines(old.defines, masker), _defines(new.defines, masker))
    yield from compare_texts("missing include", dict.fromkeys(old.missing, ""), dict.fromkeys(new.missing, ""))


def _parameters(config: KamailioConfig, masker: Masker) -> dict[str, str]:
    shown = {}
    for (module, name), values in config.modparams.items():
        head = f'modparam("{module}", "{name}", '
        masked = [_masked(masker, f"{head}{_quoted(value)}")[len(head) :] for value in values]
        shown[f"{module}.{name}"] = " ".join(masked)
    return shown


def _settings(settings: Mapping[str, str], masker: Masker) -> dict[str, str]:
    return {name: _masked(masker, f"{name} = {value}")[len(name) + 3 :] for name, value in settings.items()}


def _defines(defines: Mapping[str, str], masker: Masker) -> dict[str, str]:
    head = "#!define "
    return {
        name: _masked(masker, f"{head}{name} {value}")[len(head) + len(name) + 1 :] for name, value in defines.items()
    }


def _masked(masker: Masker, text: str) -> str:
    return readable(masker.mask_text(text, KAMAILIO)[0])


def _quoted(value: str) -> str:
    if re.fullmatch(r"-?[0-9]+", value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _compare_routes(old: Mapping[str, list[str]], new: Mapping[str, list[str]]) -> Iterator[SemanticChange]:
    for name in sorted(set(old) | set(new)):
        before, after = old.get(name, []), new.get(name, [])
        if before == after and (name in old) == (name in new):
            continue
        came, went = counts(before, after)
        touched = "\n".join(set(before) ^ set(after)) + "\n" + name
        action = ADDED if name not in old else REMOVED if name not in new else CHANGED
        yield SemanticChange("route block", name, action, None, f"(+{came} -{went} lines)", dialled=touched)


# --- tables ----------------------------------------------------------------------------------------------------------
def dumps_in(view: Mapping[bytes, bytes]) -> set[bytes]:
    """The paths of the SQL dumps of a generation."""
    return {path for path in view if _DUMP.match(path)}


def read_tables(
    view: Mapping[bytes, bytes],
    config: KamailioConfig,
    dumps: Iterable[bytes],
    table_folders: Iterable[str],
    classes: TableClasses,
    masker: Masker,
) -> Tables:
    """All rows of these SQL dumps, of the text databases in these folders, and of the dispatcher's list file."""
    tables = Tables()
    reader = _TableReader(tables, classes, masker)
    for path in sorted(dumps):
        name = readable(decoded(path))
        try:
            reader.take(sqldump.rows(decoded(view[path])))
        except sqldump.SqlDumpMalformed:
            tables.unreadable.append(name)
    folders = {folder.rstrip("/").encode("utf-8", "surrogateescape") for folder in table_folders}
    for path in sorted(view):
        folder, _slash, file_name = path.rpartition(b"/")
        if folder in folders:
            table, text = decoded(file_name), decoded(view[path])
            if dbtext.is_table(text):
                reader.take(dbtext.rows(table, text), table)
    reader.take(_dispatcher_list(view, config))
    reader.finish()
    return tables


class _TableReader:
    def __init__(self, tables: Tables, classes: TableClasses, masker: Masker) -> None:
        self.tables = tables
        self.classes = classes
        self.masker = masker
        self.hashes: dict[str, hashlib._Hash] = {}

    def take(self, rows: Iterable[Row], table: str | None = None) -> None:
        if table is not None and table not in self.classes.volatile:
            self.tables.counts.setdefault(table, 0)
        for row in rows:
            if row.table in self.classes.volatile or row.table == "sqlite_sequence":
                continue
            self.tables.counts[row.table] = self.tables.counts.get(row.table, 0) + 1
            if row.table in NATURAL_KEYS and row.fits:
                self._record(row)
            elif row.table not in self.classes.logs:
                digest = self.hashes.setdefault(row.table, hashlib.sha256())
                digest.update(repr(row.values).encode("utf-8", "surrogateescape"))

    def finish(self) -> None:
        """Give the digests of the tables that are only counted."""
        self.tables.digests.update({table: digest.hexdigest() for table, digest in self.hashes.items()})

    def _record(self, row: Row) -> None:
        shown = mask_values(self.masker, row.values, secret_values(row), COMMON)
        record = {column: value for column, value in zip(row.columns, shown) if column != "id"}
        key_columns = NATURAL_KEYS[row.table]
        if row.table in USERS:
            key = "@".join(record.get(column, "") for column in key_columns)
        else:
            key = " ".join(value for value in (record.get(column, "") for column in key_columns) if value)
        records = self.tables.records.setdefault(row.table, {})
        name, count = key, 1
        while name in records:
            count += 1
            name = f"{key} ({count})"
        records[name] = record


def _dispatcher_list(view: Mapping[bytes, bytes], config: KamailioConfig) -> Iterator[Row]:
    path = config.parameter("dispatcher", "list_file")
    content = view.get(path.encode("utf-8", "surrogateescape")) if path else None
    for line in decoded(content or b"").splitlines():
        words = line.split("#", 1)[0].split(None, len(_WORDS_OF_A_LIST) - 1)
        if len(words) >= 2:
            columns = _WORDS_OF_A_LIST[: len(words)]
            yield Row("dispatcher", columns, tuple(words), tuple((0, 0) for _word in words))


def _compare_tables(old: Tables, new: Tables) -> Iterator[SemanticChange]:
    for table in sorted(set(old.records) | set(new.records)):
        before, after = old.records.get(table, {}), new.records.get(table, {})
        changes = compare_records(table, before, after)
        yield from map(_with_numbers, changes) if table in _ROUTING else changes
    for table in sorted(set(old.counts) | set(new.counts)):
        if table in old.records or table in new.records:
            continue
        before_count, after_count = old.counts.get(table), new.counts.get(table)
        if before_count != after_count:
            yield from compare_texts("table", _rows(table, before_count), _rows(table, after_count))
        elif old.digests.get(table) != new.digests.get(table):
            yield SemanticChange("table", table, CHANGED, f"{before_count} rows", f"{after_count} rows, other contents")
    for name in sorted(set(new.unreadable) - set(old.unreadable)):
        yield SemanticChange("dump", name, CHANGED, None, "cannot be followed", HIGH)


def _rows(table: str, count: int | None) -> dict[str, str]:
    return {} if count is None else {table: f"{count} rows"}


def _with_numbers(change: SemanticChange) -> SemanticChange:
    told = f"{change.object} {change.before or ''} {change.after or ''}"
    return replace(change, dialled=_NOT_DIALLED.sub(" ", told))
