/* All pools: troupe's own and the program's, as the runtime starts and stops. */
#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/seam.h"
#include "base/threads.h"
#include "runtime/pool.h"
#include "runtime/runtime.h"

enum { CLASS_IO, CLASS_CPU, CLASS_DNS, CLASSES };

#define EMPTY_LIST(at)                                                                             \
    {                                                                                              \
        &(at), &(at)                                                                               \
    }
#define STATIC_POOL(at, pool_name)                                                                 \
    {                                                                                              \
        .inlet = TR__INLET_INIT, .max = 1, .lock = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP,          \
        .line = EMPTY_LIST((at).line), .high_line = EMPTY_LIST((at).high_line),                    \
        .low_line = EMPTY_LIST((at).low_line), .idle = EMPTY_LIST((at).idle),                      \
        .workers = EMPTY_LIST((at).workers), .is_closed = true, .is_static = true,                 \
        .name = (pool_name),                                                                       \
    }

static tr_pool static_pools[CLASSES] = {
    [CLASS_IO] = STATIC_POOL(static_pools[CLASS_IO], "io"),
    [CLASS_CPU] = STATIC_POOL(static_pools[CLASS_CPU], "cpu"),
    [CLASS_DNS] = STATIC_POOL(static_pools[CLASS_DNS], "dns"),
};

uint64_t tr__pools_spin_ns;
uint64_t tr__pools_idle_ns;

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Under the gate, but for the figures. A pool's lock may be taken inside of the gate, never the
 * other way round. */
static struct {
    tr__gate gate;
    tr__list list;
    bool is_open;
    uint64_t figures[3]; /* by tr__job_figure */
} all;

static void prepare(void)
{
    tr__gate_init(&all.gate); /* on the monotonic clock, which no initializer can say */
    tr__list_init(&all.list);
    for (int i = 0; i < CLASSES; i++)
        tr__list_append(&all.list, &static_pools[i].link);
}

static void lock_all(void)
{
    (void)pthread_once(&once, prepare); /* can't fail */
    tr__gate_lock(&all.gate);
}

static void unlock_all(void)
{
    tr__gate_unlock(&all.gate);
}

static void for_each(void (*fn)(tr_pool *pool))
{
    for (tr__list *node = all.list.next; node != &all.list; node = node->next)
        fn(TR__CONTAINER_OF(node, tr_pool, link));
}

static void lock(tr_pool *pool)
{
    tr__mutex_lock(&pool->lock);
}

tr_pool *tr__pool_of_class(int pool_class)
{
    return pool_class >= 0 && pool_class < CLASSES ? &static_pools[pool_class] : NULL;
}

/* ---- the program's own ---- */

static void init_pool(tr_pool *pool, const char *name, int max)
{
    static const pthread_mutex_t unlocked = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;

    pool->lock = unlocked;
    pool->inlet.top = TR__INLET_CLOSED;
    pool->max = (uint32_t)max;
    pool->is_closed = true;
    tr__list_init(&pool->line);
    tr__list_init(&pool->high_line);
    tr__list_init(&pool->low_line);
    tr__list_init(&pool->idle);
    tr__list_init(&pool->workers);
    (void)snprintf(pool->name, sizeof(pool->name), "%s", name); /* a long one is cut */
}

/* With the gate: accept jobs. */
static void open_pool(tr_pool *pool)
{
    lock(pool);
    if (pool->leave == NULL) {
        pool->is_closed = false;
        pool->is_ending = false;
        /* relaxed: the inlet's opening publishes it. */
        tr__store_relaxed_u32(&pool->keeper, 0);
        tr__inlet_open(&pool->inlet);
    }
    tr__pool_unlock(pool);
}

int tr_pool_new(tr_pool **out, const char *name, int max)
{
    tr_pool *pool;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (name == NULL || max < 1 || max > TR__POOL_MAX_MOST)
        return TR_EINVAL;
    /* relaxed: set in a process of one thread. */
    if (tr__load_relaxed_u32(&tr__runtime.forked) != 0)
        return TR_EFORKED;
    pool = tr__alloc_lines_zeroed(sizeof(*pool));
    if (pool == NULL)
        return TR_ENOMEM;
    init_pool(pool, name, max);
    lock_all();
    tr__list_append(&all.list, &pool->link);
    if (all.is_open)
        open_pool(pool);
    unlock_all();
    *out = pool;
    return 0;
}

void tr__pools_remove(tr_pool *pool)
{
    lock_all();
    tr__list_remove(&pool->link);
    unlock_all();
}

/* ---- starting and stopping ---- */

