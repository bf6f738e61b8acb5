/* The model of futures and jobs: see cells.h. */
#include "fuzz/cells.h"

#include <string.h>

cell cells[CELLS];
bool cells_are_stopping;

static work works[WORKS];
static int work_count;

/* A call that is posted; those of one thread to one loop come in order. */
typedef struct posted {
    int poster, loop, order;
    int calls;
    bool is_accepted;
} posted;

static posted posts[POSTS];
static int post_count;
static int last_order[POSTERS][POSTERS];

void cells_begin(void)
{
    memset(cells, 0, sizeof(cells));
    memset(works, 0, sizeof(works));
    memset(posts, 0, sizeof(posts));
    memset(last_order, 0, sizeof(last_order));
    work_count = 0;
    post_count = 0;
    cells_are_stopping = false;
}

bool cells_may_refuse(int rc)
{
    return fuzz_is_want(rc) || (rc == TR_ESHUTDOWN && cells_are_stopping);
}

/* ---- futures ---- */

static void drop_value(void *value)
{
    ((cell *)value)->dropped++;
}

void cell_make(int number)
{
    cell *c = &cells[number];
    tr_future *f;
    int rc;

    if (c->is_taken)
        return;
    c->is_taken = true;
    rc = tr_future_new(&f);
    TELL("future %d is made: %s", number, tr_err_name(rc));
    EXPECT_OF(number, rc, rc == 0 || cells_may_refuse(rc));
    c->f = f;
}

void cell_seen(int number, int status)
{
    cell *c = &cells[number];

    EXPECT_OF(number, status, !c->is_seen || status == c->status);
    EXPECT_OF(number, status,
              (status == 0 && c->may_resolve) || (status == CELL_CODE && c->may_fail) ||
                  (status == TR_ECANCELED && c->may_cancel));
    c->is_seen = true;
    c->status = status;
}

/* A call that is to end it has returned. Where another end came first, that may not show yet. */
static void cell_ended(int number, bool has_won, int status)
{
    cell *c = &cells[number];
    int now;

    if (has_won) {
        EXPECT_OF(number, status, tr_future_is_done(c->f) && ++c->winners == 1);
        cell_seen(number, status);
    }
    now = tr_future_status(c->f);
    if (now != TR_EAGAIN)
        cell_seen(number, now);
    EXPECT_OF(number, now, !has_won || now == status);
}

void cell_resolve(int number)
{
    cell *c = &cells[number];
    int rc;

    if (!c->f)
        return;
    c->offered++;
    c->may_resolve = true;
    rc = tr_future_resolve(c->f, c, drop_value);
    TELL("future %d is resolved: %s", number, tr_err_name(rc));
    EXPECT_OF(number, rc, rc == 0 || rc == TR_EALREADY);
    cell_ended(number, rc == 0, 0);
}

void cell_fail(int number)
{
    cell *c = &cells[number];
    int rc;

    if (!c->f)
        return;
    c->may_fail = true;
    rc = tr_future_fail(c->f, CELL_CODE);
    TELL("future %d fails: %s", number, tr_err_name(rc));
    EXPECT_OF(number, rc, rc == 0 || rc == TR_EALREADY);
    cell_ended(number, rc == 0, CELL_CODE);
}

void cell_cancel(int number)
{
    cell *c = &cells[number];
    int rc;

    if (!c->f)
        return;
    c->may_cancel = true;
    rc = tr_future_cancel(c->f);
    TELL("future %d is cancelled: %d", number, rc);
    EXPECT_OF(number, rc, rc == 0 || rc == 1);
    cell_ended(number, false, TR_ECANCELED);
}

void cell_take(int number)
{
    cell *c = &cells[number];
    void *value;
    int rc;

    if (!c->f)
        return;
    rc = tr_future_take(c->f, &value);
    TELL("the value of future %d is taken: %s", number, tr_err_name(rc));
    if (rc == 0) {
        EXPECT_OF(number, rc, value == c && ++c->taken == 1);
        cell_seen(number, 0);
    } else if (rc == TR_EALREADY) {
        EXPECT_OF(number, rc, c->may_resolve);
    } else if (rc != TR_EAGAIN) {
        cell_seen(number, rc);
    }
}

static void call_then(tr_future *f, int status, void *arg)
{
    cell *c = arg;

    EXPECT(f == c->f && tr_loop_current() > 0);
    c->calls++;
    if (status != TR_ESHUTDOWN || !cells_are_stopping)
        cell_seen((int)(c - cells), status);
}

void cell_then(int number, int loop)
{
    cell *c = &cells[number];
    int rc;

    if (!c->f)
        return;
    c->thens++;
    rc = tr_future_then(c->f, loop, call_then, c);
    TELL("future %d has a continuation: %s", number, tr_err_name(rc));
    EXPECT_OF(number, rc, rc == 0 || cells_may_refuse(rc));
    c->thens -= rc < 0;
}

void cells_close(void)
{
    for (int i = 0; i < CELLS; i++)
        if (cells[i].f)
            cell_cancel(i);
}

/* ---- jobs ---- */

work *work_new(uint8_t how, tr_pool *pool)
{
    work *w = &works[work_count];

    if (work_count == WORKS)
        return NULL;
    work_count++;
    *w = (work){ .how = how, .pool = pool, .asked_at = fuzz_time() };
    return w;
}

