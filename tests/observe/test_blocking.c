/* Calls that block a loop, planted: each blocks until it has been reported, if it can. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/compiler.h"
#include "support/debug.h"

#define HERE "observe/test_blocking.c"

/* ---- whether it works here ---- */

/* Not where functions that block are the program's own, as with clang's sanitizers, which are
 * linked into it; nor on machines that hooks.c does not know. */
static bool is_hooked(void)
{
    Dl_info info;

#if !defined(__x86_64__) && !defined(__aarch64__)
    return false;
#endif
    return dladdr(dlsym(RTLD_DEFAULT, "nanosleep"), &info) != 0 &&
           strstr(info.dli_fname, ".so") != NULL;
}

static bool skips(void)
{
    if (!is_hooked())
        printf("observe/blocking: calls can't be led astray in this build: skipped\n");
    return !is_hooked();
}

/* ---- calls ---- */

/* What a call is given, and what ends it. */
typedef struct scene {
    int in[2];  /* a pair of stream sockets: nothing to be read, in in[0] */
    int out[2]; /* another: no room is left, in out[0] */
    int listener;
    struct sockaddr_in address;
    int file;
    sem_t taken;
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    pid_t child;
    uint32_t is_over; /* what `condition` tells */
} scene;

static scene s;
static const struct timespec moment = { .tv_nsec = 1000 };
static char bytes[64];
static struct iovec parts[1] = { { .iov_base = bytes, .iov_len = sizeof(bytes) } };
static struct msghdr message = { .msg_iov = parts, .msg_iovlen = 1 };

/* ---- what blocks ---- */

static int do_sleep(void)
{
    return (int)sleep(1);
}

static int do_usleep(void)
{
    return usleep(10);
}

static int do_nanosleep(void)
{
    return nanosleep(&moment, NULL);
}

static int do_clock_nanosleep(void)
{
    return clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL);
}

static int do_getaddrinfo(void)
{
    struct addrinfo *found = NULL;

    if (getaddrinfo("localhost", NULL, NULL, &found) == 0)
        freeaddrinfo(found);
    return 0;
}

static int do_getnameinfo(void)
{
    char host[256];

    (void)getnameinfo((struct sockaddr *)&s.address, sizeof(s.address), host, sizeof(host), NULL, 0,
                      0);
    return 0;
}

static int do_gethostbyname(void)
{
    (void)gethostbyname("localhost");
    return 0;
}

static int do_fsync(void)
{
    return fsync(s.file);
}

static int do_fdatasync(void)
{
    return fdatasync(s.file);
}

static int do_syncfs(void)
{
    return syncfs(s.file);
}

static int do_msync(void)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, s.file, 0);
    int rc = msync(at, 4096, MS_SYNC);

    munmap(at, 4096);
    return rc;
}

static int do_cond_wait(void)
{
    int rc = 0;

    pthread_mutex_lock(&s.mutex);
    while (rc == 0 && s.is_over == 0)
        rc = pthread_cond_wait(&s.condition, &s.mutex);
    pthread_mutex_unlock(&s.mutex);
    return rc;
}

static int do_cond_timedwait(void)
{
    int rc;

    pthread_mutex_lock(&s.mutex);
    rc = pthread_cond_timedwait(&s.condition, &s.mutex, &moment); /* long ago */
    pthread_mutex_unlock(&s.mutex);
    return rc == ETIMEDOUT ? 0 : rc;
}

static void *wait_for_end(void *unused)
{
    (void)unused;
    (void)do_cond_wait();
    return NULL;
}

static int do_join(void)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_end, NULL), 0);
    return pthread_join(thread, NULL);
}

static int do_sem_wait(void)
{
    return sem_wait(&s.taken);
}

static int do_sem_timedwait(void)
{
    return sem_timedwait(&s.taken, &moment) == -1 && errno == ETIMEDOUT ? 0 : -1;
}

static int do_wait(void)
{
    return wait(NULL) == s.child ? 0 : -1;
}

static int do_waitpid(void)
{
    return waitpid(s.child, NULL, 0) == s.child ? 0 : -1;
}

static int do_waitid(void)
{
    siginfo_t info;

    return waitid(P_PID, (id_t)s.child, &info, WEXITED);
}

