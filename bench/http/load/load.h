/* The load generator of bench/http.sh and bench/ledger.sh: what wrk does not do. Each command
 * prints one line of names and numbers, "deliveries 1200 user 0.52 ...", which the summary.py
 * of each reads. */
#ifndef TROUPE_BENCH_HTTP_LOAD_H
#define TROUPE_BENCH_HTTP_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Print why, as printf does, and exit with 1. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);
void *allocate(size_t bytes);
/* The number that a text is; dies when it is none, or below 1. */
long number(const char *text);

/* ---- what processes use ---- */

/* A point in time: CPU seconds of a process with all that it has started, and of the machine. */
struct usage {
    double user;
    double sys;
    double busy; /* of all cores, whoever used them */
    double now;
};

double clock_now(void);
struct usage usage_now(pid_t pid);
/* Print what was used since then: "user 1.2 sys 3.4 seconds 5.6 other 0.01". own: CPU seconds that
 * the load took itself; other: how many cores the rest of the machine kept busy. */
void usage_print(pid_t pid, const struct usage *since, double own);
/* CPU seconds of this process. */
double cpu_own(void);
/* Anonymous memory that is resident, of a process with all that it has started: bytes. */
long memory_now(pid_t pid);

/* ---- sockets ---- */

/* Begin to connect, from 127.0.0.`source`; 0: any address. */
int connection_begin(int port, int source);
/* Connect, and wait until it is. */
int connection_open(int port);
/* Did it come about? */
bool connection_is_made(int fd);
/* Send all of it; small enough that it fits into the socket's buffer. */
void send_all(int fd, const void *data, size_t bytes);
/* Let so many descriptors be open: how many may be. */
long descriptors_raise(long wanted);
/* A port that is free now. */
int port_find(void);

/* ---- commands ---- */

int run_command(pid_t pid, char **argv);
int room(int port, pid_t pid, int clients, int seconds);
int idle(int port, pid_t pid, long connections);
int disk(const char *path, int seconds);
int transfers(int port, pid_t pid, int seconds, long accounts, char **connections);
int logins(int port, pid_t pid, int seconds, int hashers, const char *body);

#endif
