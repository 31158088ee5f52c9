// Wide sums of pairs that tensor cores have contracted. Where four warps multiply together, the registers that the first product leaves a pair in are
// those from which the second one reads its rows, so that factors go through no memory. Components of columns are split when columns are laid out, and
// are copied a tile ahead. How products are made of parts, and what is not multiplied, is as in `wide_tensor.cu`.

#if !HAS_WARPGROUPS
template <typename Pass, typename Method>
struct WideTile : RowTile<Pass, Method, TensorSums<Pass>> {
    using RowTile<Pass, Method, TensorSums<Pass>>::RowTile;
};
#else
#ifdef __CUDACC__
#define NUMBERS_OF_16 "%0, %1, %2, %3, %4, %5, %6, %7"
#define NUMBERS_OF_32 NUMBERS_0
#define NUMBERS_OF_48 NUMBERS_0 ", %16, %17, %18, %19, %20, %21, %22, %23"
#define NUMBERS_OF_64 NUMBERS_0 NUMBERS_16
#define MULTIPLY_ROWS(columns, numbers, rows, place, goes_on)                                                                           \
    "{ .reg .pred goes_on; setp.eq.b32 goes_on, " goes_on ", 0;"                                                                        \
    " wgmma.mma_async.sync.aligned.m64n" columns "k16.f32.bf16.bf16 {" numbers "}, {" rows "}, " place ", goes_on, 1, 1, 1; }"
#define ROWS_OF_QUAD(rows) "r"((rows)[0]), "r"((rows)[1]), "r"((rows)[2]), "r"((rows)[3])
#define TWO_OF_SUMS(sums) FOUR_SUMS((sums)[0]), FOUR_SUMS((sums)[1])

// sums += rows (64 × 16, 16 of each warp) · columns (16 × 8 EIGHTS); sums are 0 before if it is the first. Words of sixteen columns lie side by side, those of the
// next eight components `STRIDE` words further on.
template <int STRIDE, int EIGHTS>
static __device__ __forceinline__ void multiply_add_components(
    float (&sums)[EIGHTS][4], const unsigned int (&rows)[4], const Words *columns, bool is_first)
{
    const unsigned long long place
        = (unsigned long long)(shared_address(columns) >> 4 & 0x3fff) | 8ull << 16 | (unsigned long long)STRIDE << 32;
    if constexpr (EIGHTS == 2) {
        asm volatile(MULTIPLY_ROWS("16", NUMBERS_OF_16, "%8, %9, %10, %11", "%12", "%13")
                     : TWO_OF_SUMS(sums)
                     : ROWS_OF_QUAD(rows), "l"(place), "r"((int)is_first));
    } else if constexpr (EIGHTS == 4) {
        asm volatile(MULTIPLY_ROWS("32", NUMBERS_OF_32, "%16, %17, %18, %19", "%20", "%21")
                     : TWO_OF_SUMS(sums), TWO_OF_SUMS(sums + 2)
                     : ROWS_OF_QUAD(rows), "l"(place), "r"((int)is_first));
    } else if constexpr (EIGHTS == 6) {
        asm volatile(MULTIPLY_ROWS("48", NUMBERS_OF_48, "%24, %25, %26, %27", "%28", "%29")
                     : TWO_OF_SUMS(sums), TWO_OF_SUMS(sums + 2), TWO_OF_SUMS(sums + 4)
                     : ROWS_OF_QUAD(rows), "l"(place), "r"((int)is_first));
    } else {
        static_assert(EIGHTS == 8, "there are up to 64 components");
        asm volatile(MULTIPLY_ROWS("64", NUMBERS_OF_64, "%32, %33, %34, %35", "%36", "%37")
                     : TWO_OF_SUMS(sums), TWO_OF_SUMS(sums + 2), TWO_OF_SUMS(sums + 4), TWO_OF_SUMS(sums + 6)
                     : ROWS_OF_QUAD(rows), "l"(place), "r"((int)is_first));
    }
}
#endif

// Numbers as sums of some of bfloat16.
template <typename Pass>
struct WideParts {
    enum {
        NUMBER_OF_PARTS = Pass::PRECISION == FLOAT32 ? 3 : Pass::PRECISION == TF32 ? 2 : 1,
        // Words of a part of a column.
        EIGHTS = words_of_wide_sums<Pass>() / NUMBER_OF_PARTS,
        WORDS = NUMBER_OF_PARTS * EIGHTS,
    };
};

