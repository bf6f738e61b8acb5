/* Debug mode as a whole: what is started and stopped with the runtime. */
#include "runtime/observer.h"

static int start(const tr_config *config)
{
    (void)config;
    return 0;
}

static void stop(void)
{
}

const tr__observer tr__upper_observer = {
    .start = start,
    .stop = stop,
};
