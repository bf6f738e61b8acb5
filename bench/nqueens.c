/* nqueens: all ways to place n queens, an actor for each placement down to depth 4, which solves
 * the rest by itself. An operation is the whole search. The only workload that spreads its actors
 * over the loops: they have much to compute and nothing to tell each other but a number at the
 * end. */
#include "bench.h"

#include <stdlib.h>

enum { ACTOR_DEPTH = 4, MIN_QUEENS = 4, MAX_QUEENS = 16 };

static const int64_t solutions[MAX_QUEENS + 1] = {
    [4] = 2,       [5] = 10,       [6] = 4,         [7] = 40,     [8] = 92,
    [9] = 352,     [10] = 724,     [11] = 2680,     [12] = 14200, [13] = 73712,
    [14] = 365596, [15] = 2279184, [16] = 14772512,
};

/* Sets of columns, one bit each: taken, and threatened in this row by diagonals to the left and to
 * the right. */
typedef struct board {
    uint32_t all;
    uint32_t columns;
    uint32_t left;
    uint32_t right;
} board;

typedef struct queens_args {
    tr_pid parent;
    board board;
    int depth;
} queens_args;

typedef struct queens {
    tr_pid parent;
    int64_t sum;
    int left;
} queens;

static inline uint32_t free_columns(const board *b)
{
    return b->all & ~(b->columns | b->left | b->right);
}

static inline board place(const board *b, uint32_t bit)
{
    return (board){ b->all, b->columns | bit, (b->left | bit) << 1, (b->right | bit) >> 1 };
}

static int64_t solve(uint32_t all, uint32_t columns, uint32_t left, uint32_t right)
{
    uint32_t bit, places;
    int64_t count = 0;

    if (columns == all)
        return 1;
    for (places = all & ~(columns | left | right); places; places ^= bit) {
        bit = places & -places;
        count += solve(all, columns | bit, (left | bit) << 1, (right | bit) >> 1);
    }
    return count;
}

static int queens_init(tr_self *self, void *state, const void *args);

static int queens_receive(tr_self *self, void *state, tr_msg *msg)
{
    const struct bench_value *message = tr_as(msg, bench_value);
    queens *q = state;

    if (!message)
        return TR_UNHANDLED;
    q->sum += message->value;
    if (--q->left > 0)
        return 0;
    (void)tr_exit(self, 0); /* can't fail in a handler */
    return tr_send(q->parent, bench_value, .value = q->sum);
}

static const tr_actor_class queens_class = {
    .name = "queens",
    .state_size = sizeof(queens),
    .args_size = sizeof(queens_args),
    .init = queens_init,
    .receive = queens_receive,
};

static int queens_answer(tr_self *self, tr_pid parent, int64_t count)
{
    int rc = tr_send(parent, bench_value, .value = count);

    return rc < 0 ? rc : tr_exit(self, 0);
}

static int queens_init(tr_self *self, void *state, const void *args)
{
    const queens_args *given = args;
    const board *b = &given->board;
    tr_spawn_options spread = { .place = TR_PLACE_SPREAD };
    uint32_t bit, places = free_columns(b);
    queens *q = state;
    int rc = 0;

    if (given->depth == ACTOR_DEPTH)
        return queens_answer(self, given->parent, solve(b->all, b->columns, b->left, b->right));
    if (places == 0)
        return queens_answer(self, given->parent, 0);
    q->parent = given->parent;
    for (; places && rc >= 0; places ^= bit, q->left++) {
        queens_args child = { .parent = tr_self_pid(self), .depth = given->depth + 1 };
        tr_pid pid;

        bit = places & -places;
        child.board = place(b, bit);
        rc = tr_spawn_async(&pid, &queens_class, &child, &spread);
    }
    return rc;
}

int bench_nqueens(bench_context *context)
{
    int64_t n = context->options->n;
    queens_args args = { .parent = context->out };

    if (n < MIN_QUEENS || n > MAX_QUEENS)
        return bench_fail(context, "--n must be from %d to %d", MIN_QUEENS, MAX_QUEENS);
    args.board.all = (UINT32_C(1) << n) - 1;
    return bench_measure(context, &queens_class, &args, 1.0, solutions[n]);
}
