/* Who goes on, and when. See world.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "base/atomic.h"
#include "base/compiler.h"
#include "base/seam.h"
#include "runtime/runtime.h"
#include "sim/chance.h"
#include "sim/exhaust.h"
#include "sim/sockets.h"
#include "sim/world.h"

enum {
    STEP_NS = 20,           /* virtual time that a step takes */
    LOOK_UP = 1 << 16,      /* steps between two looks at the time limit at most */
    STACK_BYTES = 1 << 20,  /* of a thread: of address space */
    GUARD_BYTES = 64 << 10, /* of these, below, that must not be touched */
    POLL_EVERY = 16         /* choices between two looks at descriptors */
};
static const uint64_t LATE_NS = 2 * 1000 * 1000;
static const uint64_t STALL_NS = 50 * 1000 * 1000;
static const uint64_t SWEEP_NS = 500 * 1000 * 1000;
static const uint64_t IDLE_NS = UINT64_C(2) * 3600 * 1000 * 1000 * 1000;

tr__sim_world tr__sim;
_Thread_local bool tr__sim_plays;
uint64_t tr__sim_steps_left = UINT64_MAX;
static uint64_t steps_granted; /* what it was last */
static bool is_switching;      /* from one thread of the world to another, just now */

/* What each thread has of its own (TR__THREAD_LOCAL): the linker knows where it lies. */
extern char __start_tr_locals[];
extern char __stop_tr_locals[];

static size_t locals_bytes(void)
{
    return (size_t)(__stop_tr_locals - __start_tr_locals);
}

/* ---- steps and time ---- */

/* Add the steps that have been taken to the clock, and grant as many as there are until the next
 * preemption. */
static void settle_steps(void)
{
    uint64_t taken = steps_granted - tr__sim_steps_left;
    uint64_t left;

    tr__sim.figures.steps += taken;
    tr__sim.now_ns += taken * STEP_NS;
    left = tr__sim.next_preemption > tr__sim.figures.steps
               ? tr__sim.next_preemption - tr__sim.figures.steps
               : 1;
    steps_granted = tr__exhausting ? 1 : left < LOOK_UP ? left : LOOK_UP;
    tr__sim_steps_left = steps_granted;
}

uint64_t tr__sim_clock_ns(void)
{
    tr__sim_step();
    settle_steps();
    return tr__sim.now_ns;
}

uint64_t tr__sim_peek_ns(void)
{
    return tr__sim.now_ns + (steps_granted - tr__sim_steps_left) * STEP_NS;
}

double tr__sim_seconds(uint64_t ns)
{
    return (double)(ns - TR__SIM_EPOCH_NS) / 1e9;
}

/* ---- from one thread to another ---- */

#ifdef TR__ASAN
void tr__sim_arrive(void *fake_stack)
{
    const void *low;
    size_t bytes;

    __sanitizer_finish_switch_fiber(fake_stack, &low, &bytes);
    if (!is_switching)
        return; /* a loop and its task */
    is_switching = false;
    tr__sim.previous->low = low;
    tr__sim.previous->bytes = bytes;
}

static void depart(tr_sim_thread *from, tr_sim_thread *to)
{
    is_switching = true;
    __sanitizer_start_switch_fiber(from->has_ended ? NULL : &from->fake_stack, to->low, to->bytes);
}

static void arrive(tr_sim_thread *here)
{
    tr__sim_arrive(here->fake_stack);
}
#else
static void depart(const tr_sim_thread *from, const tr_sim_thread *to)
{
    (void)from;
    (void)to;
    is_switching = true;
}

static void arrive(const tr_sim_thread *here)
{
    (void)here;
    is_switching = false;
}
#endif

/* `from` runs, and is left; returns when it goes on. */
static void switch_from_to(tr_sim_thread *from, tr_sim_thread *to)
{
    from->saved_errno = errno;
    memcpy(from->locals, __start_tr_locals, locals_bytes());
    memcpy(__start_tr_locals, to->locals, locals_bytes());
    tr__sim.previous = from;
    tr__sim.current = to;
    tr__sim.figures.switches++;
    depart(from, to);
    tr__context_swap(&from->context, &to->context);
    arrive(from);
    errno = from->saved_errno;
}

/* ---- who is ready ---- */

static bool is_ready(const tr_sim_thread *thread)
{
    return !thread->has_ended && thread->wait == TR__SIM_RUNS && thread->ready_ns <= tr__sim.now_ns;
}

