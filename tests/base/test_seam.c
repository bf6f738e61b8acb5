/* The seams: memory, time, chance, threads and event descriptors, real and replaced; and faults. */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/random.h"
#include "base/seam.h"
#include "base/threads.h"
#include "support/kit.h"

/* ---- a world of our own ---- */

static size_t asked_bytes;
static int frees;
static uint64_t clock_ns;
static _Alignas(64) char pool[4096];
static size_t pool_offset;

static void *own_alloc(size_t bytes)
{
    asked_bytes = bytes;
    return bytes + pool_offset <= sizeof(pool) ? pool + pool_offset : NULL;
}

static void own_free(void *block)
{
    ck_assert_ptr_eq(block, pool + pool_offset);
    frees++;
}

static uint64_t own_now_ns(void)
{
    return clock_ns++;
}

static uint64_t own_dice(void)
{
    return 6;
}

static int own_thread_start(pthread_t *out, void *(*entry)(void *), void *arg)
{
    (void)out;
    (void)entry(arg);
    return 0;
}

static const tr__seam own = {
    .alloc = own_alloc,
    .free = own_free,
    .now_ns = own_now_ns,
    .dice = own_dice,
    .thread_start = own_thread_start,
};

static void *note_call(void *arg)
{
    *(int *)arg += 1;
    return NULL;
}

START_TEST(seam_table_is_replaced_and_restored)
{
    pthread_t unused;
    int calls = 0;

    tr__seam_set(&own);
    clock_ns = 17;
    ck_assert_uint_eq(tr__now_ns(), 17);
    ck_assert_uint_eq(tr__now_ns(), 18);
    ck_assert_uint_eq(tr__dice(), 6);
    ck_assert_ptr_eq(tr__alloc(100), pool);
    ck_assert_uint_eq(asked_bytes, 100);
    tr__free(pool);
    ck_assert_int_eq(frees, 1);
    ck_assert_int_eq(tr__thread_start(&unused, note_call, &calls), 0);
    ck_assert_int_eq(calls, 1);
    tr__seam_set(NULL);
    ck_assert_uint_gt(tr__now_ns(), 19);
}
END_TEST

START_TEST(seam_never_asks_for_no_bytes)
{
    tr__seam_set(&own);
    ck_assert_ptr_nonnull(tr__alloc(0));
    ck_assert_uint_eq(asked_bytes, 1);
    tr__seam_set(NULL);
}
END_TEST

/* ---- memory ---- */

static void expect_zero(const char *at, size_t bytes)
{
    size_t zeros = 0;

    while (zeros < bytes && at[zeros] == 0)
        zeros++;
    ck_assert_uint_eq(zeros, bytes);
}

START_TEST(memory_asked_for_as_zeroed_is_zeroed)
{
    char *block;

    memset(pool, 0x5a, sizeof(pool));
    tr__seam_set(&own);
    block = tr__alloc_zeroed(1000);
    expect_zero(block, 1000);
    ck_assert_int_eq(pool[1000], 0x5a);
    ck_assert_ptr_null(tr__alloc_zeroed(sizeof(pool) + 1));
    tr__seam_set(NULL);
}
END_TEST

START_TEST(memory_in_lines_is_aligned_wherever_the_block_lies)
{
    for (pool_offset = 0; pool_offset < 64; pool_offset += 16)
        for (size_t bytes = 1; bytes < 300; bytes += 37) {
            char *block;

            memset(pool, 0x5a, sizeof(pool));
            tr__seam_set(&own);
            block = tr__alloc_lines_zeroed(bytes);
            ck_assert_uint_eq((uintptr_t)block % 64, 0);
            ck_assert(block >= pool + pool_offset + sizeof(void *));
            ck_assert(block + bytes <= pool + pool_offset + asked_bytes);
            expect_zero(block, bytes);
            tr__free_lines(block);
            tr__seam_set(NULL);
        }
}
END_TEST

