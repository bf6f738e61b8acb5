/* until_signal: a service that runs until Ctrl-C, and then ends in good order.
 *
 * What every server has around its actors:
 *   - signals: tr_on_signal calls a function on loop 0, not in a signal handler, so it may do what
 *     any handler may, and needs no async-signal-safe tricks (asyncio: loop.add_signal_handler; Go:
 *     signal.Notify). Here it tells the main thread, which waits for news of all kinds in its
 *     inbox. A second Ctrl-C does what it always does: it ends a program that does not end itself;
 *   - a log of its own: troupe's lines, such as that of the actor that fails here, go to the hook;
 *   - something that happens again and again: a sensor that reads its device every 10 ms;
 *   - somebody who starts it again when it has failed (Erlang: a supervisor), here the main thread;
 *   - an orderly end: tr_shutdown lets each actor's stop function run. It ends them all at once,
 *     and the inbox, too: so an actor whose last words are wanted is stopped before, and heard.
 *
 *   Build:   cc until_signal.c $(pkg-config --cflags --libs troupe)
 *   Prints:  running with troupe 0.1.0: Ctrl-C ends it
 *            the sensor ended after 3 readings: TR_ETIMEDOUT
 *            another sensor runs
 *            (now press Ctrl-C)
 *            Interrupt: shutting down
 *            the sensor ended in good order: TR_ESTOPPED
 *   Log:     <4>until_signal: actor <2.1> (sensor) failed: the time limit has passed (...) */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe.h>

TR_NOTICE(reading_due);
TR_MESSAGE(sensor_ended)
{
    int reason;
    unsigned readings;
};
TR_MESSAGE(interrupted)
{
    int signo;
};

/* ---- the sensor ---- */

typedef struct {
    tr_pid main;
    unsigned fails_at; /* the device does not answer at this reading; 0: it always does */
    unsigned readings;
} sensor;

static int sensor_init(tr_self *self, void *state, const void *args)
{
    *(sensor *)state = *(const sensor *)args;
    return tr_send_every(self, 0.01, 0, reading_due); /* until the sensor ends */
}

static int sensor_receive(tr_self *self, void *state, tr_msg *msg)
{
    sensor *s = state;

    (void)self;
    if (!tr_is(msg, reading_due))
        return TR_UNHANDLED;
    s->readings++;
    return s->readings == s->fails_at ? TR_ETIMEDOUT : 0; /* an error ends the actor */
}

static void sensor_stop(tr_self *self, void *state, int reason)
{
    const sensor *s = state;

    (void)self;
    (void)tr_send(s->main, sensor_ended, .reason = reason,
                  .readings = s->readings); /* a failure would be a dead letter */
}

static const tr_actor_class sensor_class = {
    .name = "sensor",
    .state_size = sizeof(sensor),
    .args_size = sizeof(sensor),
    .init = sensor_init,
    .receive = sensor_receive,
    .stop = sensor_stop,
};

/* ---- what surrounds it ---- */

/* Runs on whichever thread has something to say, one call at a time. What stderr gets from a
 * service, systemd reads, and <4> is how it is told that this is a warning. */
static void write_log(void *ctx, tr_log_level level, const char *line)
{
    static const int syslog_level[] = {
        [TR_LOG_ERROR] = 3, [TR_LOG_WARN] = 4, [TR_LOG_INFO] = 6, [TR_LOG_DEBUG] = 7
    };
    const char *program = ctx;

    if (level <= TR_LOG_INFO)
        fprintf(stderr, "<%d>%s: %s\n", syslog_level[level], program, line);
}

/* Runs on loop 0, like a handler. */
static void on_interrupt(void *arg, int signo)
{
    const tr_pid *main_pid = arg;

    (void)tr_send(*main_pid, interrupted, .signo = signo); /* if it fails: press it again, for */
    (void)tr_on_signal(signo, NULL, NULL);                 /* it does what it did before */
}

static void check(int rc, const char *what)
{
    if (rc < 0) {
        fprintf(stderr, "<3>until_signal: %s: %s (%s)\n", what, tr_strerror(rc), tr_err_name(rc));
        exit(EXIT_FAILURE);
    }
}

static tr_pid start_sensor(tr_pid main_pid, unsigned fails_at)
{
    tr_pid pid;

    check(tr_spawn(&pid, &sensor_class, &(sensor){ .main = main_pid, .fails_at = fails_at }),
          "tr_spawn");
    return pid;
}

/* Until a signal comes; its number. */
static int serve(tr_inbox *inbox, tr_pid *running)
{
    for (;;) {
        tr_msg *msg = NULL;
        const struct sensor_ended *ended;
        const struct interrupted *i;

        check(tr_inbox_receive(inbox, &msg, TR_FOREVER), "tr_inbox_receive");
        if ((i = tr_as(msg, interrupted)))
            return i->signo;
        if ((ended = tr_as(msg, sensor_ended))) {
            printf("the sensor ended after %u readings: %s\n", ended->readings,
                   tr_err_name(ended->reason));
            *running = start_sensor(tr_inbox_pid(inbox), 0);
            printf("another sensor runs\n");
        }
    }
}

static void stop_sensor(tr_inbox *inbox, tr_pid running)
{
    const struct sensor_ended *ended = NULL;
    tr_msg *msg = NULL;

    check(tr_stop(running), "tr_stop");
    while (!ended) { /* a signal of the other kind may come meanwhile: it changes nothing */
        check(tr_inbox_receive(inbox, &msg, 5.0), "tr_inbox_receive");
        ended = tr_as(msg, sensor_ended);
    }
    printf("the sensor ended in good order: %s\n", tr_err_name(ended->reason));
}

int main(void)
{
    static char program[] = "until_signal";
    tr_inbox *inbox = NULL;
    tr_pid me, running;

    (void)setvbuf(stdout, NULL, _IOLBF, 0); /* a line at a time also into a file; else, later */
    tr_log_set(write_log, program);         /* before tr_start, so that nothing is missed */
    check(tr_start(NULL), "tr_start");
    check(tr_inbox_new(&inbox, 0), "tr_inbox_new");
    me = tr_inbox_pid(inbox);
    check(tr_on_signal(SIGINT, on_interrupt, &me), "tr_on_signal");
    check(tr_on_signal(SIGTERM, on_interrupt, &me), "tr_on_signal"); /* what systemd sends */
    printf("running with troupe %s: Ctrl-C ends it\n", tr_version());

    running = start_sensor(me, 3);
    printf("%s: shutting down\n", strsignal(serve(inbox, &running)));
    stop_sensor(inbox, running);
    tr_inbox_free(inbox);
    check(tr_shutdown(5.0), "tr_shutdown"); /* what takes longer is named in the log */
    return EXIT_SUCCESS;
}
