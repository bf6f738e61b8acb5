/* The inlet: nodes of any threads arrive once, each thread's in order; what comes after the close
 * is refused, and what came before it is not lost.
 *
 * What it models: tr__inlet_open, tr__inlet_push_mpsc, tr__inlet_take_mpsc, tr__links_turn,
 * tr__inlet_close (mailbox/mpsc.h), and the rule that only who is told TR__PUSH_FIRST rings
 * (push_and_ring in runtime/port.c). Nodes are used again as soon as they have arrived, as those of
 * runnables are: so a compare and swap may meet a top that is the same once more.
 *
 * What is abstracted, and why that is sound:
 *   - waking is a bell that is never lost (park.pml); the owner looks only when it has rung, and
 *     before it closes. So a push that should have rung, and did not, leaves its node there.
 *   - the owner stores to memory itself, as turning the list round only concerns what is its own.
 *   - freeing a node is using it again: who pushes it next writes it without a look.
 * Memory is WEAK (memory.inc): what a node holds is published by nothing but the compare and swap.
 *
 * Properties: each accepted node arrives, once, as it was written, in its thread's order; no push
 * touches an inlet that is closed; the owner never waits for a push.
 *
 * Bounds: THREADS - 1 pushers with NODES nodes each, PUSHES pushes each; one open, one close.
 * About a million states each. */

/* bounds: PUSHERS=2,NODES=1,PUSHES=3 PUSHERS=2,NODES=2,PUSHES=2 PUSHERS=3,NODES=1,PUSHES=1 */
/* broken: NO_FENCE NO_SWAP NO_TURN ASKS_BEFORE TAKES_BY_STORE CLOSES_BY_STORE IGNORES_CLOSED */

#ifndef PUSHERS
#define PUSHERS 2
#endif
#ifndef NODES
#ifdef BROKEN_NO_TURN
#define NODES 2 /* one thread's nodes have to meet in the inlet */
#else
#define NODES 1
#endif
#endif
#ifndef PUSHES
#define PUSHES 2
#endif

#define OWNER   0
#define THREADS (PUSHERS + 1)

/* Variables. Nodes are numbered from 1; 0 is NULL. */
#define TOP 0
#define NEXT(node) (2 * (node)-1)
#define CARGO(node) (2 * (node))
#define NODE(pusher, i) (((pusher)-1) * NODES + (i) + 1)
#define OWNER_OF(node) (((node)-1) / NODES + 1)
#define VARS (2 * PUSHERS * NODES + 1)
#define BUFFER 3
#define WEAK
#include "memory.inc"

#define CLOSED 255

bit bell;
bit is_closing;
byte done; /* pushers that push no more */
byte accepted[THREADS];
byte arrived[THREADS];
byte latest[THREADS];            /* that has arrived */
bit is_out[PUSHERS * NODES + 1]; /* the node is in the inlet, or about to be */

/* ---- pushers ---- */

proctype Pusher(byte self)
{
    byte number = 0, i = 0, top;
    bit swapped, was_empty, refused;

    do
    :: number < PUSHES ->
        number++;
        atomic {
            !is_out[NODE(self, i)] ->
            is_out[NODE(self, i)] = 1
        }
        STORE_RELAXED(CARGO(NODE(self, i)), number);
        /* tr__inlet_push_mpsc */
#ifdef BROKEN_ASKS_BEFORE
        was_empty = (mem[TOP] == 0);
#endif
        swapped = 0;
        refused = 0;
        do
        :: !swapped && !refused ->
            top = mem[TOP]; /* who pushes never stores to it: there is nothing in the buffer */
            if
#ifndef BROKEN_IGNORES_CLOSED
            :: top == CLOSED -> refused = 1
#endif
            :: else ->
                STORE_RELAXED(NEXT(NODE(self, i)), top);
#if defined(BROKEN_NO_FENCE)
                d_step {
                    swapped = (mem[TOP] == top);
                    if
                    :: swapped -> mem[TOP] = NODE(self, i)
                    :: else
                    fi
                }
#elif defined(BROKEN_NO_SWAP)
                DRAINED;
                mem[TOP] = NODE(self, i);
                swapped = 1
#else
                CAS(TOP, top, NODE(self, i), swapped)
#endif
            fi
        :: else -> break
        od;
#ifndef BROKEN_ASKS_BEFORE
        was_empty = (top == 0);
#endif
        /* push_and_ring */
        if
        :: refused -> is_out[NODE(self, i)] = 0
        :: else ->
            d_step {
                accepted[self]++;
                if
                :: was_empty -> bell = 1
                :: else
                fi
            }
        fi;
        top = 0; swapped = 0; was_empty = 0; refused = 0;
        i = (i + 1) % NODES
    :: else -> break
    od;
    done++
}

/* ---- the owner ---- */

/* Turn the list round, and land it. */
inline land(list)
{
    node = 0;
    do
    :: list != 0 && list != CLOSED ->
#ifdef BROKEN_NO_TURN
        next = mem[NEXT(list)];
        arrive(list);
        list = next
#else
        next = mem[NEXT(list)];
        mem[NEXT(list)] = node;
        node = list;
        list = next
#endif
    :: else -> break
    od;
    do
    :: node != 0 ->
        next = mem[NEXT(node)];
        arrive(node);
        node = next
    :: else -> break
    od;
    list = 0; next = 0
}

inline arrive(it)
{
    d_step {
        assert(is_out[it]);
        assert(mem[CARGO(it)] > latest[OWNER_OF(it)]);
        latest[OWNER_OF(it)] = mem[CARGO(it)];
        arrived[OWNER_OF(it)]++;
        is_out[it] = 0
    }
}

proctype Owner()
{
    byte self = OWNER, list, node = 0, next = 0;

    EXCHANGE(TOP, 0, list); /* tr__inlet_open */
    list = 0;
    do
    :: bell ->
        bell = 0;
        /* tr__inlet_take_mpsc */
        if
        :: mem[TOP] != 0 ->
#ifdef BROKEN_TAKES_BY_STORE
            list = mem[TOP];
            mem[TOP] = 0;
#else
            EXCHANGE(TOP, 0, list);
#endif
            land(list)
        :: else
        fi
    :: is_closing -> break
    od;
    /* tr__inlet_close */
#ifdef BROKEN_CLOSES_BY_STORE
    list = mem[TOP];
    mem[TOP] = CLOSED;
#else
    EXCHANGE(TOP, CLOSED, list);
#endif
    land(list)
}

/* Let the owner close: at any time, or when all that was accepted has arrived. */
proctype Closer()
{
    byte i;

    if
    :: true
    :: true ->
        done == PUSHERS;
        for (i : 1 .. PUSHERS) {
            accepted[i] == arrived[i]
        }
    fi;
    is_closing = 1
}

proctype Judge()
{
    byte i;

    timeout ->
    d_step {
        assert(done == PUSHERS && mem[TOP] == CLOSED);
        for (i : 1 .. PUSHERS) {
            assert(accepted[i] == arrived[i])
        }
        for (i : 1 .. PUSHERS * NODES) {
            assert(!is_out[i])
        }
    }
}

init {
    byte i;

    atomic {
        mem[TOP] = CLOSED;
        for (i : 1 .. PUSHERS) {
            run Memory(i);
            run Pusher(i)
        }
        run Owner();
        run Closer();
        run Judge()
    }
}
