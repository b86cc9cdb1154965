# SPDX-FileCopyrightText: 2026 ucops contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import pathlib
import random
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.ucops.recovery.plugins.module_utils._compare import registry
from ansible_collections.ucops.recovery.plugins.module_utils._compare.normalise import normalise
from ansible_collections.ucops.recovery.plugins.module_utils._compare.registry import (
    REG_BINARY,
    REG_DWORD,
    REG_EXPAND_SZ,
    REG_MULTI_SZ,
    REG_QWORD,
    REG_SZ,
    RegistryFileMalformed,
    RegistryNormaliser,
    RegistryTree,
    RegistryValue,
    applied,
    change_between,
    fold,
    format_reg,
    long_key,
    normalised,
    parse_export,
    parse_reg,
)
from ansible_collections.ucops.recovery.plugins.module_utils._errors import (
    HostileContent,
    ItemTruncated,
    OptionInvalid,
)

GOLDEN = pathlib.Path(__file__).parent / "golden" / "wine.reg"
TOP = r"HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS"


def reg(text: str) -> bytes:
    return registry.BOM + text.replace("\n", "\r\n").encode("utf-16-le")


def file(body: str) -> bytes:
    return reg(f"{registry.HEADER}\n\n{body}\n\n")


# --- trees to try with ------------------------------------------------------------------------------------------------
CHARS = st.characters(exclude_characters="\0\r\n\\", exclude_categories=("Cs",))
PARTS = st.one_of(st.sampled_from(["Server", "SERVER", "Größe", "a]b", "-x", "@", "a/b"]), st.text(CHARS, min_size=1))
KEYS = st.lists(PARTS, max_size=3).map(lambda parts: "\\".join([TOP, *parts]))
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
VALUE = st.one_of(
    TEXTS.map(RegistryValue.of_text),
    st.builds(
        RegistryValue, st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0x80000000]), st.binary(max_size=90)
    ),
    st.integers(0, 2**32 - 1).map(RegistryValue.of_number),
)
NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=12)


def distinct(keys):
    """No two keys or names that Windows takes for the same."""
    found: dict[str, tuple[str, dict[str, tuple[str, RegistryValue]]]] = {}
    for key, values in keys.items():
        names = found.setdefault(fold(key), (key, {}))[1]
        names.update({fold(name): (name, value) for name, value in values.items()})
    return RegistryTree({key: dict(names.values()) for key, names in found.values()})


TREES = st.dictionaries(KEYS, st.dictionaries(NAMES, VALUE, max_size=4), max_size=6).map(distinct)


# --- laws -------------------------------------------------------------------------------------------------------------
@given(TREES)
def test_what_is_written_is_read_again(tree):
    assert parse_reg(format_reg(tree)) == tree


@given(TREES, st.randoms(use_true_random=False))
def test_neither_order_nor_case_nor_line_breaks_make_a_difference(tree, chance: random.Random):
    def shuffled(mapping):
        pairs = list(mapping.items())
        chance.shuffle(pairs)
        return pairs

    other = RegistryTree({key: dict(shuffled(values)) for key, values in shuffled(tree.keys)})
    broken_elsewhere = format_reg(other).replace(",\\\r\n  ".encode("utf-16-le"), ",".encode("utf-16-le"))
    assert parse_reg(broken_elsewhere).is_same(tree)
    assert normalise(broken_elsewhere, RegistryNormaliser()) == normalised(tree)


@given(TREES)
def test_normalising_twice_is_normalising_once(tree):
    once = normalise(format_reg(tree), RegistryNormaliser())
    assert normalise(once, RegistryNormaliser()) == once


@given(TREES, TREES)
def test_another_meaning_is_another_normal_form(one, other):
    flat = [
        {(fold(k), fold(n), v) for k, vs in t.keys.items() for n, v in [("", None), *vs.items()]} for t in (one, other)
    ]
    assert (normalised(one) == normalised(other)) == (flat[0] == flat[1])


@example(distinct({TOP: {}, f"{TOP}\\Server": {}}), distinct({f"{TOP}\\Server": {}}))
@given(TREES, TREES)
def test_a_change_makes_one_tree_of_another(before, after):
    change = parse_reg(format_reg(change_between(before, after)))
    assert applied(before, change).is_same(after)
    assert not change_between(after, after).keys


@given(TREES, st.data())
def test_no_cut_file_passes_for_a_whole_one(tree, data):
    tree = RegistryTree({TOP: {}, **tree.keys})
    content = format_reg(tree)
    cut = content[: data.draw(st.integers(0, len(content) - 1))]
    try:
        found = parse_export(cut, TOP)
    except (ItemTruncated, RegistryFileMalformed):
        return
    # cut behind the last line of a key, which is how a smaller export ends: only the size on the host can tell
    assert cut.decode("utf-16-le").endswith("\r\n\r\n") and len(found.keys) <= len(tree.keys)


