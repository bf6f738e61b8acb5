/* Calls that are led through functions of ours, whatever the linker is at just then. */
#include "observe/hooks.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "observe/late.h"
#include "support/suite.h"

static int (*real_usleep)(useconds_t);
static int calls;

static int our_usleep(useconds_t us)
{
    calls++;
    return real_usleep(us);
}

static const tr__hook hook = { "usleep", (void *)(uintptr_t)our_usleep,
                               (void **)(void *)&real_usleep };

static int to_late[2], from_late[2]; /* pipes */

static void *load(void *unused)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

    (void)unused;
    if (length < 0)
        return NULL;
    path[length] = '\0';
    (void)snprintf(strrchr(path, '/'), 32, "/late.so");
    return dlopen(path, RTLD_NOW);
}

static void open_pipes(void)
{
    ck_assert_int_eq(pipe(to_late), 0);
    ck_assert_int_eq(pipe(from_late), 0);
    ck_assert_int_eq(dup2(to_late[0], LATE_HEARS), LATE_HEARS);
    ck_assert_int_eq(dup2(from_late[1], LATE_SAYS), LATE_SAYS);
}

START_TEST(an_object_that_is_just_being_loaded_is_hooked_when_it_is)
{
    int (**table)(void);
    pthread_t thread;
    void *object;
    char byte;

#if !defined(__x86_64__) && !defined(__aarch64__)
    return; /* nothing is hooked there */
#endif
    open_pipes();
    ck_assert(tr__hooks_install(&hook, 1));
    ck_assert_int_eq(pthread_create(&thread, NULL, load, NULL), 0);
    ck_assert_int_eq(read(from_late[0], &byte, 1), 1); /* half-way */
    for (int i = 0; i < 3; i++)
        ck_assert(tr__hooks_follow());
    ck_assert_int_eq(close(to_late[1]), 0);
    ck_assert_int_eq(pthread_join(thread, &object), 0);
    ck_assert_msg(object != NULL, "%s", dlerror());
    for (int i = 0; i < 2; i++)
        ck_assert(tr__hooks_follow());
    table = dlsym(object, "late_table");
    ck_assert_int_eq(table[0](), 0);
    ck_assert_int_eq(calls, 1);
    tr__hooks_remove();
    ck_assert_int_eq(table[0](), 0);
    ck_assert_int_eq(calls, 1);
}
END_TEST

SUITE_MAIN("observe/hooks", an_object_that_is_just_being_loaded_is_hooked_when_it_is)
