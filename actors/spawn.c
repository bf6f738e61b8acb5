/* Spawning: at home within the call, elsewhere by a start that waits in the slot until the new home
 * comes to it.
 *
 * A slot that is to start elsewhere is filled, then settled (slot.h): so messages may be sent to
 * it, and reach its mailbox, before its init has run; it is marked as queued, so nothing schedules
 * it but the start. */
#include "actors/spawn.h"

#include "actors/deliver.h"
#include "actors/dispatch.h"
#include "actors/end.h"
#include "actors/fibered.h"
#include "actors/registry.h"
#include "base/log.h"
#include "base/threads.h"
#include "runtime/task.h"

#define ARGS_MAX ((size_t)64 << 10)

/* Who waits for a start. */
typedef struct starter {
    void (*complete)(struct starter *starter, int result); /* on the actor's loop */
} starter;

typedef struct tr__start {
    starter *starter; /* NULL: nobody waits */
    tr__name *name;   /* NULL: it has none */
    const void *args; /* what init gets: the copy below, or the caller's while it waits */
    size_t unused;
    char copy[];
} tr__start;

/* Slots for foreign threads, which have no loop. The lock is also what keeps the table in place
 * while one of them touches a slot. */
static pthread_mutex_t foreign_lock = PTHREAD_MUTEX_INITIALIZER;
static tr__slot_cache foreign_slots;
static uint32_t foreign_spread; /* under the lock */
static bool is_open;            /* under the lock */

void tr__spawn_open(void)
{
    tr__mutex_lock(&foreign_lock);
    is_open = true;
    foreign_spread = 0;
    tr__mutex_unlock(&foreign_lock);
}

void tr__spawn_close(void)
{
    tr__mutex_lock(&foreign_lock);
    is_open = false;
    foreign_slots = (tr__slot_cache){ 0 };
    tr__mutex_unlock(&foreign_lock);
}

/* ---- the beginning itself ---- */

static int make_state(tr__home *home, tr_self *self)
{
    size_t bytes = self->cls->state_size;

    self->state = NULL;
    if (bytes == 0)
        return 0;
    self->state = bytes <= TR__CLASS_MAX_BYTES
                      ? tr__slab_take(&home->loop.slab, tr__class_of(bytes))
                      : tr__alloc(bytes);
    if (self->state == NULL)
        return TR_ENOMEM;
    memset(self->state, 0, bytes);
    return 0;
}

/* Give a settled slot its state, and run its init. On error the actor must be dissolved; on success
 * it may have ended already. */
static int begin(tr__home *home, tr_self *self, const void *args)
{
    tr__frame saved;
    uint32_t attention;
    int reason;
    int rc = make_state(home, self);

    if (rc < 0 || ((self->word & TR__SLOT_LIMITED) && tr__more_of(home, self) == NULL) ||
        (self->cls->awaits && tr__fibered_prepare(home, self) < 0))
        return TR_ENOMEM;
    tr__dispatch_choose(self);
    if (self->cls->init == NULL && args != NULL && self->cls->args_size != 0)
        memcpy(self->state, args, self->cls->args_size);
    if (self->cls->init != NULL) {
        tr__frame_enter(home, self, &saved);
        rc = self->cls->init(self, self->state, args);
        attention = home->frame.attention;
        reason = home->frame.reason;
        tr__frame_leave(home, &saved);
        if (rc < 0)
            return rc;
        if (attention & TR__ATTENTION_EXIT) {
            tr__bump_u64(&home->ledger.spawned, 1);
            tr__end_now(home, self, reason);
            return 0;
        }
    }
    tr__bump_u64(&home->ledger.spawned, 1);
    tr__dispatch_rest(home, self);
    return 0;
}

/* Fill a free slot; it is not settled yet. */
static void fill(tr_self *self, const tr_actor_class *cls, void *state, uint32_t flags)
{
    bool is_limited = cls->mailbox_limit != 0 || cls->mailbox_bytes != 0;

    tr__mailbox_init(&self->mailbox);
    self->word = TR__SLOT_QUEUED | flags | (is_limited ? TR__SLOT_LIMITED : 0);
    tr__store_relaxed_ptr(&self->cls, cls); /* relaxed: for another thread that names it */
    self->state = state;
    self->more = NULL;
}

