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

// Copies BYTES from global to shared memory, or zeros if there is nothing to copy; they are there after `wait_for_copies`.
template <int BYTES>
static __device__ __forceinline__ void copy_to_shared(void *target, const void *source, bool is_there)
{
#if __CUDA_ARCH__ >= 800
    const unsigned int address = (unsigned int)__cvta_generic_to_shared(target);
    const int size = is_there ? BYTES : 0;
    if (BYTES == 16) {
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(source), "r"(size) : "memory");
    } else {
        asm volatile("cp.async.ca.shared.global [%0], [%1], 8, %2;" ::"r"(address), "l"(source), "r"(size) : "memory");
    }
#else
    #pragma unroll
    for (int k = 0; k < BYTES / 4; ++k) {
        ((unsigned int *)target)[k] = is_there ? ((const unsigned int *)source)[k] : 0u;
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

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
// The multiplications of sm_90a, which four warps begin together and wait for together.
static __device__ __forceinline__ void begin_multiplications() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
static __device__ __forceinline__ void commit_multiplications() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
static __device__ __forceinline__ void end_multiplications() { asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory"); }
// What copies have written is there for them.
static __device__ __forceinline__ void publish_copies() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

// 32 columns in shared memory, of which eight numbers are matrices of 8 × 8 that lie one after the other; the next eight are `stride` words on.
static __device__ __forceinline__ unsigned long long described(const unsigned int *columns, int stride)
{
    const unsigned long long address = __cvta_generic_to_shared(columns);
    return (address >> 4 & 0x3fff) | (unsigned long long)(stride / 4) << 16 | 8ull << 32;
}

// sums += rows (64 × 16, 16 of each warp) · columns (16 × 32); sums are 0 before if it is the first.
static __device__ __forceinline__ void multiply_add_32(float (&sums)[4][4], unsigned int a0, unsigned int a1, unsigned int a2,
    unsigned int a3, unsigned long long columns, bool is_first)
{
    asm volatile("{ .reg .pred goes_on; setp.eq.b32 goes_on, %21, 0;"
                 " wgmma.mma_async.sync.aligned.m64n32k16.f32.f16.f16"
                 " {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15}, {%16, %17, %18, %19}, %20, goes_on, 1, 1, 0; }"
                 : "+f"(sums[0][0]), "+f"(sums[0][1]), "+f"(sums[0][2]), "+f"(sums[0][3]), "+f"(sums[1][0]), "+f"(sums[1][1]),
                 "+f"(sums[1][2]), "+f"(sums[1][3]), "+f"(sums[2][0]), "+f"(sums[2][1]), "+f"(sums[2][2]), "+f"(sums[2][3]),
                 "+f"(sums[3][0]), "+f"(sums[3][1]), "+f"(sums[3][2]), "+f"(sums[3][3])
                 : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "l"(columns), "r"((int)is_first));
}
#elif defined(__CUDACC__)
static __device__ __forceinline__ void publish_copies() {}
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

// |x|², of x relative to the middle, and what undoes the scale of its halves.
struct __align__(8) Measure {
    float norm, inverse;
};

// Four words of a column: two numbers each of lanes 0 … 3.
struct __align__(16) Words {
    unsigned int of[4];
};

// Columns and rows as halves, with their measure behind them. Of rows [step][part], of columns the words of all four parts lie together: [step][0 and
// 1: high, 2 and 3: low, or high ones of the next sixteen].
template <typename Pass>
struct Packed {
    // Each begins with a line of the cache, as a copy of a whole line costs as much as one of a part.
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
        BYTES = (HALVES_BYTES + 16 + LINE - 1) / LINE * LINE,
        // The middle.
        HEADER_BYTES = IS_DISTANCE ? (COORDINATES * (int)sizeof(float) + LINE - 1) / LINE * LINE : 0,
    };

    static __device__ __forceinline__ char *header(const Launch &launch)
    {
        return (char *)launch.packed[PACKED_COLUMNS] + blockIdx.z * launch.packed_steps[PACKED_COLUMNS];
    }
    static __device__ __forceinline__ char *column(const Launch &launch, long long index)
    {
        return header(launch) + HEADER_BYTES + launch.packed_offset + index * BYTES;
    }
    static __device__ __forceinline__ char *row(const Launch &launch, long long index)
    {
        return (char *)launch.packed[PACKED_ROWS] + blockIdx.z * launch.packed_steps[PACKED_ROWS] + index * BYTES;
    }
    static __device__ __forceinline__ Measure &measure(char *packed) { return *(Measure *)(packed + HALVES_BYTES); }

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
        const bool is_there = index < all;
        char *packed = PART == PACKED_ROWS ? Layout::row(launch, place) : Layout::column(launch, place);
        #pragma unroll 4
        for (int step = 0; step < Layout::STEPS; ++step) {
            read(terms, place, step);
            const Halves halves = Layout::halves_of(terms, scale);
            if (Layout::IS_NARROW) {
                Layout::measure_halves(halves, rounded_norm);
            }
            if (PART == PACKED_ROWS && is_there) {
                ((Halves *)packed)[4 * step + part] = halves;
            }
            if (PART == PACKED_COLUMNS && is_there) {
                unsigned int *words = (unsigned int *)packed + 16 * step + part;
                words[0] = halves.of[0][0];
                words[4] = halves.of[0][1];
                words[8] = halves.of[1][0];
                words[12] = halves.of[1][1];
            }
        }
        if (Layout::IS_NARROW) {
            norm = sum_of_quad(rounded_norm) * inverse * inverse;
        }
        if (is_there && part == 0) {
            Layout::measure(packed) = {norm, inverse};
        }
    }
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

    // `row_norm` is that of the lane's row of the tile. Returns its columns that were not exact enough.
    static __device__ __noinline__ unsigned int compute_anew(float *values, const Measure *measured, float row_norm,
        const typename Pass::Call &call, typename Pass::Shared &shared, const Work work, const Columns columns)
    {
        const Pass pass(call, element_of(call.launch), shared, false);
        const int lane = (int)threadIdx.x % 32;
        const long long rows = work.first_row + Direct::first_row();
        const unsigned int unsure = unsure_columns(values, measured, row_norm, columns);
        int number = __popc(unsure);
        #pragma unroll
        for (int distance = 1; distance < 32; distance *= 2) {
            number += __shfl_xor_sync(0xffffffffu, number, distance);
        }
        if (number > FEW) {
            Direct::contract_all(values, pass, work, columns);
            return unsure;
        }
        unsigned int rows_left = __ballot_sync(0xffffffffu, unsure != 0);
        #pragma unroll 1
        while (rows_left != 0) {
            const int row = __ffs((int)rows_left) - 1;
            rows_left &= rows_left - 1;
            const long long index = rows + row < work.past_rows ? rows + row : work.past_rows - 1;
            unsigned int columns_left = __shfl_sync(0xffffffffu, unsure, row);
            #pragma unroll 1
            while (columns_left != 0) {
                const int column = __ffs((int)columns_left) - 1;
                columns_left &= columns_left - 1;
                float sum = 0.0f;
                #pragma unroll 4
                for (int q = lane; q < Pass::COORDINATES; q += 32) {
                    pass.add_term(sum, pass.row_term(index, q), pass.column_term(columns.at(column), q), q);
                }
                #pragma unroll
                for (int distance = 16; distance > 0; distance /= 2) {
                    sum += __shfl_xor_sync(0xffffffffu, sum, distance);
                }
                if (lane == 0) {
                    values[row * CONTRACTED_PITCH + column] = sum;
                }
            }
        }
        __syncwarp();
        return unsure;
    }
};

