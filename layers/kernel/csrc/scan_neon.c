/* Tiles with NEON: a vector is one word of a quarter of a block. Bits are counted in counters of a byte;
 * these are added up before they can overflow. */
#if defined(__aarch64__)
#include <arm_neon.h>

#include "tiled.h"

#define ROWS 4
#define PLANES 1
#define QUARTERS 4 /* of a block */

enum { BYTE_WORDS = 31 }; /* words that a counter of a byte can take: 8 bits each */

typedef struct {
    uint32x4_t rows[ROWS][QUARTERS];
} counts;

static inline counts counts_zero(void)
{
    counts zero;
    for (int r = 0; r < ROWS; r++)
        for (int q = 0; q < QUARTERS; q++)
            zero.rows[r][q] = vdupq_n_u32(0);
    return zero;
}

/* Adds at most BYTE_WORDS words. */
static inline void add_words(counts *counted, const uint32_t *rows, size_t stride, const uint32_t *block,
                             size_t words)
{
    uint8x16_t bytes[ROWS][QUARTERS];
    for (int r = 0; r < ROWS; r++)
        for (int q = 0; q < QUARTERS; q++)
            bytes[r][q] = vdupq_n_u8(0);
    for (size_t w = 0; w < words; w++)
        for (int r = 0; r < ROWS; r++) {
            uint32x4_t word = vdupq_n_u32(rows[r * stride + w]);
            for (int q = 0; q < QUARTERS; q++) {
                uint32x4_t common = vandq_u32(word, vld1q_u32(block + w * LANES + 4 * q));
                bytes[r][q] = vaddq_u8(bytes[r][q], vcntq_u8(vreinterpretq_u8_u32(common)));
            }
        }
    for (int r = 0; r < ROWS; r++)
        for (int q = 0; q < QUARTERS; q++)
            counted->rows[r][q] = vaddq_u32(counted->rows[r][q], vpaddlq_u16(vpaddlq_u8(bytes[r][q])));
}

static inline void counts_add(counts *counted, const uint32_t *rows, size_t stride, const uint32_t *block,
                              size_t first, size_t stop)
{
    for (size_t w = first; w < stop; w += BYTE_WORDS) {
        size_t words = stop - w < BYTE_WORDS ? stop - w : BYTE_WORDS;
        add_words(counted, rows + w, stride, block + w * LANES, words);
    }
}

static inline uint64_t counts_reaching(const counts *counted, const uint32_t *remaining_a,
                                       const uint32_t *remaining_b, uint32_t needed)
{
    uint32x4_t reaching[ROWS][QUARTERS], any = vdupq_n_u32(0);
    for (int r = 0; r < ROWS; r++)
        for (int q = 0; q < QUARTERS; q++) {
            uint32x4_t gain = vminq_u32(vdupq_n_u32(remaining_a[r]), vld1q_u32(remaining_b + 4 * q));
            reaching[r][q] = vcgeq_u32(vaddq_u32(counted->rows[r][q], gain), vdupq_n_u32(needed));
            any = vorrq_u32(any, reaching[r][q]);
        }
    if (!vmaxvq_u32(any))
        return 0;
    static const uint32_t lane_bits[4] = {1, 2, 4, 8};
    uint64_t mask = 0;
    for (int r = 0; r < ROWS; r++)
        for (int q = 0; q < QUARTERS; q++) {
            uint64_t bits = vaddvq_u32(vandq_u32(reaching[r][q], vld1q_u32(lane_bits)));
            mask |= bits << (LANES * r + 4 * q);
        }
    return mask;
}

static inline void counts_store(const counts *counted, uint32_t *overlaps)
{
    for (int r = 0; r < ROWS; r++)
        for (int q = 0; q < QUARTERS; q++)
            vst1q_u32(overlaps + r * LANES + 4 * q, counted->rows[r][q]);
}

#define pair_overlap dk_overlap

#include "scan.h"

const scanner dk_scan_neon = {ROWS, PLANES, 1 << 20, 3.0, 1.5, 1.0, scan, scan_pairs, popcounts};
#else
typedef int no_code_for_this_architecture;
#endif