@given(st.binary(max_size=200), st.booleans())
def test_whatever_comes_is_read_or_refused_with_a_reason(content, as_file):
    content = registry.BOM + content if as_file else content
    with contextlib.suppress(ItemTruncated, RegistryFileMalformed):
        parse_reg(content)


@given(
    st.lists(
        st.sampled_from(
            ['"a"=', '"', "@=", "hex:", "00,", "\\", "\r\n", "[", "-", f"[{TOP}]", "dword:1", ";", "=", " "]
        )
    )
)
def test_whatever_comes_in_its_own_words_too(parts):
    with contextlib.suppress(ItemTruncated, RegistryFileMalformed):
        parse_reg(file("".join(parts)))


@given(st.text())
def test_folding_is_done_after_once(name):
    assert fold(fold(name)) == fold(name) and len(fold(name)) == len(name)


def test_a_large_export_takes_time_in_proportion():
    def seconds(keys: int) -> float:
        values = {f"value {n}": RegistryValue.of_text("C:\\path\\" * 4) for n in range(10)}
        values["blob"] = RegistryValue(REG_BINARY, bytes(500))
        content = format_reg(RegistryTree({f"{TOP}\\{n}": values for n in range(keys)}))
        begin = time.process_time()
        normalise(content, RegistryNormaliser())
        return time.process_time() - begin

    assert seconds(2000) < 40 * max(seconds(100), 0.01)


# --- examples ---------------------------------------------------------------------------------------------------------
EXAMPLE = rf"""; a comment
[{TOP}\Server]
@="default"
"Text"="a \"quoted\" C:\\path"
"Number"=dword:0000002A
"Binary"=hex:00,01,\
  02,ff
"Expand"=hex(2):25,00,54,00,25,00,00,00
"Multi"=hex(7):61,00,00,00,62,00,00,00,00,00
"Big"=hex(b):01,00,00,00,00,00,00,00
"Nothing"=hex(0):
"Lines"="first
second"

  ; another one

[{TOP}\Server\Größe]
"ü"="€"
"""


def test_an_export_by_example():
    tree = parse_reg(file(EXAMPLE))
    key = r"hklm\software\estos\SERVER"
    assert tree.text(key) == "default"
    assert tree.text(key, "TEXT") == 'a "quoted" C:\\path'
    assert tree.number(key, "Number") == 42
    assert tree.value(key, "Binary") == RegistryValue(REG_BINARY, b"\0\1\2\xff")
    assert tree.text(key, "Expand") == "%T%" and tree.value(key, "Expand").type == REG_EXPAND_SZ
    assert tree.value(key, "Multi").texts == ["a", "b"] and tree.value(key, "Multi").type == REG_MULTI_SZ
    assert tree.number(key, "Big") == 1 and tree.value(key, "Big").type == REG_QWORD
    assert tree.value(key, "Nothing") == RegistryValue(0, b"")
    assert tree.text(key, "Lines") == "first\r\nsecond"
    assert tree.text(rf"{key}\größe", "Ü") == "€"
    assert tree.subkeys("HKLM\\SOFTWARE") == ["ESTOS"] and tree.subkeys(key) == ["Größe"]
    assert tree.value(key, "no such") is None and tree.number(key, "Text") is None and tree.text(key, "Number") == ""
    assert "HKLM\\no such" not in tree and tree.values("HKLM\\no such") == {}
    assert list(tree.below(rf"{key}\GRÖSSE").keys) == []
    assert list(tree.below(rf"{key}\größe").keys) == [rf"{TOP}\Server\Größe"]


def test_an_export_of_a_real_reg():
    """Written by Wine's ``reg export``, which escapes line breaks."""
    content = GOLDEN.read_bytes()
    key = r"HKEY_LOCAL_MACHINE\SOFTWARE\ESTOS\UCServer4\Server"
    tree = parse_export(content, key)
    assert tree.subkeys(key) == ["Empty", "Größe [1]"] and tree.values(key + r"\Empty") == {}
    assert tree.text(key, "Lines") == "a\r\nb" and tree.text(key, 'Name with "quotes" and \\') == "x"
    assert tree.value(key, "Binary").data == bytes(range(48)) and tree.value(key, "Multi").texts == ["a", "b"]
    assert tree.value(key, "Big endian") == RegistryValue(5, b"\0\0\0\1") and tree.value(key, "None").type == 0
    assert tree.text(key) == "the default" and tree.text(key + r"\Größe [1]", "ä") == "ö"
    assert parse_export(format_reg(tree), key) == tree
    for end in range(2, len(content) - 2, 26):
        try:
            cut = parse_export(content[:end], key)
        except ItemTruncated:
            continue
        assert content[:end].decode("utf-16").endswith("\r\n\r\n") and len(cut.keys) < len(tree.keys)


