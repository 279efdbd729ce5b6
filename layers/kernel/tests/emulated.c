/* Compares what it reads, so that another machine's build can be run as a program of its own.
 *
 *     emulated ISA THRESHOLD SIZE N M THREADS
 *
 * reads N and then M records of SIZE bytes, and writes in binary: the fastest instruction set and the number
 * of hits, both 64 bits, then the hits' scores, rows of a and rows of b.
 */
#include <stdio.h>
#include <stdlib.h>

#include "kernel.h"

int main(int argc, char **argv)
{
    if (argc != 7)
        return 2;
    int isa = atoi(argv[1]), threads = atoi(argv[6]);
    double threshold = atof(argv[2]);
    size_t size = strtoul(argv[3], NULL, 10), n = strtoul(argv[4], NULL, 10), m = strtoul(argv[5], NULL, 10);
    uint8_t *records = malloc((n + m) * size);
    dk_hits *hits = dk_hits_new();
    if (!records || !hits || !dk_isa_supported(isa) || fread(records, size, n + m, stdin) != n + m)
        return 3;
    if (dk_compare(records, n, records + n * size, m, size, threshold, isa, threads, hits))
        return 4;
    uint64_t header[2] = {(uint64_t)dk_isa_best(), dk_hits_count(hits)};
    double *scores = malloc(header[1] * sizeof *scores + 1);
    uint32_t *rows_a = malloc(header[1] * sizeof *rows_a + 1), *rows_b = malloc(header[1] * sizeof *rows_b + 1);
    if (!scores || !rows_a || !rows_b)
        return 5;
    dk_hits_copy(hits, scores, rows_a, rows_b);
    fwrite(header, sizeof header, 1, stdout);
    fwrite(scores, sizeof *scores, header[1], stdout);
    fwrite(rows_a, sizeof *rows_a, header[1], stdout);
    fwrite(rows_b, sizeof *rows_b, header[1], stdout);
    dk_hits_free(hits);
    free(records);
    free(scores);
    free(rows_a);
    free(rows_b);
    return ferror(stdout) || fflush(stdout) ? 6 : 0;
}