static int do_system(void)
{
    return system("true");
}

static int do_flock(void)
{
    return flock(s.file, LOCK_EX);
}

static int do_poll(void)
{
    struct pollfd fd = { .fd = s.in[0], .events = POLLIN };

    return poll(&fd, 1, 1);
}

static int do_ppoll(void)
{
    struct pollfd fd = { .fd = s.in[0], .events = POLLIN };

    return ppoll(&fd, 1, &moment, NULL);
}

static int do_select(void)
{
    struct timeval limit = { .tv_usec = 1 };

    return select(0, NULL, NULL, NULL, &limit);
}

static int do_pselect(void)
{
    return pselect(0, NULL, NULL, NULL, &moment, NULL);
}

static int do_epoll_wait(void)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event;
    int rc = epoll_wait(fd, &event, 1, 1);

    close(fd);
    return rc;
}

static int do_read(void)
{
    return read(s.in[0], bytes, 1) == 1 ? 0 : -1;
}

static int do_readv(void)
{
    return readv(s.in[0], parts, 1) > 0 ? 0 : -1;
}

static int do_recv(void)
{
    return recv(s.in[0], bytes, 1, 0) == 1 ? 0 : -1;
}

static int do_recvfrom(void)
{
    return recvfrom(s.in[0], bytes, 1, 0, NULL, NULL) == 1 ? 0 : -1;
}

static int do_recvmsg(void)
{
    return recvmsg(s.in[0], &message, 0) > 0 ? 0 : -1;
}

static int do_write(void)
{
    return write(s.out[0], bytes, 1) == 1 ? 0 : -1;
}

static int do_writev(void)
{
    return writev(s.out[0], parts, 1) > 0 ? 0 : -1;
}

static int do_send(void)
{
    return send(s.out[0], bytes, 1, 0) == 1 ? 0 : -1;
}

static int do_sendto(void)
{
    return sendto(s.out[0], bytes, 1, 0, NULL, 0) == 1 ? 0 : -1;
}

static int do_sendmsg(void)
{
    return sendmsg(s.out[0], &message, 0) > 0 ? 0 : -1;
}

static int do_accept(void)
{
    int fd = accept(s.listener, NULL, NULL);

    close(fd);
    return fd >= 0 ? 0 : -1;
}

static int do_accept4(void)
{
    int fd = accept4(s.listener, NULL, NULL, SOCK_CLOEXEC);

    close(fd);
    return fd >= 0 ? 0 : -1;
}

static int do_connect(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int rc = connect(fd, (struct sockaddr *)&s.address, sizeof(s.address));

    close(fd);
    return rc;
}

/* ---- what ends it ---- */

static void fill(void)
{
    const char block[sizeof(bytes)] = { 0 };

    ck_assert_int_eq(send(s.in[1], block, sizeof(block), MSG_DONTWAIT), sizeof(block));
}

static void drain(void)
{
    char block[4096];

    while (recv(s.out[1], block, sizeof(block), MSG_DONTWAIT) > 0)
        ;
}

static void call_in(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(connect(fd, (struct sockaddr *)&s.address, sizeof(s.address)), 0);
    close(fd);
}

static void announce(void)
{
    pthread_mutex_lock(&s.mutex);
    s.is_over = 1;
    pthread_cond_broadcast(&s.condition);
    pthread_mutex_unlock(&s.mutex);
}

static void post(void)
{
    sem_post(&s.taken);
}

static void unlock(void)
{
    ck_assert_int_eq(flock(s.listener, LOCK_UN), 0);
}

static void end_child(void)
{
    kill(s.child, SIGKILL);
}

/* ---- what must be so before ---- */

static void begin_child(void)
{
    char *argv[] = { "sleep", "1000", NULL };

    ck_assert_int_eq(posix_spawnp(&s.child, argv[0], NULL, NULL, argv, environ), 0);
}

static void take_all_room(void)
{
    char block[4096] = { 0 };

    while (send(s.out[0], block, sizeof(block), MSG_DONTWAIT) > 0)
        ;
}

