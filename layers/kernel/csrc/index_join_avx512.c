/* The index join's probe for AVX-512 with VPOPCNTDQ: eight windows an instruction. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "index_join.h"

static inline __m512i distances(const uint64_t *windows, __m512i probe)
{
    return _mm512_popcnt_epi64(_mm512_xor_si512(_mm512_loadu_si512(windows), probe));
}

static inline uint32_t dk_close(const uint64_t *windows, uint64_t probe, uint32_t bound)
{
    const __m512i probes = _mm512_set1_epi64((long long)probe), bounds = _mm512_set1_epi64(bound);
    __m512i d0 = distances(windows, probes), d1 = distances(windows + 8, probes);
    __m512i d2 = distances(windows + 16, probes), d3 = distances(windows + 24, probes);
    __m512i least = _mm512_min_epu64(_mm512_min_epu64(d0, d1), _mm512_min_epu64(d2, d3));
    if (!_mm512_cmple_epu64_mask(least, bounds))
        return 0;
    return (uint32_t)_mm512_cmple_epu64_mask(d0, bounds) | (uint32_t)_mm512_cmple_epu64_mask(d1, bounds) << 8
           | (uint32_t)_mm512_cmple_epu64_mask(d2, bounds) << 16
           | (uint32_t)_mm512_cmple_epu64_mask(d3, bounds) << 24;
}

#include "index_join_probe.h"

int dk_probe_avx512(const struct dk_index_join *join, uint32_t part, struct dk_windows a, struct dk_windows b,
                    struct dk_queue *queue, dk_hits *hits)
{
    return dk_probe_body(join, part, a, b, queue, hits);
}

int dk_drain_avx512(const struct dk_index_join *join, uint32_t part, struct dk_queue *queue, dk_hits *hits)
{
    return dk_drain_body(join, part, queue, hits);
}
#endif
