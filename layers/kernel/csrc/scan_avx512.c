/* Tiles with AVX-512 VPOPCNTDQ: a vector is one word of a block. */
#if defined(__AVX512VPOPCNTDQ__)
#include <immintrin.h>

#include "tiled.h"

#define ROWS 4
#define PLANES 1

typedef struct {
    __m512i rows[ROWS];
} counts;

static inline counts counts_zero(void)
{
    __m512i zero = _mm512_setzero_si512();
    return (counts){{zero, zero, zero, zero}};
}

static inline __m512i add_word(__m512i sum, uint32_t word, __m512i words)
{
    __m512i common = _mm512_and_si512(_mm512_set1_epi32((int)word), words);
    return _mm512_add_epi32(sum, _mm512_popcnt_epi32(common));
}

static inline void counts_add(counts *counted, const uint32_t *rows, size_t stride, const uint32_t *block,
                              size_t first, size_t stop)
{
    const uint32_t *a0 = rows, *a1 = a0 + stride, *a2 = a1 + stride, *a3 = a2 + stride;
    __m512i c0 = counted->rows[0], c1 = counted->rows[1], c2 = counted->rows[2], c3 = counted->rows[3];
    for (size_t w = first; w < stop; w++) {
        __m512i words = _mm512_loadu_si512(block + w * LANES);
        c0 = add_word(c0, a0[w], words);
        c1 = add_word(c1, a1[w], words);
        c2 = add_word(c2, a2[w], words);
        c3 = add_word(c3, a3[w], words);
    }
    *counted = (counts){{c0, c1, c2, c3}};
}

static inline uint64_t counts_reaching(const counts *counted, const uint32_t *remaining_a,
                                       const uint32_t *remaining_b, uint32_t needed)
{
    __m512i remaining = _mm512_loadu_si512(remaining_b), least = _mm512_set1_epi32((int)needed);
    __mmask16 reaching[ROWS];
    for (int r = 0; r < ROWS; r++) {
        __m512i gain = _mm512_min_epu32(_mm512_set1_epi32((int)remaining_a[r]), remaining);
        reaching[r] = _mm512_cmpge_epu32_mask(_mm512_add_epi32(counted->rows[r], gain), least);
    }
    __mmask32 low = _mm512_kunpackw(reaching[1], reaching[0]);
    __mmask32 high = _mm512_kunpackw(reaching[3], reaching[2]);
    return _cvtmask64_u64(_mm512_kunpackd(high, low));
}

static inline void counts_store(const counts *counted, uint32_t *overlaps)
{
    for (int r = 0; r < ROWS; r++)
        _mm512_storeu_si512(overlaps + r * LANES, counted->rows[r]);
}

static inline __m512i common_bits(__m512i sum, __m512i a, __m512i b)
{
    return _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_and_si512(a, b)));
}

static inline uint32_t pair_overlap(const uint8_t *a, const uint8_t *b, size_t size)
{
    __m512i sum = _mm512_setzero_si512();
    size_t at = 0;
    for (; at + 64 <= size; at += 64)
        sum = common_bits(sum, _mm512_loadu_si512(a + at), _mm512_loadu_si512(b + at));
    if (at < size) {
        __mmask8 rest = (__mmask8)((1u << (size - at) / 8) - 1);
        __m512i rest_a = _mm512_maskz_loadu_epi64(rest, a + at);
        sum = common_bits(sum, rest_a, _mm512_maskz_loadu_epi64(rest, b + at));
    }
    return (uint32_t)_mm512_reduce_add_epi64(sum);
}

#include "scan.h"

const scanner dk_scan_avx512 = {ROWS, PLANES, 1 << 23, 24.0, 4.0, 10.0, scan, scan_pairs, popcounts};
#else
typedef int no_code_for_this_architecture;
#endif
