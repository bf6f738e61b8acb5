/* A world that stays. The simulation has a thread of its own, which waits between inputs with all
 * that is in it: for the simulation no time passes then. */
#include "fuzz/world.h"

#include <pthread.h>
#include <semaphore.h>

#include "sim/world.h"

enum {
    INPUTS_MOST = 500,
    STEPS_MOST = 20 * 1000 * 1000,
    SPARES_MOST = 64 /* blocks that loops and servers keep */
};
#define SECONDS_MOST 7200

static struct {
    const fuzz_stay *stay;
    bool is_begun;
    fuzz_input *in; /* NULL: end it */
    sem_t asked, answered;
    pthread_t thread;
    int inputs;
} resident;

/* Only a fuzzer calls it. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
static bool is_resident;

int LLVMFuzzerInitialize(int *argc, char ***argv) /* NOLINT(readability-non-const-parameter) */
{
    (void)argc;
    (void)argv;
    is_resident = getenv("TROUPE_FUZZ_TELL") == NULL;
    return 0;
}

/* ---- memory ---- */

/* Of sanitizers; without one nothing is counted. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *))
    __attribute__((weak));
size_t __sanitizer_get_allocated_size(const volatile void *block) __attribute__((weak));

static struct {
    bool is_counted;
    size_t now; /* bytes of the world's thread */
    size_t most;
} memory;

static void on_malloc(const volatile void *block, size_t bytes)
{
    (void)block;
    if (!tr__sim_plays)
        return;
    memory.now += bytes;
    memory.most = memory.now > memory.most ? memory.now : memory.most;
}

static void on_free(const volatile void *block)
{
    if (tr__sim_plays && block != NULL)
        memory.now -= __sanitizer_get_allocated_size(block);
}

static void count_memory(void)
{
    if (!memory.is_counted && __sanitizer_install_malloc_and_free_hooks != NULL)
        (void)__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free); /* more than it does */
    memory.is_counted = true;
}

/* ---- an input ---- */

void fuzz_set_network(fuzz_network network)
{
    tr__sim.options.latency = network.is_slow ? 0 : -1;
    tr__sim.options.short_transfer = network.is_choppy ? 0.2 : 0;
}

/* As if the world began with it: dice by its seed, and limits of its own. */
static void throw_dice(fuzz_input *in)
{
    tr__random random = { 1 + fuzz_word(in) };

    tr__sim.preemptions.state = tr__random_next(&random);
    tr__sim.schedule.state = tr__random_next(&random);
    tr__sim.faults.state = tr__random_next(&random);
    tr__sim.program.state = tr__random_next(&random);
    tr__sim.network.state = tr__random_next(&random);
    tr__sim.options.time_limit = tr_sim_now() + SECONDS_MOST;
    tr__sim.options.step_limit = tr__sim.figures.steps + STEPS_MOST;
}

static void run_one(fuzz_input *in, uint64_t blocks)
{
    size_t before = memory.now;

    throw_dice(in);
    memory.most = before;
    resident.stay->run(in);
    fuzz_set_network((fuzz_network){ false, false });
    TELL("%zu bytes at most", memory.most - before);
    EXPECT(memory.most <= before + resident.stay->memory_most);
    EXPECT(tr__sim.blocks <= blocks + SPARES_MOST);
}

/* ---- worlds ---- */

static void run_inputs(void *unused)
{
    uint64_t blocks;

    (void)unused;
    count_memory();
    fuzz_set_network((fuzz_network){ false, false });
    resident.stay->begin();
    blocks = tr__sim.blocks;
    if (!is_resident)
        run_one(resident.in, blocks);
    while (is_resident && resident.in != NULL) {
        run_one(resident.in, blocks);
        (void)sem_post(&resident.answered); /* these can't fail */
        (void)sem_wait(&resident.asked);
    }
    resident.stay->end();
}

/* The server's loop and this thread mostly wait for each other: who goes on is not fuzzed. */
static void run_world(void)
{
    const tr_sim_options options = { .seed = 1, .preempt = -1 };
    tr_sim_figures figures;

    EXPECT(tr_sim_run(run_inputs, NULL, &options, &figures) == 0);
    fuzz_now.trace = figures.trace;
}

static void *run_thread(void *unused)
{
    (void)unused;
    run_world();
    return NULL;
}

static void end_world(void)
{
    resident.in = NULL;
    (void)sem_post(&resident.asked); /* it can't fail */
    EXPECT(pthread_join(resident.thread, NULL) == 0);
    resident.is_begun = false;
}

static void ask(fuzz_input *in)
{
    resident.in = in;
    if (resident.is_begun) {
        (void)sem_post(&resident.asked); /* these can't fail */
    } else {
        (void)sem_init(&resident.asked, 0, 0);
        (void)sem_init(&resident.answered, 0, 0);
        EXPECT(pthread_create(&resident.thread, NULL, run_thread, NULL) == 0);
        resident.is_begun = true;
        resident.inputs = 0;
    }
    (void)sem_wait(&resident.answered);
    if (++resident.inputs == INPUTS_MOST)
        end_world();
}

void fuzz_run_in_world(fuzz_input *in, const fuzz_stay *stay)
{
    resident.stay = stay;
    resident.in = in;
    if (is_resident)
        ask(in);
    else
        run_world();
}
