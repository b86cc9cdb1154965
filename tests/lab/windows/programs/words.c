/* SPDX-FileCopyrightText: 2026 ucops contributors
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * words.exe: prints the words that it was given, one a line. */
#include "utf8.h"

int wmain(int count, wchar_t **words)
{
    for (int at = 1; at < count; at++)
        say(L"%ls\n", words[at]);
    return 0;
}
