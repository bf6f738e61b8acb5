/* An actor's own affairs. */
#include <string.h>

#include "actors/dispatch.h"
#include "actors/home.h"

_Static_assert(sizeof(tr__more) <= TR__CLASS_MAX_BYTES, "it comes from the slab");

tr__more *tr__more_of(tr__home *home, tr_self *self)
{
    if (self->more != NULL)
        return self->more;
    self->more = tr__slab_take(&home->loop.slab, tr__class_of(sizeof(tr__more)));
    if (self->more != NULL) {
        memset(self->more, 0, sizeof(*self->more));
        tr__list_init(&self->more->timers);
        tr__list_init(&self->more->keyed);
    }
    return self->more;
}

tr_pid tr_self_pid(const tr_self *self)
{
    return self != NULL ? tr__slot_pid(self) : TR_PID_NONE;
}

int tr_become(tr_self *self, tr_receive_fn receive)
{
    tr__home *home = tr__home_of_handler(self);

    if (home == NULL)
        return TR_EWRONGPLACE;
    if (receive == NULL && self->more == NULL)
        return 0;
    if (tr__more_of(home, self) == NULL)
        return TR_ENOMEM;
    self->more->receive = receive;
    home->frame.attention |= TR__ATTENTION_TURN;
    if (!(self->word & (TR__SLOT_ENDING | TR__SLOT_STARTING)))
        tr__dispatch_choose(self);
    return 0;
}
