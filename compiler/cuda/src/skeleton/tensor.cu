// Contractions by tensor cores, in the precision of float32. Each number is scaled by a power of two and is then the sum of two numbers of
// float16, of which products of a high and of a low part are added up beside those of high parts:
//
//     x y = (x1 + x2) (y1 + y2) ≈ x2 y1 + x1 y2 + x1 y1
//
// Where tf32 or bf16 is asked for, high parts are all that there is: 11 bits of each number, of those below 2^-28 of the row's greatest perhaps fewer.
//
// Squared distances are |x|² + |y|² - 2 x·y, of points relative to the middle of some columns. Where that cancels, or is no number, a pair is
// computed term by term. A kernel of its own splits columns, and rows that are too long for registers. The layout of fragments is that of the
// instruction `mma.m16n8k16` in NVIDIA's PTX ISA.

// High and low parts of four numbers in float16, or high parts of eight.
struct __align__(16) Halves {
    unsigned int of[2][2];
};
// Four words of a row or a column: two numbers each of lanes 0 … 3.
struct __align__(16) Words {
    unsigned int of[4];
};

#ifdef __CUDACC__
// Two numbers, rounded to float16; the first is the lower half.
static __device__ __forceinline__ unsigned int pair_of_f16(float first, float second)
{
#if __CUDA_ARCH__ >= 800
    unsigned int both;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(second), "f"(first));
    return both;
#else
    return store_f16(first) | (unsigned int)store_f16(second) << 16;
#endif
}

// sums += rows (16 × 16) · columns (16 × 8).
static __device__ __forceinline__ void multiply_add(
    float (&sums)[4], unsigned int a0, unsigned int a1, unsigned int a2, unsigned int a3, unsigned int b0, unsigned int b1)
{
#if __CUDA_ARCH__ >= 800
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
#else
    asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(a0), "r"(a1), "r"(b0));
    asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(a2), "r"(a3), "r"(b1));
#endif
}

// Makes a number one that the compiler knows nothing of.
static __device__ __forceinline__ void hide(unsigned int &number) { asm volatile("" : "+r"(number)); }

// Four matrices of 8 × 8 numbers, whose rows of 16 bytes lie one after the other, matrices `stride` words apart: numbers 2 (lane % 4) and the next one
// of row lane / 4 of each.
static __device__ __forceinline__ void load_matrices(unsigned int (&numbers)[4], const unsigned int *first, int stride)
{
    const int lane = (int)threadIdx.x % 32;
    const unsigned int address = (unsigned int)__cvta_generic_to_shared(first + lane / 8 * stride + lane % 8 * 4);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(numbers[0]), "=r"(numbers[1]), "=r"(numbers[2]), "=r"(numbers[3])
                 : "r"(address)
                 : "memory");
}

// Copies BYTES from global to shared memory; they are there after `wait_for_copies`.
template <int BYTES>
static __device__ __forceinline__ void copy_to_shared(void *target, const void *source)
{
#if __CUDA_ARCH__ >= 800
    const unsigned int address = (unsigned int)__cvta_generic_to_shared(target);
    if (BYTES == 16) {
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(address), "l"(source) : "memory");
    } else {
        asm volatile("cp.async.ca.shared.global [%0], [%1], 8;" ::"r"(address), "l"(source) : "memory");
    }
#else
    #pragma unroll
    for (int k = 0; k < BYTES / 4; ++k) {
        ((unsigned int *)target)[k] = ((const unsigned int *)source)[k];
    }
#endif
}

// Ends a group of copies.
static __device__ __forceinline__ void end_copies()
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// Waits for the thread's own copies, but for those of the last NUMBER groups.
template <int NUMBER>
static __device__ __forceinline__ void wait_for_copies()
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group %0;" ::"n"(NUMBER) : "memory");
#endif
}

// The greatest number of a warp.
static __device__ __forceinline__ unsigned int greatest_of_warp(unsigned int number)
{
#if __CUDA_ARCH__ >= 800
    return __reduce_max_sync(0xffffffffu, number);
#else
    #pragma unroll
    for (int distance = 1; distance < 32; distance *= 2) {
        const unsigned int other = __shfl_xor_sync(0xffffffffu, number, distance);
        number = other > number ? other : number;
    }
    return number;
#endif
}
#endif

#if HAS_WARPGROUPS && defined(__CUDACC__)
static __device__ __forceinline__ unsigned int shared_address(const void *place) { return (unsigned int)__cvta_generic_to_shared(place); }

// What has been written to shared memory is there for multiplications, after the next barrier.
static __device__ __forceinline__ void publish_writes() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

// A barrier that opens when so many bytes have been copied; the thread that expects them passes it, too.
static __device__ __forceinline__ void make_barrier(unsigned long long &barrier)
{
    asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(shared_address(&barrier)) : "memory");
    publish_writes();
}
static __device__ __forceinline__ void expect_bytes(unsigned long long &barrier, unsigned int bytes)
{
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(&barrier)), "r"(bytes) : "memory");
}
static __device__ __forceinline__ void wait_for_bytes(unsigned long long &barrier, int phase)
{
    asm volatile("{ .reg .pred is_open;"
                 " again: mbarrier.try_wait.parity.shared::cta.b64 is_open, [%0], %1;"
                 " @is_open bra open; bra again; open: }" ::"r"(shared_address(&barrier)), "r"(phase) : "memory");
}
// Copies so many bytes, a multiple of 16, from global to shared memory.
static __device__ __forceinline__ void copy_bulk(void *target, const void *source, unsigned int bytes, unsigned long long &barrier)
{
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(shared_address(target)),
                 "l"(source), "r"(bytes), "r"(shared_address(&barrier)) : "memory");
}

// Multiplications that four warps begin together and wait for together: all, or all but those committed last.
static __device__ __forceinline__ void begin_multiplications() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
static __device__ __forceinline__ void commit_multiplications() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int NUMBER>
static __device__ __forceinline__ void wait_for_multiplications()
{
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(NUMBER) : "memory");
}
// What is known of a sum when it has been waited for.
static __device__ __forceinline__ void settle(float &sum) { asm volatile("" : "+f"(sum)::"memory"); }

// Sixteen numbers of each row or column in shared memory: eight of each lie side by side, so that those of eight rows are a matrix; the other eight are
// `count` rows further on.
static __device__ __forceinline__ unsigned long long described(const Words *first, int count)
{
    return (unsigned long long)(shared_address(first) >> 4 & 0x3fff) | (unsigned long long)count << 16 | 8ull << 32;
}

#define FOUR_SUMS(sums) "+f"((sums)[0]), "+f"((sums)[1]), "+f"((sums)[2]), "+f"((sums)[3])
#define PART_OF_SUMS(sums) FOUR_SUMS((sums)[0]), FOUR_SUMS((sums)[1]), FOUR_SUMS((sums)[2]), FOUR_SUMS((sums)[3])
#define MULTIPLY(columns, numbers, goes_on, first_place, second_place)                                                                  \
    "{ .reg .pred goes_on; setp.eq.b32 goes_on, " goes_on ", 0;"                                                                        \
    " wgmma.mma_async.sync.aligned.m64n" columns "k16.f32.f16.f16 {" numbers "}, " first_place ", " second_place ", goes_on, 1, 1, 0, 0; }"
#define NUMBERS_0 "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15"
#define NUMBERS_16 ", %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define NUMBERS_32 ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47"
#define NUMBERS_48 ", %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"

// sums += rows (64 × 16, 16 of each warp) · columns (16 × 32 PARTS), of half number M of the rows; sums are 0 before if it is the first. There are
// `ROWS` rows and 32 PARTS columns side by side. Where only half of the rows have sums, both halves take the same ones.
template <int M, int ROWS, int PARTS, int HALVES>
static __device__ __forceinline__ void multiply_add_shared(
    float (&sums)[PARTS][HALVES][4][4], const Words *rows, const Words *columns, bool is_first)
{
    enum { OWN = HALVES == 1 ? 0 : M };
    const unsigned long long some_rows = described(rows + 64 * M, ROWS), some_columns = described(columns, 32 * PARTS);
    if constexpr (PARTS == 1) {
        asm volatile(MULTIPLY("32", NUMBERS_0, "%18", "%16", "%17")
                     : PART_OF_SUMS(sums[0][OWN])
                     : "l"(some_rows), "l"(some_columns), "r"((int)is_first));
    } else if constexpr (PARTS == 2) {
        asm volatile(MULTIPLY("64", NUMBERS_0 NUMBERS_16, "%34", "%32", "%33")
                     : PART_OF_SUMS(sums[0][OWN]), PART_OF_SUMS(sums[1][OWN])
                     : "l"(some_rows), "l"(some_columns), "r"((int)is_first));
    } else {
        asm volatile(MULTIPLY("128", NUMBERS_0 NUMBERS_16 NUMBERS_32 NUMBERS_48, "%66", "%64", "%65")
                     : PART_OF_SUMS(sums[0][OWN]), PART_OF_SUMS(sums[1][OWN]), PART_OF_SUMS(sums[2][OWN]), PART_OF_SUMS(sums[3][OWN])
                     : "l"(some_rows), "l"(some_columns), "r"((int)is_first));
    }
}
#endif

