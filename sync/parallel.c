/* tr_parallel_for and tr_map_reduce: a crew of threads that take ranges of units.
 *
 *     next ----> 0 ........|..........|......|...|..|.|.|.|  units
 *                  taken by hand 1, by 2, by 1 ...            each time an eighth of a thread's
 *                  share
 *                                                             of what is left, down to one
 *
 * A unit is an item, or a group of items (tr_map_reduce). Each hand, a job, takes ranges until
 * there are none left, or somebody has failed. So when one hand has come to its end, those that
 * have not begun are not needed any more: they are taken back, for their pool may be busy for long.
 * A foreign thread is a hand itself; a task is none, for it must not hold its loop up.
 *
 * Who may touch what: next, error, groups_left: any hand, atomically; done: its hand, and read by
 * whoever reports; the groups: the hand that has taken them, and in the end the hand that has made
 * groups_left zero. */
#include <math.h>
#include <string.h>
#include <troupe/gather.h>
#include <troupe/parallel.h>

#include "base/seam.h"
#include "runtime/pool.h"
#include "runtime/runtime.h"
#include "runtime/task.h"

enum { THREADS_MOST = 1024, GROUPS = 256, RANGES = 8 };
static const double PROGRESS_S = 0.1;

typedef struct crew crew;

/* One cache line: it is written for each item. */
typedef struct hand {
    TR__ALIGNED(TR__CACHE_LINE) crew *crew;
    uint64_t done;   /* items */
    bool is_callers; /* it is no job, and reports */
} hand;

struct crew {
    TR__ALIGNED(TR__CACHE_LINE) uint64_t next; /* the first unit that nobody has taken */
    /* Seldom written. */
    TR__ALIGNED(TR__CACHE_LINE) uint32_t error; /* an int: the first; 0: none */
    uint64_t n;                                 /* items */
    uint64_t units;
    uint64_t least; /* units in a range */
    uint32_t threads;
    void *arg;
    tr_item_fn fn; /* NULL: it is tr_map_reduce */
    const char *name;
    tr_parallel_options options;
    uint64_t report_ns; /* when to report next; the caller's */
    hand *hands;
    tr_future **jobs; /* of the hands that are jobs */
    size_t job_count;
    bool is_job; /* the caller is */
    /* tr_map_reduce. */
    tr_map_fn map;
    tr_reduce_fn reduce;
    const void *neutral;
    size_t result_bytes;
    size_t stride;  /* bytes from one group to the next */
    uint64_t grain; /* items in a group */
    char *groups;
    uint32_t groups_left;
};

/* ---- the work of a hand ---- */

static void stop(crew *c, int error)
{
    (void)tr__cas_ordered_u32(&c->error, 0, (uint32_t)error); /* ordered: the first one stays */
}

static bool is_stopped(const crew *c)
{
    /* relaxed: a request. */
    return TR__UNLIKELY(tr__load_relaxed_u32(&c->error) != 0);
}

static size_t done_by_all(const crew *c)
{
    uint64_t done = 0;

    for (uint32_t i = 0; i < c->threads; i++)
        done += tr__load_relaxed_u64(&c->hands[i].done); /* relaxed: a figure */
    return (size_t)done;
}

static void plan_report(crew *c)
{
    c->report_ns = tr__deadline_ns(tr__now_ns(), c->options.progress_s);
}

static void report(crew *c)
{
    size_t done = done_by_all(c);
    int rc = done < c->n ? c->options.progress(done, (size_t)c->n, c->arg) : 0;

    if (rc < 0)
        stop(c, rc);
    plan_report(c);
}

/* What the caller does between two items. */
static TR__NOINLINE void look_up(crew *c)
{
    if (c->is_job && tr_cancelled())
        stop(c, TR_ECANCELED);
    if (c->options.progress != NULL && tr__now_ns() >= c->report_ns)
        report(c);
}

/* What comes of an item. */
static TR__ALWAYS_INLINE void count_item(crew *c, hand *h, int rc)
{
    if (TR__UNLIKELY(rc < 0))
        stop(c, rc);
    else
        tr__bump_u64(&h->done, 1);
    if (TR__UNLIKELY(h->is_callers))
        look_up(c);
}

/* The groups, from the first to the last, into the first. */
static void reduce_all(crew *c)
{
    for (uint64_t i = 1; i < c->units; i++)
        c->reduce(c->groups, c->groups + i * c->stride, c->arg);
}

static void do_group(crew *c, hand *h, uint64_t group)
{
    char *gathered = c->groups + group * c->stride;
    uint64_t end = (group + 1) * c->grain < c->n ? (group + 1) * c->grain : c->n;
    uint64_t before = h->done;
    uint64_t begin = group * c->grain;

    memcpy(gathered, c->neutral, c->result_bytes);
    for (uint64_t i = begin; i < end && !is_stopped(c); i++)
        count_item(c, h, c->map((size_t)i, gathered, c->arg));
    /* ordered: the last one sees all groups. */
    if (h->done - before == end - begin && tr__add_ordered_u32(&c->groups_left, (uint32_t)-1) == 1)
        reduce_all(c);
}