void tr__slot_occupy(tr__home *home, tr_self *self, const tr_actor_class *cls)
{
    fill(self, cls, NULL, 0);
    self->word &= ~TR__SLOT_QUEUED;
    tr__dispatch_choose(self);
    tr__slot_settle(self, home->loop.number);
    tr__home_adopt(home, self);
}

static int spawn_here(tr__home *home, tr_pid *out, const tr_actor_class *cls, const void *args,
                      const char *name)
{
    int rc = 0;
    tr_self *self = tr__slot_take(&home->slots, &rc);
    tr_pid pid;

    if (self == NULL)
        return rc;
    fill(self, cls, NULL, 0);
    tr__slot_settle(self, home->loop.number);
    tr__home_adopt(home, self);
    pid = tr__slot_pid(self);
    rc = name != NULL ? tr__register_here(home, self, name) : 0;
    if (rc == 0)
        rc = begin(home, self, args);
    if (rc < 0)
        tr__dissolve(home, self, TR_EDEAD);
    else
        *out = pid;
    return rc;
}

/* ---- starts ---- */

static void free_start(tr__start *start)
{
    if (start->name != NULL)
        tr__name_give(start->name);
    tr__free(start);
}

/* Its name is the actor's from here on. */
static int begin_named(tr__home *home, tr_self *self, tr__start *start)
{
    int rc = start->name != NULL ? tr__register_adopt(home, self, start->name) : 0;

    if (rc < 0) {
        self->state = NULL; /* it was the start */
        return rc;
    }
    start->name = NULL;
    return begin(home, self, start->args);
}

static uint32_t run_start(tr__runnable *runnable, tr__loop *loop)
{
    tr__home *home = tr__home_from(loop);
    tr_self *self = TR__CONTAINER_OF(runnable, tr_self, runnable);
    tr__start *start = self->state;
    starter *waiting = start->starter;
    int rc;

    if (loop->phase != TR__PHASE_RUN) {
        tr__start_refuse(home, self, TR_ESHUTDOWN);
        return 1;
    }
    self->word &= ~TR__SLOT_STARTING;
    rc = begin_named(home, self, start);
    if (rc < 0) {
        if (waiting == NULL)
            tr__log(TR_LOG_WARN, "actor " TR_PID_FMT " (%s) refused to start: %s (%s)",
                    TR_PID_ARG(tr__slot_pid(self)), self->cls->name, tr_strerror(rc),
                    tr_err_name(rc));
        tr__dissolve(home, self, TR_EDEAD);
    }
    free_start(start);
    if (waiting != NULL)
        waiting->complete(waiting, rc);
    return 1;
}

void tr__start_refuse(tr__home *home, tr_self *self, int error)
{
    tr__start *start = self->state;
    starter *waiting = start->starter;

    self->state = NULL;
    free_start(start);
    tr__dissolve(home, self, error == TR_ESHUTDOWN ? TR_ESHUTDOWN : TR_EDEAD);
    if (waiting != NULL)
        waiting->complete(waiting, error);
}

/* A start; args are copied if the class says how many bytes they are. */
static tr__start *start_new(const tr_actor_class *cls, const void *args, starter *waiting)
{
    size_t bytes = args != NULL ? cls->args_size : 0;
    tr__start *start = tr__alloc(sizeof(*start) + bytes);

    if (start == NULL)
        return NULL;
    start->starter = waiting;
    start->name = NULL;
    start->args = args;
    if (bytes != 0) {
        memcpy(start->copy, args, bytes);
        start->args = start->copy;
    }
    return start;
}

/* A slot that nobody knows of yet goes back. */
static void unsettle(tr__slot_cache *cache, tr_self *self)
{
    free_start(self->state);
    /* release: as in tr__slot_settle. */
    tr__store_release_u32(&self->generation, self->generation + 1);
    tr__slot_give(cache, self);
}

/* Settle an actor on loop `target` (from 0), and send its start there. */
static int send_start(tr__slot_cache *cache, tr_pid *out, const tr_actor_class *cls,
                      tr__start *start, const char *name, uint32_t target)
{
    tr__parcel parcel = { .head = (uint32_t)TR__PARCEL_START << TR__PARCEL_KIND_SHIFT };
    tr__home *home = tr__home_here();
    int rc = 0;
    tr_self *self = tr__slot_take(cache, &rc);

    if (self == NULL) {
        tr__free(start);
        return rc;
    }
    fill(self, cls, start, TR__SLOT_STARTING);
    self->runnable.run = run_start;
    tr__slot_settle(self, target + 1);
    *out = tr__slot_pid(self);
    rc = name != NULL ? tr__name_take(&start->name, name, *out) : 0;
    if (rc < 0) {
        *out = TR_PID_NONE;
        unsettle(cache, self);
        return rc;
    }
    if (home != NULL && target == home->loop.number - 1) {
        tr__home_adopt(home, self);
        tr__loop_schedule(&home->loop, &self->runnable);
        return 0;
    }
    parcel.to = out->tr__id;
    rc = tr__send_parcel(*out, &parcel);
    if (rc < 0) {
        *out = TR_PID_NONE;
        unsettle(cache, self);
    }
    return rc;
}

