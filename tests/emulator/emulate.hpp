// Enough of CUDA C++ for g++ to make a shared library of generated kernels, which `libcuda.cpp` beside this file loads and runs.
//
//     extern "C" __global__ void __launch_bounds__(128) NAME(const NAME_launch __grid_constant__ launch)
//
// becomes a function that takes a reference to the launch's copy of its argument. All threads of a block are fibers of one thread of the
// machine; where they wait for each other they call the driver through `emulator_hooks`. What is `__shared__` is a static variable, all of
// which lie in .bss, where nothing else does: the driver fills it before each block with numbers that no kernel expects.

#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#define __global__ __attribute__((visibility("default")))
#define __device__
#define __host__
#define __constant__ const
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __grid_constant__ &
#define __shared__ static
#define __align__(bytes) __attribute__((aligned(bytes)))

// ------------------------------------------------------------------------------------------------------------ types

#define EMULATOR_VECTORS(T, name, alignment2, alignment4)                                                                              \
    struct __align__(alignment2) name##2 {                                                                                             \
        T x, y;                                                                                                                        \
    };                                                                                                                                 \
    struct name##3 {                                                                                                                   \
        T x, y, z;                                                                                                                     \
    };                                                                                                                                 \
    struct __align__(alignment4) name##4 {                                                                                             \
        T x, y, z, w;                                                                                                                  \
    };                                                                                                                                 \
    static inline name##2 make_##name##2(T x, T y) { return {x, y}; }                                                                  \
    static inline name##3 make_##name##3(T x, T y, T z) { return {x, y, z}; }                                                          \
    static inline name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }

EMULATOR_VECTORS(float, float, 8, 16)
EMULATOR_VECTORS(double, double, 16, 16)
EMULATOR_VECTORS(int, int, 8, 16)
EMULATOR_VECTORS(unsigned int, uint, 8, 16)
EMULATOR_VECTORS(short, short, 4, 8)
EMULATOR_VECTORS(unsigned short, ushort, 4, 8)
EMULATOR_VECTORS(long long, longlong, 16, 16)
EMULATOR_VECTORS(unsigned long long, ulonglong, 16, 16)

// ------------------------------------------------------------------------------------------------------------ the driver's side

struct dim3 {
    unsigned int x, y, z;
};

// What a thread waits for. The driver's copy of these structures stands in libcuda.cpp.
enum emulator_operation { emulator_syncthreads, emulator_syncthreads_count, emulator_syncthreads_and, emulator_syncthreads_or };

struct emulator_hooks_table {
    // Waits for all threads of the block that have not ended; the number of those whose predicate is not 0, or what else the operation says.
    int (*barrier)(int operation, int predicate);
    // Waits for the lanes of the mask; the bits of the value that lane `source` brought, or, with a negative source, the lanes whose value is not 0.
    unsigned long long (*warp)(const char *name, unsigned int mask, unsigned long long value, int source);
    // Waits for all lanes of the warp, each of which brings so many bytes, up to 64; what they brought, 64 bytes for each, until the lane's next call.
    const void *(*gather)(const char *name, const void *brought, size_t size);
    // Ends the kernel with an error.
    void (*fail)(const char *problem, const char *file, unsigned int line);
};

struct emulator_kernel {
    const char *name;
    void (*function)(const void *);
    unsigned long long argument_size;
    unsigned int largest_block;
};

// Kept out of .bss by values other than 0.
__attribute__((visibility("hidden"))) uint3 threadIdx = {1, 1, 1};
__attribute__((visibility("hidden"))) uint3 blockIdx = {1, 1, 1};
__attribute__((visibility("hidden"))) dim3 blockDim = {1, 1, 1};
__attribute__((visibility("hidden"))) dim3 gridDim = {1, 1, 1};
__attribute__((visibility("hidden"))) emulator_hooks_table *emulator_hooks = (emulator_hooks_table *)1;
static constexpr int warpSize = 32;

extern "C" __attribute__((visibility("hidden"))) char __bss_start, _end;

struct emulator_image {
    emulator_hooks_table **hooks;
    uint3 *thread, *block;
    dim3 *block_size, *grid_size;
    char *shared, *shared_end;
    const emulator_kernel *kernels;
};

