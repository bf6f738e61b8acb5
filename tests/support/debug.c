/* What tests of debug mode share. */
#include "support/debug.h"

#include <sched.h>

bool kit_places_are_exact(void)
{
    return KIT_SIGNALS_ARE_PROMPT && !KIT_EMULATED && !tr__valgrind_listens();
}

void kit_start_debug(int loops)
{
    kit_start_with(&(tr_config){ .loops = loops, .debug = 1, .slow_ms = KIT_SLOW_MS });
}

void kit_await_log(const char *text)
{
    while (!kit_log_contains(text))
        sched_yield();
}

void kit_expect_line(const char *what, const char *place)
{
    ck_assert_msg(kit_log_has_line(what, kit_places_are_exact() ? place : ""),
                  "no line says \"%s\" at %s", what, place);
}

void kit_expect_no_line(const char *what)
{
    char line[1024];

    if (kit_log_first_line(what, line, sizeof(line)))
        ck_abort_msg("it was not to be said: %s", line);
}

void kit_step_until_logged(const char *text)
{
    while (!kit_log_contains(text))
        ;
}