// Components q … q + 3 of a row of `dim`, if one load has them.
static __device__ __forceinline__ bool four_of(float (&four)[4], const float *row, const View &view, int q, int dim)
{
    const float *first = row + q;
    if (view.component != 1 || q + 4 > dim || ((unsigned long long)first & 15) != 0) {
        return false;
    }
    const float4 loaded = *(const float4 *)first;
    four[0] = loaded.x;
    four[1] = loaded.y;
    four[2] = loaded.z;
    four[3] = loaded.w;
    return true;
}

// Numbers of which the greatest is `greatest`, scaled so that float16 has them and the low part of all that matter; 1 / scale is `inverse`.
static __device__ __forceinline__ float scale_for_halves(float greatest, float &inverse)
{
    const int exponent = (int)(__float_as_uint(greatest) >> 23);
    const int scaled = 268 - exponent < 253 ? 268 - exponent : 253; // the greatest has the exponent 14
    inverse = __uint_as_float((unsigned int)(254 - scaled) << 23);
    return __uint_as_float((unsigned int)scaled << 23);
}

static __device__ __forceinline__ void split(unsigned int &high, unsigned int &low, float first, float second)
{
    high = pair_of_f16(first, second);
    low = pair_of_f16(first - load_f16((unsigned short)high), second - load_f16((unsigned short)(high >> 16)));
}

static __device__ __forceinline__ float sum_of_quad(float value)
{
    value += __shfl_xor_sync(0xffffffffu, value, 1);
    return value + __shfl_xor_sync(0xffffffffu, value, 2);
}

static __device__ __forceinline__ float most_of_quad(float value)
{
    value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, 1));
    return fmaxf(value, __shfl_xor_sync(0xffffffffu, value, 2));
}

// How the sum of products of two numbers is used.
enum { PRODUCTS, DISTANCES };
// What is laid out.
enum { PACKED_COLUMNS, PACKED_ROWS };

// Words of a column that wide sums multiply where they are added up in quads: of each part eight components each.
template <typename Pass>
static __device__ constexpr int words_of_wide_sums()
{
    if constexpr (Pass::WIDE_IN_QUADS) {
        return (Pass::PRECISION == FLOAT32 ? 3 : Pass::PRECISION == TF32 ? 2 : 1) * ((Pass::WIDTH + 15) / 16 * 2);
    }
    return 0;
}

// |x|², of x relative to the middle, and what undoes the scale of its halves. The sign of a column's norm is a mark: its wide sums are not all multiplied.
struct __align__(8) Measure {
    float norm, inverse;
};
static __device__ __forceinline__ float norm_of(float norm) { return fabsf(norm); }

// Columns and rows as halves. All words are of [step][0 and 1: high, 2 and 3: low, or high ones of the next sixteen].
template <typename Pass>
struct Packed {
    // What the support code counts with. Where a row's lie together, they begin with a line of the cache, as a copy of a whole line costs as much as one of a part.
    enum { LINE = 128 };
    enum {
        // Whether there are high parts alone, of how many coordinates they are, in sixteens, and products of parts.
        IS_NARROW = Pass::PRECISION != FLOAT32,
        SIXTEENS = IS_NARROW ? 2 : 1,
        NUMBER_OF_PRODUCTS = IS_NARROW ? 2 : 3,
        STEPS = (Pass::COORDINATES + 16 * SIXTEENS - 1) / (16 * SIXTEENS),
        COORDINATES = 16 * SIXTEENS * STEPS,
        IS_DISTANCE = Pass::CONTRACTION == DISTANCES,
        HALVES_BYTES = STEPS * 4 * (int)sizeof(Halves),
        // Words of what wide sums multiply, which lie behind those of a column's coordinates on sm_90a.
        WIDE_NUMBERS = words_of_wide_sums<Pass>(),
        // The middle.
        HEADER_BYTES = IS_DISTANCE ? (COORDINATES * (int)sizeof(float) + LINE - 1) / LINE * LINE : 0,
    };

    static __device__ __forceinline__ char *header(const Launch &launch)
    {
        return (char *)launch.packed[PACKED_COLUMNS] + blockIdx.z * launch.packed_steps[PACKED_COLUMNS];
    }

    // Those of a batch element, from the launch's first on.
    template <int PART>
    struct All {
        enum { HEADER = PART == PACKED_COLUMNS ? (int)HEADER_BYTES : 0, NUMBERS = 4 * STEPS + (PART == PACKED_COLUMNS ? (int)WIDE_NUMBERS : 0) };
        enum { BYTES = (NUMBERS * (int)sizeof(Words) + 16 + LINE - 1) / LINE * LINE };
#if HAS_WARPGROUPS
        // Those of a tile lie together: words of the same number side by side. Measures are behind all of them. There is room for whole tiles, and for one
        // more where they may begin between two.
        enum { TILE = PART == PACKED_COLUMNS ? CONTRACTED_COLUMNS * Pass::LARGE_PARTS : (int)CONTRACTED_ROWS };
        Words *first;
        Measure *measures;
        long long before, count;

        __device__ __forceinline__ All(const Launch &launch)
        {
            char *begin = (char *)launch.packed[PART] + blockIdx.z * launch.packed_steps[PART] + HEADER;
            before = PART == PACKED_COLUMNS ? launch.packed_offset / BYTES : 0;
            count = (launch.packed_steps[PART] - HEADER) / BYTES / TILE * TILE;
            first = (Words *)begin;
            measures = (Measure *)(begin + count * NUMBERS * (int)sizeof(Words)) + before;
        }
        __device__ __forceinline__ bool has_room(long long index, long long all) const { return before + index < count; }
        __device__ __forceinline__ Words *words(long long index, int number) const
        {
            const unsigned long long place = before + index;
            return first + place / TILE * (TILE * NUMBERS) + number * TILE + place % TILE;
        }
        __device__ __forceinline__ Measure &measure(long long index) const { return measures[index]; }

        // Begins to copy so many numbers of a tile of rows or columns to where they lie as here. All lanes of a warp do so.
        __device__ __forceinline__ void copy(Words *target, long long index, int number, int numbers, unsigned long long &barrier) const
        {
            const int lane = (int)threadIdx.x % 32, offset = (int)((unsigned long long)(before + index) % TILE);
            if (offset == 0) {
                if (lane == 0) {
                    copy_bulk(target, words(index, number), numbers * TILE * (int)sizeof(Words), barrier);
                }
                return;
            }
            #pragma unroll 1
            for (int k = lane; k < numbers; k += 32) {
                const int here = TILE - offset;
                copy_bulk(target + k * TILE, words(index, number + k), here * (int)sizeof(Words), barrier);
                copy_bulk(target + k * TILE + here, words(index + here, number + k), offset * (int)sizeof(Words), barrier);
            }
        }
#else
        // Words of a row or a column lie side by side, with its measure behind them.
        char *first;

        __device__ __forceinline__ All(const Launch &launch)
        {
            first = (char *)launch.packed[PART] + blockIdx.z * launch.packed_steps[PART] + HEADER;
            first += PART == PACKED_COLUMNS ? launch.packed_offset : 0;
        }
        __device__ __forceinline__ bool has_room(long long index, long long all) const { return index < all; }
        __device__ __forceinline__ Words *words(long long index, int number) const { return (Words *)(first + index * BYTES) + number; }
        __device__ __forceinline__ Measure &measure(long long index) const { return *(Measure *)(first + index * BYTES + HALVES_BYTES); }
#endif
    };

    // Four coordinates relative to the middle.
    static __device__ __forceinline__ void relate(float (&terms)[4], const float *middle)
    {
        const Four<float> four = *(const Four<float> *)middle;
        #pragma unroll
        for (int e = 0; e < 4; ++e) {
            terms[e] -= four.of[e];
        }
    }

    // Terms of a step: four of each sixteen.
    static __device__ __forceinline__ Halves halves_of(const float (&terms)[SIXTEENS][4], float scale)
    {
        Halves halves;
        #pragma unroll
        for (int e = 0; e < 2; ++e) {
            if constexpr (IS_NARROW) {
                halves.of[0][e] = pair_of_f16(scale * terms[0][2 * e], scale * terms[0][2 * e + 1]);
                halves.of[1][e] = pair_of_f16(scale * terms[1][2 * e], scale * terms[1][2 * e + 1]);
            } else {
                split(halves.of[0][e], halves.of[1][e], scale * terms[0][2 * e], scale * terms[0][2 * e + 1]);
            }
        }
        return halves;
    }

    static __device__ __forceinline__ void measure_terms(const float (&terms)[SIXTEENS][4], float &most, float &norm)
    {
        #pragma unroll
        for (int e = 0; e < 4 * SIXTEENS; ++e) {
            norm += terms[e / 4][e % 4] * terms[e / 4][e % 4];
            most = fmaxf(most, fabsf(terms[e / 4][e % 4]));
        }
    }

