/* Thread-pool workloads on libuv: N tiny jobs through uv_queue_work, 64 in flight or one at a time.
 * Usage: bench offload|to_thread N POOL_THREADS
 * prints: workload peer workers n seconds ns_per_op */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { IN_FLIGHT = 64 };

typedef struct job {
    uv_work_t request; /* first: libuv gives us a pointer to it */
    int64_t in;
    int64_t out;
} job;

static job jobs[IN_FLIGHT];
static int64_t submitted, total, sum;

static void work(uv_work_t *request)
{
    job *j = (job *)request;

    *(volatile int64_t *)&j->out = j->in + 1; /* volatile: the job can't be optimized away */
}

static void after(uv_work_t *request, int status)
{
    job *j = (job *)request;

    if (status != 0)
        exit(1);
    sum += j->out - j->in;
    if (submitted < total) {
        j->in = submitted++;
        uv_queue_work(request->loop, request, work, after);
    }
}

int main(int argc, char **argv)
{
    uv_loop_t *loop;
    uint64_t began;
    double seconds;
    int i, in_flight;

    if (argc < 4 || (strcmp(argv[1], "offload") != 0 && strcmp(argv[1], "to_thread") != 0))
        return 2;
    in_flight = strcmp(argv[1], "offload") == 0 ? IN_FLIGHT : 1;
    total = atoll(argv[2]);
    setenv("UV_THREADPOOL_SIZE", argv[3], 1);
    loop = uv_default_loop();
    began = uv_hrtime();
    for (i = 0; i < in_flight && submitted < total; i++) {
        jobs[i].in = submitted++;
        uv_queue_work(loop, &jobs[i].request, work, after);
    }
    uv_run(loop, UV_RUN_DEFAULT);
    seconds = (double)(uv_hrtime() - began) / 1e9;
    if (sum != total)
        return 1;
    printf("%s libuv %s %lld %.6f %.2f\n", argv[1], argv[3], (long long)total, seconds,
           seconds * 1e9 / (double)total);
    return 0;
}
