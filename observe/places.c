#include "observe/places.h"

#include <pthread.h>
#include <stddef.h>

#include "base/threads.h"

/* A table with open addressing, never more than half full (Knuth, volume 3, 6.4). */
enum { SLOTS = 1 << 13, FIRST = 2 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const void *places[SLOTS / 2]; /* by number */
static uint32_t numbers[SLOTS];       /* by hash; 0: free */
static uint32_t count;

static uint32_t slot_of(const void *place)
{
    /* Fibonacci hashing (the same, 6.4). */
    return (uint32_t)(((uintptr_t)place * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - 13));
}

static uint32_t find_or_add(const void *place)
{
    uint32_t slot = slot_of(place);

    while (numbers[slot] != 0 && places[numbers[slot] - FIRST] != place)
        slot = (slot + 1) % SLOTS;
    if (numbers[slot] == 0 && count < SLOTS / 2) {
        places[count] = place;
        numbers[slot] = FIRST + count++;
    }
    return numbers[slot];
}

uint32_t tr__place_number(const void *place)
{
    uint32_t number;

    tr__mutex_lock(&lock);
    number = find_or_add(place);
    tr__mutex_unlock(&lock);
    return number;
}

const void *tr__place_of(uint32_t number)
{
    const void *place;

    tr__mutex_lock(&lock);
    place = number >= FIRST && number - FIRST < count ? places[number - FIRST] : NULL;
    tr__mutex_unlock(&lock);
    return place;
}