    // Adds the squares of numbers as they have been rounded: those that distances of rounded points are made of.
    static __device__ __forceinline__ void measure_halves(const Halves &halves, float &norm)
    {
        #pragma unroll
        for (int k = 0; k < 8; ++k) {
            const float number = load_f16((unsigned short)(halves.of[k / 4][k / 2 % 2] >> k % 2 * 16));
            norm += number * number;
        }
    }

    // Coordinate q of the middle: the mean of some columns, as far as these are finite.
    static __device__ __forceinline__ float middle_of_columns(const Pass &pass, long long columns, int q)
    {
        enum { SAMPLES = 32 };
        float sum = 0.0f, count = 0.0f;
        #pragma unroll 8
        for (int k = 0; k < SAMPLES; ++k) {
            const float term = pass.column_term(columns * k / SAMPLES, q);
            if (fabsf(term) < 1e30f) {
                sum += term;
                count += 1.0f;
            }
        }
        return count > 0.0f ? sum / count : 0.0f;
    }
};

enum { PACKING_THREADS = 128 };

#if HAS_WARPGROUPS
template <typename Pass, typename All>
static __device__ __forceinline__ void pack_components(const Pass &pass, const All &packed, const float *middle, long long index, long long all);
#endif

// Lays out so many columns or rows a block.
template <typename Pass, int PART>
static __device__ __forceinline__ void pack(const typename Pass::Call &call)
{
    typedef Packed<Pass> Layout;
    __shared__ typename Pass::Shared shared;
    __shared__ __align__(16) float middle[Layout::IS_DISTANCE ? Layout::COORDINATES : 4];
    const Launch &launch = call.launch;
    const Element element = element_of(launch);
    const Pass pass(call, element, shared);
    if constexpr (Layout::IS_DISTANCE) {
        float *header = (float *)Layout::header(launch);
        #pragma unroll 1
        for (int q = (int)threadIdx.x; q < Layout::COORDINATES; q += PACKING_THREADS) {
            if (PART == PACKED_ROWS) {
                middle[q] = header[q];
                continue;
            }
            middle[q] = q < Pass::COORDINATES ? Layout::middle_of_columns(pass, launch.columns, q) : 0.0f;
            if (blockIdx.x == 0) {
                header[q] = middle[q];
            }
        }
        __syncthreads();
    }
    const typename Layout::template All<PART> packed(launch);
    const long long all = PART == PACKED_ROWS ? launch.rows : launch.columns;
    const int part = (int)threadIdx.x % 4;
    const auto read = [&](float (&terms)[Layout::SIXTEENS][4], long long index, int step) {
        #pragma unroll
        for (int k = 0; k < Layout::SIXTEENS; ++k) {
            const int q = 16 * (Layout::SIXTEENS * step + k) + 4 * part;
            if (PART == PACKED_ROWS) {
                pass.row_terms(terms[k], index, q);
            } else {
                pass.column_terms(terms[k], index, q);
            }
            if (Layout::IS_DISTANCE) {
                Layout::relate(terms[k], middle + q);
            }
        }
    };
    #pragma unroll 1
    for (int group = 0; group < 4; ++group) {
        const long long index = (long long)blockIdx.x * PACKING_THREADS + group * 32 + threadIdx.x / 4;
        // Lanes of a quad have the same column.
        const long long place = index < all ? index : all - 1;
        float most = 0.0f, norm = 0.0f, rounded_norm = 0.0f, inverse, terms[Layout::SIXTEENS][4];
        #pragma unroll 4
        for (int step = 0; step < Layout::STEPS; ++step) {
            read(terms, place, step);
            Layout::measure_terms(terms, most, norm);
        }
        norm = sum_of_quad(norm);
        const float scale = scale_for_halves(most_of_quad(most), inverse);
        // Multiplications take in what is beyond the last, which nobody looks at: the last one again, which is as seldom in doubt.
        const bool is_kept = packed.has_room(index, all);
        #pragma unroll 4
        for (int step = 0; step < Layout::STEPS; ++step) {
            read(terms, place, step);
            const Halves halves = Layout::halves_of(terms, scale);
            if (Layout::IS_NARROW) {
                Layout::measure_halves(halves, rounded_norm);
            }
            if (!is_kept) {
                continue;
            }
            if constexpr (PART == PACKED_ROWS && !HAS_WARPGROUPS) {
                *(Halves *)packed.words(index, 4 * step + part) = halves;
            } else {
                #pragma unroll
                for (int k = 0; k < 4; ++k) {
                    packed.words(index, 4 * step + k)->of[part] = halves.of[k / 2][k % 2];
                }
            }
        }
        if (Layout::IS_NARROW) {
            norm = sum_of_quad(rounded_norm) * inverse * inverse;
        }
        if (is_kept && part == 0) {
            packed.measure(index) = {norm, inverse};
        }
    }
#if HAS_WARPGROUPS
    if constexpr (PART == PACKED_COLUMNS && Pass::WIDE_IN_QUADS) {
        __syncthreads();
        pack_components<Pass>(pass, packed, middle, (long long)blockIdx.x * PACKING_THREADS + threadIdx.x, all);
    }
#endif
}

// What is not exact enough is computed term by term, apart from everything else, so that it takes no registers from it.
template <typename Pass>
struct Doubts {
    typedef Terms<Pass> Direct;
    enum {
        IS_DISTANCE = Packed<Pass>::IS_DISTANCE,
        // Pairs of a warp's 32 columns that are computed anew one by one; if there are more, all are.
        FEW = 48,
    };
    // Where |x - y|² is less than this part of |x|² + |y|², it is computed anew. Each step of a sum of products may cut off a bit, which counts for more
    // the less is left of them. Numbers without low parts are off by 2^-11 of them, so that |x - y|² is by 2^-11 |x - y| · 2 (|x| + |y|): at most 2^-8 of it
    // where it is an eighth of |x|² + |y|², and 2^-6 where it is 1/128, as it would be at an eighth with the 8 bits of bfloat16.
    static __device__ __forceinline__ float tolerance()
    {
        if (Pass::PRECISION != FLOAT32) {
            return Pass::PRECISION == TF32 ? 0.125f : 0.0078125f;
        }
        const float part = Packed<Pass>::STEPS / 16.0f;
        return part < 0.125f ? 0.125f : part > 0.5f ? 0.5f : part;
    }
    // The least squared distance that is exact enough where |x|² + |y|² is that; no number where that overflows, which none is greater than.
    static __device__ __forceinline__ float least(float norms)
    {
        const float least = tolerance() * norms;
        return least + (least - least);
    }

    // Bit c: whether the value of the lane's row and column c is not exact enough.
    static __device__ __forceinline__ unsigned int unsure_columns(
        const float *values, const Measure *measured, float row_norm, const Columns &columns)
    {
        unsigned int unsure = 0;
        #pragma unroll 1
        for (int column = 0; column < CONTRACTED_COLUMNS; ++column) {
            const float value = values[threadIdx.x % 32 * CONTRACTED_PITCH + column];
            const bool is_sure = IS_DISTANCE ? value >= least(row_norm + measured[column].norm) : fabsf(value) < INFINITY_F32;
            unsure |= (is_sure || !columns.has(column) ? 0u : 1u) << column;
        }
        return unsure;
    }

    // The sum of a pair's terms, by all lanes of a warp.
    static __device__ __forceinline__ float sum_of_terms(const Pass &pass, const Work &work, int row, long long column)
    {
        const long long own = work.first_row + row_of_warp(row), index = own < work.past_rows ? own : work.past_rows - 1;
        float sum = 0.0f;
        #pragma unroll 4
        for (int q = (int)threadIdx.x % 32; q < Pass::COORDINATES; q += 32) {
            pass.add_term(sum, pass.row_term(index, q), pass.column_term(column, q), q);
        }
        #pragma unroll
        for (int distance = 16; distance > 0; distance /= 2) {
            sum += __shfl_xor_sync(0xffffffffu, sum, distance);
        }
        return sum;
    }

    static __device__ __forceinline__ int sum_of_warp(int number)
    {
        #pragma unroll
        for (int distance = 1; distance < 32; distance *= 2) {
            number += __shfl_xor_sync(0xffffffffu, number, distance);
        }
        return number;
    }

    // Of the rows 8 r + lane / 4, from r = `first_row` on, and the lane's eight columns: those that are not exact enough. Bit 8 (r - first_row) + c: whether that
    // of row and column c was not.
    template <int ROWS>
    static __device__ __noinline__ unsigned int compute_quads_anew(float (&found)[ROWS][8], const Measure *measured, const float (&row_norms)[ROWS],
        const typename Pass::Call &call, typename Pass::Shared &shared, const Work work, const Columns columns, int first_row)
    {
        const Pass pass(call, element_of(call.launch), shared, false);
        const int lane = (int)threadIdx.x % 32;
        unsigned int unsure = 0;
        #pragma unroll 1
        for (int k = 0; k < 8 * ROWS; ++k) {
            const int column = first_of_quad() + place_in_quad(k % 8);
            const float value = found[k / 8][k % 8];
            const bool is_sure
                = IS_DISTANCE ? value >= least(row_norms[k / 8] + norm_of(measured[column].norm)) : fabsf(value) < INFINITY_F32;
            unsure |= (is_sure || !columns.has(column) ? 0u : 1u) << k;
        }
        if (sum_of_warp(__popc(unsure)) > FEW) {
            compute_all_quads(found, pass, work, columns, first_row);
            return unsure;
        }
        for_each_pair(unsure, [&](int other, int k, int row, int column) {
            const float sum = sum_of_terms(pass, work, 8 * first_row + row, columns.at(column));
            if (lane == other) {
                found[k / 8][k % 8] = sum;
            }
        });
        return unsure;
    }