def test_removals():
    tree = parse_reg(file(f'[-{TOP}\\Old]\n\n[{TOP}]\n"a"="1"\n"A"=-\n"b"=-\n"b"="2"\n'))
    assert tree.removed_keys == (rf"{TOP}\Old",)
    assert tree.removed_values == {TOP: ("A",)}
    assert tree.keys == {TOP: {"b": RegistryValue.of_text("2")}}
    before = RegistryTree({TOP: {"a": RegistryValue.of_number(1)}, rf"{TOP}\OLD\Sub": {}})
    assert applied(before, tree).keys == {TOP: {"b": RegistryValue.of_text("2")}}


def test_a_change_is_no_larger_than_it_must_be():
    before = RegistryTree(
        {TOP: {"a": RegistryValue.of_number(1), "b": RegistryValue.of_number(2)}, rf"{TOP}\x": {}, rf"{TOP}\x\y": {}}
    )
    after = RegistryTree({TOP.upper(): {"A": RegistryValue.of_number(1), "c": RegistryValue.of_number(3)}})
    change = change_between(before, after)
    assert change.removed_keys == (rf"{TOP}\x",)
    assert change.removed_values == {TOP.upper(): ("b",)}
    assert change.keys == {TOP.upper(): {"c": RegistryValue.of_number(3)}}


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("HKLM\\SOFTWARE\\x", "HKEY_LOCAL_MACHINE\\SOFTWARE\\x"),
        ("Computer\\HKEY_CURRENT_USER\\x\\", "HKEY_CURRENT_USER\\x"),
        ("hku", "HKEY_USERS"),
        ("hkey_users\\S-1-5-18", "HKEY_USERS\\S-1-5-18"),
        ("other\\x", "other\\x"),
    ],
)
def test_long_names_of_keys(name, key):
    assert long_key(name) == key


@pytest.mark.parametrize(
    "content",
    [
        b"",
        registry.BOM,
        reg(registry.HEADER),
        reg(registry.HEADER[:20]),
        file("")[:-1],
        reg(f"{registry.HEADER}\n\n[{TOP}"),
        reg(f'{registry.HEADER}\n\n[{TOP}]\n"a'),
        reg(f'{registry.HEADER}\n\n[{TOP}]\n"a\\'),
        reg(f'{registry.HEADER}\n\n[{TOP}]\n"a"'),
        reg(f'{registry.HEADER}\n\n[{TOP}]\n"a"="b"\n"c"="open\n\n'),
        reg(f'{registry.HEADER}\n\n[{TOP}]\n"a"=dword:0000'),
        reg(f'{registry.HEADER}\n\n[{TOP}]\n"a"=hex:00,01,\\\n'),
        reg(f'{registry.HEADER}\n\n[{TOP}]\n"a"=hex:00,01,\\\n  02'),
        reg(f'{registry.HEADER}\n\n[{TOP}]\n"a"=he'),
        reg(f"{registry.HEADER}\n\n; comment"),
    ],
)
def test_cut_files_are_called_so(content):
    with pytest.raises(ItemTruncated):
        parse_reg(content)


@pytest.mark.parametrize(
    "content",
    [
        b"REGEDIT4\r\n\r\n",
        file("").decode("utf-16").encode("utf-8"),
        reg("REGEDIT4\n\n"),
        reg("Windows Registry Editor Version 4\n"),
        file('"a"="b"'),
        file('[-HKEY_LOCAL_MACHINE\\x]\n"a"="b"'),
        file("[]"),
        file("[SOFTWARE\\x]"),
        file("[HKEY_EVERYTHING\\x]"),
        file("[HKEY_LOCAL_MACHINE\\\\x]"),
        file("[HKEY_LOCAL_MACHINE\\x\\]"),
        file("[HKEY_LOCAL_MACHINE\\x"),
        file(f"[{TOP}]\nsecret words"),
        file(f'[{TOP}]\n"a" "b"'),
        file(f'[{TOP}]\n"a"=secret words'),
        file(f'[{TOP}]\n"a"="b" ; secret words'),
        file(f'[{TOP}]\n"a"="b\\q"'),
        file(f'[{TOP}]\n"a"=dword:123456789'),
        file(f'[{TOP}]\n"a"=dword:xyz'),
        file(f'[{TOP}]\n"a"=hex:0,1'),
        file(f'[{TOP}]\n"a"=hex:00 01'),
        file(f'[{TOP}]\n"a"=hex:zz'),
        file(f'[{TOP}]\n"a"=hex(123456789):00'),
        file(f'[{TOP}]\n"a"=hex():00'),
    ],
)
def test_what_is_no_export_is_refused_and_never_quoted(content):
    with pytest.raises(RegistryFileMalformed) as caught:
        parse_reg(content)
    assert "secret" not in str(caught.value)


