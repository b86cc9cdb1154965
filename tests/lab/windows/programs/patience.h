/* SPDX-FileCopyrightText: 2026 ucops contributors
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Windows' RPC waits while the service control manager is busy with another client. Wine 8's gives up at once, with
 * error 1723: between two clients the manager's pipe has no free end for a moment (rpcrt4/rpc_transport.c, which does
 * not wait for a pipe of ncacn_np). A service that comes up at this moment is such a client. */
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
