/* The line of those who write: standing in it, leaving it, being told. */
#include <string.h>

#include "base/atomic.h"
#include "base/seam.h"
#include "base/threads.h"
#include "db/database.h"
#include "db/writer.h"
#include "runtime/runtime.h"

static tr__write *of_link(tr__list *link)
{
    return TR__CONTAINER_OF(link, tr__write, link);
}

/* ---- taking; on the writer's thread ---- */

static tr__write *take_first(tr__writer *writer)
{
    tr__list *link = tr__list_take_first(&writer->line);

    writer->waiting--;
    of_link(link)->is_taken = true;
    return of_link(link);
}

bool tr__line_peek(tr__writer *writer, tr__write_kind *kind)
{
    bool is_there;

    tr__mutex_lock(&writer->lock);
    is_there = !tr__list_is_empty(&writer->line);
    if (is_there)
        *kind = of_link(writer->line.next)->kind;
    tr__mutex_unlock(&writer->lock);
    return is_there;
}

tr__write *tr__line_take(tr__writer *writer, tr__write_kind kind)
{
    tr__write *w = NULL;

    tr__mutex_lock(&writer->lock);
    if (!tr__list_is_empty(&writer->line) && of_link(writer->line.next)->kind == kind)
        w = take_first(writer);
    tr__mutex_unlock(&writer->lock);
    return w;
}

void tr__line_take_all(tr__writer *writer, tr__list *out)
{
    tr__mutex_lock(&writer->lock);
    while (!tr__list_is_empty(&writer->line))
        tr__list_append(out, &take_first(writer)->link);
    tr__mutex_unlock(&writer->lock);
}

/* false: somebody is there. */
static bool wants_company(tr__writer *writer, uint32_t *arrivals)
{
    bool wants;

    tr__mutex_lock(&writer->lock);
    wants = tr__list_is_empty(&writer->line);
    writer->wants_company = wants;
    *arrivals = writer->arrivals;
    tr__mutex_unlock(&writer->lock);
    return wants;
}

bool tr__line_await(tr__writer *writer, uint64_t deadline_ns)
{
    uint32_t seen;

    while (wants_company(writer, &seen))
        if (!tr__futex_wait(&writer->arrivals, seen, deadline_ns))
            return false;
    return true;
}

/* ---- being told ---- */

/* All of a chain are this loop's. */
static uint32_t run_wake(tr__runnable *runnable, tr__loop *loop)
{
    tr__write *w = TR__CONTAINER_OF(runnable, tr__write, wake);
    uint32_t count = 0;

    (void)loop;
    while (w != NULL) {
        tr__write *next = w->next_woken; /* its task goes on later, but who knows when */

        tr__wait_end(&w->wait, w->result);
        w = next;
        count++;
    }
    return count;
}

static void tell_thread(tr__write *w)
{
    uint32_t *word = &w->is_told;

    /* release: the result is there; pairs with the acquire in wait_as_thread. */
    tr__store_release_u32(word, 1);
    tr__futex_wake(word, 1); /* w may be gone */
}

/* The first one, and all others of its loop, by one post. */
static void tell_loop(tr__list *writes, tr__write *first)
{
    tr__write *last = first;

    for (tr__list *at = writes->next, *next; at != writes; at = next) {
        next = at->next;
        if (of_link(at)->loop != first->loop)
            continue;
        tr__list_remove(at);
        last->next_woken = of_link(at);
        last = of_link(at);
    }
    last->next_woken = NULL;
    first->wake.run = run_wake;
    (void)tr__loop_post(first->loop, &first->wake); /* its tasks have not ended, nor has the loop */
}

void tr__writes_tell(tr__list *writes)
{
    tr__list *link;

    while ((link = tr__list_take_first(writes)) != NULL) {
        if (of_link(link)->loop == 0)
            tell_thread(of_link(link));
        else
            tell_loop(writes, of_link(link));
    }
}

/* ---- standing in line ---- */

/* Nobody takes what is in it: the job could not be pushed. */
static void refuse_all(tr__writer *writer, int rc)
{
    tr__list all;

    tr__list_init(&all);
    tr__line_take_all(writer, &all);
    for (tr__list *at = all.next; at != &all; at = at->next)
        of_link(at)->result = rc;
    tr__writes_tell(&all);
}

static void finish(tr__job *job);

/* is_running is set, and so the job is ours. */
static void push_job(tr__writer *writer)
{
    int rc;

    writer->job = tr__job_of(
        &(tr__job_terms){ .fn = tr__writer_work, .arg = writer, .name = "writes of a database" });
    writer->job.finish = finish;
    rc = tr__pool_push_from_anywhere(writer->pool, &writer->job);
    if (rc == 0)
        return;
    tr__mutex_lock(&writer->lock);
    writer->is_running = false;
    tr__mutex_unlock(&writer->lock);
    refuse_all(writer, rc);
}