// Lays out the components of a column, 0 for those that are not usual. A column with such ones is marked.
template <typename Pass, typename All>
static __device__ __forceinline__ void pack_components(const Pass &pass, const All &packed, const float *middle, long long index, long long all)
{
    typedef DirectPairs<Pass> Pairs;
    typedef WideParts<Pass> Parts;
    if (!packed.has_room(index, all)) {
        return;
    }
    const bool is_there = index < all;
    bool are_usual = true;
    #pragma unroll 1
    for (int eight = 0; eight < Parts::EIGHTS; ++eight) {
        float terms[8];
        #pragma unroll
        for (int e = 0; e < 8; ++e) {
            const int q = 8 * eight + e;
            terms[e] = is_there && q < Pass::WIDTH ? Pairs::component_of(pass, index, q) : 0.0f;
            if constexpr (Pass::HAS_DIFFERENCES) {
                const int coordinate = Pass::coordinate(q);
                terms[e] -= is_there && q < Pass::WIDTH && coordinate >= 0 ? middle[coordinate] : 0.0f;
            }
            are_usual = Pairs::keep(terms[e]) && are_usual;
        }
        Words words[Parts::NUMBER_OF_PARTS];
        #pragma unroll
        for (int k = 0; k < 4; ++k) {
            unsigned int parts[Parts::NUMBER_OF_PARTS];
            split_in_parts(parts, terms[2 * k], terms[2 * k + 1]);
            #pragma unroll
            for (int part = 0; part < Parts::NUMBER_OF_PARTS; ++part) {
                words[part].of[k] = parts[part];
            }
        }
        #pragma unroll
        for (int part = 0; part < Parts::NUMBER_OF_PARTS; ++part) {
            *packed.words(index, 4 * Packed<Pass>::STEPS + part * Parts::EIGHTS + eight) = words[part];
        }
    }
    if (!are_usual) {
        packed.measure(index).norm = -packed.measure(index).norm;
    }
}

// What is added up apart from matrix products, by all lanes of a warp: each has some components of all rows.
template <typename Pass>
struct QuadPairs : DirectPairs<Pass> {
    typedef DirectPairs<Pass> Base;
    enum { OF_LANE = (Pass::WIDTH + 31) / 32 };
    struct Apart {
        float sums[CONTRACTED_WARP_ROWS][OF_LANE];
        // Those of the lane's own row, at the end of a chunk.
        float own[32 * OF_LANE];
    };

    __device__ __forceinline__ float with_apart(const Apart &apart, int q, float sum) const
    {
        return Base::has_apart ? sum + apart.own[q] : sum;
    }

    // Takes in pairs that must not be multiplied, and sets their factors to 0: those of marked columns, of which bit c says whether column c is one, and
    // those of bit 8 r + c of `unsure`, of row 8 r + lane / 4 and the lane's column c.
    static __device__ __noinline__ void take_in_apart(Apart &apart, bool begins, float (&factors)[4][8], unsigned int unsure, unsigned int marked,
        const typename Pass::Call &call, typename Pass::Shared &shared, const Work work, const Columns part)
    {
        const Pass pass(call, element_of(call.launch), shared, false);
        const int lane = (int)threadIdx.x % 32;
        #pragma unroll 1
        for (int k = 0; k < CONTRACTED_WARP_ROWS * OF_LANE && begins; ++k) {
            apart.sums[k / OF_LANE][k % OF_LANE] = 0.0f;
        }
        #pragma unroll 1
        for (int k = 0; k < 32; ++k) {
            const int column = first_of_quad() + place_in_quad(k % 8);
            const bool is_usual = Base::is_usual(factors[k / 8][k % 8]) && !(marked >> column & 1);
            unsure |= (is_usual || !part.has(column) ? 0u : 1u) << k;
        }
        for_each_pair(unsure, [&](int other, int k, int row, int column) {
            const long long own = work.first_row + row_of_warp(row);
            const float factor = __shfl_sync(0xffffffffu, factors[k / 8][k % 8], other);
            add_pair(apart.sums[row], pass, own < work.past_rows ? own : work.past_rows - 1, part.at(column), factor);
            if (lane == other && (Pass::HAS_DIFFERENCES || !Base::is_usual(factor))) {
                factors[k / 8][k % 8] = 0.0f;
            }
        });
    }

