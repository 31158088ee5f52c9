// Sums over columns of a factor of each pair times components of the column: a matrix product of the factors of a tile of pairs and its columns. The
// lanes of a warp have the sums of its rows, each those of some rows and some components; at the end of a chunk they go to the row's state.
//
// Of a difference of column and row it is the column relative to the middle m that is multiplied, and the row's share is added at the end of a chunk:
//
//     Σ s (y - x) = Σ s (y - m) - (x - m) Σ s

// The columns of a tile where nothing is contracted.
template <typename Pass>
struct Uncontracted {
    enum { CONTRACTS = 0, PARTS = 1, READS_ROWS = 0, IS_LARGE = 0 };
    struct Memory {
        __align__(16) typename Pass::Column columns[CONTRACTED_COLUMNS];
    };

    __device__ __forceinline__ Uncontracted(const Pass &pass, Memory &memory, const Work &work) {}

    // Reads the columns of a tile.
    static __device__ __forceinline__ void start(Memory &memory, const Pass &pass, const Columns &tile, const Columns &next)
    {
        __syncthreads();
        if (threadIdx.x < CONTRACTED_COLUMNS && tile.has((int)threadIdx.x)) {
            pass.read_column(memory.columns[threadIdx.x], tile.at((int)threadIdx.x));
        }
        __syncthreads();
    }
    static __device__ __forceinline__ void wait(Memory &memory, const Pass &pass, const Columns &next) {}
    static __device__ __forceinline__ const typename Pass::Column *columns(const Memory &memory) { return memory.columns; }
    static __device__ __forceinline__ unsigned int finish(
        Memory &memory, typename Pass::Real *values, int part, const Pass &pass, const Work &work, const Columns &columns)
    {
        return 0;
    }
};

// Components of 32 columns on their way to shared memory. Of eight columns at a time a thread has one component, number threadIdx.x % WIDTH.
template <typename Pass, int WIDTH>
struct WideColumns {
    typedef typename Pass::Real Real;
    enum { EIGHTS = CONTRACTED_COLUMNS / 8, AT_ONCE = CONTRACTED_ROWS / WIDTH, TURNS = (EIGHTS + AT_ONCE - 1) / AT_ONCE };
    static_assert(AT_ONCE >= 1, "there is a thread for each component");
    Real terms[TURNS][8];

    static __device__ __forceinline__ int component() { return (int)threadIdx.x % WIDTH; }
    // The thread's columns are 8 eighth(turn) and seven more, if that is less than EIGHTS.
    static __device__ __forceinline__ int eighth(int turn)
    {
        const int first = (int)threadIdx.x / WIDTH;
        return first < AT_ONCE ? turn * AT_ONCE + first : EIGHTS;
    }

    __device__ __forceinline__ void fetch(const Pass &pass, const Columns &columns)
    {
        if (columns.has(CONTRACTED_COLUMNS - 1)) {
            fetch_some<true>(pass, columns);
        } else {
            fetch_some<false>(pass, columns);
        }
    }

    // Columns that are not there are 0. Where all are, one lies beside the other.
    template <bool ARE_ALL_THERE>
    __device__ __forceinline__ void fetch_some(const Pass &pass, const Columns &columns)
    {
        #pragma unroll
        for (int turn = 0; turn < TURNS; ++turn) {
            const int first = columns.place(eighth(turn) < EIGHTS ? 8 * eighth(turn) : 0), rest = columns.past - first;
            const long long begin = columns.begin + (ARE_ALL_THERE || rest > 0 ? first : 0);
            pass.template wide_terms<ARE_ALL_THERE>(terms[turn], begin, rest, component());
            const Real origin = origin_of(pass, component());
            #pragma unroll
            for (int c = 0; c < 8; ++c) {
                terms[turn][c] = ARE_ALL_THERE || c < rest ? terms[turn][c] - origin : (Real)0;
            }
        }
    }

    // What a component is relative to.
    static __device__ __forceinline__ Real origin_of(const Pass &pass, int q)
    {
        if constexpr (Pass::HAS_DIFFERENCES) {
            const int coordinate = Pass::coordinate(q);
            return coordinate < 0 ? (Real)0 : pass.middle(coordinate);
        }
        return 0;
    }
};

