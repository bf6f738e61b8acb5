/* The registry: which actor has which name. An actor's names are its loop's affair, for they go
 * with it; the table (names.c) is everybody's. */
#include "actors/registry.h"

#include <troupe/registry.h>
#include <troupe/task.h>

#include "base/seam.h"
#include "base/threads.h"
#include "runtime/runtime.h"
#include "runtime/task.h"

/* Keeps the table in place while a foreign thread looks. */
static pthread_mutex_t foreign_lock = PTHREAD_MUTEX_INITIALIZER;
static bool is_open; /* under the lock */

static void set_open(bool open)
{
    tr__mutex_lock(&foreign_lock);
    is_open = open;
    tr__mutex_unlock(&foreign_lock);
}

void tr__registry_open(void)
{
    const uint64_t key[2] = { tr__dice(), tr__dice() };

    tr__names_open(key);
    set_open(true);
}

void tr__registry_close(void)
{
    set_open(false);
    tr__names_close();
}

/* ---- which names an actor has: on its loop ---- */

enum { FIRST_CHAINS = 64 };

static tr__name **chain_of(const tr__named *named, uint64_t pid)
{
    return &named->chains[pid & named->mask]; /* the lower half is the slot */
}

static void link_name(const tr__named *named, tr__name *name)
{
    tr__name **chain = chain_of(named, name->pid);

    name->neighbour = *chain;
    *chain = name;
}

/* Have a chain for each name, if there is memory. false: there is none at all. */
static bool make_room(tr__named *named)
{
    tr__named larger = { .mask = named->chains != NULL ? 2 * named->mask + 1 : FIRST_CHAINS - 1,
                         .count = named->count };

    if (named->chains != NULL && named->count <= named->mask)
        return true;
    larger.chains = tr__alloc_zeroed((larger.mask + 1) * sizeof(tr__name *));
    if (larger.chains == NULL)
        return named->chains != NULL;
    for (uint64_t i = 0; named->chains != NULL && i <= named->mask; i++)
        for (tr__name *name = named->chains[i], *next; name != NULL; name = next) {
            next = name->neighbour;
            link_name(&larger, name);
        }
    tr__free(named->chains);
    *named = larger;
    return true;
}

int tr__register_adopt(tr__home *home, tr_self *self, tr__name *name)
{
    if (!make_room(&home->named))
        return TR_ENOMEM;
    link_name(&home->named, name);
    home->named.count++;
    self->word |= TR__SLOT_NAMED;
    return 0;
}

int tr__register_here(tr__home *home, tr_self *self, const char *text)
{
    tr__name *name;
    int rc = tr__name_take(&name, text, tr__slot_pid(self));

    if (rc < 0)
        return rc;
    rc = tr__register_adopt(home, self, name);
    if (rc < 0)
        tr__name_give(name);
    return rc;
}

/* Take one out of its chain, and give it back: the next one stands there then. */
static void drop(tr__home *home, tr__name **place)
{
    tr__name *name = *place;

    *place = name->neighbour;
    home->named.count--;
    tr__name_give(name);
}

void tr__registry_forget(tr__home *home, const tr_self *self)
{
    uint64_t pid = tr__slot_pid(self).tr__id;

    for (tr__name **place = chain_of(&home->named, pid); *place != NULL;)
        if ((*place)->pid == pid)
            drop(home, place);
        else
            place = &(*place)->neighbour;
}

static int unregister_here(tr__home *home, tr_pid pid, const char *text)
{
    tr__name **place;

    if (home->named.chains == NULL)
        return TR_ENONAME;
    place = chain_of(&home->named, pid.tr__id);
    while (*place != NULL && ((*place)->pid != pid.tr__id || !tr__name_is(*place, text)))
        place = &(*place)->neighbour;
    if (*place == NULL)
        return TR_ENONAME;
    drop(home, place);
    return 0;
}

/* ---- from anywhere ---- */

/* What is to be done on the loop of an actor. */
typedef struct errand {
    tr_pid pid;
    const char *text;
    bool is_removal;
} errand;

static int run_errand(void *arg);

/* Run it there, as a task, and wait; it is on the caller's stack. */
static int send_errand(errand *e, int loop)
{
    tr_future *f;
    int rc = tr_submit(&f, loop, run_errand, e);

    if (rc < 0)
        return rc;
    if (tr__task_here() != NULL) {
        TR_SHIELD(TR_FOREVER) {
            rc = tr_await(f);
        }
    } else {
        rc = tr_future_wait(f, TR_FOREVER);
    }
    tr_future_unref(f);
    return rc;
}

/* Of a task or a handler. */
static int do_errand(tr__home *home, errand *e)
{
    uint32_t number = tr__home_of(e->pid);
    tr_self *self;

    if (number == 0)
        return TR_EDEAD;
    if (number != home->loop.number)
        return tr__task_here() != NULL ? send_errand(e, TR_LOOP((int)number - 1)) : TR_EWRONGPLACE;
    if (e->is_removal)
        return unregister_here(home, e->pid, e->text);
    self = tr__slot_of(e->pid);
    return self != NULL ? tr__register_here(home, self, e->text) : TR_EDEAD;
}

static int run_errand(void *arg)
{
    return do_errand(tr__home_here(), arg);
}

static int begin_errand(errand *e)
{
    tr__home *home = tr__home_here();
    tr_task *task = tr__task_here();
    int rc = task != NULL ? tr__task_checkpoint(task) : 0;

    if (rc < 0)
        return rc;
    if (home == NULL)
        return send_errand(e, TR_LOOP_ANY);
    return do_errand(home, e);
}

int tr_register(tr_pid pid, const char *name)
{
    errand e = { .pid = pid, .text = name };

    if (!tr__name_is_valid(name))
        return TR_EINVAL;
    return tr_pid_is_none(pid) ? TR_EDEAD : begin_errand(&e);
}

int tr_unregister(const char *name)
{
    errand e = { .text = name, .is_removal = true };

    if (!tr__name_is_valid(name))
        return TR_EINVAL;
    e.pid = tr_whereis(name);
    return tr_pid_is_none(e.pid) ? TR_ENONAME : begin_errand(&e);
}

tr_pid tr_whereis(const char *name)
{
    tr_pid found = TR_PID_NONE;

    if (!tr__name_is_valid(name))
        return TR_PID_NONE;
    if (tr__home_here() != NULL)
        return tr__name_find(name);
    tr__mutex_lock(&foreign_lock);
    if (is_open)
        found = tr__name_find(name);
    tr__mutex_unlock(&foreign_lock);
    return found;
}