    // Adds the lane's components of a pair. Where there are no differences, those that are multiplied are left out.
    static __device__ __forceinline__ void add_pair(float (&sums)[OF_LANE], const Pass &pass, long long row, long long column, float factor)
    {
        #pragma unroll
        for (int k = 0; k < OF_LANE; ++k) {
            const int q = (int)threadIdx.x % 32 + 32 * k;
            if (q >= Pass::WIDTH) {
                continue;
            }
            float component;
            if constexpr (Pass::HAS_DIFFERENCES) {
                const int coordinate = Pass::coordinate(q);
                component = coordinate < 0 ? Base::component_of(pass, column, q)
                                           : pass.column_term(column, coordinate) - pass.row_term(row, coordinate);
            } else {
                component = Base::component_of(pass, column, q);
                if (Base::is_usual(factor) && Base::is_usual(component)) {
                    continue;
                }
            }
            sums[k] += factor * component;
        }
    }

    // Hands the sums of row 8 (lane % 4) + lane / 4 over to its lane.
    static __device__ __noinline__ void hand_over(Apart &apart)
    {
        const int lane = (int)threadIdx.x % 32;
        #pragma unroll 1
        for (int row = 0; row < CONTRACTED_WARP_ROWS; ++row) {
            #pragma unroll 1
            for (int q = 0; q < 32 * OF_LANE; ++q) {
                const float sum = __shfl_sync(0xffffffffu, apart.sums[row][q / 32], q % 32);
                if (8 * (lane % 4) + lane / 4 == row) {
                    apart.own[q] = sum;
                }
            }
        }
    }
};

// A tile of which a lane takes in the pairs that tensor cores leave with it, as in `QuadTile`, with wide sums of all of them.
template <typename Pass, typename Method>
struct WideTile {
    enum { COLUMNS = CONTRACTED_COLUMNS * Method::PARTS, ROWS = 1, TILE_ROWS = CONTRACTED_ROWS };
    enum { READS_ROWS = Method::READS_ROWS, IS_LARGE = Method::IS_LARGE };
    typedef float Real;
    typedef typename Pass::State State;
    typedef typename Pass::Narrow Narrow;
    typedef WideParts<Pass> Parts;
    typedef QuadPairs<Pass> Pairs;
    typedef typename Pairs::Apart Apart;
    enum { NUMBER_OF_PARTS = Parts::NUMBER_OF_PARTS, EIGHTS = Parts::EIGHTS };
    struct Memory {
        __align__(128) Words components[2][Parts::WORDS][COLUMNS];
        // Each opens when the components of a tile are there.
        unsigned long long barriers[2];
        typename Method::Memory method;
    };
    typedef NoQueue<Pass, 1> Queue;
    typedef typename Queue::Waiting Waiting;
    Memory &memory;
    Queue queue;
    Method method;
    Pairs pairs;
    typename Pass::Row rows[4];
    // The slot of the tile's components, in which turn of each, and whether those of the next tile have begun to be copied.
    int slot, turns;
    bool is_copied;
    // Of rows 16 m + lane / 4 and 8 more, of components 8 n + 2 (lane % 4) and the next one; of the factors of rows 8 r + lane / 4.
    float sums[2][EIGHTS][4], totals[4];

    __device__ __forceinline__ WideTile(const Pass &pass, Memory &memory, const Work &work)
        : memory(memory), method(pass, memory.method, work), slot(0), turns(0), is_copied(false)
    {
        if (threadIdx.x < 2) {
            make_barrier(memory.barriers[threadIdx.x]);
        }
        read_rows_of_quad(rows, pass, work);
    }

    // One of the rows of its quad.
    static __device__ __forceinline__ int row_of_thread(int r) { return row_of_quad((int)threadIdx.x % 4); }

    __device__ __forceinline__ void reduce_chunk(
        State (&state)[1], Waiting &, const typename Pass::Row (&)[1], const Pass &pass, const Work &work, long long past)
    {
        Narrow states[4];
        #pragma unroll
        for (int r = 0; r < 4; ++r) {
            Pass::initialize_narrow(states[r]);
            totals[r] = 0.0f;
        }
        #pragma unroll
        for (int k = 0; k < 8 * EIGHTS; ++k) {
            sums[k / 4 / EIGHTS][k / 4 % EIGHTS][k % 4] = 0.0f;
        }
        Apart apart;
        pairs.begin();
        const Launch &launch = pass.call.launch;
        Columns tile = first_tile<Pass>(work.begin, launch, work), next = following_tile<Pass, COLUMNS>(tile, launch, work);
        start(pass, tile, next);
        float found[2][EIGHTS][4];
        #pragma unroll 1
        while (true) {
            take_in(found, states, apart, pass, work, tile);
            if (!next.goes_on()) {
                break;
            }
            tile = next;
            next = following_tile<Pass, COLUMNS>(tile, launch, work);
            start(pass, tile, next);
        }
        merge_quads(state[0], states);
        hand_over(state[0], apart, pass, work);
    }