/* ---- choosing ---- */

static bool is_valid_class(const tr_actor_class *cls, size_t cls_size)
{
    return cls != NULL && cls_size == sizeof(*cls) && cls->name != NULL && cls->receive != NULL &&
           cls->args_size <= ARGS_MAX && (cls->init != NULL || cls->args_size <= cls->state_size) &&
           cls->stop_timeout >= 0 && cls->state_size <= TR__PAYLOAD_MAX &&
           cls->mailbox_limit <= TR__SLOT_COUNT_MAX && (int)cls->on_full >= 0 &&
           cls->on_full <= TR_FULL_STOP;
}

/* The options, checked; TR_EINVAL. */
static int read_options(tr_spawn_options *read, const tr_spawn_options *options, size_t size)
{
    *read = (tr_spawn_options){ 0 };
    if (size == 0 || size > sizeof(*read))
        return TR_EINVAL;
    if (options != NULL)
        memcpy(read, options, size);
    if (read->on < 0 || (int)read->place < 0 || read->place > TR_PLACE_SPREAD ||
        (read->name != NULL && !tr__name_is_valid(read->name)))
        return TR_EINVAL;
    return 0;
}

/* Which loop (from 0), or TR_EINVAL; near is what TR_PLACE_NEAR means here, and spread a
 * counter. */
static int choose(const tr_spawn_options *options, uint32_t near, uint32_t *spread)
{
    uint32_t loops = (uint32_t)tr_loop_count();

    if (options->on > (int)loops)
        return TR_EINVAL;
    if (options->on != TR_LOOP_ANY)
        return options->on - 1;
    return options->place == TR_PLACE_SPREAD ? (int)((*spread)++ % loops) : (int)near;
}

/* From a foreign thread; waiting NULL: it does not wait. */
static int spawn_foreign(tr_pid *out, const tr_actor_class *cls, const void *args,
                         const tr_spawn_options *options, starter *waiting)
{
    tr__start *start = start_new(cls, args, waiting);
    int rc = start != NULL ? 0 : TR_ENOMEM;

    if (rc < 0)
        return rc;
    tr__mutex_lock(&foreign_lock);
    rc = is_open ? tr__runtime_check() : TR_ESHUTDOWN;
    if (rc == 0)
        rc = choose(options, tr__runtime_entry(), &foreign_spread);
    if (rc >= 0)
        rc = send_start(&foreign_slots, out, cls, start, options->name, (uint32_t)rc);
    else
        tr__free(start);
    tr__mutex_unlock(&foreign_lock);
    return rc;
}

/* ---- waiting for a start ---- */

/* A foreign thread blocks. */
typedef struct blocked_starter {
    starter starter;
    tr__handover handover;
} blocked_starter;

static void complete_blocked(starter *waiting, int result)
{
    tr__handover_complete(&TR__CONTAINER_OF(waiting, blocked_starter, starter)->handover, result);
}

static int spawn_foreign_and_wait(tr_pid *out, const tr_actor_class *cls, const void *args,
                                  const tr_spawn_options *options)
{
    blocked_starter b = { .starter = { complete_blocked } };
    tr_pid pid; /* nobody is to see it before init has succeeded */
    int rc;

    tr__handover_init(&b.handover);
    rc = spawn_foreign(&pid, cls, args, options, &b.starter);
    if (rc < 0) {
        tr__gate_fini(&b.handover.gate);
        return rc;
    }
    rc = tr__handover_await(&b.handover);
    if (rc == 0)
        *out = pid;
    return rc;
}

/* A task awaits; init has run when it goes on, so that can't be interrupted. */
typedef struct awaiting_starter {
    starter starter;
    tr__runnable back; /* posted to the task's loop */
    tr__wait wait;
    uint16_t loop;
    int result;
} awaiting_starter;

