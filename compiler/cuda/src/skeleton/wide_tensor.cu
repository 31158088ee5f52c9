// Wide sums by tensor cores, in the precision of float32 and with its exponents. Each number is the sum of three of bfloat16, and of the nine products
// of their parts six are added up:
//
//     x y = (x1 + x2 + x3) (y1 + y2 + y3) ≈ x3 y1 + x1 y3 + x2 y2 + x2 y1 + x1 y2 + x1 y1
//
// What is left out is at most 2^-22 of a product. Where tf32 is asked for, there are two parts and three products, and 3 · 2^-16 is left out; for bf16 there is
// one, and it is 2^-7. Each 32 columns have sums of their own, from small products to great ones, so that tensor cores, which
// do not round, cut little off; these are added to the others in float32. Numbers are multiplied by a power of two beforehand, without which the third
// parts of the smallest would not be there. What is too large for that, or no number, is multiplied and added by the thread of the row.
//
// So are pairs whose row and column are so near each other that the difference of their differences to the middle is not exact enough: those whose squared
// distance was computed anew. In all others |x - m|² + |y - m|² is at most a few times |x - y|².

// What is added up apart from matrix products, by the thread of the row.
template <typename Pass>
struct DirectPairs {
    // Sums of the thread's row.
    struct Apart {
        float sums[(Pass::WIDTH + 3) / 4 * 4];
    };
    // No number once a factor of the tile is not usual, and whether some of the chunk's pairs were not.
    float doubt;
    bool has_apart;

    static __device__ __forceinline__ bool is_usual(float number) { return fabsf(number) < 0x1p36f; }
    // Makes `doubt` infinite or no number if a number is not usual, and else seldom.
    static __device__ __forceinline__ void look(float &doubt, float number) { doubt = __fmaf_rn(number, 0x1p92f, doubt); }
    static __device__ __forceinline__ bool is_sure(float doubt) { return fabsf(doubt) < INFINITY_F32; }

    __device__ __forceinline__ void begin()
    {
        doubt = 0.0f;
        has_apart = false;
    }
    __device__ __forceinline__ void see(float factor) { look(doubt, factor); }
    static __device__ __forceinline__ bool keep(float &number)
    {
        const bool is_kept = is_usual(number);
        number = is_kept ? number : 0.0f;
        return is_kept;
    }
    static __device__ __forceinline__ bool wait(bool is_kept) { return __syncthreads_and(is_kept); }
    __device__ __forceinline__ float with_apart(const Apart &apart, int q, float sum) const
    {
        return has_apart ? sum + apart.sums[q] : sum;
    }

    // Coordinates `first` … + 3 of a row relative to the middle; 0 for what is infinite or no number, of whose pairs none is multiplied.
    static __device__ __forceinline__ void row_of_differences(float (&terms)[4], const Pass &pass, long long row, int first)
    {
        pass.row_terms(terms, row, first);
        #pragma unroll
        for (int e = 0; e < 4; ++e) {
            terms[e] -= pass.middle(first + e);
            terms[e] = fabsf(terms[e]) < INFINITY_F32 ? terms[e] : 0.0f;
        }
    }

    // Takes what must not be multiplied out of the warp's factors. Bit c of `unsure`: the pair of the lane's row and column c.
    __device__ __forceinline__ void set_apart(Apart &apart, float *factors, unsigned int unsure, bool are_columns_kept, const Pass &pass,
        const Work &work, const Columns &part)
    {
        if constexpr (Pass::HAS_DIFFERENCES) {
            if (!__all_sync(0xffffffffu, are_columns_kept && is_sure(doubt) && unsure == 0)) {
                take_in_pairs(apart, !has_apart, factors, unsure, are_columns_kept, pass.call, pass.shared, work, part);
                has_apart = true;
                doubt = 0.0f;
            }
        } else if (!__all_sync(0xffffffffu, are_columns_kept && is_sure(doubt))) {
            take_in_products(apart, !has_apart, factors, pass.call, pass.shared, part);
            has_apart = true;
            doubt = 0.0f;
        }
    }

    // Takes in the products of the thread's row that have an unusual factor or component, and sets unusual factors to 0.
    static __device__ __noinline__ void take_in_products(
        Apart &apart, bool begins, float *factors, const typename Pass::Call &call, typename Pass::Shared &shared, const Columns part)
    {
        const Pass pass(call, element_of(call.launch), shared, false);
        factors += threadIdx.x % 32 * CONTRACTED_PITCH;
        #pragma unroll 1
        for (int q = 0; q < Pass::WIDTH; ++q) {
            float sum = begins ? 0.0f : apart.sums[q];
            #pragma unroll 1
            for (int column = 0; column < CONTRACTED_COLUMNS && part.has(column); ++column) {
                const float component = component_of(pass, part.at(column), q);
                if (!is_usual(factors[column]) || !is_usual(component)) {
                    sum += factors[column] * component;
                }
            }
            apart.sums[q] = sum;
        }
        #pragma unroll 1
        for (int column = 0; column < CONTRACTED_COLUMNS; ++column) {
            factors[column] = is_usual(factors[column]) ? factors[column] : 0.0f;
        }
        __syncwarp();
    }

