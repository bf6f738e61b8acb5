/* See metrics.h. */
#include "metrics.h"

#include <stdio.h>
#include <stdlib.h>

#include "upstream.h"

/* One figure of an upstream. */
typedef void (*figure)(FILE *out, struct upstream *u, const char *labels);

static void put_answers(FILE *out, struct upstream *u, const char *labels)
{
    for (int i = 1; i < 6; i++)
        fprintf(out, "gateway_answers_total{%s,status=\"%dxx\"} %lu\n", labels, i,
                atomic_load_explicit(&u->answers[i], memory_order_relaxed));
}

static void put_errors(FILE *out, struct upstream *u, const char *labels)
{
    fprintf(out, "gateway_errors_total{%s} %lu\n", labels,
            atomic_load_explicit(&u->errors, memory_order_relaxed));
}

static void put_retries(FILE *out, struct upstream *u, const char *labels)
{
    fprintf(out, "gateway_retries_total{%s} %lu\n", labels,
            atomic_load_explicit(&u->retries, memory_order_relaxed));
}

static void put_in_flight(FILE *out, struct upstream *u, const char *labels)
{
    fprintf(out, "gateway_in_flight{%s} %ld\n", labels,
            atomic_load_explicit(&u->in_flight, memory_order_relaxed));
}

static void put_up(FILE *out, struct upstream *u, const char *labels)
{
    fprintf(out, "gateway_up{%s} %d\n", labels,
            !atomic_load_explicit(&u->is_down, memory_order_relaxed));
}

static void put_breaker(FILE *out, struct upstream *u, const char *labels)
{
    fprintf(out, "gateway_breaker_open{%s} %d\n", labels,
            tr_breaker_state(&u->breaker) != TR_BREAKER_CLOSED);
}

static const struct {
    const char *name, *type, *help;
    figure put;
} figures[] = {
    { "gateway_answers_total", "counter", "Answers of an upstream.", put_answers },
    { "gateway_errors_total", "counter",
      "Requests that an upstream has not answered, or not to the end.", put_errors },
    { "gateway_retries_total", "counter", "Requests that another upstream had failed before.",
      put_retries },
    { "gateway_in_flight", "gauge", "Requests under way.", put_in_flight },
    { "gateway_up", "gauge", "0: the last health check has failed.", put_up },
    { "gateway_breaker_open", "gauge", "1: the circuit breaker is not closed.", put_breaker },
};

/* URLs and prefixes have no quotes: they were checked. */
static void put_figure(FILE *out, const struct gateway *g, size_t which)
{
    char labels[2048];

    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", figures[which].name, figures[which].help,
            figures[which].name, figures[which].type);
    for (size_t r = 0; r < g->count; r++)
        for (size_t u = 0; u < g->routes[r].count; u++) {
            (void)snprintf(labels, sizeof(labels), "route=\"%s/\",upstream=\"%s\"",
                           g->routes[r].prefix, g->routes[r].upstreams[u].url);
            figures[which].put(out, &g->routes[r].upstreams[u], labels);
        }
}

int metrics(tr_http_request *req, tr_http_response *res, void *ctx)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    (void)req;
    if (out == NULL)
        return TR_ENOMEM;
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
        put_figure(out, ctx, i);
    if (fclose(out) != 0) {
        free(text);
        return TR_ENOMEM;
    }
    return tr_http_send_taken(res, 200, "text/plain; version=0.0.4; charset=utf-8", text, bytes,
                              free);
}
