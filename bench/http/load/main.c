#include "load.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "load run PID COMMAND...              run a command; what the process PID used meanwhile\n"
    "load room PORT PID CLIENTS SECONDS   WebSocket clients in one room, of which one sends\n"
    "load idle PORT PID CONNECTIONS       connections that are held open at once\n"
    "load transfers PORT PID SECONDS ACCOUNTS CONNECTIONS...\n"
    "                                     transfers of a ledger, by so many connections in turn\n"
    "load logins PORT PID SECONDS HASHERS BODY\n"
    "                                     accounts of a ledger read, alone and beside logins\n"
    "load disk FILE SECONDS               what an fsync takes\n"
    "load port                            a port that is free\n";

void die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)fputs("load: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(1);
}

void *allocate(size_t bytes)
{
    void *memory = calloc(1, bytes);

    if (!memory)
        die("out of memory");
    return memory;
}

long number(const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (end == text || *end || value < 1)
        die("%s is no number above 0", text);
    return value;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";

    if (!strcmp(command, "run") && argc > 3)
        return run_command((pid_t)number(argv[2]), argv + 3);
    if (!strcmp(command, "room") && argc == 6)
        return room((int)number(argv[2]), (pid_t)number(argv[3]), (int)number(argv[4]),
                    (int)number(argv[5]));
    if (!strcmp(command, "idle") && argc == 5)
        return idle((int)number(argv[2]), (pid_t)number(argv[3]), number(argv[4]));
    if (!strcmp(command, "transfers") && argc > 6)
        return transfers((int)number(argv[2]), (pid_t)number(argv[3]), (int)number(argv[4]),
                         number(argv[5]), argv + 6);
    if (!strcmp(command, "logins") && argc == 7)
        return logins((int)number(argv[2]), (pid_t)number(argv[3]), (int)number(argv[4]),
                      (int)number(argv[5]), argv[6]);
    if (!strcmp(command, "disk") && argc == 4)
        return disk(argv[2], (int)number(argv[3]));
    if (!strcmp(command, "port") && argc == 2)
        return printf("%d\n", port_find()) < 0;
    (void)fputs(usage, stderr);
    return 2;
}