static uint32_t run_back(tr__runnable *runnable, tr__loop *loop)
{
    awaiting_starter *a = TR__CONTAINER_OF(runnable, awaiting_starter, back);

    (void)loop;
    tr__wait_end(&a->wait, a->result);
    return 1;
}

static void complete_awaiting(starter *waiting, int result)
{
    awaiting_starter *a = TR__CONTAINER_OF(waiting, awaiting_starter, starter);

    a->result = result;
    (void)tr__loop_post(a->loop, &a->back); /* it does not quit before its tasks have ended */
}

static void describe(const tr__wait *wait, tr__awaited *awaited)
{
    (void)wait;
    awaited->what = "the init of an actor";
}

static const tr__wait_kind start_kind = { NULL, describe };

static int spawn_elsewhere(tr__home *home, tr_pid *out, const tr_actor_class *cls, const void *args,
                           const char *name, uint32_t target)
{
    awaiting_starter a = {
        .starter = { complete_awaiting },
        .back = { .run = run_back },
        .wait = { .task = tr__task_here(), .kind = &start_kind },
        .loop = (uint16_t)home->loop.number,
    };
    tr_pid pid; /* nobody is to see it before init has succeeded */
    int rc = tr__task_checkpoint(a.wait.task);
    tr__start *start = rc == 0 ? start_new(cls, args, &a.starter) : NULL;

    if (start == NULL)
        return rc < 0 ? rc : TR_ENOMEM;
    rc = send_start(&home->slots, &pid, cls, start, name, target);
    if (rc == 0)
        rc = tr__wait_suspend(&a.wait);
    if (rc == 0)
        *out = pid;
    return rc;
}

/* ---- the public calls ---- */

/* What both ways of spawning check first. */
static int check_spawn(tr_pid *out, const tr_actor_class *cls, size_t cls_size,
                       tr_spawn_options *read, const tr_spawn_options *options, size_t options_size)
{
    const tr__home *home = tr__home_here();

    if (out == NULL)
        return TR_EINVAL;
    *out = TR_PID_NONE;
    if (!is_valid_class(cls, cls_size))
        return TR_EINVAL;
    if (home != NULL && tr__runtime_phase() != TR__PHASE_RUN)
        return TR_ESHUTDOWN;
    return read_options(read, options, options_size);
}

int tr_spawn_sized(tr_pid *out, const tr_actor_class *cls, size_t cls_size, const void *args,
                   const tr_spawn_options *options, size_t options_size)
{
    tr__home *home = tr__home_here();
    tr_spawn_options read;
    int rc = check_spawn(out, cls, cls_size, &read, options, options_size);

    if (rc < 0)
        return rc;
    if (home == NULL)
        return spawn_foreign_and_wait(out, cls, args, &read);
    /* The next loop in turn may be another one: refused always, not only sometimes. */
    if (tr__task_here() == NULL && read.on == TR_LOOP_ANY && read.place == TR_PLACE_SPREAD)
        return TR_EWRONGPLACE;
    rc = choose(&read, home->loop.number - 1, &home->next_spread);
    if (rc < 0)
        return rc;
    if ((uint32_t)rc == home->loop.number - 1)
        return spawn_here(home, out, cls, args, read.name);
    return tr__task_here() != NULL ? spawn_elsewhere(home, out, cls, args, read.name, (uint32_t)rc)
                                   : TR_EWRONGPLACE;
}

static int spawn_async_here(tr__home *home, tr_pid *out, const tr_actor_class *cls,
                            const void *args, const tr_spawn_options *options)
{
    int target = choose(options, home->loop.number - 1, &home->next_spread);
    tr__start *start = target >= 0 ? start_new(cls, args, NULL) : NULL;

    if (target < 0)
        return target;
    if (start == NULL)
        return TR_ENOMEM;
    return send_start(&home->slots, out, cls, start, options->name, (uint32_t)target);
}

int tr_spawn_async_sized(tr_pid *out, const tr_actor_class *cls, size_t cls_size, const void *args,
                         const tr_spawn_options *options, size_t options_size)
{
    tr__home *home = tr__home_here();
    tr_spawn_options read;
    int rc = check_spawn(out, cls, cls_size, &read, options, options_size);

    if (rc < 0)
        return rc;
    if (args != NULL && cls->args_size == 0)
        return TR_EINVAL;
    return home != NULL ? spawn_async_here(home, out, cls, args, &read)
                        : spawn_foreign(out, cls, args, &read, NULL);
}
