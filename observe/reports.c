/* What is said of slow steps. */
#include "observe/reports.h"

#include <stdio.h>

#include "base/log.h"
#include "base/seam.h"

#define NS_PER_MS UINT64_C(1000000)

enum { TEXT_BYTES = 900 };

/* Whether there may be one more. */
static bool may_report(tr__watched *watched)
{
    if (tr__quota_take(&watched->quota, tr__now_ns()))
        return true;
    watched->quota.left_out++;
    return false;
}

static void log_line(tr__watched *watched, const char *text)
{
    unsigned left_out = watched->quota.left_out;
    unsigned number = watched->loop->number - 1;

    watched->quota.left_out = 0;
    if (left_out > 0)
        tr__log(TR_LOG_WARN, "loop %u: %s (reports left out before: %u)", number, text, left_out);
    else
        tr__log(TR_LOG_WARN, "loop %u: %s", number, text);
}

static unsigned long long ms_of(uint64_t ns)
{
    return (unsigned long long)(ns / NS_PER_MS);
}

/* How much of a step its thread has had a core for, as far as it was watched. */
static const char *core_share(const tr__step *step, char *text, size_t text_bytes)
{
    text[0] = '\0';
    if (step->watched_ns >= NS_PER_MS)
        (void)snprintf(text, text_bytes, " (on a core for %llu of the last %llu)",
                       ms_of(step->cpu_used_ns), ms_of(step->watched_ns));
    return text;
}

void tr__report_slow(tr__watched *watched, const tr__picture *picture)
{
    const tr__step *step = &watched->step;
    char text[TEXT_BYTES];
    char runner[128];
    char share[64];
    int length;

    if (!may_report(watched))
        return;
    tr__runner_write(&picture->runner, runner, sizeof(runner));
    if (picture->call != NULL)
        length = snprintf(text, sizeof(text), "%s has been in %s() for %llu ms, at ", runner,
                          picture->call, ms_of(picture->answer.now_ns - picture->answer.since_ns));
    else
        length = snprintf(text, sizeof(text), "%s has run for %llu ms without a pause%s, at ",
                          runner, ms_of(step->age_ns), core_share(step, share, sizeof(share)));
    tr__trace_write(&picture->trace, text + length, sizeof(text) - (size_t)length);
    log_line(watched, text);
}

void tr__report_unanswered(tr__watched *watched, int signo)
{
    char text[TEXT_BYTES];
    char share[64];

    if (!may_report(watched))
        return;
    (void)snprintf(text, sizeof(text),
                   "something has run for %llu ms without a pause%s; where is not known, as its "
                   "thread does not answer to signal %d",
                   ms_of(watched->step.age_ns), core_share(&watched->step, share, sizeof(share)),
                   signo);
    log_line(watched, text);
}

void tr__report_starved(tr__watched *watched)
{
    char text[TEXT_BYTES];

    if (!may_report(watched))
        return;
    (void)snprintf(text, sizeof(text),
                   "for %llu of the last %llu ms its thread has waited for a core: more threads "
                   "want one than there are",
                   ms_of(watched->step.queue_used_ns), ms_of(watched->step.watched_ns));
    log_line(watched, text);
}

void tr__report_over(tr__watched *watched)
{
    char text[TEXT_BYTES];

    if (!may_report(watched))
        return;
    (void)snprintf(text, sizeof(text), "it goes on, after %llu ms or so",
                   ms_of(watched->step.age_ns));
    log_line(watched, text);
}