    static __device__ __forceinline__ float component_of(const Pass &pass, long long column, int q)
    {
        float components[8];
        pass.template wide_terms<false>(components, column, 1, q);
        return components[0];
    }

    // Takes in the pairs of the thread's row that are unsure, or have an unusual factor or column, and sets their factors to 0.
    static __device__ __noinline__ void take_in_pairs(Apart &apart, bool begins, float *factors, unsigned int unsure,
        bool are_columns_kept, const typename Pass::Call &call, typename Pass::Shared &shared, const Work work, const Columns part)
    {
        const Pass pass(call, element_of(call.launch), shared, false);
        const int lane = (int)threadIdx.x % 32;
        const long long row = row_of_thread(work);
        factors += lane * CONTRACTED_PITCH;
        if (!are_columns_kept) {
            bool is_kept = true;
            #pragma unroll 1
            for (int q = 0; q < Pass::WIDTH && part.has(lane); ++q) {
                const float origin = WideColumns<Pass, Pass::WIDTH>::origin_of(pass, q);
                is_kept = is_kept && is_usual(component_of(pass, part.at(lane), q) - origin);
            }
            unsure |= __ballot_sync(0xffffffffu, !is_kept);
        }
        #pragma unroll 1
        for (int column = 0; column < CONTRACTED_COLUMNS; ++column) {
            unsure |= (is_usual(factors[column]) ? 0u : 1u) << column;
        }
        #pragma unroll 1
        for (int q = 0; q < Pass::WIDTH; q += 4) {
            float sums[4], row_terms[4], column_terms[4];
            const int coordinate = Pass::coordinate(q);
            #pragma unroll
            for (int e = 0; e < 4; ++e) {
                sums[e] = begins ? 0.0f : apart.sums[q + e];
                row_terms[e] = 0.0f;
            }
            if (coordinate >= 0) {
                pass.row_terms(row_terms, row, coordinate);
            }
            #pragma unroll 1
            for (unsigned int left = unsure; left != 0; left &= left - 1) {
                const int column = __ffs((int)left) - 1;
                if (coordinate >= 0) {
                    pass.column_terms(column_terms, part.at(column), coordinate);
                } else {
                    #pragma unroll
                    for (int e = 0; e < 4; ++e) {
                        column_terms[e] = component_of(pass, part.at(column), q + e);
                    }
                }
                #pragma unroll
                for (int e = 0; e < 4; ++e) {
                    sums[e] += factors[column] * (column_terms[e] - row_terms[e]);
                }
            }
            #pragma unroll
            for (int e = 0; e < 4; ++e) {
                apart.sums[q + e] = sums[e];
            }
        }
        #pragma unroll 1
        for (unsigned int left = unsure; left != 0; left &= left - 1) {
            factors[__ffs((int)left) - 1] = 0.0f;
        }
        __syncwarp();
    }
};

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ != 800 && __CUDA_ARCH__ != 900 && __CUDA_ARCH__ != 1000 && __CUDA_ARCH__ != 1030
// Tensor cores have no bfloat16 before sm_80; those of GPUs for graphics are too slow, and these have twice as many others.
template <typename Pass, bool HAS_DIFFERENCES>
struct PairsOf {
    typedef AllPairs<Pass> Type;
};
template <typename Pass>
struct PairsOf<Pass, true> {
    typedef DirectPairs<Pass> Type;
};
template <typename Pass>
struct TensorSums : FusedSums<Pass, typename PairsOf<Pass, Pass::HAS_DIFFERENCES>::Type> {};
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

// Two numbers, multiplied by a power of two, as sums of some of bfloat16.
template <int NUMBER_OF_PARTS>
static __device__ __forceinline__ void split_in_parts(unsigned int (&parts)[NUMBER_OF_PARTS], float first, float second)
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

template <typename Pass>
struct TensorSums : DirectPairs<Pass> {
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
    typedef DirectPairs<Pass> Pairs;
    typedef typename Pairs::Apart Doubts;
    WideColumns<Pass, PITCH> columns;
    // Of the rows 16 m + lane / 4 and 8 more, of the components 8 t + 2 (lane % 4) and the next one.
    float sums[TILES][2][4];
    // Of the factors of these rows.
    float totals[2][2];

    __device__ __forceinline__ void begin()
    {
        Pairs::begin();
        #pragma unroll
        for (int k = 0; k < TILES * 8; ++k) {
            sums[k / 8][k / 4 % 2][k % 4] = 0.0f;
        }
        #pragma unroll
        for (int k = 0; k < 4; ++k) {
            totals[k / 2][k % 2] = 0.0f;
        }
    }

