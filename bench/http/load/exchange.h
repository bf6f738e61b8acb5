/* Requests and answers over connections that are kept: exchange.c.
 *
 * A crew is a number of connections that do the same. Each has one request in flight, so it is as
 * fast as the server (a closed loop); with an interval, each sends at its times whether the last
 * answer was quick or not, and what it waited for that belongs to the latency. */
#ifndef TROUPE_BENCH_HTTP_EXCHANGE_H
#define TROUPE_BENCH_HTTP_EXCHANGE_H

#include "load.h"

struct answer {
    int status;
    const char *body; /* a 0 is behind it */
};

struct crew {
    int connections;
    double interval; /* seconds from one request of a connection to its next; 0: at once */
    void *ctx;
    /* Write the next request of connection i, all of it; returns its bytes, 0: it has none any
     * more. */
    size_t (*next)(void *ctx, int i, char *buffer, size_t room);
    /* What came for it. NULL: it is enough that the status is below 300. */
    void (*take)(void *ctx, int i, const struct answer *answer);

    /* The result. */
    long answers;     /* below 300 */
    long errors;      /* 300 and more, and connections that were lost */
    long errors_last; /* the status of the last one; 0: lost */
    float *latencies; /* seconds of each answer, sorted; free it */
    size_t samples;
    size_t samples_room;
};

/* Let crews work for so many seconds, or until they have nothing more to ask; what is in flight
 * then is waited for. */
void exchange(int port, struct crew *crews, int count, double seconds);

void sample_add(struct crew *crew, double seconds);
void samples_sort(struct crew *crew);
/* The latency that the share of the answers did not exceed, in microseconds: 0.5, 0.99, 1. */
double latency_us(const struct crew *crew, double share);

#endif
