/* The hook for dead letters, and the log's lines. */
#include "actors/dead_letter.h"

#include "actors/type.h"
#include "base/log.h"

/* Set only while no runtime runs. */
static tr_dead_letter_fn hook;
static void *hook_ctx;

int tr_on_dead_letter(tr_dead_letter_fn fn, void *ctx)
{
    if (tr__runtime_state() != TR__STATE_STOPPED)
        return TR_EBUSY;
    hook = fn;
    hook_ctx = ctx;
    return 0;
}

/* Counted by reason; the figure. */
static uint64_t count(tr__ledger *ledger, int reason)
{
    uint64_t *figure;

    switch (reason) {
    case TR_EFULL:
        figure = &ledger->dead_full;
        break;
    case TR_EUNHANDLED:
        figure = &ledger->dead_unhandled;
        break;
    case TR_ESHUTDOWN:
        figure = &ledger->dead_shutdown;
        break;
    case TR_ENOMEM:
        figure = &ledger->dead_memory;
        break;
    case TR_ETIMEDOUT:
        figure = &ledger->expired;
        break;
    default:
        figure = &ledger->dead_ended;
    }
    tr__bump_u64(figure, 1);
    return *figure;
}

/* The pid of who lives in a slot now, if it lives on this loop. */
static tr_pid pid_of_index(const tr__home *home, uint32_t index)
{
    tr_pid pid = { index };
    uint32_t generation;

    if (home == NULL || index == 0 || !tr__lives_here(home, pid))
        return TR_PID_NONE;
    /* relaxed: as in tr__slot_of. */
    generation = tr__load_relaxed_u32(&tr__slots.slots[index].generation);
    if (generation % 2 == 0)
        return TR_PID_NONE;
    return (tr_pid){ (uint64_t)generation << 32 | index };
}

/* Whether somebody hears of it anyway: an asker, or who shuts down. */
static bool is_told(const tr_msg *msg, int reason)
{
    return reason == TR_ESHUTDOWN || (msg != NULL && (msg->tr__head & TR__MSG_EXTENDED));
}

void tr__dead_letter(tr__home *home, tr_pid to, uint32_t type, const tr_msg *msg, int reason)
{
    uint64_t seen = home != NULL ? count(&home->ledger, reason) : 0;
    tr_dead_letter letter = {
        .to = to,
        .type = tr__type_info_of(msg != NULL ? msg->tr__head : type)->name,
        .reason = reason,
        .msg = msg,
    };

    if (msg != NULL)
        letter.from = pid_of_index(home, msg->tr__from);
    else if (home != NULL)
        letter.from = pid_of_index(home, home->frame.index);
    if (hook != NULL) {
        tr_task *task = tr__await_forbid(tr__loop_here());

        hook(hook_ctx, &letter);
        tr__await_allow(tr__loop_here(), task);
    } else if (seen != 0 && (seen & (seen - 1)) == 0 && !is_told(msg, reason)) {
        tr__log(TR_LOG_WARN,
                "loop %u: %llu dead letter(s) so far because %s; the latest: %s to " TR_PID_FMT,
                (unsigned)home->loop.number - 1, (unsigned long long)seen, tr_strerror(reason),
                letter.type, TR_PID_ARG(to));
    }
}
