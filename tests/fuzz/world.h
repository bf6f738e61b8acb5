/* A simulated world that stays: what a server needs to begin and to end takes longer than most
 * inputs. Under a fuzzer many inputs run in it, one after the other, each with dice of its own; the
 * world is ended, and with it all that it checks at its end, after some hundred of them. Without a
 * fuzzer each input has a world of its own, which ends with it.
 *
 * So that what inputs leave behind is seen soon, no more blocks of memory may be in use after each
 * than before the first, but for some that are kept for the next. */
#ifndef TR_TESTS_FUZZ_WORLD_H
#define TR_TESTS_FUZZ_WORLD_H

#include "fuzz/fuzz.h"

/* What happens in it, in a thread that is no loop's. */
typedef struct fuzz_stay {
    void (*begin)(void);
    void (*run)(fuzz_input *in);
    void (*end)(void);
    size_t memory_most; /* bytes that an input may let all of them use, beyond what they did */
} fuzz_stay;

/* Run an input, of which the first bytes are the dice: how, and a word (see fuzz_dice). */
void fuzz_run_in_world(fuzz_input *in, const fuzz_stay *stay);

/* How the network behaves from now on. */
typedef struct fuzz_network {
    bool is_slow;   /* what is sent takes a while, by the dice */
    bool is_choppy; /* what is read and written is cut, by the dice */
} fuzz_network;

void fuzz_set_network(fuzz_network network);

#endif
