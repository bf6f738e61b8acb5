/* See transfers.h. */
#include "transfers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts.h"
#include "failure.h"
#include "store.h"

/* After which a write that was called off has ended, unless the disk is at it this moment. */
#define CALL_OFF_SECONDS 0.2
#define TELL_SECONDS     5.0

/* ---- a write that is not waited for longer than patience allows ---- */

/* A task has it done, for its handler may be gone before it is: when the client resets the
 * connection, or patience ends while the disk is at it. Both are on one loop, so a plain number
 * counts who has it. */
struct errand {
    int users;
    struct transfers *transfers;
    tr_db_fn job;
    size_t offset;
    max_align_t arg[];
};

static void leave(struct errand *e)
{
    if (--e->users == 0)
        free(e);
}

/* What is committed is told, also where nobody waits for the answer any more. */
static void tell(struct errand *e)
{
    const struct move *m = (const struct move *)(const void *)((char *)e->arg + e->offset);

    if (m->id == 0 || m->verdict != MOVED)
        return;
    TR_SHIELD(TELL_SECONDS) {
        accounts_tell(m->from, m->id, m->from_balance);
        accounts_tell(m->to, m->id, m->to_balance);
    }
    feed_tell(e->transfers->feed, m->id);
}

static int run_errand(void *arg)
{
    struct errand *e = arg;
    int rc = tr_db_write(e->transfers->db, e->job, e->arg);

    if (rc >= 0)
        tell(e);
    return rc;
}

/* The task has ended; or there was no memory for its stack, and it has never run. */
static void end_errand(tr_future *future, int status, void *arg)
{
    struct errand *e = arg;
    tr_semaphore *work = e->transfers->accounts->work;

    (void)future;
    (void)status;
    leave(e);
    (void)tr_semaphore_release(work); /* it can't be too many */
}

/* 0: end_errand will be called. */
static int begin_errand(struct errand *e, tr_task **task)
{
    int rc = tr_task_spawn(task, run_errand, e);

    if (rc < 0)
        return rc;
    rc = tr_future_then(tr_task_future(*task), TR_LOOP_ANY, end_errand, e);
    if (rc == 0)
        return 0;
    TR_SHIELD(TR_FOREVER) {
        (void)tr_task_cancel(*task); /* it has not begun: so it does nothing */
        (void)tr_task_wait(*task, TR_FOREVER);
    }
    tr_task_detach(*task);
    return rc;
}

/* Its end, as far as patience goes. */
static int await_errand(tr_task *task, double patience)
{
    tr_future *future = tr_task_future(task);
    int rc = tr_wait(&future, 1, TR_ALL_COMPLETED, patience);

    if (rc == TR_ETIMEDOUT) {
        (void)tr_task_cancel(task); /* if it still stands in line, it never runs */
        rc = tr_wait(&future, 1, TR_ALL_COMPLETED, CALL_OFF_SECONDS);
    }
    if (rc < 0)
        return rc;
    rc = tr_await(future);
    return rc == TR_ECANCELED ? TR_EFULL : rc; /* it was called off, and never ran */
}

int transfers_write(struct transfers *transfers, tr_db_fn job, void *arg, size_t size,
                    size_t offset)
{
    struct errand *e;
    tr_task *task;
    int rc;

    if (tr_semaphore_try_acquire(transfers->accounts->work, 1) < 0)
        return TR_EFULL;
    e = malloc(sizeof(*e) + size);
    rc = e == NULL ? TR_ENOMEM : 0;
    if (rc == 0) {
        *e = (struct errand){ .users = 2, .transfers = transfers, .job = job, .offset = offset };
        memcpy(e->arg, arg, size);
        rc = begin_errand(e, &task);
    }
    if (rc < 0) {
        free(e);
        (void)tr_semaphore_release(transfers->accounts->work); /* it can't be too many */
        return rc;
    }
    rc = await_errand(task, transfers->patience);
    if (tr_future_is_done(tr_task_future(task))) /* else the database may be at it yet */
        memcpy(arg, e->arg, size);
    leave(e);
    tr_task_detach(task);
    return rc;
}

/* ---- the route ---- */

struct order {
    int64_t from;
    int64_t to;
    int64_t cents;
    char *memo;
};
TR_DECLARE(order, TR_INTEGER(order, from, .required = true, TR_AT_LEAST(1), .about = "an account"),
           TR_INTEGER(order, to, .required = true, TR_AT_LEAST(1), .about = "another account"),
           TR_INTEGER(order, cents, .required = true, TR_AT_LEAST(1), TR_AT_MOST(SUPPLY)),
           TR_TEXT(order, memo, .max_length = MEMO_MOST, .default_text = ""));

