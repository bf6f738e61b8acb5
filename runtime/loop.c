/* The turn of a loop, its idling, and its libev loop. The only file that drives libev. */
#include "runtime/loop.h"

#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/seam.h"
#include "base/threads.h"
#include "runtime/ahead.h"
#include "runtime/observer.h"
#include "runtime/overflow.h"
#include "runtime/pool.h"
#include "runtime/runtime.h"
#include "runtime/task.h"
#include "runtime/thread.h"

/* Figures of docs/architecture.md, found by measurement. */
enum {
    CREDIT = 64,           /* activations between two looks at the clock, when they are short */
    LAND_MOST = 1024,      /* parcels of one lane that land in one turn */
    FIRE_MOST = 256,       /* timers that fire at one look */
    SPIN_LOOKS = 32,       /* rounds of spinning between two looks at the clock */
    RETRY_NS = 1000 * 1000 /* how long a loop sleeps that waits for memory, or keeps time */
};
static const uint64_t POLL_NS = 20 * 1000; /* of work between two polls of I/O */

struct tr__watchers {
    ev_io wake;
    ev_timer alarm;
};

TR__THREAD_LOCAL_FAST tr__loop *tr__loop_of_thread;

static void set_now(tr__loop *loop, uint64_t now_ns)
{
    tr__note_u64(&loop->now_ns, now_ns);
    loop->credit_then = loop->credit;
}

static void look_at_clock(tr__loop *loop)
{
    set_now(loop, tr__now_ns());
}

/* ---- making ---- */

static void on_wake(struct ev_loop *ev, ev_io *watcher, int events)
{
    (void)ev;
    (void)events;
    tr__eventfd_clear(watcher->fd);
}

static void on_alarm(struct ev_loop *ev, ev_timer *watcher, int events)
{
    /* It was only to wake us: the timers are looked at on the way back. */
    (void)ev;
    (void)watcher;
    (void)events;
}

static int open_watchers(tr__loop *loop)
{
    struct tr__watchers *watchers = tr__alloc_zeroed(sizeof(*watchers));
    int fd;

    if (watchers == NULL)
        return TR_ENOMEM;
    loop->watchers = watchers;
    errno = 0;
    loop->ev =
        tr__fault_strikes(TR__FAULT_CALL) ? NULL : ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    if (loop->ev == NULL)
        return errno != 0 ? -errno : TR_ENOMEM;
    fd = tr__eventfd_new();
    if (fd < 0)
        return fd;
    loop->port->wake_fd = fd;
    ev_io_init(&watchers->wake, on_wake, fd, EV_READ);
    ev_io_start(loop->ev, &watchers->wake);
    ev_init(&watchers->alarm, on_alarm);
    return 0;
}

/* A shutdown has run out of time. */
static uint32_t run_naming(tr__runnable *runnable, tr__loop *loop)
{
    (void)runnable;
    tr__tasks_name(loop);
    tr__gate_lock(&tr__runtime_gate);
    loop->is_naming = false;
    tr__gate_announce(&tr__runtime_gate);
    tr__gate_unlock(&tr__runtime_gate);
    return 1;
}

static int fill_loop(tr__loop *loop, const tr_config *config, tr__depot *depot)
{
    loop->outlets = tr__alloc_zeroed(loop->loops * sizeof(*loop->outlets));
    loop->dirty = tr__alloc_zeroed(loop->loops * sizeof(*loop->dirty));
    loop->lanes_in = tr__alloc_zeroed(loop->loops * sizeof(tr__lane *));
    if (loop->outlets == NULL || loop->dirty == NULL || loop->lanes_in == NULL)
        return TR_ENOMEM;
    loop->budget = (uint32_t)config->budget_msgs;
    loop->spin_ns = config->spin_us > 0 ? (uint64_t)config->spin_us * 1000 : 0;
    loop->credit = CREDIT;
    loop->credit_granted = CREDIT;
    look_at_clock(loop);
    loop->polled_ns = loop->now_ns;
    loop->naming.run = run_naming;
    tr__run_queue_init(&loop->queue);
    tr__list_init(&loop->tasks);
    tr__list_init(&loop->thens);
    tr__list_init(&loop->kept);
    tr__slab_init(&loop->slab, depot);
    tr__wheel_init(&loop->wheel, loop->now_ns);
    tr__stack_pool_init(&loop->stacks, config->stack_bytes, config->stack_guards >= 0,
                        &loop->wheel);
    return open_watchers(loop);
}