// A kernel without the type of its argument. What describes kernels is known to the compiler, so that nothing of it lies in .bss.
template <auto kernel> struct emulator_untyped;
template <class Launch, void (*kernel)(const Launch &)> struct emulator_untyped<kernel> {
    static constexpr unsigned long long argument_size = sizeof(Launch);
    static void call(const void *argument) { kernel(*(const Launch *)argument); }
};
#define EMULATOR_KERNEL(name, largest_block) {#name, emulator_untyped<name>::call, emulator_untyped<name>::argument_size, largest_block},

// ------------------------------------------------------------------------------------------------------------ threads of a block

static inline int emulator_wait(int operation, int predicate)
{
    __asm__ volatile("" ::: "memory");
    const int result = emulator_hooks->barrier(operation, predicate);
    __asm__ volatile("" ::: "memory");
    return result;
}

static inline void __syncthreads() { emulator_wait(emulator_syncthreads, 0); }
static inline int __syncthreads_count(int predicate) { return emulator_wait(emulator_syncthreads_count, predicate != 0); }
static inline int __syncthreads_and(int predicate) { return emulator_wait(emulator_syncthreads_and, predicate != 0); }
static inline int __syncthreads_or(int predicate) { return emulator_wait(emulator_syncthreads_or, predicate != 0); }

static inline unsigned int emulator_lane() { return (threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)) % 32; }

static inline unsigned long long emulator_exchange(const char *name, unsigned int mask, unsigned long long value, int source)
{
    __asm__ volatile("" ::: "memory");
    const unsigned long long result = emulator_hooks->warp(name, mask, value, source);
    __asm__ volatile("" ::: "memory");
    return result;
}

template <class T> static inline T emulator_shuffle(const char *name, unsigned int mask, T value, int source)
{
    static_assert(sizeof(T) <= 8);
    unsigned long long bits = 0;
    __builtin_memcpy(&bits, &value, sizeof(T));
    bits = emulator_exchange(name, mask, bits, source);
    __builtin_memcpy(&value, &bits, sizeof(T));
    return value;
}

template <class T> static inline T __shfl_sync(unsigned int mask, T value, int source, int width = 32)
{
    const int lane = emulator_lane();
    return emulator_shuffle("__shfl_sync", mask, value, lane / width * width + (source & (width - 1)));
}
template <class T> static inline T __shfl_xor_sync(unsigned int mask, T value, int bits, int width = 32)
{
    const int lane = emulator_lane(), source = lane ^ bits;
    return emulator_shuffle("__shfl_xor_sync", mask, value, source < (lane / width + 1) * width ? source : lane);
}
template <class T> static inline T __shfl_down_sync(unsigned int mask, T value, unsigned int delta, int width = 32)
{
    const int lane = emulator_lane(), source = lane + (int)delta;
    return emulator_shuffle("__shfl_down_sync", mask, value, source < (lane / width + 1) * width ? source : lane);
}
template <class T> static inline T __shfl_up_sync(unsigned int mask, T value, unsigned int delta, int width = 32)
{
    const int lane = emulator_lane(), source = lane - (int)delta;
    return emulator_shuffle("__shfl_up_sync", mask, value, source >= lane / width * width ? source : lane);
}

static inline unsigned int __ballot_sync(unsigned int mask, int predicate)
{
    return (unsigned int)emulator_exchange("__ballot_sync", mask, predicate != 0, -1);
}
static inline int __any_sync(unsigned int mask, int predicate)
{
    return emulator_exchange("__any_sync", mask, predicate != 0, -1) != 0;
}
static inline int __all_sync(unsigned int mask, int predicate)
{
    return emulator_exchange("__all_sync", mask, predicate == 0, -1) == 0;
}
// Lanes of the mask that have the same value, found lane by lane.
template <class T> static inline unsigned int __match_any_sync(unsigned int mask, T value)
{
    unsigned int same = 0;
    for (int lane = 0; lane < 32; ++lane) {
        if (mask >> lane & 1 && emulator_shuffle("__match_any_sync", mask, value, lane) == value) same |= 1u << lane;
    }
    return same;
}
static inline void __syncwarp(unsigned int mask = 0xffffffffu) { emulator_exchange("__syncwarp", mask, 0, -1); }
static inline void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
static inline void __threadfence_block() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

// ------------------------------------------------------------------------------------------------------------ bits

