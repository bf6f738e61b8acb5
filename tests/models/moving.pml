/* Moving actors between loops: nothing is lost, handled twice, or overtaken, though senders and
 * receivers move, lanes fill up, and one ends and tells who watches it.
 *
 * What it models: the protocol that moving is going to have: freeze, one round of markers, release.
 * It is not in the code yet; the model comes first, and says in `rule n` which of its rules a step
 * follows:
 *    1  A send reads home[] each time; home: push; else: append to the lane there.
 *    2  What lands elsewhere than at home goes to the main list of the move that is open there.
 *    3  Only who is alive, not frozen, on a loop without an open round, moves.
 *    4  Detach: the mailbox becomes the main list; frozen; then home is stored, released.
 *    5  Then REQ to each other loop, behind all that is staged.
 *    6  Whoever lands a REQ answers with a MARKER.
 *    7  A MARKER from each: RELEASE to the new home, and the round is closed.
 *    8  RELEASE: mailbox = main list, then what has come here since; it may run again.
 *    9  A stop waits for RELEASE; the slot of one that has ended is used again only by its home.
 *   10  Foreign threads never read home[]: a fixed loop sends on.
 *   11  A loop parks only when all is published.
 *   12  What comes to a frozen slot is not judged: whether it is for an earlier actor of the slot
 *       is asked after RELEASE. Else a watch for that one would be answered from the new home, and
 *       the answer overtake its last messages, which are still on their way from the old one.
 *
 * Actor 0 sends to actor 1, may be stopped, and its slot be used again; actor 1 sends to actor 0,
 * and watches it. Both move. A foreign thread, for which loop 0 sends on, sends to actor 0, too. A
 * watcher gets one DOWN for a watch: when the one it watches ends, or at once when that one had
 * ended before.
 *
 * What is abstracted, and why that is sound:
 *   - a step of a loop is one activation's send, a landing, or one publication: a loop's own data
 *     is touched by nobody else, so how steps of one loop are cut is of no matter to others.
 *   - a lane is a queue that is staged and one that is published, as in lane.pml; but here the
 *     published one has room for RING, and the rest waits, staged: that is both a lane that is
 *     published late and a bounded ring with an overflow. No step waits for room.
 *   - publishing and waking are one step, parking and looking once more another (park.pml).
 *   - memory: home[] is the only word that others read. Its store may be late, but what the loop
 *     publishes afterwards is seen later still (release); the loop itself sees it at once.
 *   - rounds move one actor, not a batch: entries of a batch stand in the same lanes.
 *
 * Properties: each message is handled once or a dead letter, in the order of its sender; DOWN comes
 * once, after all that its actor sent; each move ends; what lands has a place to go (rule 2).
 *
 * Bounds: LOOPS, MOVES in all, SENDS of each actor and a watch, FOREIGN letters, one stop, and room
 * for RING in a lane. 0.4 to 2.1 million states each. */

/* bounds: LOOPS=3,MOVES=2 LOOPS=3,MOVES=3,STOPS=0 LOOPS=3,MOVES=1,FOREIGN=1,RING=2 */
/* bounds: LOOPS=2,MOVES=3,SENDS=2,FOREIGN=1 LOOPS=2,MOVES=2,SENDS=2,FOREIGN=1,WAKES=1 */
/* broken: CACHES_HOME NO_MARKER_OF_TARGET REQ_EARLY CONTROL_FIRST NO_MAIN_LIST RUNS_EARLY */
/* broken: SIDE_FIRST ENDS_FROZEN REUSED_ELSEWHERE JUDGES_EARLY PARKS_UNPUBLISHED FOREIGN_DIRECT */
/* broken: REQ_WAKES_NOBODY */

#ifdef BROKEN_FOREIGN_DIRECT
#define FOREIGN 1
#define STOPS 0
#endif
#ifndef LOOPS
#define LOOPS 3
#endif
#ifndef RING
#define RING 1
#endif
#ifndef MOVES
#define MOVES 1
#endif
#ifndef SENDS
#define SENDS 1 /* of each sender, but that actor 1 watches besides */
#endif
#ifndef FOREIGN
#define FOREIGN 0
#endif
#ifndef STOPS
#define STOPS 1
#endif
#ifndef WAKES
#define WAKES 0 /* that come from outside */
#endif

