/* SPDX-FileCopyrightText: 2026 ucops contributors
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Stand-in for sc.exe, of which Wine's knows a third. What it does goes to Wine's real service control manager; what
 * that does not keep (failure actions, delayed start, security, ...) goes where Windows keeps it, into the service's key.
 * Ends like Windows' with the error's number. Labels are numbers and English words, as on an English Windows. */
#include "patience.h"
#include "utf8.h"
#include <sddl.h>
#include <wchar.h>

#define KEY L"SYSTEM\\CurrentControlSet\\Services\\"

static SC_HANDLE manager;
static int count;
static wchar_t **words;

static int failed(const wchar_t *call, DWORD error)
{
    say(L"[SC] %ls FAILED %lu:\r\n\r\n", call, error);
    return error;
}

static int done(const wchar_t *call)
{
    say(L"[SC] %ls SUCCESS\r\n", call);
    return 0;
}

static int misused(const wchar_t *what)
{
    say(L"ERROR:  Invalid Option (stand-in): %ls\r\n", what);
    return ERROR_INVALID_COMMAND_LINE;
}

/* The value of an option such as "start=", which must be a word of its own. */
static wchar_t *option(const wchar_t *name)
{
    for (int at = 3; at + 1 < count; at += 2)
        if (!_wcsicmp(words[at], name))
            return words[at + 1];
    return NULL;
}

/* The first word that is no option of these; NULL when all are. */
static const wchar_t *stranger(const wchar_t *const *known)
{
    for (int at = 3; at < count; at += 2) {
        int each = 0;
        while (known[each] && _wcsicmp(words[at], known[each]))
            each++;
        if (!known[each] || at + 1 == count)
            return words[at];
    }
    return NULL;
}

static DWORD named(const wchar_t *value, const wchar_t *const *names, const DWORD *numbers)
{
    for (int each = 0; names[each]; each++)
        if (!_wcsicmp(value, names[each]))
            return numbers[each];
    return SERVICE_NO_CHANGE - 1;
}

static SC_HANDLE service(DWORD rights)
{
    return OpenServiceW(manager, count > 2 ? words[2] : L"", rights);
}

static LSTATUS put(const wchar_t *sub, const wchar_t *name, DWORD type, const void *data, DWORD size)
{
    wchar_t path[600];
    HKEY key;
    LSTATUS status;

    swprintf(path, 600, L"%ls%ls%ls", KEY, words[2], sub);
    status = RegCreateKeyExW(HKEY_LOCAL_MACHINE, path, 0, NULL, 0, KEY_ALL_ACCESS, NULL, &key, NULL);
    if (status)
        return status;
    status = data ? RegSetValueExW(key, name, 0, type, data, size) : RegDeleteValueW(key, name);
    RegCloseKey(key);
    return !data && status == ERROR_FILE_NOT_FOUND ? 0 : status;
}

static LSTATUS put_text(const wchar_t *name, const wchar_t *text)
{
    return put(L"", name, REG_SZ, *text ? text : NULL, (wcslen(text) + 1) * sizeof *text);
}

static LSTATUS put_number(const wchar_t *name, DWORD number)
{
    return put(L"", name, REG_DWORD, &number, sizeof number);
}

static DWORD get(const wchar_t *sub, const wchar_t *name, void *data, DWORD size)
{
    wchar_t path[600];

    swprintf(path, 600, L"%ls%ls%ls", KEY, words[2], sub);
    return RegGetValueW(HKEY_LOCAL_MACHINE, path, name, RRF_RT_ANY | RRF_NOEXPAND, NULL, data, &size) ? 0 : size;
}

/* a/b as a\0b\0\0; "/" as nothing. Returns its size in bytes. */
static DWORD listed(const wchar_t *text, wchar_t *list)
{
    wchar_t *to = list;

    for (; *text; text++)
        if (*text != L'/')
            *to++ = *text;
        else if (to > list && to[-1])
            *to++ = 0;
    if (to > list && to[-1])
        *to++ = 0;
    *to++ = 0;
    return (to - list) * sizeof *list;
}