// Bytes of shared memory that wide sums take beside a contraction, as `TensorSums` has them.
template <typename Pass>
static __device__ constexpr int bytes_of_wide_sums()
{
    if constexpr (Pass::HAS_WIDE_SUMS) {
        return 192 * ((Pass::WIDTH + 7) / 8 * 8 + 2);
    }
    return 0;
}

// What both ways of multiplying have in common: what is done with the sums of products.
template <typename Pass, int NUMBER_OF_PARTS>
struct Multiplication {
    typedef Terms<Pass> Direct;
    typedef float Real;
    typedef Packed<Pass> Layout;
    enum {
        CONTRACTS = 1,
        PARTS = NUMBER_OF_PARTS,
        COLUMNS = CONTRACTED_COLUMNS * PARTS,
        IS_DISTANCE = Layout::IS_DISTANCE,
        // Whether four warps multiply together and go on meanwhile. Where each thread has a row, what it does may depend on that, and so many
        // registers are needed for it that multiplications would wait for each other.
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
        IS_ASYNCHRONOUS = Pass::IN_QUADS,
#else
        IS_ASYNCHRONOUS = 0,
#endif
    };

    // All of columns but coordinates: of the tile that is finished, of the next and, where that is multiplied meanwhile, of the one after it.
    enum { SLOTS = IS_ASYNCHRONOUS ? 3 : 2, KEEPS_COLUMN = sizeof(typename Pass::Column) <= 16 };
    struct Slots {
        __align__(16) typename Pass::Column columns[SLOTS][COLUMNS];
        __align__(16) Measure measures[SLOTS][COLUMNS];
        float row_norms[CONTRACTED_ROWS];
    };
    // Bytes of shared memory besides coordinates: of this, of pairs, wide sums and parameters, and what alignment takes.
    enum { PAIR_BYTES = CONTRACTED_ROWS * CONTRACTED_PITCH * (int)sizeof(float) };
    enum { OTHER_BYTES = (int)(sizeof(Slots) + sizeof(typename Pass::Shared)) + PAIR_BYTES + bytes_of_wide_sums<Pass>() + 128 };
    // Of rows 8 k + lane / 4 of the warp.
    float row_norms[4], row_inverses[4];
    // Sums of products. A lane's columns of a part are 8 (lane % 4) + 2 n and the next one, its rows 16 m + lane / 4 and 8 more.
    float sums[PARTS][2][4][4];
    // What has been read of a column of the tile that has begun to be copied last, if that is short.
    typename Pass::Column column;
    // The slot of the tile that is finished, and how many tiles have begun to be copied since.
    int slot, begun;

