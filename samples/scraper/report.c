/* See report.h. */
#include "report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <troupe/declare.h>

#define WIPE "\r\033[K"

TR_DECLARE(result, TR_TEXT(result, url, .required = true),
           TR_TEXT(result, outcome, .required = true), TR_TEXT(result, reason),
           TR_INTEGER(result, status, TR_HAS(result, has_status)), TR_TEXT(result, type),
           TR_TEXT(result, title), TR_TEXT(result, to),
           TR_INTEGER(result, bytes, TR_HAS(result, has_body)),
           TR_INTEGER(result, links, TR_HAS(result, has_body)), TR_INTEGER(result, depth),
           TR_INTEGER(result, attempts, TR_HAS(result, was_tried)),
           TR_NUMBER(result, seconds, TR_HAS(result, was_tried)));
TR_DECLARE(failures, TR_INTEGER(failures, status), TR_INTEGER(failures, timeout),
           TR_INTEGER(failures, connection), TR_INTEGER(failures, other));
TR_DECLARE(skips, TR_INTEGER(skips, robots), TR_INTEGER(skips, host), TR_INTEGER(skips, depth),
           TR_INTEGER(skips, pages), TR_INTEGER(skips, malformed), TR_INTEGER(skips, stopped));
TR_DECLARE(summary, TR_BOOLEAN(summary, partial), TR_INTEGER(summary, found),
           TR_INTEGER(summary, fetched), TR_INTEGER(summary, redirected),
           TR_INTEGER(summary, failed), TR_INTEGER(summary, skipped),
           TR_OBJECT(summary, failures, failures), TR_OBJECT(summary, skips, skips),
           TR_INTEGER(summary, requests), TR_INTEGER(summary, retries), TR_INTEGER(summary, bytes),
           TR_INTEGER(summary, hosts), TR_NUMBER(summary, seconds));

static atomic_bool progress_shown; /* others complain while a thread shows the progress */

char *report_line(const struct result *result)
{
    ssize_t bytes = tr_declared_write(result, result, NULL, 0);
    char *line = bytes < 0 ? NULL : malloc((size_t)bytes + 2);

    if (line == NULL)
        return NULL;
    (void)tr_declared_write(result, result, line, (size_t)bytes + 1);
    line[bytes] = '\n';
    line[bytes + 1] = '\0';
    return line;
}

static void print_json(const struct summary *s)
{
    char text[1024]; /* twenty figures */

    (void)tr_declared_write(summary, s, text, sizeof(text));
    fprintf(stderr, "%s\n", text);
}

static void print_text(const struct summary *s)
{
    const struct failures *f = s->failures;
    const struct skips *k = s->skips;

    fprintf(stderr,
            "%s%" PRId64 " URLs found: %" PRId64 " fetched, %" PRId64 " redirected, %" PRId64
            " failed, %" PRId64 " skipped\n",
            s->partial ? "partial, interrupted: " : "", s->found, s->fetched, s->redirected,
            s->failed, s->skipped);
    fprintf(stderr,
            "failed: %" PRId64 " by their status, %" PRId64 " were too slow, %" PRId64
            " lost the connection, %" PRId64 " otherwise\n",
            f->status, f->timeout, f->connection, f->other);
    fprintf(stderr,
            "skipped: %" PRId64 " by robots.txt, %" PRId64 " of other hosts, %" PRId64
            " too deep, %" PRId64 " beyond --pages, %" PRId64 " malformed, %" PRId64
            " not any more\n",
            k->robots, k->host, k->depth, k->pages, k->malformed, k->stopped);
    fprintf(stderr,
            "%" PRId64 " requests, %" PRId64 " of them again, %" PRId64 " bytes, %" PRId64
            " hosts, %.2f s\n",
            s->requests, s->retries, s->bytes, s->hosts, s->seconds);
}

void report_summary(const struct summary *s, bool json)
{
    if (json)
        print_json(s);
    else
        print_text(s);
}

void report_progress(const struct summary *s)
{
    int64_t done = s->fetched + s->redirected + s->failed + s->skipped;

    atomic_store(&progress_shown, true);
    fprintf(stderr, WIPE "%" PRId64 " of %" PRId64 " URLs, %" PRId64 " failed, %.1f MB ", done,
            s->found, s->failed, (double)s->bytes * 1e-6);
}

void report_progress_end(void)
{
    if (atomic_exchange(&progress_shown, false))
        fputs(WIPE, stderr);
}

void complain(const char *format, ...)
{
    char text[4096]; /* a longer one is cut */
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fprintf(stderr, "%sscraper: %s\n", atomic_load(&progress_shown) ? WIPE : "", text);
}
