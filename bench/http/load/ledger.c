/* Clients of a ledger (bench/ledger/README.md has its requests): transfers between random accounts,
 * and accounts that are read while others log in.
 *
 * Each transfer has a key of its own. In the end all balances are read, and their sum must be what
 * it was: a server that is quick by losing one leg does not count. */
#include "exchange.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BALANCE 1000000 /* of a new account */
#define MOST    100     /* of a transfer: no account runs dry */
#define MAKERS  64      /* connections that make and read accounts */
#define WARM_S  1.0
#define READERS 4
#define READS_S 1000.0 /* reads a second, of all readers */
#define FOREVER 1e9
#define SEED    0x9e3779b97f4a7c15U

struct ledger {
    long *accounts; /* their ids */
    long count;
    long begun;
    long ended;
    int64_t sum; /* of the balances that were read */
    uint64_t dice;
    const char *login; /* the body of a login */
};

static uint64_t throw(struct ledger * ledger) /* splitmix64 */
{
    uint64_t z = ledger->dice += SEED;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

static long any_account(struct ledger *ledger)
{
    return ledger->accounts[throw(ledger) % (uint64_t)ledger->count];
}

static size_t write_post(char *buffer, size_t room, const char *path, const char *headers,
                         const char *body)
{
    return (size_t)snprintf(
        buffer, room,
        "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        "%sContent-Length: %zu\r\n\r\n%s",
        path, headers, strlen(body), body);
}

static size_t write_get(char *buffer, size_t room, long account)
{
    return (size_t)snprintf(buffer, room, "GET /accounts/%ld HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
                            account);
}

/* The number of a member of a flat JSON object. */
static int64_t member(const char *body, const char *name)
{
    char quoted[40];
    const char *at;

    (void)snprintf(quoted, sizeof(quoted), "\"%s\"", name);
    at = strstr(body, quoted);
    at = at ? strchr(at, ':') : NULL;
    if (!at)
        die("no %s in the answer: %.200s", name, body);
    return strtoll(at + 1, NULL, 10);
}

/* ---- accounts: made, and read, each once ---- */

static size_t next_new(void *ctx, int i, char *buffer, size_t room)
{
    struct ledger *ledger = ctx;
    char body[100];

    (void)i;
    if (ledger->begun == ledger->count)
        return 0;
    (void)snprintf(body, sizeof(body), "{\"owner\":\"bench %ld\",\"cents\":%d}", ledger->begun++,
                   BALANCE);
    return write_post(buffer, room, "/accounts", "", body);
}

static void take_new(void *ctx, int i, const struct answer *answer)
{
    struct ledger *ledger = ctx;

    (void)i;
    if (answer->status >= 300)
        die("an account was refused, %d: %.200s", answer->status, answer->body);
    ledger->accounts[ledger->ended++] = (long)member(answer->body, "id");
}

static size_t next_balance(void *ctx, int i, char *buffer, size_t room)
{
    struct ledger *ledger = ctx;

    (void)i;
    if (ledger->begun == ledger->count)
        return 0;
    return write_get(buffer, room, ledger->accounts[ledger->begun++]);
}

static void take_balance(void *ctx, int i, const struct answer *answer)
{
    struct ledger *ledger = ctx;

    (void)i;
    if (answer->status >= 300)
        die("an account can't be read, %d: %.200s", answer->status, answer->body);
    ledger->sum += member(answer->body, "cents");
}

static void each_account(struct ledger *ledger, int port,
                         size_t (*next)(void *ctx, int i, char *buffer, size_t room),
                         void (*take)(void *ctx, int i, const struct answer *answer))
{
    struct crew makers = { .connections = MAKERS, .ctx = ledger, .next = next, .take = take };

    ledger->begun = ledger->ended = 0;
    exchange(port, &makers, 1, FOREVER);
    free(makers.latencies);
    if (makers.answers != ledger->count)
        die("%ld of %ld accounts were answered", makers.answers, ledger->count);
}

static void begin(struct ledger *ledger, int port, long accounts)
{
    ledger->count = accounts;
    ledger->accounts = allocate((size_t)accounts * sizeof(long));
    ledger->dice = (uint64_t)(clock_now() * 1e9);
    each_account(ledger, port, next_new, take_new);
}

static void check_sum(struct ledger *ledger, int port)
{
    ledger->sum = 0;
    each_account(ledger, port, next_balance, take_balance);
    if (ledger->sum != (int64_t)BALANCE * ledger->count)
        die("the sum of all balances is %" PRId64 " instead of %" PRId64, ledger->sum,
            (int64_t)BALANCE * ledger->count);
}

/* ---- transfers ---- */

static size_t next_transfer(void *ctx, int i, char *buffer, size_t room)
{
    struct ledger *ledger = ctx;
    char body[100];
    char key[80];
    long from = any_account(ledger);
    long to = any_account(ledger);

    (void)i;
    while (to == from)
        to = any_account(ledger);
    (void)snprintf(body, sizeof(body), "{\"from\":%ld,\"to\":%ld,\"cents\":%d}", from, to,
                   (int)(throw(ledger) % MOST) + 1);
    (void)snprintf(key, sizeof(key), "Idempotency-Key: %016" PRIx64 "%016" PRIx64 "\r\n",
                   throw(ledger), throw(ledger));
    return write_post(buffer, room, "/transfers", key, body);
}

/* Transfers for some seconds: a line of what came of them, unless it only warms the server up. */
static void transfer(struct ledger *ledger, int port, pid_t pid, int connections, double seconds,
                     bool is_counted)
{
    struct crew crew = { .connections = connections, .ctx = ledger, .next = next_transfer };
    struct usage since = usage_now(pid);
    double own = cpu_own();

    exchange(port, &crew, 1, seconds);
    if (is_counted) {
        printf("connections %d transfers %ld errors %ld p50 %.0f p99 %.0f ", connections,
               crew.answers, crew.errors, latency_us(&crew, 0.5), latency_us(&crew, 0.99));
        usage_print(pid, &since, cpu_own() - own);
    }
    if (crew.errors)
        (void)fprintf(stderr, "load: %ld errors, the last %ld\n", crew.errors, crew.errors_last);
    free(crew.latencies);
}

int transfers(int port, pid_t pid, int seconds, long accounts, char **connections)
{
    struct ledger ledger = { 0 };

    begin(&ledger, port, accounts);
    for (; *connections; connections++) {
        int count = (int)number(*connections);

        transfer(&ledger, port, pid, count, WARM_S, false);
        transfer(&ledger, port, pid, count, seconds, true);
    }
    check_sum(&ledger, port);
    free(ledger.accounts);
    return 0;
}

/* ---- reading beside logins ---- */

static size_t next_read(void *ctx, int i, char *buffer, size_t room)
{
    (void)i;
    return write_get(buffer, room, any_account(ctx));
}

static size_t next_login(void *ctx, int i, char *buffer, size_t room)
{
    const struct ledger *ledger = ctx;

    (void)i;
    return write_post(buffer, room, "/login", "", ledger->login);
}

/* Read for some seconds, beside so many that log in: a line, unless it only warms the server up. */
static void read_beside(struct ledger *ledger, int port, pid_t pid, int hashers, double seconds,
                        bool is_counted)
{
    struct crew crews[] = {
        { .connections = READERS, .interval = READERS / READS_S, .ctx = ledger, .next = next_read },
        { .connections = hashers, .ctx = ledger, .next = next_login }
    };
    struct usage since = usage_now(pid);
    double own = cpu_own();

    exchange(port, crews, 2, seconds);
    if (is_counted) {
        printf("hashers %d reads %ld errors %ld p50 %.0f p99 %.0f max %.0f ", hashers,
               crews[0].answers, crews[0].errors, latency_us(&crews[0], 0.5),
               latency_us(&crews[0], 0.99), latency_us(&crews[0], 1));
        printf("logins %ld refused %ld ", crews[1].answers, crews[1].errors);
        usage_print(pid, &since, cpu_own() - own);
    }
    for (int i = 0; i < 2; i++)
        free(crews[i].latencies);
}

int logins(int port, pid_t pid, int seconds, int hashers, const char *body)
{
    struct ledger ledger = { .login = body };

    begin(&ledger, port, MAKERS);
    read_beside(&ledger, port, pid, 0, WARM_S, false);
    read_beside(&ledger, port, pid, 0, seconds, true);
    read_beside(&ledger, port, pid, hashers, seconds, true);
    free(ledger.accounts);
    return 0;
}
