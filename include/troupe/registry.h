/* Actors found by name.
 *
 *     tr_spawn_with(&pid, &account_class, &args, &(tr_spawn_options){ .name = "account/17" });
 *     ...
 *     tr_send(tr_whereis("account/17"), account_deposit, .cents = 500);
 *
 * A name belongs to one living actor (or inbox) at a time, and goes with it: who was found may have
 * ended by the time a message comes, as with any pid. An actor may have several. */
#ifndef TROUPE_REGISTRY_H
#define TROUPE_REGISTRY_H

#include <troupe/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of a name, at most. */
#define TR_NAME_MOST 255

/* Give an actor a name, from now until it has ended; see also tr_spawn_options.name, by which it
 * has one from before its init on. A task awaits, and a foreign thread blocks, if it lives on
 * another loop.
 * Ownership: the name is copied.
 * Threads:   any; handlers and loop callbacks only for actors of the same loop.
 * Errors:    TR_EEXIST an actor that has not ended has it; TR_EDEAD this one has; TR_EINVAL it is
 *            empty, or longer than TR_NAME_MOST; TR_ENOMEM; TR_EWRONGPLACE; TR_ECANCELED;
 *            TR_ESHUTDOWN; TR_EFORKED. */
TR_API int tr_register(tr_pid pid, const char *name);

/* Take a name from the actor that has it.
 * Threads: as tr_register.
 * Errors:  TR_ENONAME nobody has it; else as tr_register. */
TR_API int tr_unregister(const char *name);

/* Who has a name; TR_PID_NONE if nobody does. It takes no lock on loops.
 * Threads: any; never waits. */
TR_API tr_pid tr_whereis(const char *name);

#ifdef __cplusplus
}
#endif
#endif