void tr__sim_make_ready(tr_sim_thread *thread, bool is_late)
{
    if (!is_late || thread->wait != TR__SIM_EVENTS)
        tr__sim.moved_ns = tr__sim.now_ns;
    thread->wait = TR__SIM_RUNS;
    thread->is_late = is_late;
    thread->ready_ns = tr__sim.now_ns;
    if (tr__chance(&tr__sim.faults, tr__sim.options.late))
        thread->ready_ns += tr__random_next(&tr__sim.faults) % LATE_NS;
    tr__sim_note(TR__SIM_WOKEN, thread, is_late);
}

/* Those whose time has come. */
static void expire(void)
{
    if (tr__sim.arrival_ns <= tr__sim.now_ns)
        tr__arrivals_run();
    for (tr_sim_thread *t = tr__sim.threads; t != NULL; t = t->next)
        if (!t->has_ended && t->wait != TR__SIM_RUNS && t->until_ns <= tr__sim.now_ns)
            tr__sim_make_ready(t, true);
}

/* One of those who are ready, but for `but`; NULL: there is none. */
static tr_sim_thread *choose(tr__random *dice, const tr_sim_thread *but)
{
    uint32_t ready = 0;
    uint32_t index;

    for (const tr_sim_thread *t = tr__sim.threads; t != NULL; t = t->next)
        ready += t != but && is_ready(t);
    if (ready == 0)
        return NULL;
    index = tr__exhausting ? tr__exhaust_decide(ready, false)
                           : (uint32_t)(tr__random_next(dice) % ready);
    for (tr_sim_thread *t = tr__sim.threads; t != NULL; t = t->next)
        if (t != but && is_ready(t) && index-- == 0)
            return t;
    return NULL;
}

static tr_sim_thread *thread_of(uint32_t number)
{
    for (tr_sim_thread *t = tr__sim.threads; t != NULL; t = t->next)
        if (t->number == number)
            return is_ready(t) ? t : NULL;
    return NULL;
}

/* When somebody who can't go on now can; UINT64_MAX: never. */
static uint64_t next_time(void)
{
    uint64_t next_ns = tr__sim.arrival_ns;

    for (const tr_sim_thread *t = tr__sim.threads; t != NULL; t = t->next) {
        uint64_t ns = t->wait == TR__SIM_RUNS ? t->ready_ns : t->until_ns;

        if (!t->has_ended && ns < next_ns)
            next_ns = ns;
    }
    return next_ns;
}

static void check_time(void)
{
    if (tr__sim_seconds(tr__sim.now_ns) > tr__sim.options.time_limit)
        tr__sim_give_up("it does not end: its virtual time is over");
    if (tr__sim.figures.steps > tr__sim.options.step_limit)
        tr__sim_give_up("it does not end: it has taken too many steps");
}

/* A loop with nothing to do wakes every minute all the same, by libev's own rule. So it hangs when
 * that is all that has happened for long, and no loop has a timer. */
static bool is_idle_for_ever(void)
{
    if (tr__sim.now_ns - tr__sim.moved_ns < IDLE_NS)
        return false;
    for (uint32_t i = 0; i < tr__runtime.loop_count; i++)
        if (tr__runtime.loops[i]->wheel.count != 0)
            return false;
    return true;
}

/* Long enough to look at what goes past the calls that are simulated. */
static bool is_long_until(uint64_t ns)
{
    return tr__network_now.count > 0 && ns - tr__sim.now_ns > SWEEP_NS;
}

/* Nobody is ready: let time pass until somebody is. */
static void jump(void)
{
    uint64_t next_ns;

    if (tr__sim_poll())
        return;
    next_ns = next_time();
    if (is_long_until(next_ns) && tr__network_sweep())
        return;
    if (next_ns == UINT64_MAX || is_idle_for_ever())
        tr__sim_give_up("it hangs: all threads wait");
    if (next_ns > tr__sim.now_ns) {
        tr__sim_note(TR__SIM_JUMPED, NULL, next_ns - tr__sim.now_ns);
        tr__sim.now_ns = next_ns;
    }
    check_time();
    expire();
}

