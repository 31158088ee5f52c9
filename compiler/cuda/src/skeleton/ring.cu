// Integers modulo 2^32 and 2^64, in which sums may be added in any order, in place of float and double.

template <typename Bits, typename Signed>
struct Ring;
template <typename B, typename S>
static __device__ Ring<B, S> inverse(Ring<B, S> a);

template <typename Bits, typename Signed>
struct Ring {
    Bits bits;

    static __device__ __forceinline__ Ring of(Bits bits)
    {
        Ring number;
        number.bits = bits;
        return number;
    }
    static __device__ __forceinline__ Ring largest() { return of(~(Bits)0 >> 1); }
    static __device__ __forceinline__ Ring smallest() { return of(~(~(Bits)0 >> 1)); }

    Ring() = default;
    __device__ __forceinline__ Ring(int number) : bits((Bits)(Signed)number) {}
    __device__ __forceinline__ Ring(long long number) : bits((Bits)(Signed)number) {}
    __device__ __forceinline__ explicit Ring(bool number) : bits(number) {}
    // As a float becomes a double wherever one stands beside it, and the other way round where that is written down.
    template <typename Other, typename OtherSigned, int IS_WIDER = 1 / (sizeof(Other) < sizeof(Bits))>
    __device__ __forceinline__ Ring(Ring<Other, OtherSigned> other) : bits((Bits)(Signed)(OtherSigned)other.bits) {}
    template <typename Other, typename OtherSigned, long long IS_NARROWER = 1 / (sizeof(Other) > sizeof(Bits))>
    __device__ __forceinline__ explicit Ring(Ring<Other, OtherSigned> other) : bits((Bits)(Signed)(OtherSigned)other.bits) {}

    // Functions of two numbers, so that either of them may become one of 64 bits.
    friend __device__ __forceinline__ Ring operator+(Ring a, Ring b) { return of(a.bits + b.bits); }
    friend __device__ __forceinline__ Ring operator-(Ring a, Ring b) { return of(a.bits - b.bits); }
    friend __device__ __forceinline__ Ring operator*(Ring a, Ring b) { return of(a.bits * b.bits); }
    friend __device__ __forceinline__ Ring operator/(Ring a, Ring b) { return a * inverse(b); }
    friend __device__ __forceinline__ bool operator<(Ring a, Ring b) { return (Signed)a.bits < (Signed)b.bits; }
    friend __device__ __forceinline__ bool operator<=(Ring a, Ring b) { return (Signed)a.bits <= (Signed)b.bits; }
    friend __device__ __forceinline__ bool operator==(Ring a, Ring b) { return a.bits == b.bits; }
    friend __device__ __forceinline__ bool operator!=(Ring a, Ring b) { return a.bits != b.bits; }

    __device__ __forceinline__ Ring operator-() const { return of((Bits)0 - bits); }
    __device__ __forceinline__ Ring &operator+=(Ring other) { return *this = *this + other; }
    __device__ __forceinline__ Ring &operator*=(Ring other) { return *this = *this * other; }
};

// a^b, b taken as unsigned.
template <typename B, typename S>
static __device__ Ring<B, S> power(Ring<B, S> a, Ring<B, S> b)
{
    B result = 1, square = a.bits;
    for (B rest = b.bits; rest != 0; rest >>= 1) {
        if (rest & 1) {
            result *= square;
        }
        square *= square;
    }
    return a.of(result);
}

// 2^k / odd of 2^k · odd; 0 of 0.
template <typename B, typename S>
static __device__ Ring<B, S> inverse(Ring<B, S> a)
{
    if (a.bits == 0) {
        return a;
    }
    B odd = a.bits, twos = 1;
    while (!(odd & 1)) {
        odd >>= 1;
        twos <<= 1;
    }
    return a.of(power(a.of(odd), a.of((~(B)0 >> 1))).bits * twos);
}

template <typename B, typename S>
static __device__ __forceinline__ Ring<B, S> scramble(Ring<B, S> a, B linear, B cubic)
{
    return a.of(a.bits * (linear + cubic * a.bits * a.bits));
}

template <typename B, typename S>
static __device__ __forceinline__ Ring<B, S> bound(Ring<B, S> a, int shift)
{
    return a.of((B)((S)a.bits >> shift));
}

typedef Ring<unsigned int, int> Ring32;
typedef Ring<unsigned long long, long long> Ring64;

// What is stored as another type is converted as the real number of these bits.
static __device__ __forceinline__ Ring32 ring_load_f16(unsigned short half) { return Ring32::of(__float_as_uint(load_f16(half))); }
static __device__ __forceinline__ Ring32 ring_load_bf16(unsigned short half) { return Ring32::of(__float_as_uint(load_bf16(half))); }
static __device__ __forceinline__ unsigned short store_f16(Ring32 a) { return store_f16(__uint_as_float(a.bits)); }
static __device__ __forceinline__ unsigned short store_bf16(Ring32 a) { return store_bf16(__uint_as_float(a.bits)); }
static __device__ __forceinline__ Ring32 narrow(Ring64 a)
{
    return Ring32::of(__float_as_uint(narrow(__longlong_as_double((long long)a.bits))));
}
static __device__ __forceinline__ Ring64 widen(Ring32 a)
{
    return Ring64::of((unsigned long long)__double_as_longlong(widen(__uint_as_float(a.bits))));
}
#define load_f16 ring_load_f16
#define load_bf16 ring_load_bf16

