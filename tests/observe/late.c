/* An object whose loading stands still, half-way: the linker asks choose() what late_nap is, before
 * it has written the entry of usleep. It says so on one descriptor, and goes on when there is
 * something to read on another, or its end. */
#include <sys/syscall.h>
#include <unistd.h>

#include "late.h"

extern int late_nap(void);
extern int (*late_table[])(void);

static int naps;

static int nap(void)
{
    int rc = usleep(1);

    naps++;
    return rc;
}

/* Nothing outside of this object can be called yet. */
static long call(long number, long a, const void *b, long c)
{
#if defined(__x86_64__)
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register const void *x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;

    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
#else
    return number + a + (long)b + c;
#endif
}

static int (*choose(void))(void)
{
    char byte = 0;

    (void)call(SYS_write, LATE_SAYS, &byte, 1); /* a test that does not hear it fails */
    (void)call(SYS_read, LATE_HEARS, &byte, 1);
    return nap;
}

int late_nap(void) __attribute__((ifunc("choose")));

/* So that the linker has to know. */
int (*late_table[])(void) = { late_nap };
