/* The threads of pools: what they take, how they rest, who wakes them, how they end. */
#include <stdio.h>

#include "base/seam.h"
#include "base/threads.h"
#include "runtime/loop.h"
#include "runtime/pool.h"

enum {
    SPIN_LOOKS = 32,    /* rounds of spinning between two looks at the clock */
    GRACE_NS = 2 * 1000 /* how long any worker looks out for the next job before it rests */
};

static TR__THREAD_LOCAL tr__worker *worker_of_thread;

/* The thread that ended last is joined by the next one that ends, or by tr__workers_join: so there
 * is at most one that nobody has joined. */
static struct {
    tr__gate gate;
    uint32_t alive; /* threads that were started and have not come here */
    bool is_filled;
    pthread_t last;
} ended = { .gate = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER } };

tr__worker *tr__worker_here(void)
{
    return worker_of_thread;
}

bool tr_cancelled(void)
{
    const tr__worker *worker = worker_of_thread;

    /* relaxed: a request; it publishes nothing. */
    return worker != NULL && worker->job != NULL &&
           tr__load_relaxed_u32(&worker->job->is_cancelled) != 0;
}

static void lock(tr_pool *pool)
{
    tr__mutex_lock(&pool->lock);
}

/* ---- running ---- */

/* Whether another one should come, for jobs that would wait for this one's end. */
static tr__worker *pass_nudge_on(tr_pool *pool)
{
    tr__worker *woken = NULL;

    if (TR__UNLIKELY(pool->is_hungry) && pool->coming == 0 && !tr__pool_is_empty(pool))
        (void)tr__worker_call(pool, &woken); /* without: the keeper tries again */
    return woken;
}

static void call(tr__worker *self, tr__job *job)
{
    bool may_interrupt = job->may_interrupt;

    if (TR__UNLIKELY(may_interrupt))
        tr__interrupt_begin(self);
    job->result = job->fn(job->arg);
    if (TR__UNLIKELY(may_interrupt))
        tr__interrupt_end(self);
}

/* With the lock, which it gives back and takes again. */
static void run(tr__worker *self, tr_pool *pool, tr__job *job)
{
    tr__worker *woken = pass_nudge_on(pool);

    self->fn = job->fn;
    self->name = job->name;
    self->job = job;
    self->current = job;
    self->open_job = job->may_interrupt ? job : NULL;
    pool->running++;
    tr__pool_unlock(pool);
    tr__worker_wake(woken);
    if (TR__UNLIKELY(job->has_begin))
        job->begin(job);
    tr__job_begins();
    call(self, job);
    self->job = NULL;
    /* release: the result is there; pairs with the acquire in tr__pool_take_back. */
    tr__store_release_u32(&job->is_over, 1);
    job->finish(job);
    lock(pool);
    self->fn = NULL;
    self->current = NULL;
    pool->running--;
    pool->is_hungry = false;
}

/* ---- resting ---- */

/* Look out for a job for a while; without the lock. */
static void spin(const tr_pool *pool)
{
    uint64_t now_ns = tr__now_ns();
    uint64_t grace_ns = now_ns + GRACE_NS;
    uint64_t end_ns = now_ns + tr__pools_spin_ns;
    bool is_spinner = false;

    if (tr__pools_spin_ns == 0)
        return;
    while (now_ns < (is_spinner ? end_ns : grace_ns)) {
        for (int i = 0; i < SPIN_LOOKS; i++) {
            if (!tr__pool_is_empty(pool)) {
                now_ns = UINT64_MAX;
                break;
            }
            tr__spin_pause();
        }
        if (now_ns == UINT64_MAX)
            break;
        is_spinner = is_spinner || tr__spin_begin();
        now_ns = is_spinner && !tr__cores_suffice() ? end_ns : tr__now_ns();
    }
    if (is_spinner)
        tr__spin_end();
}

