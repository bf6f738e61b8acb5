/* Numbers as JSON writes them: read exactly, written as short as can be, whatever the locale. */
#ifndef TR_HTTP_NUMBER_H
#define TR_HTTP_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest text of a number that is read: those of programs have at most 25 characters. */
#define TR__NUMBER_LONGEST 512
/* Room for any number that is written. */
#define TR__NUMBER_ROOM 32

/* The double nearest to a text that has JSON's form, and at most TR__NUMBER_LONGEST characters;
 * infinite if it is too large. */
double tr__number_parse(const char *text, size_t bytes);

/* The same for digits alone, with or without a sign. false: it is no int64_t. */
bool tr__integer_parse(const char *text, size_t bytes, int64_t *value);

/* Write a finite number, so that it reads back as it was; how many bytes. */
size_t tr__number_write(double value, char *text);
size_t tr__integer_write(int64_t value, char *text);

#endif
