/* Target faults: actors, or tasks, with one call that fails. */
#include "fuzz/fuzz.h"

void fuzz_target(fuzz_input *in)
{
    fuzz_simulate(in, fuzz_byte(in) % 2 ? tasks_program : actors_program, true);
}
