/* Declared bodies: a C struct is described once; what comes as JSON is parsed, checked and filled
 * in by that description, and what goes out is written by it. The server answers what is wrong with
 * the list of what is wrong where, and publishes the same description as OpenAPI.
 *
 *     struct tag  { char *label; };
 *     struct item { char *name; double price; int64_t quantity;
 *                   struct tag *tags; size_t tags_count; };
 *
 *     TR_DECLARE(tag, TR_TEXT(tag, label, .required = true));
 *     TR_DECLARE(item,
 *                TR_TEXT(item, name, .required = true, .max_length = 80, .about = "as it is sold"),
 *                TR_NUMBER(item, price, .required = true, TR_MORE_THAN(0)),
 *                TR_INTEGER(item, quantity, TR_AT_LEAST(1), .default_integer = 1),
 *                TR_ITEMS(item, tags, tag, .max_items = 10));
 *
 *     tr_parsed *parsed;
 *     struct item item;
 *     int rc = tr_declared_parse(&parsed, item, &item, text, bytes, NULL);
 *
 * A declaration is constant data: nothing is registered, and any thread may use it. A field of the
 * wrong C type does not compile. Where options are given in C++, they stand in the order in which
 * tr_field lists them. */
#ifndef TROUPE_DECLARE_H
#define TROUPE_DECLARE_H

#include <sys/types.h>
#include <troupe/core.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- a field, and its options ---- */

typedef enum tr_field_kind {
    TR_FIELD_TEXT,    /* char * */
    TR_FIELD_NUMBER,  /* double */
    TR_FIELD_INTEGER, /* any integer but unsigned long: its size is its range */
    TR_FIELD_BOOLEAN, /* bool */
    TR_FIELD_OBJECT   /* struct NAME * */
} tr_field_kind;

/* What a text has to look like: checked, and published. */
typedef enum tr_format {
    TR_FORMAT_ANY,
    TR_FORMAT_EMAIL,     /* someone@example.org: RFC 5321's, without quotes and comments */
    TR_FORMAT_UUID,      /* 123e4567-e89b-12d3-a456-426614174000 */
    TR_FORMAT_DATE,      /* 2026-11-28 */
    TR_FORMAT_DATE_TIME, /* 2026-11-28T12:30:00.5Z, or with an offset: RFC 3339 */
    TR_FORMAT_URI        /* https://example.org/a?b: with a scheme, RFC 3986 */
} tr_format;

/* A bound of a number; see TR_AT_LEAST and its kin. */
typedef struct tr_bound {
    long double tr__value; /* wide enough for each int64_t and each double */
    unsigned char tr__kind;
} tr_bound;

#define TR__BOUND_INCLUSIVE 1
#define TR__BOUND_EXCLUSIVE 2

/* Options of numbers and integers. */
#define TR_AT_LEAST(value)  .minimum = { (long double)(value), TR__BOUND_INCLUSIVE }
#define TR_MORE_THAN(value) .minimum = { (long double)(value), TR__BOUND_EXCLUSIVE }
#define TR_AT_MOST(value)   .maximum = { (long double)(value), TR__BOUND_INCLUSIVE }
#define TR_LESS_THAN(value) .maximum = { (long double)(value), TR__BOUND_EXCLUSIVE }

struct tr_declaration;

/* A pattern as it was compiled when it was first needed. */
struct tr__pattern_cache {
    void *tr__ready;
};

typedef struct tr_field {
    /* Filled in by the macros. */
    const char *tr__name;
    const struct tr_declaration *tr__of;
    uint32_t tr__at;
    uint32_t tr__count_at;
    uint8_t tr__kind;
    uint8_t tr__bytes; /* of the C type, or of an element of a list */
    bool tr__is_signed;
    bool tr__is_list;

    /* Options of every field; zero is the default. */
    const char *name;     /* in JSON, where it is not that of the struct's field */
    const char *about;    /* a sentence for who reads the documentation */
    bool required;        /* absent is an error */
    bool nullable;        /* null is allowed: the field is NULL, 0 or false then */
    uint32_t tr__has_at;  /* TR_HAS */
    uint32_t tr__sent_at; /* TR_SENT */

    /* Texts, and the texts of a list. */
    size_t min_length;   /* in characters, not bytes */
    size_t max_length;   /* 0: no limit but that of the body */
    const char *pattern; /* a regular expression that matches somewhere in it: ^ and $ anchor it */
    const char *one_of;  /* "red|green|blue" */
    tr_format format;

    /* Numbers, and those of a list: TR_AT_LEAST and so on. */
    tr_bound minimum;
    tr_bound maximum;

    /* Lists. */
    size_t min_items;
    size_t max_items; /* 0: no limit but that of the body */

    /* What an absent field is, instead of NULL, 0 or false. */
    const char *default_text;
    double default_number;
    int64_t default_integer;
    bool default_boolean;
} tr_field;