def test_an_export_that_is_too_large_is_not_taken(monkeypatch):
    monkeypatch.setattr(registry, "LARGEST", 1000)
    with pytest.raises(RegistryFileMalformed, match="larger"):
        parse_reg(file("; " + 500 * "x"))
    large = file("; " + 500 * "x")
    assert normalise(large, RegistryNormaliser()) == large


@pytest.mark.parametrize("content", [b"no export", file(f"[-{TOP}]"), file(f'[{TOP}]\n"a"=-')])
def test_what_is_no_export_is_compared_as_it_is(content):
    assert normalise(content, RegistryNormaliser()) == content


def test_what_is_volatile_is_not_compared():
    def drop(key, name):
        return name == "Counter" or key.endswith("\\Enum")

    def normal(body):
        return normalise(file(body), RegistryNormaliser(lambda tree: tree.without(drop)))

    one = normal(f'[{TOP}]\n"Counter"=dword:1\n"a"="1"\n\n[{TOP}\\Enum]\n"x"="y"')
    other = normal(f'[{TOP}]\n"a"="1"\n"Counter"=dword:2')
    assert one == other == normal(f'[{TOP}]\n"a"="1"')


# --- an export of one key ---------------------------------------------------------------------------------------------
def test_an_export_of_one_key():
    tree = parse_export(file(EXAMPLE), TOP + r"\server")
    assert len(tree.keys) == 2


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("[HKEY_LOCAL_MACHINE\\SOFTWARE]", "HKEY_LOCAL_MACHINE\\SOFTWARE"),
        ("[HKEY_LOCAL_MACHINE\\SOFTWARE\\ESTOS2]", "ESTOS2"),
        ("[-HKEY_LOCAL_MACHINE\\SOFTWARE]", "removes"),
        (f"[-{TOP}\\x]", "removes"),
        (f'[{TOP}]\n"a"=-', "removes"),
    ],
)
def test_a_hostile_file_is_refused_by_name(body, named):
    with pytest.raises(HostileContent, match=named.replace("\\", "\\\\")):
        parse_export(file(f"[{TOP}]\n\n{body}"), TOP)


def test_an_export_must_name_its_key_and_end_whole():
    with pytest.raises(ItemTruncated, match="own key"):
        parse_export(file(f"[{TOP}\\x]"), TOP)
    with pytest.raises(ItemTruncated, match="empty line"):
        parse_export(reg(f'{registry.HEADER}\n\n[{TOP}]\n"a"="b"\n'), TOP)


def test_moved():
    tree = parse_reg(file('[HKEY_USERS\\ucops-1\\Software]\n"a"="b"')).moved(
        "HKEY_USERS\\UCOPS-1", "HKEY_USERS\\S-1-5-21"
    )
    assert list(tree.keys) == ["HKEY_USERS\\S-1-5-21\\Software"]
    with pytest.raises(OptionInvalid):
        tree.moved("HKEY_USERS\\S-1-5-2", "HKEY_USERS\\x")


def test_a_key_that_no_file_can_hold():
    with pytest.raises(OptionInvalid, match="name of this key"):
        format_reg(RegistryTree({TOP + "\\a\nb": {}}))


def test_long_bytes_are_wrapped_as_the_registry_editor_does():
    text = format_reg(RegistryTree({TOP: {"a" * 10: RegistryValue(REG_BINARY, bytes(60))}})).decode("utf-16")
    rows = text.splitlines()[3:-1]
    assert all(len(row) <= 80 for row in rows) and all(row.endswith(",\\") for row in rows[:-1])
    assert all(row.startswith("  00") for row in rows[1:])


def test_values_say_what_they_are():
    assert RegistryValue.of_text("x").texts == ["x"] and RegistryValue.of_text("").texts == []
    assert RegistryValue.of_texts(["a", "", "b"]).texts == ["a", "", "b"]
    assert RegistryValue(REG_DWORD, b"\1").number is None and RegistryValue(REG_SZ, b"a\0b").text == "a"
    assert RegistryValue.of_number(5, REG_QWORD).number == 5
    assert "secret" not in repr(RegistryValue(REG_SZ, b"secret"))
