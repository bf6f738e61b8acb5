/* What tests of actors share: actors that do what they are told, dead letters that can be read, and
 * messages that tell how often they were dropped. */
#ifndef TR_TESTS_ACTORS_H
#define TR_TESTS_ACTORS_H

#include "support/kit.h"

/* ---- counting across threads ---- */

void kit_count(uint32_t *counter);
uint32_t kit_counted(const uint32_t *counter);

/* ---- actors that do what they are told ---- */

/* Something to do in a handler; its result is the handler's. */
typedef int (*kit_act_fn)(tr_self *self, void *arg);

TR_MESSAGE(kit_act)
{
    kit_act_fn fn;
    void *arg;
};

/* Handles kit_act only; everything else is unhandled. */
extern const tr_actor_class kit_act_class;
/* What a receive function does with a kit_act: TR_UNHANDLED for another message. */
int kit_act_or_unhandled(tr_self *self, void *state, tr_msg *msg);

/* A receive function that does nothing with what comes, and a class with it. */
int kit_ignore(tr_self *self, void *state, tr_msg *msg);
extern const tr_actor_class kit_ignoring_class;

/* Another one, which nothing may come to. */
int kit_never(tr_self *self, void *state, tr_msg *msg);

/* A stop function: counts itself and keeps the reason. */
void kit_note_stop(tr_self *self, void *state, int reason);
uint32_t kit_stops(void);
int kit_stop_reason(void); /* the latest */

tr_pid kit_spawn(const tr_actor_class *cls, const void *args, int loop);
tr_pid kit_actor(int loop);
/* Let an actor that knows kit_act do something; kit_do waits until fn has returned, and returns
 * what it returned. */
void kit_tell(tr_pid pid, kit_act_fn fn, void *arg);
int kit_do(tr_pid pid, kit_act_fn fn, void *arg);
/* Stop it, and wait until it is gone. */
void kit_stop_actor(tr_pid pid, int loop);

/* ---- collectors ---- */

/* A receive function: keeps the a of each kit_value and owned message, in order, for kit_seen; does
 * each kit_act; nothing else is known. */
int kit_collect(tr_self *self, void *state, tr_msg *msg);
extern const tr_actor_class kit_collector_class;
/* What all collectors of this process have seen so far. */
int kit_seen_count(void);
int64_t kit_seen(int index);

/* ---- relays ---- */

/* Sends each kit_value on to the inbox (or actor) that its argument, a tr_pid, names. */
extern const tr_actor_class kit_relay_class;
/* Forwards whatever comes there; it does not mind if nobody is there any more. */
extern const tr_actor_class kit_forwarder_class;

/* ---- dead letters ---- */

typedef struct kit_letter {
    tr_pid to;
    tr_pid from;
    int reason;
    char type[64];
    bool has_msg;
    int64_t value; /* of a kit_value or an owned one */
} kit_letter;

/* Before kit_start. */
void kit_watch_dead_letters(void);
/* How many there were; reason 0: of any. */
int kit_dead(int reason);
/* The latest. */
kit_letter kit_last_letter(void);

/* ---- messages that own ---- */

TR_MESSAGE_OWNING(kit_owned, kit_owned_drop)
{
    int64_t a;
    uint32_t *drops;
};
TR_MESSAGE_OWNING(kit_owned_large, kit_owned_large_drop)
{
    int64_t a;
    uint32_t *drops;
    char text[200];
};

/* ---- types that another file declares, too ---- */

/* A type known by its own name there, and here by the test's. */
TR_MESSAGE(kit_shared)
{
    int64_t a;
};
TR_REQUEST(kit_ask, kit_value)
{
    int64_t a;
};

int elsewhere_send_shared(tr_pid to, int64_t a);
int elsewhere_send_private(tr_pid to, int64_t a);
int elsewhere_send_named(tr_pid to, int64_t a);
int elsewhere_send_named_larger(tr_pid to, int64_t a);

#endif
