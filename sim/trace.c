/* What happened in a simulated world, and what is said about it when it ended badly. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/seam.h"
#include "sim/sockets.h"
#include "sim/world.h"

tr__sim_trace *tr__sim_kept;

/* FNV-1a, a word at a time (Fowler, Noll and Vo). */
static void stir(uint64_t word)
{
    tr__sim.figures.trace = (tr__sim.figures.trace ^ word) * UINT64_C(0x100000001b3);
}

static void print_record(const tr__sim_record *record);

void tr__sim_note(tr__sim_event event, const tr_sim_thread *thread, uint64_t detail)
{
    tr__sim_trace *kept = tr__sim_kept;
    uint32_t number = thread != NULL ? thread->number : 0;
    tr__sim_record *record;

    stir((uint64_t)event << 32 | number);
    stir(tr__sim.now_ns);
    stir(detail);
    if (kept == NULL)
        return;
    record = &kept->last[kept->records++ % TR__SIM_LAST];
    *record = (tr__sim_record){
        .step = tr__sim.figures.steps,
        .now_ns = tr__sim.now_ns,
        .event = event,
        .thread = number,
        .detail = detail,
    };
    if (thread != NULL)
        memcpy(record->name, thread->name, TR__SIM_NAME_BYTES);
    if (tr__sim.is_loud)
        print_record(record);
}

void tr__sim_note_preemption(uint32_t thread)
{
    tr__sim_trace *kept = tr__sim_kept;

    if (kept == NULL || kept->is_replay || kept->preemptions == TR__SIM_PREEMPTIONS_MAX)
        return;
    kept->list[kept->preemptions++] =
        (tr__sim_preemption){ .step = tr__sim.figures.steps, .thread = thread };
}

const char *tr__sim_wait_name(tr__sim_wait wait)
{
    static const char *const names[] = {
        [TR__SIM_RUNS] = "nothing: it is ready",
        [TR__SIM_WORD] = "a word (a future, or a job)",
        [TR__SIM_MUTEX] = "a mutex",
        [TR__SIM_CONDITION] = "a condition",
        [TR__SIM_END] = "the end of a thread",
        [TR__SIM_EVENTS] = "descriptors, or to be woken",
        [TR__SIM_TIME] = "the time",
    };

    return names[wait];
}

static void print_record(const tr__sim_record *record)
{
    static const char *const verbs[] = {
        [TR__SIM_SWITCHED] = "goes on",
        [TR__SIM_PREEMPTED] = "goes on, by preemption",
        [TR__SIM_WAITS] = "waits for",
        [TR__SIM_WOKEN] = "is woken",
        [TR__SIM_JUMPED] = "all wait: time",
        [TR__SIM_BEGUN] = "begins",
        [TR__SIM_ENDED] = "ends",
        [TR__SIM_FAILED] = NULL, /* below */
        [TR__SIM_STALLED] = "stands still",
        [TR__SIM_READY] = "has a descriptor that is ready",
        [TR__SIM_ARRIVED] = "network: there arrives",
        [TR__SIM_CUT] = "sends, and its way is cut",
        [TR__SIM_LOST] = "sends, and it is lost:",
    };
    static const char *const failures[] = {
        [TR__FAULT_MEMORY] = "finds no memory",
        [TR__FAULT_THREAD] = "can't start a thread",
        [TR__FAULT_CALL] = "has a system call that fails",
        [TR__FAULT_SHORT] = "has less read or written than it could",
        [TR__FAULT_RESET] = "finds its connection reset",
    };
    static const char *const arrivals[] = {
        [TR__PIECE_CONNECTED] = "a connection",
        [TR__PIECE_END] = "an end",
        [TR__PIECE_RESET] = "a reset",
    };
    const char *verb = verbs[record->event];
    char detail[64] = "";

    if (record->event == TR__SIM_WAITS)
        (void)snprintf(detail, sizeof(detail), " %s",
                       tr__sim_wait_name((tr__sim_wait)record->detail));
    else if (record->event == TR__SIM_WOKEN && record->detail != 0)
        (void)snprintf(detail, sizeof(detail), ": its time has come");
    else if (record->event == TR__SIM_FAILED)
        verb = failures[record->detail];
    else if (record->event == TR__SIM_ARRIVED && record->detail >> 32 != 0)
        (void)snprintf(detail, sizeof(detail), " %s", arrivals[record->detail >> 32]);
    else if (record->event == TR__SIM_ARRIVED || record->event == TR__SIM_LOST)
        (void)snprintf(detail, sizeof(detail), " %" PRIu64 " bytes", record->detail);
    else if (record->event == TR__SIM_JUMPED || record->event == TR__SIM_STALLED ||
             record->event == TR__SIM_CUT)
        (void)snprintf(detail, sizeof(detail), " for %.6f s", (double)record->detail / 1e9);
    (void)fprintf(stderr, "  %12.6f s  step %-9" PRIu64 " %-15.15s %s%s\n",
                  tr__sim_seconds(record->now_ns), record->step, record->name, verb, detail);
}

void tr__sim_print_last(const tr__sim_trace *trace)
{
    uint64_t first = trace->records > TR__SIM_LAST ? trace->records - TR__SIM_LAST : 0;

    (void)fprintf(stderr, "sim: the last that happened:\n");
    for (uint64_t i = first; i < trace->records; i++)
        print_record(&trace->last[i % TR__SIM_LAST]);
}

static void print_threads(void)
{
    for (const tr_sim_thread *t = tr__sim.threads; t != NULL; t = t->next) {
        if (t->has_ended) {
            (void)fprintf(stderr, "  %-15s has ended, and nobody has joined it\n", t->name);
            continue;
        }
        (void)fprintf(stderr, "  %-15s waits for %s", t->name, tr__sim_wait_name(t->wait));
        if (t->wait != TR__SIM_RUNS && t->until_ns != UINT64_MAX)
            (void)fprintf(stderr, ", until %.6f s", tr__sim_seconds(t->until_ns));
        (void)fprintf(stderr, "\n");
    }
}

_Noreturn void tr__sim_give_up(const char *what)
{
    tr__sim_trace *kept = tr__sim_kept;

    tr__sim.is_on = false; /* what is called from here on is real */
    tr__sim_steps_left = UINT64_MAX;
    if (kept == NULL || !kept->is_quiet) {
        (void)fprintf(stderr, "sim: seed %" PRIu64 ", %.6f s: %s\n", tr__sim.figures.seed,
                      tr__sim_seconds(tr__sim.now_ns), what);
        print_threads();
        if (kept != NULL)
            tr__sim_print_last(kept);
        (void)fprintf(stderr, "sim: to run it again: TROUPE_SEED=%" PRIu64 "\n",
                      tr__sim.figures.seed);
        (void)fflush(stderr); /* nowhere to complain */
    }
    if (kept != NULL)
        kept->has_reported = true;
    abort();
}