/* The lock is another's: of the same file, opened once more. */
static void lock_file(void)
{
    char path[64];

    close(s.listener);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", s.file);
    s.listener = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(s.listener, 0);
    ck_assert_int_eq(flock(s.listener, LOCK_EX), 0);
}

/* ---- all of them ---- */

typedef struct act {
    const char *name;
    int (*call)(void);
    void (*before)(void);
    void (*end)(void); /* NULL: it ends by itself */
    bool has_fd;
} act;

static const act acts[] = {
    { "sleep", do_sleep, NULL, NULL, false },
    { "usleep", do_usleep, NULL, NULL, false },
    { "nanosleep", do_nanosleep, NULL, NULL, false },
    { "clock_nanosleep", do_clock_nanosleep, NULL, NULL, false },
    { "getaddrinfo", do_getaddrinfo, NULL, NULL, false },
    { "getnameinfo", do_getnameinfo, NULL, NULL, false },
    { "gethostbyname", do_gethostbyname, NULL, NULL, false },
    { "fsync", do_fsync, NULL, NULL, true },
    { "fdatasync", do_fdatasync, NULL, NULL, true },
    { "syncfs", do_syncfs, NULL, NULL, true },
    { "msync", do_msync, NULL, NULL, false },
    { "pthread_cond_wait", do_cond_wait, NULL, announce, false },
    { "pthread_cond_timedwait", do_cond_timedwait, NULL, NULL, false },
    { "pthread_join", do_join, NULL, announce, false },
    { "sem_wait", do_sem_wait, NULL, post, false },
    { "sem_timedwait", do_sem_timedwait, NULL, NULL, false },
    { "wait", do_wait, begin_child, end_child, false },
    { "waitpid", do_waitpid, begin_child, end_child, false },
    { "waitid", do_waitid, begin_child, end_child, false },
    { "system", do_system, NULL, NULL, false },
    { "flock", do_flock, lock_file, unlock, true },
    { "poll", do_poll, NULL, NULL, false },
    { "ppoll", do_ppoll, NULL, NULL, false },
    { "select", do_select, NULL, NULL, false },
    { "pselect", do_pselect, NULL, NULL, false },
    { "epoll_wait", do_epoll_wait, NULL, NULL, true },
    { "read", do_read, NULL, fill, true },
    { "readv", do_readv, NULL, fill, true },
    { "recv", do_recv, NULL, fill, true },
    { "recvfrom", do_recvfrom, NULL, fill, true },
    { "recvmsg", do_recvmsg, NULL, fill, true },
    { "write", do_write, take_all_room, drain, true },
    { "writev", do_writev, take_all_room, drain, true },
    { "send", do_send, take_all_room, drain, true },
    { "sendto", do_sendto, take_all_room, drain, true },
    { "sendmsg", do_sendmsg, take_all_room, drain, true },
    { "accept", do_accept, NULL, call_in, true },
    { "accept4", do_accept4, NULL, call_in, true },
    { "connect", do_connect, NULL, NULL, true },
};

enum { ACTS = sizeof(acts) / sizeof(acts[0]) };

static void open_scene(void)
{
    socklen_t length = sizeof(s.address);

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s.in), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s.out), 0);
    s.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    s.address.sin_family = AF_INET;
    s.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s.address.sin_port = 0; /* any */
    ck_assert_int_eq(bind(s.listener, (struct sockaddr *)&s.address, length), 0);
    ck_assert_int_eq(listen(s.listener, 1), 0);
    ck_assert_int_eq(getsockname(s.listener, (struct sockaddr *)&s.address, &length), 0);
    s.file = memfd_create("file", MFD_CLOEXEC);
    ck_assert_int_eq(ftruncate(s.file, 4096), 0);
    sem_init(&s.taken, 0, 0);
    pthread_mutex_init(&s.mutex, NULL);
    pthread_cond_init(&s.condition, NULL);
    s.is_over = 0;
}

static void close_scene(void)
{
    int fds[] = { s.in[0], s.in[1], s.out[0], s.out[1], s.listener, s.file };

    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        close(fds[i]);
    sem_destroy(&s.taken);
}

static int play(void *arg)
{
    const act *a = arg;
    int rc = a->call();

    ck_assert_msg(rc == 0, "%s failed", a->name);
    return 0;
}