    // Contracts a tile, and begins to copy components of the next one. Nobody reads those of the tile before any more.
    __device__ __forceinline__ void start(const Pass &pass, const Columns &tile, const Columns &next)
    {
        method.start(memory.method, pass, tile, next);
        slot ^= 1;
        if (!is_copied) {
            copy(pass, tile, slot);
        }
        is_copied = next.are_there();
        if (is_copied) {
            copy(pass, next, slot ^ 1);
        }
    }

    __device__ __forceinline__ void copy(const Pass &pass, const Columns &tile, int target)
    {
        if (threadIdx.x < 32) {
            unsigned long long &barrier = memory.barriers[target];
            if (threadIdx.x == 0) {
                expect_bytes(barrier, (int)sizeof(memory.components[0]));
            }
            __syncwarp();
            memory.method.packed_columns.copy(memory.components[target][0], tile.at(0), 4 * Packed<Pass>::STEPS, Parts::WORDS, barrier);
        }
    }

    // What has been multiplied last is added up after the next tile has been contracted.
    __device__ __forceinline__ void take_in(float (&products)[2][EIGHTS][4], Narrow (&states)[4], Apart &apart, const Pass &pass, const Work &work, const Columns &tile)
    {
        wait_for_bytes(memory.barriers[slot], turns >> slot & 1);
        turns ^= 1 << slot;
        const typename Pass::Column *columns = method.columns(memory.method) + first_of_quad();
        #pragma unroll
        for (int part = 0; part < Method::PARTS; ++part) {
            const Columns some = tile.later(part * CONTRACTED_COLUMNS);
            if (part > 0 && !some.are_there()) {
                continue;
            }
            float found[4][8];
            // Where there are no differences, what has been computed anew is multiplied like all else.
            const unsigned int anew = method.finish(found, memory.method, nullptr, part, pass, work, some, 0), unsure = Pass::HAS_DIFFERENCES ? anew : 0;
            const unsigned int marked = method.marked_columns(memory.method.slots, part);
            const typename Pass::Column *own = columns + part * CONTRACTED_COLUMNS;
            if (some.has(CONTRACTED_COLUMNS - 1)) {
                take_some_in<true>(states, pass, found, own, some);
            } else {
                take_some_in<false>(states, pass, found, own, some);
            }
            if (!__all_sync(0xffffffffu, pairs.is_sure(pairs.doubt) && (unsure | marked) == 0)) {
                // What a function has the address of lies in memory.
                float in_memory[4][8];
                Method::copy_quads(in_memory, found);
                Pairs::take_in_apart(apart, !pairs.has_apart, in_memory, unsure, marked, pass.call, pass.shared, work, some);
                Method::copy_quads(found, in_memory);
                pairs.has_apart = true;
                pairs.doubt = 0.0f;
            }
            multiply(products, found, memory.components[slot], part);
            wait_for_multiplications<0>();
            add_up<1>(products);
        }
    }

    // Takes pairs in, and puts their factors where contractions were.
    template <bool ARE_ALL_THERE>
    __device__ __forceinline__ void take_some_in(
        Narrow (&states)[4], const Pass &pass, float (&found)[4][8], const typename Pass::Column *columns, const Columns &some)
    {
        #pragma unroll
        for (int column = 0; column < 8; ++column) {
            const int place = place_in_quad(column);
            if (ARE_ALL_THERE || some.has(first_of_quad() + place)) {
                #pragma unroll
                for (int r = 0; r < 4; ++r) {
                    pass.update(states[r], rows[r], columns[place], some.at(first_of_quad() + place), found[r][column]);
                    pairs.see(found[r][column]);
                }
            } else {
                #pragma unroll
                for (int r = 0; r < 4; ++r) {
                    found[r][column] = 0.0f;
                }
            }
        }
    }

    // Begins to multiply factors and components of a part of a tile: rows 16 … of each 64 first. Those of the second half have not been added up when it ends.
    __device__ __forceinline__ void multiply(
        float (&found)[2][EIGHTS][4], const float (&factors)[4][8], const Words (*components)[COLUMNS], int part)
    {
        multiply_half<0>(found, factors, components, part);
        multiply_half<1>(found, factors, components, part);
        if (Pass::HAS_DIFFERENCES) {
            #pragma unroll
            for (int r = 0; r < 4; ++r) {
                const float *row = factors[r];
                totals[r] += (row[0] + row[1] + (row[2] + row[3])) + (row[4] + row[5] + (row[6] + row[7]));
            }
        }
        wait_for_multiplications<1>();
        add_up<0>(found);
    }