#define ROOM 8

/* Entries of a lane: a kind and an actor; and of MESSAGE, its sender and number. */
#define MESSAGE 0
#define REQ     1
#define MARKER  2
#define RELEASE 3
#define ENTRY(kind, actor) ((kind)*2 + (actor))

/* Messages. */
#define WATCH 14
#define DOWN  15
#define LETTER(sender, number) ((sender)*16 + (number))
#define SENDER(letter) ((letter) / 16)
#define NUMBER(letter) ((letter) % 16)
#define THREAD 2 /* the foreign one, as a sender */

#define LANE(from, to) ((from)*LOOPS + (to))

chan staged[LOOPS * LOOPS] = [ROOM] of { byte, byte };
chan ring[LOOPS * LOOPS] = [RING] of { byte, byte };
chan mailbox[2] = [ROOM] of { byte };
chan main_list[2] = [ROOM] of { byte };
chan aside = [ROOM] of { byte };

byte home[2];      /* as the others see it */
byte late[LOOPS];  /* 1 + the actor whose home the loop has stored, and nobody sees yet */
byte to[LOOPS];    /* what it has stored */
bit is_frozen[2];
byte record[2];    /* 1 + the loop that has a move of it open */
byte need[LOOPS];  /* loops whose markers its open round has not got, as bits */
byte mover[LOOPS]; /* the actor of the round */
bit is_parked[LOOPS];

bit has_ended;    /* actor 0 */
bit is_reused;    /* its slot, by another one */
bit must_stop;    /* when it is released */
bit is_watched;

byte moves, stops;
byte wakes = WAKES;
byte sent[3];      /* by sender; each has one receiver */
byte came[3];      /* handled, or dead letters */
bit has_watched, has_down;

#ifdef BROKEN_CACHES_HOME
byte cached[LOOPS * 2];
#endif
#ifdef BROKEN_FOREIGN_DIRECT
byte foreign[LOOPS]; /* what the thread has put into each loop's inlet */
#endif

hidden byte entry, letter, k, h, other;

#define RECEIVER(sender) ((sender) == 0)
#define IS_WITH(l, a) (home[a] == (l) && late[l] != (a) + 1 || late[l] == (a) + 1 && to[l] == (l))

inline see_home(l, a)
{
    h = home[a];
    if
    :: late[l] == a + 1 -> h = to[l]
    :: else
    fi
}

/* ---- lanes ---- */

inline wake(l, what)
{
#ifdef BROKEN_REQ_WAKES_NOBODY
    if
    :: (what) / 2 != REQ -> is_parked[l] = 0
    :: else
    fi
#else
    is_parked[l] = 0
#endif
}

inline stage(l, target, what, it)
{
    assert(len(staged[LANE(l, target)]) < ROOM);
#ifdef BROKEN_CONTROL_FIRST
    if
    :: (what) / 2 != MESSAGE && len(ring[LANE(l, target)]) < RING && late[l] == 0 ->
        ring[LANE(l, target)]!what, it;
        wake(target, what)
    :: else -> staged[LANE(l, target)]!what, it
    fi
#else
    staged[LANE(l, target)]!what, it
#endif
}

/* A signal to actor 1, which never ends. */
inline signal_down(l)
{
    see_home(l, 1);
    if
    :: h == l -> mailbox[1]!LETTER(0, DOWN)
    :: else -> stage(l, h, ENTRY(MESSAGE, 1), LETTER(0, DOWN))
    fi
}

/* ---- messages ---- */

/* It was for an actor 0 that has ended. */
inline die(l, it)
{
    if
    :: NUMBER(it) == WATCH -> signal_down(l)
    :: else -> came[SENDER(it)]++
    fi
}