int tr__loop_new(tr__loop **out, uint32_t number, uint32_t loops, const tr_config *config,
                 tr__depot *depot)
{
    tr__loop *loop = tr__alloc_lines_zeroed(tr__upper_layer.loop_bytes);
    int rc;

    *out = NULL;
    if (loop == NULL)
        return TR_ENOMEM;
    loop->number = number;
    loop->loops = loops;
    loop->port = &tr__ports[number - 1];
    loop->port->wake_fd = -1;
    rc = tr__overflow_stack_new(&loop->signal_stack);
    if (rc == 0)
        rc = fill_loop(loop, config, depot);
    if (rc == 0)
        rc = tr__upper_layer.loop_init(loop);
    if (rc < 0) {
        tr__loop_free(loop);
        return rc;
    }
    *out = loop;
    return 0;
}

void tr__loop_free(tr__loop *loop)
{
    if (loop->ev != NULL)
        ev_loop_destroy(loop->ev);
    if (loop->slab.depot != NULL) {
        tr__stack_pool_fini(&loop->stacks);
        tr__slab_fini(&loop->slab);
    }
    if (loop->port->wake_fd >= 0)
        tr__descriptor_close(loop->port->wake_fd);
    loop->port->wake_fd = -1;
    for (uint32_t from = 0; loop->lanes_in != NULL && from < loop->loops; from++)
        tr__lane_free(loop->lanes_in[from]);
    tr__overflow_stack_free(loop->signal_stack);
    tr__free(loop->lanes_in);
    tr__free(loop->dirty);
    tr__free(loop->outlets);
    tr__free(loop->watchers);
    tr__free_lines(loop);
}

/* ---- sending to other loops ---- */

int tr__loop_open_lane(tr__loop *loop, uint32_t target)
{
    tr__loop *other = tr__runtime.loops[target];
    tr__lane *lane = tr__lane_new();

    if (lane == NULL)
        return TR_ENOMEM;
    loop->outlets[target].lane = lane;
    /* release: publishes the empty lane; pairs with the acquire in land. */
    tr__store_release_ptr(&other->lanes_in[loop->number - 1], lane);
    return 0;
}

void tr__loop_publish_outlet(tr__loop *loop, uint32_t target)
{
    tr__lane_publish_spsc(loop->outlets[target].lane);
    /* fence: between what was published and the look at the sleep flag; see port.h. */
    tr__fence_full();
    tr__port_ring(&tr__ports[target]);
}

void tr__loop_publish(tr__loop *loop)
{
    if (loop->dirty_count == 0)
        return;
    for (uint32_t i = 0; i < loop->dirty_count; i++) {
        tr__outlet *outlet = &loop->outlets[loop->dirty[i]];

        tr__lane_publish_spsc(outlet->lane);
        outlet->is_dirty = false;
    }
    /* fence: one for all of them; see tr__loop_publish_outlet. */
    tr__fence_full();
    for (uint32_t i = 0; i < loop->dirty_count; i++)
        tr__port_ring(&tr__ports[loop->dirty[i]]);
    loop->dirty_count = 0;
}

/* ---- landing ---- */

static void call(const tr__parcel *parcel)
{
    ((void (*)(void *))(uintptr_t)parcel->word[0])((void *)(uintptr_t)parcel->word[1]);
}

