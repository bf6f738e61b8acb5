/* How results are printed. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

static void print_json(const bench_workload *workload, const bench_options *options,
                       const bench_outcome *outcome)
{
    printf("{\"workload\": \"%s\", \"peer\": \"troupe\", \"workers\": %d, \"n\": %lld, "
           "\"seconds\": %.6f, \"per_op\": %.2f, \"unit\": \"%s\"",
           workload->name, outcome->workers, (long long)options->n, outcome->seconds,
           outcome->per_op, workload->unit);
    if (workload->sized)
        printf(", \"size\": %zu", options->size);
    if (workload->run == bench_foreign)
        printf(", \"threads\": %d", options->threads);
    if (workload->run == bench_livescale)
        printf(", \"actors\": %lld, \"rss_bytes_per_actor\": %.1f", (long long)options->actors,
               outcome->rss_bytes_per_actor);
    if (workload->run == bench_idlecpu)
        printf(", \"timer\": %s", options->timer ? "true" : "false");
    printf("}\n");
}

void bench_report(const bench_workload *workload, const bench_options *options,
                  const bench_outcome *outcome)
{
    if (options->json)
        print_json(workload, options, outcome);
    else
        printf("%s troupe %d %lld %.6f %.2f\n", workload->name, outcome->workers,
               (long long)options->n, outcome->seconds, outcome->per_op);
    (void)fflush(stdout); /* a reader may follow the runs; a lost line shows as a missing one */
}

static int compare_outcomes(const void *left, const void *right)
{
    double a = ((const bench_outcome *)left)->per_op, b = ((const bench_outcome *)right)->per_op;

    return (a > b) - (a < b);
}

void bench_summarize(const bench_workload *workload, bench_outcome *outcomes, int count)
{
    double middle;

    qsort(outcomes, (size_t)count, sizeof(*outcomes), compare_outcomes);
    middle = (outcomes[(count - 1) / 2].per_op + outcomes[count / 2].per_op) / 2;
    (void)fprintf(stderr, "%s: median %.2f, min %.2f %s (%s), %d runs\n", workload->name, middle,
                  outcomes[0].per_op, workload->unit, workload->counts, count);
}
