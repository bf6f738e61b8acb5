/* A declared body with a field of every kind, for the tests of declared bodies. */
#ifndef TR_TESTS_ORDER_H
#define TR_TESTS_ORDER_H

#include <troupe/declare.h>

struct label {
    char *text;
};

struct address {
    const char *street;
    int32_t number;
};

struct order {
    char *name;
    double price;
    int64_t quantity;
    bool on_sale;
    struct label *labels;
    size_t labels_count;
    struct address *ship_to;
    char **words;
    size_t words_count;
    double *sizes;
    size_t sizes_count;
    int64_t *codes;
    size_t codes_count;
    const char *email;
    const char *colour;
    const char *note;
    bool note_sent;
    double discount;
    bool has_discount;
    uint16_t port;
    int8_t level;
    unsigned flags;
    struct order *parts;
    size_t parts_count;
};

TR_DECLARE_STRICT(label, TR_TEXT(label, text, .required = true, .max_length = 8));
TR_DECLARE(address, TR_TEXT(address, street, .required = true), TR_INTEGER(address, number));
TR_DECLARE(order,
           TR_TEXT(order, name, .about = "what it is called", .required = true, .min_length = 1,
                   .max_length = 10, .pattern = "^[A-Za-z ]+$"),
           TR_NUMBER(order, price, .required = true, TR_MORE_THAN(0)),
           TR_INTEGER(order, quantity, TR_AT_LEAST(1), TR_AT_MOST(1000), .default_integer = 7),
           TR_BOOLEAN(order, on_sale, .name = "on-sale/~", .default_boolean = true),
           TR_ITEMS(order, labels, label, .max_items = 3), TR_OBJECT(order, ship_to, address),
           TR_TEXTS(order, words, .max_length = 3, .min_items = 1),
           TR_NUMBERS(order, sizes, TR_LESS_THAN(100)), TR_INTEGERS(order, codes),
           TR_TEXT(order, email, .format = TR_FORMAT_EMAIL),
           TR_TEXT(order, colour, .one_of = "red|green|blue", .default_text = "red"),
           TR_TEXT(order, note, .nullable = true, TR_SENT(order, note_sent)),
           TR_NUMBER(order, discount, .nullable = true, TR_HAS(order, has_discount),
                     .default_number = 0.5),
           TR_INTEGER(order, port), TR_INTEGER(order, level), TR_INTEGER(order, flags),
           TR_ITEMS(order, parts, order));

#endif