/* It is at home. */
inline push(l, a, it)
{
#ifdef BROKEN_JUDGES_EARLY
    if
    :: a == 0 && has_ended -> die(l, it)
#else
    if
    :: a == 0 && has_ended && !is_frozen[0] -> die(l, it)
#endif
    :: else -> mailbox[a]!it
    fi
}

/* Rules 1 and 2. */
inline land(l, a, it)
{
    see_home(l, a);
    if
    :: h == l -> push(l, a, it)
    :: else ->
#ifdef BROKEN_NO_MAIN_LIST
        stage(l, h, ENTRY(MESSAGE, a), it) /* it is sent after the actor */
#else
        assert(record[a] == l + 1);
        main_list[a]!it
#endif
    fi
}

inline route(l, a, it)
{
#ifdef BROKEN_CACHES_HOME
    h = cached[l * 2 + a];
#else
    see_home(l, a);
#endif
    if
    :: h == l -> land(l, a, it)
    :: else -> stage(l, h, ENTRY(MESSAGE, a), it)
    fi
}

/* ---- ending ---- */

inline end(l)
{
    has_ended = 1;
    do
    :: mailbox[0]?letter ->
        if
        :: NUMBER(letter) == WATCH -> is_watched = 1
        :: else -> came[SENDER(letter)]++
        fi
    :: len(mailbox[0]) == 0 -> break
    od;
    if
    :: is_watched -> is_watched = 0; signal_down(l)
    :: else
    fi;
    letter = 0
}

/* ---- moving ---- */

/* Rules 4 and 5. */
inline detach(l, a, target)
{
    moves++;
    do
    :: mailbox[a]?letter -> main_list[a]!letter
    :: len(mailbox[a]) == 0 -> break
    od;
    is_frozen[a] = 1;
    record[a] = l + 1;
    mover[l] = a;
    late[l] = a + 1;
    to[l] = target;
    k = 0;
    do
    :: k < LOOPS ->
        if
#ifdef BROKEN_NO_MARKER_OF_TARGET
        :: k != l && (k != target || LOOPS == 2) ->
#else
        :: k != l ->
#endif
            need[l] = need[l] | (1 << k);
            stage(l, k, ENTRY(REQ, a), 0)
        :: else
        fi;
        k++
    :: else -> break
    od;
    k = 0; letter = 0; h = 0
}

/* Rule 8. */
inline release(l, a)
{
    assert(IS_WITH(l, a));
#ifndef BROKEN_RUNS_EARLY
    assert(is_frozen[a]);
#endif
#ifdef BROKEN_SIDE_FIRST
    do
    :: main_list[a]?letter -> mailbox[a]!letter
    :: len(main_list[a]) == 0 -> break
    od;
#else
    do
    :: mailbox[a]?letter -> aside!letter
    :: len(mailbox[a]) == 0 -> break
    od;
    do
    :: main_list[a]?letter -> mailbox[a]!letter
    :: len(main_list[a]) == 0 -> break
    od;
    do
    :: aside?letter -> mailbox[a]!letter
    :: len(aside) == 0 -> break
    od;
#endif
    letter = 0;
    is_frozen[a] = 0;
    if
    :: a == 0 && must_stop -> must_stop = 0; end(l)
    :: a == 0 && has_ended -> /* rule 12 */
        do
        :: mailbox[0]?letter -> die(l, letter)
        :: len(mailbox[0]) == 0 -> break
        od;
        letter = 0
    :: else
    fi
}

/* Rule 7. */
inline take_marker(l, from)
{
    assert(need[l] & (1 << from));
    need[l] = need[l] & ~(1 << from);
    if
    :: need[l] == 0 ->
        other = mover[l];
        record[other] = 0;
        mover[l] = 0;
        to[l] = 0;
        see_home(l, other);
        stage(l, h, ENTRY(RELEASE, other), 0);
        other = 0
    :: else
    fi
}

