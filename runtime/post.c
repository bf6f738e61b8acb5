/* Ways onto a loop, and what guests need on it. */
#include "base/seam.h"
#include "runtime/runtime.h"

int tr__runtime_post(uint32_t target, const tr__parcel *parcel)
{
    tr__loop *here = tr__loop_here();
    tr__letter *letter;

    if (here != NULL)
        return tr__loop_carry(here, target, parcel);
    letter = tr__alloc(sizeof(*letter));
    if (letter == NULL)
        return TR_ENOMEM;
    letter->parcel = *parcel;
    if (tr__port_post(&tr__ports[target], letter))
        return 0;
    tr__free(letter);
    return TR_ESHUTDOWN;
}

static void schedule_here(void *runnable)
{
    tr__loop_schedule(tr__loop_here(), runnable);
}

bool tr__loop_post(uint32_t number, tr__runnable *runnable)
{
    tr__loop *here = tr__loop_here();

    if (here != NULL && here->number == number) {
        tr__loop_schedule(here, runnable);
        return true;
    }
    /* A future of an earlier run may name a loop that this one does not have: closed, then. */
    if (here != NULL && number <= here->loops) {
        tr__parcel parcel = tr__parcel_call(schedule_here, runnable);

        /* A lane is cheaper, for what is posted in one activation is published together. */
        if (tr__loop_carry(here, number - 1, &parcel) == 0)
            return true;
    }
    return tr__port_post_run(&tr__ports[number - 1], runnable);
}

int tr__loop_resolve(int loop)
{
    const tr__loop *here = tr__loop_here();
    int count = tr_loop_count();

    if (count == 0)
        return TR_ESHUTDOWN;
    if (loop < 0 || loop > count)
        return TR_EINVAL;
    if (loop != TR_LOOP_ANY)
        return loop - 1;
    return here != NULL ? (int)here->number - 1 : (int)tr__runtime_entry();
}

int tr_post(int loop, void (*fn)(void *arg), void *arg)
{
    tr__parcel parcel = tr__parcel_call(fn, arg);
    int rc;
    int target;

    if (fn == NULL)
        return TR_EINVAL;
    rc = tr__loop_here() != NULL ? 0 : tr__runtime_check();
    if (rc < 0)
        return rc;
    target = tr__loop_resolve(loop);
    return target < 0 ? target : tr__runtime_post((uint32_t)target, &parcel);
}

struct ev_loop *tr_loop_ev(int loop)
{
    const tr__loop *here = tr__loop_here();

    if (here == NULL || (loop != TR_LOOP_ANY && loop != TR_LOOP((int)here->number - 1)))
        return NULL;
    return here->ev;
}

int tr_loop_on_close(void (*fn)(void *arg), void *arg)
{
    tr__loop *here = tr__loop_here();
    tr__closer *closer;

    if (here == NULL)
        return TR_EWRONGPLACE;
    if (fn == NULL)
        return TR_EINVAL;
    if (tr__runtime_phase() == TR__PHASE_QUIT)
        return TR_ESHUTDOWN;
    closer = tr__alloc(sizeof(*closer));
    if (closer == NULL)
        return TR_ENOMEM;
    *closer = (tr__closer){ .next = here->closers, .fn = fn, .arg = arg };
    here->closers = closer;
    return 0;
}
