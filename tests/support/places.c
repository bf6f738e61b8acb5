/* Every place that code of a program runs in. */
#include "support/places.h"

#include <pthread.h>

typedef struct place_call {
    void (*fn)(void *arg);
    void *arg;
} place_call;

static void *run_thread(void *arg)
{
    const place_call *call = arg;

    call->fn(call->arg);
    return NULL;
}

static int run_task(void *arg)
{
    (void)run_thread(arg);
    return 0;
}

static int run_handler(tr_self *self, void *arg)
{
    (void)self;
    (void)run_thread(arg);
    return 0;
}

static void in_thread(place_call *call)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, run_thread, call), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

static void in_handler(int loop, place_call *call)
{
    tr_pid puppet = kit_puppet(loop);

    kit_in_handler(puppet, run_handler, call);
    ck_assert_int_eq(tr_stop(puppet), 0);
}

bool kit_is_on_loop(kit_place place)
{
    return place >= KIT_CALLBACK_0;
}

void kit_in_place(kit_place place, void (*fn)(void *arg), void *arg)
{
    place_call call = { fn, arg };

    switch (place) {
    case KIT_THREAD:
        in_thread(&call);
        break;
    case KIT_CALLBACK_0:
    case KIT_CALLBACK_1:
        kit_on_loop(place - KIT_CALLBACK_0, fn, arg);
        break;
    case KIT_TASK_0:
    case KIT_TASK_1:
        ck_assert_int_eq(kit_in_task(place - KIT_TASK_0, run_task, &call), 0);
        break;
    case KIT_HANDLER_0:
    case KIT_HANDLER_1:
        in_handler(place - KIT_HANDLER_0, &call);
        break;
    default:
        fn(arg);
    }
}
