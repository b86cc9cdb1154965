/* SPDX-FileCopyrightText: 2026 ucops contributors
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A service that does little but run:  service.exe [--lock FILE] [--write FILE] [--slow-stop MILLISECONDS] [--never-stop]
 * A FILE to lock is held open and shared with nobody while it runs; one to write is written anew before it says that it
 * runs, always the same. */
#include "patience.h"
#include <wchar.h>

static SERVICE_STATUS_HANDLE handle;
static SERVICE_STATUS status;
static HANDLE stopping;
static const wchar_t *file, *state;
static DWORD delay;
static BOOL stubborn;

static void tell(DWORD state)
{
    DWORD waited = 0;

    status.dwCurrentState = state;
    status.dwControlsAccepted = state == SERVICE_RUNNING ? SERVICE_ACCEPT_STOP : 0;
    status.dwWaitHint = 30000;
    status.dwCheckPoint = state == SERVICE_RUNNING || state == SERVICE_STOPPED ? 0 : 1;
    while (!SetServiceStatus(handle, &status) && busy(&waited))
        ;
}

static void WINAPI control(DWORD code)
{
    if (code == SERVICE_CONTROL_STOP) {
        tell(SERVICE_STOP_PENDING);
        if (!stubborn)
            SetEvent(stopping);
    } else {
        SetServiceStatus(handle, &status);
    }
}

static BOOL write_state(void)
{
    static const char text[] = "<started/>";
    DWORD count;
    HANDLE made = CreateFileW(state, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);

    if (made == INVALID_HANDLE_VALUE)
        return FALSE;
    return WriteFile(made, text, sizeof text - 1, &count, NULL) & CloseHandle(made);
}

static void WINAPI serve(DWORD count, wchar_t **words)
{
    HANDLE held = INVALID_HANDLE_VALUE;

    handle = RegisterServiceCtrlHandlerW(words[0], control);
    status.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
    tell(SERVICE_START_PENDING);
    if (file) {
        held = CreateFileW(file, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_ALWAYS, 0, NULL);
        if (held == INVALID_HANDLE_VALUE) {
            status.dwWin32ExitCode = GetLastError();
            tell(SERVICE_STOPPED);
            return;
        }
    }
    if (state && !write_state()) {
        status.dwWin32ExitCode = GetLastError();
        tell(SERVICE_STOPPED);
        return;
    }
    tell(SERVICE_RUNNING);
    WaitForSingleObject(stopping, INFINITE);
    Sleep(delay);
    CloseHandle(held);
    tell(SERVICE_STOPPED);
}

int wmain(int count, wchar_t **words)
{
    wchar_t any[] = L"";
    SERVICE_TABLE_ENTRYW table[] = {{any, serve}, {NULL, NULL}};

    stopping = CreateEventW(NULL, TRUE, FALSE, NULL);
    for (int at = 1; at < count; at++) {
        if (!wcscmp(words[at], L"--lock") && at + 1 < count)
            file = words[++at];
        else if (!wcscmp(words[at], L"--write") && at + 1 < count)
            state = words[++at];
        else if (!wcscmp(words[at], L"--slow-stop") && at + 1 < count)
            delay = _wtoi(words[++at]);
        else if (!wcscmp(words[at], L"--never-stop"))
            stubborn = TRUE;
    }
    open_manager(SC_MANAGER_CONNECT); /* for StartServiceCtrlDispatcher, which can be called only once */
    return StartServiceCtrlDispatcherW(table) ? 0 : 1;
}
