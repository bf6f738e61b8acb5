/* Actors that do what they are told, dead letters that can be read, and counters. */
#include "support/actors.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/atomic.h"

/* ---- counting ---- */

void kit_count(uint32_t *counter)
{
    /* ordered: what was done before is visible to who reads the figure. */
    (void)tr__add_ordered_u32(counter, 1);
}

uint32_t kit_counted(const uint32_t *counter)
{
    return tr__load_acquire_u32(counter); /* acquire: pairs with kit_count */
}

/* ---- actors that do what they are told ---- */

int kit_act_or_unhandled(tr_self *self, void *state, tr_msg *msg)
{
    const struct kit_act *act = tr_as(msg, kit_act);

    (void)state;
    return act != NULL ? act->fn(self, act->arg) : TR_UNHANDLED;
}

int kit_ignore(tr_self *self, void *state, tr_msg *msg)
{
    (void)self;
    (void)state;
    (void)msg;
    return 0;
}

const tr_actor_class kit_ignoring_class = { .name = "ignoring", .receive = kit_ignore };

int kit_never(tr_self *self, void *state, tr_msg *msg)
{
    (void)self;
    (void)state;
    ck_abort_msg("received %s", tr_msg_name(msg));
    return 0;
}

/* Written by several loops. */
static uint32_t stops;
static uint32_t stop_reason;

void kit_note_stop(tr_self *self, void *state, int reason)
{
    (void)self;
    (void)state;
    /* relaxed: published by the count. */
    tr__store_relaxed_u32(&stop_reason, (uint32_t)reason);
    kit_count(&stops);
}

uint32_t kit_stops(void)
{
    return kit_counted(&stops);
}

int kit_stop_reason(void)
{
    /* relaxed: whoever asks has seen the count, or the end of the actor. */
    return (int)tr__load_relaxed_u32(&stop_reason);
}

const tr_actor_class kit_act_class = { .name = "actor", .receive = kit_act_or_unhandled };

tr_pid kit_spawn(const tr_actor_class *cls, const void *args, int loop)
{
    tr_pid pid;

    ck_assert_int_eq(tr_spawn_with(&pid, cls, args, &(tr_spawn_options){ .on = TR_LOOP(loop) }), 0);
    return pid;
}

tr_pid kit_actor(int loop)
{
    return kit_spawn(&kit_act_class, NULL, loop);
}

void kit_tell(tr_pid pid, kit_act_fn fn, void *arg)
{
    ck_assert_int_eq(tr_send(pid, kit_act, .fn = fn, .arg = arg), 0);
}

typedef struct act_call {
    kit_act_fn fn;
    void *arg;
    int result;
    bool done;
    pthread_mutex_t lock;
    pthread_cond_t changed;
} act_call;

static int run_act(tr_self *self, void *arg)
{
    act_call *call = arg;
    int result = call->fn(self, call->arg);

    pthread_mutex_lock(&call->lock);
    call->result = result;
    call->done = true;
    pthread_cond_signal(&call->changed);
    pthread_mutex_unlock(&call->lock);
    return result;
}

int kit_do(tr_pid pid, kit_act_fn fn, void *arg)
{
    act_call call = { .fn = fn, .arg = arg };

    pthread_mutex_init(&call.lock, NULL);
    pthread_cond_init(&call.changed, NULL);
    kit_tell(pid, run_act, &call);
    pthread_mutex_lock(&call.lock);
    while (!call.done)
        pthread_cond_wait(&call.changed, &call.lock);
    pthread_mutex_unlock(&call.lock);
    pthread_cond_destroy(&call.changed);
    pthread_mutex_destroy(&call.lock);
    return call.result;
}

void kit_stop_actor(tr_pid pid, int loop)
{
    ck_assert_int_eq(tr_stop(pid), 0);
    kit_settle(loop);
}

/* ---- collectors ---- */

enum { SEEN_MAX = 65536 };

static pthread_mutex_t seen_lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t seen[SEEN_MAX];
static int seen_count;

static int see(int64_t a)
{
    pthread_mutex_lock(&seen_lock);
    if (seen_count < SEEN_MAX)
        seen[seen_count] = a;
    seen_count++;
    pthread_mutex_unlock(&seen_lock);
    return 0;
}

