/* Target actors: actors spawn, send, ask, stop, and start timers; inboxes. */
#include "fuzz/fuzz.h"

void fuzz_target(fuzz_input *in)
{
    fuzz_simulate(in, actors_program, false);
}
