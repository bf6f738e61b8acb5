/* Starting the runtime, and the questions that any thread may ask it. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/biased_lock.h"
#include "base/log.h"
#include "base/seam.h"
#include "base/threads.h"
#include "runtime/observer.h"
#include "runtime/overflow.h"
#include "runtime/pool.h"
#include "runtime/runtime.h"
#include "runtime/stack_guard.h"
#include "runtime/task.h"
#include "runtime/topology.h"

#define BUDGET_MSGS     65536 /* then the 500 us of an activation rule: see decision 011 */
#define SPIN_US         50
#define SHUTDOWN_S      10
#define STACK_BYTES     (64 << 10)
#define STACK_BYTES_MIN (16 << 10)
#define STACK_BYTES_MAX (1 << 30)
#define POOL_MAX        64
#define POOL_DNS_MAX    16
#define POOL_CPU_NICE   10 /* see decision 040 */
#define NICE_MAX        19
#define POOL_IDLE_S     10
#define SLOW_MS         100

tr__runtime_data tr__runtime;
uint32_t tr__debugging;
tr__gate tr__runtime_gate = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static TR__THREAD_LOCAL uint32_t entry_of_thread; /* 0: not assigned yet */

static void on_fork_child(void)
{
    /* relaxed: the child has one thread. */
    if (tr__runtime_state() != TR__STATE_STOPPED)
        tr__store_relaxed_u32(&tr__runtime.forked, 1); /* relaxed: as above */
}

static void prepare_process(void)
{
    tr__gate_init(&tr__runtime_gate); /* on the monotonic clock, which no initializer can say */
    (void)pthread_atfork(NULL, NULL, on_fork_child); /* out of memory: a fork goes unnoticed */
}

/* ---- configuration ---- */

/* The variable as a number; false when it is not set, or is none (which is logged). */
static bool read_variable(const char *name, double *value)
{
    const char *text = getenv(name);
    char *end;

    if (text == NULL || *text == '\0')
        return false;
    *value = strtod(text, &end);
    if (*end == '\0' && isfinite(*value))
        return true;
    tr__log(TR_LOG_WARN, "%s=%s is not a number: ignored", name, text);
    return false;
}

/* A field that is 0 takes the variable's value, or else the default. */
static void complete(int *field, const char *variable, int otherwise)
{
    double value;

    if (*field != 0)
        return;
    *field = otherwise;
    if (!read_variable(variable, &value) || value == 0)
        return;
    if (value >= INT_MIN && value <= INT_MAX)
        *field = (int)value;
    else
        tr__log(TR_LOG_WARN, "%s is out of range: ignored", variable);
}

static void complete_seconds(double *field, const char *variable, double otherwise)
{
    double value;

    if (*field == 0)
        *field = read_variable(variable, &value) && value > 0 ? value : otherwise;
}

static bool is_pool_max(int max)
{
    return max >= 1 && max <= TR__POOL_MAX_MOST;
}

static bool is_valid(const tr_config *config)
{
    return config->loops >= 1 && config->loops <= TR__LOOPS_MAX && config->budget_msgs >= 1 &&
           config->shutdown_s >= 0 && config->stack_bytes >= STACK_BYTES_MIN &&
           config->stack_bytes <= STACK_BYTES_MAX && is_pool_max(config->pool_max) &&
           is_pool_max(config->pool_cpu_max) && is_pool_max(config->pool_dns_max) &&
           config->pool_cpu_nice <= NICE_MAX &&
           config->pool_idle_s >= 0 /* NaN is none of these */ && config->slow_ms >= 1;
}