static void expect_report(const act *a)
{
    char report[128];
    char place[128];
    tr_future *f;

    (void)snprintf(report, sizeof(report), "loop 0: task 'play' calls %s()%s", a->name,
                   a->has_fd ? " on descriptor " : ", which blocks its loop: use ");
    (void)snprintf(place, sizeof(place), " (" HERE);
    open_scene();
    if (a->before != NULL)
        a->before();
    ck_assert_int_eq(tr_submit(&f, TR_LOOP(0), play, (void *)(uintptr_t)a), 0);
    kit_await_log(report);
    if (a->end != NULL)
        a->end();
    ck_assert_int_eq(tr_future_wait(f, KIT_PATIENCE_S), 0);
    tr_future_unref(f);
    kit_expect_line(report, place);
    close_scene();
}

START_TEST(each_call_that_blocks_is_named_with_its_place)
{
    if (skips())
        return;
    for (int i = 0; i < ACTS; i++) {
        kit_start_debug(1); /* anew: only a few reports a second */
        expect_report(&acts[i]);
        kit_stop();
        kit_log_clear();
    }
}
END_TEST

/* ---- what does not block ---- */

static int do_what_does_not_block(void *unused)
{
    struct pollfd fd = { .fd = s.in[0], .events = POLLIN };
    struct timeval none = { 0 };
    siginfo_t info;
    pthread_t thread;

    (void)unused;
    ck_assert_int_eq(sleep(0), 0);
    ck_assert_int_eq(usleep(0), 0);
    ck_assert_int_eq(poll(&fd, 1, 0), 0);
    ck_assert_int_eq(select(0, NULL, NULL, NULL, &none), 0);
    ck_assert_int_eq(read(s.in[1], bytes, 1), 1); /* there is something */
    ck_assert_int_eq(recv(s.in[0], bytes, 1, MSG_DONTWAIT), -1);
    ck_assert_int_eq(write(s.out[0], bytes, 1), 1);
    ck_assert_int_eq(write(s.file, bytes, 1), 1);
    ck_assert_int_eq(lseek(s.file, 0, SEEK_SET), 0);
    ck_assert_int_eq(read(s.file, bytes, 1), 1);
    ck_assert_int_eq(sem_wait(&s.taken), 0);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* there is no child */
    ck_assert_int_eq(waitpid(-1, NULL, 0), -1);
    ck_assert_int_eq(waitid(P_ALL, 0, &info, WEXITED), -1);
    ck_assert_int_eq(fcntl(s.in[0], F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_eq(read(s.in[0], bytes, 1), -1);
    ck_assert_int_eq(errno, EAGAIN);
    s.is_over = 1;
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_end, NULL), 0);
    while (pthread_tryjoin_np(thread, NULL) != 0)
        sched_yield();
    return 0;
}

static int sleep_on_a_pool(void *unused)
{
    (void)unused;
    return usleep(10);
}

static int call_pool(void *unused)
{
    return tr_to_thread(sleep_on_a_pool, unused);
}

START_TEST(calls_that_do_not_block_and_those_of_other_threads_are_not_reported)
{
    if (skips())
        return;
    kit_start_debug(2);
    open_scene();
    ck_assert_int_eq(write(s.in[0], "x", 1), 1); /* for in[1] to read */
    post();
    ck_assert_int_eq(kit_in_task(0, do_what_does_not_block, NULL), 0);
    ck_assert_int_eq(kit_in_task(1, call_pool, NULL), 0);
    ck_assert_int_eq(usleep(10), 0);
    close_scene();
    kit_stop();
    kit_expect_no_line("which blocks its loop");
}
END_TEST

/* ---- counted ---- */

static int nap_five_times(void *unused)
{
    (void)unused;
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(usleep(10), 0);
    return 0;
}

START_TEST(place_is_reported_once_and_counted)
{
    if (skips())
        return;
    kit_start_debug(1);
    ck_assert_int_eq(kit_in_task(0, nap_five_times, NULL), 0);
    kit_stop();
    ck_assert_int_eq(kit_log_count("calls usleep()"), 1);
    kit_expect_line("usleep() has blocked loops 5 times at ", "nap_five_times (" HERE);
}
END_TEST