/* --- settings ---------------------------------------------------------------------------------------------------- */
static int configure(BOOL create)
{
    static const wchar_t *const known[] = {L"type=", L"start=", L"error=", L"binPath=", L"group=", L"tag=", L"depend=",
                                           L"obj=", L"DisplayName=", L"password=", NULL};
    static const wchar_t *const types[] = {L"own", L"share", NULL};
    static const wchar_t *const starts[] = {L"boot", L"system", L"auto", L"demand", L"disabled", L"delayed-auto", NULL};
    static const wchar_t *const errors[] = {L"ignore", L"normal", L"severe", L"critical", NULL};
    static const DWORD type_numbers[] = {0x10, 0x20}, numbers[] = {0, 1, 2, 3, 4, 2};
    static wchar_t list[4096], kept[4096];
    DWORD kept_size = 0;
    const wchar_t *call = create ? L"CreateService" : L"ChangeServiceConfig";
    DWORD type = SERVICE_NO_CHANGE, start = SERVICE_NO_CHANGE, error = SERVICE_NO_CHANGE;
    wchar_t *depends = option(L"depend=") ? list : NULL;
    SC_HANDLE one;

    if (stranger(known))
        return misused(stranger(known));
    if (option(L"type="))
        type = named(option(L"type="), types, type_numbers);
    if (option(L"start="))
        start = named(option(L"start="), starts, numbers);
    if (option(L"error="))
        error = named(option(L"error="), errors, numbers);
    if (type == SERVICE_NO_CHANGE - 1 || start == SERVICE_NO_CHANGE - 1 || error == SERVICE_NO_CHANGE - 1)
        return misused(L"type=, start= or error=");
    if (depends)
        listed(option(L"depend="), list);
    if (create) {
        if (!option(L"binPath="))
            return misused(L"binPath= is missing");
        one = CreateServiceW(manager, words[2], option(L"DisplayName="), SERVICE_ALL_ACCESS,
                             type == SERVICE_NO_CHANGE ? 0x10 : type, start == SERVICE_NO_CHANGE ? 3 : start,
                             error == SERVICE_NO_CHANGE ? 1 : error, option(L"binPath="), option(L"group="), NULL,
                             depends, option(L"obj="), option(L"password="));
    } else {
        one = service(SERVICE_ALL_ACCESS);
        if (!one)
            return failed(L"OpenService", GetLastError());
        if (!depends) /* Wine forgets them with every change */
            kept_size = get(L"", L"DependOnService", kept, sizeof kept);
        if (!ChangeServiceConfigW(one, type, start, error, option(L"binPath="), option(L"group="), NULL, depends,
                                  option(L"obj="), option(L"password="), option(L"DisplayName=")))
            one = NULL;
    }
    if (!one)
        return failed(call, GetLastError());
    if (kept_size)
        put(L"", L"DependOnService", REG_MULTI_SZ, kept, kept_size);
    if (option(L"start=")) {
        DWORD delayed = 1;
        put(L"", L"DelayedAutostart", REG_DWORD, _wcsicmp(option(L"start="), L"delayed-auto") ? NULL : &delayed, 4);
    }
    return done(call);
}

static int describe(void)
{
    SERVICE_DESCRIPTIONW description = {count > 3 ? words[3] : L""};
    SC_HANDLE one = service(SERVICE_ALL_ACCESS);

    if (!one)
        return failed(L"OpenService", GetLastError());
    if (!ChangeServiceConfig2W(one, SERVICE_CONFIG_DESCRIPTION, &description))
        return failed(L"ChangeServiceConfig2", GetLastError());
    return done(L"ChangeServiceConfig2");
}

/* SERVICE_FAILURE_ACTIONS as Windows keeps it: seconds, two flags, count, offset, then (action, milliseconds) each. */
static int fail_with(void)
{
    static const wchar_t *const known[] = {L"reset=", L"reboot=", L"command=", L"actions=", NULL};
    static const wchar_t *const kinds[] = {L"", L"restart", L"reboot", L"run", NULL};
    static const DWORD numbers[] = {0, 1, 2, 3};
    DWORD data[5 + 2 * 16] = {0, 0, 0, 0, 20};
    wchar_t *actions = option(L"actions="), *reset = option(L"reset=");

    if (stranger(known))
        return misused(stranger(known));
    if (!service(SERVICE_ALL_ACCESS))
        return failed(L"OpenService", GetLastError());
    if (!actions != !reset)
        return misused(L"reset= and actions= go together");
    if (actions) {
        data[0] = _wcsicmp(reset, L"INFINITE") ? (DWORD)_wtoi(reset) : INFINITE;
        while (*actions && data[3] < 16) {
            wchar_t kind[16] = L"";
            size_t length = wcscspn(actions, L"/");
            if (length > 15)
                return misused(actions);
            wcsncpy(kind, actions, length);
            actions += length + (actions[length] == L'/');
            data[5 + 2 * data[3]] = named(kind, kinds, numbers);
            if (data[5 + 2 * data[3]] > 3)
                return misused(kind);
            data[6 + 2 * data[3]++] = wcstoul(actions, NULL, 10);
            length = wcscspn(actions, L"/");
            actions += length + (actions[length] == L'/');
        }
        put(L"", L"FailureActions", REG_BINARY, data, 20 + 8 * data[3]);
    }
    if (option(L"reboot="))
        put_text(L"RebootMessage", option(L"reboot="));
    if (option(L"command="))
        put_text(L"FailureCommand", option(L"command="));
    return done(L"ChangeServiceConfig2");
}

