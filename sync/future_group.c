#include "sync/future_group.h"

#include "base/seam.h"

int tr__future_group_check(tr_future *const *fs, size_t n)
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

static void note_first(tr__grouped_future **first, bool is_such, tr__grouped_future *one)
{
    if (is_such && *first == NULL)
        *first = one;
}

static void note_end(tr__grouped_future *one, int status)
{
    tr__future_group *group = one->group;

    one->status = status;
    one->has_ended = true;
    *group->last = one;
    group->last = &one->next;
    group->ended++;
    note_first(&group->success, status >= 0, one);
    note_first(&group->error, status < 0, one);
    note_first(&group->failure, status < 0 && status != TR_ECANCELED, one);
}

static void arrive(tr__watch *watch, int status)
{
    tr__grouped_future *one = TR__CONTAINER_OF(watch, tr__grouped_future, watch);
    tr__future_group *group = one->group;

    note_end(one, status);
    if (group->is_enough == NULL || !group->is_enough(group))
        return;
    group->is_enough = NULL;
    tr__wait_end(&group->wait, 0);
}

/* ---- beginning and end ---- */

static void leave(tr__future_group *group, size_t begun)
{
    for (size_t i = 0; i < begun; i++)
        if (!group->each[i].has_ended)
            tr__watch_end(&group->each[i].watch);
    if (group->each != group->few)
        tr__free(group->each);
}

int tr__future_group_begin(tr__future_group *group, tr_future *const *fs, size_t n)
{
    *group = (tr__future_group){ .fs = fs, .n = n, .each = group->few, .last = &group->first };
    if (n > TR__FUTURE_GROUP_FEW)
        group->each = tr__alloc(n * sizeof(*group->each)); /* n has been checked */
    if (group->each == NULL)
        return TR_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        tr__grouped_future *one = &group->each[i];
        int rc;

        *one = (tr__grouped_future){ .group = group };
        rc = tr__watch_begin(&one->watch, fs[i], arrive);
        if (rc < 0) {
            leave(group, i);
            return rc;
        }
        if (rc == 1)
            note_end(one, tr__future_look(fs[i]));
    }
    return 0;
}

void tr__future_group_end(tr__future_group *group)
{
    leave(group, group->n);
}

/* ---- waiting ---- */

bool tr__future_group_all_ended(const tr__future_group *group)
{
    return group->ended == group->n;
}

static bool withdraw(tr__wait *wait)
{
    TR__CONTAINER_OF(wait, tr__future_group, wait)->is_enough = NULL;
    return true;
}

static void describe(const tr__wait *wait, tr__awaited *awaited)
{
    const tr__future_group *group = TR__CONTAINER_OF(wait, const tr__future_group, wait);

    for (size_t i = 0; i < group->n; i++)
        if (!group->each[i].has_ended)
            tr__future_await_describe(group->fs[i], awaited);
    awaited->what = "futures";
    awaited->object = NULL;
    awaited->is_choice =
        group->is_enough != tr__future_group_all_ended && group->ended + 1 < group->n;
}

static const tr__wait_kind wait_kind = { withdraw, describe };
static const tr__wait_kind join_kind = { NULL, describe };

int tr__future_group_wait(tr__future_group *group, bool (*is_enough)(const tr__future_group *group),
                          bool can_withdraw)
{
    tr_task *task = tr__task_here();

    if (is_enough(group))
        return 0;
    if (can_withdraw && task->innermost->is_effective)
        return TR_ECANCELED;
    group->is_enough = is_enough;
    group->wait = (tr__wait){ .task = task, .kind = can_withdraw ? &wait_kind : &join_kind };
    return tr__wait_suspend(&group->wait);
}

void tr__future_group_join(tr__future_group *group)
{
    for (size_t i = 0; i < group->n; i++)
        if (!group->each[i].has_ended)
            (void)tr_future_cancel(group->fs[i]); /* it may have ended meanwhile */
    /* It can't be interrupted. */
    (void)tr__future_group_wait(group, tr__future_group_all_ended, false);
}