/* false: there was no memory for it. */
static bool land_parcel(tr__loop *loop, const tr__parcel *parcel)
{
    if (TR__LIKELY(tr__parcel_kind_of(parcel) != TR__PARCEL_CALL))
        return tr__upper_layer.arrive(loop, parcel);
    call(parcel);
    return true;
}

static bool land_letter(tr__loop *loop, const tr__letter *letter)
{
    if (tr__parcel_kind_of(&letter->parcel) != TR__PARCEL_CALL)
        return tr__upper_layer.enter(loop, &letter->parcel);
    call(&letter->parcel);
    return true;
}

static bool land_lane(tr__loop *loop, tr__lane *lane)
{
    const tr__parcel *parcel;
    uint32_t landed = 0;

    while (landed < LAND_MOST && (parcel = tr__lane_peek_spsc(lane)) != NULL) {
        tr__parcel copy = *parcel; /* a call may send on this lane, if it leads to itself */

        if (!land_parcel(loop, &copy)) {
            loop->starved = true;
            break;
        }
        tr__lane_pop_spsc(lane);
        landed++;
    }
    return landed > 0;
}

/* Letters of foreign threads, in order. */
static bool land_letters(tr__loop *loop)
{
    bool landed = false;

    if (loop->letters == NULL)
        loop->letters = tr__inlet_take_mpsc(&loop->port->inlet);
    while (loop->letters != NULL) {
        tr__letter *letter = tr__letter_of(loop->letters);

        if (!land_letter(loop, letter)) {
            loop->starved = true;
            break;
        }
        loop->letters = letter->link.next;
        tr__free(letter);
        landed = true;
    }
    return landed;
}

static void schedule_all(tr__loop *loop, tr__link *link)
{
    while (link != NULL) {
        tr__link *next = link->next;

        tr__loop_schedule(loop, tr__runnable_of(link));
        link = next;
    }
}

/* Runnables from other threads. */
static bool land_runs(tr__loop *loop)
{
    if (tr__inlet_is_empty(&loop->port->runs))
        return false;
    schedule_all(loop, tr__inlet_take_mpsc(&loop->port->runs));
    return true;
}

/* Take in all that has come from elsewhere; true if there was something. */
static bool land(tr__loop *loop)
{
    bool landed = false;

    loop->starved = false;
    for (uint32_t from = 0; from < loop->loops; from++) {
        /* acquire: pairs with the release in tr__loop_open_lane. */
        tr__lane *lane = tr__load_acquire_ptr(&loop->lanes_in[from]);

        if (lane != NULL)
            landed |= land_lane(loop, lane);
    }
    if (TR__UNLIKELY(loop->letters != NULL || !tr__inlet_is_empty(&loop->port->inlet)))
        landed |= land_letters(loop);
    landed |= land_runs(loop);
    return landed;
}

/* Whether land would find something. */
static bool has_arrivals(tr__loop *loop)
{
    if (loop->letters != NULL || !tr__inlet_is_empty(&loop->port->inlet) ||
        !tr__inlet_is_empty(&loop->port->runs))
        return true;
    for (uint32_t from = 0; from < loop->loops; from++) {
        /* acquire: pairs with the release in tr__loop_open_lane. */
        tr__lane *lane = tr__load_acquire_ptr(&loop->lanes_in[from]);

        if (lane != NULL && tr__lane_peek_spsc(lane) != NULL)
            return true;
    }
    return false;
}

/* ---- the turn ---- */

/* Call the guests' watchers that are ready. */
static void poll_io(tr__loop *loop)
{
    loop->polled_ns = loop->now_ns;
    (void)ev_run(loop->ev, EVRUN_NOWAIT); /* whether watchers are left says nothing here */
}

static void fire_timers(tr__loop *loop)
{
    if (loop->wheel.count != 0)
        (void)tr__wheel_advance(&loop->wheel, loop->now_ns, FIRE_MOST);
}

