/* Misuse of declarations that the compiler has to refuse, with installed headers, too. See
 * tests/house/misuse. */
#include <troupe/declare.h>

struct tag {
    char *label;
};
struct other {
    int64_t number;
};
struct item {
    char *name;
    float weight;
    double price;
    unsigned long huge;
    int on_sale;
    struct tag *tags;
    size_t tags_count;
    struct tag *lost;
    int lost_count;
};

TR_DECLARE(tag, TR_TEXT(tag, label));
TR_DECLARE(other, TR_INTEGER(other, number));

#ifdef CASE_1 /* wants: TR_TEXT: the field of the struct must be a char */
TR_DECLARE(item, TR_TEXT(item, price));
#endif
#ifdef CASE_2 /* wants: TR_NUMBER: the field of the struct must be a double */
TR_DECLARE(item, TR_NUMBER(item, weight));
#endif
#ifdef CASE_3 /* wants: TR_INTEGER: the field of the struct must be an integer */
TR_DECLARE(item, TR_INTEGER(item, huge));
#endif
#ifdef CASE_4 /* wants: TR_BOOLEAN: the field of the struct must be a bool */
TR_DECLARE(item, TR_BOOLEAN(item, on_sale));
#endif
#ifdef CASE_5 /* wants: TR_ITEMS: the field must point to structs of that type */
TR_DECLARE(item, TR_ITEMS(item, tags, other));
#endif
#ifdef CASE_6 /* wants: a list must have its length beside it */
TR_DECLARE(item, TR_ITEMS(item, lost, tag));
#endif
#ifdef CASE_7 /* wants: TR_OBJECT: the field must point to that struct */
TR_DECLARE(item, TR_OBJECT(item, tags, other));
#endif
#ifdef CASE_8 /* wants: TR_HAS: the field of the struct must be a bool */
TR_DECLARE(item, TR_NUMBER(item, price, TR_HAS(item, on_sale)));
#endif
#ifdef CASE_9 /* wants: no member named .nosuch|has no member */
TR_DECLARE(item, TR_TEXT(item, nosuch));
#endif
#ifdef CASE_10 /* wants: has no member named .maxlength|does not refer to any field */
TR_DECLARE(item, TR_TEXT(item, name, .maxlength = 3));
#endif

int misuse(tr_parsed **parsed, struct tag *tag);
int misuse(tr_parsed **parsed, struct tag *tag)
{
    int rc = tr_declared_parse(parsed, tag, tag, "{}", 2, NULL);

#ifdef CASE_11 /* wants: _Generic.* not compatible|controlling expression type */
    struct other other;

    rc += tr_declared_parse(parsed, tag, &other, "{}", 2, NULL);
#endif
    return rc;
}