inline pop(l, from)
{
    ring[LANE(from, l)]?entry, letter;
    other = entry % 2;
    if
    :: entry / 2 == MESSAGE -> land(l, other, letter)
    :: entry / 2 == REQ -> stage(l, from, ENTRY(MARKER, 0), 0) /* rule 6 */
    :: entry / 2 == MARKER -> take_marker(l, from)
    :: entry / 2 == RELEASE -> release(l, other)
    fi;
    entry = 0; letter = 0; other = 0; h = 0
}

/* ---- handling ---- */

inline handle(l, a)
{
    assert(a == 1 || !has_ended);
    mailbox[a]?letter;
    other = SENDER(letter);
    if
    :: NUMBER(letter) == WATCH -> is_watched = 1
    :: NUMBER(letter) == DOWN ->
        assert(!has_down && came[0] == sent[0]);
        has_down = 1
    :: else ->
        came[other]++;
        assert(came[other] == NUMBER(letter))
    fi;
    letter = 0; other = 0; h = 0
}

#ifdef BROKEN_RUNS_EARLY
#define MAY_RUN(l, a) IS_WITH(l, a)
#else
#define MAY_RUN(l, a) (IS_WITH(l, a) && !is_frozen[a])
#endif
#define IS_UP (!is_parked[l])

/* ---- the loop ---- */

#define POP(from)                                                                                  \
    :: d_step { IS_UP && from != l && len(ring[LANE(from, l)]) > 0 -> pop(l, from) }
#ifdef BROKEN_REQ_EARLY
#define IS_SEEN 1
#else
#define IS_SEEN (late[l] == 0)
#endif
#define PUBLISH(target)                                                                            \
    :: d_step {                                                                                    \
            IS_UP && target != l && IS_SEEN && len(staged[LANE(l, target)]) > 0 &&                 \
            len(ring[LANE(l, target)]) < RING ->                                                   \
            staged[LANE(l, target)]?entry, letter;                                                 \
            ring[LANE(l, target)]!entry, letter;                                                   \
            wake(target, entry);                                                                   \
            entry = 0; letter = 0                                                                  \
        }
#define MOVE(a, target)                                                                            \
    :: d_step {                                                                                    \
            IS_UP && target != l && MAY_RUN(l, a) && need[l] == 0 && moves < MOVES &&              \
            (a == 1 || !has_ended || is_reused) -> detach(l, a, target)                            \
        }
#if LOOPS > 2
#define HAS_COME (len(ring[LANE(0, l)]) + len(ring[LANE(1, l)]) + len(ring[LANE(2, l)]) > 0)
#define IS_STAGED (len(staged[LANE(l, 0)]) + len(staged[LANE(l, 1)]) + len(staged[LANE(l, 2)]) > 0)
#else
#define HAS_COME (len(ring[LANE(0, l)]) + len(ring[LANE(1, l)]) > 0)
#define IS_STAGED (len(staged[LANE(l, 0)]) + len(staged[LANE(l, 1)]) > 0)
#endif
#define HAS_WORK(a) (MAY_RUN(l, a) && len(mailbox[a]) > 0)
#ifdef BROKEN_FOREIGN_DIRECT
#define HAS_LETTERS (foreign[l] > 0)
#else
#define HAS_LETTERS 0
#endif
#ifdef BROKEN_PARKS_UNPUBLISHED
#define IS_PUBLISHED 1
#else
#define IS_PUBLISHED (!IS_STAGED && late[l] == 0)
#endif

