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
    uint32_t close = 0;
    for (uint32_t i = 0; i < DK_LANES; i += 8)
        close |= (uint32_t)_mm512_cmple_epu64_mask(distances(windows + i, probes), bounds) << i;
    return close;
}

static inline uint32_t dk_skip_distant(const uint64_t *windows, uint32_t first, uint32_t stop, uint64_t probe,
                                       uint32_t bound)
{
    const __m512i probes = _mm512_set1_epi64((long long)probe), bounds = _mm512_set1_epi64(bound);
    for (; first < stop; first += DK_LANES) {
        const uint64_t *at = windows + first;
        __m512i d0 = distances(at, probes), d1 = distances(at + 8, probes);
        __m512i d2 = distances(at + 16, probes), d3 = distances(at + 24, probes);
        __m512i least = _mm512_min_epu64(_mm512_min_epu64(d0, d1), _mm512_min_epu64(d2, d3));
        if (_mm512_cmple_epu64_mask(least, bounds))
            break;
    }
    return first;
}

static inline void dk_copy_8(uint64_t *to, const uint64_t *from, uint64_t tag)
{
    __m512i windows = _mm512_or_si512(_mm512_loadu_si512(from), _mm512_set1_epi64((long long)tag));
    _mm512_storeu_si512(to, windows);
}

#include "index_join_probe.h"

int dk_scan_part_avx512(const struct dk_index_join *join, uint32_t part, struct dk_workspace *space,
                        dk_hits *hits)
{
    return dk_scan_part_body(join, part, space, hits);
}
#endif