static int set_value(const wchar_t *verb)
{
    static const wchar_t *const sids[] = {L"none", L"unrestricted", L"restricted", NULL};
    static const DWORD numbers[] = {0, 1, 3};
    static wchar_t list[4096];
    const wchar_t *value = count > 3 ? words[3] : L"";

    if (!service(SERVICE_ALL_ACCESS))
        return failed(L"OpenService", GetLastError());
    if (!wcscmp(verb, L"failureflag")) {
        if (wcscmp(value, L"0") && wcscmp(value, L"1"))
            return misused(value);
        put_number(L"FailureActionsOnNonCrashFailures", _wtoi(value));
    } else if (!wcscmp(verb, L"sidtype")) {
        if (named(value, sids, numbers) > 3)
            return misused(value);
        put_number(L"ServiceSidType", named(value, sids, numbers));
    } else {
        DWORD size = listed(value, list);
        put(L"", L"RequiredPrivileges", REG_MULTI_SZ, size > sizeof *list ? list : NULL, size);
    }
    return done(L"ChangeServiceConfig2");
}

static int set_security(void)
{
    PSECURITY_DESCRIPTOR security;
    ULONG size;

    if (!service(SERVICE_ALL_ACCESS))
        return failed(L"OpenService", GetLastError());
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(count > 3 ? words[3] : L"", SDDL_REVISION_1, &security, &size))
        return failed(L"ConvertStringSecurityDescriptorToSecurityDescriptor", GetLastError());
    put(L"\\Security", L"Security", REG_BINARY, security, size);
    return done(L"SetServiceObjectSecurity");
}

/* --- questions --------------------------------------------------------------------------------------------------- */
static const wchar_t *state_name(DWORD state)
{
    static const wchar_t *const names[] = {L"", L"STOPPED", L"START_PENDING", L"STOP_PENDING", L"RUNNING",
                                           L"CONTINUE_PENDING", L"PAUSE_PENDING", L"PAUSED"};
    return names[state < 8 ? state : 0];
}

static void show(const wchar_t *name, const wchar_t *display, const SERVICE_STATUS_PROCESS *status, BOOL extended)
{
    say(L"\r\nSERVICE_NAME: %ls\r\n", name);
    if (display)
        say(L"DISPLAY_NAME: %ls\r\n", display);
    say(L"        TYPE               : %lx  %ls\r\n", status->dwServiceType,
        status->dwServiceType & 0x10 ? L"WIN32_OWN_PROCESS" : L"WIN32_SHARE_PROCESS");
    say(L"        STATE              : %lu  %ls\r\n", status->dwCurrentState, state_name(status->dwCurrentState));
    say(L"        WIN32_EXIT_CODE    : %lu  (0x%lx)\r\n", status->dwWin32ExitCode, status->dwWin32ExitCode);
    say(L"        SERVICE_EXIT_CODE  : %lu  (0x%lx)\r\n", status->dwServiceSpecificExitCode, status->dwServiceSpecificExitCode);
    say(L"        CHECKPOINT         : 0x%lx\r\n        WAIT_HINT          : 0x%lx\r\n", status->dwCheckPoint, status->dwWaitHint);
    if (extended)
        say(L"        PID                : %lu\r\n        FLAGS              : \r\n", status->dwProcessId);
}