/* Who goes on, as the running thread can't. */
static tr_sim_thread *choose_next(void)
{
    tr_sim_thread *next;

    settle_steps();
    expire();
    if (tr__sim.signalled || ++tr__sim.choices % POLL_EVERY == 0)
        (void)tr__sim_poll();
    while ((next = choose(&tr__sim.schedule, NULL)) == NULL)
        jump();
    return next;
}

static void go_on_with(tr_sim_thread *next)
{
    if (next == tr__sim.current)
        return;
    tr__sim_note(TR__SIM_SWITCHED, next, 0);
    switch_from_to(tr__sim.current, next);
}

/* ---- waiting ---- */

bool tr__sim_wait_for(tr__sim_wait wait, const void *object, uint64_t until_ns)
{
    tr_sim_thread *self = tr__sim.current;

    tr__sim_drain();
    self->wait = wait;
    self->object = object;
    self->until_ns = until_ns;
    self->is_interrupted = false;
    tr__sim_note(TR__SIM_WAITS, self, wait);
    go_on_with(choose_next());
    self->object = NULL;
    return !self->is_late;
}

bool tr__sim_was_interrupted(void)
{
    return tr__sim.current->is_interrupted;
}

void tr__sim_wake(tr__sim_wait wait, const void *object, uint32_t count)
{
    for (tr_sim_thread *t = tr__sim.threads; t != NULL && count > 0; t = t->next)
        if (!t->has_ended && t->wait == wait && t->object == object) {
            tr__sim_make_ready(t, false);
            count--;
        }
}

void tr__sim_yield(void)
{
    tr_sim_thread *next;

    settle_steps();
    expire();
    next = choose(&tr__sim.schedule, tr__sim.current);
    if (next == NULL && tr__sim_poll())
        next = choose(&tr__sim.schedule, tr__sim.current);
    if (next != NULL)
        go_on_with(next);
    else
        tr__sim.now_ns += 50 * STEP_NS; /* it looks again at once: so that its time passes */
}

/* ---- preemptions ---- */

static void plan_preemption(void)
{
    const tr__sim_trace *kept = tr__sim_kept;

    if (kept != NULL && kept->is_replay)
        tr__sim.next_preemption =
            tr__sim.replayed < kept->preemptions ? kept->list[tr__sim.replayed].step : UINT64_MAX;
    else if (tr__sim.mean == 0)
        tr__sim.next_preemption = UINT64_MAX;
    else
        tr__sim.next_preemption =
            tr__sim.figures.steps + 1 + tr__random_next(&tr__sim.preemptions) % (2 * tr__sim.mean);
}

/* The same where all ways are gone in turn: NULL is the usual one. */
static tr_sim_thread *decide_preemptor(void)
{
    uint32_t way = 1;

    for (const tr_sim_thread *t = tr__sim.threads; t != NULL; t = t->next)
        way += t != tr__sim.current && is_ready(t);
    way = tr__exhaust_decide(way, true);
    for (tr_sim_thread *t = tr__sim.threads; t != NULL && way > 0; t = t->next)
        if (t != tr__sim.current && is_ready(t) && --way == 0)
            return t;
    return NULL;
}

/* Who goes on in the place of the running thread; NULL: nobody can. */
static tr_sim_thread *choose_preemptor(void)
{
    const tr__sim_trace *kept = tr__sim_kept;

    expire();
    if (tr__exhausting)
        return decide_preemptor();
    if (tr__sim.signalled)
        (void)tr__sim_poll(); /* who is woken need not wait until somebody else does */
    if (kept == NULL || !kept->is_replay)
        return choose(&tr__sim.preemptions, tr__sim.current);
    return thread_of(kept->list[tr__sim.replayed++].thread);
}

static void preempt(void)
{
    tr_sim_thread *next = choose_preemptor();

    plan_preemption();
    if (next == NULL || next == tr__sim.current)
        return;
    tr__sim.figures.preemptions++;
    tr__sim_note_preemption(next->number);
    tr__sim_note(TR__SIM_PREEMPTED, next, 0);
    if (tr__chance(&tr__sim.faults, tr__sim.options.stall)) {
        tr__sim.current->ready_ns = tr__sim.now_ns + tr__random_next(&tr__sim.faults) % STALL_NS;
        tr__sim_note(TR__SIM_STALLED, tr__sim.current, tr__sim.current->ready_ns - tr__sim.now_ns);
    }
    settle_steps();
    switch_from_to(tr__sim.current, next);
}

