/* What arrives, and when. See arrivals.h. */
#include "sim/arrivals.h"

#include <stdlib.h>
#include <string.h>

#include "sim/world.h"

static tr__arrival **heap; /* from 1: that of `i` stands above those of 2i and 2i + 1 */
static size_t heap_count;
static size_t heap_room;
static uint64_t numbers;

void *tr__sim_memory(size_t bytes)
{
    void *block = calloc(1, bytes);

    if (block == NULL)
        tr__sim_give_up("there is no memory for the simulated network");
    return block;
}

static bool is_before(const tr__arrival *one, const tr__arrival *other)
{
    return one->at_ns < other->at_ns || (one->at_ns == other->at_ns && one->number < other->number);
}

static void put(tr__arrival *arrival, size_t place)
{
    heap[place] = arrival;
    arrival->place = place;
}

/* Find the place for one that may stand there, or above, or below. */
static void settle(tr__arrival *arrival, size_t place)
{
    size_t below;

    for (; place > 1 && is_before(arrival, heap[place / 2]); place /= 2)
        put(heap[place / 2], place);
    for (; (below = 2 * place) <= heap_count; place = below) {
        if (below < heap_count && is_before(heap[below + 1], heap[below]))
            below++;
        if (!is_before(heap[below], arrival))
            break;
        put(heap[below], place);
    }
    put(arrival, place);
    tr__sim.arrival_ns = heap[1]->at_ns;
}

static void make_room(void)
{
    tr__arrival **larger;

    if (heap_count + 1 < heap_room)
        return;
    larger = tr__sim_memory((heap_room = 2 * heap_room + 64) * sizeof(heap[0]));
    if (heap_count > 0)
        memcpy(larger, heap, (heap_count + 1) * sizeof(heap[0]));
    free(heap);
    heap = larger;
}

void tr__arrival_plan(tr__arrival *arrival, uint64_t at_ns, void (*fn)(tr__arrival *arrival))
{
    make_room();
    arrival->fn = fn;
    arrival->at_ns = at_ns;
    arrival->number = ++numbers;
    settle(arrival, ++heap_count);
}

void tr__arrival_cancel(tr__arrival *arrival)
{
    size_t place = arrival->place;
    tr__arrival *last;

    if (place == 0)
        return;
    arrival->place = 0;
    last = heap[heap_count--];
    if (last != arrival)
        settle(last, place);
    tr__sim.arrival_ns = heap_count > 0 ? heap[1]->at_ns : UINT64_MAX;
}

void tr__arrivals_run(void)
{
    uint64_t now_ns = tr__sim_peek_ns();

    while (tr__sim.arrival_ns <= now_ns) {
        tr__arrival *first = heap[1];

        tr__arrival_cancel(first);
        first->fn(first);
    }
}

void tr__arrivals_end(void)
{
    free(heap);
    heap = NULL;
    heap_count = 0;
    heap_room = 0;
    numbers = 0;
    tr__sim.arrival_ns = UINT64_MAX;
}
