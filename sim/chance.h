/* Chances. */
#ifndef TR_SIM_CHANCE_H
#define TR_SIM_CHANCE_H

#include <stdbool.h>

#include "base/random.h"

/* Whether something of that chance, from 0 to 1, happens. A chance of 0 asks no dice. */
static inline bool tr__chance(tr__random *dice, double chance)
{
    return chance > 0 && (double)(tr__random_next(dice) >> 11) * 0x1p-53 < chance;
}

#endif
