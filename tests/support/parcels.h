/* Messages that own something and count how often they were dropped, for tests of which only the
 * number matters; and sizes that no machine has. */
#ifndef TR_TESTS_PARCELS_H
#define TR_TESTS_PARCELS_H

#include "support/kit.h"

TR_MESSAGE_OWNING(kit_parcel, kit_parcel_drop)
{
    uint64_t number;
};
TR_MESSAGE_OWNING(kit_crate, kit_crate_drop)
{
    uint64_t number;
    char text[500];
};

/* Of both. A test may set it back. */
extern uint32_t kit_drops;

/* Once in a file that asks for absurd sizes on purpose: the sanitizers let it. */
#define KIT_ASKS_FOR_ABSURD_SIZES                                                                  \
    const char *__asan_default_options(void);                                                      \
    const char *__asan_default_options(void)                                                       \
    {                                                                                              \
        return "allocator_may_return_null=1";                                                      \
    }                                                                                              \
    const char *__tsan_default_options(void);                                                      \
    const char *__tsan_default_options(void)                                                       \
    {                                                                                              \
        return "allocator_may_return_null=1";                                                      \
    }

#endif
