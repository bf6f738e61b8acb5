/* Locks that are biased to their first owner, with real threads; in all interleavings, see
 * tests/sim/test_latch.c. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/biased_lock.h"
#include "base/seam.h"
#include "support/kit.h"

enum { OWNER = 1, LOCKS = 2000, ROUNDS = 200, TEXT_BYTES = 4096 };

static void lock(tr__biased_lock *l, uint32_t owner)
{
    if (!tr__biased_enter(l, owner))
        tr__mutex_lock(&l->mutex);
}

/* ---- bias ---- */

START_TEST(first_owner_gets_the_bias_and_keeps_it)
{
    tr__biased_lock l = { 0 };

    tr__biased_locks_begin();
    for (int i = 0; i < 3; i++) {
        ck_assert(tr__biased_enter(&l, OWNER));
        tr__biased_leave(&l);
    }
    ck_assert_uint_eq(l.bias, OWNER);
}
END_TEST

START_TEST(lock_is_shared_when_another_one_has_wanted_it)
{
    tr__biased_lock l = { 0 };

    tr__biased_locks_begin();
    ck_assert(tr__biased_enter(&l, OWNER));
    tr__biased_leave(&l);
    ck_assert(!tr__biased_enter(&l, OWNER + 1));
    ck_assert(!tr__biased_enter(&l, OWNER));
    lock(&l, OWNER);
    tr__biased_unlock(&l);
    ck_assert_uint_eq(l.bias, TR__BIAS_SHARED);
}
END_TEST

START_TEST(lock_is_shared_at_once_for_a_thread_without_a_number)
{
    tr__biased_lock l = { 0 };

    tr__biased_locks_begin();
    lock(&l, 0);
    tr__biased_unlock(&l);
    ck_assert(!tr__biased_enter(&l, OWNER));
}
END_TEST

/* ---- one at a time ---- */

static struct {
    tr__biased_lock locks[LOCKS];
    uint64_t counts[LOCKS]; /* each guarded by its lock */
    uint32_t next;          /* the owner is about to use this one */
} many;

static void count(uint32_t at, uint32_t owner)
{
    lock(&many.locks[at], owner);
    many.counts[at]++;
    tr__biased_unlock(&many.locks[at]);
}

static void *be_owner(void *unused)
{
    for (uint32_t i = 0; i < LOCKS; i++) {
        tr__store_relaxed_u32(&many.next, i);
        for (int round = 0; round < ROUNDS; round++)
            count(i, OWNER);
    }
    return unused;
}

/* Wants the lock that the owner uses just now. */
static void *meddle(void *unused)
{
    uint32_t last = LOCKS;
    uint64_t *wanted = unused;
    uint32_t at;

    do {
        at = tr__load_relaxed_u32(&many.next);
        if (at != last) {
            count(at, 0);
            wanted[at]++;
        }
        last = at;
    } while (at < LOCKS - 1);
    return NULL;
}

START_TEST(nothing_that_it_guards_is_lost_when_it_is_revoked_in_use)
{
    static uint64_t wanted[LOCKS];
    pthread_t threads[2];

    memset(&many, 0, sizeof(many));
    for (uint32_t i = 0; i < LOCKS; i++) {
        if (i % 50 == 0)
            tr__biased_locks_begin(); /* with credit again */
        ck_assert(tr__biased_enter(&many.locks[i], OWNER));
        tr__biased_leave(&many.locks[i]);
    }
    ck_assert_int_eq(pthread_create(&threads[0], NULL, be_owner, NULL), 0);
    ck_assert_int_eq(pthread_create(&threads[1], NULL, meddle, wanted), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    for (uint32_t i = 0; i < LOCKS; i++)
        ck_assert_uint_eq(many.counts[i], ROUNDS + wanted[i]);
}
END_TEST

/* ---- a kernel that has no fence, or none any more ---- */

/* From now on membarrier(2) is forbidden in this process; emulators can't do that. */
static void forbid(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof(rules) / sizeof(rules[0]), rules };

    ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static void use_by_two(void)
{
    tr__biased_lock l = { 0 };

    for (uint32_t owner = OWNER; owner < OWNER + 2; owner++) {
        lock(&l, owner);
        tr__biased_unlock(&l);
    }
}

static void forbid_before(void *unused)
{
    tr__biased_lock l = { 0 };

    (void)unused;
    forbid();
    tr__biased_locks_begin();
    ck_assert(!tr__biased_enter(&l, OWNER));
    use_by_two();
}

static void forbid_afterwards(void *unused)
{
    (void)unused;
    tr__biased_locks_begin();
    forbid();
    use_by_two();
}

START_TEST(locks_begin_shared_where_the_fence_is_forbidden)
{
    char text[TEXT_BYTES];

    if (KIT_EMULATED)
        return;
    ck_assert_int_eq(kit_in_child(forbid_before, NULL, text, sizeof(text)), 0);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(process_whose_fence_is_forbidden_later_ends_and_says_why)
{
    char text[TEXT_BYTES];
    int status;

    if (KIT_EMULATED)
        return;
    status = kit_in_child(forbid_afterwards, NULL, text, sizeof(text));
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    ck_assert_ptr_nonnull(strstr(text, "membarrier(2)"));
    ck_assert_ptr_nonnull(strstr(text, "allow it in the sandbox"));
}
END_TEST

/* The n-th call fails: to prepare the fence, or the fence itself. */
START_TEST(locks_work_whichever_call_fails)
{
    for (uint64_t n = 1; n <= 2; n++) {
        tr__fault_arm(n, false);
        tr__biased_locks_begin();
        use_by_two();
        ck_assert(tr__fault_disarm());
    }
}
END_TEST

KIT_MAIN("base/biased_lock", first_owner_gets_the_bias_and_keeps_it,
         lock_is_shared_when_another_one_has_wanted_it,
         lock_is_shared_at_once_for_a_thread_without_a_number,
         nothing_that_it_guards_is_lost_when_it_is_revoked_in_use,
         locks_begin_shared_where_the_fence_is_forbidden,
         process_whose_fence_is_forbidden_later_ends_and_says_why, locks_work_whichever_call_fails)
