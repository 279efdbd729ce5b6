/* The index join's probe for AVX2: bits are counted by looking up half-bytes, in four windows at a time. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "index_join.h"

/* In how many bits each of four windows differs from the probe: 64-bit numbers. */
static inline __m256i distances(const uint64_t *windows, __m256i probe)
{
    const __m256i counts = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    const __m256i half = _mm256_set1_epi8(15);
    __m256i difference = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)windows), probe);
    __m256i low = _mm256_and_si256(difference, half);
    __m256i high = _mm256_and_si256(_mm256_srli_epi16(difference, 4), half);
    __m256i bytes = _mm256_add_epi8(_mm256_shuffle_epi8(counts, low), _mm256_shuffle_epi8(counts, high));
    return _mm256_sad_epu8(bytes, _mm256_setzero_si256());
}

static inline uint32_t dk_close(const uint64_t *windows, uint64_t probe, uint32_t bound)
{
    const __m256i probes = _mm256_set1_epi64x((long long)probe), above = _mm256_set1_epi64x(bound + 1);
    uint32_t close = 0;
    for (uint32_t i = 0; i < DK_LANES; i += 4) {
        __m256i is_close = _mm256_cmpgt_epi64(above, distances(windows + i, probes));
        close |= (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(is_close)) << i;
    }
    return close;
}

static inline uint32_t dk_skip_distant(const uint64_t *windows, uint32_t first, uint32_t stop, uint64_t probe,
                                       uint32_t bound)
{
    const __m256i probes = _mm256_set1_epi64x((long long)probe), above = _mm256_set1_epi64x(bound + 1);
    for (; first < stop; first += DK_LANES) {
        __m256i least = above;
        for (uint32_t i = 0; i < DK_LANES; i += 4)
            least = _mm256_min_epu16(least, distances(windows + first + i, probes));
        if (!_mm256_testz_si256(_mm256_cmpgt_epi64(above, least), _mm256_set1_epi64x(-1)))
            break;
    }
    return first;
}

static inline void dk_copy_8(uint64_t *to, const uint64_t *from, uint64_t tag)
{
    __m256i tags = _mm256_set1_epi64x((long long)tag);
    for (uint32_t i = 0; i < 8; i += 4) {
        __m256i windows = _mm256_or_si256(_mm256_loadu_si256((const __m256i *)(from + i)), tags);
        _mm256_storeu_si256((__m256i *)(to + i), windows);
    }
}

#include "index_join_probe.h"

int dk_scan_part_avx2(const struct dk_index_join *join, uint32_t part, struct dk_workspace *space,
                      dk_hits *hits)
{
    return dk_scan_part_body(join, part, space, hits);
}
#endif