/* Pools that this loop keeps time for. */
static void look_at_pools(tr__loop *loop)
{
    if (TR__UNLIKELY(!tr__list_is_empty(&loop->kept)))
        tr__keeper_look(loop);
}

/* How much work may pass until the next look: what would take POLL_NS at the pace of the last
 * stretch, and no more than CREDIT. So one slow handler among many is found late once, not
 * again. */
static int32_t credit_for(const tr__loop *loop, uint64_t passed_ns)
{
    uint64_t credit = (uint64_t)loop->credit_granted;

    if (passed_ns > POLL_NS)
        credit = credit * POLL_NS / passed_ns;
    else
        credit = credit < CREDIT / 2 ? credit * 2 : CREDIT;
    return credit > 0 ? (int32_t)credit : 1;
}

/* Look at the clock after a stretch of work; poll I/O and fire timers if it is time. */
static void look(tr__loop *loop)
{
    uint64_t now_ns = tr__now_ns();

    loop->credit_granted = credit_for(loop, now_ns - loop->now_ns);
    loop->credit = loop->credit_granted;
    set_now(loop, now_ns);
    if (now_ns - loop->polled_ns >= POLL_NS)
        poll_io(loop);
    fire_timers(loop);
    look_at_pools(loop);
}

/* One activation. A task's turn stands here itself: a call around the switch would push a return
 * address that the task's next return would take for its own, and cost two mispredictions, half of
 * a turn. */
static TR__ALWAYS_INLINE uint32_t run(tr__runnable *runnable, tr__loop *loop)
{
    if (runnable->run != tr__task_run)
        return runnable->run(runnable, loop);
    (void)tr__task_turn(TR__CONTAINER_OF(runnable, tr_task, runnable), loop);
    return 1;
}

/* Run activations until the queue is empty or it is time to look up. */
static TR__ALWAYS_INLINE bool run_queue(tr__loop *loop, bool is_crowded)
{
    tr__runnable *runnable = tr__run_queue_pop_local(&loop->queue);

    if (runnable == NULL)
        return false;
    do {
        uint32_t work;

        if (is_crowded)
            tr__ahead_fetch(loop);
        work = run(runnable, loop);
        if (TR__UNLIKELY(loop->dirty_count != 0))
            tr__loop_publish(loop);
        loop->credit -= 1 + (int32_t)(work / 16);
    } while (loop->credit > 0 && (runnable = tr__run_queue_pop_local(&loop->queue)) != NULL);
    return true;
}

/* A function of its own: where tasks are few, the other way has no instruction more. */
static TR__NOINLINE bool run_crowd(tr__loop *loop)
{
    return run_queue(loop, true);
}

static bool run_some(tr__loop *loop)
{
    return TR__LIKELY(loop->tasks_alive < TR__CROWD) ? run_queue(loop, false) : run_crowd(loop);
}

/* One turn; false: there was nothing to do. */
static bool turn(tr__loop *loop)
{
    bool busy = land(loop);

    loop->has_company |= busy;
    busy |= run_some(loop);
    tr__loop_publish(loop);
    if (--loop->credit <= 0)
        look(loop);
    return busy;
}

/* ---- idling ---- */

/* Watch the inlets for a while; true: there is something, or it is time for a timer. */
static bool spin(tr__loop *loop)
{
    uint64_t end_ns = loop->now_ns + loop->spin_ns;
    uint64_t timer_ns = tr__wheel_next_ns(&loop->wheel);
    bool found = false;

    /* What a starved loop would find is there already, and has no memory to land in. */
    if (loop->spin_ns == 0 || loop->starved || !tr__spin_begin())
        return false;
    while (!found && loop->now_ns < end_ns && tr__cores_suffice()) {
        for (int round = 0; round < SPIN_LOOKS && !found; round++) {
            tr__spin_pause();
            found = has_arrivals(loop);
        }
        if (!found) {
            look_at_clock(loop);
            look_at_pools(loop);
        }
        found |= timer_ns <= loop->now_ns || tr__runtime_phase() != loop->phase;
    }
    tr__spin_end();
    return found;
}

