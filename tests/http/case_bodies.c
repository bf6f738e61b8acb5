/* Declared bodies, parsed by tasks of two loops at the same time: the pattern is compiled by one of
 * them, and what it takes outlives the run. */
#include <string.h>
#include <troupe/net.h>

#include "sync/cases.h"

struct person {
    char *name;
    int64_t age;
};

TR_DECLARE(person, TR_TEXT(person, name, .required = true, .pattern = "^[A-Z][a-z]+$"),
           TR_INTEGER(person, age, TR_AT_LEAST(0)));

static int parse_both(void *unused)
{
    static const char right[] = "{\"name\":\"Ann\",\"age\":7}";
    static const char wrong[] = "{\"name\":\"ann\",\"age\":-7}";
    tr_parsed *parsed;
    struct person person;
    size_t count;

    (void)unused;
    EXPECT(tr_declared_parse(&parsed, person, &person, right, sizeof(right) - 1, NULL) == 0);
    EXPECT(strcmp(person.name, "Ann") == 0 && person.age == 7);
    tr_parsed_free(parsed);
    EXPECT(tr_declared_parse(&parsed, person, &person, wrong, sizeof(wrong) - 1, NULL) ==
           TR_EVALUE);
    EXPECT(tr_parsed_problems(parsed, &count) != NULL && count == 2);
    tr_parsed_free(parsed);
    return 0;
}

CASE(tasks_of_two_loops_parse_at_the_same_time)
{
    int rc;

    TR_SCOPE(s, &rc) {
        for (int loop = 0; loop < 2; loop++)
            for (int i = 0; i < 3; i++)
                EXPECT(tr_scope_spawn_on(s, TR_LOOP(loop), parse_both, NULL) == 0);
    }
    EXPECT(rc == 0);
}

CASES("bodies", tasks_of_two_loops_parse_at_the_same_time)
