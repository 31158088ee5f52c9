// Wide sums by tensor cores, in the precision of float32 and with its exponents. Each number is the sum of three of bfloat16, and of the nine products
// of their parts six are added up:
//
//     x y = (x1 + x2 + x3) (y1 + y2 + y3) ≈ x3 y1 + x1 y3 + x2 y2 + x2 y1 + x1 y2 + x1 y1
//
// What is left out is at most 2^-24 of a product. Where tf32 is asked for, there are two parts and three products, and 2^-16 is left out; for bf16 there is
// one, and it is 2^-8. Each 32 columns have sums of their own, from small products to great ones, so that tensor cores, which
// do not round, cut little off; these are added to the others in float32. Numbers are multiplied by a power of two beforehand, without which the third
// parts of the smallest would not be there. What is too large for that, or no number, is multiplied and added by the thread of the row.

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ != 800 && __CUDA_ARCH__ != 900 && __CUDA_ARCH__ != 1000 && __CUDA_ARCH__ != 1030
// Tensor cores have no bfloat16 before sm_80; those of GPUs for graphics are too slow, and these have twice as many others.
template <typename Pass>
struct TensorSums : FusedSums<Pass> {};
#else
#ifdef __CUDACC__
// Two numbers, rounded to bfloat16; the first is the lower half.
static __device__ __forceinline__ unsigned int pair_of_bf16(float first, float second)
{
    unsigned int both;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(second), "f"(first));
    return both;
}

// sums += rows (16 × 16) · columns (16 × 8).
static __device__ __forceinline__ void multiply_add_bf16(
    float (&sums)[4], unsigned int a0, unsigned int a1, unsigned int a2, unsigned int a3, unsigned int b0, unsigned int b1)
{
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}
#endif

template <typename Pass>
struct TensorSums {
    typedef typename Pass::State State;
    // PITCH: components that are multiplied; STRIDE: that far are eight columns from the next, so that lanes read other banks.
    enum { WIDTH = Pass::WIDTH, TILES = (WIDTH + 7) / 8, PITCH = 8 * TILES, STRIDE = PITCH + 2 };
    enum { NUMBER_OF_PARTS = Pass::PRECISION == FLOAT32 ? 3 : Pass::PRECISION == TF32 ? 2 : 1 };
    // A component of eight columns, two a word.
    struct __align__(16) Eight {
        unsigned int words[4];
    };
    struct Memory {
        Eight components[NUMBER_OF_PARTS][CONTRACTED_COLUMNS / 8][STRIDE];
    };
    // Sums of the thread's row that tensor cores have not computed.
    struct Doubts {
        float sums[WIDTH];
    };
    WideColumns<Pass, PITCH> columns;
    // Of the rows 16 m + lane / 4 and 8 more, of the components 8 t + 2 (lane % 4) and the next one.
    float sums[TILES][2][4];
    // No number once a factor of the tile is not usual, and whether some of the chunk's pairs were not.
    float doubt;
    bool has_doubts;

    static __device__ __forceinline__ bool is_usual(float number) { return fabsf(number) < 0x1p36f; }
    // Makes `doubt` infinite or no number if a number is not usual, and else seldom.
    static __device__ __forceinline__ void look(float &doubt, float number) { doubt = __fmaf_rn(number, 0x1p92f, doubt); }
    static __device__ __forceinline__ bool is_sure(float doubt) { return fabsf(doubt) < INFINITY_F32; }

    __device__ __forceinline__ void begin()
    {
        doubt = 0.0f;
        has_doubts = false;
        #pragma unroll
        for (int k = 0; k < TILES * 8; ++k) {
            sums[k / 8][k / 4 % 2][k % 4] = 0.0f;
        }
    }

    // Begins to read the components of a part of a tile.
    __device__ __forceinline__ void fetch(const Pass &pass, const Columns &part) { columns.fetch(pass, part); }
    __device__ __forceinline__ void see(float factor) { look(doubt, factor); }

    static __device__ __forceinline__ void split(unsigned int (&parts)[NUMBER_OF_PARTS], float first, float second)
    {
        first *= 0x1p24f;
        second *= 0x1p24f;
        #pragma unroll
        for (int part = 0; part < NUMBER_OF_PARTS; ++part) {
            parts[part] = pair_of_bf16(first, second);
            first -= __uint_as_float(parts[part] << 16);
            second -= __uint_as_float(parts[part] & 0xffff0000u);
        }
    }

    // Splits what has been fetched, 0 for what is not usual. Whether all is.
    __device__ __forceinline__ bool split_columns(Memory &memory) const
    {
        float doubt = 0.0f;
        #pragma unroll
        for (int turn = 0; turn < columns.TURNS; ++turn) {
            Eight eight[NUMBER_OF_PARTS];
            #pragma unroll
            for (int word = 0; word < 4; ++word) {
                float both[2];
                #pragma unroll
                for (int e = 0; e < 2; ++e) {
                    const float term = columns.terms[turn][2 * word + e];
                    both[e] = is_usual(term) ? term : 0.0f;
                    look(doubt, term);
                }
                unsigned int parts[NUMBER_OF_PARTS];
                split(parts, both[0], both[1]);
                #pragma unroll
                for (int part = 0; part < NUMBER_OF_PARTS; ++part) {
                    eight[part].words[word] = parts[part];
                }
            }
            if (columns.eighth(turn) < columns.EIGHTS) {
                #pragma unroll
                for (int part = 0; part < NUMBER_OF_PARTS; ++part) {
                    memory.components[part][columns.eighth(turn)][columns.component()] = eight[part];
                }
            }
        }
        return is_sure(doubt);
    }

