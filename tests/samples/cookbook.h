/* What a program of the cookbook is compiled with (gcc -include) to be tested: see cookbook.c. */
#ifndef TR_TESTS_COOKBOOK_H
#define TR_TESTS_COOKBOOK_H

int sample_main(int argc, char **argv);

#define main     sample_main
#define tr__main run_sample

#endif