/* Each call is a place of its own. */
#define NAP_TEN_TIMES                                                                              \
    do {                                                                                           \
        usleep(1);                                                                                 \
        usleep(1);                                                                                 \
        usleep(1);                                                                                 \
        usleep(1);                                                                                 \
        usleep(1);                                                                                 \
        usleep(1);                                                                                 \
        usleep(1);                                                                                 \
        usleep(1);                                                                                 \
        usleep(1);                                                                                 \
        usleep(1);                                                                                 \
    } while (0)

static int nap_at_fifty_places(void *unused)
{
    (void)unused;
    NAP_TEN_TIMES;
    NAP_TEN_TIMES;
    NAP_TEN_TIMES;
    NAP_TEN_TIMES;
    NAP_TEN_TIMES;
    return 0;
}

START_TEST(places_beyond_a_few_a_second_wait_and_are_summed_up_in_the_end)
{
    if (skips())
        return;
    kit_start_debug(1);
    ck_assert_int_eq(kit_in_task(0, nap_at_fifty_places, NULL), 0);
    kit_stop();
    ck_assert_int_ge(kit_log_count("calls usleep()"), 32);
    ck_assert_int_le(kit_log_count("calls usleep()"), 50);
}
END_TEST

/* ---- the entries ---- */

static TR__NOINLINE void *entry_of_usleep(void)
{
    /* The compiler must not take it for the same each time. */
    __asm__ volatile("" ::: "memory");
    return (void *)(uintptr_t)usleep;
}

START_TEST(entries_are_put_back_when_debug_mode_ends)
{
    void *before = entry_of_usleep();

    if (skips())
        return;
    kit_start(1);
    ck_assert_ptr_eq(entry_of_usleep(), before);
    kit_stop();
    for (int i = 0; i < 2; i++) {
        kit_start_debug(1);
        ck_assert_ptr_ne(entry_of_usleep(), before);
        kit_stop();
        ck_assert_ptr_eq(entry_of_usleep(), before);
    }
}
END_TEST

/* ---- an object that is loaded later ---- */

/* Its functions: see plugin.c. */
static void *plugin;
static int (*plugin_nap)(void);
static void *(*plugin_entry)(void);

static void load_plugin(void)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    void *function;

    ck_assert_int_gt(length, 0);
    path[length] = '\0';
    (void)snprintf(strrchr(path, '/'), 32, "/plugin.so");
    plugin = dlopen(path, RTLD_NOW);
    ck_assert_msg(plugin != NULL, "%s", dlerror());
    function = dlsym(plugin, "plugin_nap");
    memcpy(&plugin_nap, &function, sizeof(function));
    function = dlsym(plugin, "plugin_entry");
    memcpy(&plugin_entry, &function, sizeof(function));
}

static int nap_in_plugin(void *unused)
{
    (void)unused;
    return plugin_nap();
}

START_TEST(objects_that_are_loaded_later_are_watched_soon)
{
    void *before;

    if (skips())
        return;
    kit_start_debug(1);
    load_plugin();
    before = dlsym(RTLD_DEFAULT, "usleep");
    while (plugin_entry() == before)
        sched_yield();
    ck_assert_int_eq(kit_in_task(0, nap_in_plugin, NULL), 0);
    kit_await_log("calls usleep()");
    kit_expect_line("calls usleep()", "plugin_nap (observe/plugin.c");
    kit_stop();
    ck_assert_ptr_eq(plugin_entry(), before);
    dlclose(plugin);
}
END_TEST

START_TEST(objects_that_are_unloaded_meanwhile_are_let_be)
{
    kit_start_debug(1);
    load_plugin();
    dlclose(plugin);
    kit_stop();
}
END_TEST

KIT_MAIN("observe/blocking", each_call_that_blocks_is_named_with_its_place,
         calls_that_do_not_block_and_those_of_other_threads_are_not_reported,
         place_is_reported_once_and_counted,
         places_beyond_a_few_a_second_wait_and_are_summed_up_in_the_end,
         entries_are_put_back_when_debug_mode_ends, objects_that_are_loaded_later_are_watched_soon,
         objects_that_are_unloaded_meanwhile_are_let_be)
