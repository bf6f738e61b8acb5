/* Connecting: addresses of a name are tried one after the other, and side by side (RFC 8305). */
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <troupe/event.h>
#include <troupe/task.h>
#include <troupe/tcp.h>

#include "net/address.h"
#include "net/dns.h"
#include "net/io.h"
#include "net/system.h"
#include "runtime/task.h"

enum { ADDRESSES_MOST = 16 };
#define PAUSE_S      0.001
#define PAUSE_MOST_S 0.05

typedef struct attempt {
    tr__ready ready;
    tr__way_waiter waiter;
    struct race *race;
    int result; /* -EINPROGRESS; 0; or an error */
} attempt;

typedef struct race {
    const tr_connect_options *options;
    tr_address addresses[ADDRESSES_MOST];
    size_t count;
    attempt attempts[ADDRESSES_MOST];
    size_t begun;
    size_t running;
    attempt *winner;
    int first_error;
    tr_event changed;
} race;

/* ---- one attempt ---- */

static int set_options(int fd, int family, const tr_connect_options *options)
{
    int seconds = options->keepalive < 1 ? 1 : (int)fmin(options->keepalive, 32767);
    int rc = 0;

    if (family == AF_UNIX)
        return 0;
    if (!options->delays)
        rc = tr__sys_set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (rc == 0 && options->keepalive > 0) {
        rc = tr__sys_set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
        if (rc == 0)
            rc = tr__sys_set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
        if (rc == 0)
            rc = tr__sys_set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, seconds);
    }
    return rc;
}

static int bind_local(int fd, const char *local)
{
    tr_address address;
    int rc = tr_address_parse(&address, local);

    return rc < 0 ? rc : tr__sys_bind(fd, tr__address_of(&address), address.tr__bytes);
}

static void finish(attempt *a, int result)
{
    race *r = a->race;

    a->result = result;
    r->running--;
    if (result == 0 && r->winner == NULL)
        r->winner = a;
    else if (result < 0 && r->first_error == 0)
        r->first_error = result;
    (void)tr_event_set(&r->changed); /* it is an event */
}

static void on_writable(tr__way_waiter *waiter, int result)
{
    attempt *a = TR__CONTAINER_OF(waiter, attempt, waiter);

    finish(a, result < 0 ? result : tr__sys_socket_error(a->ready.fd));
}

static int begin_connecting(attempt *a, int fd, const tr_address *address)
{
    const tr_connect_options *options = a->race->options;
    int rc = set_options(fd, address->tr__storage.ss_family, options);

    if (rc == 0 && options->local != NULL)
        rc = bind_local(fd, options->local);
    if (rc == 0)
        rc = tr__ready_open(&a->ready, fd);
    if (rc < 0) {
        tr__sys_close(fd);
        return rc;
    }
    return tr__sys_connect(fd, tr__address_of(address), address->tr__bytes);
}

static void begin(race *r)
{
    const tr_address *address = &r->addresses[r->begun];
    attempt *a = &r->attempts[r->begun++];
    int fd = tr__sys_socket(address->tr__storage.ss_family, SOCK_STREAM);
    int rc;

    *a = (attempt){ .waiter = { on_writable }, .race = r, .result = -EINPROGRESS };
    r->running++;
    rc = fd < 0 ? fd : begin_connecting(a, fd, address);
    if (rc == -EINPROGRESS)
        tr__ready_call(&a->ready, &a->ready.out, &a->waiter);
    else
        finish(a, rc);
}

/* ---- the race ---- */

static int run_race(race *r)
{
    int rc = 0;

    while (r->winner == NULL && rc == 0) {
        double wait = r->begun < r->count ? r->options->stagger : TR_FOREVER;

        (void)tr_event_clear(&r->changed); /* it is an event */
        if (r->begun < r->count)
            begin(r);
        if (r->running == 0 && r->begun == r->count && r->winner == NULL)
            return r->first_error;
        if (r->winner != NULL || r->running == 0)
            continue; /* it has won, or failed, at once */
        if (r->begun == r->count)
            wait = TR_FOREVER;
        rc = tr_event_wait_for(&r->changed, wait);
        if (rc == TR_ETIMEDOUT)
            rc = 0;
    }
    return rc;
}

static void close_losers(race *r)
{
    for (size_t i = 0; i < r->begun; i++)
        if (&r->attempts[i] != r->winner && r->attempts[i].ready.net != NULL) {
            tr__ready_call_off(&r->attempts[i].ready.out, &r->attempts[i].waiter);
            tr__ready_close(&r->attempts[i].ready);
        }
}

/* Where a socket of the file system has more who wait than it may, the system says so at once, and
 * has no way to tell when there is room. */
static int run_races(race *r)
{
    double pause = PAUSE_S;
    int rc;

    while ((rc = run_race(r)) == -EAGAIN) {
        close_losers(r);
        r->begun = 0;
        r->first_error = 0;
        rc = tr_sleep(pause);
        if (rc < 0)
            return rc;
        pause = fmin(pause * 2, PAUSE_MOST_S);
    }
    return rc;
}

/* Where a text leads: one address, or those of a name. */
static int find_addresses(race *r, const char *text)
{
    char host[TR__HOST_BYTES];
    uint16_t port;

    r->count = 1;
    if (tr_address_parse(&r->addresses[0], text) == 0)
        return 0;
    if (tr__address_is_unix(text) || !tr__address_split(text, host, &port) || host[0] == 0)
        return TR_EINVAL;
    return tr__dns_lookup(host, port, r->addresses, ADDRESSES_MOST, &r->count);
}

static int connect_to(tr_io **out, race *r, const char *address)
{
    int rc = find_addresses(r, address);

    if (rc == 0)
        rc = run_races(r);
    close_losers(r);
    if (rc < 0 && r->winner != NULL) {
        tr__ready_close(&r->winner->ready);
        return rc;
    }
    if (rc == 0) {
        int fd = tr__ready_take(&r->winner->ready);

        rc = tr__io_new(out, fd, true);
        if (rc < 0)
            tr__sys_close(fd);
    }
    return rc;
}

int tr__tcp_connect(tr_io **out, const char *address, const tr_connect_options *options,
                    size_t options_size)
{
    tr_connect_options all = { 0 };
    race *r;
    int rc = 0;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (address == NULL || options_size > sizeof(all))
        return TR_EINVAL;
    if (tr__task_here() == NULL)
        return TR_EWRONGPLACE;
    if (options != NULL)
        memcpy(&all, options, options_size);
    if (isnan(all.timeout) || isnan(all.stagger) || isnan(all.keepalive))
        return TR_EINVAL;
    all.timeout = all.timeout == 0 ? 30 : all.timeout < 0 ? TR_FOREVER : all.timeout;
    all.stagger = all.stagger > 0 ? all.stagger : 0.25;
    r = tr__alloc_zeroed(sizeof(*r));
    if (r == NULL)
        return TR_ENOMEM;
    r->options = &all;
    TR_DEADLINE(all.timeout, &rc) {
        rc = connect_to(out, r, address);
    }
    tr__free(r);
    return rc;
}
