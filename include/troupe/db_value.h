/* The values of a statement of SQL, and how those of C become them. Included by <troupe/db.h>. */
#ifndef TROUPE_DB_VALUE_H
#define TROUPE_DB_VALUE_H

#include <troupe/core.h>
#include <troupe/declare.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tr_db_kind {
    TR_DB_NULL,
    TR_DB_INTEGER,
    TR_DB_REAL,
    TR_DB_TEXT,
    TR_DB_BLOB
} tr_db_kind;

typedef struct tr_db_value {
    tr_db_kind tr__kind;
    size_t tr__bytes;
    union {
        int64_t integer;
        double real;
        const void *data;
    } tr__as;
} tr_db_value;

#define TR_NULL               (tr__db_null())
#define TR_BLOB(data, bytes)  (tr__db_bytes(TR_DB_BLOB, (data), (bytes)))
#define TR_CHARS(text, bytes) (tr__db_bytes(TR_DB_TEXT, (text), (bytes)))

static inline tr_db_value tr__db_null(void)
{
    tr_db_value value = { TR_DB_NULL, 0, { 0 } };
    return value;
}

static inline tr_db_value tr__db_integer(int64_t integer)
{
    tr_db_value value = { TR_DB_INTEGER, 0, { 0 } };
    value.tr__as.integer = integer;
    return value;
}

/* SQLite's integers have a sign: one that is too large for them is refused, as TR_EVALUE. */
#define TR__DB_UNFIT 99
static inline tr_db_value tr__db_unsigned(uint64_t integer)
{
    tr_db_value value = tr__db_integer((int64_t)integer);
    if (integer > INT64_MAX)
        value.tr__kind = (tr_db_kind)TR__DB_UNFIT;
    return value;
}

static inline tr_db_value tr__db_real(double real)
{
    tr_db_value value = { TR_DB_REAL, 0, { 0 } };
    value.tr__as.real = real;
    return value;
}

static inline tr_db_value tr__db_bytes(tr_db_kind kind, const void *data, size_t bytes)
{
    tr_db_value value = { kind, bytes, { 0 } };
    value.tr__as.data = data;
    if (data == NULL)
        value.tr__kind = TR_DB_NULL;
    return value;
}

static inline tr_db_value tr__db_text(const char *text)
{
    return tr__db_bytes(TR_DB_TEXT, text, text == NULL ? 0 : __builtin_strlen(text));
}

static inline tr_db_value tr__db_same(tr_db_value value)
{
    return value;
}

#ifdef __cplusplus
}

extern "C++" {
template <class T> static inline tr_db_value tr__db_value(T value)
{
    static_assert(tr__is_integer<T>::value || tr__is_same<T, unsigned long>::value ||
                      tr__is_same<T, char>::value,
                  "a value of the database is an integer, a double, a text, TR_NULL, TR_BLOB(...) "
                  "or TR_CHARS(...)");
    if (value > 0)
        return tr__db_unsigned((uint64_t)value);
    return tr__db_integer((int64_t)value);
}
static inline tr_db_value tr__db_value(bool value)
{
    return tr__db_integer(value);
}
static inline tr_db_value tr__db_value(double value)
{
    return tr__db_real(value);
}
static inline tr_db_value tr__db_value(const char *value)
{
    return tr__db_text(value);
}
static inline tr_db_value tr__db_value(char *value)
{
    return tr__db_text(value);
}
static inline tr_db_value tr__db_value(tr_db_value value)
{
    return value;
}
template <size_t N> struct tr__db_list {
    tr_db_value values[N];
};
}
#define TR__DB_VALUE(x)           tr__db_value(x)
#define TR__DB_LIST(n, ...)       (tr__db_list<n>{ { __VA_ARGS__ } }.values)
#define TR__ARRAY_OF(name, array) reinterpret_cast<void **>(static_cast<struct name **>(array))
#else
#define TR__DB_VALUE(x)                                                                            \
    _Generic((x),                                                                                  \
             bool: tr__db_integer,                                                                 \
             char: tr__db_integer,                                                                 \
             signed char: tr__db_integer,                                                          \
             short: tr__db_integer,                                                                \
             int: tr__db_integer,                                                                  \
             long: tr__db_integer,                                                                 \
             long long: tr__db_integer,                                                            \
             unsigned char: tr__db_unsigned,                                                       \
             unsigned short: tr__db_unsigned,                                                      \
             unsigned int: tr__db_unsigned,                                                        \
             unsigned long: tr__db_unsigned,                                                       \
             unsigned long long: tr__db_unsigned,                                                  \
             float: tr__db_real,                                                                   \
             double: tr__db_real,                                                                  \
             char *: tr__db_text,                                                                  \
             const char *: tr__db_text,                                                            \
             tr_db_value: tr__db_same)(x)