    // All of them, each lane its own.
    template <int ROWS>
    static __device__ __forceinline__ void compute_all_quads(
        float (&found)[ROWS][8], const Pass &pass, const Work &work, const Columns &columns, int first_row)
    {
        float sums[ROWS][8];
        long long rows[ROWS], of_lane[8];
        #pragma unroll
        for (int r = 0; r < ROWS; ++r) {
            const long long own = work.first_row + row_of_warp(8 * (first_row + r) + (int)threadIdx.x % 32 / 4);
            rows[r] = own < work.past_rows ? own : work.past_rows - 1;
        }
        #pragma unroll
        for (int c = 0; c < 8; ++c) {
            const int column = first_of_quad() + place_in_quad(c);
            of_lane[c] = columns.at(columns.has(column) ? column : 0);
            #pragma unroll
            for (int r = 0; r < ROWS; ++r) {
                sums[r][c] = 0.0f;
            }
        }
        #pragma unroll 1
        for (int first = 0; first < Pass::COORDINATES; first += 4) {
            float row_terms[ROWS][4];
            #pragma unroll
            for (int r = 0; r < ROWS; ++r) {
                pass.row_terms(row_terms[r], rows[r], first);
            }
            #pragma unroll
            for (int c = 0; c < 8; ++c) {
                float column_terms[4];
                pass.column_terms(column_terms, of_lane[c], first);
                #pragma unroll
                for (int e = 0; e < 4; ++e) {
                    #pragma unroll
                    for (int r = 0; r < ROWS; ++r) {
                        pass.add_term(sums[r][c], row_terms[r][e], column_terms[e], first + e);
                    }
                }
            }
        }
        #pragma unroll
        for (int k = 0; k < 8 * ROWS; ++k) {
            found[k / 8][k % 8] = sums[k / 8][k % 8];
        }
    }

    // `row_norm` is that of the lane's row of the tile. Returns its columns that were not exact enough.
    static __device__ __noinline__ unsigned int compute_anew(float *values, const Measure *measured, float row_norm,
        const typename Pass::Call &call, typename Pass::Shared &shared, const Work work, const Columns columns)
    {
        const Pass pass(call, element_of(call.launch), shared, false);
        const int lane = (int)threadIdx.x % 32;
        const unsigned int unsure = unsure_columns(values, measured, row_norm, columns);
        if (sum_of_warp(__popc(unsure)) > FEW) {
            Direct::contract_all(values, pass, work, columns);
            return unsure;
        }
        unsigned int rows_left = __ballot_sync(0xffffffffu, unsure != 0);
        #pragma unroll 1
        while (rows_left != 0) {
            const int row = __ffs((int)rows_left) - 1;
            rows_left &= rows_left - 1;
            unsigned int columns_left = __shfl_sync(0xffffffffu, unsure, row);
            #pragma unroll 1
            while (columns_left != 0) {
                const int column = __ffs((int)columns_left) - 1;
                columns_left &= columns_left - 1;
                const float sum = sum_of_terms(pass, work, row, columns.at(column));
                if (lane == 0) {
                    values[row * CONTRACTED_PITCH + column] = sum;
                }
            }
        }
        __syncwarp();
        return unsure;
    }
};

// Bytes of shared memory that wide sums take beside a contraction, as `TensorSums` has them, or `WideTile`.
template <typename Pass>
static __device__ constexpr int bytes_of_wide_sums()
{
    if constexpr (HAS_WARPGROUPS && Pass::WIDE_IN_QUADS) {
        return 2 * words_of_wide_sums<Pass>() * CONTRACTED_COLUMNS * Pass::LARGE_PARTS * (int)sizeof(Words) + 128;
    } else if constexpr (Pass::HAS_WIDE_SUMS) {
        return 192 * ((Pass::WIDTH + 7) / 8 * 8 + 2);
    }
    return 0;
}

// What both ways of multiplying have in common: what is done with the sums of products.
template <typename Pass, int NUMBER_OF_PARTS, int NUMBER_OF_HALVES = 2>
struct Multiplication {
    typedef Terms<Pass> Direct;
    typedef float Real;
    typedef Packed<Pass> Layout;
    enum {
        CONTRACTS = 1,
        MAY_DOUBT = 1,
        HAS_HALVES = 0,
        HALVES = NUMBER_OF_HALVES,
        PARTS = NUMBER_OF_PARTS,
        COLUMNS = CONTRACTED_COLUMNS * PARTS,
        IS_DISTANCE = Layout::IS_DISTANCE,
    };
    typedef typename Layout::template All<PACKED_COLUMNS> PackedColumns;

    // All of columns but coordinates: of the tile that is finished, and of the next.
    enum { KEEPS_COLUMN = sizeof(typename Pass::Column) <= 16 };
    struct Slots {
        __align__(16) typename Pass::Column columns[2][COLUMNS];
        __align__(16) Measure measures[2][COLUMNS];
        float row_norms[CONTRACTED_ROWS];
    };
    // Bytes of shared memory besides coordinates: of this, of pairs, wide sums and parameters, and what alignment takes.
    enum { IN_QUADS = Pass::IN_QUADS || (HAS_WARPGROUPS && Pass::WIDE_IN_QUADS) };
    enum { PAIR_BYTES = IN_QUADS ? 0 : CONTRACTED_ROWS * CONTRACTED_PITCH * (int)sizeof(float) };
    enum { OTHER_BYTES = (int)(sizeof(Slots) + sizeof(typename Pass::Shared)) + PAIR_BYTES + bytes_of_wide_sums<Pass>() + 128 };
    // Of rows 8 k + lane / 4 of the warp.
    float row_norms[4], row_inverses[4];
    // Sums of products. A lane's columns of a part are 8 n + 2 (lane % 4) and the next one, its rows 16 m + lane / 4 and 8 more, all at a time or those of one m.
    float sums[PARTS][HALVES][4][4];
    // What has been read of a column of the tile that has begun to be copied last, if that is short.
    typename Pass::Column column;
    // The slot of the tile that is finished, and whether the next one has begun to be copied.
    int slot;
    bool has_begun;

    __device__ __forceinline__ Multiplication() : slot(0), has_begun(false) {}

    static __device__ __forceinline__ long long row_of_lane(const Work &work, int r)
    {
        const long long row = work.first_row + row_of_warp(8 * r + (int)threadIdx.x % 32 / 4);
        return row < work.past_rows ? row : work.past_rows - 1;
    }

    __device__ __forceinline__ void keep_measure(Slots &slots, int r, float norm, float inverse)
    {
        row_norms[r] = norm;
        row_inverses[r] = inverse;
        if (threadIdx.x % 4 == 0) {
            slots.row_norms[row_of_warp(8 * r + (int)threadIdx.x % 32 / 4)] = norm;
        }
    }

    // Hands over the rows of the lane, coordinates 4 (lane % 4) … + 3 of each sixteen, and keeps their measures.
    template <typename Keep>
    __device__ __forceinline__ void read_rows(Slots &slots, const Pass &pass, const Work &work, const Keep &keep)
    {
        enum { STEPS = Layout::STEPS };
        const float *middle = (const float *)Layout::header(pass.call.launch);
        const int part = (int)threadIdx.x % 4;
        #pragma unroll
        for (int r = 0; r < 4; ++r) {
            const long long row = row_of_lane(work, r);
            float terms[STEPS][Layout::SIXTEENS][4], most = 0.0f, norm = 0.0f, inverse;
            #pragma unroll
            for (int step = 0; step < STEPS; ++step) {
                #pragma unroll
                for (int k = 0; k < Layout::SIXTEENS; ++k) {
                    const int q = 16 * (Layout::SIXTEENS * step + k) + 4 * part;
                    pass.row_terms(terms[step][k], row, q);
                    if (IS_DISTANCE) {
                        Layout::relate(terms[step][k], middle + q);
                    }
                }
                Layout::measure_terms(terms[step], most, norm);
            }
            const float scale = scale_for_halves(most_of_quad(most), inverse);
            norm = Layout::IS_NARROW ? 0.0f : norm;
            #pragma unroll
            for (int step = 0; step < STEPS; ++step) {
                const Halves halves = Layout::halves_of(terms[step], scale);
                if (Layout::IS_NARROW) {
                    Layout::measure_halves(halves, norm);
                }
                keep(step, r, halves);
            }
            norm = sum_of_quad(norm);
            keep_measure(slots, r, Layout::IS_NARROW ? norm * inverse * inverse : norm, inverse);
        }
    }