    __device__ __forceinline__ Multiplication() : slot(0), begun(0) {}

    static __device__ __forceinline__ int after(int slot) { return slot == SLOTS - 1 ? 0 : slot + 1; }

    static __device__ __forceinline__ long long row_of_lane(const Work &work, int r)
    {
        const long long row = work.first_row + Direct::first_row() + 8 * r + threadIdx.x % 32 / 4;
        return row < work.past_rows ? row : work.past_rows - 1;
    }

    __device__ __forceinline__ void keep_measure(Slots &slots, int r, float norm, float inverse)
    {
        row_norms[r] = norm;
        row_inverses[r] = inverse;
        if (threadIdx.x % 4 == 0) {
            slots.row_norms[Direct::first_row() + 8 * r + threadIdx.x % 32 / 4] = norm;
        }
    }

    // Whether the tile has a column, and its number, or any. Parts lie one after the other, or the columns of each lane do.
    static __device__ __forceinline__ bool find(long long &index, const Columns &tile, int column)
    {
        const int step = Pass::IN_QUADS ? 8 : CONTRACTED_COLUMNS;
        const Columns part = tile.later(column / CONTRACTED_COLUMNS * step);
        const bool is_there = part.has(column % CONTRACTED_COLUMNS);
        index = is_there ? part.at(column % CONTRACTED_COLUMNS) : tile.at(0);
        return is_there;
    }

    // Begins to copy all of columns but coordinates.
    __device__ __forceinline__ void begin_columns(Slots &slots, const Pass &pass, const Columns &tile)
    {
        ++begun;
        const int target = begun == 1 ? after(slot) : after(after(slot));
        if (threadIdx.x < COLUMNS) {
            long long index;
            const bool is_there = find(index, tile, (int)threadIdx.x);
            if (KEEPS_COLUMN) {
                pass.read_column(column, index);
            }
            const char *packed = Layout::column(pass.call.launch, index);
            copy_to_shared<8>(&slots.measures[target][threadIdx.x], &Layout::measure((char *)packed), is_there);
        }
    }