START_TEST(memory_in_lines_of_too_many_bytes_is_refused)
{
    ck_assert_ptr_null(tr__alloc_lines_zeroed(SIZE_MAX));
    ck_assert_ptr_null(tr__alloc_lines_zeroed(SIZE_MAX - 127));
    tr__seam_set(&own);
    ck_assert_ptr_null(tr__alloc_lines_zeroed(sizeof(pool)));
    tr__seam_set(NULL);
    tr__free_lines(NULL);
}
END_TEST

START_TEST(pages_that_are_reserved_get_zeroed_memory_when_committed)
{
    size_t bytes = 16 << 20;
    char *at = tr__pages_reserve(bytes);

    ck_assert_ptr_nonnull(at);
    ck_assert(tr__pages_commit(at + 4096, 8192));
    expect_zero(at + 4096, 8192);
    memset(at + 4096, 1, 8192);
    tr__pages_unmap(at, bytes);
    ck_assert(!tr__pages_commit(at + 4096, 8192)); /* nothing is mapped there any more */
}
END_TEST

START_TEST(pages_are_aligned_zeroed_and_given_back)
{
    for (size_t align = 4096; align <= 4 << 20; align *= 4) {
        char *at = tr__pages_map(64 << 10, align);

        ck_assert_ptr_nonnull(at);
        ck_assert_uint_eq((uintptr_t)at % align, 0);
        expect_zero(at, 64 << 10);
        tr__pages_prefer_huge(at, 64 << 10);
        memset(at, 1, 64 << 10);
        tr__pages_unmap(at, 64 << 10);
    }
}
END_TEST

START_TEST(pages_that_are_discarded_are_zeroed_when_touched_again)
{
    size_t page = tr__page_bytes();
    char *at = tr__pages_map(2 * page, page);

    tr__pages_prefer_small(at, 2 * page);
    memset(at, 1, 2 * page);
    ck_assert(tr__pages_discard(at, page));
    expect_zero(at, page);
    ck_assert_int_eq(at[page], 1);
    tr__pages_unmap(at, 2 * page);
}
END_TEST

static void touch(void *at)
{
    (void)signal(SIGSEGV, SIG_DFL); /* a sanitizer's would write a report */
    memset(at, 1, 1);
}