    // The number of a column of the tile, or of its first one in places beyond the last.
    static __device__ __forceinline__ long long index_of(const Columns &tile, int column) { return tile.at(tile.has(column) ? column : 0); }

    // Whether the thread reads one of a tile's columns.
    static __device__ __forceinline__ bool has_column() { return COLUMNS >= CONTRACTED_ROWS || threadIdx.x < COLUMNS; }

    // Begins to copy measures of columns of the next tile.
    __device__ __forceinline__ void copy_measures(Slots &slots, const PackedColumns &packed, const Columns &tile)
    {
        if (has_column()) {
            const int column = (int)threadIdx.x;
            copy_to_shared<8>(&slots.measures[slot ^ 1][column], &packed.measure(HAS_WARPGROUPS ? tile.at(column) : index_of(tile, column)));
        }
    }

    // Reads all else of columns of the next tile to where all threads see it.
    __device__ __forceinline__ void read_columns(Slots &slots, const Pass &pass, const Columns &tile)
    {
        if (has_column() && tile.has((int)threadIdx.x)) {
            pass.read_column(slots.columns[slot ^ 1][threadIdx.x], tile.at((int)threadIdx.x));
        }
    }

    // The same in two steps: what is short is kept until the tile is the next one.
    __device__ __forceinline__ void begin_columns(Slots &slots, const PackedColumns &packed, const Pass &pass, const Columns &tile)
    {
        has_begun = true;
        copy_measures(slots, packed, tile);
        read_column(pass, tile);
    }
    __device__ __forceinline__ void read_column(const Pass &pass, const Columns &tile)
    {
        if (KEEPS_COLUMN && has_column()) {
            pass.read_column(column, index_of(tile, (int)threadIdx.x));
        }
    }
    __device__ __forceinline__ void end_columns(Slots &slots, const Pass &pass, const Columns &tile)
    {
        if (!KEEPS_COLUMN) {
            read_columns(slots, pass, tile);
        } else if (has_column()) {
            slots.columns[slot ^ 1][threadIdx.x] = column;
        }
    }

    // What is multiplied now is the next tile.
    __device__ __forceinline__ void advance()
    {
        slot ^= 1;
        has_begun = false;
    }

    // Which parts of rows and of columns a product is of. Products 0 and 1 are those of a high and a low part: where they come before all others, of a tile or of a
    // stage, little is cut off of what they are. Where there are no low parts, they are those of sixteen coordinates each.
    static __device__ __forceinline__ constexpr int row_part(int product) { return Layout::IS_NARROW ? product : product == 0; }
    static __device__ __forceinline__ constexpr int column_part(int product) { return Layout::IS_NARROW ? product : product == 1; }

    // Adds products of a step, whose columns begin at `columns`, their words `stride` apart. Sums are 0 before the first.
    template <int FIRST, int PAST>
    static __device__ __forceinline__ void add_products(
        bool is_first, float (&sums)[2][4][4], const unsigned int *columns, int stride, const Halves (&rows)[4])
    {
        if (is_first) {
            #pragma unroll
            for (int k = 0; k < 32; ++k) {
                sums[k / 16][k / 4 % 4][k % 4] = 0.0f;
            }
        }
        unsigned int words[4][4];
        #pragma unroll
        for (int n = 0; n < 4; ++n) {
            load_matrices(words[n], columns + 32 * n, stride);
        }
        #pragma unroll
        for (int product = FIRST; product < PAST; ++product) {
            #pragma unroll
            for (int n = 0; n < 4; ++n) {
                #pragma unroll
                for (int m = 0; m < 2; ++m) {
                    const unsigned int *a = rows[2 * m].of[row_part(product)], *b = rows[2 * m + 1].of[row_part(product)];
                    const unsigned int *c = words[n] + 2 * column_part(product);
                    multiply_add(sums[m][n], a[0], b[0], a[1], b[1], c[0], c[1]);
                }
            }
        }
    }

    // The least squared distances of the rows 8 r + lane / 4, from r = `first_row` on, to columns of a part that are exact enough.
    template <int ROWS>
    __device__ __forceinline__ void find_least(float (&least)[ROWS], const Slots &slots, int part, int first_row) const
    {
        if constexpr (IS_DISTANCE) {
            const Measure *columns = slots.measures[slot] + part * CONTRACTED_COLUMNS;
            // As integers, among which what is no number is the greatest.
            unsigned int greatest = 0;
            if (Layout::STEPS == 1) {
                // Norms of few coordinates differ most, so that those of the lane's own columns leave fewer pairs in doubt.
                #pragma unroll
                for (int c = 0; c < 8; ++c) {
                    const unsigned int norm = __float_as_uint(norm_of(columns[first_of_quad() + place_in_quad(c)].norm));
                    greatest = norm > greatest ? norm : greatest;
                }
            } else {
                greatest = greatest_of_warp(__float_as_uint(norm_of(columns[threadIdx.x % 32].norm)));
            }
            #pragma unroll
            for (int r = 0; r < ROWS; ++r) {
                least[r] = Doubts<Pass>::least(row_norms[first_row + r] + __uint_as_float(greatest));
            }
        }
    }

    // Contractions of these rows with some of the lane's eight columns of a part, from an even number on. Takes back that a row's are exact enough, one
    // for each, so that none waits long for the one before.
    template <int ROWS, int NUMBER>
    __device__ __forceinline__ void contract(float (&found)[ROWS][NUMBER], bool (&are_sure)[ROWS], const float (&least)[ROWS], const Slots &slots,
        int part, int begin, int first_row) const
    {
        const Measure *columns = slots.measures[slot] + part * CONTRACTED_COLUMNS + first_of_quad();
        Four<float> measured[NUMBER / 2];
        #pragma unroll
        for (int k = 0; k < NUMBER / 2; ++k) {
            measured[k] = *(const Four<float> *)(columns + place_in_quad(begin + 2 * k));
        }
        #pragma unroll
        for (int c = 0; c < NUMBER; ++c) {
            const float norm = measured[c / 2].of[c % 2 * 2], inverse = measured[c / 2].of[c % 2 * 2 + 1];
            #pragma unroll
            for (int r = 0; r < ROWS; ++r) {
                const int row = first_row + r;
                const float sum = sums[part][HALVES == 1 ? 0 : row / 2][(begin + c) / 2][row % 2 * 2 + c % 2] * inverse;
                if (IS_DISTANCE) {
                    found[r][c] = __fmaf_rn(sum, -2.0f * row_inverses[row], row_norms[row] + norm_of(norm));
                    are_sure[r] = are_sure[r] && found[r][c] >= least[r];
                } else {
                    found[r][c] = sum * row_inverses[row];
                    are_sure[r] = are_sure[r] && fabsf(found[r][c]) < INFINITY_F32;
                }
            }
        }
    }

    // Bit c: whether column c of a part is marked.
    __device__ __forceinline__ unsigned int marked_columns(const Slots &slots, int part) const
    {
        const float norm = slots.measures[slot][part * CONTRACTED_COLUMNS + threadIdx.x % 32].norm;
        return __ballot_sync(0xffffffffu, (int)__float_as_uint(norm) < 0);
    }

    // All of a part. Whether all of the warp are exact enough.
    template <int ROWS>
    __device__ __forceinline__ bool contractions(float (&found)[ROWS][8], const Slots &slots, int part, int first_row) const
    {
        float least[ROWS];
        bool are_sure[ROWS];
        all_are_sure(are_sure);
        find_least(least, slots, part, first_row);
        contract(found, are_sure, least, slots, part, 0, first_row);
        return are_all_sure(are_sure);
    }

    template <int ROWS>
    static __device__ __forceinline__ void all_are_sure(bool (&are_sure)[ROWS])
    {
        #pragma unroll
        for (int r = 0; r < ROWS; ++r) {
            are_sure[r] = true;
        }
    }
    // Of all lanes of the warp.
    template <int ROWS>
    static __device__ __forceinline__ bool are_all_sure(const bool (&are_sure)[ROWS])
    {
        bool are_all = are_sure[0];
        #pragma unroll
        for (int r = 1; r < ROWS; ++r) {
            are_all = are_all && are_sure[r];
        }
        return __all_sync(0xffffffffu, are_all);
    }

    __device__ __forceinline__ unsigned int compute_anew(
        const Slots &slots, float *values, int part, const Pass &pass, const Work &work, const Columns &columns) const
    {
        const float row_norm = IS_DISTANCE ? slots.row_norms[own_row()] : 0.0f;
        const Measure *measured = slots.measures[slot] + part * CONTRACTED_COLUMNS;
        return Doubts<Pass>::compute_anew(values, measured, row_norm, pass.call, pass.shared, work, columns);
    }

    template <int ROWS>
    static __device__ __forceinline__ void copy_quads(float (&to)[ROWS][8], const float (&from)[ROWS][8])
    {
        #pragma unroll
        for (int k = 0; k < 8 * ROWS; ++k) {
            to[k / 8][k % 8] = from[k / 8][k % 8];
        }
    }

