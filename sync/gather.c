/* Waiting for several futures: see troupe/gather.h. */
#include <troupe/gather.h>

#include <math.h>

#include "sync/future_group.h"

/* What a call begins with that joins when its caller is cancelled: a caller who is already has no
 * need of memory. TR_ECANCELED: all have been joined. */
static int begin(tr__future_group *group, tr_future *const *fs, size_t n)
{
    int rc = tr__task_checkpoint(tr__task_here());

    if (rc == 0)
        return tr__future_group_begin(group, fs, n);
    for (size_t i = 0; i < n; i++)
        (void)tr_future_cancel(fs[i]); /* it may have ended */
    for (size_t i = 0; i < n; i++)
        tr__future_join(fs[i]);
    return rc;
}

/* ---- all ---- */

static bool one_has_an_error(const tr__future_group *group)
{
    return group->error != NULL || tr__future_group_all_ended(group);
}

int tr_gather(tr_future *const *fs, size_t n, unsigned flags)
{
    bool takes_all = (flags & TR_GATHER_ALL) != 0;
    tr__future_group group;
    int rc = (flags & ~TR_GATHER_ALL) == 0 ? tr__future_group_check(fs, n) : TR_EINVAL;

    if (rc == 0)
        rc = begin(&group, fs, n);
    if (rc < 0)
        return rc;
    rc = tr__future_group_wait(&group, takes_all ? tr__future_group_all_ended : one_has_an_error,
                               true);
    if (rc == 0 && !takes_all && group.error != NULL)
        rc = group.error->status;
    if (rc < 0)
        tr__future_group_join(&group);
    tr__future_group_end(&group);
    return rc;
}

/* ---- some ---- */

static bool one_has_ended(const tr__future_group *group)
{
    return group->ended > 0 || group->n == 0;
}

static bool one_has_failed(const tr__future_group *group)
{
    return group->failure != NULL || tr__future_group_all_ended(group);
}

int tr_wait(tr_future *const *fs, size_t n, tr_wait_when when, double timeout)
{
    static bool (*const enough[])(const tr__future_group *group) = { one_has_ended, one_has_failed,
                                                                     tr__future_group_all_ended };
    bool is_valid = (unsigned)when <= TR_ALL_COMPLETED && !isnan(timeout);
    tr_task *task = tr__task_here();
    tr__deadline deadline;
    tr__future_group group;
    int rc = is_valid ? tr__future_group_check(fs, n) : TR_EINVAL;

    if (rc == 0)
        rc = tr__task_checkpoint(task);
    if (rc == 0)
        rc = tr__future_group_begin(&group, fs, n);
    if (rc < 0)
        return rc;
    tr__deadline_begin(&deadline, task, tr__due_ns(timeout), false);
    rc = tr__future_group_wait(&group, enough[when], true);
    if (tr__deadline_end(&deadline) && rc == TR_ECANCELED)
        rc = TR_ETIMEDOUT;
    tr__future_group_end(&group);
    return rc == 0 ? (int)group.ended : rc;
}

/* ---- one ---- */

static bool one_has_succeeded(const tr__future_group *group)
{
    return group->success != NULL || tr__future_group_all_ended(group);
}

/* The winner, if there is one, is the first that ends, or the first that succeeds. */
static int let_them_race(int *winner, tr_future *const *fs, size_t n, bool must_succeed)
{
    const tr__grouped_future *best = NULL; /* what ends after a cancellation is no winner */
    tr__future_group group;
    int rc = n > 0 ? tr__future_group_check(fs, n) : TR_EINVAL;

    if (winner != NULL)
        *winner = -1;
    if (rc == 0)
        rc = begin(&group, fs, n);
    if (rc < 0)
        return rc;
    rc = tr__future_group_wait(&group, must_succeed ? one_has_succeeded : one_has_ended, true);
    if (rc == 0) {
        best = must_succeed ? group.success : group.first;
        rc = best != NULL ? best->status : group.error->status;
    }
    if (best != NULL && winner != NULL)
        *winner = (int)(best - group.each);
    tr__future_group_join(&group);
    tr__future_group_end(&group);
    return rc;
}

int tr_race(int *winner, tr_future *const *fs, size_t n)
{
    return let_them_race(winner, fs, n, false);
}

int tr_any(int *winner, tr_future *const *fs, size_t n)
{
    return let_them_race(winner, fs, n, true);
}

/* ---- each ---- */

typedef struct __attribute__((may_alias)) completions {
    tr__future_group group;
    tr__grouped_future *const *next;
    size_t seen;
    int *rc;
    bool is_begun;
} completions;

_Static_assert(sizeof(completions) <= sizeof(((tr_completions *)0)->tr__opaque),
               "fits its public place");

static completions *inside(tr_completions *opaque)
{
    return (completions *)(void *)opaque->tr__opaque;
}

static void tell(const completions *c, int rc)
{
    if (c->rc != NULL)
        *c->rc = rc;
}

tr_completions *tr__completions_enter(tr_completions *opaque, int *rc, tr_future *const *fs,
                                      size_t n)
{
    completions *c = inside(opaque);
    int result = tr__future_group_check(fs, n);

    if (result == 0)
        result = tr__task_checkpoint(tr__task_here());
    if (result == 0)
        result = tr__future_group_begin(&c->group, fs, n);
    c->next = &c->group.first;
    c->seen = 0;
    c->rc = rc;
    c->is_begun = result == 0;
    tell(c, result);
    opaque->tr__at = 0;
    opaque->tr__is_past = true;
    return opaque;
}

static bool one_is_unseen(const tr__future_group *group)
{
    return group->ended > TR__CONTAINER_OF(group, completions, group)->seen;
}

bool tr__completions_next(tr_completions *opaque)
{
    completions *c = inside(opaque);
    int rc;

    if (!opaque->tr__is_past || !c->is_begun || c->seen == c->group.n)
        return false;
    rc = tr__task_checkpoint(tr__task_here());
    if (rc == 0)
        rc = tr__future_group_wait(&c->group, one_is_unseen, true);
    if (rc < 0) {
        tell(c, rc);
        return false;
    }
    opaque->tr__at = (size_t)(*c->next - c->group.each);
    opaque->tr__is_past = false;
    c->next = &(*c->next)->next;
    c->seen++;
    return true;
}

void tr__completions_leave(tr_completions *opaque)
{
    completions *c = inside(opaque);

    if (c->is_begun)
        tr__future_group_end(&c->group);
    c->is_begun = false;
}