void tr__pools_open(const tr_config *config)
{
    lock_all();
    tr__pools_spin_ns = config->spin_us > 0 ? (uint64_t)config->spin_us * 1000 : 0;
    tr__pools_idle_ns = tr__deadline_ns(0, config->pool_idle_s);
    static_pools[CLASS_IO].max = (uint32_t)config->pool_max;
    static_pools[CLASS_CPU].max = (uint32_t)config->pool_cpu_max;
    static_pools[CLASS_CPU].nice = config->pool_cpu_nice > 0 ? config->pool_cpu_nice : 0;
    static_pools[CLASS_DNS].max = (uint32_t)config->pool_dns_max;
    for (int i = 0; i < 3; i++)
        all.figures[i] = 0;
    for_each(open_pool);
    all.is_open = true;
    unlock_all();
}

static void close_pool(tr_pool *pool)
{
    lock(pool);
    tr__pool_refuse(pool);
    tr__pool_unlock(pool);
}

void tr__pools_close(void)
{
    lock_all();
    all.is_open = false;
    for_each(close_pool);
    unlock_all();
}

static bool is_at_rest(tr_pool *pool)
{
    bool is_so;

    lock(pool);
    is_so = pool->running == 0 && tr__pool_is_empty(pool);
    tr__pool_unlock(pool);
    return is_so;
}

static bool are_at_rest(void)
{
    for (tr__list *node = all.list.next; node != &all.list; node = node->next)
        if (!is_at_rest(TR__CONTAINER_OF(node, tr_pool, link)))
            return false;
    return true;
}

bool tr__pools_drain(uint64_t deadline_ns)
{
    bool is_drained;

    lock_all();
    while (!(is_drained = are_at_rest()))
        if (!tr__gate_wait(&all.gate, deadline_ns)) {
            is_drained = are_at_rest();
            break;
        }
    unlock_all();
    return is_drained;
}

void tr__pools_announce(void)
{
    lock_all();
    tr__gate_announce(&all.gate);
    unlock_all();
}

/* The name of a function that other libraries may see; NULL. */
static const char *symbol_of(void *address)
{
    Dl_info info;

    return dladdr(address, &info) != 0 && info.dli_saddr == address ? info.dli_sname : NULL;
}

void tr__job_describe(char text[TR__JOB_TEXT_BYTES], tr_job_fn fn, const char *name)
{
    void *address = (void *)(uintptr_t)fn;
    const char *symbol = symbol_of(address);

    if (name == NULL)
        name = symbol != NULL ? symbol : "of no name";
    if (symbol != NULL && strcmp(symbol, name) != 0) /* name is how the program got at it */
        (void)snprintf(text, TR__JOB_TEXT_BYTES, "job %s (%s, %p)", name, symbol, address);
    else
        (void)snprintf(text, TR__JOB_TEXT_BYTES, "job %s (%p)", name, address);
}

static void name_busy(tr_pool *pool)
{
    char text[TR__JOB_TEXT_BYTES];

    lock(pool);
    tr__pool_gather(pool); /* to count them all */
    if (pool->running != 0 || !tr__pool_is_empty(pool))
        tr__log(TR_LOG_WARN, "shutdown: pool '%s': %u jobs run, and %u wait", pool->name,
                (unsigned)pool->running, (unsigned)pool->length);
    for (tr__list *node = pool->workers.next; node != &pool->workers; node = node->next) {
        const tr__worker *worker = TR__CONTAINER_OF(node, tr__worker, link);

        if (worker->fn == NULL)
            continue;
        tr__job_describe(text, worker->fn, worker->name);
        tr__log(TR_LOG_WARN, "shutdown: pool '%s': %s has not returned", pool->name, text);
    }
    tr__pool_unlock(pool);
}

void tr__pools_name_busy(void)
{
    lock_all();
    for_each(name_busy);
    unlock_all();
}

static void end_pool(tr_pool *pool)
{
    lock(pool);
    tr__pool_end(pool); /* unlocks */
}

void tr__pools_join(void)
{
    lock_all();
    for_each(end_pool);
    unlock_all();
    tr__workers_join();
}

static void unlock_pool(tr_pool *pool)
{
    tr__pool_unlock(pool);
}

/* Nobody else has two of them at a time, and who has one does not ask for the gate. */
void tr__pools_freeze(void (*fn)(tr__list *pools, void *arg), void *arg)
{
    lock_all();
    for_each(lock);
    fn(&all.list, arg);
    for_each(unlock_pool);
    unlock_all();
}

/* ---- figures ---- */

void tr__pools_count(tr__job_figure figure)
{
    (void)tr__add_relaxed_u64(&all.figures[figure], 1); /* relaxed: a statistic */
}

void tr__pools_add_stats(tr_stats *sum)
{
    /* relaxed: statistics */
    sum->jobs_submitted += tr__load_relaxed_u64(&all.figures[TR__JOB_SUBMITTED]);
    /* relaxed: as above */
    sum->jobs_run += tr__load_relaxed_u64(&all.figures[TR__JOB_RUN]);
    /* relaxed: as above */
    sum->jobs_cancelled += tr__load_relaxed_u64(&all.figures[TR__JOB_CANCELLED]);
}