/* How long the loop may sleep, in seconds; below 0: until it is woken. */
static double sleep_limit(const tr__loop *loop)
{
    uint64_t due_ns = tr__wheel_next_ns(&loop->wheel);
    uint64_t now_ns = tr__now_ns();

    if (loop->starved && due_ns > now_ns + RETRY_NS)
        due_ns = now_ns + RETRY_NS;
    if (TR__UNLIKELY(!tr__list_is_empty(&loop->kept))) {
        uint64_t look_ns = tr__keeper_due_ns(loop, now_ns);

        due_ns = look_ns < due_ns ? look_ns : due_ns;
    }
    if (due_ns == UINT64_MAX)
        return -1;
    return due_ns > now_ns ? (double)(due_ns - now_ns) / 1e9 : 0;
}

/* Block in libev until something happens. */
static void block(tr__loop *loop)
{
    ev_timer *alarm = &loop->watchers->alarm;
    double limit_s = sleep_limit(loop);

    if (limit_s >= 0) {
        ev_now_update(loop->ev); /* else the timer would count from an earlier time */
        ev_timer_set(alarm, limit_s, 0.);
        ev_timer_start(loop->ev, alarm);
    }
    (void)ev_run(loop->ev, EVRUN_ONCE); /* whether watchers are left says nothing here */
    ev_timer_stop(loop->ev, alarm);
}

/* A job that was pushed just now is taken in a moment, or needs another worker: see which, before
 * sleeping, since sleep has no limits as fine. */
static void see_jobs_off(tr__loop *loop)
{
    while (tr__keeper_is_curious(loop) && !has_arrivals(loop)) {
        if (loop->spin_ns != 0)
            tr__spin_pause();
        else
            tr__thread_yield(); /* the worker may need this core */
        look_at_clock(loop);
        tr__keeper_look(loop);
    }
}

static void park(tr__loop *loop)
{
    if (TR__UNLIKELY(!tr__list_is_empty(&loop->kept)))
        see_jobs_off(loop);
    if (!tr__port_fall_asleep(loop->port))
        return;
    /* Whatever was published before we were seen asleep is seen here. A loop that waits for memory
     * has arrivals, and must not spin on them. */
    if ((loop->starved || !has_arrivals(loop)) && tr__runtime_phase() == loop->phase) {
        tr__awake_end();
        block(loop);
        tr__awake_begin();
    }
    tr__port_wake_up(loop->port);
    look_at_clock(loop);
    loop->polled_ns = loop->now_ns;
    fire_timers(loop);
}

static void idle(tr__loop *loop)
{
    look_at_clock(loop);
    poll_io(loop);
    fire_timers(loop);
    look_at_pools(loop);
    if (loop->queue.first != NULL || loop->dirty_count != 0)
        return;
    /* Only others' messages are worth waiting for awake: timers and I/O come when they come. */
    if (loop->has_company && spin(loop))
        return;
    loop->has_company = false;
    park(loop);
}

/* ---- the life of the thread ---- */

/* Take letters in one last time, and refuse more. */
static void close_inlet(tr__loop *loop)
{
    tr__link **end = &loop->letters;

    while (*end != NULL)
        end = &(*end)->next;
    *end = tr__inlet_close(&loop->port->inlet);
}

/* Whether a task lives here, or is on its way. None is sent any more when all loops have finished
 * CEASE, but by a parent that waits for it, and by foreign threads. */
static bool has_tasks(const tr__loop *loop)
{
    /* acquire: pairs with the add of who sends one; what a loop has sent before it reported a phase
     * is counted. */
    return loop->tasks_alive != 0 || tr__load_acquire_u32(&loop->port->tasks_coming) != 0;
}

