/* Where calls block. */
#include "observe/sites.h"

#include <stdio.h>

#include "base/log.h"
#include "base/seam.h"
#include "base/threads.h"
#include "observe/watcher.h"

enum { SITES = 512, LINES_AT_ONCE = 32, TEXT_BYTES = 900 };

typedef struct site {
    tr__blocking_call call; /* the first that was seen; place NULL: unused */
    uint64_t calls;
    bool is_reported;
    tr__watched *watched;
    tr__runner runner;
    tr__trace trace;
} site;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static site *sites;
static uint32_t unreported; /* how many of them are */
static uint64_t beyond;     /* calls from places that found no room */

int tr__sites_open(void)
{
    sites = tr__alloc_zeroed(SITES * sizeof(*sites));
    unreported = 0;
    beyond = 0;
    return sites != NULL ? 0 : TR_ENOMEM;
}

void tr__sites_close(void)
{
    tr__free(sites);
    sites = NULL;
}

/* With the lock held: the one of that place, or an unused one; NULL: there is none. */
static site *find(const tr__blocking_call *call)
{
    size_t at = ((uintptr_t)call->place >> 2) % SITES;

    for (int i = 0; i < SITES; i++, at = (at + 1) % SITES)
        if (sites[at].call.place == NULL ||
            (sites[at].call.place == call->place && sites[at].call.name == call->name))
            return &sites[at];
    return NULL;
}

static void fill(site *s, tr__watched *watched, const tr__blocking_call *call)
{
    s->call = *call;
    s->watched = watched;
    tr__runner_note(&s->runner, watched->loop);
    tr__trace_take(&s->trace, call->place, false);
    unreported++;
    tr__watcher_poke();
}

void tr__sites_note(tr__watched *watched, const tr__blocking_call *call, tr__trace *trace)
{
    site *s;

    tr__mutex_lock(&lock);
    s = find(call);
    if (s != NULL && s->call.place == NULL)
        fill(s, watched, call);
    if (s != NULL)
        s->calls++;
    else
        beyond++;
    if (s != NULL)
        *trace = s->trace;
    else
        *trace = (tr__trace){ .count = 1, .frame = { call->place } };
    tr__mutex_unlock(&lock);
}

/* ---- reports ---- */

/* A copy of the i-th that is to be reported; false: it is not, or there is none. */
static bool take(int i, bool is_last, site *copy)
{
    site *s = &sites[i];
    bool is_due;

    tr__mutex_lock(&lock);
    is_due = s->call.place != NULL && !s->is_reported &&
             (is_last || tr__quota_take(&s->watched->quota, tr__now_ns()));
    if (is_due) {
        s->is_reported = true;
        unreported--;
        *copy = *s;
    }
    tr__mutex_unlock(&lock);
    return is_due;
}

static void report(const site *s)
{
    char text[TEXT_BYTES];
    char runner[128];
    char on[32] = "";
    int length;

    tr__runner_write(&s->runner, runner, sizeof(runner));
    if (s->call.fd >= 0)
        (void)snprintf(on, sizeof(on), " on descriptor %d", s->call.fd);
    length = snprintf(text, sizeof(text), "%s calls %s()%s, which blocks its loop: use %s; at ",
                      runner, s->call.name, on, s->call.instead);
    tr__trace_write(&s->trace, text + length, sizeof(text) - (size_t)length);
    tr__log(TR_LOG_WARN, "loop %u: %s", s->watched->loop->number - 1, text);
}

static void report_counts(void)
{
    int lines = 0;

    for (int i = 0; i < SITES && lines < LINES_AT_ONCE; i++) {
        char place[TEXT_BYTES];

        if (sites[i].calls < 2)
            continue;
        tr__trace_write(&sites[i].trace, place, sizeof(place));
        tr__log(TR_LOG_WARN, "%s() has blocked loops %llu times at %s", sites[i].call.name,
                (unsigned long long)sites[i].calls, place);
        lines++;
    }
    if (unreported > 0)
        tr__log(TR_LOG_WARN, "calls block loops at %u more places", (unsigned)unreported);
    if (beyond > 0)
        tr__log(TR_LOG_WARN, "%llu more calls have blocked loops, at places beyond the first %d",
                (unsigned long long)beyond, SITES);
}

static bool is_something_new(void)
{
    bool is_something;

    tr__mutex_lock(&lock);
    is_something = unreported > 0;
    tr__mutex_unlock(&lock);
    return is_something;
}

void tr__sites_report(bool is_last)
{
    int lines = 0;
    site s;

    for (int i = 0; i < SITES && is_something_new() && lines < LINES_AT_ONCE; i++)
        if (take(i, is_last, &s)) {
            report(&s);
            lines++;
        }
    if (is_last)
        report_counts();
}
