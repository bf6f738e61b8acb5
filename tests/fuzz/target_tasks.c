/* Target tasks: tasks, scopes, deadlines, futures, and jobs. */
#include "fuzz/fuzz.h"

void fuzz_target(fuzz_input *in)
{
    fuzz_simulate(in, tasks_program, false);
}