// Where all pairs are multiplied, whatever their numbers.
template <typename Pass>
struct AllPairs {
    typedef typename Pass::Real Real;
    struct Apart {};

    __device__ __forceinline__ void begin() {}
    __device__ __forceinline__ void see(Real factor) {}
    // The number that is multiplied instead, and whether it is the same.
    static __device__ __forceinline__ bool keep(Real &number) { return true; }
    // Waits for all threads. Whether all of them have kept all numbers.
    static __device__ __forceinline__ bool wait(bool is_kept)
    {
        __syncthreads();
        return true;
    }
    __device__ __forceinline__ void set_apart(Apart &apart, Real *factors, unsigned int unsure, bool are_columns_kept, const Pass &pass,
        const Work &work, const Columns &part)
    {
    }
    __device__ __forceinline__ Real with_apart(const Apart &apart, int q, Real sum) const { return sum; }

    // Coordinates `first` … + 3 of a row.
    static __device__ __forceinline__ void row_of_differences(Real (&terms)[4], const Pass &pass, long long row, int first)
    {
        #pragma unroll
        for (int e = 0; e < 4; ++e) {
            terms[e] = first + e < Pass::COORDINATES ? pass.row_term(row, first + e) : (Real)0;
        }
    }
};

static __device__ __forceinline__ long long row_of_thread(const Work &work)
{
    const long long row = work.first_row + own_row();
    return row < work.past_rows ? row : work.past_rows - 1;
}

// Adds sums of components q … q + 3 to the state of a row, of whose factors the sum is `total`.
template <typename Pass, typename Pairs>
static __device__ __forceinline__ void add_four(typename Pass::State &state, const Four<typename Pass::Real> &four, typename Pass::Real total,
    const Pairs &pairs, const typename Pairs::Apart &apart, const Pass &pass, long long index, int q)
{
    Four<typename Pass::Real> sums = four;
    if constexpr (Pass::HAS_DIFFERENCES) {
        if (q < Pass::WIDTH && Pass::coordinate(q) >= 0) {
            typename Pass::Real row[4];
            Pairs::row_of_differences(row, pass, index, Pass::coordinate(q));
            #pragma unroll
            for (int e = 0; e < 4; ++e) {
                sums.of[e] = sums.of[e] - total * row[e];
            }
        }
    }
    #pragma unroll
    for (int e = 0; e < 4; ++e) {
        if (q + e < Pass::WIDTH) {
            Pass::add_wide(state, q + e, pairs.with_apart(apart, q + e, sums.of[e]));
        }
    }
}

// Products and sums one by one, in the arithmetic of everything else: of 4 components by as many rows as lanes share components, 32 or 16 at a time.
template <typename Pass, typename Pairs = AllPairs<Pass>>
struct FusedSums : Pairs {
    typedef typename Pass::Real Real;
    typedef typename Pass::State State;
    enum {
        WIDTH = Pass::WIDTH,
        LANES = WIDTH > 16 ? 8 : 4,
        UNITS = (WIDTH + 4 * LANES - 1) / (4 * LANES),
        PITCH = 4 * LANES * UNITS,
        // Rows of a lane, and how far apart they are.
        ROWS = LANES,
        STRIDE = CONTRACTED_WARP_ROWS / ROWS,
        // Where a row's sum of factors is handed over.
        TOTAL = 4 * LANES,
    };
    static_assert((int)TOTAL < (int)CONTRACTED_PITCH, "it lies behind components");
    struct Memory {
        __align__(32) Real components[CONTRACTED_COLUMNS][PITCH];
    };
    typedef typename Pairs::Apart Doubts;
    WideColumns<Pass, PITCH> columns;
    Real sums[ROWS][UNITS][4];
    // Of factors.
    Real totals[ROWS];

    static __device__ __forceinline__ int first_row() { return (int)threadIdx.x % 32 / LANES; }
    static __device__ __forceinline__ int first_component() { return (int)threadIdx.x % LANES * 4; }

