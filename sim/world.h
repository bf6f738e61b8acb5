/* The simulated world: its threads, its clock, its dice, and what happened in it.
 *
 * Each thread of the program is a fiber here (runtime/context.h), with a stack of its own; a task
 * that runs on a loop has yet another one: a thread is suspended wherever it stands, on whichever
 * stack. Exactly one runs at a time. Another may go on
 *
 *     at each step (tr__sim_step, before each atomic access): a preemption, by the seed's choice;
 *     where a thread waits: for a word (a futex), a mutex, a condition, another's end, descriptors,
 *     or the time.
 *
 * ready ---- chosen --> runs ---- preempted, or yields --> ready
 *   ^                     |
 *   +---- woken, or its time has come ---- waits
 *
 * When nobody is ready, the clock jumps to the next time that somebody waits for; if nobody waits
 * for any, the run hangs.
 *
 * Everything here is one thread's. */
#ifndef TR_SIM_WORLD_H
#define TR_SIM_WORLD_H

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <troupe/sim.h>

#include "base/random.h"
#include "runtime/context.h"

enum { TR__SIM_LOCALS_MAX = 512, TR__SIM_NAME_BYTES = 16 };

typedef enum tr__sim_wait {
    TR__SIM_RUNS, /* or could */
    TR__SIM_WORD,
    TR__SIM_MUTEX,
    TR__SIM_CONDITION,
    TR__SIM_END, /* another thread's */
    TR__SIM_EVENTS,
    TR__SIM_TIME
} tr__sim_wait;

struct tr_sim_thread {
    tr_sim_thread *next; /* in world.threads, the oldest first */
    uint32_t number;
    char name[TR__SIM_NAME_BYTES];
    void *(*entry)(void *arg);
    void *arg;
    void *result;
    bool has_ended;
    /* While it does not run. */
    tr__context context;
    int saved_errno;
    char locals[TR__SIM_LOCALS_MAX]; /* its own copy of the section tr_locals */
    /* What it waits for. */
    tr__sim_wait wait;
    const void *object;
    uint64_t until_ns;      /* UINT64_MAX: for ever */
    uint64_t ready_ns;      /* ready: not before this */
    bool is_late;           /* until_ns came */
    bool is_interrupted;    /* a signal came */
    struct pollfd *watched; /* descriptors, which stay the waiting call's */
    nfds_t watches;
    /* Its stack. */
    char *stack;
    size_t stack_bytes;
    unsigned valgrind;
#ifdef TR__ASAN
    const void *low; /* of the stack that it stood on when it was suspended */
    size_t bytes;
    void *fake_stack;
#endif
};

/* A preemption: before which step, and who went on. */
typedef struct tr__sim_preemption {
    uint64_t step;
    uint32_t thread;
    uint32_t unused;
} tr__sim_preemption;

typedef struct tr__sim_world {
    bool is_on;
    bool is_loud;       /* TROUPE_SIM_TRACE: each event is printed as it comes */
    bool is_old_kernel; /* one that has no guards but mapped ones */
    tr_sim_options options;
    tr_sim_thread *threads; /* that have not been joined */
    tr_sim_thread *current;
    tr_sim_thread *previous; /* that ran before */
    uint32_t thread_count;   /* ever */
    tr_sim_thread host;      /* who called tr_sim_run: not one of the threads */
    uint64_t now_ns;
    /* The seed's choices: each kind has its own dice, so that a run with fewer preemptions meets
     * the same chances otherwise. */
    tr__random preemptions, schedule, faults, program, network;
    uint64_t arrival_ns;      /* the next over the simulated network; UINT64_MAX: none */
    uint64_t mean;            /* steps between two preemptions */
    uint64_t next_preemption; /* the step */
    size_t replayed;          /* preemptions of a list that were made */
    uint64_t calls;           /* that may fail */
    uint64_t blocks;          /* allocated, and not freed */
    uint64_t choices;         /* of who goes on where one waits */
    bool signalled;           /* somebody may find a descriptor ready */
    uint64_t moved_ns;        /* when somebody was woken last, but by libev's idle wake-ups */
    tr_sim_figures figures;
} tr__sim_world;

extern tr__sim_world tr__sim;

/* Of the thread that plays all others, while it does. */
extern _Thread_local bool tr__sim_plays;

/* Whether the caller is in the world: not so a thread that the program, or a fuzzer, has made. */
static inline bool tr__sim_is_here(void)
{
    return tr__sim_plays && tr__sim.is_on;
}

/* ---- schedule.c ---- */