static int query(BOOL extended)
{
    static BYTE buffer[262144];
    DWORD size, found = 0, resume = 0;
    SERVICE_STATUS_PROCESS status;

    if (count > 2 && !wcschr(words[2], L'=')) {
        SC_HANDLE one = service(SERVICE_QUERY_STATUS);
        if (!one)
            return failed(L"EnumQueryServicesStatus:OpenService", GetLastError());
        if (!QueryServiceStatusEx(one, SC_STATUS_PROCESS_INFO, (BYTE *)&status, sizeof status, &size))
            return failed(L"QueryServiceStatusEx", GetLastError());
        show(words[2], NULL, &status, extended);
        return 0;
    }
    for (int at = 2; at + 1 < count; at += 2) {
        if (!_wcsicmp(words[at], L"state=") && !_wcsicmp(words[at + 1], L"all"))
            found = SERVICE_STATE_ALL;
        else if (_wcsicmp(words[at], L"type=") || _wcsicmp(words[at + 1], L"service"))
            return misused(words[at]);
    }
    if (!EnumServicesStatusExW(manager, SC_ENUM_PROCESS_INFO, SERVICE_WIN32, found ? found : SERVICE_ACTIVE, buffer,
                               sizeof buffer, &size, &found, &resume, NULL))
        return failed(L"EnumServicesStatusEx", GetLastError());
    for (ENUM_SERVICE_STATUS_PROCESSW *one = (void *)buffer; found--; one++)
        show(one->lpServiceName, one->lpDisplayName, &one->ServiceStatusProcess, extended);
    return 0;
}

static int show_configuration(void)
{
    static BYTE buffer[8192];
    static wchar_t depends[4096]; /* which Wine keeps, but does not tell */
    static const wchar_t *const starts[] = {L"BOOT_START", L"SYSTEM_START", L"AUTO_START", L"DEMAND_START", L"DISABLED"};
    static const wchar_t *const errors[] = {L"IGNORE", L"NORMAL", L"SEVERE", L"CRITICAL"};
    QUERY_SERVICE_CONFIGW *config = (void *)buffer;
    DWORD size, delayed = 0;
    SC_HANDLE one = service(SERVICE_QUERY_CONFIG);

    if (!one)
        return failed(L"OpenService", GetLastError());
    if (!QueryServiceConfigW(one, config, sizeof buffer, &size))
        return failed(L"QueryServiceConfig", GetLastError());
    get(L"", L"DelayedAutostart", &delayed, sizeof delayed);
    done(L"QueryServiceConfig");
    say(L"\r\nSERVICE_NAME: %ls\r\n        TYPE               : %lx  %ls\r\n", words[2], config->dwServiceType,
        config->dwServiceType & 0x10 ? L"WIN32_OWN_PROCESS" : L"WIN32_SHARE_PROCESS");
    say(L"        START_TYPE         : %lu   %ls%ls\r\n", config->dwStartType, starts[config->dwStartType % 5],
        delayed ? L"  (DELAYED)" : L"");
    say(L"        ERROR_CONTROL      : %lu   %ls\r\n", config->dwErrorControl, errors[config->dwErrorControl % 4]);
    say(L"        BINARY_PATH_NAME   : %ls\r\n", config->lpBinaryPathName);
    say(L"        LOAD_ORDER_GROUP   : %ls\r\n        TAG                : 0\r\n", config->lpLoadOrderGroup);
    say(L"        DISPLAY_NAME       : %ls\r\n        DEPENDENCIES       : ", config->lpDisplayName);
    get(L"", L"DependOnService", depends, sizeof depends);
    for (wchar_t *each = depends; *each; each += wcslen(each) + 1)
        say(each == depends ? L"%ls\r\n" : L"                           : %ls\r\n", each);
    if (!*depends)
        say(L"\r\n");
    say(L"        SERVICE_START_NAME : %ls\r\n", config->lpServiceStartName);
    return 0;
}