static inline float __int_as_float(int bits) { return __builtin_bit_cast(float, bits); }
static inline float __uint_as_float(unsigned int bits) { return __builtin_bit_cast(float, bits); }
static inline int __float_as_int(float value) { return __builtin_bit_cast(int, value); }
static inline unsigned int __float_as_uint(float value) { return __builtin_bit_cast(unsigned int, value); }
static inline double __longlong_as_double(long long bits) { return __builtin_bit_cast(double, bits); }
static inline long long __double_as_longlong(double value) { return __builtin_bit_cast(long long, value); }
static inline int __double2hiint(double value) { return (int)(__double_as_longlong(value) >> 32); }
static inline int __double2loint(double value) { return (int)__double_as_longlong(value); }
static inline double __hiloint2double(int high, int low)
{
    return __longlong_as_double((long long)((unsigned long long)(unsigned int)high << 32 | (unsigned int)low));
}
static inline int __popc(unsigned int bits) { return __builtin_popcount(bits); }
static inline int __popcll(unsigned long long bits) { return __builtin_popcountll(bits); }
static inline int __clz(int bits) { return bits ? __builtin_clz((unsigned int)bits) : 32; }
static inline int __clzll(long long bits) { return bits ? __builtin_clzll((unsigned long long)bits) : 64; }
static inline int __ffs(int bits) { return __builtin_ffs(bits); }
static inline int __ffsll(long long bits) { return __builtin_ffsll(bits); }

// ------------------------------------------------------------------------------------------------------------ memory

template <class T> static inline T __ldg(const T *address) { return *address; }
template <class T> static inline T __ldcs(const T *address) { return *address; }
template <class T> static inline T __ldcg(const T *address) { return *address; }
template <class T> static inline void __stcs(T *address, T value) { *address = value; }
template <class T> static inline void __stcg(T *address, T value) { *address = value; }