static TR__NOINLINE void look_up(void)
{
    settle_steps();
    check_time();
    if (tr__exhausting || tr__sim.figures.steps >= tr__sim.next_preemption) {
        preempt();
        settle_steps();
    }
}

void tr__sim_step(void)
{
    if (TR__UNLIKELY(--tr__sim_steps_left == 0))
        look_up();
}

/* ---- threads ---- */

static void thread_main(void *arg)
{
    tr_sim_thread *self = arg;

    is_switching = false;
    tr__sim_note(TR__SIM_BEGUN, self, 0);
    self->result = self->entry(self->arg);
    tr__sim_step(); /* others may go on before its last stores are visible */
    tr__sim_drain();
    self->has_ended = true;
    tr__sim_note(TR__SIM_ENDED, self, 0);
    tr__sim_wake(TR__SIM_END, self, UINT32_MAX);
    switch_from_to(self, self->number == 1 ? &tr__sim.host : choose_next());
    TR_ASSERT(!"a thread that has ended does not go on");
}

/* Stacks of threads that have ended, for the next: some programs are run a hundred thousand
 * times. */
static char *spare_stacks[16];
static size_t spare_stack_count;

static char *map_stack(void)
{
    char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (stack == MAP_FAILED)
        return NULL;
    if (mprotect(stack, GUARD_BYTES, PROT_NONE) == 0)
        return stack;
    (void)munmap(stack, STACK_BYTES); /* ours */
    return NULL;
}

static char *take_stack(void)
{
    return spare_stack_count > 0 ? spare_stacks[--spare_stack_count] : map_stack();
}

static void give_stack(char *stack)
{
    if (spare_stack_count < sizeof(spare_stacks) / sizeof(spare_stacks[0]))
        spare_stacks[spare_stack_count++] = stack;
    else
        (void)munmap(stack, STACK_BYTES); /* ours */
}

tr_sim_thread *tr__sim_thread_new(const char *name, void *(*entry)(void *), void *arg)
{
    tr_sim_thread *thread = calloc(1, sizeof(*thread));
    tr_sim_thread **end = &tr__sim.threads;
    char *stack = thread != NULL ? take_stack() : NULL;

    if (stack == NULL) {
        free(thread);
        return NULL;
    }
    if (tr__sim.is_on)
        tr__sim_drain(); /* it sees all that was done before */
    TR_ASSERT(locals_bytes() <= TR__SIM_LOCALS_MAX);
    thread->number = ++tr__sim.thread_count;
    strncpy(thread->name, name, TR__SIM_NAME_BYTES - 1);
    thread->entry = entry;
    thread->arg = arg;
    thread->ready_ns = tr__sim.now_ns;
    thread->stack = stack;
    thread->stack_bytes = STACK_BYTES;
    thread->valgrind = tr__valgrind_stack_added(stack, stack + STACK_BYTES);
#ifdef TR__ASAN
    thread->low = stack;
    thread->bytes = STACK_BYTES;
#endif
    tr__context_prepare(&thread->context, stack, stack + STACK_BYTES, thread_main, thread);
    while (*end != NULL)
        end = &(*end)->next;
    *end = thread;
    return thread;
}

static void free_thread(tr_sim_thread *thread)
{
    tr_sim_thread **link = &tr__sim.threads;

    while (*link != thread)
        link = &(*link)->next;
    *link = thread->next;
    tr__valgrind_stack_removed(thread->valgrind);
    tr__memory_unpoison(thread->stack, thread->stack_bytes);
    give_stack(thread->stack);
    free(thread);
}

void *tr__sim_thread_end(tr_sim_thread *thread)
{
    void *result;

    while (!thread->has_ended)
        (void)tr__sim_wait_for(TR__SIM_END, thread, UINT64_MAX); /* without a time limit */
    result = thread->result;
    free_thread(thread);
    return result;
}

void tr__sim_begin(tr_sim_thread *first)
{
    steps_granted = 0;
    tr__sim_steps_left = 0;
    plan_preemption();
    settle_steps();
    tr__sim_plays = true;
    tr__sim.is_on = true;
    switch_from_to(&tr__sim.host, first);
    settle_steps();
    tr__sim.is_on = false;
    tr__sim_plays = false;
    tr__sim_steps_left = UINT64_MAX;
    if (tr__sim.threads != first || first->next != NULL)
        tr__sim_give_up("threads are left behind");
    free_thread(first);
}
