/* SPDX-FileCopyrightText: 2026 ucops contributors
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * run.exe [folder]: starts the command line in UCOPS_LAB_LINE exactly as it stands, as Windows' remote shell does, in a
 * job that ends with this program. Ends like the command and writes its exit code to the file in UCOPS_LAB_EXIT; ends with
 * 251 and the error's number when it cannot be started. */
#include <stdio.h>
#include <windows.h>

static wchar_t line[40000], path[1000];

int wmain(int count, wchar_t **words)
{
    STARTUPINFOW startup = {sizeof startup};
    PROCESS_INFORMATION process;
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {0};
    HANDLE job = CreateJobObjectW(NULL, NULL);
    DWORD code;
    FILE *file;

    GetEnvironmentVariableW(L"UCOPS_LAB_LINE", line, sizeof line / sizeof *line);
    SetEnvironmentVariableW(L"UCOPS_LAB_LINE", NULL);
    GetEnvironmentVariableW(L"UCOPS_LAB_EXIT", path, sizeof path / sizeof *path);
    SetEnvironmentVariableW(L"UCOPS_LAB_EXIT", NULL);
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits);
    startup.dwFlags = STARTF_USESTDHANDLES;
    startup.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
    startup.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    startup.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    if (!CreateProcessW(NULL, line, NULL, NULL, TRUE, CREATE_SUSPENDED, NULL, count > 1 ? words[1] : NULL, &startup, &process)) {
        fprintf(stderr, "error %lu\n", GetLastError());
        return 251;
    }
    AssignProcessToJobObject(job, process.hProcess);
    ResumeThread(process.hThread);
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &code);
    /* What it left running keeps running, as on Windows until the shell is closed. */
    limits.BasicLimitInformation.LimitFlags = 0;
    SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits);
    file = _wfopen(path, L"w");
    if (file) {
        fprintf(file, "%lu", code);
        fclose(file);
    }
    return code;
}
