/* How fast one core can count the bits that records have in common: the instructions with which the kernel
 * counts them (layers/kernel/csrc/scan_*.c), from registers and without anything else. The flags of the
 * compiler say which instruction set; for one that isn't here this doesn't compile. */
#include <stdint.h>

/* Each defines
 *
 *   vector, REGISTER      a type and the letter of its registers in assembly constraints
 *   PLANES                vectors that hold the words of one operand
 *   ROWS, COLUMNS         operands of each side; a sum for each pair, all of which fit in registers and are
 *                         enough for no instruction to wait for the sum before
 *   fill(word)            the word in all lanes
 *   add_common(sum, a, b) adds the number of bits that two operands have in common, lane by lane */
#if defined(__AVX512VPOPCNTDQ__)
#include <immintrin.h>

typedef __m512i vector;
#define REGISTER "v"
enum { PLANES = 1, ROWS = 4, COLUMNS = 2 };

static inline vector fill(uint32_t word)
{
    return _mm512_set1_epi32((int)word);
}

static inline vector add_common(vector sum, const vector *a, const vector *b)
{
    return _mm512_add_epi32(sum, _mm512_popcnt_epi32(_mm512_and_si512(*a, *b)));
}
#elif defined(__AVX2__)
#include <immintrin.h>

typedef __m256i vector;
#define REGISTER "x"
enum { PLANES = 2, ROWS = 2, COLUMNS = 2 }; /* the low and high nibbles of 256 bits */

static inline vector fill(uint32_t word)
{
    return _mm256_set1_epi32((int)(word & 0x0f0f0f0f));
}

static inline vector add_common(vector sum, const vector *a, const vector *b)
{
    const vector table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,
                                          0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    vector low = _mm256_shuffle_epi8(table, _mm256_and_si256(a[0], b[0]));
    vector high = _mm256_shuffle_epi8(table, _mm256_and_si256(a[1], b[1]));
    return _mm256_add_epi8(sum, _mm256_add_epi8(low, high));
}
#elif defined(__aarch64__)
#include <arm_neon.h>

typedef uint8x16_t vector;
#define REGISTER "w"
enum { PLANES = 1, ROWS = 4, COLUMNS = 2 };

static inline vector fill(uint32_t word)
{
    return vreinterpretq_u8_u32(vdupq_n_u32(word));
}

static inline vector add_common(vector sum, const vector *a, const vector *b)
{
    return vaddq_u8(sum, vcntq_u8(vandq_u8(*a, *b)));
}
#endif

/* Has the compiler take a vector, which stays where it is, for another one. */
#define CHANGED(vector) __asm__ volatile("" : "+" REGISTER(vector))
#define EACH(i, count) _Pragma("GCC unroll 8") for (int i = 0; i < (count); i++)

/* Counts ROWS * COLUMNS vectors in each round. The number of bits that it has looked at on each side. */
__attribute__((visibility("default"))) uint64_t count_common(uint64_t rounds)
{
    vector a[ROWS][PLANES], b[COLUMNS][PLANES], sums[ROWS][COLUMNS];
    EACH(p, PLANES) {
        EACH(r, ROWS) a[r][p] = fill(0x9e3779b9u * (uint32_t)(rounds + PLANES * r + p));
        EACH(c, COLUMNS) b[c][p] = fill(0x85ebca6bu * (uint32_t)(rounds + PLANES * c + p));
    }
    EACH(r, ROWS) EACH(c, COLUMNS) sums[r][c] = fill(0);
    for (uint64_t round = 0; round < rounds; round++) {
        EACH(c, COLUMNS) EACH(p, PLANES) CHANGED(b[c][p]);
        EACH(r, ROWS) EACH(c, COLUMNS) sums[r][c] = add_common(sums[r][c], a[r], b[c]);
    }
    EACH(r, ROWS) EACH(c, COLUMNS) CHANGED(sums[r][c]);
    return rounds * ROWS * COLUMNS * 8 * sizeof(vector);
}
