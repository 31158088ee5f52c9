// Numbers as they are stored and computed. Nothing is included, as NVRTC has no headers.

#define INFINITY_F32 __int_as_float(0x7f800000)
#define INFINITY_F64 __longlong_as_double(0x7ff0000000000000ll)
#define NAN_F32 __int_as_float(0x7fffffff)
#define NAN_F64 __longlong_as_double(0x7fffffffffffffffll)

#ifdef __CUDACC__ // the GPU's own instructions
static __device__ __forceinline__ float load_f16(unsigned short half)
{
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(half));
    return value;
}

static __device__ __forceinline__ unsigned short store_f16(float value)
{
    unsigned short half;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(half) : "f"(value));
    return half;
}

// 2 to the power of `value` with an error of 2 units in the last place; 0 where that is below 2^-126.
static __device__ __forceinline__ float exp2_fast(float value)
{
    float power;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(value));
    return power;
}
#endif

// The upper half of a float.
static __device__ __forceinline__ float load_bf16(unsigned short half)
{
    return __uint_as_float((unsigned int)half << 16);
}

// To the nearest, ties to even; a NaN stays one.
static __device__ __forceinline__ unsigned short store_bf16(float value)
{
    const unsigned int bits = __float_as_uint(value);
    const unsigned int rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    return (unsigned short)(value == value ? rounded : 0x7fffu);
}