static int show_value(const wchar_t *verb)
{
    static BYTE data[8192];
    wchar_t *text;

    if (!service(SERVICE_QUERY_CONFIG))
        return failed(L"OpenService", GetLastError());
    if (!wcscmp(verb, L"sdshow")) {
        if (!get(L"\\Security", L"Security", data, sizeof data))
            text = L"D:(A;;CCLCSWRPWPDTLOCRRC;;;SY)(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)(A;;CCLCSWLOCRRC;;;IU)(A;;CCLCSWLOCRRC;;;SU)";
        else if (!ConvertSecurityDescriptorToStringSecurityDescriptorW(
                     data, SDDL_REVISION_1, DACL_SECURITY_INFORMATION | SACL_SECURITY_INFORMATION, &text, NULL))
            return failed(L"ConvertSecurityDescriptorToStringSecurityDescriptor", GetLastError());
        say(L"\r\n%ls\r\n", text);
        return 0;
    }
    say(L"[SC] QueryServiceConfig2 SUCCESS\r\n\r\nSERVICE_NAME: %ls\r\n", words[2]);
    if (!wcscmp(verb, L"qdescription")) {
        get(L"", L"Description", data, sizeof data);
        say(L"DESCRIPTION:  %ls\r\n", (wchar_t *)data);
    } else if (!wcscmp(verb, L"qfailureflag")) {
        get(L"", L"FailureActionsOnNonCrashFailures", data, sizeof data);
        say(L"FAILURE_ACTIONS_ON_NONCRASH_FAILURES: %ls\r\n", *data ? L"TRUE" : L"FALSE");
    } else if (!wcscmp(verb, L"qsidtype")) {
        get(L"", L"ServiceSidType", data, sizeof data);
        say(L"SERVICE_SID_TYPE:  %ls\r\n", *data == 3 ? L"RESTRICTED" : *data ? L"UNRESTRICTED" : L"NONE");
    } else if (!wcscmp(verb, L"qprivs")) {
        get(L"", L"RequiredPrivileges", data, sizeof data);
        for (wchar_t *each = (void *)data; *each; each += wcslen(each) + 1)
            say(L"        PRIVILEGES         : %ls\r\n", each);
    } else {
        DWORD size = get(L"", L"FailureActions", data, sizeof data), *numbers = (void *)data;
        say(L"        RESET_PERIOD (in seconds)    : %lu\r\n", *numbers);
        for (DWORD at = 0; size >= 20 && at < numbers[3]; at++)
            say(L"        FAILURE_ACTIONS              : %lu -- Delay = %lu milliseconds.\r\n", numbers[5 + 2 * at], numbers[6 + 2 * at]);
        memset(data, 0, sizeof data);
        get(L"", L"RebootMessage", data, sizeof data);
        say(L"        REBOOT_MESSAGE               : %ls\r\n", (wchar_t *)data);
        memset(data, 0, sizeof data);
        get(L"", L"FailureCommand", data, sizeof data);
        say(L"        COMMAND_LINE                 : %ls\r\n", (wchar_t *)data);
    }
    return 0;
}

/* --- life -------------------------------------------------------------------------------------------------------- */
static int start(void)
{
    SC_HANDLE one = service(SERVICE_ALL_ACCESS);

    if (!one)
        return failed(L"StartService:OpenService", GetLastError());
    if (!StartServiceW(one, count - 3, count > 3 ? (const wchar_t **)words + 3 : NULL))
        return failed(L"StartService", GetLastError());
    return query(TRUE);
}

static int stop(void)
{
    SERVICE_STATUS status;
    SC_HANDLE one = service(SERVICE_ALL_ACCESS);

    if (!one)
        return failed(L"OpenService", GetLastError());
    if (!ControlService(one, SERVICE_CONTROL_STOP, &status))
        return failed(L"ControlService", GetLastError());
    return query(FALSE);
}

static int delete(void)
{
    SC_HANDLE one = service(SERVICE_ALL_ACCESS);

    if (!one)
        return failed(L"OpenService", GetLastError());
    return DeleteService(one) ? done(L"DeleteService") : failed(L"DeleteService", GetLastError());
}

int wmain(int given, wchar_t **arguments)
{
    wchar_t *verb;

    count = given;
    words = arguments;
    if (count < 2)
        return misused(L"no verb");
    verb = _wcslwr(words[1]);
    manager = open_manager(SC_MANAGER_ALL_ACCESS);
    if (!manager)
        return failed(L"OpenSCManager", GetLastError());
    if (!wcscmp(verb, L"query") || !wcscmp(verb, L"queryex"))
        return query(verb[5] != 0);
    if (count < 3)
        return misused(L"no service");
    if (!wcscmp(verb, L"create") || !wcscmp(verb, L"config"))
        return configure(verb[1] == L'r');
    if (!wcscmp(verb, L"description"))
        return describe();
    if (!wcscmp(verb, L"failure"))
        return fail_with();
    if (!wcscmp(verb, L"failureflag") || !wcscmp(verb, L"sidtype") || !wcscmp(verb, L"privs"))
        return set_value(verb);
    if (!wcscmp(verb, L"sdset"))
        return set_security();
    if (!wcscmp(verb, L"qc"))
        return show_configuration();
    if (!wcscmp(verb, L"sdshow") || !wcscmp(verb, L"qdescription") || !wcscmp(verb, L"qfailure") ||
        !wcscmp(verb, L"qfailureflag") || !wcscmp(verb, L"qsidtype") || !wcscmp(verb, L"qprivs"))
        return show_value(verb);
    if (!wcscmp(verb, L"start"))
        return start();
    if (!wcscmp(verb, L"stop"))
        return stop();
    if (!wcscmp(verb, L"delete"))
        return delete();
    return misused(verb);
}
