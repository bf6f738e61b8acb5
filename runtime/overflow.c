/* The handler of SIGSEGV and SIGBUS. */
#include "runtime/overflow.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

#include "base/atomic.h"
#include "base/seam.h"
#include <troupe/core.h>

#if defined(TR__ASAN) || defined(TR__TSAN)
enum { IS_OURS = 0 };
#else
enum { IS_OURS = 1 };
#endif

/* The program's handlers may run on it, too; and the frame of a signal is up to 11 KiB on machines
 * with wide registers. */
enum { HANDLER_STACK_BYTES = 64 << 10 };

enum { NAME_MAX_BYTES = 100, LINE_BYTES = 256 };

typedef struct watched {
    int signo;
    bool is_set; /* ours is, or another that was set over it may call it */
    struct sigaction before;
} watched;

static watched signals[] = { { .signo = SIGSEGV }, { .signo = SIGBUS } };

enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

static void *find_function; /* a tr__overflow_find; NULL: closed */

/* ---- the line ---- */

typedef struct text_line {
    char text[LINE_BYTES];
    size_t length;
} text_line;

static void add(text_line *line, const char *text)
{
    for (size_t i = 0; text[i] != '\0' && i < NAME_MAX_BYTES; i++)
        line->text[line->length++] = text[i];
}

static void add_number(text_line *line, size_t number)
{
    char digits[24];
    char *at = digits + sizeof(digits);

    *--at = '\0';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    add(line, at);
}

/* Nothing here may allocate, lock, or call what does: so no stdio. */
static void tell(const tr__stack *stack, const char *name)
{
    text_line line;

    line.length = 0;
    add(&line, "troupe: task '");
    add(&line, name != NULL ? name : "?");
    add(&line, "' overflowed its stack of ");
    add_number(&line, stack->bytes);
    add(&line, " bytes: spawn it with a larger .stack_bytes\n");
    tr__stderr_write(line.text, line.length);
}

/* ---- the handler ---- */

static watched *watch_of(int signo)
{
    return &signals[signo == SIGSEGV ? 0 : 1];
}

/* Faults come from the kernel; what a process sends has a code that is not positive. */
static bool is_fault(const siginfo_t *info)
{
    return info->si_code > 0;
}

static bool is_overflow(const siginfo_t *info, const tr__stack **stack, const char **name)
{
    /* acquire: pairs with the release in tr__overflow_open: what find reads is set up. */
    void *function = tr__load_acquire_ptr(&find_function);
    tr__overflow_find find;

    if (function == NULL || !is_fault(info))
        return false;
    memcpy(&find, &function, sizeof(find)); /* C has no cast from one to the other */
    return find(stack, name) && tr__stack_guards(*stack, info->si_addr);
}

/* Nothing but what was set before: a fault happens again when we return, and a signal that was
 * sent is sent again. */
static void yield_to(const watched *watch, const siginfo_t *info)
{
    (void)sigaction(watch->signo, &watch->before, NULL); /* it was accepted before */
    if (!is_fault(info))
        (void)raise(watch->signo); /* blocked until we return */
}

/* The handler's mask and flags are the earlier one's: see set_handler. */
static void hand_on(watched *watch, siginfo_t *info, void *machine)
{
    struct sigaction before = watch->before;

    if (before.sa_flags & SA_RESETHAND)
        watch->before = (struct sigaction){ .sa_handler = SIG_DFL };
    if (before.sa_flags & SA_SIGINFO)
        before.sa_sigaction(watch->signo, info, machine);
    else
        before.sa_handler(watch->signo);
}

static void on_signal(int signo, siginfo_t *info, void *machine)
{
    watched *watch = watch_of(signo);
    bool is_function = (watch->before.sa_flags & SA_SIGINFO) ||
                       (watch->before.sa_handler != SIG_DFL && watch->before.sa_handler != SIG_IGN);
    int error = errno;
    const tr__stack *stack;
    const char *name;

    if (is_overflow(info, &stack, &name)) {
        tell(stack, name);
        yield_to(watch, info);
    } else if (is_function) {
        hand_on(watch, info, machine);
    } else if (is_fault(info) || watch->before.sa_handler == SIG_DFL) {
        yield_to(watch, info);
    } /* else one that was sent, and is ignored */
    errno = error;
}

/* ---- setting it ---- */

static void set_handler(watched *watch)
{
    struct sigaction ours;

    if (watch->is_set)
        return; /* under one that was set since: over it, each would call the other */
    (void)sigaction(watch->signo, NULL, &watch->before); /* these can't fail: the signals exist */
    ours = watch->before;
    ours.sa_flags = (ours.sa_flags & (SA_NODEFER | SA_RESTART)) | SA_SIGINFO | SA_ONSTACK;
    ours.sa_sigaction = on_signal;
    (void)sigaction(watch->signo, &ours, NULL);
    watch->is_set = true;
}

static void reset_handler(watched *watch)
{
    struct sigaction now;

    (void)sigaction(watch->signo, NULL, &now); /* as above */
    if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_signal) {
        (void)sigaction(watch->signo, &watch->before, NULL);
        watch->is_set = false;
    }
}

int tr__overflow_open(tr__overflow_find find)
{
    void *function;

    if (!IS_OURS)
        return 0;
    memcpy(&function, &find, sizeof(function));
    /* release: publishes what find reads; pairs with the acquire in is_overflow. */
    tr__store_release_ptr(&find_function, function);
    for (size_t i = 0; i < SIGNALS; i++)
        set_handler(&signals[i]);
    return 0;
}

void tr__overflow_close(void)
{
    if (!IS_OURS)
        return;
    for (size_t i = 0; i < SIGNALS; i++)
        reset_handler(&signals[i]);
    /* release: as in tr__overflow_open; it publishes nothing more. */
    tr__store_release_ptr(&find_function, NULL);
}

/* ---- threads ---- */

int tr__overflow_stack_new(void **out)
{
    *out = IS_OURS ? tr__pages_map(HANDLER_STACK_BYTES, tr__page_bytes()) : NULL;
    return !IS_OURS || *out != NULL ? 0 : TR_ENOMEM;
}

void tr__overflow_stack_free(void *stack)
{
    if (stack != NULL)
        tr__pages_unmap(stack, HANDLER_STACK_BYTES);
}

void tr__overflow_enter_thread(void *stack)
{
    const stack_t ours = { .ss_sp = stack, .ss_size = HANDLER_STACK_BYTES };
    stack_t before;

    if (stack == NULL)
        return;
    (void)sigaltstack(NULL, &before); /* can't fail */
    if (before.ss_flags & SS_DISABLE)
        (void)sigaltstack(&ours, NULL); /* can't fail: it is large enough, and not in use */
    /* else it is somebody's, and serves */
}

void tr__overflow_leave_thread(void *stack)
{
    const stack_t none = { .ss_flags = SS_DISABLE };
    stack_t now;

    (void)sigaltstack(NULL, &now); /* can't fail */
    if (stack != NULL && now.ss_sp == stack)
        (void)sigaltstack(&none, NULL); /* can't fail: it is not in use */
}
