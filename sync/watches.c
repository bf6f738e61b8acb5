#include "sync/watches.h"

#include "base/seam.h"

int tr__watches_check(tr_future *const *fs, size_t n)
{
    tr_task *task = tr__task_here();

    if ((fs == NULL && n > 0) || n > INT32_MAX)
        return TR_EINVAL;
    for (size_t i = 0; i < n; i++)
        if (fs[i] == NULL)
            return TR_EINVAL;
    if (task == NULL)
        return TR_EWRONGPLACE;
    for (size_t i = 0; i < n; i++)
        if (fs[i] == &task->future)
            return TR_EDEADLK;
    return 0;
}

/* ---- ends ---- */

static void note_first(tr__watched **first, bool is_such, tr__watched *one)
{
    if (is_such && *first == NULL)
        *first = one;
}

static void note_end(tr__watched *one, int status)
{
    tr__watches *w = one->all;

    one->status = status;
    one->has_ended = true;
    *w->last = one;
    w->last = &one->next;
    w->ended++;
    note_first(&w->success, status >= 0, one);
    note_first(&w->error, status < 0, one);
    note_first(&w->failure, status < 0 && status != TR_ECANCELED, one);
}

static void arrive(tr__watch *watch, int status)
{
    tr__watched *one = TR__CONTAINER_OF(watch, tr__watched, watch);
    tr__watches *w = one->all;

    note_end(one, status);
    if (w->is_enough == NULL || !w->is_enough(w))
        return;
    w->is_enough = NULL;
    tr__wait_end(&w->wait, 0);
}

/* ---- beginning and end ---- */

static void leave(tr__watches *w, size_t begun)
{
    for (size_t i = 0; i < begun; i++)
        if (!w->each[i].has_ended)
            tr__watch_end(&w->each[i].watch);
    if (w->each != w->few)
        tr__free(w->each);
}

int tr__watches_begin(tr__watches *w, tr_future *const *fs, size_t n)
{
    *w = (tr__watches){ .fs = fs, .n = n, .each = w->few, .last = &w->first };
    if (n > TR__WATCHED_FEW)
        w->each = tr__alloc(n * sizeof(*w->each)); /* n has been checked */
    if (w->each == NULL)
        return TR_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        tr__watched *one = &w->each[i];
        int rc;

        *one = (tr__watched){ .all = w };
        rc = tr__watch_begin(&one->watch, fs[i], arrive);
        if (rc < 0) {
            leave(w, i);
            return rc;
        }
        if (rc == 1)
            note_end(one, tr__future_look(fs[i]));
    }
    return 0;
}

void tr__watches_end(tr__watches *w)
{
    leave(w, w->n);
}

/* ---- waiting ---- */

bool tr__watches_all_ended(const tr__watches *w)
{
    return w->ended == w->n;
}

static bool withdraw(tr__wait *wait)
{
    TR__CONTAINER_OF(wait, tr__watches, wait)->is_enough = NULL;
    return true;
}

static void describe(const tr__wait *wait, tr__awaited *awaited)
{
    const tr__watches *w = TR__CONTAINER_OF(wait, const tr__watches, wait);

    for (size_t i = 0; i < w->n; i++)
        if (!w->each[i].has_ended)
            tr__future_await_describe(w->fs[i], awaited);
    awaited->what = "futures";
    awaited->object = NULL;
    awaited->is_choice = w->is_enough != tr__watches_all_ended && w->ended + 1 < w->n;
}

static const tr__wait_kind wait_kind = { withdraw, describe };
static const tr__wait_kind join_kind = { NULL, describe };

int tr__watches_wait(tr__watches *w, bool (*is_enough)(const tr__watches *w), bool can_withdraw)
{
    tr_task *task = tr__task_here();

    if (is_enough(w))
        return 0;
    if (can_withdraw && task->innermost->is_effective)
        return TR_ECANCELED;
    w->is_enough = is_enough;
    w->wait = (tr__wait){ .task = task, .kind = can_withdraw ? &wait_kind : &join_kind };
    return tr__wait_suspend(&w->wait);
}

void tr__watches_join(tr__watches *w)
{
    for (size_t i = 0; i < w->n; i++)
        if (!w->each[i].has_ended)
            (void)tr_future_cancel(w->fs[i]);                /* it may have ended meanwhile */
    (void)tr__watches_wait(w, tr__watches_all_ended, false); /* it can't be interrupted */
}
