/* Debug mode as a whole: what is started and stopped with the runtime. In a simulation, where time
 * does not pass while something runs, there is no watcher, and no call is led astray. */
#include "observe/observer.h"

#include <stdio.h>

#include <troupe/observe.h>

#include "observe/blocking.h"
#include "observe/locks.h"
#include "observe/marks.h"
#include "observe/places.h"
#include "observe/report.h"
#include "observe/watcher.h"
#include "runtime/observer.h"

static int start_watching(const tr_config *config)
{
    int rc = TR__SIM ? 0 : tr__blocking_open();

    if (TR__SIM || rc < 0)
        return rc;
    rc = tr__watcher_open(config);
    if (rc < 0)
        tr__blocking_close();
    return rc;
}

static void stop_watching(void)
{
    if (TR__SIM)
        return;
    tr__watcher_close();
    tr__blocking_close();
}

static int start(const tr_config *config)
{
    int rc = tr__marks_open();

    if (rc == 0)
        rc = start_watching(config);
    if (rc < 0)
        tr__marks_close();
    return rc;
}

static void stop(void)
{
    stop_watching();
    tr__marks_warn();
    tr__marks_close();
    tr__locks_clear();
}

static void miss_await(const char *what, uint32_t place)
{
    tr__report(tr__place_of(place),
               "nobody has looked at how %s ended: await its future, or start it without one",
               what);
}

static void enter(tr__loop *loop)
{
    loop->stacks.free_quick = 0; /* each stack that comes back is looked at */
    if (!TR__SIM)
        tr__watcher_enter(loop);
}

static void leave(tr__loop *loop)
{
    if (!TR__SIM)
        tr__watcher_leave(loop);
}

static void rest(void)
{
    if (!TR__SIM)
        tr__watcher_rest();
}

static void resume(void)
{
    if (!TR__SIM)
        tr__watcher_resume();
}

const tr__observer tr__upper_observer = {
    .start = start,
    .stop = stop,
    .number_place = tr__place_number,
    .miss_await = miss_await,
    .take_lock = tr__locks_take,
    .give_lock = tr__locks_give,
    .miss_unlock = tr__locks_report,
    .enter = enter,
    .leave = leave,
    .rest = rest,
    .resume = resume,
    .stack_given = tr__marks_take,
};

void tr__dump_requested(void)
{
    (void)tr_dump(NULL); /* one is being written already, or memory is short: it says so */
    tr__marks_print(stderr);
}
