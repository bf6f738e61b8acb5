/* What all targets share. */
#include "fuzz/fuzz.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runtime/stack_guard.h"
#include "sim/world.h"

bool fuzz_is_loud;
fuzz_run fuzz_now;

/* ---- the input ---- */

uint8_t fuzz_byte(fuzz_input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

uint32_t fuzz_word(fuzz_input *in)
{
    uint32_t low = fuzz_byte(in);

    return low | (uint32_t)fuzz_byte(in) << 8;
}

void fuzz_read_scripts(fuzz_input *in, fuzz_script scripts[FUZZ_SCRIPTS])
{
    for (int i = 0; i < FUZZ_SCRIPTS; i++)
        scripts[i].count = scripts[i].done = 0;
    for (int i = 0; i < FUZZ_OPS && in->left > 0; i++) {
        fuzz_script *script = &scripts[fuzz_byte(in) % FUZZ_SCRIPTS];
        fuzz_op *op = &script->ops[script->count++];

        op->code = fuzz_byte(in);
        op->a = fuzz_byte(in);
        op->b = fuzz_byte(in);
    }
}

const fuzz_op *fuzz_next(fuzz_script *script)
{
    return script->done < script->count ? &script->ops[script->done++] : NULL;
}

/* ---- what must hold ---- */

void fuzz_failed(const char *file, int line, const char *what, int number, int rc)
{
    (void)fprintf(stderr, "%s:%d: at %.6f s this must hold, and does not: %s", file, line,
                  fuzz_time(), what);
    if (number >= 0)
        (void)fprintf(stderr, " (number %d, %d: %s)", number, rc, tr_err_name(rc));
    (void)fputc('\n', stderr);
    abort();
}

void fuzz_tell(const char *format, ...)
{
    va_list arguments;

    (void)fprintf(stderr, "%12.6f s  ", fuzz_time());
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
}

double fuzz_time(void)
{
    return tr__sim.is_on ? tr__sim_seconds(tr__sim_peek_ns()) : 0;
}

bool fuzz_is_want(int rc)
{
    return fuzz_now.faults && (rc == TR_ENOMEM || rc == TR_EAGAIN || rc == -EMFILE);
}

/* ---- running ---- */

static void (*program_now)(fuzz_input *in);

static void run_program(void *arg)
{
    program_now(arg);
}

/* Steps between two preemptions: how the threads of the program interleave. */
static double preemption_of(uint8_t choice)
{
    static const double chances[] = { 0, -1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001 };

    return chances[choice % (sizeof(chances) / sizeof(chances[0]))];
}

void fuzz_simulate(fuzz_input *in, void (*program)(fuzz_input *in), bool has_faults)
{
    uint8_t how = fuzz_byte(in);
    tr_sim_options options = {
        .seed = 1 + fuzz_word(in),
        .preempt = preemption_of(how >> 4),
        .late = (how & 4) ? 0.1 : 0,
        .stall = (how & 8) ? 0.02 : 0,
        .time_limit = 7200,
        .step_limit = 20 * 1000 * 1000, /* what an input should never take */
    };
    tr_sim_figures figures;

    if (has_faults)
        options.fail_at = 1 + fuzz_word(in);
    fuzz_now = (fuzz_run){ .loops = 1 + how % 4 % 3, .stalls = how & 8, .faults = has_faults };
    program_now = program;
    EXPECT(tr_sim_run(run_program, in, &options, &figures) == 0);
    fuzz_now.trace = figures.trace;
}

static void log_line(void *unused, tr_log_level level, const char *line)
{
    (void)unused;
    (void)level;
    TELL("log: %s", line);
}

/* What is done once in a process is done before the first input: types get their numbers, and a
 * warning is given about guards for which there is no memory. So that an input does the same as the
 * first of a process, or as the last. */
static void warm_up(void)
{
    uint8_t data[256];
    uint32_t x = 1;

    (void)tr__guard_install(NULL, 4096); /* where nothing is: it gives the warning */
    for (int i = 0; i < 4; i++) {
        fuzz_input in = { data, sizeof(data) };

        for (size_t at = 0; at < sizeof(data); at++) {
            x = x * 1664525 + 1013904223; /* Numerical Recipes' generator */
            data[at] = (uint8_t)(x >> 24);
        }
        fuzz_target(&in);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_warm;
    fuzz_input in = { data, size };

    if (!is_warm) {
        is_warm = true;
        tr_log_set(log_line, NULL);
        warm_up();
        fuzz_is_loud = getenv("TROUPE_FUZZ_TELL") != NULL;
    }
    fuzz_target(&in);
    return 0;
}
