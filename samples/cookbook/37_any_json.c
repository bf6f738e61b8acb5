/* Any JSON: as a tree of jansson's, where no struct describes it.
 *
 *   Prints:  2 readings, 41.5 in all
 *            line 1, column 14: refused */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <troupe/net.h>

static int add_up(const char *text)
{
    json_t *tree, *reading;
    tr_json_fault fault;
    size_t i;
    double sum = 0;
    int rc = tr_json_parse(&tree, text, strlen(text),
                           &(tr_json_limits){ .bytes = 1000, .depth = 3 }, &fault);

    if (rc == TR_ESYNTAX || rc == TR_EVALUE)
        return printf("line %zu, column %zu: refused\n", fault.line, fault.column); /* .what: why */
    if (rc < 0)
        return rc;
    json_array_foreach(json_object_get(tree, "readings"), i, reading) sum +=
        json_number_value(reading);
    json_decref(tree);
    return printf("%zu readings, %g in all\n", i, sum);
}

static int app(void *arg)
{
    int rc = add_up("{\"readings\": [20, 21.5]}");

    (void)arg;
    return rc < 0 ? rc : add_up("{\"readings\": oops}");
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