struct transfer {
    int64_t id;
    int64_t from;
    int64_t to;
    int64_t cents;
    char *memo;
    char *at;
};
TR_DECLARE(transfer, TR_INTEGER(transfer, id), TR_INTEGER(transfer, from), TR_INTEGER(transfer, to),
           TR_INTEGER(transfer, cents), TR_TEXT(transfer, memo),
           TR_TEXT(transfer, at, .about = "when it was done"));

static int answer_move(tr_http_response *res, const struct move *m)
{
    char memo[sizeof(m->memo)], at[sizeof(m->at)];
    struct transfer t = {
        .id = m->id, .from = m->from, .to = m->to, .cents = m->cents, .memo = memo, .at = at
    };
    int rc = 0;

    memcpy(memo, m->memo, sizeof(memo));
    memcpy(at, m->at, sizeof(at));
    if (m->verdict == MOVED_BEFORE)
        rc = tr_http_set_header(res, "Idempotent-Replayed", "true");
    return rc < 0 ? rc : tr_http_answer(res, 200, &tr_declared_transfer, &t);
}

static int answer_verdict(tr_http_response *res, const struct move *m)
{
    switch (m->verdict) {
    case KEY_IS_TAKEN:
        return tr_http_problem(res, 422, "This Idempotency-Key came with another transfer before.");
    case NO_SOURCE:
        return tr_http_problem(res, 404, "There is no account %" PRId64 ".", m->from);
    case NO_DESTINATION:
        return tr_http_problem(res, 404, "There is no account %" PRId64 ".", m->to);
    case TOO_LITTLE:
        return tr_http_problem(res, 409, "Account %" PRId64 " has less than %" PRId64 " cents.",
                               m->from, m->cents);
    default:
        return answer_move(res, m);
    }
}

/* What the request asks for; 0, or the answer that was given instead. */
static int read_order(tr_http_request *req, tr_http_response *res, struct move *m)
{
    const struct order *o = tr_http_body_as(req);
    const char *key = tr_http_header(req, "Idempotency-Key");

    if (key == NULL || key[0] == 0 || strlen(key) > KEY_MOST)
        return tr_http_problem(res, 400,
                               "The header Idempotency-Key has to have 1 to %d bytes: a name that "
                               "you choose, and send again if you have to ask again.",
                               KEY_MOST);
    if (o->from == o->to)
        return tr_http_problem(res, 422, "Source and destination are the same account.");
    (void)snprintf(m->key, sizeof(m->key), "%s", key);
    (void)snprintf(m->memo, sizeof(m->memo), "%s", o->memo);
    m->from = o->from;
    m->to = o->to;
    m->cents = o->cents;
    return 0;
}

static int is_refused(int rc, const struct move *m)
{
    return rc == TR_ENOENT && m->verdict >= NO_SOURCE;
}

static int post_transfer(tr_http_request *req, tr_http_response *res, void *arg)
{
    struct transfers *transfers = arg;
    struct move m = { .verdict = MOVED };
    int rc = read_order(req, res, &m);

    if (rc < 0 || tr_http_answer_status(res) != 0)
        return rc;
    rc = transfers_write(transfers, store_move, &m, sizeof(m), 0);
    if (rc >= 0 || is_refused(rc, &m)) {
        metrics_count_verdict(transfers->metrics, m.verdict);
        return answer_verdict(res, &m);
    }
    if (rc == TR_ECANCELED)
        return rc; /* the client has gone */
    metrics_count_failure(transfers->metrics);
    if (rc == TR_ETIMEDOUT)
        return failure_busy(
            res, 2,
            "The disk takes too long. Whether it was done is not known yet: ask again "
            "with the same Idempotency-Key, and it is done once.");
    return failure_answer(res, rc);
}

int transfers_routes(struct transfers *transfers, tr_http_server *srv)
{
    return tr_http_route_with(
        srv, "POST", "/transfers", post_transfer, transfers,
        &(tr_http_route_options){ .body = &tr_declared_order,
                                  .answer = &tr_declared_transfer,
                                  .summary = "Move money: with a header Idempotency-Key, once",
                                  .tag = "transfers" });
}