/* With the lock, which it gives back and takes again. false: nobody has called it in time. */
static bool sleep_until_called(tr__worker *self, tr_pool *pool)
{
    uint64_t deadline_ns;

    tr__store_relaxed_u32(&self->is_called, 0); /* relaxed: nobody knows it as idle yet */
    tr__list_append(&pool->idle, &self->resting);
    tr__store_relaxed_u32(&pool->awake, pool->awake - 1); /* relaxed: the fence follows */
    /* fence: between awake and the look at the inlet; see the header. */
    tr__fence_full();
    if (!tr__inlet_is_empty(&pool->inlet)) {
        tr__list_remove(&self->resting);
        tr__store_relaxed_u32(&pool->awake, pool->awake + 1); /* relaxed: nothing hangs on it */
        return true;
    }
    tr__pool_unlock(pool);
    deadline_ns = tr__now_ns();
    deadline_ns =
        tr__pools_idle_ns < UINT64_MAX - deadline_ns ? deadline_ns + tr__pools_idle_ns : UINT64_MAX;
    tr__awake_end();
    /* relaxed: the lock orders the rest. */
    while (tr__load_relaxed_u32(&self->is_called) == 0)
        if (!tr__futex_wait(&self->is_called, 0, deadline_ns))
            break;
    tr__awake_begin();
    lock(pool);
    /* relaxed: written under the lock. */
    if (tr__load_relaxed_u32(&self->is_called) != 0) {
        pool->coming--;
        return true;
    }
    tr__list_remove(&self->resting);
    if (tr__pool_is_empty(pool))
        return false;
    /* A job has come just now; who pushed it would start another thread. */
    tr__store_relaxed_u32(&pool->awake, pool->awake + 1); /* relaxed: the lock publishes it */
    return true;
}

/* There is no job: wait for one, with the lock. false: end. */
static bool rest(tr__worker *self, tr_pool *pool)
{
    bool is_last = pool->is_closed && pool->running == 0;

    if (pool->is_ending) {
        tr__store_relaxed_u32(&pool->awake, pool->awake - 1); /* relaxed: nothing hangs on it */
        return false;
    }
    tr__pool_unlock(pool);
    if (is_last)
        tr__pools_announce();
    else
        spin(pool);
    lock(pool);
    if (pool->is_ending || !tr__pool_is_empty(pool))
        return true; /* to look, and to end if there is nothing */
    return sleep_until_called(self, pool);
}

/* ---- the thread ---- */

/* A thread's last steps; it touches no pool any more. */
static void leave(void)
{
    pthread_t before = { 0 };
    bool is_filled;

    tr__gate_lock(&ended.gate);
    is_filled = ended.is_filled;
    before = ended.last;
    ended.last = tr__thread_self();
    ended.is_filled = true;
    /* ordered: more than it needs; the gate publishes. */
    (void)tr__add_ordered_u32(&ended.alive, (uint32_t)-1);
    tr__gate_announce(&ended.gate);
    tr__gate_unlock(&ended.gate);
    if (is_filled)
        tr__thread_join(before);
}

/* With the lock, which it gives back. */
static void end(tr__worker *self, tr_pool *pool)
{
    struct tr__leave *leave = NULL;
    bool is_last = pool->is_closed && pool->running == 0;

    tr__list_remove(&self->link);
    if (--pool->threads == 0 && pool->is_ending)
        leave = pool->leave;
    tr__pool_unlock(pool);
    tr__free_lines(self);
    if (is_last)
        tr__pools_announce();
    if (leave != NULL)
        tr__leave_go_on(leave);
}

static void *worker_main(void *arg)
{
    tr__worker *self = arg;
    tr_pool *pool = self->pool;

    worker_of_thread = self;
    if (pool->nice > 0)
        tr__thread_be_nice(pool->nice);
    tr__awake_begin();
    lock(pool);
    pool->coming--;
    do {
        tr__job *job;

        while ((job = tr__pool_take(pool)) != NULL)
            run(self, pool, job);
    } while (rest(self, pool));
    worker_of_thread = NULL;
    tr__awake_end();
    end(self, pool);
    leave();
    return NULL;
}

