/* Messages: declaring them, reading them, owning them.
 *
 *     TR_MESSAGE(account_balance)                  { int64_t cents; };
 *     TR_REQUEST(account_deposit, account_balance) { int64_t cents; };
 *     TR_QUERY(account_get, account_balance);
 *     TR_NOTICE(account_closed);
 *
 * Each line, at file scope and best in a header, declares `struct NAME` and a static descriptor. A
 * message's identity is its name, the place of its declaration and its size: so two files that
 * include one header agree, and two private types of one name do not clash. It becomes a number at
 * first use. A message is a plain struct: it is copied bit by bit into the message that travels. */
#ifndef TROUPE_MESSAGE_H
#define TROUPE_MESSAGE_H

#include <string.h>

#include <troupe/core.h>

#if defined(CHECK_H) && !defined(TROUPE_CHECK_H)
#error "Check and troupe both have a tr_msg: include <troupe/check.h> instead of <check.h>"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* An actor's address: a struct, so that an integer is no pid. It never dangles: once the actor has
 * ended, it names nobody, for ever. Copy it, compare it with tr_pid_eq, print it with
 * TR_PID_FMT. */
typedef struct tr_pid {
    uint64_t tr__id; /* 32 bits of generation above 32 bits of slot index */
} tr_pid;

#ifdef __cplusplus
#define TR_PID_NONE (tr_pid{ 0 })
#else
#define TR_PID_NONE (__extension__(const tr_pid){ 0 })
#endif
#define TR_PID_FMT      "<%u.%u>"
#define TR_PID_ARG(pid) (unsigned)(pid).tr__id, (unsigned)((pid).tr__id >> 32)

static inline bool tr_pid_eq(tr_pid a, tr_pid b)
{
    return a.tr__id == b.tr__id;
}

static inline bool tr_pid_is_none(tr_pid pid)
{
    return pid.tr__id == 0;
}

