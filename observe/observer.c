/* Debug mode as a whole: what is started and stopped with the runtime. */
#include "runtime/observer.h"

static int start(const tr_config *config)
{
    (void)config;
    return 0;
}

static void do_nothing(void)
{
}

static void do_nothing_on(tr__loop *loop)
{
    (void)loop;
}

static void take_stack(tr__stack *stack)
{
    (void)stack;
}

const tr__observer tr__upper_observer = {
    .start = start,
    .stop = do_nothing,
    .enter = do_nothing_on,
    .leave = do_nothing_on,
    .rest = do_nothing,
    .resume = do_nothing,
    .stack_given = take_stack,
};