    // Puts all else of the tile where all threads see it. It is the next one.
    __device__ __forceinline__ void end_columns(Slots &slots, const Pass &pass, const Columns &tile)
    {
        if (threadIdx.x < COLUMNS) {
            long long index;
            typename Pass::Column &target = slots.columns[after(slot)][threadIdx.x];
            if (KEEPS_COLUMN) {
                target = column;
            } else if (find(index, tile, (int)threadIdx.x)) {
                pass.read_column(target, index);
            }
        }
    }

    // What is multiplied now is the next tile.
    __device__ __forceinline__ void advance()
    {
        slot = after(slot);
        --begun;
    }

    // Sums are not read or written between these two, but by what adds products.
    __device__ __forceinline__ void begin_sums()
    {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
        if (IS_ASYNCHRONOUS) {
            begin_multiplications();
        }
#endif
    }
    __device__ __forceinline__ void wait_for_sums()
    {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
        if (!IS_ASYNCHRONOUS) {
            return;
        }
        commit_multiplications();
        end_multiplications();
        #pragma unroll
        for (int part = 0; part < PARTS; ++part) {
            #pragma unroll
            for (int k = 0; k < 32; ++k) {
                asm volatile("" : "+f"(sums[part][k / 16][k / 4 % 4][k % 4])::"memory");
            }
        }
#endif
    }

    // Where column c of a part lies among those that are multiplied, so that the lane that goes on with columns 8 k … 8 k + 7 has the sums of these.
    static __device__ __forceinline__ int place_of(int c) { return c % 8 / 2 * 8 + c / 8 * 2 + c % 2; }

    // Which parts of rows and of columns a product is of. Products 0 and 1 are those of a high and a low part: where they come before all others, little
    // is cut off of what they are. Where there are no low parts, they are those of sixteen coordinates each.
    static __device__ __forceinline__ constexpr int row_part(int product) { return Layout::IS_NARROW ? product : product == 0; }
    static __device__ __forceinline__ constexpr int column_part(int product) { return Layout::IS_NARROW ? product : product == 1; }

    // Adds products of a step, whose columns begin at `columns`, their words `stride` apart. Sums are 0 before the first.
    template <int FIRST, int PAST>
    static __device__ __forceinline__ void add_products(bool is_first, float (&sums)[2][4][4], const unsigned int *columns, int stride,
        const Halves (&rows)[4])
    {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
        if constexpr (IS_ASYNCHRONOUS) {
            multiply_in_warpgroup<FIRST, PAST>(is_first, sums, columns, stride, rows);
            return;
        }
#endif
        multiply_in_warp<FIRST, PAST>(is_first, sums, columns, stride, rows);
    }

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
    template <int FIRST, int PAST>
    static __device__ __forceinline__ void multiply_in_warpgroup(
        bool is_first, float (&sums)[2][4][4], const unsigned int *columns, int stride, const Halves (&rows)[4])
    {
        #pragma unroll
        for (int product = FIRST; product < PAST; ++product) {
            const unsigned long long some = described(columns + 2 * column_part(product) * stride, stride);
            #pragma unroll
            for (int m = 0; m < 2; ++m) {
                const unsigned int *a = rows[2 * m].of[row_part(product)], *b = rows[2 * m + 1].of[row_part(product)];
                multiply_add_32(sums[m], a[0], b[0], a[1], b[1], some, is_first && product == FIRST);
            }
        }
    }
#endif