static int complete_config(tr_config *config)
{
    int cores = tr__topology_cores();
    int stack_bytes = 0;

    complete(&config->loops, "TROUPE_LOOPS", cores);
    complete(&config->budget_msgs, "TROUPE_BUDGET", BUDGET_MSGS);
    complete(&config->spin_us, "TROUPE_SPIN_US", SPIN_US);
    complete(&config->stack_guards, "TROUPE_STACK_GUARDS", 1);
    complete(&config->pool_max, "TROUPE_POOL_MAX", POOL_MAX);
    complete(&config->pool_cpu_max, "TROUPE_POOL_CPU_MAX", cores);
    complete(&config->pool_dns_max, "TROUPE_POOL_DNS_MAX", POOL_DNS_MAX);
    complete(&config->pool_cpu_nice, "TROUPE_POOL_CPU_NICE", POOL_CPU_NICE);
    complete(&config->debug, "TROUPE_DEBUG", 0);
    complete(&config->slow_ms, "TROUPE_SLOW_MS", SLOW_MS);
    complete_seconds(&config->shutdown_s, "TROUPE_SHUTDOWN_S", SHUTDOWN_S);
    complete_seconds(&config->pool_idle_s, "TROUPE_POOL_IDLE_S", POOL_IDLE_S);
    if (config->stack_bytes == 0) {
        complete(&stack_bytes, "TROUPE_STACK_BYTES", STACK_BYTES);
        config->stack_bytes = stack_bytes > 0 ? (size_t)stack_bytes : 1; /* 1 is out of range */
    }
    if (!is_valid(config))
        return TR_EINVAL;
    if (config->loops > cores || cores == 1)
        config->spin_us = -1; /* who spins would keep from its core the one it waits for */
    return 0;
}

/* ---- starting ---- */

void tr__runtime_set_state(tr__state state)
{
    /* release: publishes what was set up before; pairs with the acquire in tr__runtime_state. */
    tr__store_release_u32(&tr__runtime.state, (uint32_t)state);
}

void tr__runtime_clear(uint32_t loops_made)
{
    for (uint32_t i = 0; i < loops_made; i++) {
        tr__upper_layer.loop_fini(tr__runtime.loops[i]);
        tr__loop_free(tr__runtime.loops[i]);
    }
    /* relaxed: others may look at handles of this run still; to them it is a hint. */
    tr__store_relaxed_u32(&tr__debugging, 0);
    tr__overflow_close();
    tr__upper_layer.stop();
    tr__free(tr__runtime.loops);
    tr__runtime.loops = NULL;
    (void)tr__depot_retire(tr__runtime.depot); /* handles that are out are their holders' affair */
    tr__runtime.depot = NULL;
}

static int make_loops(uint32_t loops)
{
    tr__runtime.depot = tr__depot_new();
    if (tr__runtime.depot == NULL)
        return TR_ENOMEM;
    tr__runtime.loops = tr__alloc_zeroed(loops * sizeof(tr__loop *));
    if (tr__runtime.loops == NULL || tr__upper_layer.start() < 0) {
        tr__free(tr__runtime.loops);
        tr__runtime.loops = NULL;
        (void)tr__depot_retire(tr__runtime.depot); /* nothing came from it */
        tr__runtime.depot = NULL;
        return TR_ENOMEM;
    }
    for (uint32_t i = 0; i < loops; i++) {
        int rc = tr__loop_new(&tr__runtime.loops[i], i + 1, loops, &tr__runtime.config,
                              tr__runtime.depot);

        if (rc < 0) {
            tr__runtime_clear(i);
            return rc;
        }
    }
    return 0;
}

/* Let the threads of the first loops, which have nothing to do yet, end. */
static void end_threads(uint32_t threads)
{
    /* release: as in enter_phase (stop.c). */
    tr__store_release_u32(&tr__runtime.phase, TR__PHASE_QUIT);
    for (uint32_t i = 0; i < threads; i++) {
        tr__fence_full(); /* fence: between the phase and the look at the sleep flag; see port.h */
        tr__port_ring(&tr__ports[i]);
    }
    tr__gate_unlock(&tr__runtime_gate); /* which they take to report */
    for (uint32_t i = 0; i < threads; i++)
        tr__thread_join(tr__runtime.loops[i]->thread);
    if (tr__is_debugging())
        tr__upper_observer.stop();
    tr__gate_lock(&tr__runtime_gate);
}

static int start_threads(uint32_t loops)
{
    /* relaxed: thread creation publishes it. */
    tr__store_relaxed_u32(&tr__runtime.phase, TR__PHASE_RUN);
    for (uint32_t i = 0; i < loops; i++) {
        char name[16];
        int rc;

        (void)snprintf(name, sizeof(name), "troupe/%u", (unsigned)(uint16_t)i);
        rc = tr__thread_new(&tr__runtime.loops[i]->thread, name, tr__loop_main,
                            tr__runtime.loops[i]);
        if (rc < 0) {
            end_threads(i);
            return rc;
        }
    }
    return 0;
}

