/* What the files of troupe-bench share: options, the clockwork of a measurement, small actors.
 *
 * A workload is a function that gets a bench_context and measures once. The runtime is running
 * then, and an inbox is open: actors send what they have found to context->out as a bench_value. */
#ifndef BENCH_H
#define BENCH_H

#include <troupe.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct bench_options {
    int loops;      /* 0: the runtime's own default */
    int64_t n;      /* 0: the workload's default */
    int64_t slice;  /* messages that a producer sends in a go; 0: the workload's default */
    size_t size;    /* payload bytes of the messages that count */
    int64_t actors; /* livescale */
    int threads;    /* foreign */
    double seconds; /* idlecpu, mixed; 0: the workload's default */
    bool timer;     /* idlecpu */
    int runs;
    bool json;
} bench_options;

typedef struct bench_outcome {
    double seconds;             /* of the timed section */
    double per_op;              /* in the workload's unit */
    double rss_bytes_per_actor; /* livescale; 0: not measured */
    int workers;
} bench_outcome;

typedef struct bench_context {
    const char *name;
    const bench_options *options;
    tr_inbox *inbox;
    tr_pid out; /* of the inbox */
    double began_s;
    bench_outcome outcome;
} bench_context;

/* Result of every workload: 0, or -1 after a line on stderr. */
typedef int (*bench_run_fn)(bench_context *context);

typedef struct bench_workload {
    const char *name;
    bench_run_fn run;
    int64_t default_n;
    int min_loops;      /* that it needs */
    bool sized;         /* --size has a meaning */
    const char *unit;   /* of the last column */
    const char *counts; /* what one operation is */
} bench_workload;

/* ---- measuring (measure.c) ---- */

double bench_now_s(void);
double bench_cpu_s(void); /* user and system time of this process */
int64_t bench_rss_bytes(void);

/* The timed section: begin, then end, which fills in the outcome. */
void bench_begin(bench_context *context);
void bench_end(bench_context *context, double ops);

/* Spawn the first actor of a workload. */
int bench_spawn_root(bench_context *context, tr_pid *out, const tr_actor_class *cls,
                     const void *args, const tr_spawn_options *options);

/* Wait for the result, and compare it with what it must be. */
int bench_expect(bench_context *context, int64_t expected);

/* The whole of a usual workload: spawn its root within the timed section, wait for its result. */
int bench_measure(bench_context *context, const tr_actor_class *cls, const void *args, double ops,
                  int64_t expected);

/* What a workload that is a task gets. */
typedef struct bench_task {
    bench_context *context;
    int64_t n;
} bench_task;

/* Run fn, with a bench_task, as a task on loop 0, to its end; it measures. */
int bench_measure_task(bench_context *context, tr_task_fn fn);

/* Say what went wrong; returns -1. */
int bench_fail(const bench_context *context, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- messages and actors for everybody (sink.c) ---- */

TR_MESSAGE(bench_value)
{
    int64_t value;
};

/* What an actor sends itself to go on with work that it does in slices: a handler must not hog its
 * loop, and what it sends should be handled while it is still in the cache. */
TR_NOTICE(bench_go_on);

/* Spawn an actor that receives `count` bench_values, sends their sum to `out`, and ends. */
int bench_spawn_sink(tr_pid *sink, tr_pid out, int64_t count);

/* The receive function of a root that does all in its init, and ends there. */
int bench_no_receive(tr_self *self, void *state, tr_msg *msg);

/* The generator that the peers use, too: xorshift64. */
static inline uint64_t bench_seed(uint64_t index)
{
    return (index + 1) * UINT64_C(0x9E3779B97F4A7C15);
}

static inline uint64_t bench_random(uint64_t *state)
{
    uint64_t x = *state;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *state = x;
    return x;
}

static inline int64_t bench_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The slice of a producer: what the user wants, else `usual`. */
static inline int64_t bench_slice(const bench_options *options, int64_t usual)
{
    return options->slice > 0 ? options->slice : usual;
}

/* ---- reporting (report.c) ---- */

/* One result: `workload troupe workers n seconds per_op`, or a JSON object, as a line on stdout. */
void bench_report(const bench_workload *workload, const bench_options *options,
                  const bench_outcome *outcome);

/* Median and minimum of several runs, for people: a line on stderr. Sorts the outcomes. */
void bench_summarize(const bench_workload *workload, bench_outcome *outcomes, int count);

/* ---- the workloads ---- */

int bench_pingpong(bench_context *context); /* passing.c */
int bench_crossping(bench_context *context);
int bench_ring1(bench_context *context);
int bench_ring100(bench_context *context);
int bench_counting(bench_context *context); /* flood.c */
int bench_crossflood(bench_context *context);
int bench_fanin(bench_context *context);
int bench_foreign(bench_context *context);
int bench_fjthroughput(bench_context *context);
int bench_fjcreate(bench_context *context); /* create.c */
int bench_skynet(bench_context *context);
int bench_skynet_async(bench_context *context);
int bench_idle(bench_context *context);
int bench_big(bench_context *context); /* crowd.c */
int bench_chameneos(bench_context *context);
int bench_livescale(bench_context *context); /* livescale.c */
int bench_nqueens(bench_context *context);   /* nqueens.c */
int bench_timers(bench_context *context);    /* timers.c */
int bench_idlecpu(bench_context *context);
int bench_fiberswitch(bench_context *context); /* tasks.c */
int bench_taskspawn(bench_context *context);
int bench_taskscope(bench_context *context);
int bench_await(bench_context *context);
int bench_ask(bench_context *context);
int bench_ask_timed(bench_context *context);
int bench_sleepers(bench_context *context);
int bench_mutex(bench_context *context); /* sharing.c */
int bench_semaphore(bench_context *context);
int bench_queue(bench_context *context);
int bench_stream(bench_context *context);
int bench_gather(bench_context *context);
int bench_gather_warm(bench_context *context);
int bench_cancelstorm(bench_context *context);
int bench_cancelstorm_warm(bench_context *context);
int bench_mixed(bench_context *context);     /* mixed.c */
int bench_yieldfair(bench_context *context); /* yieldfair.c */
int bench_offload(bench_context *context);   /* offload.c */
int bench_to_thread(bench_context *context);
int bench_parallel_for(bench_context *context); /* parallel.c */
int bench_map_reduce(bench_context *context);

#endif