/* What runs on a pool: a job must not wait while there is room for it. */
static struct {
    const tr_pool *pool;
    int most;
    int running;
    double room_since;
} rooms[POOLS];

static const double LONGEST = 1;

void work_pools(tr_pool *const pools[POOLS], const int most[POOLS])
{
    for (int i = 0; i < POOLS; i++) {
        rooms[i].pool = pools[i];
        rooms[i].most = most[i];
        rooms[i].running = 0;
        rooms[i].room_since = 0;
    }
}

static void enter_room(const work *w)
{
    for (int i = 0; i < POOLS; i++) {
        double since = rooms[i].room_since > w->asked_at ? rooms[i].room_since : w->asked_at;

        if (rooms[i].pool != w->pool)
            continue;
        EXPECT_OF((int)(w - works), i, ++rooms[i].running <= rooms[i].most);
        EXPECT_OF((int)(w - works), i,
                  fuzz_time() - since < LONGEST || fuzz_now.stalls || fuzz_now.faults);
        return;
    }
}

static void leave_room(const work *w)
{
    for (int i = 0; i < POOLS; i++) {
        if (rooms[i].pool != w->pool)
            continue;
        if (rooms[i].running-- == rooms[i].most)
            rooms[i].room_since = fuzz_time();
        return;
    }
}

static int work_inside(void *arg)
{
    *(bool *)arg = true;
    return 0;
}

int work_run(void *arg)
{
    work *w = arg;
    bool is_inside = false;
    int rc;

    TELL("job %d begins", (int)(w - works));
    EXPECT(w->begun++ == 0 && w->dropped == 0);
    EXPECT(tr_loop_current() == TR_EWRONGPLACE);
    enter_room(w);
    if (w->how & 1)
        tr_sim_sleep(w->how & 16 ? 3 : 0.05);
    if (w->how & 2)
        EXPECT(!tr_cancelled() || w->may_cancel);
    if (w->how & 8) { /* it runs at once, here: else a full pool would wait for itself */
        rc = tr_pool_run(w->pool, work_inside, &is_inside);
        EXPECT_OF((int)(w - works), rc, is_inside ? rc == 0 : cells_may_refuse(rc));
    }
    leave_room(w);
    w->ended++;
    return (w->how & 4) ? WORK_CODE : 7;
}

void work_drop(void *arg)
{
    work *w = arg;

    EXPECT(w->begun == w->ended);
    w->dropped++;
}

void work_returned(const work *w, int rc, bool is_cancelled)
{
    int number = (int)(w - works);

    TELL("job %d: %s", number, tr_err_name(rc));
    EXPECT_OF(number, rc, w->begun == w->ended); /* nobody uses it any more */
    if (w->begun)
        EXPECT_OF(number, rc, rc == ((w->how & 4) ? WORK_CODE : 7));
    else
        EXPECT_OF(number, rc, (rc == TR_ECANCELED && is_cancelled) || cells_may_refuse(rc));
}

void work_seen(const work *w, int status)
{
    int number = (int)(w - works);

    TELL("job %d has ended: %s", number, tr_err_name(status));
    EXPECT_OF(number, status, w->begun == w->ended);
    if (w->begun)
        EXPECT_OF(number, status, status == ((w->how & 4) ? WORK_CODE : 7));
    else
        EXPECT_OF(number, status,
                  (status == TR_ECANCELED && w->may_cancel) || cells_may_refuse(status));
    if (status < 0)
        EXPECT_OF(number, status, w->dropped == 1);
}

/* ---- posts ---- */

static void call_posted(void *arg)
{
    posted *p = arg;
    int *last = &last_order[p->poster][p->loop];

    EXPECT(p->calls++ == 0);
    EXPECT(tr_loop_current() == TR_LOOP(p->loop));
    EXPECT(p->order > *last);
    *last = p->order;
}

void post_something(int loop, int poster)
{
    posted *p = &posts[post_count];
    int rc;

    if (post_count == POSTS)
        return;
    *p = (posted){ .poster = poster, .loop = loop, .order = ++post_count };
    rc = tr_post(TR_LOOP(loop), call_posted, p);
    TELL("call %d to loop %d: %s", p->order, loop, tr_err_name(rc));
    EXPECT_OF(p->order, rc, rc == 0 || cells_may_refuse(rc));
    p->is_accepted = rc == 0;
}

/* ---- at the end ---- */

void cells_end(void)
{
    for (int i = 0; i < CELLS; i++) {
        cell *c = &cells[i];

        EXPECT_OF(i, c->calls, c->thens == c->calls);
        tr_future_unref(c->f);
        EXPECT_OF(i, c->dropped, c->dropped + c->taken == c->offered);
        EXPECT_OF(i, c->winners, c->winners <= 1);
    }
    for (int i = 0; i < work_count; i++)
        EXPECT_OF(i, works[i].dropped,
                  works[i].begun == works[i].ended && works[i].dropped == works[i].offered);
    for (int i = 0; i < post_count; i++)
        EXPECT_OF(i, posts[i].calls, posts[i].calls == posts[i].is_accepted);
}