/* The stack that a task of this thread runs on: for the handler of overflows. */
static bool find_stack(const tr__stack **stack, const char **name)
{
    const tr_task *task = tr__task_here();

    if (task == NULL)
        return false;
    *stack = task->stack;
    *name = task->name;
    return true;
}

static int start_observer(void)
{
    int rc = tr__runtime.config.debug > 0 ? tr__upper_observer.start(&tr__runtime.config) : 0;

    /* relaxed: the loops' threads are started afterwards; to others it is a hint. */
    tr__store_relaxed_u32(&tr__debugging, rc == 0 && tr__runtime.config.debug > 0);
    return rc;
}

/* With the gate locked, and the state STARTING. */
static int start_runtime(void)
{
    uint32_t loops = (uint32_t)tr__runtime.config.loops;
    int rc = make_loops(loops);

    if (rc < 0)
        return rc;
    (void)tr__overflow_open(find_stack); /* it can't fail */
    rc = start_observer();
    if (rc == 0)
        rc = start_threads(loops);
    if (rc < 0) {
        tr__runtime_clear(loops);
        return rc;
    }
    /* release: publishes the loops; pairs with the acquire in tr_loop_count. */
    tr__store_release_u32(&tr__runtime.loop_count, loops);
    for (uint32_t i = 0; i < loops; i++) {
        tr__inlet_open(&tr__ports[i].inlet);
        tr__inlet_open(&tr__ports[i].runs);
    }
    tr__pools_open(&tr__runtime.config);
    return 0;
}

static int start_locked(const tr_config *config)
{
    int rc;

    switch (tr__runtime_state()) {
    case TR__STATE_RUNNING:
        tr__runtime.users++;
        return 0;
    case TR__STATE_STOPPED:
        break;
    default:
        return TR_ESHUTDOWN;
    }
    tr__runtime.config = *config;
    tr__store_relaxed_u32(&tr__runtime.next_entry, 0); /* relaxed: any number will do */
    tr__cores = (uint32_t)tr__topology_cores();
    tr__guards_begin();
    tr__biased_locks_begin();
    tr__runtime_set_state(TR__STATE_STARTING);
    rc = start_runtime();
    if (rc == 0)
        tr__runtime.users = 1;
    tr__runtime_set_state(rc == 0 ? TR__STATE_RUNNING : TR__STATE_STOPPED);
    return rc;
}

int tr_start_sized(const tr_config *cfg, size_t cfg_size)
{
    tr_config config = { 0 };
    int rc;

    (void)pthread_once(&once, prepare_process); /* can't fail */
    /* relaxed: set in a process of one thread. */
    if (tr__load_relaxed_u32(&tr__runtime.forked) != 0)
        return TR_EFORKED;
    if (tr__loop_here() != NULL)
        return TR_EWRONGPLACE;
    if (cfg_size == 0 || cfg_size > sizeof(config))
        return TR_EINVAL;
    if (cfg != NULL)
        memcpy(&config, cfg, cfg_size);
    rc = complete_config(&config);
    if (rc < 0)
        return rc;
    tr__gate_lock(&tr__runtime_gate);
    rc = start_locked(&config);
    tr__gate_unlock(&tr__runtime_gate);
    return rc;
}

/* ---- questions ---- */

int tr__runtime_check(void)
{
    /* relaxed: set in a process of one thread. */
    if (tr__load_relaxed_u32(&tr__runtime.forked) != 0)
        return TR_EFORKED;
    return tr__runtime_state() == TR__STATE_RUNNING ? 0 : TR_ESHUTDOWN;
}

uint32_t tr__runtime_entry(void)
{
    uint32_t loops = (uint32_t)tr_loop_count();

    if (entry_of_thread == 0)
        /* ordered: more than a counter needs; it publishes nothing, and is cold. */
        entry_of_thread = 1 + tr__add_ordered_u32(&tr__runtime.next_entry, 1);
    return loops != 0 ? (entry_of_thread - 1) % loops : 0;
}

int tr_loop_count(void)
{
    /* acquire: pairs with the release in start_runtime. */
    return (int)tr__load_acquire_u32(&tr__runtime.loop_count);
}

int tr_loop_current(void)
{
    const tr__loop *loop = tr__loop_here();

    return loop != NULL ? TR_LOOP((int)loop->number - 1) : TR_EWRONGPLACE;
}
