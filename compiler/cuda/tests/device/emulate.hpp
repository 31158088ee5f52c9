// Enough of CUDA for a C++ compiler to run generated kernels on a CPU: a thread of the machine for each of a block, one block after
// the other. Slow, and right only if every thread of a block reaches every barrier, as it must on a GPU.

#include <barrier>
#include <bit>
#include <cmath>
#include <thread>
#include <vector>

#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(threads)
#define __shared__ static

struct Index {
    unsigned int x;
};
static thread_local Index threadIdx, blockIdx;
static std::barrier<> *block_barrier;

static void __syncthreads() { block_barrier->arrive_and_wait(); }
static float __int_as_float(int bits) { return std::bit_cast<float>(bits); }
static float __uint_as_float(unsigned int bits) { return std::bit_cast<float>(bits); }
static unsigned int __float_as_uint(float value) { return std::bit_cast<unsigned int>(value); }
static double __longlong_as_double(long long bits) { return std::bit_cast<double>(bits); }
static float rsqrtf(float value) { return 1.0f / sqrtf(value); }
static double rsqrt(double value) { return 1.0 / sqrt(value); }
// What the two conversions, which are written in the GPU's assembler, are replaced by.
static float half_to_float(unsigned short half) { return (float)std::bit_cast<_Float16>(half); }
static unsigned short float_to_half(float value) { return std::bit_cast<unsigned short>((_Float16)value); }

template <int... N> struct Numbers {};
template <int N, int... Rest> struct Count : Count<N - 1, N - 1, Rest...> {};
template <int... Rest> struct Count<0, Rest...> {
    using Type = Numbers<Rest...>;
};

template <int... N>
static void call(void *kernel, long long rows, long long columns, void **tensors, Numbers<N...>)
{
    ((void (*)(long long, long long, decltype((void)N, (void *)nullptr)...))kernel)(rows, columns, tensors[N]...);
}

static void call(void *kernel, long long rows, long long columns, void **tensors, int count)
{
    switch (count) {
#define CASE(n) case n: return call(kernel, rows, columns, tensors, Count<n>::Type());
        CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
        CASE(13) CASE(14) CASE(15) CASE(16)
    }
    std::abort();
}

extern "C" void emulate(void *kernel, int blocks, int threads, long long rows, long long columns, void **tensors, int count)
{
    for (int block = 0; block < blocks; ++block) {
        std::barrier<> barrier(threads);
        block_barrier = &barrier;
        std::vector<std::thread> running;
        for (int thread = 0; thread < threads; ++thread) {
            running.emplace_back([=] {
                blockIdx.x = block;
                threadIdx.x = thread;
                call(kernel, rows, columns, tensors, count);
            });
        }
        for (std::thread &thread : running) thread.join();
    }
}