static void do_range(crew *c, hand *h, uint64_t begin, uint64_t end)
{
    for (uint64_t i = begin; i < end && !is_stopped(c); i++)
        if (c->fn != NULL)
            count_item(c, h, c->fn((size_t)i, c->arg));
        else
            do_group(c, h, i);
}

/* false: there are no units left. */
static bool take_range(crew *c, uint64_t *begin, uint64_t *end)
{
    uint64_t at = tr__load_relaxed_u64(&c->next); /* relaxed: only to see how many */
    uint64_t count;

    if (at >= c->units)
        return false;
    count = (c->units - at) / (RANGES * (uint64_t)c->threads);
    count = count > c->least ? count : c->least;
    *begin = tr__add_relaxed_u64(&c->next, count); /* relaxed: it publishes nothing */
    *end = count < c->units - *begin ? *begin + count : c->units;
    return *begin < c->units;
}

static int work(void *arg)
{
    hand *h = arg;
    uint64_t begin;
    uint64_t end;

    while (!is_stopped(h->crew) && take_range(h->crew, &begin, &end))
        do_range(h->crew, h, begin, end);
    return 0;
}

/* ---- the jobs ---- */

/* Those for which there is a thread, or a place in line. The error of the first is returned. */
static int submit_all(crew *c, size_t count)
{
    tr__job_terms terms = { .fn = work, .name = c->name, .priority = (int8_t)c->options.priority };

    while (c->job_count < count) {
        int rc;

        terms.arg = &c->hands[c->threads - count + c->job_count];
        rc = tr__pool_submit_job(&c->jobs[c->job_count], c->options.pool, &terms);
        if (rc < 0)
            return c->job_count == 0 ? rc : 0;
        c->job_count++;
    }
    return 0;
}

/* There is nothing left to take: those that have not begun are not needed. */
static void retract_all(crew *c)
{
    for (size_t i = 0; i < c->job_count; i++)
        while (!tr__job_retract(c->jobs[i]))
            tr__task_pause(tr__task_here());
}

static void cancel_all(crew *c)
{
    for (size_t i = 0; i < c->job_count; i++)
        (void)tr_future_cancel(c->jobs[i]); /* it may have ended */
}

static int result_of(crew *c)
{
    /* relaxed: the jobs are over. */
    int error = (int)tr__load_relaxed_u32(&c->error);

    if (error == TR_ECANCELED && done_by_all(c) == c->n)
        return 0;
    return error;
}

/* ---- a task ---- */

/* Wait until all items are done, or are to be stopped. Without memory it does not look in between.
 * */
static void await_items(crew *c)
{
    double patience_s = c->options.progress != NULL ? c->options.progress_s : TR_FOREVER;
    tr_wait_when when = TR_FIRST_COMPLETED;

    while (!is_stopped(c)) {
        int rc = tr_wait(c->jobs, c->job_count, when, patience_s);

        if (rc == TR_ETIMEDOUT) {
            report(c);
        } else if (rc < 0) {
            if (rc != TR_ENOMEM)
                stop(c, rc);
            return;
        } else if (when == TR_ALL_COMPLETED) {
            return;
        } else {
            retract_all(c);
            when = TR_ALL_COMPLETED;
        }
    }
}

static int run_as_task(crew *c)
{
    int rc = submit_all(c, c->threads);

    if (rc < 0)
        return rc;
    await_items(c);
    if (is_stopped(c))
        cancel_all(c);
    for (size_t i = 0; i < c->job_count; i++)
        tr__future_join(c->jobs[i]);
    return result_of(c);
}

/* ---- a foreign thread ---- */

static void wait_for_job(crew *c, tr_future *job)
{
    bool looks_up = c->is_job || c->options.progress != NULL;

    while (!is_stopped(c)) {
        if (tr__future_sleep(job, looks_up ? tr__deadline_ns(tr__now_ns(), c->options.progress_s)
                                           : UINT64_MAX))
            return;
        look_up(c);
        if (is_stopped(c))
            cancel_all(c);
    }
    (void)tr__future_sleep(job, UINT64_MAX); /* without a deadline */
}

static int run_as_thread(crew *c)
{
    look_up(c); /* it may be cancelled already */
    c->hands[0].is_callers = true;
    if (!is_stopped(c))
        (void)submit_all(c, c->threads - 1); /* without, it works alone */
    (void)work(&c->hands[0]);
    if (is_stopped(c))
        cancel_all(c);
    else
        retract_all(c);
    for (size_t i = 0; i < c->job_count; i++)
        wait_for_job(c, c->jobs[i]);
    return result_of(c);
}