typedef struct tr_declaration {
    const char *tr__name;
    const tr_field *tr__fields;
    size_t tr__count; /* at most TR__FIELDS_MOST */
    size_t tr__bytes; /* of the struct */
    bool tr__refuses_unknown;
    struct tr__pattern_cache *tr__patterns; /* one for each field */
} tr_declaration;

#define TR__FIELDS_MOST 64

/* ---- declaring ---- */

/* TR_DECLARE(name, fields...): at file scope, in a header or not, after the structs. Members that a
 * body has besides these are ignored. `struct name` may contain itself: TR_OBJECT, or TR_ITEMS. */
#define TR_DECLARE(name, ...) TR__DECLARE(name, false, __VA_ARGS__)
/* The same; but a member that is not declared is an error. */
#define TR_DECLARE_STRICT(name, ...) TR__DECLARE(name, true, __VA_ARGS__)

/* The fields: TR_TEXT(struct's name, field, options...). */
#define TR_TEXT(type, ...)                                                                         \
    TR__FIELD(type, TR__FIRST(__VA_ARGS__, ), TR_FIELD_TEXT,                                       \
              TR__EXPECT(TR__IS(type, TR__FIRST(__VA_ARGS__, ), char *) ||                         \
                             TR__IS(type, TR__FIRST(__VA_ARGS__, ), const char *),                 \
                         "TR_TEXT: the field of the struct must be a char *"),                     \
              TR__REST(__VA_ARGS__, ))
#define TR_NUMBER(type, ...)                                                                       \
    TR__FIELD(type, TR__FIRST(__VA_ARGS__, ), TR_FIELD_NUMBER,                                     \
              TR__EXPECT(TR__IS(type, TR__FIRST(__VA_ARGS__, ), double),                           \
                         "TR_NUMBER: the field of the struct must be a double"),                   \
              TR__REST(__VA_ARGS__, ))
#define TR_INTEGER(type, ...)                                                                      \
    TR__FIELD(type, TR__FIRST(__VA_ARGS__, ), TR_FIELD_INTEGER,                                    \
              TR__EXPECT(TR__IS_INTEGER(type, TR__FIRST(__VA_ARGS__, )),                           \
                         "TR_INTEGER: the field of the struct must be an integer of at most "      \
                         "int64_t's range"),                                                       \
              TR__REST(__VA_ARGS__, ))
#define TR_BOOLEAN(type, ...)                                                                      \
    TR__FIELD(type, TR__FIRST(__VA_ARGS__, ), TR_FIELD_BOOLEAN,                                    \
              TR__EXPECT(TR__IS(type, TR__FIRST(__VA_ARGS__, ), bool),                             \
                         "TR_BOOLEAN: the field of the struct must be a bool"),                    \
              TR__REST(__VA_ARGS__, ))
/* TR_OBJECT(struct's name, field, declared struct, options...): a pointer; NULL is absent. */
#define TR_OBJECT(type, field, ...)                                                                \
    TR__OBJECT(type, field, TR__FIRST(__VA_ARGS__, ), TR__REST(__VA_ARGS__, ))

/* Lists: a pointer to the first, and `size_t field_count`. NULL and 0 are an absent or empty list.
 */
#define TR_ITEMS(type, field, ...)                                                                 \
    TR__ITEMS(type, field, TR__FIRST(__VA_ARGS__, ), TR__REST(__VA_ARGS__, ))
#define TR_TEXTS(type, ...)                                                                        \
    TR__LIST(type, TR__FIRST(__VA_ARGS__, ), TR_FIELD_TEXT,                                        \
             TR__EXPECT(TR__IS(type, TR__FIRST(__VA_ARGS__, ), char **) ||                         \
                            TR__IS(type, TR__FIRST(__VA_ARGS__, ), const char **),                 \
                        "TR_TEXTS: the field of the struct must be a char **"),                    \
             TR__REST(__VA_ARGS__, ))