    static __device__ __forceinline__ void write_values(float *values, const float (&found)[4][8])
    {
        #pragma unroll
        for (int r = 0; r < 4; ++r) {
            float *row = values + (8 * r + (int)threadIdx.x % 32 / 4) * CONTRACTED_PITCH + first_of_quad();
            #pragma unroll
            for (int c = 0; c < 8; c += 2) {
                *(Two<float> *)(row + place_in_quad(c)) = {found[r][c], found[r][c + 1]};
            }
        }
        __syncwarp();
    }

    // Writes the contractions of the warp's rows with a part of the tile. Bit c: whether that of the lane's row and column c was not exact enough.
    template <typename Memory>
    __device__ __forceinline__ unsigned int finish(
        Memory &memory, float *values, int part, const Pass &pass, const Work &work, const Columns &columns) const
    {
        float found[4][8];
        const bool is_sure = contractions(found, memory.slots, part, 0);
        write_values(values, found);
        return is_sure ? 0 : compute_anew(memory.slots, values, part, pass, work, columns);
    }
    // Those of the rows 8 r + lane / 4, from r = `first_row` on, with the lane's eight columns. Bit 8 (r - first_row) + c: whether that of row and column c was
    // not exact enough.
    template <int ROWS, typename Memory>
    __device__ __forceinline__ unsigned int finish(float (&found)[ROWS][8], Memory &memory, float *values, int part, const Pass &pass,
        const Work &work, const Columns &columns, int first_row) const
    {
        if (!contractions(found, memory.slots, part, first_row)) {
            const Measure *measured = memory.slots.measures[slot] + part * CONTRACTED_COLUMNS;
            // What a function has the address of lies in memory.
            float norms[ROWS], in_memory[ROWS][8];
            #pragma unroll
            for (int r = 0; r < ROWS; ++r) {
                norms[r] = row_norms[first_row + r];
            }
            copy_quads(in_memory, found);
            const unsigned int anew
                = Doubts<Pass>::compute_quads_anew(in_memory, measured, norms, pass.call, pass.shared, work, columns, first_row);
            copy_quads(found, in_memory);
            return anew;
        }
        return 0;
    }

    template <typename Memory>
    __device__ __forceinline__ const typename Pass::Column *columns(const Memory &memory) const
    {
        return memory.slots.columns[slot];
    }
};

#if !HAS_WARPGROUPS
// Rows in registers, all coordinates of a tile's columns in shared memory.
template <typename Pass>
struct Products : Multiplication<Pass, 1> {
    typedef Multiplication<Pass, 1> Base;
    typedef typename Base::Layout Layout;
    enum { STEPS = Layout::STEPS, STRIDE = 4 * Base::COLUMNS, READS_ROWS = 0, IS_LARGE = 0 };

    struct Memory {
        __align__(128) Words columns[STEPS][4][Base::COLUMNS];
        typename Base::Slots slots;
    };
    // Of rows 8 k + lane / 4 of the warp: coordinates 4 (lane % 4) … + 3 of each sixteen.
    Halves rows[STEPS][4];

    __device__ __forceinline__ Products(const Pass &pass, Memory &memory, const Work &work)
    {
        Base::read_rows(memory.slots, pass, work, [&](int step, int r, const Halves &halves) { rows[step][r] = halves; });
    }

    // Begins to copy columns.
    __device__ __forceinline__ void copy(Memory &memory, const Pass &pass, const Columns &tile)
    {
        const typename Base::PackedColumns packed(pass.call.launch);
        Base::begin_columns(memory.slots, packed, pass, tile);
        const int column = (int)threadIdx.x / 4, unit = (int)threadIdx.x % 4;
        const Words *words = packed.words(Base::index_of(tile, column), unit);
        #pragma unroll
        for (int step = 0; step < STEPS; ++step) {
            copy_to_shared<16>(&memory.columns[step][unit][column], words + 4 * step);
        }
        end_copies();
    }

    // Multiplies a tile.
    __device__ __forceinline__ void start(Memory &memory, const Pass &pass, const Columns &tile, const Columns &next)
    {
        if (!Base::has_begun) {
            __syncthreads();
            copy(memory, pass, tile);
        }
        wait_for_copies<0>();
        Base::end_columns(memory.slots, pass, tile);
        __syncthreads();
        const unsigned int *columns = memory.columns[0][0][0].of;
        #pragma unroll
        for (int step = 0; step < STEPS; ++step) {
            Base::template add_products<0, 2>(step == 0, Base::sums[0], columns + step * 4 * STRIDE, STRIDE, rows[step]);
        }
        #pragma unroll
        for (int step = 0; step < STEPS && !Layout::IS_NARROW; ++step) {
            Base::template add_products<2, Layout::NUMBER_OF_PRODUCTS>(false, Base::sums[0], columns + step * 4 * STRIDE, STRIDE, rows[step]);
        }
    }

    // Begins to copy the next tile, as nobody multiplies this one any more.
    __device__ __forceinline__ void wait(Memory &memory, const Pass &pass, const Columns &next)
    {
        Base::advance();
        __syncthreads();
        if (next.are_there()) {
            copy(memory, pass, next);
        }
    }
};
#endif

#if !HAS_WARPGROUPS
// Rows and columns step by step. Where sums may be long, as they are of products but not of differences to the middle, a few steps have sums of their
// own, to which the others are added in float32: what steps cut off is little then. It is nothing to what numbers without low parts are off by.
template <typename Pass>
struct LongProducts : Multiplication<Pass, Pass::LONG_PARTS> {
    typedef Multiplication<Pass, Pass::LONG_PARTS> Base;
    typedef typename Base::Layout Layout;
    enum { IS_IN_TOTALS = Base::PARTS <= 2 && !Layout::IS_NARROW, STEPS_OF_SUM = IS_IN_TOTALS ? 4 : Layout::STEPS };
    enum { STEPS = Layout::STEPS, STRIDE = 4 * Base::COLUMNS, READS_ROWS = 1, IS_LARGE = 0 };
    enum { STAGE_BYTES = 4 * Base::COLUMNS * (int)sizeof(Words) };
    enum { STAGES = 3 * STAGE_BYTES + Base::OTHER_BYTES <= MOST_SHARED_BYTES ? 3 : 2 };

    struct Memory {
        __align__(128) Words columns[STAGES][4][Base::COLUMNS];
        typename Base::Slots slots;
    };
    const Halves *rows[4];

    __device__ __forceinline__ LongProducts(const Pass &pass, Memory &memory, const Work &work)
    {
        #pragma unroll
        for (int r = 0; r < 4; ++r) {
            const typename Layout::template All<PACKED_ROWS> packed(pass.call.launch);
            const long long row = Base::row_of_lane(work, r);
            const Measure measure = packed.measure(row);
            Base::keep_measure(memory.slots, r, measure.norm, measure.inverse);
            rows[r] = (const Halves *)packed.words(row, (int)threadIdx.x % 4);
        }
    }

    // Begins to copy a step of columns.
    __device__ __forceinline__ void copy(Memory &memory, const Launch &launch, const Columns &tile, int step)
    {
        if (step < STEPS) {
            #pragma unroll
            for (int part = 0; part < Base::PARTS; ++part) {
                const int column = part * CONTRACTED_COLUMNS + (int)threadIdx.x / 4;
                const Words *words = typename Base::PackedColumns(launch).words(Base::index_of(tile, column), 4 * step + (int)threadIdx.x % 4);
                copy_to_shared<16>(&memory.columns[step % STAGES][threadIdx.x % 4][column], words);
            }
        }
        end_copies();
    }

    // Begins to copy a tile.
    __device__ __forceinline__ void copy_first(Memory &memory, const Pass &pass, const Columns &tile)
    {
        Base::begin_columns(memory.slots, typename Base::PackedColumns(pass.call.launch), pass, tile);
        #pragma unroll
        for (int step = 0; step < STAGES - 1; ++step) {
            copy(memory, pass.call.launch, tile, step);
        }
    }