proctype Loop(byte l)
{
endloop:
    do
    POP(0)
    POP(1)
#if LOOPS > 2
    POP(2)
#endif
    PUBLISH(0)
    PUBLISH(1)
#if LOOPS > 2
    PUBLISH(2)
#endif
    MOVE(0, 0)
    MOVE(0, 1)
    MOVE(1, 0)
    MOVE(1, 1)
#if LOOPS > 2
    MOVE(0, 2)
    MOVE(1, 2)
#endif
    :: d_step { late[l] != 0 -> home[late[l] - 1] = to[l]; late[l] = 0 }
    :: d_step { IS_UP && HAS_WORK(0) -> handle(l, 0) }
    :: d_step { IS_UP && HAS_WORK(1) -> handle(l, 1) }
    :: d_step {
            IS_UP && MAY_RUN(l, 0) && !has_ended && sent[0] < SENDS ->
            sent[0]++;
            route(l, 1, LETTER(0, sent[0]));
            h = 0
        }
    :: d_step {
            IS_UP && MAY_RUN(l, 1) && sent[1] < SENDS ->
            sent[1]++;
            route(l, 0, LETTER(1, sent[1]));
            h = 0
        }
    :: d_step {
            IS_UP && MAY_RUN(l, 1) && !has_watched ->
            has_watched = 1;
            route(l, 0, LETTER(1, WATCH));
            h = 0
        }
#if FOREIGN > 0
#ifdef BROKEN_FOREIGN_DIRECT
    /* The thread has put it into the inlet of actor 0's home: any loop may have been that. */
    :: d_step {
            IS_UP && foreign[l] > 0 ->
            letter = foreign[l];
            foreign[l] = 0;
            route(l, 0, LETTER(THREAD, letter));
            letter = 0; h = 0
        }
#else
    :: d_step { /* rule 10 */
            IS_UP && l == 0 && sent[THREAD] < FOREIGN ->
            sent[THREAD]++;
            route(l, 0, LETTER(THREAD, sent[THREAD]));
            h = 0
        }
#endif
#endif
#if STOPS > 0
    :: d_step {
            IS_UP && IS_WITH(l, 0) && !has_ended && !must_stop && stops == 0 ->
            stops++;
#ifndef BROKEN_ENDS_FROZEN
            if
            :: is_frozen[0] -> must_stop = 1 /* rule 9 */
            :: else -> end(l)
            fi;
#else
            end(l);
#endif
            h = 0
        }
#ifdef BROKEN_REUSED_ELSEWHERE
    :: d_step {
            IS_UP && !IS_WITH(l, 0) && has_ended && !is_reused && !is_frozen[0] ->
            is_reused = 1;
            home[0] = l
        }
#else
    :: d_step {
            IS_UP && IS_WITH(l, 0) && has_ended && !is_reused && !is_frozen[0] ->
            is_reused = 1
        }
#endif
#endif
#ifdef BROKEN_CACHES_HOME
    :: d_step { IS_UP -> see_home(l, 0); cached[l * 2] = h; h = 0 }
    :: d_step { IS_UP -> see_home(l, 1); cached[l * 2 + 1] = h; h = 0 }
#endif
    :: d_step {
            IS_UP && !HAS_COME && !HAS_LETTERS && !HAS_WORK(0) && !HAS_WORK(1) &&
            IS_PUBLISHED -> /* rule 11 */
            is_parked[l] = 1
        }
    :: d_step { is_parked[l] && wakes > 0 -> wakes--; is_parked[l] = 0 }
    od
}

#ifdef BROKEN_FOREIGN_DIRECT
proctype Foreign()
{
endforeign:
    do
    :: d_step {
            sent[THREAD] < 2 && foreign[home[0]] == 0 ->
            sent[THREAD]++;
            foreign[home[0]] = sent[THREAD];
            is_parked[home[0]] = 0
        }
    od
}
#endif

proctype Judge()
{
    byte i;

    timeout ->
    d_step {
        for (i : 0 .. 2) {
            assert(came[i] == sent[i])
        }
        for (i : 0 .. 1) {
            assert(!is_frozen[i] && record[i] == 0)
        }
        for (i : 0 .. LOOPS - 1) {
            assert(need[i] == 0)
        }
        assert(!has_watched || has_down == has_ended)
    }
}

init {
    byte i;

    atomic {
        home[1] = 1;
        for (i : 0 .. LOOPS - 1) {
            run Loop(i)
        }
#ifdef BROKEN_CACHES_HOME
        for (i : 0 .. LOOPS - 1) {
            cached[i * 2 + 1] = 1
        }
#endif
#ifdef BROKEN_FOREIGN_DIRECT
        run Foreign();
#endif
        run Judge()
    }
}
