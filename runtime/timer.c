/* The timing wheel. */
#include "runtime/timer.h"

#include "base/assert.h"

/* Later than any clock will show, and the last whose time in nanoseconds is a uint64_t. */
#define TICKS_MAX (UINT64_MAX >> TR__TICK_SHIFT)

void tr__wheel_init(tr__wheel *wheel, uint64_t now_ns)
{
    wheel->tick = now_ns >> TR__TICK_SHIFT;
    wheel->count = 0;
    for (unsigned level = 0; level < TR__WHEEL_LEVELS; level++) {
        for (unsigned word = 0; word < TR__WHEEL_WORDS; word++)
            wheel->occupied[level][word] = 0;
        for (unsigned slot = 0; slot < TR__WHEEL_SLOTS; slot++)
            tr__list_init(&wheel->slots[level][slot]);
    }
    tr__list_init(&wheel->expired);
}

/* The first tick at which the timer may fire: rounded up, so that it is never early. */
static uint64_t due_tick(const tr__timer *timer)
{
    uint64_t tick = timer->due_ns >> TR__TICK_SHIFT;

    if ((timer->due_ns & ((UINT64_C(1) << TR__TICK_SHIFT) - 1)) != 0)
        tick++;
    return tick < TICKS_MAX ? tick : TICKS_MAX;
}

/* The level of the highest bit in which a later tick, at most TICKS_MAX, differs from this one. */
static unsigned level_of(uint64_t tick, uint64_t later)
{
    uint64_t differing = (tick ^ later) | (TR__WHEEL_SLOTS - 1);

    return (63U - (unsigned)__builtin_clzll(differing)) / TR__WHEEL_BITS;
}

_Static_assert(64 - TR__TICK_SHIFT <= TR__WHEEL_LEVELS * TR__WHEEL_BITS, "every tick has a level");

static void insert(tr__wheel *wheel, tr__timer *timer)
{
    uint64_t due = due_tick(timer);
    unsigned level;
    unsigned slot;

    if (due <= wheel->tick) {
        tr__list_append(&wheel->expired, &timer->link);
        return;
    }
    level = level_of(wheel->tick, due);
    slot = (unsigned)(due >> (level * TR__WHEEL_BITS)) % TR__WHEEL_SLOTS;
    tr__list_append(&wheel->slots[level][slot], &timer->link);
    wheel->occupied[level][slot / 64] |= UINT64_C(1) << slot % 64;
}

void tr__timer_start(tr__wheel *wheel, tr__timer *timer, uint64_t due_ns, tr__timer_fn fire)
{
    TR_DCHECK(!tr__timer_is_started(timer));
    timer->due_ns = due_ns;
    timer->fire = fire;
    wheel->count++;
    insert(wheel, timer);
}

static void vacate(tr__wheel *wheel, unsigned level, unsigned slot)
{
    wheel->occupied[level][slot / 64] &= ~(UINT64_C(1) << slot % 64);
}

/* If that slot of the wheel has become empty, say so in its level's bits. */
static void note_emptied(tr__wheel *wheel, const tr__list *head)
{
    size_t place = (size_t)(head - &wheel->slots[0][0]);

    if (head >= &wheel->slots[0][0] && place < (size_t)TR__WHEEL_LEVELS * TR__WHEEL_SLOTS)
        vacate(wheel, (unsigned)(place / TR__WHEEL_SLOTS), (unsigned)(place % TR__WHEEL_SLOTS));
}

void tr__timer_stop(tr__wheel *wheel, tr__timer *timer)
{
    tr__list *next = timer->link.next;

    if (!tr__timer_is_started(timer))
        return;
    tr__list_remove(&timer->link);
    wheel->count--;
    if (tr__list_is_empty(next)) /* then it is the head of the list that the timer stood in */
        note_emptied(wheel, next);
}

typedef struct expiration {
    uint64_t tick;
    unsigned level;
    unsigned slot;
} expiration;

/* The first occupied slot of a level; TR__WHEEL_SLOTS when there is none. Slots at and before the
 * present one are empty: their timers would differ from now in a higher bit, or not at all. */
static unsigned first_occupied(const uint64_t *occupied)
{
    for (unsigned word = 0; word < TR__WHEEL_WORDS; word++)
        if (occupied[word] != 0)
            return word * 64 + (unsigned)__builtin_ctzll(occupied[word]);
    return TR__WHEEL_SLOTS;
}

/* The first occupied slot, and the tick at which its time begins; false when there is none. */
static bool next_expiration(const tr__wheel *wheel, expiration *next)
{
    for (unsigned level = 0; level < TR__WHEEL_LEVELS; level++) {
        unsigned slot = first_occupied(wheel->occupied[level]);
        unsigned shift = level * TR__WHEEL_BITS;

        if (slot == TR__WHEEL_SLOTS)
            continue;
        next->level = level;
        next->slot = slot;
        next->tick = (wheel->tick >> shift >> TR__WHEEL_BITS << TR__WHEEL_BITS << shift) |
                     ((uint64_t)slot << shift);
        return true;
    }
    return false;
}

/* Time has come to a slot: its timers are due, or belong to a lower level now. */
static void open_slot(tr__wheel *wheel, const expiration *at)
{
    tr__list *head = &wheel->slots[at->level][at->slot];
    tr__list *node;

    wheel->tick = at->tick;
    vacate(wheel, at->level, at->slot);
    if (at->level == 0) { /* all of one tick */
        tr__list_append_all(&wheel->expired, head);
        return;
    }
    while ((node = tr__list_take_first(head)) != NULL) {
        __builtin_prefetch(head->next); /* timers are scattered: each is a cache miss */
        insert(wheel, TR__CONTAINER_OF(node, tr__timer, link));
    }
}

size_t tr__wheel_advance(tr__wheel *wheel, uint64_t now_ns, size_t most)
{
    uint64_t now = now_ns >> TR__TICK_SHIFT;
    expiration next;
    size_t fired = 0;
    tr__list *node;

    while (next_expiration(wheel, &next) && next.tick <= now)
        open_slot(wheel, &next);
    if (wheel->tick < now)
        wheel->tick = now;
    while (fired < most && (node = tr__list_take_first(&wheel->expired)) != NULL) {
        tr__timer *timer = TR__CONTAINER_OF(node, tr__timer, link);

        __builtin_prefetch(wheel->expired.next);
        wheel->count--;
        fired++;
        timer->fire(timer);
    }
    return fired;
}

uint64_t tr__wheel_next_ns(const tr__wheel *wheel)
{
    expiration next;

    if (!tr__list_is_empty(&wheel->expired))
        return 0;
    return next_expiration(wheel, &next) ? next.tick << TR__TICK_SHIFT : UINT64_MAX;
}