static void expect_out_of_bounds(void *at)
{
    char text[256];
    int status = kit_in_child(touch, at, text, sizeof(text));

    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

START_TEST(pages_that_are_guards_or_forbidden_are_out_of_bounds)
{
    size_t page = tr__page_bytes();
    char *at = tr__pages_map(3 * page, page);

    ck_assert(tr__pages_forbid(at, page));
    expect_out_of_bounds(at);
    memset(at + page, 1, page);
    if (tr__pages_guard(at + 2 * page, page)) /* not every kernel can */
        expect_out_of_bounds(at + 2 * page);
    tr__pages_unmap(at, 3 * page);
    ck_assert(!tr__pages_forbid(at, page)); /* nothing is mapped there any more */
    ck_assert(!tr__pages_guard(at, page));
    if (!KIT_EMULATED) /* qemu has nothing against it */
        ck_assert(!tr__pages_discard(at, page));
}
END_TEST

/* Three pages, and what is said of them at once. */
static void runs_of(struct iovec *runs, char *at)
{
    for (int i = 0; i < 3; i++)
        runs[i] = (struct iovec){ at + i * tr__page_bytes(), tr__page_bytes() };
}

START_TEST(pages_are_guards_or_discarded_as_far_as_is_said)
{
    size_t page = tr__page_bytes();
    char *at = tr__pages_map(3 * page, page);
    struct iovec runs[3];
    size_t done;

    runs_of(runs, at);
    memset(at, 1, 3 * page);
    done = tr__pages_discard_each(runs, 3);
    ck_assert_uint_le(done, 3); /* none on older kernels */
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(at[i * page], i >= done);
    done = tr__pages_guard_each(runs, 3);
    for (size_t i = 0; i < done; i++)
        expect_out_of_bounds(at + i * page);
    memset(at + done * page, 1, (3 - done) * page);
    ck_assert_uint_eq(tr__pages_discard_each(runs, 0), 0);
    ck_assert_uint_eq(tr__pages_guard_each(runs, 0), 0);
    tr__pages_unmap(at, 3 * page);
}
END_TEST

START_TEST(pages_are_discarded_up_to_the_first_that_is_not_there)
{
    size_t page = tr__page_bytes();
    char *at = tr__pages_map(3 * page, page);
    struct iovec runs[3];
    size_t done;

    runs_of(runs, at);
    memset(at, 1, 3 * page);
    tr__pages_unmap(at + page, page);
    done = tr__pages_discard_each(runs, 3);
    ck_assert_uint_le(done, 1);
    ck_assert_int_eq(at[0], done == 0);
    ck_assert_int_eq(at[2 * page], 1);
    tr__pages_unmap(at, page);
    tr__pages_unmap(at + 2 * page, page);
}
END_TEST

enum { ADVICE_TO_GUARD = 102 /* MADV_GUARD_INSTALL, since Linux 6.13 */ };

/* From now on the kernel says yes to that advice, and does nothing, as emulators do. false: this
 * one can't be told to. */
static bool let_advice_be_ignored(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ADVICE_TO_GUARD, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void guard_in_vain(void *page)
{
    if (!let_advice_be_ignored())
        return;
    for (int i = 0; i < 2; i++) /* it is found out once, and known then */
        ck_assert(!tr__pages_guard(page, tr__page_bytes()));
    memset(page, 1, 1);
}

/* The first test of all: what becomes of the advice is found out once a process. */
START_TEST(pages_are_no_guards_where_advice_is_ignored)
{
    char text[256];
    size_t bytes = tr__page_bytes();
    void *page = tr__pages_map(bytes, bytes);

    ck_assert_int_eq(kit_in_child(guard_in_vain, page, text, sizeof(text)), 0);
    tr__pages_unmap(page, bytes);
}
END_TEST

START_TEST(pages_are_no_guards_in_a_world_without)
{
    size_t page = tr__page_bytes();
    char *at = tr__pages_map(page, page);

    tr__seam_set(&own);
    ck_assert(!tr__pages_guard(at, page));
    tr__seam_set(NULL);
    memset(at, 1, page);
    tr__pages_unmap(at, page);
}
END_TEST

START_TEST(pages_that_no_address_space_has_are_refused)
{
    ck_assert_ptr_null(tr__pages_map((size_t)1 << 50, 4096));
    ck_assert_ptr_null(tr__pages_reserve((size_t)1 << 50));
}
END_TEST

/* ---- time and chance ---- */

START_TEST(clock_never_goes_back)
{
    uint64_t before = tr__now_ns();

    for (int i = 0; i < 100000; i++) {
        uint64_t now = tr__now_ns();

        if (now < before)
            ck_abort_msg("it went back by %d ns", (int)(before - now));
        before = now;
    }
}
END_TEST

START_TEST(dice_do_not_repeat_themselves)
{
    uint64_t a = tr__dice();
    uint64_t b = tr__dice();
    uint64_t c = tr__dice();

    ck_assert(a != b && b != c); /* by chance once in 2^63 runs */
}
END_TEST

START_TEST(random_numbers_are_those_of_splitmix64)
{
    /* Vigna's splitmix64.c, seeded with 1234567. */
    static const uint64_t expected[] = {
        UINT64_C(6457827717110365317),  UINT64_C(3203168211198807973),
        UINT64_C(9817491932198370423),  UINT64_C(4593380528125082431),
        UINT64_C(16408922859458223821),
    };
    tr__random random = { 1234567 };

    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        ck_assert_uint_eq(tr__random_next(&random), expected[i]);
}
END_TEST

/* ---- threads and descriptors ---- */

START_TEST(thread_runs_what_it_was_given)
{
    pthread_t thread;
    int calls = 0;

    ck_assert_int_eq(tr__thread_start(&thread, note_call, &calls), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(calls, 1);
}
END_TEST

static void ask_for_a_thread_that_is_too_large(void *arg)
{
    pthread_attr_t attributes;
    pthread_t thread;

    (void)arg;
    pthread_attr_init(&attributes);
    ck_assert_int_eq(pthread_attr_setstacksize(&attributes, (size_t)1 << 50), 0);
    ck_assert_int_eq(pthread_setattr_default_np(&attributes), 0);
    ck_assert_int_eq(tr__thread_start(&thread, note_call, NULL), TR_EAGAIN);
    pthread_attr_destroy(&attributes);
}

START_TEST(thread_that_the_system_refuses_is_an_error)
{
    char text[256];

    ck_assert_int_eq(kit_in_child(ask_for_a_thread_that_is_too_large, NULL, text, sizeof(text)), 0);
}
END_TEST

static bool is_readable(int fd)
{
    struct pollfd poller = { .fd = fd, .events = POLLIN };

    return poll(&poller, 1, 0) == 1;
}

START_TEST(event_descriptor_is_readable_between_signal_and_clear)
{
    int fd = tr__eventfd_new();

    ck_assert_int_ge(fd, 0);
    ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
    ck_assert(!is_readable(fd));
    tr__eventfd_clear(fd); /* does not block */
    tr__eventfd_signal(fd);
    tr__eventfd_signal(fd);
    ck_assert(is_readable(fd));
    tr__eventfd_clear(fd);
    ck_assert(!is_readable(fd));
    tr__descriptor_close(fd);
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
}
END_TEST

static void run_out_of_descriptors(void *arg)
{
    struct rlimit limit = { 0, 0 };

    (void)arg;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_int_eq(tr__eventfd_new(), -EMFILE);
}

START_TEST(event_descriptor_that_the_kernel_refuses_is_an_error)
{
    char text[256];

    ck_assert_int_eq(kit_in_child(run_out_of_descriptors, NULL, text, sizeof(text)), 0);
}
END_TEST

/* ---- sleeping on a word ---- */

START_TEST(futex_does_not_sleep_on_another_word_than_expected)
{
    uint32_t word = 1;

    ck_assert(tr__futex_wait(&word, 0, UINT64_MAX));
    ck_assert(tr__futex_wait(&word, 0, 0));
}
END_TEST

START_TEST(futex_sleeps_until_its_deadline)
{
    uint64_t deadline_ns = tr__now_ns() + 2000000;
    uint32_t word = 0;

    ck_assert(!tr__futex_wait(&word, 0, 0));
    while (tr__futex_wait(&word, 0, deadline_ns))
        ; /* a signal came */
    ck_assert_uint_ge(tr__now_ns(), deadline_ns);
}
END_TEST

static void *change_and_wake(void *word)
{
    tr__store_release_u32(word, 1); /* release: pairs with the acquire below */
    tr__futex_wake(word, 1);
    return NULL;
}

START_TEST(futex_is_woken)
{
    for (int i = 0; i < 1000; i++) {
        uint32_t word = 0;
        pthread_t thread;

        ck_assert_int_eq(tr__thread_start(&thread, change_and_wake, &word), 0);
        while (tr__load_acquire_u32(&word) == 0)
            ck_assert(tr__futex_wait(&word, 0, UINT64_MAX));
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
    }
}
END_TEST

START_TEST(futex_that_nobody_sleeps_on_may_be_woken)
{
    uint32_t word = 0;

    tr__futex_wake(&word, UINT32_MAX);
    ck_assert(!tr__futex_wait(&word, 0, 0)); /* a wake-up is not kept */
}
END_TEST

static void write_to_stderr(void *arg)
{
    tr__stderr_write(arg, strlen(arg));
    close(STDERR_FILENO);
    tr__stderr_write(arg, strlen(arg)); /* nobody to tell */
}

START_TEST(text_for_stderr_is_written_there)
{
    char text[256];

    ck_assert_int_eq(kit_in_child(write_to_stderr, "a word", text, sizeof(text)), 0);
    ck_assert_str_eq(text, "a word");
}
END_TEST

/* ---- faults ---- */

START_TEST(fault_strikes_the_nth_call_alone)
{
    for (uint64_t n = 1; n <= 3; n++) {
        tr__fault_arm(n, false);
        ck_assert(tr__faults_are_armed());
        for (uint64_t call = 1; call <= 4; call++)
            ck_assert_int_eq(tr__fault_strikes(TR__FAULT_MEMORY), call == n);
        ck_assert(tr__faults_are_armed());
        ck_assert(tr__fault_disarm());
        ck_assert(!tr__faults_are_armed());
        ck_assert(!tr__fault_strikes(TR__FAULT_MEMORY));
    }
}
END_TEST

START_TEST(fault_that_lasts_strikes_all_calls_from_the_nth_on)
{
    tr__fault_arm(2, true);
    ck_assert(!tr__fault_strikes(TR__FAULT_MEMORY));
    for (int i = 0; i < 3; i++)
        ck_assert(tr__fault_strikes(TR__FAULT_MEMORY));
    ck_assert(tr__fault_disarm());
    ck_assert(!tr__fault_strikes(TR__FAULT_MEMORY));
}
END_TEST

START_TEST(fault_that_was_not_reached_says_so)
{
    tr__fault_arm(2, true);
    ck_assert(!tr__fault_strikes(TR__FAULT_MEMORY));
    ck_assert(!tr__fault_disarm());
}
END_TEST

START_TEST(fault_fails_each_way_to_the_outside)
{
    pthread_t unused;
    char *at = tr__pages_reserve(4096);
    uint32_t word = 0;

    tr__fault_arm(1, true);
    ck_assert_ptr_null(tr__alloc(1));
    ck_assert_ptr_null(tr__alloc_zeroed(1));
    ck_assert_ptr_null(tr__alloc_lines_zeroed(1));
    ck_assert_ptr_null(tr__pages_reserve(4096));
    ck_assert_ptr_null(tr__pages_map(4096, 4096));
    ck_assert(!tr__pages_commit(at, 4096));
    ck_assert(!tr__pages_guard(at, 4096));
    ck_assert(!tr__pages_forbid(at, 4096));
    ck_assert(!tr__pages_discard(at, 4096));
    ck_assert_uint_eq(tr__pages_discard_each(&(struct iovec){ at, 4096 }, 1), 0);
    ck_assert_uint_eq(tr__pages_guard_each(&(struct iovec){ at, 4096 }, 1), 0);
    ck_assert_int_eq(tr__thread_start(&unused, note_call, NULL), TR_EAGAIN);
    ck_assert_int_eq(tr__eventfd_new(), -EMFILE);
    ck_assert(tr__futex_wait(&word, 0, UINT64_MAX)); /* as if a signal had come */
    ck_assert(tr__fault_disarm());
    tr__pages_unmap(at, 4096);
}
END_TEST

KIT_MAIN("base/seam", pages_are_no_guards_where_advice_is_ignored,
         seam_table_is_replaced_and_restored, seam_never_asks_for_no_bytes,
         memory_asked_for_as_zeroed_is_zeroed, memory_in_lines_is_aligned_wherever_the_block_lies,
         memory_in_lines_of_too_many_bytes_is_refused,
         pages_that_are_reserved_get_zeroed_memory_when_committed,
         pages_are_aligned_zeroed_and_given_back,
         pages_that_are_discarded_are_zeroed_when_touched_again,
         pages_that_are_guards_or_forbidden_are_out_of_bounds,
         pages_are_guards_or_discarded_as_far_as_is_said,
         pages_are_discarded_up_to_the_first_that_is_not_there,
         pages_are_no_guards_in_a_world_without, text_for_stderr_is_written_there,
         pages_that_no_address_space_has_are_refused, clock_never_goes_back,
         dice_do_not_repeat_themselves, random_numbers_are_those_of_splitmix64,
         thread_runs_what_it_was_given, thread_that_the_system_refuses_is_an_error,
         event_descriptor_is_readable_between_signal_and_clear,
         event_descriptor_that_the_kernel_refuses_is_an_error,
         futex_does_not_sleep_on_another_word_than_expected, futex_sleeps_until_its_deadline,
         futex_is_woken, futex_that_nobody_sleeps_on_may_be_woken, fault_strikes_the_nth_call_alone,
         fault_that_lasts_strikes_all_calls_from_the_nth_on, fault_that_was_not_reached_says_so,
         fault_fails_each_way_to_the_outside)
