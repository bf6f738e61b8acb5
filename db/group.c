/* Group commit: what the writer's thread does with those in line. See writer.h.
 *
 * A group has a transaction. Its first write needs no savepoint: there is nothing but it to roll
 * back. The invariant between two writes: all of `done` are in the open transaction, or have failed
 * and left nothing in it; all of `again` were in one that is undone. Both are in their order, and
 * stand before what is in line. */
#include <string.h>

#include "base/atomic.h"
#include "base/seam.h"
#include "base/threads.h"
#include "db/database.h"
#include "db/writer.h"

typedef struct group {
    tr__writer *writer;
    tr__list again;
    tr__list done;
    tr__list told; /* what has its result for good */
    size_t count;  /* of done */
    size_t successes;
    uint64_t begun_ns;
    bool is_careful; /* each of `again` has a transaction for itself */
} group;

static tr__write *of_link(tr__list *link)
{
    return TR__CONTAINER_OF(link, tr__write, link);
}

static tr__connection *connection_of(const group *g)
{
    return &g->writer->connection;
}

static void append_all(tr__list *to, tr__list *from)
{
    if (!tr__list_is_empty(from))
        tr__list_append_all(to, from);
}

/* ---- results ---- */

static void set_result(const group *g, tr__write *w, int rc)
{
    w->result = rc;
    w->why[0] = '\0';
    if (rc < 0)
        memcpy(w->why, connection_of(g)->why, TR__WHY_BYTES);
}

/* The same for all of a list. */
static void fail_all(group *g, tr__list *writes, int rc)
{
    for (tr__list *at = writes->next; at != writes; at = at->next)
        set_result(g, of_link(at), rc);
    append_all(&g->told, writes);
}

static void tell(group *g)
{
    tr__writes_tell(&g->told);
}

/* ---- who waits no more ---- */

static bool is_cancelled(void *ctx)
{
    const tr__write *w = ctx;

    /* relaxed: a request; it publishes nothing. */
    return tr__load_relaxed_u32(&w->is_cancelled) != 0;
}

/* While a transaction can't begin. */
static bool nobody_waits(void *ctx)
{
    group *g = ctx;
    tr__write_kind kind;

    if (tr__list_is_empty(&g->again))
        return !tr__line_peek(g->writer, &kind);
    for (tr__list *at = g->again.next; at != &g->again; at = at->next)
        if (!is_cancelled(of_link(at)))
            return false;
    return true;
}

static void watch(const group *g, bool (*gives_up)(void *ctx), void *ctx)
{
    tr__connection *c = connection_of(g);

    c->gives_up = gives_up;
    c->gives_up_ctx = ctx;
}

/* ---- a transaction ---- */

static bool is_open(const group *g)
{
    return sqlite3_get_autocommit(connection_of(g)->handle) == 0;
}

static int begin(group *g)
{
    int rc;

    watch(g, nobody_waits, g);
    connection_of(g)->why[0] = '\0';
    rc = tr__connection_begin(connection_of(g));
    watch(g, NULL, NULL);
    g->begun_ns = tr__now_ns();
    g->count = 0;
    g->successes = 0;
    return rc;
}

/* It could not begin. */
static void refuse(group *g, int rc)
{
    if (!tr__list_is_empty(&g->again)) {
        fail_all(g, &g->again, rc);
    } else if (rc != TR_ECANCELED) { /* else nobody was there any more */
        tr__list all;

        tr__list_init(&all);
        tr__line_take_all(g->writer, &all);
        fail_all(g, &all, rc);
    }
    tell(g);
}

static void count_group(const group *g, uint64_t commit_ns)
{
    tr__writer_count_commit(g->writer, g->successes, commit_ns);
}

/* All have failed, each for itself: nothing is in it. */
static void end_without_commit(group *g)
{
    tr__connection_roll_back(connection_of(g));
    append_all(&g->told, &g->done);
}

/* A disk that is full may have room for some, if not for all. */
static bool may_fit_alone(const group *g, int rc)
{
    return rc == TR_ENOSPC && g->count > 1;
}

static void end(group *g)
{
    uint64_t now_ns = tr__now_ns();
    int rc;

    if (g->successes == 0) {
        end_without_commit(g);
        return;
    }
    rc = tr__connection_do(connection_of(g), "commit");
    if (rc == 0)
        count_group(g, tr__now_ns() - now_ns);
    tr__connection_roll_back(connection_of(g));
    if (rc == 0) {
        append_all(&g->told, &g->done);
    } else if (may_fit_alone(g, rc)) {
        g->is_careful = true;
        append_all(&g->again, &g->done);
    } else {
        fail_all(g, &g->done, rc);
    }
}

/* ---- a write in it ---- */

static int call(const group *g, const tr__write *w)
{
    tr_db job;
    int rc;

    tr__db_job_init(&job, g->writer->base, connection_of(g));
    rc = w->fn(&job, w->arg);
    tr__db_job_fini(&job);
    return rc;
}

/* Foreign keys that are checked when it is committed are so when the write ends: else they would be
 * the group's failure. */
static int check_keys(tr__connection *c)
{
    int pending = 0;
    int highest;

    (void)sqlite3_db_status(c->handle, SQLITE_DBSTATUS_DEFERRED_FKS, &pending, &highest, 0);
    if (pending == 0)
        return 0;
    return tr__connection_refuse(c, TR_ECONSTRAINT, "FOREIGN KEY constraint failed");
}

