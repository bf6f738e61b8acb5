/* Debug mode as a whole: what is started and stopped with the runtime. */
#include "runtime/observer.h"

#include "observe/locks.h"
#include "observe/places.h"
#include "observe/report.h"

static int start(const tr_config *config)
{
    (void)config;
    return 0;
}

static void stop(void)
{
    tr__locks_clear();
}

static void miss_await(const char *what, uint32_t place)
{
    tr__report(tr__place_of(place),
               "nobody has looked at how %s ended: await its future, or start it without one",
               what);
}

const tr__observer tr__upper_observer = {
    .start = start,
    .stop = stop,
    .number_place = tr__place_number,
    .miss_await = miss_await,
    .take_lock = tr__locks_take,
    .give_lock = tr__locks_give,
    .miss_unlock = tr__locks_report,
};