    // Takes in the products of the thread's row that have an unusual factor or component, and sets unusual factors to 0.
    static __device__ __noinline__ void take_in_doubts(
        Doubts &doubts, bool begins, float *factors, const typename Pass::Call &call, typename Pass::Shared &shared, const Columns part)
    {
        const Pass pass(call, element_of(call.launch), shared, false);
        factors += threadIdx.x % 32 * CONTRACTED_PITCH;
        #pragma unroll 1
        for (int q = 0; q < WIDTH; ++q) {
            float sum = begins ? 0.0f : doubts.sums[q];
            #pragma unroll 1
            for (int column = 0; column < CONTRACTED_COLUMNS && part.has(column); ++column) {
                float components[8];
                pass.template wide_terms<false>(components, part.at(column), 1, q);
                if (!is_usual(factors[column]) || !is_usual(components[0])) {
                    sum += factors[column] * components[0];
                }
            }
            doubts.sums[q] = sum;
        }
        #pragma unroll 1
        for (int column = 0; column < CONTRACTED_COLUMNS; ++column) {
            factors[column] = is_usual(factors[column]) ? factors[column] : 0.0f;
        }
        __syncwarp();
    }

    // Adds the products of the warp's factors and components that have been fetched. The factors of a row lie one after the other.
    __device__ __forceinline__ void add(Doubts &doubts, Memory &memory, float *factors, const Pass &pass, const Columns &part)
    {
        __syncthreads();
        const bool are_columns_sure = __syncthreads_and(split_columns(memory));
        if (!__all_sync(0xffffffffu, are_columns_sure && is_sure(doubt))) {
            take_in_doubts(doubts, !has_doubts, factors, pass.call, pass.shared, part);
            has_doubts = true;
            doubt = 0.0f;
        }
        multiply(memory, factors);
        __syncwarp();
    }

    // A lane's columns are 8 (lane % 4) and seven more, of which a step has half.
    __device__ __forceinline__ void multiply(const Memory &memory, const float *factors)
    {
        const int lane = (int)threadIdx.x % 32;
        float found[4][8];
        Terms<Pass>::read_values(found, factors);
        unsigned int rows[NUMBER_OF_PARTS][4][4];
        #pragma unroll
        for (int k = 0; k < 16; ++k) {
            unsigned int parts[NUMBER_OF_PARTS];
            split(parts, found[k / 4][k % 4 * 2], found[k / 4][k % 4 * 2 + 1]);
            #pragma unroll
            for (int part = 0; part < NUMBER_OF_PARTS; ++part) {
                rows[part][k / 4][k % 4] = parts[part];
            }
        }
        #pragma unroll
        for (int tile = 0; tile < TILES; tile += 2) {
            multiply_two(tile, memory, rows);
        }
    }

    // The same for 16 components from number 8 `tile` on, or 8 if there are no more. Parts of columns are read one after the other.
    __device__ __forceinline__ void multiply_two(int tile, const Memory &memory, const unsigned int (&rows)[NUMBER_OF_PARTS][4][4])
    {
        const int lane = (int)threadIdx.x % 32;
        float found[2][2][4];
        #pragma unroll
        for (int k = 0; k < 16; ++k) {
            found[k / 8][k / 4 % 2][k % 4] = 0.0f;
        }
        #pragma unroll
        for (int of_columns = NUMBER_OF_PARTS - 1; of_columns >= 0; --of_columns) {
            Eight some[2];
            #pragma unroll
            for (int n = 0; n < 2 && tile + n < TILES; ++n) {
                some[n] = memory.components[of_columns][lane % 4][8 * (tile + n) + lane / 4];
            }
            #pragma unroll
            for (int of_rows = NUMBER_OF_PARTS - 1 - of_columns; of_rows >= 0; --of_rows) {
                #pragma unroll
                for (int step = 0; step < 4; step += 2) {
                    #pragma unroll
                    for (int n = 0; n < 2 && tile + n < TILES; ++n) {
                        #pragma unroll
                        for (int m = 0; m < 2; ++m) {
                            const unsigned int(&upper)[4] = rows[of_rows][2 * m], (&lower)[4] = rows[of_rows][2 * m + 1];
                            multiply_add_bf16(found[n][m], upper[step], lower[step], upper[step + 1], lower[step + 1],
                                some[n].words[step], some[n].words[step + 1]);
                        }
                    }
                }
            }
        }
        #pragma unroll
        for (int k = 0; k < 16 && tile + k / 8 < TILES; ++k) {
            float &sum = sums[tile + k / 8][k / 4 % 2][k % 4];
            sum = __fmaf_rn(found[k / 8][k / 4 % 2][k % 4], 0x1p-48f, sum);
        }
    }

    // Hands each row's sums over to its thread, by way of `values`.
    __device__ __forceinline__ void end(State &state, const Doubts &doubts, float *values) const
    {
        const int lane = (int)threadIdx.x % 32;
        #pragma unroll
        for (int first = 0; first < PITCH; first += 32) {
            #pragma unroll
            for (int q = 0; q < 32 && first + q < PITCH; q += 8) {
                #pragma unroll
                for (int r = 0; r < 4; ++r) {
                    float *row = values + (8 * r + lane / 4) * CONTRACTED_PITCH + q + lane % 4 * 2;
                    row[0] = sums[(first + q) / 8][r / 2][r % 2 * 2];
                    row[1] = sums[(first + q) / 8][r / 2][r % 2 * 2 + 1];
                }
            }
            __syncwarp();
            #pragma unroll
            for (int q = 0; q < 32 && first + q < WIDTH; ++q) {
                const float sum = values[lane * CONTRACTED_PITCH + q];
                Pass::add_wide(state, first + q, has_doubts ? sum + doubts.sums[first + q] : sum);
            }
            __syncwarp();
        }
    }
};
#endif