/* Well mixed, for hash tables (the finalizer of MurmurHash3). */
static inline uint64_t tr_pid_hash(tr_pid pid)
{
    uint64_t h = pid.tr__id;

    h = (h ^ (h >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ (h >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ (h >> 33);
}

/* The descriptor of a message type; filled in by the macros below. */
typedef struct tr_type {
    uint32_t tr__id;   /* 0 until first used; stored by release, read by acquire */
    uint32_t tr__line; /* 0: known by its name alone */
    const char *tr__name;
    const char *tr__file;
    struct tr_type *tr__answer; /* of a request */
    void (*tr__drop)(void *payload);
} tr_type;

/* A message in flight. Its fields are the library's; they stand here so that tr_as compiles to a
 * load and a compare. */
typedef struct tr_msg {
    struct tr_msg *tr__next;
    uint32_t tr__head;       /* type (21 bits, the highest says that it owns), flags, size class */
    uint32_t tr__from;       /* the sender's slot, 0 from outside */
    uint64_t tr__payload[2]; /* and on, in larger classes */
} tr_msg;

#define TR__TYPE_MASK UINT32_C(0x1fffff)
#define TR__SMALL     16 /* bytes of payload that travel in two registers */

#ifdef __FILE_NAME__
#define TR__FILE __FILE_NAME__
#else
#define TR__FILE __FILE__
#endif

#define TR__UNUSED __attribute__((unused))
#define TR__DESCRIBE(name, line, text, answer, drop)                                               \
    struct name;                                                                                   \
    typedef struct name tr_payload_##name;                                                         \
    static TR__UNUSED tr_type tr_type_##name = { 0, line, text, TR__FILE, answer, drop }

/* A message. */
#define TR_MESSAGE(name)                                                                           \
    TR__DESCRIBE(name, __LINE__, #name, NULL, NULL);                                               \
    struct name

/* A message without a payload. */
#define TR_NOTICE(name)                                                                            \
    TR_MESSAGE(name)                                                                               \
    {                                                                                              \
        char tr__nothing;                                                                          \
    }

/* A message that is answered by another, which is declared before. */
#define TR_REQUEST(name, answer)                                                                   \
    typedef struct answer tr_answer_of_##name;                                                     \
    TR__DESCRIBE(name, __LINE__, #name, &tr_type_##answer, NULL);                                  \
    struct name

/* A request without a payload. */
#define TR_QUERY(name, answer)                                                                     \
    TR_REQUEST(name, answer)                                                                       \
    {                                                                                              \
        char tr__nothing;                                                                          \
    }

/* A message that owns something. `void drop(struct NAME *)`, which you define in one file, is
 * called exactly once: after it was handled, or when it is dropped, expires, or can't be sent; it
 * is not called when tr_take took what it owns. It runs where the message ends, and must not
 * block. */
#define TR_MESSAGE_OWNING(name, drop)                                                              \
    struct name;                                                                                   \
    void drop(struct name *payload);                                                               \
    static TR__UNUSED void tr_drop_##name(void *payload)                                           \
    {                                                                                              \
        drop((struct name *)payload);                                                              \
    }                                                                                              \
    TR__DESCRIBE(name, __LINE__, #name, NULL, tr_drop_##name);                                     \
    struct name

/* A message known by a name of your own ("com.acme.deposit/1") and its size, wherever it is
 * declared: for plugins, and for the wire. */
#define TR_MESSAGE_NAMED(name, wire_name)                                                          \
    TR__DESCRIBE(name, 0, wire_name, NULL, NULL);                                                  \
    struct name

TR_API uint32_t tr__type_intern(tr_type *type, size_t size);

/* 0 when there is no memory, or there are too many types. */
static inline uint32_t tr__type_id(tr_type *type, size_t size)
{
    /* acquire: the table's entry is visible to who has its id; pairs with tr__type_intern. */
    uint32_t id = __atomic_load_n(&type->tr__id, __ATOMIC_ACQUIRE);

    return __builtin_expect(id != 0, 1) ? id : tr__type_intern(type, size);
}

TR_API const void *tr__as_first(const tr_msg *msg, tr_type *type, size_t size)
    __attribute__((cold));

static inline const void *tr__as(const tr_msg *msg, tr_type *type, size_t size)
{
    /* acquire: as above. */
    uint32_t id = __atomic_load_n(&type->tr__id, __ATOMIC_ACQUIRE);

    if (__builtin_expect((msg->tr__head & TR__TYPE_MASK) == id, 1))
        return msg->tr__payload; /* ids begin at 1 */
    return __builtin_expect(id != 0, 1) ? NULL : tr__as_first(msg, type, size);
}

/* The payload as a `const struct type *` if the message (not NULL) is of that type, else NULL.
 * Ownership: borrowed until the handler returns (from an inbox: until the next receive).
 * Threads:   whoever holds the message. */
#define tr_as(msg, type) ((const struct type *)tr__as((msg), &tr_type_##type, sizeof(struct type)))

/* Whether the message is of that type. */
#define tr_is(msg, type) (tr__as((msg), &tr_type_##type, sizeof(struct type)) != NULL)

TR_API void *tr__take(tr_msg *msg, tr_type *type, size_t size);

/* The payload of an owning message, with what it owns: its drop will not be called. NULL if the
 * message is of another type, or its payload was taken before; tr_as and tr_is do not know it from
 * then on.
 * Ownership: what the payload refers to is the caller's; the struct itself is borrowed as with
 *            tr_as.
 * Threads:   whoever holds the message. */
#define tr_take(msg, type) ((struct type *)tr__take((msg), &tr_type_##type, sizeof(struct type)))

#ifndef __cplusplus
#define TR__LITERAL(type, ...) (__extension__ & (const struct type){ __VA_ARGS__ })
#else
extern "C++" {
template <class T> static inline const T *tr__address(const T &value)
{
    return &value;
}
}
#define TR__LITERAL(type, ...) (__extension__ tr__address(tr_payload_##type{ __VA_ARGS__ }))
#endif

TR_API tr_msg *tr__msg_new(tr_type *type, const void *payload, size_t size);

/* Make a message by hand, for tr_send_msg: tr_msg_new(type, .field = value, ...).
 * Ownership: the caller's, until it is sent or freed. The payload is copied; what it owns goes
 *            along, and is dropped on error.
 * Threads:   any.
 * Errors:    NULL: out of memory. */
#define tr_msg_new(...) TR__MSG_NEW(__VA_ARGS__, )
#define TR__MSG_NEW(type, ...)                                                                     \
    tr__msg_new(&tr_type_##type, TR__LITERAL(type, __VA_ARGS__), sizeof(struct type))

/* Take the message that is being handled, or that an inbox lent, away from its keeper; returns msg.
 * The ask that came with it stays with it: tr_forward hands it on.
 * Ownership: the caller's from now on: send it (tr_send_msg, tr_forward) or free it, before the
 *            runtime stops (a message from an inbox may be freed later, too).
 * Threads:   the handler, or the foreign thread, that it was lent to; elsewhere it does nothing.
 * Errors:    NULL for NULL; and out of memory, only for a message of tr_send_every, which has to be
 *            copied. */
TR_API tr_msg *tr_msg_keep(tr_msg *msg);

/* Free a message that the caller owns (kept, made by tr_msg_new, or left by tr_try_send_msg); what
 * it owns is dropped. NULL is allowed; a message that is only lent is left alone.
 * Threads: any. */
TR_API void tr_msg_free(tr_msg *msg);

/* The name of a message's type, for people.
 * Ownership: static storage.
 * Threads:   whoever holds the message. */
TR_API const char *tr_msg_name(const tr_msg *msg);

/* The tag that tr_request was given, if this message is its answer; else 0.
 * Threads: whoever holds the message. */
TR_API uint64_t tr_msg_tag(const tr_msg *msg);

#ifdef __cplusplus
}
#endif
#endif