/* Whatever can't be undone alone is undone with all. */
static int end_savepoint(tr__connection *c, int rc)
{
    char why[TR__WHY_BYTES];
    int failed = 0;

    memcpy(why, c->why, sizeof(why));
    if (rc < 0)
        failed = tr__connection_do(c, "rollback to part_of_group");
    if (failed == 0)
        failed = tr__connection_do(c, "release part_of_group");
    if (failed < 0)
        tr__connection_roll_back(c);
    if (rc < 0)
        memcpy(c->why, why, sizeof(why));
    return rc < 0 ? rc : failed < 0 ? failed : rc;
}

static int run_in_savepoint(group *g, const tr__write *w)
{
    tr__connection *c = connection_of(g);
    bool is_first = g->count == 0;
    int rc = is_first ? 0 : tr__connection_do(c, "savepoint part_of_group");
    int keys;

    if (rc < 0) {
        tr__connection_roll_back(c); /* no memory: it needs some */
        return rc;
    }
    rc = call(g, w);
    if (!is_open(g)) /* whatever it says: what it has done is gone */
        return c->undone < 0 ? c->undone : TR_EIO;
    keys = rc >= 0 ? check_keys(c) : 0;
    rc = keys < 0 ? keys : rc;
    if (!is_first)
        return end_savepoint(c, rc);
    if (rc < 0)
        tr__connection_roll_back(c);
    return rc;
}

/* One whose transaction is gone has its result for good, and the others were undone with it. */
static void run(group *g, tr__write *w)
{
    int rc = TR_ECANCELED;

    connection_of(g)->why[0] = '\0';
    if (is_cancelled(w)) {
        set_result(g, w, rc);
        tr__list_append(&g->told, &w->link);
        return;
    }
    watch(g, is_cancelled, w);
    rc = run_in_savepoint(g, w);
    watch(g, NULL, NULL);
    set_result(g, w, rc);
    if (!is_open(g)) {
        tr__list_append(&g->told, &w->link);
        return;
    }
    tr__list_append(&g->done, &w->link);
    g->count++;
    g->successes += rc >= 0;
}

/* ---- a group ---- */

/* The next one for the transaction; NULL: it is to end. */
static tr__write *next(group *g)
{
    const tr__db_options *options = &g->writer->base->options;
    tr__list *link;
    tr__write *w;

    if (g->count >= (g->is_careful ? 1 : options->group_most))
        return NULL;
    link = tr__list_take_first(&g->again);
    if (link != NULL)
        return of_link(link);
    w = tr__line_take(g->writer, TR__WRITE_FN);
    if (w == NULL && options->group_ns > 0 && g->count > 0 &&
        tr__line_await(g->writer, g->begun_ns + options->group_ns))
        w = tr__line_take(g->writer, TR__WRITE_FN);
    return w;
}

static void count_repeated(const group *g)
{
    tr__mutex_lock(&g->writer->lock);
    g->writer->repeated += g->count;
    tr__mutex_unlock(&g->writer->lock);
}

/* With a transaction open, which ends. */
static void run_group(group *g)
{
    tr__write *w;

    while (is_open(g) && (w = next(g)) != NULL)
        run(g, w);
    if (is_open(g)) {
        end(g);
    } else { /* all of it is undone */
        count_repeated(g);
        append_all(&g->done, &g->again); /* those that were to follow */
        append_all(&g->again, &g->done);
    }
    tr__connection_end(connection_of(g));
    tell(g);
}

/* ---- others in line ---- */

static void run_bare(group *g, tr__write *w)
{
    connection_of(g)->why[0] = '\0';
    watch(g, is_cancelled, w);
    set_result(g, w, call(g, w));
    watch(g, NULL, NULL);
    tr__connection_roll_back(connection_of(g));
    tr__list_append(&g->told, &w->link);
    tell(g);
}

/* A task has the connection now, and its transaction. */
static void hand_over(group *g, tr__write *w)
{
    tr__mutex_lock(&g->writer->lock);
    g->writer->is_owned = true;
    tr__mutex_unlock(&g->writer->lock);
    set_result(g, w, 0);
    tr__list_append(&g->told, &w->link);
    tell(g);
}

/* false: there is nothing to do. */
static bool do_next(group *g)
{
    tr__write_kind kind = TR__WRITE_FN;
    tr__write *w;
    int rc;

    if (tr__list_is_empty(&g->again)) {
        g->is_careful = false;
        if (!tr__line_peek(g->writer, &kind))
            return false;
    }
    if (kind == TR__WRITE_BARE) {
        w = tr__line_take(g->writer, kind);
        if (w != NULL)
            run_bare(g, w);
        return true;
    }
    rc = begin(g);
    if (rc < 0) {
        refuse(g, rc);
        return true;
    }
    w = tr__list_is_empty(&g->again) ? tr__line_take(g->writer, TR__WRITE_TRANSACTION) : NULL;
    if (w != NULL)
        hand_over(g, w);
    else
        run_group(g);
    return w == NULL;
}

int tr__writer_work(void *writer)
{
    group g = { .writer = writer };

    tr__list_init(&g.again);
    tr__list_init(&g.done);
    tr__list_init(&g.told);
    tr__connection_enter(connection_of(&g));
    while (do_next(&g))
        continue;
    tr__connection_leave(connection_of(&g));
    return 0;
}