static bool has_finished(tr__loop *loop)
{
    bool quiet = loop->queue.first == NULL && !has_arrivals(loop) && loop->dirty_count == 0;

    switch (loop->phase) {
    case TR__PHASE_CEASE:
        return !has_tasks(loop);
    case TR__PHASE_HALT: /* guests may still post to each other without end */
        return loop->letters == NULL && tr__upper_layer.is_halted(loop) && !has_tasks(loop) &&
               tr__list_is_empty(&loop->thens) && loop->proxies == 0;
    case TR__PHASE_SEAL:
        return loop->dirty_count == 0;
    case TR__PHASE_DRAIN: /* there is an end to what the sealed loops have sent */
        return quiet && tr__upper_layer.clear(loop);
    default:
        return false;
    }
}

/* Follow the runtime into its phase, and report a phase that is over. Cold: only in a shutdown. */
static void follow_phase(tr__loop *loop)
{
    tr__phase wanted = tr__runtime_phase();

    if (wanted != loop->phase) {
        loop->phase = wanted;
        if (wanted == TR__PHASE_CEASE)
            tr__tasks_cease(loop);
        if (wanted == TR__PHASE_HALT) {
            close_inlet(loop);
            (void)land_letters(loop);
            tr__upper_layer.halt(loop);
            tr__thens_shut_down(loop);
        }
    }
    if (loop->phase_done != loop->phase && has_finished(loop)) {
        loop->phase_done = loop->phase;
        tr__runtime_report(loop, loop->phase);
    }
}

/* Guests end here. */
static void run_closers(tr__loop *loop)
{
    while (loop->closers != NULL) {
        tr__closer *closer = loop->closers;

        loop->closers = closer->next;
        closer->fn(closer->arg);
        tr__free(closer);
    }
}

/* Refuse runnables from now on. Those that have come too late run once more: they see that the loop
 * has quit, and tell whoever waits for them. */
static void close_runs(tr__loop *loop)
{
    tr__runnable *runnable;

    schedule_all(loop, tr__inlet_close(&loop->port->runs));
    while ((runnable = tr__run_queue_pop_local(&loop->queue)) != NULL)
        (void)runnable->run(runnable, loop); /* how much work it was does not matter any more */
}

static void on_rest(struct ev_loop *ev)
{
    (void)ev;
    tr__upper_observer.rest();
}

static void on_resume(struct ev_loop *ev)
{
    (void)ev;
    tr__upper_observer.resume();
}

/* In debug mode only. */
static void begin_observed(tr__loop *loop)
{
    tr__upper_observer.enter(loop);
    ev_set_loop_release_cb(loop->ev, on_rest, on_resume);
}

static void end_observed(tr__loop *loop)
{
    ev_set_loop_release_cb(loop->ev, NULL, NULL);
    tr__upper_observer.leave(loop);
}

void *tr__loop_main(void *arg)
{
    tr__loop *loop = arg;

    tr__awake_begin();
    tr__overflow_enter_thread(loop->signal_stack);
    tr__loop_of_thread = loop;
    tr__context_init_thread(&loop->context);
    if (tr__is_debugging())
        begin_observed(loop);
    while (tr__runtime_phase() != TR__PHASE_QUIT) {
        bool busy = turn(loop);

        if (TR__UNLIKELY(tr__runtime_phase() != TR__PHASE_RUN))
            follow_phase(loop);
        /* Nobody rings again for a phase that it has entered: asleep, it would miss the last. */
        if (!busy && loop->phase != TR__PHASE_QUIT)
            idle(loop);
    }
    run_closers(loop);
    close_runs(loop);
    if (tr__is_debugging())
        end_observed(loop);
    ev_io_stop(loop->ev, &loop->watchers->wake);
    tr__port_settle(loop->port);
    tr__context_fini_thread(&loop->context);
    tr__overflow_leave_thread(loop->signal_stack);
    tr__awake_end();
    tr__runtime_report(loop, TR__PHASE_QUIT);
    tr__loop_of_thread = NULL;
    return NULL;
}