/* Steps until tr__sim_step has to look up. */
extern uint64_t tr__sim_steps_left;
/* Before each atomic access: another thread may go on. */
void tr__sim_step(void);

/* Let the running thread wait; false: until_ns came first. */
bool tr__sim_wait_for(tr__sim_wait wait, const void *object, uint64_t until_ns);
/* Whether it was a signal that has ended the last wait of the running thread. */
bool tr__sim_was_interrupted(void);
/* Let one that waits go on, sooner or later; is_late: its time has come. */
void tr__sim_make_ready(tr_sim_thread *thread, bool is_late);
/* Wake up to `count` threads that wait for that. */
void tr__sim_wake(tr__sim_wait wait, const void *object, uint32_t count);
/* Let another thread go on, if one is ready. */
void tr__sim_yield(void);
/* Make a thread, which is ready; NULL: out of memory. */
tr_sim_thread *tr__sim_thread_new(const char *name, void *(*entry)(void *), void *arg);
/* Wait for its end, and free it. */
void *tr__sim_thread_end(tr_sim_thread *thread);
/* Become the world's first thread, until it ends. Host only. */
void tr__sim_begin(tr_sim_thread *first);

/* Where the virtual clock begins. */
#define TR__SIM_EPOCH_NS UINT64_C(1000000000000)
/* The virtual time; reading it is a step. */
uint64_t tr__sim_clock_ns(void);
/* The same without a step: for those who watch a run. */
uint64_t tr__sim_peek_ns(void);
/* A time as seconds from the run's begin. */
double tr__sim_seconds(uint64_t ns);

/* ---- events.c ---- */

/* Look at the descriptors of all threads that wait for some, and wake those that find one ready;
 * true: there was one. */
bool tr__sim_poll(void);
/* Let the running thread wait for one of these, which must stay until it returns; false: until_ns
 * came first. */
bool tr__sim_wait_for_events(struct pollfd *descriptors, nfds_t count, uint64_t until_ns);

/* ---- arrivals.c ---- */

void tr__arrivals_run(void);
/* What should have arrived over the simulated network by now does: before each look at one. */
static inline void tr__sim_settle_arrivals(void)
{
    if (tr__sim.arrival_ns <= tr__sim_peek_ns())
        tr__arrivals_run();
}

/* ---- clocks.c, transfers.c and network.c: calls of the C library's ---- */

extern const char tr__sim_has_clocks;
extern const char tr__sim_has_transfers;
extern const char tr__sim_has_network;

/* ---- trace.c ---- */

typedef enum tr__sim_event {
    TR__SIM_SWITCHED,
    TR__SIM_PREEMPTED,
    TR__SIM_WAITS,
    TR__SIM_WOKEN,
    TR__SIM_JUMPED,
    TR__SIM_BEGUN,
    TR__SIM_ENDED,
    TR__SIM_FAILED,
    TR__SIM_STALLED,
    TR__SIM_READY,
    TR__SIM_ARRIVED, /* detail: a tr__piece_kind, and how many bytes */
    TR__SIM_CUT,     /* for so long */
    TR__SIM_LOST     /* a datagram of so many bytes */
} tr__sim_event;

enum { TR__SIM_LAST = 64, TR__SIM_PREEMPTIONS_MAX = 1 << 16 };

typedef struct tr__sim_record {
    uint64_t step;
    uint64_t now_ns;
    uint32_t event;
    uint32_t thread;
    uint64_t detail;
    char name[TR__SIM_NAME_BYTES];
} tr__sim_record;

/* What a run leaves behind, also when it crashes: in memory that it shares with who explores. */
typedef struct tr__sim_trace {
    tr_sim_figures figures;
    uint64_t seed;
    uint64_t records;
    tr__sim_record last[TR__SIM_LAST];
    uint64_t preemptions;
    tr__sim_preemption list[TR__SIM_PREEMPTIONS_MAX];
    bool is_replay; /* make the preemptions of the list, and no others */
    bool is_quiet;  /* no reports on stderr */
    bool has_reported;
} tr__sim_trace;

/* Of the present run; NULL: not kept. */
extern tr__sim_trace *tr__sim_kept;

void tr__sim_note(tr__sim_event event, const tr_sim_thread *thread, uint64_t detail);
void tr__sim_note_preemption(uint32_t thread);
/* Print what has happened last. */
void tr__sim_print_last(const tr__sim_trace *trace);
const char *tr__sim_wait_name(tr__sim_wait wait);
/* The run is over, badly: say what, who waits for what, and how to run it again; then abort. */
_Noreturn void tr__sim_give_up(const char *what);

#endif