int kit_collect(tr_self *self, void *state, tr_msg *msg)
{
    const struct kit_value *value = tr_as(msg, kit_value);
    const struct kit_owned *owned = tr_as(msg, kit_owned);
    const struct kit_owned_large *large = tr_as(msg, kit_owned_large);

    if (value != NULL)
        return see(value->a);
    if (owned != NULL)
        return see(owned->a);
    return large != NULL ? see(large->a) : kit_act_or_unhandled(self, state, msg);
}

const tr_actor_class kit_collector_class = { .name = "collector", .receive = kit_collect };

int kit_seen_count(void)
{
    int count;

    pthread_mutex_lock(&seen_lock);
    count = seen_count;
    pthread_mutex_unlock(&seen_lock);
    return count;
}

int64_t kit_seen(int index)
{
    int64_t a;

    ck_assert_int_lt(index, kit_seen_count());
    pthread_mutex_lock(&seen_lock);
    a = seen[index];
    pthread_mutex_unlock(&seen_lock);
    return a;
}

/* ---- relays ---- */

static int relay_init(tr_self *self, void *state, const void *args)
{
    (void)self;
    *(tr_pid *)state = *(const tr_pid *)args;
    return 0;
}

static int relay_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct kit_value *value = tr_as(msg, kit_value);
    const tr_pid *to = state;

    (void)self;
    return value != NULL ? tr_send(*to, kit_value, .a = value->a, .b = value->b) : TR_UNHANDLED;
}

const tr_actor_class kit_relay_class = {
    .name = "relay",
    .state_size = sizeof(tr_pid),
    .args_size = sizeof(tr_pid),
    .init = relay_init,
    .receive = relay_receive,
};

static int forward_receive(tr_self *self, void *state, tr_msg *msg)
{
    (void)self;
    (void)tr_forward(msg, *(const tr_pid *)state);
    return 0;
}

const tr_actor_class kit_forwarder_class = {
    .name = "forwarder",
    .state_size = sizeof(tr_pid),
    .args_size = sizeof(tr_pid),
    .receive = forward_receive,
};

/* ---- messages that own ---- */

void kit_owned_drop(struct kit_owned *payload)
{
    kit_count(payload->drops);
}

void kit_owned_large_drop(struct kit_owned_large *payload)
{
    kit_count(payload->drops);
}

/* ---- dead letters ---- */

enum { LETTERS_MAX = 4096 };

static pthread_mutex_t letters_lock = PTHREAD_MUTEX_INITIALIZER;
static int letter_reasons[LETTERS_MAX];
static int letter_count;
static kit_letter latest;

static int64_t value_of(const tr_msg *msg)
{
    const struct kit_value *value = tr_as(msg, kit_value);
    const struct kit_owned *owned = tr_as(msg, kit_owned);
    const struct kit_owned_large *large = tr_as(msg, kit_owned_large);

    if (value != NULL)
        return value->a;
    if (owned != NULL)
        return owned->a;
    return large != NULL ? large->a : 0;
}

static void keep_letter(void *ctx, const tr_dead_letter *letter)
{
    (void)ctx;
    pthread_mutex_lock(&letters_lock);
    latest = (kit_letter){ .to = letter->to, .from = letter->from, .reason = letter->reason };
    (void)snprintf(latest.type, sizeof(latest.type), "%s", letter->type);
    latest.has_msg = letter->msg != NULL;
    if (letter->msg != NULL)
        latest.value = value_of(letter->msg);
    if (letter_count < LETTERS_MAX)
        letter_reasons[letter_count] = letter->reason;
    letter_count++;
    pthread_mutex_unlock(&letters_lock);
}

void kit_watch_dead_letters(void)
{
    ck_assert_int_eq(tr_on_dead_letter(keep_letter, NULL), 0);
}

int kit_dead(int reason)
{
    int count = 0;

    pthread_mutex_lock(&letters_lock);
    for (int i = 0; i < letter_count && i < LETTERS_MAX; i++)
        count += reason == 0 || letter_reasons[i] == reason;
    pthread_mutex_unlock(&letters_lock);
    return count;
}

kit_letter kit_last_letter(void)
{
    kit_letter letter;

    pthread_mutex_lock(&letters_lock);
    letter = latest;
    pthread_mutex_unlock(&letters_lock);
    return letter;
}
