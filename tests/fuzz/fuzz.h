/* Fuzzing: an input is a program for the library, and a seed for the simulation that it runs in.
 *
 * A target (target_*.c) reads the input, runs what it says, and checks what came of it against a
 * model; what must hold and does not ends the process. The same input does the same each time, bit
 * for bit, so an input that fails is the whole report. ./dev fuzz runs the targets under libFuzzer
 * or AFL++; main.c runs files, and the corpus as a test. */
#ifndef TR_TESTS_FUZZ_H
#define TR_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <troupe.h>
#include <troupe/sim.h>

/* ---- the input ---- */

typedef struct fuzz_input {
    const uint8_t *at;
    size_t left;
} fuzz_input;

/* The next byte; 0 behind the end. */
uint8_t fuzz_byte(fuzz_input *in);
/* Two bytes. */
uint32_t fuzz_word(fuzz_input *in);

/* A step of a program: what one participant does. */
typedef struct fuzz_op {
    uint8_t code;
    uint8_t a;
    uint8_t b;
} fuzz_op;

enum { FUZZ_SCRIPTS = 8, FUZZ_OPS = 96 };

/* A program: for each participant, what it does, in order. */
typedef struct fuzz_script {
    fuzz_op ops[FUZZ_OPS];
    size_t count;
    size_t done;
} fuzz_script;

/* Read all that is left: four bytes an op, of which the first says whose it is. */
void fuzz_read_scripts(fuzz_input *in, fuzz_script scripts[FUZZ_SCRIPTS]);
/* The next op; NULL: there is none left. */
const fuzz_op *fuzz_next(fuzz_script *script);

/* ---- what must hold ---- */

#define EXPECT(x) ((x) ? (void)0 : fuzz_failed(__FILE__, __LINE__, #x, -1, 0))
/* The same about one of the model's things, with a code. */
#define EXPECT_OF(number, rc, x) ((x) ? (void)0 : fuzz_failed(__FILE__, __LINE__, #x, number, rc))
_Noreturn void fuzz_failed(const char *file, int line, const char *what, int number, int rc);

/* Say what is done, when that is wished for. */
extern bool fuzz_is_loud;
#define TELL(...) (fuzz_is_loud ? fuzz_tell(__VA_ARGS__) : (void)0)
void fuzz_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The virtual time. No other thread goes on meanwhile, unlike with tr_sim_now: so what is watched
 * does not depend on who watches, and the model changes in one piece. */
double fuzz_time(void);

/* ---- running ---- */

/* What an input says about the run itself. */
typedef struct fuzz_run {
    int loops;
    bool stalls; /* threads stand still, so nothing can be said about times */
    bool faults; /* one call may fail */
    uint64_t trace;
} fuzz_run;

/* Of the program that runs. */
extern fuzz_run fuzz_now;

/* Whether rc only says that a call was made to fail. */
bool fuzz_is_want(int rc);

/* Run a program in a simulation, as the first bytes of the input say; has_faults: they say which
 * call is to fail, too. */
void fuzz_simulate(fuzz_input *in, void (*program)(fuzz_input *in), bool has_faults);

/* A target: run one input. What is wrong ends the process. */
void fuzz_target(fuzz_input *in);

/* The programs that targets run in a simulation. */
void actors_program(fuzz_input *in);
void tasks_program(fuzz_input *in);

/* What fuzzers call. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
