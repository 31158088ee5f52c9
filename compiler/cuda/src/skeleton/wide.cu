// Sums over columns of a factor of each pair times components of the column: a matrix product of the factors of a tile of pairs and its columns. The
// lanes of a warp have the sums of its rows, each those of some rows and some components; at the end of a chunk they go to the row's state.

// The columns of a tile where nothing is contracted.
template <typename Pass>
struct Uncontracted {
    enum { CONTRACTS = 0, PARTS = 1, OVERLAPS = 0, READS_ROWS = 0 };
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
    static __device__ __forceinline__ void finish(
        Memory &memory, typename Pass::Real *values, int part, const Pass &pass, const Work &work, const Columns &columns)
    {
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
            #pragma unroll
            for (int c = 0; c < 8; ++c) {
                terms[turn][c] = ARE_ALL_THERE || c < rest ? terms[turn][c] : (Real)0;
            }
        }
    }
};

// Products and sums one by one, in the arithmetic of everything else: of 4 components by as many rows as lanes share components, 32 or 16 at a time.
template <typename Pass>
struct FusedSums {
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
    };
    struct Memory {
        __align__(32) Real components[CONTRACTED_COLUMNS][PITCH];
    };
    struct Doubts {};
    WideColumns<Pass, PITCH> columns;
    Real sums[ROWS][UNITS][4];

    static __device__ __forceinline__ int first_row() { return (int)threadIdx.x % 32 / LANES; }
    static __device__ __forceinline__ int first_component() { return (int)threadIdx.x % LANES * 4; }

    __device__ __forceinline__ void begin()
    {
        #pragma unroll
        for (int k = 0; k < ROWS * UNITS * 4; ++k) {
            sums[k / 4 / UNITS][k / 4 % UNITS][k % 4] = 0;
        }
    }

    // Begins to read the components of a part of a tile.
    __device__ __forceinline__ void fetch(const Pass &pass, const Columns &part) { columns.fetch(pass, part); }
    __device__ __forceinline__ void see(Real factor) {}

    // Adds the products of the warp's factors and components that have been fetched. The factors of a row lie one after the other.
    __device__ __forceinline__ void add(Doubts &doubts, Memory &memory, const Real *factors, const Pass &pass, const Columns &part)
    {
        __syncthreads();
        #pragma unroll
        for (int turn = 0; turn < columns.TURNS; ++turn) {
            if (columns.eighth(turn) < columns.EIGHTS) {
                #pragma unroll
                for (int c = 0; c < 8; ++c) {
                    memory.components[8 * columns.eighth(turn) + c][columns.component()] = columns.terms[turn][c];
                }
            }
        }
        __syncthreads();
        factors += first_row() * CONTRACTED_PITCH;
        #pragma unroll 1
        for (int column = 0; column < CONTRACTED_COLUMNS; column += 4) {
            Four<Real> some[ROWS];
            #pragma unroll
            for (int r = 0; r < ROWS; ++r) {
                some[r] = *(const Four<Real> *)(factors + r * STRIDE * CONTRACTED_PITCH + column);
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
        __syncwarp();
    }

    // Hands each row's sums over to its thread, by way of `values`.
    __device__ __forceinline__ void end(State &state, const Doubts &doubts, Real *values) const
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
                *(Four<Real> *)(values + (first_row() + r * STRIDE) * CONTRACTED_PITCH + first_component()) = four;
            }
            __syncwarp();
            #pragma unroll
            for (int q = 0; q < 4 * LANES; ++q) {
                Pass::add_wide(state, 4 * LANES * u + q, values[threadIdx.x % 32 * CONTRACTED_PITCH + q]);
            }
            __syncwarp();
        }
    }
};
