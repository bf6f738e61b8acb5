/* timers: a traffic light with a button for people on foot.
 *
 * A timer sends a message to the actor that set it (Erlang: erlang:send_after, or gen_statem's
 * state timeout; asyncio: loop.call_later), so it needs no lock and never interrupts a handler. It
 * ends with its actor. A timer with a key other than 0 can be
 *   - replaced: a new one of the same key takes its place, so no phase here can end twice;
 *   - cancelled: then its message does not come any more, even if it was waiting in the mailbox.
 *
 * The light is a state machine in which each state is a receive function: tr_become(self, green)
 * says who handles the next message. What a state does not care for is TR_UNHANDLED there.
 *
 *   Build:   cc timers.c $(pkg-config --cflags --libs troupe)
 *   Prints:  (in about a second)
 *            red
 *            green
 *            button pressed: green is cut short
 *            yellow, blinking
 *            red after 4 blinks
 *            the light goes out */
#include <stdio.h>
#include <stdlib.h>
#include <troupe.h>

TR_NOTICE(switch_on);
TR_NOTICE(phase_over);
TR_NOTICE(button_pressed);
TR_NOTICE(blink);
TR_NOTICE(light_out);

enum { PHASE_KEY = 1, BLINK_KEY }; /* names of this actor's timers; 0 would be a timer without */

typedef struct {
    tr_pid watcher;
    unsigned blinks;
} light;

static int light_init(tr_self *self, void *state, const void *args)
{
    light *l = state;

    (void)self;
    l->watcher = *(const tr_pid *)args;
    return 0;
}

/* Enter a state, which is over in so many seconds. */
static int enter(tr_self *self, tr_receive_fn phase, double seconds)
{
    int rc = tr_become(self, phase);

    return rc < 0 ? rc : tr_send_after(self, seconds, PHASE_KEY, phase_over);
}

static int last_red(tr_self *self, void *state, tr_msg *msg)
{
    (void)state;
    if (!tr_is(msg, phase_over))
        return TR_UNHANDLED;
    printf("the light goes out\n");
    return tr_exit(self, 0);
}

static int yellow(tr_self *self, void *state, tr_msg *msg)
{
    light *l = state;
    int rc;

    if (tr_is(msg, blink)) {
        l->blinks++;
        return 0;
    }
    if (!tr_is(msg, phase_over))
        return TR_UNHANDLED;
    rc = tr_timer_cancel(self, BLINK_KEY); /* from here on no blink comes, not even a queued one */
    if (rc < 0)
        return rc;
    printf("red after %u blinks\n", l->blinks);
    return enter(self, last_red, 0.2);
}

static int green(tr_self *self, void *state, tr_msg *msg)
{
    int rc;

    (void)state;
    if (tr_is(msg, button_pressed)) {
        printf("button pressed: green is cut short\n");
        return tr_send_after(self, 0.1, PHASE_KEY, phase_over); /* instead of the hour */
    }
    if (!tr_is(msg, phase_over))
        return TR_UNHANDLED;
    printf("yellow, blinking\n");
    rc = tr_send_every(self, 0.05, BLINK_KEY, blink);
    return rc < 0 ? rc : enter(self, yellow, 0.225);
}

static int red(tr_self *self, void *state, tr_msg *msg)
{
    int rc;

    (void)state;
    if (!tr_is(msg, phase_over))
        return TR_UNHANDLED;
    printf("green\n");
    rc = tr_send_after(self, 0.2, 0, button_pressed); /* no key: no need to name this one */
    return rc < 0 ? rc : enter(self, green, 3600.0);
}

static int dark(tr_self *self, void *state, tr_msg *msg)
{
    (void)state;
    if (!tr_is(msg, switch_on))
        return TR_UNHANDLED;
    printf("red\n");
    return enter(self, red, 0.2);
}

/* However the light ends, whoever watches it hears of it. */
static void light_stop(tr_self *self, void *state, int reason)
{
    const light *l = state;

    (void)self;
    (void)reason;
    (void)tr_send(l->watcher, light_out); /* a failure would be a dead letter, and in the log */
}

static const tr_actor_class light_class = {
    .name = "light",
    .state_size = sizeof(light),
    .args_size = sizeof(tr_pid),
    .init = light_init,
    .receive = dark,
    .stop = light_stop,
};

static void check(int rc, const char *what)
{
    if (rc < 0) {
        fprintf(stderr, "timers: %s: %s\n", what, tr_strerror(rc));
        exit(EXIT_FAILURE);
    }
}

int main(void)
{
    tr_inbox *inbox = NULL;
    tr_pid watcher, crossing;
    tr_msg *msg = NULL;

    check(tr_start(NULL), "tr_start");
    check(tr_inbox_new(&inbox, 0), "tr_inbox_new");
    watcher = tr_inbox_pid(inbox);
    check(tr_spawn(&crossing, &light_class, &watcher), "tr_spawn");
    check(tr_send(crossing, switch_on), "tr_send");

    check(tr_inbox_receive(inbox, &msg, 10.0), "tr_inbox_receive"); /* nothing but light_out */
    tr_inbox_free(inbox);
    check(tr_shutdown(0), "tr_shutdown");
    return EXIT_SUCCESS;
}
