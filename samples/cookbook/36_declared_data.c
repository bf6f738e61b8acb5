/* Declared data: JSON into a struct and out of it, without HTTP; and what is wrong with it.
 *
 *   Prints:  Ann lives in Bern
 *            {"name":"Bob","age":7,"home":{"town":"Ulm"}}
 *            /age: must be at least 0
 *            /home: is required */
#include <stdio.h>
#include <string.h>
#include <troupe/net.h>

struct place {
    char *town;
};

struct person {
    char *name;
    int age;
    struct place *home;
};

TR_DECLARE(place, TR_TEXT(place, town, .required = true));
TR_DECLARE(person, TR_TEXT(person, name, .required = true, .max_length = 80),
           TR_INTEGER(person, age, TR_AT_LEAST(0)),
           TR_OBJECT(person, home, place, .required = true));

static int greet(const char *json)
{
    tr_parsed *parsed tr_cleanup_parsed = NULL; /* owns what the struct points to */
    struct person p;
    int rc = tr_declared_parse(&parsed, person, &p, json, strlen(json), NULL);
    const tr_problem *problems;
    size_t count;

    if (rc == 0)
        return printf("%s lives in %s\n", p.name, p.home->town);
    problems = tr_parsed_problems(parsed, &count); /* none, where memory is what was missing */
    for (size_t i = 0; i < count; i++)
        printf("%s: %s\n", problems[i].where, problems[i].what);
    return rc == TR_EVALUE ? 0 : rc;
}

static int tell(const struct person *p)
{
    char text[200];
    ssize_t bytes = tr_declared_write(person, p, text, sizeof(text));

    if (bytes < 0 || (size_t)bytes >= sizeof(text))
        return bytes < 0 ? (int)bytes : TR_ETOOLARGE;
    return printf("%s\n", text);
}

static int app(void *arg)
{
    const struct person bob = { "Bob", 7, &(struct place){ "Ulm" } };
    int rc = greet("{\"name\": \"Ann\", \"age\": 30, \"home\": {\"town\": \"Bern\"}}");

    (void)arg;
    if (rc >= 0)
        rc = tell(&bob);
    return rc < 0 ? rc : greet("{\"name\": \"Eve\", \"age\": -1}");
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