    // Multiplies a tile, and begins to copy the next one.
    __device__ __forceinline__ void start(Memory &memory, const Pass &pass, const Columns &tile, const Columns &next)
    {
        if (!Base::has_begun) {
            __syncthreads();
            copy_first(memory, pass, tile);
        }
        Base::end_columns(memory.slots, pass, tile);
        float totals[IS_IN_TOTALS ? Base::PARTS : 1][32];
        Halves now[4], later[4];
        unsigned int nothing = 0;
        hide(nothing);
        #pragma unroll
        for (int r = 0; r < 4; ++r) {
            now[r] = rows[r][0];
        }
        #pragma unroll 1
        for (int step = 0; step < STEPS; ++step) {
            #pragma unroll
            for (int r = 0; r < 4; ++r) {
                later[r] = rows[r][4 * (step + 1 < STEPS ? step + 1 : step)];
                // Numbers of two rows stand side by side in what multiplies; a change that is none keeps them from being put there each time.
                now[r].of[0][0] ^= nothing;
                now[r].of[0][1] ^= nothing;
                now[r].of[1][0] ^= nothing;
                now[r].of[1][1] ^= nothing;
            }
            wait_for_copies<STAGES - 2>();
            __syncthreads();
            copy(memory, pass.call.launch, tile, step + STAGES - 1);
            #pragma unroll
            for (int part = 0; part < Base::PARTS; ++part) {
                const unsigned int *columns = memory.columns[step % STAGES][0][part * CONTRACTED_COLUMNS].of;
                Base::template add_products<0, Layout::NUMBER_OF_PRODUCTS>(step % STEPS_OF_SUM == 0, Base::sums[part], columns, STRIDE, now);
            }
            if (IS_IN_TOTALS && (step % STEPS_OF_SUM == STEPS_OF_SUM - 1 || step == STEPS - 1)) {
                add_to_totals(totals, step < STEPS_OF_SUM);
            }
            #pragma unroll
            for (int r = 0; r < 4; ++r) {
                now[r] = later[r];
            }
        }
        if (IS_IN_TOTALS) {
            #pragma unroll
            for (int part = 0; part < Base::PARTS; ++part) {
                #pragma unroll
                for (int k = 0; k < 32; ++k) {
                    Base::sums[part][k / 16][k / 4 % 4][k % 4] = totals[IS_IN_TOTALS ? part : 0][k];
                }
            }
        }
        __syncthreads();
        Base::advance();
        if (next.are_there()) {
            copy_first(memory, pass, next);
        }
    }

    template <int PARTS>
    __device__ __forceinline__ void add_to_totals(float (&totals)[PARTS][32], bool is_first) const
    {
        #pragma unroll
        for (int part = 0; part < PARTS; ++part) {
            #pragma unroll
            for (int k = 0; k < 32; ++k) {
                const float sum = Base::sums[part][k / 16][k / 4 % 4][k % 4];
                totals[part][k] = is_first ? sum : totals[part][k] + sum;
            }
        }
    }

    __device__ __forceinline__ void wait(Memory &memory, const Pass &pass, const Columns &next) {}
};
#endif

#if HAS_WARPGROUPS
// Four warps multiply rows and columns together that both lie in shared memory. Columns are copied there stage by stage, ahead of what is multiplied, and
// so are long rows beside them; others are there for the whole time. Multiplications of one stage go on while the next one is waited for, and
// those of another block while pairs of this one are taken in.
template <typename Pass, bool KEEPS_ROWS, int PARTS, bool IS_IN_HALVES = false>
struct SharedProducts : Multiplication<Pass, PARTS, IS_IN_HALVES ? 1 : 2> {
    typedef Multiplication<Pass, PARTS, IS_IN_HALVES ? 1 : 2> Base;
    typedef typename Base::Layout Layout;
    enum { READS_ROWS = !KEEPS_ROWS, IS_LARGE = 1, STEPS = Layout::STEPS, COLUMNS = Base::COLUMNS };
    // As `LongProducts` has it.
    enum { IS_IN_TOTALS = !KEEPS_ROWS && PARTS <= 2 && !Layout::IS_NARROW, STEPS_OF_SUM = IS_IN_TOTALS ? 4 : STEPS };
    // Bytes of a step of a stage, and of all that is there for the whole time; how many steps a stage has, and how many stages there are.
    enum { COPIED_ROWS = KEEPS_ROWS ? 0 : (int)CONTRACTED_ROWS, STEP_BYTES = 4 * (int)sizeof(Words) * (COLUMNS + COPIED_ROWS) };
    enum { KEPT_BYTES = KEEPS_ROWS ? STEPS * 4 * (int)CONTRACTED_ROWS * (int)sizeof(Words) : 0 };
    enum { ROOM = (int)Pass::LARGE_BYTES - Base::PAIR_BYTES - bytes_of_wide_sums<Pass>() - (int)sizeof(typename Base::Slots) - KEPT_BYTES - 512 };
    enum { MOST_STEPS = ROOM / STEP_BYTES, STAGE_STEPS = STEPS > 1 && MOST_STEPS >= 4 ? 2 : 1 };
    enum { STAGES_OF_TILE = (STEPS + STAGE_STEPS - 1) / STAGE_STEPS, MOST_STAGES = MOST_STEPS / STAGE_STEPS };
    // Half of the rows at a time need half of the registers, and the whole tile to be there twice.
    enum { HAS_HALVES = IS_IN_HALVES, STAGES = MOST_STAGES < 3 ? MOST_STAGES : 3 };
    static_assert(!HAS_HALVES || (KEEPS_ROWS && STAGES_OF_TILE == 1), "a stage is a tile");
    static_assert(STAGES >= 2, "there is room");
    // How far copies may be ahead of the first stage of a tile: to the last one of the next.
    enum { AHEAD = 2 * STAGES_OF_TILE };

    typedef typename Layout::template All<PACKED_ROWS> PackedRows;
    struct Stage {
        Words columns[STAGE_STEPS][4][COLUMNS];
        Words rows[KEEPS_ROWS ? 1 : STAGE_STEPS][4][KEEPS_ROWS ? 1 : (int)CONTRACTED_ROWS];
    };
    struct Memory {
        __align__(128) Words rows[KEEPS_ROWS ? STEPS : 1][4][KEEPS_ROWS ? (int)CONTRACTED_ROWS : 1];
        __align__(128) Stage stages[STAGES];
        // Each opens when a stage is there.
        unsigned long long barriers[STAGES];
        // What takes divisions to find.
        typename Base::PackedColumns packed_columns;
        PackedRows packed_rows;
        typename Base::Slots slots;
    };
    // The stage that is multiplied next, in which turn of all; the one that is copied next, and its number, counted from the first of the tile.
    int stage, turn, target, begun;
    long long first_row;

    __device__ __forceinline__ SharedProducts(const Pass &pass, Memory &memory, const Work &work)
        : stage(0), turn(0), target(0), begun(0), first_row(work.first_row)
    {
        if (threadIdx.x < STAGES) {
            make_barrier(memory.barriers[threadIdx.x]);
        }
        if (threadIdx.x == 0) {
            memory.packed_columns = typename Base::PackedColumns(pass.call.launch);
            memory.packed_rows = PackedRows(pass.call.launch);
        }
        if constexpr (KEEPS_ROWS) {
            const int part = (int)threadIdx.x % 4;
            Base::read_rows(memory.slots, pass, work, [&](int step, int r, const Halves &halves) {
                #pragma unroll
                for (int k = 0; k < 4; ++k) {
                    memory.rows[step][k][row_of_warp(8 * r + (int)threadIdx.x % 32 / 4)].of[part] = halves.of[k / 2][k % 2];
                }
            });
            publish_writes();
        } else {
            // Rows beyond the last are multiplied like others, whatever they are, and never in doubt.
            const PackedRows packed(pass.call.launch);
            #pragma unroll
            for (int r = 0; r < 4; ++r) {
                const bool is_there = work.first_row + row_of_warp(8 * r + (int)threadIdx.x % 32 / 4) < work.past_rows;
                const Measure measure = packed.measure(Base::row_of_lane(work, r));
                Base::keep_measure(memory.slots, r, is_there ? measure.norm : 1e30f, is_there ? measure.inverse : 0.0f);
            }
        }
        __syncthreads();
    }

    // Begins to copy all stages for which there is room when `done` of the tile have been multiplied. All lanes of the first warp do so.
    __device__ __forceinline__ void copy_stages(Memory &memory, const Launch &launch, const Columns &tile, const Columns &next, int done)
    {
        const int past = next.are_there() ? (int)AHEAD : (int)STAGES_OF_TILE;
        const int most = done + STAGES < past ? done + STAGES : past;
        if (threadIdx.x < 32) {
            #pragma unroll 1
            for (int number = begun; number < most; ++number) {
                const bool is_next = number >= STAGES_OF_TILE;
                copy_stage(memory, launch, is_next ? next.at(0) : tile.at(0), is_next ? number - STAGES_OF_TILE : number);
            }
        }
        begun = most > begun ? most : begun;
    }

    __device__ __forceinline__ void copy_stage(Memory &memory, const Launch &launch, long long column, int number)
    {
        enum { TAIL = STEPS % STAGE_STEPS };
        const int steps = TAIL != 0 && number == STAGES_OF_TILE - 1 ? TAIL : STAGE_STEPS, from = 4 * number * STAGE_STEPS;
        unsigned long long &barrier = memory.barriers[target];
        Stage &some = memory.stages[target];
        if (threadIdx.x == 0) {
            expect_bytes(barrier, steps * STEP_BYTES);
        }
        __syncwarp();
        memory.packed_columns.copy(some.columns[0][0], column, from, 4 * steps, barrier);
        if constexpr (!KEEPS_ROWS) {
            memory.packed_rows.copy(some.rows[0][0], first_row, from, 4 * steps, barrier);
        }
        target = target == STAGES - 1 ? 0 : target + 1;
    }

