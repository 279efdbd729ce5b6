/* Which instruction sets this machine runs. cpuid and xgetbv are read here, since the compilers' own
 * __builtin_cpu_supports needs a run-time library that not every tool chain links: there it is always
 * false, and the kernel would be slow without a word. */
#include "kernel.h"

#if defined(__x86_64__)
#include <cpuid.h>

enum { FEATURE_POPCNT = 1u << 23, FEATURE_OSXSAVE = 1u << 27 };            /* leaf 1, ecx */
enum { FEATURE_AVX2 = 1u << 5, FEATURE_AVX512F = 1u << 16, FEATURE_AVX512BW = 1u << 30 }; /* leaf 7, ebx */
enum { FEATURE_VPOPCNTDQ = 1u << 14 };                                     /* leaf 7, ecx */
enum { STATE_AVX = 0x06, STATE_AVX512 = 0xe6 }; /* registers that the operating system saves */

static uint64_t saved_state(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static int has_all(uint64_t features, uint64_t wanted)
{
    return (features & wanted) == wanted;
}

static int runs(int isa)
{
    uint32_t eax, ebx, ecx, edx, ecx1;
    if (!__get_cpuid(1, &eax, &ebx, &ecx1, &edx) || !has_all(ecx1, FEATURE_OSXSAVE | FEATURE_POPCNT))
        return 0;
    if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || !has_all(ebx, FEATURE_AVX2))
        return 0;
    if (isa == DK_AVX2)
        return has_all(saved_state(), STATE_AVX);
    return isa == DK_AVX512 && has_all(saved_state(), STATE_AVX512)
           && has_all(ebx, FEATURE_AVX512F | FEATURE_AVX512BW) && has_all(ecx, FEATURE_VPOPCNTDQ);
}
#elif defined(__aarch64__)
static int runs(int isa)
{
    return isa == DK_NEON; /* every 64-bit ARM has it */
}
#else
static int runs(int isa)
{
    (void)isa;
    return 0;
}
#endif

int dk_isa_supported(int isa)
{
    return isa == DK_PORTABLE || runs(isa);
}

int dk_isa_best(void)
{
    for (int isa = DK_AVX512; isa > DK_PORTABLE; isa--)
        if (dk_isa_supported(isa))
            return isa;
    return DK_PORTABLE;
}