    __device__ __forceinline__ void begin()
    {
        Pairs::begin();
        #pragma unroll
        for (int k = 0; k < ROWS * UNITS * 4; ++k) {
            sums[k / 4 / UNITS][k / 4 % UNITS][k % 4] = 0;
        }
        #pragma unroll
        for (int r = 0; r < ROWS; ++r) {
            totals[r] = 0;
        }
    }

    // Begins to read the components of a part of a tile.
    __device__ __forceinline__ void fetch(const Pass &pass, const Columns &part) { columns.fetch(pass, part); }

    // Adds the products of the warp's factors and components that have been fetched. The factors of a row lie one after the other.
    __device__ __forceinline__ void add(Doubts &doubts, Memory &memory, Real *factors, unsigned int unsure, const Pass &pass,
        const Work &work, const Columns &part)
    {
        bool is_kept = true;
        __syncthreads();
        #pragma unroll
        for (int turn = 0; turn < columns.TURNS; ++turn) {
            if (columns.eighth(turn) < columns.EIGHTS) {
                #pragma unroll
                for (int c = 0; c < 8; ++c) {
                    Real term = columns.terms[turn][c];
                    is_kept = Pairs::keep(term) && is_kept;
                    memory.components[8 * columns.eighth(turn) + c][columns.component()] = term;
                }
            }
        }
        const bool are_columns_kept = Pairs::wait(is_kept);
        Pairs::set_apart(doubts, factors, unsure, are_columns_kept, pass, work, part);
        factors += first_row() * CONTRACTED_PITCH;
        Real some_totals[ROWS];
        #pragma unroll
        for (int r = 0; r < ROWS; ++r) {
            some_totals[r] = 0;
        }
        #pragma unroll 1
        for (int column = 0; column < CONTRACTED_COLUMNS; column += 4) {
            Four<Real> some[ROWS];
            #pragma unroll
            for (int r = 0; r < ROWS; ++r) {
                some[r] = *(const Four<Real> *)(factors + r * STRIDE * CONTRACTED_PITCH + column);
                if (Pass::HAS_DIFFERENCES) {
                    some_totals[r] += some[r].of[0] + some[r].of[1] + (some[r].of[2] + some[r].of[3]);
                }
            }
            #pragma unroll
            for (int c = 0; c < 4; ++c) {
                #pragma unroll
                for (int u = 0; u < UNITS; ++u) {
                    const Four<Real> four = *(const Four<Real> *)(memory.components[column + c] + first_component() + 4 * LANES * u);
                    #pragma unroll
                    for (int r = 0; r < ROWS; ++r) {
                        #pragma unroll
                        for (int e = 0; e < 4; ++e) {
                            sums[r][u][e] += some[r].of[c] * four.of[e];
                        }
                    }
                }
            }
        }
        #pragma unroll
        for (int r = 0; r < ROWS && Pass::HAS_DIFFERENCES; ++r) {
            totals[r] += some_totals[r];
        }
        __syncwarp();
    }

    // Hands each row's sums over to its thread, by way of `values`.
    __device__ __forceinline__ void end(State &state, const Doubts &doubts, Real *values, const Pass &pass, const Work &work) const
    {
        #pragma unroll
        for (int u = 0; u < UNITS; ++u) {
            #pragma unroll
            for (int r = 0; r < ROWS; ++r) {
                Four<Real> four;
                #pragma unroll
                for (int e = 0; e < 4; ++e) {
                    four.of[e] = sums[r][u][e];
                }
                Real *row = values + (first_row() + r * STRIDE) * CONTRACTED_PITCH;
                *(Four<Real> *)(row + first_component()) = four;
                if (first_component() == 0) {
                    row[TOTAL] = totals[r];
                }
            }
            __syncwarp();
            const Real *row = values + threadIdx.x % 32 * CONTRACTED_PITCH;
            #pragma unroll
            for (int q = 0; q < 4 * LANES; q += 4) {
                add_four<Pass, Pairs>(state, *(const Four<Real> *)(row + q), row[TOTAL], *this, doubts, pass, row_of_thread(work), 4 * LANES * u + q);
            }
            __syncwarp();
        }
    }
};
