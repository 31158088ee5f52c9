/* How fast this machine multiplies and adds: chains of fused multiply-adds in registers, enough of them to hide their latency.
   Each function does `rounds` steps of twelve vectors and returns the operations done, two for each lane of each step. */
#include <immintrin.h>

#define EACH(DO) DO(a) DO(b) DO(c) DO(d) DO(e) DO(f) DO(g) DO(h) DO(i) DO(j) DO(k) DO(l)
#define BEGIN(chain) chain = term;
#define STEP(chain) chain = chain * factor + term; __asm__ volatile("" : "+x"(chain));
#define FINISH(chain) *sink += chain[0];

#define PEAK(NAME, TARGET, VECTOR, LANES) \
    __attribute__((target(TARGET), optimize("fp-contract=fast"))) double NAME(long rounds, double *sink) { \
        VECTOR factor = (VECTOR){} + 0.5, term = (VECTOR){} + 0.25, a, b, c, d, e, f, g, h, i, j, k, l; \
        EACH(BEGIN) \
        for (long r = 0; r < rounds; r++) { EACH(STEP) } \
        EACH(FINISH) \
        return 2.0 * LANES * 12 * rounds; \
    }

PEAK(peak_avx512_float32, "avx512f", __m512, 16)
PEAK(peak_avx512_float64, "avx512f", __m512d, 8)
PEAK(peak_avx2_float32, "avx2,fma", __m256, 8)
PEAK(peak_avx2_float64, "avx2,fma", __m256d, 4)
