/* SPDX-FileCopyrightText: 2026 ucops contributors
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The manager's pipe has one free end at a time, and the next only when the manager gets to run. Windows' RPC waits for
 * it; Wine 8's gives up after 5 seconds, with error 1723, which happens on a machine under load. A service that comes up
 * or tells its state is such a client too: what it could not tell, nobody ever hears. */
#include <windows.h>

#define LONGEST_WAIT 30000 /* milliseconds */
#define PAUSE 10

/* Whether to try again, after a pause: the error is that one, and it is not too late. */
static BOOL busy(DWORD *waited)
{
    DWORD error = GetLastError();

    if ((error != RPC_S_SERVER_TOO_BUSY && error != RPC_S_SERVER_UNAVAILABLE) || *waited >= LONGEST_WAIT)
        return FALSE;
    Sleep(PAUSE);
    *waited += PAUSE;
    SetLastError(error);
    return TRUE;
}

/* OpenSCManager. Later calls of the process find the connection that it made. */
static SC_HANDLE open_manager(DWORD rights)
{
    DWORD waited = 0;
    SC_HANDLE manager;

    do
        manager = OpenSCManagerW(NULL, NULL, rights);
    while (!manager && busy(&waited));
    return manager;
}