    // Begins to read the components of a part of a tile.
    __device__ __forceinline__ void fetch(const Pass &pass, const Columns &part) { columns.fetch(pass, part); }

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
                    both[e] = Pairs::is_usual(term) ? term : 0.0f;
                    Pairs::look(doubt, term);
                }
                unsigned int parts[NUMBER_OF_PARTS];
                split_in_parts(parts, both[0], both[1]);
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
        return Pairs::is_sure(doubt);
    }

    // Adds the products of the warp's factors and components that have been fetched. The factors of a row lie one after the other.
    __device__ __forceinline__ void add(Doubts &doubts, Memory &memory, float *factors, unsigned int unsure, const Pass &pass,
        const Work &work, const Columns &part)
    {
        __syncthreads();
        const bool are_columns_kept = Pairs::wait(split_columns(memory));
        Pairs::set_apart(doubts, factors, unsure, are_columns_kept, pass, work, part);
        multiply(memory, factors);
        __syncwarp();
    }

    // A lane's columns are 8 (lane % 4) and seven more, of which a step has half.
    __device__ __forceinline__ void multiply(const Memory &memory, const float *factors)
    {
        const int lane = (int)threadIdx.x % 32;
        float found[4][8];
        #pragma unroll
        for (int r = 0; r < 4; ++r) {
            read_some(found[r], factors + (8 * r + lane / 4) * CONTRACTED_PITCH + lane % 4 * 8);
        }
        unsigned int rows[NUMBER_OF_PARTS][4][4];
        #pragma unroll
        for (int k = 0; k < 16; ++k) {
            unsigned int parts[NUMBER_OF_PARTS];
            split_in_parts(parts, found[k / 4][k % 4 * 2], found[k / 4][k % 4 * 2 + 1]);
            #pragma unroll
            for (int part = 0; part < NUMBER_OF_PARTS; ++part) {
                rows[part][k / 4][k % 4] = parts[part];
            }
        }
        #pragma unroll
        for (int tile = 0; tile < TILES; tile += 2) {
            multiply_two(tile, memory, rows);
        }
        if (Pass::HAS_DIFFERENCES) {
            add_factors(rows);
        }
    }

    // Adds the factors up: their products with ones, which all of eight columns are.
    __device__ __forceinline__ void add_factors(const unsigned int (&rows)[NUMBER_OF_PARTS][4][4])
    {
        const unsigned int ones = 0x3f803f80u;
        #pragma unroll
        for (int m = 0; m < 2; ++m) {
            float found[4] = {0.0f, 0.0f, 0.0f, 0.0f};
            #pragma unroll
            for (int part = NUMBER_OF_PARTS - 1; part >= 0; --part) {
                const unsigned int(&upper)[4] = rows[part][2 * m], (&lower)[4] = rows[part][2 * m + 1];
                #pragma unroll
                for (int step = 0; step < 4; step += 2) {
                    multiply_add_bf16(found, upper[step], lower[step], upper[step + 1], lower[step + 1], ones, ones);
                }
            }
            #pragma unroll
            for (int half = 0; half < 2; ++half) {
                totals[m][half] = __fmaf_rn(found[2 * half], 0x1p-24f, totals[m][half]);
            }
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

    // Hands each row's sums over to its thread, by way of `values`. A row's sum of factors lies behind the components.
    __device__ __forceinline__ void end(State &state, const Doubts &doubts, float *values, const Pass &pass, const Work &work) const
    {
        enum { TOTAL = 32 };
        const int lane = (int)threadIdx.x % 32;
        #pragma unroll
        for (int first = 0; first < PITCH; first += 32) {
            #pragma unroll
            for (int r = 0; r < 4; ++r) {
                float *row = values + (8 * r + lane / 4) * CONTRACTED_PITCH;
                #pragma unroll
                for (int q = 0; q < 32 && first + q < PITCH; q += 8) {
                    row[q + lane % 4 * 2] = sums[(first + q) / 8][r / 2][r % 2 * 2];
                    row[q + lane % 4 * 2 + 1] = sums[(first + q) / 8][r / 2][r % 2 * 2 + 1];
                }
                if (Pass::HAS_DIFFERENCES && lane % 4 == 0) {
                    row[TOTAL] = totals[r / 2][r % 2];
                }
            }
            __syncwarp();
            const float *row = values + lane * CONTRACTED_PITCH;
            #pragma unroll
            for (int q = 0; q < 32 && first + q < WIDTH; q += 4) {
                add_four<Pass, Pairs>(state, *(const Four<float> *)(row + q), row[TOTAL], *this, doubts, pass, row_of_thread(work), first + q);
            }
            __syncwarp();
        }
    }
};
#endif
