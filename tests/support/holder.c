/* A loop that is held. */
#include "support/holder.h"

#include "runtime/runtime.h"

static void wait_for(sem_t *sem)
{
    while (sem_wait(sem) != 0)
        ;
}

static int be_held(void *arg)
{
    kit_holder *holder = arg;

    for (;;) {
        sem_post(&holder->done);
        wait_for(&holder->told);
        if (holder->fn == NULL)
            return 0;
        holder->fn(holder->arg);
        tr__loop_publish(tr__loop_here());
    }
}

void kit_hold(kit_holder *holder, int loop)
{
    sem_init(&holder->told, 0, 0);
    sem_init(&holder->done, 0, 0);
    ck_assert_int_eq(tr_submit(&holder->task, TR_LOOP(loop), be_held, holder), 0);
    wait_for(&holder->done);
}

void kit_held_do(kit_holder *holder, void (*fn)(void *arg), void *arg)
{
    holder->fn = fn;
    holder->arg = arg;
    sem_post(&holder->told);
    wait_for(&holder->done);
}

void kit_let_go(kit_holder *holder)
{
    holder->fn = NULL;
    sem_post(&holder->told);
    ck_assert_int_eq(tr_future_wait(holder->task, KIT_PATIENCE_S), 0);
    tr_future_unref(holder->task);
    sem_destroy(&holder->told);
    sem_destroy(&holder->done);
}

static void nothing(void *arg)
{
    (void)arg;
}

void kit_fill_lane(int target)
{
    const tr__outlet *outlet = &tr__loop_here()->outlets[target];

    do
        ck_assert_int_eq(tr_post(TR_LOOP(target), nothing, NULL), 0);
    while (outlet->lane->staged % TR__CHUNK != 0);
}
