/* SPDX-FileCopyrightText: 2026 ucops contributors
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * chatter.exe echo | count | endless | silent | errors N | file PATH
 * Input back to output; how many bytes of input there are; output without an end; nothing for ever; N lines of standard
 * error and exit code 3; a mark in a file every tenth of a second for ever. */
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <windows.h>

static char buffer[65536];

int wmain(int count, wchar_t **words)
{
    long long total = 0;
    size_t length;

    _setmode(0, _O_BINARY);
    _setmode(1, _O_BINARY);
    _setmode(2, _O_BINARY);
    if (count < 2)
        return 2;
    if (!wcscmp(words[1], L"echo") || !wcscmp(words[1], L"count")) {
        while ((length = fread(buffer, 1, sizeof buffer, stdin)) > 0) {
            total += length;
            if (words[1][0] == 'e')
                fwrite(buffer, 1, length, stdout);
        }
        if (words[1][0] == 'c')
            printf("%lld\n", total);
        return 0;
    }
    if (!wcscmp(words[1], L"endless")) {
        memset(buffer, 'x', sizeof buffer);
        while (fwrite(buffer, 1, sizeof buffer, stdout) == sizeof buffer)
            ;
        return 0;
    }
    if (!wcscmp(words[1], L"silent"))
        Sleep(INFINITE);
    if (!wcscmp(words[1], L"errors") && count > 2) {
        for (int at = _wtoi(words[2]); at > 0; at--)
            fputs("something is wrong\n", stderr);
        return 3;
    }
    if (!wcscmp(words[1], L"file") && count > 2)
        for (;;) {
            FILE *file = _wfopen(words[2], L"a");
            if (file) {
                fputs(".", file);
                fclose(file);
            }
            Sleep(100);
        }
    return 2;
}
