/* See accounts.h. */
#include "accounts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 40, IDLE_TIMER = 1 };
#define TELL_SECONDS 2.0

TR_QUERY(account_get, account_state);
TR_NOTICE(account_idle);
TR_NOTICE(account_knows);
TR_REQUEST(account_moved, account_knows)
{
    int64_t transfer;
    int64_t balance;
};

struct account_args {
    const struct accounts *all;
    int64_t id;
};

struct account_actor {
    struct account_args args;
    bool is_loaded;
    struct account_state now;
};

/* ---- the actor ---- */

/* It has its name already: whoever commits a transfer from now on finds it, and its message waits.
 * What was committed before is in the row. So nothing is missed in between, and what comes twice is
 * known by its number. */
static int load(struct account_actor *a)
{
    const struct accounts *all = a->args.all;
    struct account_row row;
    int rc;

    if (tr_semaphore_try_acquire(all->work, 1) < 0)
        return TR_ESHUTDOWN;
    rc = store_account(all->db, a->args.id, &row);
    (void)tr_semaphore_release(all->work); /* it can't be too many */
    if (rc < 0)
        return rc;
    a->now = (struct account_state){ .cents = row.cents, .transfer = row.transfer };
    memcpy(a->now.owner.name, row.owner, sizeof(row.owner));
    a->is_loaded = true;
    return 0;
}

/* Transfers are numbered in the order of their commits, and told by tasks of all loops, in any
 * order. */
static void learn(struct account_actor *a, const struct account_moved *m)
{
    if (!a->is_loaded || m->transfer <= a->now.transfer)
        return;
    a->now.transfer = m->transfer;
    a->now.cents = m->balance;
}

/* From now on it ends by itself. */
static int stay(tr_self *self, const struct account_actor *a)
{
    return tr_send_after(self, a->args.all->idle, IDLE_TIMER, account_idle);
}

static int init(tr_self *self, void *state, const void *args)
{
    struct account_actor *a = state;

    a->args = *(const struct account_args *)args;
    return stay(self, a);
}

static int answer_get(tr_self *self, struct account_actor *a)
{
    int rc = a->is_loaded ? 0 : load(a);

    if (rc == 0)
        rc = stay(self, a);
    if (rc < 0) {
        (void)tr_exit(self, 0); /* the next who asks tries again */
        return tr_reply_error(self, rc);
    }
    return tr_reply(self, account_state, .cents = a->now.cents, .transfer = a->now.transfer,
                    .owner = a->now.owner);
}

static int receive(tr_self *self, void *state, tr_msg *msg)
{
    struct account_actor *a = state;
    const struct account_moved *m = tr_as(msg, account_moved);

    if (m != NULL) {
        learn(a, m);
        return tr_reply(self, account_knows, 0);
    }
    if (tr_is(msg, account_get))
        return answer_get(self, a);
    return tr_is(msg, account_idle) ? tr_exit(self, 0) : TR_UNHANDLED;
}

static const tr_actor_class account_class = {
    .name = "account",
    .state_size = sizeof(struct account_actor),
    .args_size = sizeof(struct account_args),
    .init = init,
    .receive = receive,
    .awaits = true, /* the database, once */
};

/* ---- finding it ---- */

static void name_of(int64_t id, char name[NAME_BYTES])
{
    (void)snprintf(name, NAME_BYTES, "account/%" PRId64, id);
}

static int find(const struct accounts *accounts, int64_t id, tr_pid *out)
{
    struct account_args args = { .all = accounts, .id = id };
    char name[NAME_BYTES];
    int rc;

    name_of(id, name);
    do {
        *out = tr_whereis(name);
        if (!tr_pid_is_none(*out))
            return 0;
        rc = tr_spawn_with(out, &account_class, &args,
                           &(tr_spawn_options){ .place = TR_PLACE_SPREAD, .name = name });
    } while (rc == TR_EEXIST); /* somebody else was quicker */
    return rc;
}

int accounts_get(const struct accounts *accounts, int64_t id, double timeout,
                 struct account_state *out)
{
    tr_pid pid;
    int rc;

    do { /* one that has ended just now is begun again */
        rc = find(accounts, id, &pid);
        if (rc == 0)
            rc = tr_ask(out, pid, timeout, account_get);
    } while (rc == TR_EDEAD);
    return rc;
}

/* Who has no actor need not be told: one that begins after this looked for it reads its row later
 * still, and the transfer is in it. */
void accounts_tell(int64_t id, int64_t transfer, int64_t balance)
{
    char name[NAME_BYTES];
    tr_pid pid;
    int rc;

    name_of(id, name);
    pid = tr_whereis(name);
    if (tr_pid_is_none(pid))
        return;
    rc = tr_ask(NULL, pid, TELL_SECONDS, account_moved, .transfer = transfer, .balance = balance);
    if (rc < 0 && rc != TR_EDEAD)
        (void)tr_kill(pid); /* it may be behind from now on, so it must not answer */
}
