/* The clockwork of a measurement: clocks, memory, the timed section, the result. */
#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* A workload that has no result by then has lost a message, or hangs. */
#define RESULT_LIMIT_S 120.0

double bench_now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* can't fail: the clock exists */
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double timeval_s(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

double bench_cpu_s(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage); /* can't fail: the arguments are right */
    return timeval_s(usage.ru_utime) + timeval_s(usage.ru_stime);
}

int64_t bench_rss_bytes(void)
{
    long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (!file)
        return 0;
    if (fscanf(file, "%ld %ld", &total, &resident) != 2)
        resident = 0;
    (void)fclose(file); /* it was only read */
    return (int64_t)resident * sysconf(_SC_PAGESIZE);
}

int bench_fail(const bench_context *context, const char *format, ...)
{
    va_list args;

    (void)fprintf(stderr, "%s: ", context->name); /* nowhere else to complain */
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
    return -1;
}

void bench_begin(bench_context *context)
{
    context->began_s = bench_now_s();
}

void bench_end(bench_context *context, double ops)
{
    bench_outcome *outcome = &context->outcome;

    outcome->seconds = bench_now_s() - context->began_s;
    outcome->per_op = outcome->seconds * 1e9 / ops;
}

int bench_spawn_root(bench_context *context, tr_pid *out, const tr_actor_class *cls,
                     const void *args, const tr_spawn_options *options)
{
    int rc = tr_spawn_with(out, cls, args, options);

    return rc < 0 ? bench_fail(context, "spawn %s: %s", cls->name, tr_strerror(rc)) : 0;
}

int bench_expect(bench_context *context, int64_t expected)
{
    const struct bench_value *result;
    tr_msg *msg;
    int rc = tr_inbox_receive(context->inbox, &msg, RESULT_LIMIT_S);

    if (rc < 0)
        return bench_fail(context, "no result: %s", tr_strerror(rc));
    result = tr_as(msg, bench_value);
    if (!result)
        return bench_fail(context, "wrong result: a message %s", tr_msg_name(msg));
    if (result->value != expected)
        return bench_fail(context, "wrong result: %lld, not %lld", (long long)result->value,
                          (long long)expected);
    return 0;
}

int bench_measure(bench_context *context, const tr_actor_class *cls, const void *args, double ops,
                  int64_t expected)
{
    tr_pid root;

    bench_begin(context);
    if (bench_spawn_root(context, &root, cls, args, NULL) < 0 ||
        bench_expect(context, expected) < 0)
        return -1;
    bench_end(context, ops);
    return 0;
}

/* ---- tasks ---- */

static int run_task(tr_task_fn fn, bench_task *task)
{
    tr_future *f;
    int rc = tr_submit(&f, TR_LOOP(0), fn, task);

    if (rc == 0) {
        rc = tr_future_wait(f, TR_FOREVER);
        tr_future_unref(f);
    }
    return rc;
}

int bench_measure_task(bench_context *context, tr_task_fn fn)
{
    bench_task task = { context, context->options->n };
    int rc = run_task(fn, &task);

    return rc < 0 ? bench_fail(context, "%s", tr_strerror(rc)) : 0;
}