/* ---- in all places ---- */

static int read_options(crew *c, const tr_parallel_options *options, size_t options_size)
{
    tr_parallel_options *o = &c->options;

    if (options_size == 0 || options_size > sizeof(*o))
        return TR_EINVAL;
    if (options != NULL)
        memcpy(o, options, options_size);
    if (o->threads < 0 || o->priority < TR_PRIORITY_LOW || o->priority > TR_PRIORITY_HIGH ||
        !(o->progress_s >= 0)) /* NaN, too */
        return TR_EINVAL;
    if (o->pool == NULL)
        o->pool = TR_POOL_CPU;
    if (o->progress_s == 0)
        o->progress_s = PROGRESS_S;
    return tr__pool_check(o->pool, work);
}

static uint32_t count_threads(const crew *c)
{
    uint64_t threads = c->options.pool->max;

    if (c->options.threads > 0 && (uint64_t)c->options.threads < threads)
        threads = (uint64_t)c->options.threads;
    if (threads > c->units)
        threads = c->units;
    return threads < THREADS_MOST ? (uint32_t)threads : THREADS_MOST;
}

static int hire(crew *c)
{
    const tr__worker *worker = tr__worker_here();

    c->threads = count_threads(c);
    c->is_job = worker != NULL;
    plan_report(c);
    c->hands = tr__alloc_lines_zeroed(c->threads * (sizeof(hand) + sizeof(tr_future *)));
    if (c->hands == NULL)
        return TR_ENOMEM;
    c->jobs = (tr_future **)(void *)(c->hands + c->threads);
    for (uint32_t i = 0; i < c->threads; i++)
        c->hands[i].crew = c;
    return 0;
}

static int run_crew(crew *c)
{
    int rc = hire(c);

    if (rc < 0)
        return rc;
    rc = tr__task_here() != NULL ? run_as_task(c) : run_as_thread(c);
    for (size_t i = 0; i < c->job_count; i++)
        tr_future_unref(c->jobs[i]);
    tr__free_lines(c->hands);
    return rc;
}

/* What the caller must be, and whether there is anything to do. */
static int check(const crew *c)
{
    tr_task *task = tr__task_here();

    if (c->n > SIZE_MAX / 2)
        return TR_EINVAL;
    if (task != NULL)
        return tr__task_checkpoint(task);
    return tr__loop_here() != NULL ? TR_EWRONGPLACE : 0;
}

int tr__parallel_for(size_t n, tr_item_fn fn, void *arg, const char *name,
                     const tr_parallel_options *options, size_t options_size)
{
    crew c = { .n = n, .units = n, .fn = fn, .arg = arg, .name = name };
    int rc = fn != NULL ? read_options(&c, options, options_size) : TR_EINVAL;

    if (rc == 0)
        rc = check(&c);
    if (rc < 0 || n == 0)
        return rc;
    c.least = c.options.grain > 0 ? c.options.grain : 1;
    return run_crew(&c);
}

/* Memory for all groups, each on lines of its own. */
static int make_groups(crew *c)
{
    size_t most = SIZE_MAX / 2;

    c->grain = c->options.grain > 0 ? c->options.grain : (c->n + GROUPS - 1) / GROUPS;
    c->units = (c->n + c->grain - 1) / c->grain;
    if (c->units > UINT32_MAX || c->result_bytes > most / c->units - TR__CACHE_LINE)
        return TR_ENOMEM;
    c->least = 1;
    c->groups_left = (uint32_t)c->units;
    c->stride = (c->result_bytes + TR__CACHE_LINE - 1) / TR__CACHE_LINE * TR__CACHE_LINE;
    c->groups = tr__alloc_lines_zeroed((size_t)c->units * c->stride);
    return c->groups != NULL ? 0 : TR_ENOMEM;
}

int tr__map_reduce(void *result, size_t result_bytes, size_t n, tr_map_fn map, tr_reduce_fn reduce,
                   void *arg, const char *name, const tr_parallel_options *options,
                   size_t options_size)
{
    crew c = { .n = n, .map = map, .reduce = reduce, .arg = arg, .name = name };
    int rc = TR_EINVAL;

    c.neutral = result;
    c.result_bytes = result_bytes;
    if (result != NULL && result_bytes > 0 && map != NULL && reduce != NULL)
        rc = read_options(&c, options, options_size);
    if (rc == 0)
        rc = check(&c);
    if (rc < 0 || n == 0)
        return rc;
    rc = make_groups(&c);
    if (rc == 0)
        rc = run_crew(&c);
    if (rc == 0)
        memcpy(result, c.groups, result_bytes);
    tr__free_lines(c.groups);
    return rc;
}
