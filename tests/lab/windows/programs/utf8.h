/* SPDX-FileCopyrightText: 2026 ucops contributors
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Output of our own programs: always UTF-8, as under code page 65001, whatever Wine thinks of code pages. */
#include <stdarg.h>
#include <stdio.h>
#include <windows.h>

static void say(const wchar_t *format, ...)
{
    static wchar_t text[70000];
    static char bytes[210000];
    DWORD written;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vswprintf(text, sizeof text / sizeof *text, format, arguments);
    va_end(arguments);
    length = WideCharToMultiByte(CP_UTF8, 0, text, length, bytes, sizeof bytes, NULL, NULL);
    WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), bytes, length, &written, NULL);
}
