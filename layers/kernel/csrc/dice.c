/* Popcounts, and the Dice threshold as a table of integers. */
#include "kernel.h"

void dk_popcounts(const uint8_t *rows, size_t n, size_t size, uint32_t *counts)
{
    for (size_t i = 0; i < n; i++)
        counts[i] = dk_overlap(rows + i * size, rows + i * size, size);
}

void dk_least_overlaps(size_t size, double threshold, uint32_t *table)
{
    table[0] = threshold > 0;
    for (uint32_t sum = 1; sum <= 16 * size; sum++) {
        /* Exact arithmetic would give ceil(threshold * sum / 2). What counts is the rounded quotient, so
         * the table is found with it; it moves the estimate by one at most. */
        uint32_t overlap = (uint32_t)(threshold * sum / 2);
        while (overlap > 0 && dk_dice(overlap - 1, sum) >= threshold)
            overlap--;
        while (dk_dice(overlap, sum) < threshold)
            overlap++;
        table[sum] = overlap;
    }
}