    template <int FIRST, int PAST>
    static __device__ __forceinline__ void multiply_in_warp(
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

    // Contractions of the rows 8 r + lane / 4 with the lane's eight columns of a part. Whether all of the warp are exact enough.
    __device__ __forceinline__ bool contractions(float (&found)[4][8], const Slots &slots, int part) const
    {
        const int lane = (int)threadIdx.x % 32;
        const Measure *columns = slots.measures[slot] + part * CONTRACTED_COLUMNS;
        const float greatest = IS_DISTANCE ? __uint_as_float(greatest_of_warp(__float_as_uint(columns[lane].norm))) : 0.0f;
        Four<float> measured[4];
        #pragma unroll
        for (int k = 0; k < 4; ++k) {
            measured[k] = ((const Four<float> *)(columns + lane % 4 * 8))[k];
        }
        // One for each row, so that none waits long for the one before.
        bool are_sure[4], is_sure = true;
        #pragma unroll
        for (int r = 0; r < 4; ++r) {
            are_sure[r] = true;
            const float factor = (IS_DISTANCE ? -2.0f : 1.0f) * row_inverses[r];
            const float least = Doubts<Pass>::least(row_norms[r] + greatest);
            #pragma unroll
            for (int c = 0; c < 8; ++c) {
                const float norm = measured[c / 2].of[c % 2 * 2], inverse = measured[c / 2].of[c % 2 * 2 + 1];
                const float sum = sums[part][r / 2][c / 2][r % 2 * 2 + c % 2] * inverse;
                if (IS_DISTANCE) {
                    found[r][c] = __fmaf_rn(sum, factor, row_norms[r] + norm);
                    are_sure[r] = are_sure[r] && found[r][c] >= least;
                } else {
                    found[r][c] = sum * factor;
                    are_sure[r] = are_sure[r] && fabsf(found[r][c]) < INFINITY_F32;
                }
            }
        }
        #pragma unroll
        for (int r = 0; r < 4; ++r) {
            is_sure = is_sure && are_sure[r];
        }
        return __all_sync(0xffffffffu, is_sure);
    }

    __device__ __forceinline__ unsigned int compute_anew(
        const Slots &slots, float *values, int part, const Pass &pass, const Work &work, const Columns &columns) const
    {
        const float row_norm = IS_DISTANCE ? slots.row_norms[threadIdx.x] : 0.0f;
        const Measure *measured = slots.measures[slot] + part * CONTRACTED_COLUMNS;
        return Doubts<Pass>::compute_anew(values, measured, row_norm, pass.call, pass.shared, work, columns);
    }

    static __device__ __forceinline__ void write_values(float *values, const float (&found)[4][8])
    {
        const int lane = (int)threadIdx.x % 32;
        #pragma unroll
        for (int r = 0; r < 4; ++r) {
            #pragma unroll
            for (int half = 0; half < 2; ++half) {
                Four<float> four;
                #pragma unroll
                for (int c = 0; c < 4; ++c) {
                    four.of[c] = found[r][4 * half + c];
                }
                *(Four<float> *)(values + (8 * r + lane / 4) * CONTRACTED_PITCH + lane % 4 * 8 + 4 * half) = four;
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
        const bool is_sure = contractions(found, memory.slots, part);
        write_values(values, found);
        return is_sure ? 0 : compute_anew(memory.slots, values, part, pass, work, columns);
    }
    // Those of the rows 8 r + lane / 4 with the lane's eight columns.
    template <typename Memory>
    __device__ __forceinline__ void finish(float (&found)[4][8], Memory &memory, float *values, int part, const Pass &pass,
        const Work &work, const Columns &columns) const
    {
        if (!contractions(found, memory.slots, part)) {
            write_values(values, found);
            compute_anew(memory.slots, values, part, pass, work, columns);
            Direct::read_values(found, values);
        }
    }

    template <typename Memory>
    __device__ __forceinline__ const typename Pass::Column *columns(const Memory &memory) const
    {
        return memory.slots.columns[slot];
    }
};

// Rows in registers, all coordinates of a tile's columns in shared memory. While a tile is finished the next one is multiplied and the one after that
// is copied, if there is room for both.
template <typename Pass>
struct Products : Multiplication<Pass, 1> {
    typedef Multiplication<Pass, 1> Base;
    typedef typename Base::Layout Layout;
    enum { STEPS = Layout::STEPS, STRIDE = 4 * Base::COLUMNS };
    enum { COLUMN_BYTES = STEPS * 4 * Base::COLUMNS * (int)sizeof(Words) };
    enum { BUFFERS = Base::IS_ASYNCHRONOUS && 2 * COLUMN_BYTES + Base::OTHER_BYTES <= MOST_SHARED_BYTES ? 2 : 1 };
    enum { OVERLAPS = BUFFERS == 2, READS_ROWS = 0 };

    struct Memory {
        __align__(128) Words columns[BUFFERS][STEPS][4][Base::COLUMNS];
        typename Base::Slots slots;
    };
    // Of rows 8 k + lane / 4 of the warp: coordinates 4 (lane % 4) … + 3 of each sixteen.
    Halves rows[STEPS][4];
    // Where the next tile is copied to.
    int buffer;

    __device__ __forceinline__ Products(const Pass &pass, Memory &memory, const Work &work) : buffer(0)
    {
        const float *middle = (const float *)Layout::header(pass.call.launch);
        const int part = (int)threadIdx.x % 4;
        #pragma unroll
        for (int r = 0; r < 4; ++r) {
            const long long row = Base::row_of_lane(work, r);
            float terms[STEPS][Layout::SIXTEENS][4], most = 0.0f, norm = 0.0f, inverse;
            #pragma unroll
            for (int step = 0; step < STEPS; ++step) {
                #pragma unroll
                for (int k = 0; k < Layout::SIXTEENS; ++k) {
                    const int q = 16 * (Layout::SIXTEENS * step + k) + 4 * part;
                    pass.row_terms(terms[step][k], row, q);
                    if (Base::IS_DISTANCE) {
                        Layout::relate(terms[step][k], middle + q);
                    }
                }
                Layout::measure_terms(terms[step], most, norm);
            }
            const float scale = scale_for_halves(most_of_quad(most), inverse);
            norm = Layout::IS_NARROW ? 0.0f : norm;
            #pragma unroll
            for (int step = 0; step < STEPS; ++step) {
                rows[step][r] = Layout::halves_of(terms[step], scale);
                if (Layout::IS_NARROW) {
                    Layout::measure_halves(rows[step][r], norm);
                }
            }
            norm = sum_of_quad(norm);
            Base::keep_measure(memory.slots, r, Layout::IS_NARROW ? norm * inverse * inverse : norm, inverse);
        }
    }

    // Begins to copy columns.
    __device__ __forceinline__ void copy(Memory &memory, const Pass &pass, const Columns &tile)
    {
        Base::begin_columns(memory.slots, pass, tile);
        const int column = (int)threadIdx.x / 4, unit = (int)threadIdx.x % 4;
        long long index;
        const bool is_there = Base::find(index, tile, column);
        const Words *words = (const Words *)Layout::column(pass.call.launch, index) + unit;
        Words *target = &memory.columns[buffer][0][unit][Base::place_of(column)];
        #pragma unroll
        for (int step = 0; step < STEPS; ++step) {
            copy_to_shared<16>(target + step * STRIDE, words + 4 * step, is_there);
        }
        end_copies();
        buffer ^= BUFFERS - 1;
    }

    // Begins to multiply a tile that has begun to be copied. No thread reads sums, or what another tile has in its buffer.
    __device__ __forceinline__ void multiply(Memory &memory, const Pass &pass, const Columns &tile)
    {
        wait_for_copies<0>();
        publish_copies();
        Base::end_columns(memory.slots, pass, tile);
        __syncthreads();
        const Words *columns = memory.columns[BUFFERS == 1 ? 0 : buffer ^ 1][0][0];
        Base::begin_sums();
        #pragma unroll
        for (int step = 0; step < STEPS; ++step) {
            Base::template add_products<0, 2>(step == 0, Base::sums[0], columns[step * STRIDE].of, STRIDE, rows[step]);
        }
        #pragma unroll
        for (int step = 0; step < STEPS && !Layout::IS_NARROW; ++step) {
            Base::template add_products<2, Layout::NUMBER_OF_PRODUCTS>(false, Base::sums[0], columns[step * STRIDE].of, STRIDE, rows[step]);
        }
    }

    // Begins to multiply a tile, and to copy the next one if it has a buffer of its own.
    __device__ __forceinline__ void start(Memory &memory, const Pass &pass, const Columns &tile, const Columns &next)
    {
        if (Base::begun == 0) {
            __syncthreads();
            copy(memory, pass, tile);
        }
        multiply(memory, pass, tile);
        if (BUFFERS == 2 && next.are_there()) {
            copy(memory, pass, next);
        }
    }

    // Sums of the tile that has been started are there after this.
    __device__ __forceinline__ void wait(Memory &memory, const Pass &pass, const Columns &next)
    {
        Base::wait_for_sums();
        Base::advance();
        if (BUFFERS == 1) {
            __syncthreads();
            if (next.are_there()) {
                copy(memory, pass, next);
            }
        }
    }
};

// How many times 32 columns long rows are multiplied with at a time.
template <typename Pass>
static __device__ constexpr int parts_of_long_rows()
{
    return Pass::HAS_WIDE_SUMS || sizeof(typename Pass::Column) > 16 ? 1 : Pass::CONTRACTION == DISTANCES || Packed<Pass>::IS_NARROW ? 4 : 2;
}

// Rows and columns step by step. Where sums may be long, as they are of products but not of differences to the middle, a few steps have sums of their
// own, to which the others are added in float32: what steps cut off is little then. It is nothing to what numbers without low parts are off by.
template <typename Pass>
struct LongProducts : Multiplication<Pass, parts_of_long_rows<Pass>()> {
    typedef Multiplication<Pass, parts_of_long_rows<Pass>()> Base;
    typedef typename Base::Layout Layout;
    enum { IS_IN_TOTALS = Base::PARTS <= 2 && !Layout::IS_NARROW, STEPS_OF_SUM = IS_IN_TOTALS ? 4 : Layout::STEPS };
    enum { STEPS = Layout::STEPS, STRIDE = 4 * Base::COLUMNS, OVERLAPS = 0, READS_ROWS = 1 };
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
            char *row = Layout::row(pass.call.launch, Base::row_of_lane(work, r));
            const Measure measure = Layout::measure(row);
            Base::keep_measure(memory.slots, r, measure.norm, measure.inverse);
            rows[r] = (const Halves *)row + threadIdx.x % 4;
        }
    }

    // Begins to copy a step of columns.
    __device__ __forceinline__ void copy(Memory &memory, const Launch &launch, const Columns &tile, int step)
    {
        if (step < STEPS) {
            #pragma unroll
            for (int part = 0; part < Base::PARTS; ++part) {
                const int column = part * CONTRACTED_COLUMNS + (int)threadIdx.x / 4;
                long long index;
                const bool is_there = Base::find(index, tile, column);
                const Words *words = (const Words *)Layout::column(launch, index) + 4 * step + threadIdx.x % 4;
                const int place = part * CONTRACTED_COLUMNS + Base::place_of((int)threadIdx.x / 4);
                copy_to_shared<16>(&memory.columns[step % STAGES][threadIdx.x % 4][place], words, is_there);
            }
        }
        end_copies();
    }

    // Begins to copy a tile.
    __device__ __forceinline__ void copy_first(Memory &memory, const Pass &pass, const Columns &tile)
    {
        Base::begin_columns(memory.slots, pass, tile);
        #pragma unroll
        for (int step = 0; step < STAGES - 1; ++step) {
            copy(memory, pass.call.launch, tile, step);
        }
    }

    // Multiplies a tile, and begins to copy the next one.
    __device__ __forceinline__ void start(Memory &memory, const Pass &pass, const Columns &tile, const Columns &next)
    {
        if (Base::begun == 0) {
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
            publish_copies();
            __syncthreads();
            copy(memory, pass.call.launch, tile, step + STAGES - 1);
            Base::begin_sums();
            #pragma unroll
            for (int part = 0; part < Base::PARTS; ++part) {
                const unsigned int *columns = memory.columns[step % STAGES][0][part * CONTRACTED_COLUMNS].of;
                Base::template add_products<0, Layout::NUMBER_OF_PRODUCTS>(step % STEPS_OF_SUM == 0, Base::sums[part], columns, STRIDE, now);
            }
            Base::wait_for_sums();
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