    // Begins to multiply rows 64 M ….
    template <int M>
    __device__ __forceinline__ void multiply_half(
        float (&found)[2][EIGHTS][4], const float (&factors)[4][8], const Words (*components)[COLUMNS], int part) const
    {
        unsigned int rows[NUMBER_OF_PARTS][2][4];
        #pragma unroll
        for (int k = 0; k < 8; ++k) {
            // Rows lane / 4 and 8 more, eight columns and eight more.
            const int r = 2 * M + k % 2, first = k / 4 * 4 + k % 4 / 2 * 2;
            unsigned int parts[NUMBER_OF_PARTS];
            split_in_parts(parts, factors[r][first], factors[r][first + 1]);
            #pragma unroll
            for (int of_rows = 0; of_rows < NUMBER_OF_PARTS; ++of_rows) {
                rows[of_rows][k / 4][k % 4] = parts[of_rows];
            }
        }
        begin_multiplications();
        #pragma unroll
        for (int of_columns = NUMBER_OF_PARTS - 1; of_columns >= 0; --of_columns) {
            #pragma unroll
            for (int of_rows = NUMBER_OF_PARTS - 1 - of_columns; of_rows >= 0; --of_rows) {
                #pragma unroll
                for (int step = 0; step < 2; ++step) {
                    const Words *some = components[of_columns * EIGHTS] + part * CONTRACTED_COLUMNS + 16 * step;
                    multiply_add_components<COLUMNS>(found[M], rows[of_rows][step], some, of_columns == NUMBER_OF_PARTS - 1 && step == 0);
                }
            }
        }
        commit_multiplications();
    }

    // Adds up what has been waited for.
    template <int M>
    __device__ __forceinline__ void add_up(float (&found)[2][EIGHTS][4])
    {
        #pragma unroll
        for (int k = 0; k < 4 * EIGHTS; ++k) {
            settle(found[M][k / 4][k % 4]);
            sums[M][k / 4][k % 4] = __fmaf_rn(found[M][k / 4][k % 4], 0x1p-48f, sums[M][k / 4][k % 4]);
        }
    }

    // The state of the lane's own row, but for wide sums, after what `state` has of earlier columns.
    static __device__ __forceinline__ void merge_quads(State &state, Narrow (&states)[4])
    {
        if constexpr (Pass::HAS_NARROW) {
            #pragma unroll
            for (int r = 0; r < 4; ++r) {
                merge_quad<Pass>(states[r]);
                if ((int)threadIdx.x % 4 == r) {
                    Pass::merge_narrow(state, states[r]);
                }
            }
        }
    }

    // Hands each row's wide sums over to its lane: of four lanes each has some components of four rows, of which each keeps one.
    __device__ __forceinline__ void hand_over(State &state, Apart &apart, const Pass &pass, const Work &work)
    {
        if (pairs.has_apart) {
            Pairs::hand_over(apart);
        }
        const int own = (int)threadIdx.x % 4;
        const long long index = work.first_row + row_of_thread(0), row = index < work.past_rows ? index : work.past_rows - 1;
        float total = 0.0f;
        #pragma unroll
        for (int r = 0; r < 4 && Pass::HAS_DIFFERENCES; ++r) {
            const float sum = sum_of_quad(totals[r]);
            total = own == r ? sum : total;
        }
        #pragma unroll
        for (int n = 0; n < EIGHTS; ++n) {
            // Components 2 t and 2 t + 1 of eight.
            float of_lanes[4][2];
            #pragma unroll
            for (int t = 0; t < 4; ++t) {
                #pragma unroll
                for (int e = 0; e < 2; ++e) {
                    float of_rows[4];
                    #pragma unroll
                    for (int r = 0; r < 4; ++r) {
                        of_rows[r] = __shfl_sync(0xffffffffu, sums[r / 2][n][r % 2 * 2 + e], t, 4);
                    }
                    of_lanes[t][e] = own == 0 ? of_rows[0] : own == 1 ? of_rows[1] : own == 2 ? of_rows[2] : of_rows[3];
                }
            }
            #pragma unroll
            for (int half = 0; half < 2; ++half) {
                const Four<float> four = {of_lanes[2 * half][0], of_lanes[2 * half][1], of_lanes[2 * half + 1][0], of_lanes[2 * half + 1][1]};
                add_four<Pass, Pairs>(state, four, total, pairs, apart, pass, row, 8 * n + 4 * half);
            }
        }
    }
};
#endif
