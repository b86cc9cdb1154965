/* SPDX-FileCopyrightText: 2026 ucops contributors
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Stand-in for tasklist.exe, whose list is empty in Wine: the processes that really run, as the Win32 API tells them.
 * Knows /fo csv, /nh and /fi "IMAGENAME eq name"; refuses everything else. Session and memory are made up. */
#include "utf8.h"
#include <tlhelp32.h>

int wmain(int count, wchar_t **words)
{
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    PROCESSENTRY32W one = {sizeof one};
    const wchar_t *wanted = NULL;
    BOOL header = TRUE, csv = FALSE;
    int found = 0;

    for (int at = 1; at < count; at++) {
        if (!_wcsicmp(words[at], L"/nh"))
            header = FALSE;
        else if (!_wcsicmp(words[at], L"/fo") && at + 1 < count && !_wcsicmp(words[at + 1], L"csv"))
            csv = TRUE, at++;
        else if (!_wcsicmp(words[at], L"/fi") && at + 1 < count && !_wcsnicmp(words[at + 1], L"imagename eq ", 13))
            wanted = words[++at] + 13;
        else {
            fprintf(stderr, "ERROR: Invalid argument/option (stand-in).\n");
            return 1;
        }
    }
    if (!csv) {
        fprintf(stderr, "ERROR: the stand-in knows /fo csv only.\n");
        return 1;
    }
    for (BOOL more = Process32FirstW(snapshot, &one); more; more = Process32NextW(snapshot, &one)) {
        if (wanted && _wcsicmp(one.szExeFile, wanted))
            continue;
        if (!found++ && header)
            say(L"\"Image Name\",\"PID\",\"Session Name\",\"Session#\",\"Mem Usage\"\r\n");
        say(L"\"%ls\",\"%lu\",\"Services\",\"0\",\"4.096 K\"\r\n", one.szExeFile, one.th32ProcessID);
    }
    if (!found)
        say(L"INFO: No tasks are running which match the specified criteria.\r\n");
    return 0;
}
