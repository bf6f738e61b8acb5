/* generate_text: text for benchmarks that count words.
 *
 *   generate_text [--bytes N] [--words N] [--seed N] >FILE
 *
 * Words are made up, and come as often as words do in real text (Zipf and Mandelbrot: the word of
 * rank r has a weight of 1 / (r + 2.7)); frequent ones are short. They stand in sentences with
 * capitals, commas and full stops, in lines of about 72 columns. The same arguments give the same
 * text on every machine. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 24, BUFFER = 1 << 20, COLUMNS = 72 };

/* ---- random numbers: splitmix64 ---- */

static uint64_t seed = 1;

static uint64_t random_bits(void)
{
    uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* At least 0, below n, which is far smaller than 2^32: the bias does not matter. */
static uint32_t random_below(uint32_t n)
{
    return (uint32_t)(((random_bits() >> 32) * n) >> 32);
}

/* ---- the vocabulary: words by rank, and how to draw one in constant time (alias method) ---- */

struct word {
    char letters[LONGEST];
    unsigned length;
    uint32_t alias; /* who else owns this column */
    double keep;    /* the part of the column that is its own */
};

/* Letters in turn from two lists, in which frequent ones stand more than once. */
static void make_letters(struct word *w, uint32_t rank)
{
    static const char *const kinds[] = { "tnshrdlcmwfgypbvkxjqztnshrdltns", "eaoiueaoieae" };
    unsigned kind = random_below(2);

    w->length = 1 + random_below(2);
    for (uint32_t r = rank + 1; r > 0; r /= 5)
        w->length += random_below(8) > 0;
    for (unsigned i = 0; i < w->length; i++, kind = random_below(4) ? !kind : kind)
        w->letters[i] = kinds[kind][random_below((uint32_t)strlen(kinds[kind]))];
}

/* Vose: columns that are too low are filled up from those that are too high. */
static void make_columns(struct word *words, uint32_t n)
{
    uint32_t *low = calloc(n, sizeof(*low)), *high = calloc(n, sizeof(*high));
    uint32_t lows = 0, highs = 0;
    double sum = 0;

    if (!low || !high)
        exit(EXIT_FAILURE);
    for (uint32_t i = 0; i < n; i++)
        sum += 1 / (i + 2.7);
    for (uint32_t i = 0; i < n; i++) {
        words[i].keep = n / (i + 2.7) / sum;
        words[i].alias = i;
        if (words[i].keep < 1)
            low[lows++] = i;
        else
            high[highs++] = i;
    }
    while (lows > 0 && highs > 0) {
        uint32_t l = low[--lows], h = high[highs - 1];

        words[l].alias = h;
        words[h].keep -= 1 - words[l].keep;
        if (words[h].keep < 1) {
            low[lows++] = h;
            highs--;
        }
    }
    free(low);
    free(high);
}

static struct word *make_words(uint32_t n)
{
    struct word *words = calloc(n, sizeof(*words));

    if (!words)
        exit(EXIT_FAILURE);
    for (uint32_t i = 0; i < n; i++)
        make_letters(&words[i], i);
    make_columns(words, n);
    return words;
}

static const struct word *draw(const struct word *words, uint32_t n)
{
    uint64_t bits = random_bits();
    uint32_t i = (uint32_t)(((bits >> 32) * n) >> 32);

    return (uint32_t)bits < words[i].keep * 4294967296.0 ? &words[i] : &words[words[i].alias];
}

/* ---- the text ---- */

struct text {
    const struct word *words;
    uint32_t word_count;
    uint64_t left; /* bytes still to be written */
    size_t used, column;
    unsigned in_sentence;
    char buffer[BUFFER + LONGEST + 4];
};

static void flush(struct text *t)
{
    size_t n = t->used < t->left ? t->used : (size_t)t->left;

    if (fwrite(t->buffer, 1, n, stdout) != n) {
        perror("generate_text");
        exit(EXIT_FAILURE);
    }
    t->left -= n;
    t->used = 0;
}

static void put_word(struct text *t)
{
    const struct word *w = draw(t->words, t->word_count);
    char *to = t->buffer + t->used, *at = to;
    uint32_t what = random_below(128);

    memcpy(at, w->letters, w->length);
    if (t->in_sentence++ == 0)
        *at = (char)(*at - 0x20);
    at += w->length;
    if (what < 8) {
        *at++ = '.';
        t->in_sentence = 0;
    } else if (what < 16) {
        *at++ = ',';
    }
    t->column += (size_t)(at - to) + 1;
    *at++ = t->column > COLUMNS ? '\n' : ' ';
    if (t->column > COLUMNS)
        t->column = 0;
    t->used += (size_t)(at - to);
}

int main(int argc, char **argv)
{
    static const struct option known[] = { { "bytes", required_argument, NULL, 'b' },
                                           { "words", required_argument, NULL, 'w' },
                                           { "seed", required_argument, NULL, 's' },
                                           { NULL, 0, NULL, 0 } };
    static struct text t = { .left = 1000000000, .word_count = 100000 };
    int option;

    while ((option = getopt_long(argc, argv, "b:w:s:", known, NULL)) != -1) {
        if (option == 'b')
            t.left = strtoull(optarg, NULL, 10);
        else if (option == 'w')
            t.word_count = (uint32_t)strtoul(optarg, NULL, 10);
        else if (option == 's')
            seed = strtoull(optarg, NULL, 10);
        else
            return 2;
    }
    if (t.word_count == 0)
        return 2;
    t.words = make_words(t.word_count);
    while (t.left > 0) {
        put_word(&t);
        if (t.used >= BUFFER || t.used >= t.left)
            flush(&t);
    }
    free((void *)t.words);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