/* With the lock: whether the caller must push the job. */
static bool must_run(tr__writer *writer)
{
    if (writer->is_running || writer->is_owned || tr__list_is_empty(&writer->line))
        return false;
    writer->is_running = true;
    return true;
}

/* The last that the job's thread does: somebody may have come since it looked. */
static void finish(tr__job *job)
{
    tr__writer *writer = TR__CONTAINER_OF(job, tr__writer, job);
    bool runs;

    tr__mutex_lock(&writer->lock);
    writer->is_running = false;
    runs = must_run(writer);
    tr__mutex_unlock(&writer->lock);
    if (runs)
        push_job(writer);
}

void tr__writer_go_on(struct tr__database *base)
{
    tr__writer *writer = base->writer;
    bool runs;

    tr__mutex_lock(&writer->lock);
    writer->is_owned = false;
    runs = must_run(writer);
    tr__mutex_unlock(&writer->lock);
    if (runs)
        push_job(writer);
}

/* Errors: TR_EFULL. */
static int stand_in_line(tr__write *w)
{
    tr__writer *writer = w->writer;
    bool runs = false;
    bool wakes = false;
    int rc = 0;

    tr__mutex_lock(&writer->lock);
    if (writer->waiting >= writer->base->options.waiting_most) {
        rc = TR_EFULL;
    } else {
        tr__list_append(&writer->line, &w->link);
        writer->waiting++;
        runs = must_run(writer);
        wakes = writer->wants_company;
        writer->wants_company = false;
        /* relaxed: the kernel looks at it again before the thread sleeps. */
        tr__store_relaxed_u32(&writer->arrivals, writer->arrivals + wakes);
    }
    tr__mutex_unlock(&writer->lock);
    if (wakes)
        tr__futex_wake(&writer->arrivals, 1);
    if (runs)
        push_job(writer);
    return rc;
}

/* ---- waiting ---- */

static bool withdraw(tr__wait *wait)
{
    tr__write *w = TR__CONTAINER_OF(wait, tr__write, wait);
    tr__writer *writer = w->writer;
    bool is_ours;

    tr__mutex_lock(&writer->lock);
    is_ours = !w->is_taken;
    if (is_ours) {
        tr__list_remove(&w->link);
        writer->waiting--;
    }
    tr__mutex_unlock(&writer->lock);
    /* relaxed: a request; it publishes nothing. */
    tr__store_relaxed_u32(&w->is_cancelled, 1);
    return is_ours;
}

static void describe(const tr__wait *wait, tr__awaited *awaited)
{
    (void)wait;
    awaited->what = "a write to a database";
}

static const tr__wait_kind wait_kind = { withdraw, describe };

static int wait_as_task(tr__write *w, tr_task *task)
{
    int rc = tr__task_checkpoint(task);

    w->wait = (tr__wait){ .task = task, .kind = &wait_kind };
    w->loop = (uint16_t)tr__loop_here()->number;
    if (rc == 0)
        rc = stand_in_line(w);
    return rc < 0 ? rc : tr__wait_suspend(&w->wait);
}

static int wait_as_thread(tr__write *w)
{
    int rc = tr__runtime_check();

    if (rc == 0)
        rc = stand_in_line(w);
    if (rc < 0)
        return rc;
    /* acquire: pairs with the release in tell_thread. */
    while (tr__load_acquire_u32(&w->is_told) == 0)
        (void)tr__futex_wait(&w->is_told, 0, UINT64_MAX); /* without a deadline */
    return w->result;
}

static int await(struct tr__database *base, tr__write *w)
{
    tr_task *task = tr__task_here();

    w->writer = base->writer;
    w->why[0] = '\0';
    if (task != NULL)
        return wait_as_task(w, task);
    return tr__loop_here() == NULL ? wait_as_thread(w) : TR_EWRONGPLACE;
}

int tr__writer_run(struct tr__database *base, tr_db_fn fn, void *arg, char *why)
{
    return await(base, &(tr__write){ .kind = TR__WRITE_FN, .fn = fn, .arg = arg, .why = why });
}

int tr__writer_run_bare(struct tr__database *base, tr_db_fn fn, void *arg, char *why)
{
    return await(base, &(tr__write){ .kind = TR__WRITE_BARE, .fn = fn, .arg = arg, .why = why });
}

int tr__writer_take(struct tr__database *base, char *why)
{
    return await(base, &(tr__write){ .kind = TR__WRITE_TRANSACTION, .why = why });
}