#define TR__DB_LIST(n, ...) (__extension__(const tr_db_value[]){ __VA_ARGS__ })
#define TR__ARRAY_OF(name, array)                                                                  \
    ((void **)(1 ? (array) : (struct name **)NULL)) /* a pointer to another struct is an error */
#endif

/* ---- a statement with its values ----
 *
 * TR__SQL(sql, a, b) is three arguments: the statement, an array of its values, and how many. At
 * most 24. */
#define TR__SQL(...)                                                                               \
    TR__SQL_WITH(TR__SQL_COUNT(__VA_ARGS__, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12,    \
                               11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, ),                            \
                 __VA_ARGS__)
#define TR__SQL_COUNT(sql, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16,  \
                      a17, a18, a19, a20, a21, a22, a23, a24, n, ...)                              \
    n
#define TR__SQL_WITH(n, ...)  TR__SQL_WITH_(n, __VA_ARGS__)
#define TR__SQL_WITH_(n, ...) TR__SQL_##n(__VA_ARGS__)
#define TR__SQL_0(sql)        (sql), NULL, 0
#define TR__SQL_1(sql, ...)   (sql), TR__DB_LIST(1, TR__DB_MAP_1(__VA_ARGS__)), 1
#define TR__SQL_2(sql, ...)   (sql), TR__DB_LIST(2, TR__DB_MAP_2(__VA_ARGS__)), 2
#define TR__SQL_3(sql, ...)   (sql), TR__DB_LIST(3, TR__DB_MAP_3(__VA_ARGS__)), 3
#define TR__SQL_4(sql, ...)   (sql), TR__DB_LIST(4, TR__DB_MAP_4(__VA_ARGS__)), 4
#define TR__SQL_5(sql, ...)   (sql), TR__DB_LIST(5, TR__DB_MAP_5(__VA_ARGS__)), 5
#define TR__SQL_6(sql, ...)   (sql), TR__DB_LIST(6, TR__DB_MAP_6(__VA_ARGS__)), 6
#define TR__SQL_7(sql, ...)   (sql), TR__DB_LIST(7, TR__DB_MAP_7(__VA_ARGS__)), 7
#define TR__SQL_8(sql, ...)   (sql), TR__DB_LIST(8, TR__DB_MAP_8(__VA_ARGS__)), 8
#define TR__SQL_9(sql, ...)   (sql), TR__DB_LIST(9, TR__DB_MAP_9(__VA_ARGS__)), 9
#define TR__SQL_10(sql, ...)  (sql), TR__DB_LIST(10, TR__DB_MAP_10(__VA_ARGS__)), 10
#define TR__SQL_11(sql, ...)  (sql), TR__DB_LIST(11, TR__DB_MAP_11(__VA_ARGS__)), 11
#define TR__SQL_12(sql, ...)  (sql), TR__DB_LIST(12, TR__DB_MAP_12(__VA_ARGS__)), 12
#define TR__SQL_13(sql, ...)  (sql), TR__DB_LIST(13, TR__DB_MAP_13(__VA_ARGS__)), 13
#define TR__SQL_14(sql, ...)  (sql), TR__DB_LIST(14, TR__DB_MAP_14(__VA_ARGS__)), 14
#define TR__SQL_15(sql, ...)  (sql), TR__DB_LIST(15, TR__DB_MAP_15(__VA_ARGS__)), 15
#define TR__SQL_16(sql, ...)  (sql), TR__DB_LIST(16, TR__DB_MAP_16(__VA_ARGS__)), 16
#define TR__SQL_17(sql, ...)  (sql), TR__DB_LIST(17, TR__DB_MAP_17(__VA_ARGS__)), 17
#define TR__SQL_18(sql, ...)  (sql), TR__DB_LIST(18, TR__DB_MAP_18(__VA_ARGS__)), 18
#define TR__SQL_19(sql, ...)  (sql), TR__DB_LIST(19, TR__DB_MAP_19(__VA_ARGS__)), 19
#define TR__SQL_20(sql, ...)  (sql), TR__DB_LIST(20, TR__DB_MAP_20(__VA_ARGS__)), 20
#define TR__SQL_21(sql, ...)  (sql), TR__DB_LIST(21, TR__DB_MAP_21(__VA_ARGS__)), 21
#define TR__SQL_22(sql, ...)  (sql), TR__DB_LIST(22, TR__DB_MAP_22(__VA_ARGS__)), 22
#define TR__SQL_23(sql, ...)  (sql), TR__DB_LIST(23, TR__DB_MAP_23(__VA_ARGS__)), 23
#define TR__SQL_24(sql, ...)  (sql), TR__DB_LIST(24, TR__DB_MAP_24(__VA_ARGS__)), 24
#define TR__DB_MAP_1(a)       TR__DB_VALUE(a)
#define TR__DB_MAP_2(a, ...)  TR__DB_VALUE(a), TR__DB_MAP_1(__VA_ARGS__)
#define TR__DB_MAP_3(a, ...)  TR__DB_VALUE(a), TR__DB_MAP_2(__VA_ARGS__)
#define TR__DB_MAP_4(a, ...)  TR__DB_VALUE(a), TR__DB_MAP_3(__VA_ARGS__)
#define TR__DB_MAP_5(a, ...)  TR__DB_VALUE(a), TR__DB_MAP_4(__VA_ARGS__)
#define TR__DB_MAP_6(a, ...)  TR__DB_VALUE(a), TR__DB_MAP_5(__VA_ARGS__)
#define TR__DB_MAP_7(a, ...)  TR__DB_VALUE(a), TR__DB_MAP_6(__VA_ARGS__)
#define TR__DB_MAP_8(a, ...)  TR__DB_VALUE(a), TR__DB_MAP_7(__VA_ARGS__)
#define TR__DB_MAP_9(a, ...)  TR__DB_VALUE(a), TR__DB_MAP_8(__VA_ARGS__)
#define TR__DB_MAP_10(a, ...) TR__DB_VALUE(a), TR__DB_MAP_9(__VA_ARGS__)
#define TR__DB_MAP_11(a, ...) TR__DB_VALUE(a), TR__DB_MAP_10(__VA_ARGS__)
#define TR__DB_MAP_12(a, ...) TR__DB_VALUE(a), TR__DB_MAP_11(__VA_ARGS__)
#define TR__DB_MAP_13(a, ...) TR__DB_VALUE(a), TR__DB_MAP_12(__VA_ARGS__)
#define TR__DB_MAP_14(a, ...) TR__DB_VALUE(a), TR__DB_MAP_13(__VA_ARGS__)
#define TR__DB_MAP_15(a, ...) TR__DB_VALUE(a), TR__DB_MAP_14(__VA_ARGS__)
#define TR__DB_MAP_16(a, ...) TR__DB_VALUE(a), TR__DB_MAP_15(__VA_ARGS__)
#define TR__DB_MAP_17(a, ...) TR__DB_VALUE(a), TR__DB_MAP_16(__VA_ARGS__)
#define TR__DB_MAP_18(a, ...) TR__DB_VALUE(a), TR__DB_MAP_17(__VA_ARGS__)
#define TR__DB_MAP_19(a, ...) TR__DB_VALUE(a), TR__DB_MAP_18(__VA_ARGS__)
#define TR__DB_MAP_20(a, ...) TR__DB_VALUE(a), TR__DB_MAP_19(__VA_ARGS__)
#define TR__DB_MAP_21(a, ...) TR__DB_VALUE(a), TR__DB_MAP_20(__VA_ARGS__)
#define TR__DB_MAP_22(a, ...) TR__DB_VALUE(a), TR__DB_MAP_21(__VA_ARGS__)
#define TR__DB_MAP_23(a, ...) TR__DB_VALUE(a), TR__DB_MAP_22(__VA_ARGS__)
#define TR__DB_MAP_24(a, ...) TR__DB_VALUE(a), TR__DB_MAP_23(__VA_ARGS__)

#endif
