/* Fast random numbers that are not secret: Vigna's splitmix64. All chance in troupe comes from
 * here, seeded by the dice seam. */
#ifndef TR_BASE_RANDOM_H
#define TR_BASE_RANDOM_H

#include <stdint.h>

typedef struct tr__random {
    uint64_t state;
} tr__random;

static inline uint64_t tr__random_next(tr__random *random)
{
    uint64_t z = (random->state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

#endif
