/* Every place that code of a program runs in: for what must work from all of them. */
#ifndef TR_TESTS_PLACES_H
#define TR_TESTS_PLACES_H

#include "support/kit.h"

typedef enum kit_place {
    KIT_HERE,   /* the thread of the test */
    KIT_THREAD, /* another foreign thread */
    KIT_CALLBACK_0,
    KIT_CALLBACK_1,
    KIT_TASK_0,
    KIT_TASK_1,
    KIT_HANDLER_0,
    KIT_HANDLER_1,
    KIT_PLACES
} kit_place;

/* Call fn(arg) there, and wait until it has returned. The runtime has two loops or more. */
void kit_in_place(kit_place place, void (*fn)(void *arg), void *arg);
bool kit_is_on_loop(kit_place place);

#endif