#define TR_NUMBERS(type, ...)                                                                      \
    TR__LIST(type, TR__FIRST(__VA_ARGS__, ), TR_FIELD_NUMBER,                                      \
             TR__EXPECT(TR__IS(type, TR__FIRST(__VA_ARGS__, ), double *),                          \
                        "TR_NUMBERS: the field of the struct must be a double *"),                 \
             TR__REST(__VA_ARGS__, ))
#define TR_INTEGERS(type, ...)                                                                     \
    TR__LIST(type, TR__FIRST(__VA_ARGS__, ), TR_FIELD_INTEGER,                                     \
             TR__EXPECT(TR__IS(type, TR__FIRST(__VA_ARGS__, ), int64_t *),                         \
                        "TR_INTEGERS: the field of the struct must be an int64_t *"),              \
             TR__REST(__VA_ARGS__, ))

/* Options: a `bool` of the same struct tells whether the field has a value, not null, nor only its
 * default (TR_HAS), or whether it was sent at all, be it null (TR_SENT). When written, a field that
 * has no value is left out (null, if it is required). */
#define TR_HAS(type, field)                                                                        \
    .tr__has_at = (uint32_t)(offsetof(struct type, field) + 1 +                                    \
                             TR__EXPECT(TR__IS(type, field, bool),                                 \
                                        "TR_HAS: the field of the struct must be a bool"))
#define TR_SENT(type, field)                                                                       \
    .tr__sent_at = (uint32_t)(offsetof(struct type, field) + 1 +                                   \
                              TR__EXPECT(TR__IS(type, field, bool),                                \
                                         "TR_SENT: the field of the struct must be a bool"))

/* ---- parsing ---- */

/* One thing that is wrong. */
typedef struct tr_problem {
    const char *where; /* a JSON pointer (RFC 6901): "/tags/2/label"; "" is the whole body */
    const char *what;  /* "must have at most 80 characters" */
    const char *kind;  /* "too_long": does not change from version to version */
    size_t line;       /* of the body, from 1 */
    size_t column;     /* from 1, in bytes */
} tr_problem;

/* Limits of a body; zero is the default. */
typedef struct tr_json_limits {
    size_t bytes; /* 1 MiB */
    size_t depth; /* 64, which is the most that is possible: of lists and objects in each other */
    size_t
        memory; /* 16 MiB: of a struct's lists and objects, which may be far larger than JSON's */
} tr_json_limits;

#define TR_PROBLEMS_MOST 32 /* that are told */

/* What a parsed body owns: texts, lists and objects; and what was wrong with it. */
typedef struct tr_parsed tr_parsed;

/* Parse JSON into a declared struct: tr_declared_parse(&parsed, item, &an_item, text, bytes,
 * limits). The struct is filled in only as far as nothing was wrong; limits may be NULL.
 * Ownership: *parsed is the caller's, also on TR_EVALUE, TR_ESYNTAX and TR_ETOOLARGE: it owns what
 *            the struct points to, and tells the problems; else it is NULL.
 * Threads:   any; never blocks.
 * Errors:    TR_EVALUE a value is not as declared; TR_ESYNTAX it is no JSON; TR_ETOOLARGE it is
 *            larger, or deeper, than the limits; TR_EINVAL; TR_ENOMEM. */
#define tr_declared_parse(parsed, name, out, json, bytes, limits)                                  \
    tr_declared_parse_as((parsed), &tr_declared_##name, TR__POINTER_TO(name, out), (json),         \
                         (bytes), (limits))
TR_API int tr_declared_parse_as(tr_parsed **parsed, const tr_declaration *declaration, void *out,
                                const char *json, size_t bytes, const tr_json_limits *limits);

/* What was wrong: an array, whose length goes to *count; at most TR_PROBLEMS_MOST, the first ones.
 * Ownership: lent until parsed is freed.
 * Threads:   any, one at a time. */
TR_API const tr_problem *tr_parsed_problems(const tr_parsed *parsed, size_t *count);

/* Free it, and all that the struct points to; NULL is allowed.
 * Threads: any. */
TR_API void tr_parsed_free(tr_parsed *parsed);

static inline void tr__cleanup_parsed(tr_parsed **at)
{
    tr_parsed_free(*at);
}
#define tr_cleanup_parsed __attribute__((cleanup(tr__cleanup_parsed)))

/* ---- writing ---- */

