/* ping_pong: two actors throw a ball to and fro while the main thread waits.
 *
 * The smallest whole program. An actor is a plain function that gets its messages one at a time,
 * on one loop, so its state needs no lock. A message is a plain struct, copied as it is sent; who
 * is to answer travels along as a pid (Erlang's `{ball, self(), Left}`; in Go, a channel sent
 * through a channel). The main thread belongs to no loop, so it may block: it waits on an inbox,
 * a mailbox with a pid of its own, which the actors can't tell from an actor.
 *
 *   Build:   cc ping_pong.c $(pkg-config --cflags --libs troupe)
 *   Run:     ./a.out [ROUNDS]
 *   Prints:  100000 rounds played */
#include <stdio.h>
#include <stdlib.h>
#include <troupe.h>

TR_MESSAGE(ball)
{
    tr_pid thrower;
    unsigned throws_left;
};
TR_NOTICE(game_over);

typedef struct {
    tr_pid referee;
} player;

static int player_init(tr_self *self, void *state, const void *args)
{
    (void)self;
    *(player *)state = *(const player *)args;
    return 0;
}

static int player_receive(tr_self *self, void *state, tr_msg *msg)
{
    const player *me = state;
    const struct ball *b = tr_as(msg, ball);

    if (!b)
        return TR_UNHANDLED;
    if (b->throws_left == 0)
        return tr_send(me->referee, game_over);
    return tr_send(b->thrower, ball, .thrower = tr_self_pid(self),
                   .throws_left = b->throws_left - 1);
}

static const tr_actor_class player_class = {
    .name = "player",
    .state_size = sizeof(player),
    .args_size = sizeof(player),
    .init = player_init,
    .receive = player_receive,
};

static void check(int rc, const char *what)
{
    if (rc < 0) {
        fprintf(stderr, "ping_pong: %s: %s\n", what, tr_strerror(rc));
        exit(EXIT_FAILURE);
    }
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 100000;
    tr_inbox *inbox = NULL;
    tr_pid ping, pong;
    tr_msg *msg = NULL;

    check(tr_start(NULL), "tr_start");
    check(tr_inbox_new(&inbox, 0), "tr_inbox_new");
    check(tr_spawn(&ping, &player_class, &(player){ tr_inbox_pid(inbox) }), "tr_spawn");
    check(tr_spawn(&pong, &player_class, &(player){ tr_inbox_pid(inbox) }), "tr_spawn");

    check(tr_send(ping, ball, .thrower = pong, .throws_left = 2 * rounds), "tr_send");
    check(tr_inbox_receive(inbox, &msg, TR_FOREVER), "tr_inbox_receive");
    if (tr_is(msg, game_over))
        printf("%u rounds played\n", rounds);

    tr_inbox_free(inbox);
    check(tr_shutdown(0), "tr_shutdown");
    return EXIT_SUCCESS;
}
