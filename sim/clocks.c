/* The time of a simulated world: who reads a clock of the C library, or sleeps by one, has the
 * virtual time, by functions of the same names, which the linker finds first. Outside of a run they
 * do what the real ones do. */
#include <errno.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "sim/world.h"

TR_API int clock_gettime(clockid_t clock, struct timespec *now);
TR_API int gettimeofday(struct timeval *restrict now, void *restrict zone);
TR_API int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
                           struct timespec *left);
TR_API int nanosleep(const struct timespec *time, struct timespec *left);
TR_API int usleep(useconds_t us);
TR_API unsigned sleep(unsigned seconds);

const char tr__sim_has_clocks = 1;

#define SECOND_NS UINT64_C(1000000000)

/* The day on which each run begins: 2000-01-01. */
static const uint64_t CALENDAR_NS = 946684800 * SECOND_NS;

/* ---- reading ---- */

static bool is_calendar(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
}

static uint64_t calendar_ns(void)
{
    return tr__sim_clock_ns() - TR__SIM_EPOCH_NS + CALENDAR_NS;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    uint64_t ns;

    if (!tr__sim_is_here())
        return (int)syscall(SYS_gettimeofday, now, zone);
    ns = calendar_ns();
    now->tv_sec = (time_t)(ns / SECOND_NS);
    now->tv_usec = (suseconds_t)(ns % SECOND_NS / 1000);
    return 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    uint64_t ns;

    if (!tr__sim_is_here() || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID)
        return (int)syscall(SYS_clock_gettime, clock, now);
    ns = is_calendar(clock) ? calendar_ns() : tr__sim_clock_ns();
    now->tv_sec = (time_t)(ns / SECOND_NS);
    now->tv_nsec = (long)(ns % SECOND_NS);
    return 0;
}

/* ---- sleeping ---- */

/* 0, or EINTR. */
static int sleep_until(uint64_t ns, struct timespec *left)
{
    uint64_t now_ns;

    (void)tr__sim_wait_for(TR__SIM_TIME, NULL, ns); /* nothing but a signal wakes it before */
    if (!tr__sim_was_interrupted())
        return 0;
    now_ns = tr__sim_clock_ns();
    ns = ns > now_ns ? ns - now_ns : 0;
    if (left != NULL)
        *left = (struct timespec){ (time_t)(ns / SECOND_NS), (long)(ns % SECOND_NS) };
    return EINTR;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left)
{
    uint64_t ns = (uint64_t)time->tv_sec * SECOND_NS + (uint64_t)time->tv_nsec;
    uint64_t begin_ns;

    if (!tr__sim_is_here())
        return syscall(SYS_clock_nanosleep, clock, flags, time, left) < 0 ? errno : 0;
    if (time->tv_sec < 0 || time->tv_nsec < 0 || (uint64_t)time->tv_nsec >= SECOND_NS)
        return EINVAL;
    begin_ns = tr__sim_clock_ns();
    if ((flags & TIMER_ABSTIME) == 0)
        ns += begin_ns;
    else if (is_calendar(clock))
        ns = ns > CALENDAR_NS ? ns - CALENDAR_NS + TR__SIM_EPOCH_NS : begin_ns;
    return ns > begin_ns ? sleep_until(ns, (flags & TIMER_ABSTIME) == 0 ? left : NULL) : 0;
}

int nanosleep(const struct timespec *time, struct timespec *left)
{
    int error = clock_nanosleep(CLOCK_MONOTONIC, 0, time, left);

    if (error == 0)
        return 0;
    errno = error;
    return -1;
}

int usleep(useconds_t us)
{
    return nanosleep(
        &(struct timespec){ .tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000 }, NULL);
}

unsigned sleep(unsigned seconds)
{
    struct timespec time = { .tv_sec = seconds };
    struct timespec left = time;

    return nanosleep(&time, &left) == 0 ? 0 : (unsigned)left.tv_sec;
}