/* ---- calling workers ---- */

/* As tr-io/3: for people. The number stays whole. */
static void name_thread(char name[16], const tr_pool *pool)
{
    char number[12];
    int bytes = snprintf(number, sizeof(number), "/%u", (unsigned)pool->started);

    (void)snprintf(name, 16, "tr-%.*s%s", 12 - bytes, pool->name, number);
}

static int start(tr_pool *pool)
{
    tr__worker *worker = tr__alloc_lines_zeroed(sizeof(*worker));
    char name[16];

    if (worker == NULL)
        return TR_EAGAIN;
    worker->pool = pool;
    pool->started++;
    name_thread(name, pool);
    /* ordered: more than it needs; the thread is counted before it may end. */
    (void)tr__add_ordered_u32(&ended.alive, 1);
    if (tr__thread_new(&worker->thread, name, worker_main, worker) < 0) {
        /* ordered: as above. Nobody waits for it: this caller uses the pool. */
        (void)tr__add_ordered_u32(&ended.alive, (uint32_t)-1);
        tr__free_lines(worker);
        return TR_EAGAIN;
    }
    tr__list_append(&pool->workers, &worker->link);
    pool->threads++;
    return 0;
}

/* A thread is as nice as who starts it, and may not become less so. */
static bool is_too_nice_for(const tr_pool *pool)
{
    return worker_of_thread != NULL && worker_of_thread->pool->nice > pool->nice;
}

static void expect_one(tr_pool *pool)
{
    tr__store_relaxed_u32(&pool->awake, pool->awake + 1); /* relaxed: the lock publishes it */
    pool->coming++;
}

/* Call one that sleeps; the caller takes it off the list of those. */
static tr__worker *call_up(tr_pool *pool, tr__list *resting)
{
    tr__worker *worker = TR__CONTAINER_OF(resting, tr__worker, resting);

    tr__store_relaxed_u32(&worker->is_called, 1); /* relaxed: the lock orders the rest */
    expect_one(pool);
    return worker;
}

int tr__worker_call(tr_pool *pool, tr__worker **woken)
{
    tr__list *last = pool->idle.prev;

    *woken = NULL;
    /* A pool that is freed is gone when its last worker ends, and must not get another. */
    if (tr__pool_is_empty(pool))
        return TR_EALREADY;
    if (last != &pool->idle) {
        tr__list_remove(last);
        *woken = call_up(pool, last);
        return 0;
    }
    if (pool->threads >= pool->max || is_too_nice_for(pool))
        return TR_ELIMIT; /* the keeper sees to it */
    if (start(pool) < 0)
        return TR_EAGAIN;
    expect_one(pool);
    return 0;
}

void tr__worker_wake(tr__worker *woken)
{
    /* It may have seen the word already, and be gone: then this wakes nobody. */
    if (woken != NULL)
        tr__futex_wake(&woken->is_called, 1);
}

/* ---- ending ---- */

void tr__pool_end(tr_pool *pool)
{
    tr__pool_refuse(pool);
    pool->is_ending = true;
    for (tr__list *node = pool->idle.next; node != &pool->idle; node = node->next)
        tr__worker_wake(call_up(pool, node)); /* it can't go on before the lock is free */
    tr__list_init(&pool->idle);
    tr__pool_unlock(pool);
}

void tr__workers_join(void)
{
    tr__gate_lock(&ended.gate);
    /* acquire: pairs with the ordered add in leave. */
    while (tr__load_acquire_u32(&ended.alive) != 0)
        (void)tr__gate_wait(&ended.gate, UINT64_MAX); /* without a deadline */
    if (ended.is_filled)
        tr__thread_join(ended.last);
    ended.is_filled = false;
    tr__gate_unlock(&ended.gate);
}