template <class T> static inline T atomicCAS(T *address, T expected, T value)
{
    __atomic_compare_exchange(address, &expected, &value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return expected;
}
template <class T> static inline T atomicExch(T *address, T value)
{
    T old;
    __atomic_exchange(address, &value, &old, __ATOMIC_SEQ_CST);
    return old;
}
template <class T, class F> static inline T emulator_update(T *address, F changed)
{
    T old, next;
    __atomic_load(address, &old, __ATOMIC_SEQ_CST);
    do next = changed(old);
    while (!__atomic_compare_exchange(address, &old, &next, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    return old;
}
template <class T> static inline T atomicAdd(T *address, T value) { return emulator_update(address, [=](T old) { return old + value; }); }
template <class T> static inline T atomicMin(T *address, T value) { return emulator_update(address, [=](T old) { return value < old ? value : old; }); }
template <class T> static inline T atomicMax(T *address, T value) { return emulator_update(address, [=](T old) { return old < value ? value : old; }); }

// ------------------------------------------------------------------------------------------------------------ numbers

#define EMULATOR_MINIMA(T)                                                                                                             \
    static inline T min(T a, T b) { return b < a ? b : a; }                                                                            \
    static inline T max(T a, T b) { return a < b ? b : a; }
EMULATOR_MINIMA(int)
EMULATOR_MINIMA(unsigned int)
EMULATOR_MINIMA(long)
EMULATOR_MINIMA(unsigned long)
EMULATOR_MINIMA(long long)
EMULATOR_MINIMA(unsigned long long)
static inline float min(float a, float b) { return fminf(a, b); }
static inline float max(float a, float b) { return fmaxf(a, b); }
static inline double min(double a, double b) { return fmin(a, b); }
static inline double max(double a, double b) { return fmax(a, b); }

static inline float rsqrtf(float value) { return 1.0f / sqrtf(value); }
static inline double rsqrt(double value) { return 1.0 / sqrt(value); }
// The C library has these names for itself.
#define __expf expf
#define __logf logf
#define __log2f log2f
#define __powf powf
#define __sinf sinf
#define __cosf cosf
static inline float __fdividef(float a, float b) { return a / b; }
static inline float __saturatef(float value) { return fminf(fmaxf(value, 0.0f), 1.0f); }

// One rounding each, never two operations in one.
template <class T> static inline T emulator_rounded(T value)
{
    __asm__("" : "+x"(value));
    return value;
}
static inline float __fmaf_rn(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
static inline float __fadd_rn(float a, float b) { return emulator_rounded(a + b); }
static inline float __fsub_rn(float a, float b) { return emulator_rounded(a - b); }
static inline float __fmul_rn(float a, float b) { return emulator_rounded(a * b); }
static inline float __fdiv_rn(float a, float b) { return emulator_rounded(a / b); }
static inline float __frcp_rn(float a) { return emulator_rounded(1.0f / a); }
static inline float __fsqrt_rn(float a) { return emulator_rounded(sqrtf(a)); }
static inline float __frsqrt_rn(float a) { return (float)(1.0 / sqrt((double)a)); }
static inline double __fma_rn(double a, double b, double c) { return __builtin_fma(a, b, c); }
static inline double __dadd_rn(double a, double b) { return emulator_rounded(a + b); }
static inline double __dsub_rn(double a, double b) { return emulator_rounded(a - b); }
static inline double __dmul_rn(double a, double b) { return emulator_rounded(a * b); }
static inline double __ddiv_rn(double a, double b) { return emulator_rounded(a / b); }
static inline double __drcp_rn(double a) { return emulator_rounded(1.0 / a); }
static inline double __dsqrt_rn(double a) { return emulator_rounded(sqrt(a)); }
static inline int __float2int_rn(float value) { return (int)rintf(value); }
static inline int __float2int_rd(float value) { return (int)floorf(value); }
static inline long long __float2ll_rn(float value) { return (long long)rintf(value); }
static inline int __double2int_rn(double value) { return (int)rint(value); }
static inline long long __double2ll_rn(double value) { return (long long)rint(value); }
static inline float __int2float_rn(int value) { return (float)value; }

// ------------------------------------------------------------------------------------------------------------ generated helpers

// What generated text defines for nvcc alone (`#ifdef __CUDACC__`), in the GPU's assembler.

// The bits of a NaN stay what they are: ring mode has numbers of all bits.
static inline float load_f16(unsigned short half)
{
    if ((half & 0x7c00u) == 0x7c00u) return __uint_as_float((half & 0x8000u) << 16 | 0x7f800000u | (half & 0x3ffu) << 13);
    return (float)__builtin_bit_cast(_Float16, half);
}
static inline unsigned short store_f16(float value) { return __builtin_bit_cast(unsigned short, (_Float16)value); }
static inline int high_word(double value) { return __double2hiint(value); }
static inline int low_word(double value) { return __double2loint(value); }
static inline double double_of(int high, int low) { return __hiloint2double(high, low); }
static inline float exp2_fast(float value)
{
    const float power = exp2f(value);
    return power < 1.17549435e-38f ? 0.0f : power;
}

static inline unsigned int pair_of_f16(float first, float second)
{
    return store_f16(first) | (unsigned int)store_f16(second) << 16;
}
// mma.m16n8k16: lane 4 g + t has of the rows g and g + 8 the numbers 2 t, 2 t + 1 and 8 more (a0, a2 and a1, a3), of column g the same (b0, b1),
// and sums of the rows g and g + 8 with the columns 2 t, 2 t + 1. As a tensor core does, it cuts off what float32 has no bits for, and does not round.
// Lanes convert what they have, and then take from each other what they multiply.
template <float (*load)(unsigned short)>
static __noinline__ void emulator_multiply_add(
    float (&sums)[4], unsigned int a0, unsigned int a1, unsigned int a2, unsigned int a3, unsigned int b0, unsigned int b1)
{
    struct __align__(64) Operands {
        float a[2][4], b[4];
    };
    const auto convert = [](float (&numbers)[4], unsigned int first, unsigned int second) {
        for (int k = 0; k < 4; ++k) numbers[k] = load((unsigned short)((k < 2 ? first : second) >> 16 * (k % 2)));
    };
    Operands own;
    convert(own.a[0], a0, a2);
    convert(own.a[1], a1, a3);
    convert(own.b, b0, b1);
    const int lane = emulator_lane(), g = lane / 4, t = lane % 4;
    const Operands *lanes = (const Operands *)emulator_hooks->gather("mma", &own, sizeof own);
    for (int r = 0; r < 2; ++r)
        for (int c = 0; c < 2; ++c) {
            double exact = sums[2 * r + c];
            for (int k = 0; k < 4; ++k) {
                const float *a = lanes[4 * g + k].a[r], *b = lanes[4 * (2 * t + c) + k].b;
                for (int number = 0; number < 4; ++number) exact += (double)a[number] * (double)b[number];
            }
            const unsigned long long bits = __builtin_bit_cast(unsigned long long, exact) & ~((1ull << 29) - 1);
            sums[2 * r + c] = exact != exact ? (float)exact : (float)__builtin_bit_cast(double, bits);
        }
}
static inline void multiply_add(
    float (&sums)[4], unsigned int a0, unsigned int a1, unsigned int a2, unsigned int a3, unsigned int b0, unsigned int b1)
{
    emulator_multiply_add<load_f16>(sums, a0, a1, a2, a3, b0, b1);
}
// The same in bfloat16.
static inline float emulator_load_bf16(unsigned short half) { return __uint_as_float((unsigned int)half << 16); }
static inline void multiply_add_bf16(
    float (&sums)[4], unsigned int a0, unsigned int a1, unsigned int a2, unsigned int a3, unsigned int b0, unsigned int b1)
{
    emulator_multiply_add<emulator_load_bf16>(sums, a0, a1, a2, a3, b0, b1);
}
static inline unsigned int pair_of_bf16(float first, float second)
{
    const auto rounded = [](float number) { return (__float_as_uint(number) + 0x7fffu + (__float_as_uint(number) >> 16 & 1u)) >> 16; };
    return rounded(first) | rounded(second) << 16;
}

static inline void hide(unsigned int &number) {}
static inline void load_matrices(unsigned int (&numbers)[4], const unsigned int *first, int stride)
{
    const int lane = emulator_lane();
    for (int k = 0; k < 4; ++k) numbers[k] = first[k * stride + lane / 4 * 4 + lane % 4];
}

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
// What a thread has begun to copy is there when it has waited for its group, and not before.
struct emulator_copies {
    unsigned long long is_set;
    int count, groups;
    struct {
        void *target;
        const void *source;
        int bytes, group;
    } all[32];
};
static emulator_copies emulator_copies_of[128];

static inline emulator_copies &emulator_own_copies()
{
    emulator_copies &own = emulator_copies_of[threadIdx.x];
    // A block begins with numbers that nobody expects.
    const unsigned long long is_set = 0x1234567812345678ull;
    if (own.is_set != is_set) own.is_set = is_set, own.count = own.groups = 0;
    return own;
}
template <int BYTES> static inline void copy_to_shared(void *target, const void *source)
{
    emulator_copies &own = emulator_own_copies();
    if (own.count == 32) emulator_hooks->fail("more copies are on their way than the emulator counts", __FILE__, __LINE__);
    own.all[own.count++] = {target, source, BYTES, own.groups};
}
static inline void end_copies() { ++emulator_own_copies().groups; }
template <int NUMBER> static inline void wait_for_copies()
{
    emulator_copies &own = emulator_own_copies();
    int left = 0;
    for (int k = 0; k < own.count; ++k) {
        const auto copy = own.all[k];
        if (copy.group < own.groups - NUMBER)
            __builtin_memcpy(copy.target, copy.source, copy.bytes);
        else
            own.all[left++] = copy;
    }
    own.count = left;
}
#else
template <int BYTES> static inline void copy_to_shared(void *target, const void *source)
{
    __builtin_memcpy(target, source, BYTES);
}
static inline void end_copies() {}
template <int NUMBER> static inline void wait_for_copies() {}
#endif

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
// What a launch may set aside at most.
static __align__(128) char large_memory[227 << 10];

// Copies are there at once, after all threads have come to where they wait for some: as many bytes as a barrier expects, else a GPU waits for ever.
static inline void publish_writes() {}
static inline void make_barrier(unsigned long long &barrier) { barrier = 0; }
static inline void expect_bytes(unsigned long long &barrier, unsigned int bytes) { barrier += bytes; }
static inline void wait_for_bytes(unsigned long long &barrier, int phase)
{
    __syncthreads();
    if (barrier != 0) emulator_hooks->fail("what is copied is not what is waited for", __FILE__, __LINE__);
}
static inline void copy_bulk(void *target, const void *source, unsigned int bytes, unsigned long long &barrier)
{
    if (((uintptr_t)target | (uintptr_t)source | bytes) % 16 != 0) emulator_hooks->fail("a bulk copy is not aligned", __FILE__, __LINE__);
    __builtin_memcpy(target, source, bytes);
    barrier -= bytes;
}
static inline void begin_multiplications() {}
static inline void commit_multiplications() {}
template <int NUMBER> static inline void wait_for_multiplications() {}
static inline void settle(float &sum) {}

// wgmma.m64n32k16 and the like: of 16 numbers, eight of each row or column lie side by side, the other eight ROWS or columns further on. Warp w has the
// sums of rows 16 w + lane / 4 and 8 more, of each eight columns those of the columns 2 (lane % 4) and the next one.
template <int M, int ROWS, int PARTS, int HALVES, class Words>
static __noinline__ void multiply_add_shared(float (&sums)[PARTS][HALVES][4][4], const Words *rows, const Words *columns, bool is_first)
{
    const int warp = (int)threadIdx.x / 32, lane = emulator_lane();
    const auto convert = [](float (&numbers)[16], const Words *first, int count) {
        for (int k = 0; k < 16; ++k) numbers[k] = load_f16((unsigned short)(first[k / 8 * count].of[k / 2 % 4] >> 16 * (k % 2)));
    };
    float a[2][16];
    for (int h = 0; h < 2; ++h) convert(a[h], rows + 64 * M + 16 * warp + lane / 4 + 8 * h, ROWS);
    for (int n = 0; n < 4 * PARTS; ++n)
        for (int e = 0; e < 2; ++e) {
            float b[16];
            convert(b, columns + 8 * n + 2 * (lane % 4) + e, 32 * PARTS);
            for (int h = 0; h < 2; ++h) {
                float &sum = sums[n / 4][HALVES == 1 ? 0 : M][n % 4][2 * h + e];
                double exact = is_first ? 0.0 : sum;
                for (int k = 0; k < 16; ++k) exact += (double)a[h][k] * (double)b[k];
                const unsigned long long bits = __builtin_bit_cast(unsigned long long, exact) & ~((1ull << 29) - 1);
                sum = exact != exact ? (float)exact : (float)__builtin_bit_cast(double, bits);
            }
        }
}

// wgmma.m64n16k16 and the like of bfloat16, with rows in registers as those of mma.m16n8k16: words of sixteen columns, of eight components each, lie side by
// side, the next eight components STRIDE words further on.
template <int STRIDE, int EIGHTS, class Words>
static __noinline__ void multiply_add_components(float (&sums)[EIGHTS][4], const unsigned int (&rows)[4], const Words *columns, bool is_first)
{
    const int lane = emulator_lane();
    for (int n = 0; n < EIGHTS; ++n) {
        unsigned int pairs[2];
        for (int half = 0; half < 2; ++half) {
            pairs[half] = 0;
            for (int e = 0; e < 2; ++e) {
                const int column = 8 * half + 2 * (lane % 4) + e, q = lane / 4;
                pairs[half] |= (columns[n * STRIDE + column].of[q / 2] >> 16 * (q % 2) & 0xffffu) << 16 * e;
            }
        }
        for (int k = 0; k < 4 && is_first; ++k) sums[n][k] = 0.0f;
        multiply_add_bf16(sums[n], rows[0], rows[1], rows[2], rows[3], pairs[0], pairs[1]);
    }
}
#endif

static inline unsigned int greatest_of_warp(unsigned int number)
{
    for (int distance = 1; distance < 32; distance *= 2) {
        const unsigned int other = __shfl_xor_sync(0xffffffffu, number, distance);
        number = other > number ? other : number;
    }
    return number;
}

// ------------------------------------------------------------------------------------------------------------ undefined behaviour

// g++ calls these where -fsanitize finds something. Each argument begins with the place in the source.

struct emulator_place {
    const char *file;
    unsigned int line, column;
};
#define EMULATOR_CHECK(name, problem, ...)                                                                                             \
    extern "C" __attribute__((visibility("hidden"), used)) void __ubsan_handle_##name##_abort(emulator_place *place, ##__VA_ARGS__)    \
    {                                                                                                                                  \
        emulator_hooks->fail(problem, place->file, place->line);                                                                       \
        __builtin_trap();                                                                                                              \
    }
EMULATOR_CHECK(out_of_bounds, "an index lies outside of its array", uintptr_t)
EMULATOR_CHECK(shift_out_of_bounds, "a shift is too large or negative", uintptr_t, uintptr_t)
EMULATOR_CHECK(divrem_overflow, "an integer is divided by zero", uintptr_t, uintptr_t)
EMULATOR_CHECK(float_cast_overflow, "a number does not fit into an integer", uintptr_t)
// Here the place comes first, too; the address is not aligned, or NULL.
EMULATOR_CHECK(type_mismatch_v1, "an address is not aligned for what is loaded or stored there", uintptr_t)
