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

static __device__ __forceinline__ int high_word(double value) { return __double2hiint(value); }
static __device__ __forceinline__ int low_word(double value) { return __double2loint(value); }
static __device__ __forceinline__ double double_of(int high, int low) { return __hiloint2double(high, low); }

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

static __device__ __forceinline__ float narrow(double value) { return (float)value; }
static __device__ __forceinline__ double widen(float value) { return (double)value; }

// 2^(k/32).
static __device__ const double POWERS_OF_2[32] = {
    1.0, 1.0218971486541166, 1.0442737824274138, 1.0671404006768237,
    1.0905077326652577, 1.1143867425958924, 1.1387886347566916, 1.1637248587775775,
    1.189207115002721, 1.215247359980469, 1.241857812073484, 1.2690509571917332,
    1.2968395546510096, 1.3252366431597413, 1.3542555469368927, 1.383909881963832,
    1.4142135623730951, 1.4451808069770467, 1.4768261459394993, 1.5091644275934228,
    1.5422108254079407, 1.5759808451078865, 1.6104903319492543, 1.645755478153965,
    1.681792830507429, 1.718619298122478, 1.7562521603732995, 1.7947090750031072,
    1.8340080864093424, 1.8741676341103, 1.9152065613971474, 1.9571441241754002,
};

// 2^(k/32) (1 + r p) with an error of 1.02 units in the last place, k / 32 being the number that `shifted` ends in. A number whose magnitude's high
// word is not below `most`, or `least` if it is negative, has no power, or infinity, or one below 2^-1022, which counts as 0. There are no
// branches, which would keep pairs from being computed side by side.
static __device__ __forceinline__ double power_by_table(
    double shifted, double r, double p, double exponent, int least, int most)
{
    const int k = low_word(shifted);
    const double power = POWERS_OF_2[k & 31];
    const double result = power + power * (r * p);
    const int sign = high_word(exponent), magnitude = sign & 0x7fffffff;
    const int beyond = magnitude > 0x7ff00000 ? 0x7ff80000 : ~(sign >> 31) & 0x7ff00000;
    const int high = (int)((unsigned int)high_word(result) + ((unsigned int)(k & ~31) << 15));
    const bool is_normal = magnitude < (sign < 0 ? least : most) && (unsigned int)(high - 0x00100000) < 0x7fe00000u;
    return double_of(is_normal ? high : beyond, is_normal ? low_word(result) : 0);
}

// 2^value: to the nearest 32nd by a table, then by Taylor's series.
static __device__ __forceinline__ double exp2_by_table(double value)
{
    const double shifted = value + 211106232532992.0; // 1.5 * 2^47
    const double r = value - (shifted - 211106232532992.0);
    double p = 0.0001540353039338161;
    p = p * r + 0.0013333558146428443;
    p = p * r + 0.009618129107628477;
    p = p * r + 0.05550410866482158;
    p = p * r + 0.24022650695910072;
    p = p * r + 0.6931471805599453;
    return power_by_table(shifted, r, p, value, 0x408ff001, 0x40900000); // -1022, 1024
}

// e^value: the multiple of log(2) / 32 that is taken away is a sum of two numbers.
static __device__ __forceinline__ double exp_by_table(double value)
{
    const double magic = 6755399441055744.0; // 1.5 * 2^52
    const double shifted = value * 46.16624130844683 + magic;
    const double multiple = shifted - magic;
    const double r = (value - multiple * 0.02166084898635745) - multiple * 4.06140840434059e-10;
    double p = 0.001388888888888889;
    p = p * r + 0.008333333333333333;
    p = p * r + 0.041666666666666664;
    p = p * r + 0.16666666666666666;
    p = p * r + 0.5;
    p = p * r + 1.0;
    return power_by_table(shifted, r, p, value, 0x4086232c, 0x40862e43); // -708.396, 709.78
}