/* Write a declared struct as JSON: tr_declared_write(item, &an_item, buffer, sizeof(buffer)). As of
 * snprintf, the result is how many bytes it takes, without the 0 at the end; where the buffer is
 * smaller, what fits is in it. Numbers are as short as they can be and yet read back as they were.
 * Bytes that are no UTF-8 are written as U+FFFD.
 * Threads: any; never blocks.
 * Errors:  TR_EVALUE a number is infinite or none; TR_ELIMIT it is more than 64 deep, or contains
 *          itself; TR_EINVAL. */
#define tr_declared_write(name, value, buffer, room)                                               \
    tr_declared_write_as(&tr_declared_##name, TR__POINTER_TO_CONST(name, value), (buffer), (room))
TR_API ssize_t tr_declared_write_as(const tr_declaration *declaration, const void *value,
                                    char *buffer, size_t room);

/* ---- how the macros do it ---- */

#define TR__FIRST(...)           TR__FIRST_OF(__VA_ARGS__, )
#define TR__FIRST_OF(first, ...) first
#define TR__REST(first, ...)     __VA_ARGS__

/* 0, or an error that says the sentence. */
#ifdef __cplusplus
#define TR__EXPECT(condition, sentence)                                                            \
    ([] {                                                                                          \
        static_assert(condition, sentence);                                                        \
        return 0U;                                                                                 \
    }())
#define TR__TYPE_OF(type, field)            decltype(((struct type *)nullptr)->field)
#define TR__IS(type, field, wanted)         (tr__is_same<TR__TYPE_OF(type, field), wanted>::value)
#define TR__IS_INTEGER(type, field)         (tr__is_integer<TR__TYPE_OF(type, field)>::value)
#define TR__IS_SIGNED(type, field)          (tr__is_integer<TR__TYPE_OF(type, field)>::is_signed)
#define TR__POINTER_TO(name, pointer)       static_cast<struct name *>(pointer)
#define TR__POINTER_TO_CONST(name, pointer) static_cast<const struct name *>(pointer)
extern "C++" {
template <class A, class B> struct tr__is_same {
    static constexpr bool value = false;
};
template <class A> struct tr__is_same<A, A> {
    static constexpr bool value = true;
};
template <class T> struct tr__is_integer {
    static constexpr bool value = __is_enum(T) || tr__is_same<T, signed char>::value ||
                                  tr__is_same<T, unsigned char>::value ||
                                  tr__is_same<T, short>::value ||
                                  tr__is_same<T, unsigned short>::value ||
                                  tr__is_same<T, int>::value || tr__is_same<T, unsigned>::value ||
                                  tr__is_same<T, long>::value || tr__is_same<T, long long>::value;
    static constexpr bool is_signed = !tr__is_same<T, unsigned char>::value &&
                                      !tr__is_same<T, unsigned short>::value &&
                                      !tr__is_same<T, unsigned>::value;
};
}
#else
#define TR__EXPECT(condition, sentence)                                                            \
    (0 * sizeof(struct {                                                                           \
         _Static_assert(condition, sentence);                                                      \
         char tr__unused;                                                                          \
     }))
#define TR__IS(type, field, wanted) _Generic(((struct type *)0)->field, wanted : 1, default : 0)
#define TR__IS_INTEGER(type, field)                                                                \
    _Generic(((struct type *)0)->field, signed char : 1, unsigned char : 1, short : 1,             \
             unsigned short : 1, int : 1, unsigned : 1, long : 1, long long : 1, default : 0)
#define TR__IS_SIGNED(type, field)                                                                 \
    _Generic(((struct type *)0)->field, unsigned char : 0, unsigned short : 0, unsigned : 0,       \
             default : 1)
#define TR__POINTER_TO(name, pointer) _Generic((pointer), struct name * : (pointer))
#define TR__POINTER_TO_CONST(name, pointer)                                                        \
    _Generic((pointer), struct name * : (pointer), const struct name * : (pointer))
#endif

#define TR__COUNT_OF(type, field)                                                                  \
    (uint32_t)(offsetof(struct type, field##_count) +                                              \
               TR__EXPECT(TR__IS(type, field##_count, size_t),                                     \
                          "a list must have its length beside it: size_t FIELD_count"))

/* All of a field but its options; what is checked adds nothing to its place. */
#define TR__FIELD(type, field, kind, check, ...) TR__FIELD_OF(type, field, kind, check, __VA_ARGS__)
#define TR__FIELD_OF(type, field, kind, check, ...)                                                \
    {                                                                                              \
        .tr__name = #field, .tr__of = NULL,                                                        \
        .tr__at = (uint32_t)(offsetof(struct type, field) + (check)), .tr__count_at = 0,           \
        .tr__kind = (kind), .tr__bytes = (uint8_t)sizeof(((struct type *)NULL)->field),            \
        .tr__is_signed = TR__IS_SIGNED(type, field), .tr__is_list = false, __VA_ARGS__             \
    }
#define TR__LIST(type, field, kind, check, ...) TR__LIST_OF(type, field, kind, check, __VA_ARGS__)
#define TR__LIST_OF(type, field, kind, check, ...)                                                 \
    {                                                                                              \
        .tr__name = #field, .tr__of = NULL,                                                        \
        .tr__at = (uint32_t)(offsetof(struct type, field) + (check)),                              \
        .tr__count_at = TR__COUNT_OF(type, field), .tr__kind = (kind), .tr__bytes = 8,             \
        .tr__is_signed = true, .tr__is_list = true, __VA_ARGS__                                    \
    }
#define TR__OBJECT(type, field, of, ...) TR__OBJECT_OF(type, field, of, __VA_ARGS__)
#define TR__OBJECT_OF(type, field, of, ...)                                                        \
    {                                                                                              \
        .tr__name = #field, .tr__of = &tr_declared_##of,                                           \
        .tr__at = (uint32_t)(offsetof(struct type, field) +                                        \
                             TR__EXPECT(TR__IS(type, field, struct of *),                          \
                                        "TR_OBJECT: the field must point to that struct")),        \
        .tr__count_at = 0, .tr__kind = TR_FIELD_OBJECT, .tr__bytes = 8, .tr__is_signed = false,    \
        .tr__is_list = false, __VA_ARGS__                                                          \
    }
#define TR__ITEMS(type, field, of, ...) TR__ITEMS_OF(type, field, of, __VA_ARGS__)
#define TR__ITEMS_OF(type, field, of, ...)                                                         \
    {                                                                                              \
        .tr__name = #field, .tr__of = &tr_declared_##of,                                           \
        .tr__at =                                                                                  \
            (uint32_t)(offsetof(struct type, field) +                                              \
                       TR__EXPECT(TR__IS(type, field, struct of *),                                \
                                  "TR_ITEMS: the field must point to structs of that type")),      \
        .tr__count_at = TR__COUNT_OF(type, field), .tr__kind = TR_FIELD_OBJECT, .tr__bytes = 8,    \
        .tr__is_signed = false, .tr__is_list = true, __VA_ARGS__                                   \
    }

/* A declaration that can refer to itself has to be announced before: C and C++ differ in how. */
#ifdef __cplusplus
#define TR__DECLARE(name, refuses, ...)                                                            \
    namespace                                                                                      \
    {                                                                                              \
    extern const tr_declaration tr_declared_##name;                                                \
    _Pragma("GCC diagnostic push")                                                                 \
        _Pragma("GCC diagnostic ignored \"-Wmissing-field-initializers\"") __extension__ const     \
        tr_field tr__fields_of_##name[] = { __VA_ARGS__ };                                         \
    static struct tr__pattern_cache                                                                \
        tr__patterns_of_##name[sizeof(tr__fields_of_##name) / sizeof(tr_field)];                   \
    _Pragma("GCC diagnostic pop") __extension__ const tr_declaration tr_declared_##name            \
        __attribute__((unused)) = TR__DECLARATION(name, refuses);                                  \
    }                                                                                              \
    struct name
#else
#define TR__DECLARE(name, refuses, ...)                                                            \
    static const tr_declaration tr_declared_##name;                                                \
    __extension__ static const tr_field tr__fields_of_##name[] = { __VA_ARGS__ };                  \
    static struct tr__pattern_cache                                                                \
        tr__patterns_of_##name[sizeof(tr__fields_of_##name) / sizeof(tr_field)];                   \
    __extension__ static const tr_declaration tr_declared_##name __attribute__((unused)) =         \
        TR__DECLARATION(name, refuses)
#endif

#define TR__DECLARATION(name, refuses)                                                             \
    {                                                                                              \
#name, tr__fields_of_##name,                                                               \
            sizeof(tr__fields_of_##name) / sizeof(tr_field) +                                      \
                TR__EXPECT(sizeof(tr__fields_of_##name) / sizeof(tr_field) <= TR__FIELDS_MOST,     \
                           "TR_DECLARE: at most 64 fields"),                                       \
            sizeof(struct name), refuses, tr__patterns_of_##name                                   \
    }

#ifdef __cplusplus
}
#endif
#endif