    // Multiplies a tile, and begins to copy the next one.
    __device__ __forceinline__ void start(Memory &memory, const Pass &pass, const Columns &tile, const Columns &next)
    {
        enum { TAIL = STEPS % STAGE_STEPS };
        const Launch &launch = pass.call.launch;
        if (!Base::has_begun) {
            __syncthreads();
            begun = 0;
            copy_stages(memory, launch, tile, next, 0);
        }
        if constexpr (IS_IN_TOTALS) {
            read_rest(memory, pass, tile, next);
            multiply_in_totals(memory, launch, tile, next);
        } else {
            multiply<STAGES_OF_TILE == 1 && TAIL != 0 ? (int)TAIL : (int)STAGE_STEPS>(memory, 0, true);
            // Meanwhile.
            read_rest(memory, pass, tile, next);
            if (STAGES_OF_TILE > 1) {
                #pragma unroll 1
                for (int number = 1; number < STAGES_OF_TILE - (TAIL != 0); ++number) {
                    multiply<STAGE_STEPS>(memory, number, false);
                    release(memory, launch, tile, next, number);
                }
                if (TAIL != 0) {
                    multiply<TAIL == 0 ? 1 : (int)TAIL>(memory, STAGES_OF_TILE - 1, false);
                    release(memory, launch, tile, next, STAGES_OF_TILE - 1);
                }
            }
            wait_for_multiplications<0>();
            settle_sums();
        }
        go_on(next);
    }

    // Reads all of columns but coordinates, and begins to copy stages where those of the tile before lay, which nobody multiplies any more.
    __device__ __forceinline__ void read_rest(Memory &memory, const Pass &pass, const Columns &tile, const Columns &next)
    {
        Base::copy_measures(memory.slots, memory.packed_columns, tile);
        end_copies();
        copy_stages(memory, pass.call.launch, tile, next, 0);
        Base::read_columns(memory.slots, pass, tile);
    }

    // Copies a tile, unless that has been done beside the one before.
    __device__ __forceinline__ void start_halves(Memory &memory, const Pass &pass, const Columns &tile, const Columns &next)
    {
        if (!Base::has_begun) {
            __syncthreads();
            begun = 0;
            read_rest(memory, pass, tile, next);
            wait_for_copies<0>();
            __syncthreads();
            Base::advance();
        }
    }

    // The next tile, if there is one, is copied beside another: measures while its first half is multiplied, all else while its second half is. Coordinates are
    // copied by one warp, for which the others would wait.
    __device__ __forceinline__ void begin_next(Memory &memory, const Columns &next)
    {
        if (next.are_there()) {
            Base::copy_measures(memory.slots, memory.packed_columns, next);
            end_copies();
        }
    }
    __device__ __forceinline__ void read_next(const Pass &pass, const Columns &next)
    {
        if (next.are_there()) {
            Base::read_column(pass, next);
        }
    }
    __device__ __forceinline__ void end_next(Memory &memory, const Pass &pass, const Columns &tile, const Columns &next)
    {
        if (next.are_there()) {
            copy_stages(memory, pass.call.launch, tile, next, 0);
            Base::end_columns(memory.slots, pass, next);
        }
    }

    // Begins to multiply half M of the rows: 64 M … + 63.
    template <int M>
    __device__ __forceinline__ void begin_half(Memory &memory)
    {
        if (M == 0) {
            wait_for_bytes(memory.barriers[stage], turn);
        }
        begin_multiplications();
        multiply_stage<STEPS, M, M + 1>(memory, 0, true);
        commit_multiplications();
        if (M == 1) {
            leave_stage();
        }
    }
    __device__ __forceinline__ void end_half()
    {
        wait_for_multiplications<0>();
        settle_sums();
    }

    // All threads have come to where another tile is taken in, whose columns have been read.
    __device__ __forceinline__ void go_on(const Columns &next)
    {
        wait_for_copies<0>();
        __syncthreads();
        begun -= STAGES_OF_TILE;
        Base::advance();
        Base::has_begun = next.are_there();
    }

    // Begins to multiply a stage of so many steps.
    template <int NUMBER_OF_STEPS>
    __device__ __forceinline__ void multiply(Memory &memory, int number, bool is_first)
    {
        wait_for_bytes(memory.barriers[stage], turn);
        begin_multiplications();
        multiply_stage<NUMBER_OF_STEPS, 0, 2>(memory, number, is_first);
        commit_multiplications();
        leave_stage();
    }

    __device__ __forceinline__ void leave_stage()
    {
        turn ^= stage == STAGES - 1;
        stage = stage == STAGES - 1 ? 0 : stage + 1;
    }

    // Halves FIRST_HALF … PAST_HALF - 1 of the rows.
    template <int NUMBER_OF_STEPS, int FIRST_HALF, int PAST_HALF>
    __device__ __forceinline__ void multiply_stage(const Memory &memory, int number, bool is_first)
    {
        multiply_products<NUMBER_OF_STEPS, 0, 2, FIRST_HALF, PAST_HALF>(memory, number, is_first);
        if (!Layout::IS_NARROW) {
            multiply_products<NUMBER_OF_STEPS, 2, Layout::NUMBER_OF_PRODUCTS, FIRST_HALF, PAST_HALF>(memory, number, false);
        }
    }

    template <int NUMBER_OF_STEPS, int FIRST, int PAST, int FIRST_HALF, int PAST_HALF>
    __device__ __forceinline__ void multiply_products(const Memory &memory, int number, bool is_first)
    {
        const Stage &some = memory.stages[stage];
        #pragma unroll
        for (int step = 0; step < NUMBER_OF_STEPS; ++step) {
            const Words(*rows)[CONTRACTED_ROWS];
            if constexpr (KEEPS_ROWS) {
                rows = memory.rows[number * STAGE_STEPS + step];
            } else {
                rows = some.rows[step];
            }
            #pragma unroll
            for (int product = FIRST; product < PAST; ++product) {
                const Words *own = rows[2 * Base::row_part(product)], *columns = some.columns[step][2 * Base::column_part(product)];
                const bool begins = is_first && step == 0 && product == FIRST;
                if constexpr (FIRST_HALF == 0) {
                    multiply_add_shared<0, CONTRACTED_ROWS>(Base::sums, own, columns, begins);
                }
                if constexpr (PAST_HALF == 2) {
                    multiply_add_shared<1, CONTRACTED_ROWS>(Base::sums, own, columns, begins);
                }
            }
        }
    }

    // Waits for all stages but the last one, which leaves room for others.
    __device__ __forceinline__ void release(Memory &memory, const Launch &launch, const Columns &tile, const Columns &next, int done)
    {
        wait_for_multiplications<1>();
        __syncthreads();
        copy_stages(memory, launch, tile, next, done);
    }

    __device__ __forceinline__ void multiply_in_totals(Memory &memory, const Launch &launch, const Columns &tile, const Columns &next)
    {
        enum { TAIL = STEPS % STAGE_STEPS, STAGES_OF_SUM = STEPS_OF_SUM / STAGE_STEPS };
        float totals[PARTS][32];
        #pragma unroll
        for (int k = 0; k < 32 * PARTS; ++k) {
            totals[k / 32][k % 32] = 0.0f;
        }
        #pragma unroll 1
        for (int number = 0; number < STAGES_OF_TILE; ++number) {
            const bool is_first = number % STAGES_OF_SUM == 0;
            if (TAIL != 0 && number == STAGES_OF_TILE - 1) {
                multiply<TAIL == 0 ? 1 : (int)TAIL>(memory, number, is_first);
            } else {
                multiply<STAGE_STEPS>(memory, number, is_first);
            }
            wait_for_multiplications<0>();
            settle_sums();
            if (number % STAGES_OF_SUM == STAGES_OF_SUM - 1 || number == STAGES_OF_TILE - 1) {
                #pragma unroll
                for (int k = 0; k < 32 * PARTS; ++k) {
                    totals[k / 32][k % 32] += Base::sums[k / 32][k / 16 % 2][k / 4 % 4][k % 4];
                }
            }
            if (number < STAGES_OF_TILE - 1) {
                __syncthreads();
                copy_stages(memory, launch, tile, next, number + 1);
            }
        }
        #pragma unroll
        for (int k = 0; k < 32 * PARTS; ++k) {
            Base::sums[k / 32][k / 16 % 2][k / 4 % 4][k % 4] = totals[k / 32][k % 32];
        }
    }

    __device__ __forceinline__ void settle_sums()
    {
        #pragma unroll
        for (int k = 0; k < 16 * Base::HALVES * PARTS; ++k) {
            settle(Base::sums[k / (16 * Base::HALVES)][k / 16 % Base::HALVES][k / 4 % 4][k % 4]);
        }
    }

    __device__ __forceinline__ void wait(Memory &memory, const Pass &pass, const Columns &next) {}
};

template <typename Pass>
struct Products : SharedProducts<Pass, true, Pass::LARGE_PARTS, Pass::IN_HALVES> {
    using SharedProducts<Pass, true, Pass::LARGE_PARTS, Pass::IN_HALVES>::SharedProducts;
};
template <typename Pass>
struct LongProducts : SharedProducts<Pass, false, Pass::LARGE_PARTS> {
    using SharedProducts<Pass, false, Pass::LARGE_PARTS>::SharedProducts;
};
#endif
