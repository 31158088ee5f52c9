// Passes whose pairs meet through a sum over many coordinates: a contraction. Those of a tile of pairs are computed first, as in a matrix product,
// then the rest of each pair.

// The rows and the columns of a warp's tile; from row to row of it in shared memory, with a gap so that eight rows begin in other banks each.
enum { CONTRACTED_ROWS = 32, CONTRACTED_COLUMNS = 32, CONTRACTED_PITCH = 36, CONTRACTING_THREADS = 128 };

template <typename Real>
struct __align__(4 * sizeof(Real)) Four {
    Real of[4];
};

// 32 columns: four times eight that lie one after the other, those before `past`.
struct Columns {
    long long first, stride, past;

    __device__ __forceinline__ long long at(int column) const { return first + column / 8 * stride + column % 8; }
    __device__ __forceinline__ bool has(int column) const { return at(column) < past; }
};

// How a tile is contracted by all lanes of a warp, term by term.
template <typename Pass>
struct Terms {
    typedef typename Pass::Real Real;
    enum { PARTS = 1 };
    // Coordinates that are copied at a time to where results will be, and the distance of two of them there: rows come first, columns behind them.
    enum { STEP = 16, PITCH = 36 };
    static_assert(2 * STEP * PITCH <= CONTRACTED_ROWS * CONTRACTED_PITCH, "there is room");
    struct Memory {
        char nothing;
    };

    __device__ __forceinline__ Terms(const Pass &pass, Memory &memory, const Work &work) {}

    // Contractions, by 8 rows and 4 columns a lane.
    static __device__ __forceinline__ void contract_all(Real *values, const Pass &pass, const Work &work, const Columns &columns)
    {
        const int lane = (int)threadIdx.x % 32;
        const long long first_row = work.first_row + threadIdx.x / 32 * 32;
        Real sums[8][4];
        #pragma unroll
        for (int r = 0; r < 8; ++r) {
            #pragma unroll
            for (int c = 0; c < 4; ++c) {
                sums[r][c] = Pass::no_terms();
            }
        }
        Real *row_terms = values, *column_terms = values + STEP * PITCH;
        #pragma unroll 1
        for (int first = 0; first < Pass::COORDINATES; first += STEP) {
            const int past = Pass::COORDINATES - first < STEP ? Pass::COORDINATES - first : STEP;
            __syncwarp();
            if (lane % STEP < past) {
                const int q = lane % STEP;
                #pragma unroll 4
                for (int k = lane / STEP; k < 32; k += 32 / STEP) {
                    const long long row = first_row + k < work.past_rows ? first_row + k : work.past_rows - 1;
                    row_terms[q * PITCH + k] = pass.row_term(row, first + q);
                    column_terms[q * PITCH + k] = pass.column_term(columns.has(k) ? columns.at(k) : columns.first, first + q);
                }
            }
            __syncwarp();
            #pragma unroll 4
            for (int q = 0; q < past; ++q) {
                const Four<Real> *x = (const Four<Real> *)(row_terms + q * PITCH + lane % 4 * 8);
                const Four<Real> x0 = x[0], x1 = x[1];
                const Four<Real> y = *(const Four<Real> *)(column_terms + q * PITCH + lane / 4 * 4);
                #pragma unroll
                for (int r = 0; r < 8; ++r) {
                    #pragma unroll
                    for (int c = 0; c < 4; ++c) {
                        pass.add_term(sums[r][c], r < 4 ? x0.of[r % 4] : x1.of[r % 4], y.of[c], first + q);
                    }
                }
            }
        }
        __syncwarp();
        #pragma unroll
        for (int r = 0; r < 8; ++r) {
            Four<Real> four;
            #pragma unroll
            for (int c = 0; c < 4; ++c) {
                four.of[c] = sums[r][c];
            }
            *(Four<Real> *)(values + (lane % 4 * 8 + r) * CONTRACTED_PITCH + lane / 4 * 4) = four;
        }
        __syncwarp();
    }

    // Reads the columns of a tile.
    __device__ __forceinline__ void multiply(
        typename Pass::Column *tile, const Pass &pass, const Columns &columns, const Columns &next)
    {
        __syncthreads();
        if (threadIdx.x < CONTRACTED_COLUMNS && columns.has((int)threadIdx.x)) {
            pass.read_column(tile[threadIdx.x], columns.at((int)threadIdx.x));
        }
        __syncthreads();
    }

    // Writes the contractions of the warp's rows with columns of the tile.
    __device__ __forceinline__ void finish(Real *values, int part, const Pass &pass, const Work &work, const Columns &columns) const
    {
        contract_all(values, pass, work, columns);
    }
    // The same, and reads those of the rows 8 r + lane / 4 with the lane's eight columns.
    __device__ __forceinline__ void finish(
        Real (&found)[4][8], Real *values, int part, const Pass &pass, const Work &work, const Columns &columns) const
    {
        contract_all(values, pass, work, columns);
        read_values(found, values);
    }

    static __device__ __forceinline__ void read_values(Real (&found)[4][8], const Real *values)
    {
        const int lane = (int)threadIdx.x % 32;
        #pragma unroll
        for (int r = 0; r < 4; ++r) {
            #pragma unroll
            for (int half = 0; half < 2; ++half) {
                const Four<Real> four =
                    *(const Four<Real> *)(values + (8 * r + lane / 4) * CONTRACTED_PITCH + lane % 4 * 8 + 4 * half);
                #pragma unroll
                for (int c = 0; c < 4; ++c) {
                    found[r][4 * half + c] = four.of[c];
                }
            }
        }
        __syncwarp();
    }
};

// What both kinds of tiles share: columns in shared memory, with room for the contractions of each warp.
template <typename Pass, typename Method>
struct ContractedMemory {
    __align__(16) typename Pass::Column columns[CONTRACTED_COLUMNS * Method::PARTS];
    __align__(32) typename Pass::Real values[CONTRACTING_THREADS / 32][CONTRACTED_ROWS * CONTRACTED_PITCH];
    typename Method::Memory method;
};

// A tile whose pairs are taken in by a thread for each row; how they are contracted is the business of `Method`.
template <typename Pass, typename Method>
struct RowTile {
    enum { COLUMNS = CONTRACTED_COLUMNS * Method::PARTS, ROWS = 1, THREADS = CONTRACTING_THREADS };
    typedef typename Pass::Real Real;
    typedef ContractedMemory<Pass, Method> Memory;
    Memory &memory;
    Method method;

    __device__ __forceinline__ RowTile(const Pass &pass, Memory &memory, const Work &work)
        : memory(memory), method(pass, memory.method, work)
    {
    }

    static __device__ __forceinline__ int row_of_thread(int r) { return (int)threadIdx.x; }

    __device__ __forceinline__ void reduce_chunk(typename Pass::State (&state)[1], const typename Pass::Row (&row)[1],
        const Pass &pass, const Work &work, long long past)
    {
        Real *values = memory.values[threadIdx.x / 32];
        #pragma unroll 1
        for (long long first = work.begin; first < past; first += COLUMNS) {
            const long long later = first + COLUMNS;
            method.multiply(memory.columns, pass, {first, 8, past}, {later, 8, later < past ? past : work.end});
            // What is in registers is told by numbers that are known.
            #pragma unroll
            for (int part = 0; part < Method::PARTS; ++part) {
                const long long begin = first + part * CONTRACTED_COLUMNS;
                if (begin < past) {
                    const int count = past - begin < CONTRACTED_COLUMNS ? (int)(past - begin) : CONTRACTED_COLUMNS;
                    method.finish(values, part, pass, work, {begin, 8, past});
                    take_in(state[0], row[0], pass, values, memory.columns + part * CONTRACTED_COLUMNS, begin, count);
                }
            }
        }
    }

    // Takes up to 32 columns in.
    static __device__ __forceinline__ void take_in(typename Pass::State &state, const typename Pass::Row &row, const Pass &pass,
        const Real *values, const typename Pass::Column *columns, long long first, int count)
    {
        enum { STEP = Pass::BLOCK > 4 ? Pass::BLOCK : 4, UNROLL = Pass::UNROLL < 32 ? Pass::UNROLL / STEP : 32 / STEP };
        values += threadIdx.x % 32 * CONTRACTED_PITCH;
        int column = 0;
        #pragma unroll (UNROLL > 1 ? UNROLL : 1)
        for (; column + STEP <= count; column += STEP) {
            Real contracted[STEP];
            #pragma unroll
            for (int k = 0; k < STEP; k += 4) {
                const Four<Real> four = *(const Four<Real> *)(values + column + k);
                #pragma unroll
                for (int c = 0; c < 4; ++c) {
                    contracted[k + c] = four.of[c];
                }
            }
            if constexpr (Pass::BLOCK > 1) {
                #pragma unroll
                for (int k = 0; k < STEP; k += Pass::BLOCK) {
                    pass.update_block(state, row, columns + column + k, first + column + k, contracted + k);
                }
            } else {
                #pragma unroll
                for (int k = 0; k < STEP; ++k) {
                    pass.update(state, row, columns[column + k], first + column + k, contracted[k]);
                }
            }
        }
        #pragma unroll 1
        for (; column < count; ++column) {
            pass.update(state, row, columns[column], first + column, values[column]);
        }
        __syncwarp();
    }
};

// A tile of which a lane takes in the pairs that tensor cores leave with it: of four rows, a quarter of a chunk's columns. The states of the four
// lanes of a row are merged at the end of a chunk.
template <typename Pass, typename Method>
struct QuadTile {
    enum { ROWS = 1, THREADS = CONTRACTING_THREADS, SHARE = 8 * Method::PARTS };
    typedef typename Pass::Real Real;
    typedef typename Pass::State State;
    typedef ContractedMemory<Pass, Method> Memory;
    Memory &memory;
    Method method;
    typename Pass::Row rows[4];

    __device__ __forceinline__ QuadTile(const Pass &pass, Memory &memory, const Work &work)
        : memory(memory), method(pass, memory.method, work)
    {
        #pragma unroll
        for (int r = 0; r < 4; ++r) {
            const long long row = work.first_row + row_of_quad(r);
            pass.read_row(rows[r], row < work.past_rows ? row : work.past_rows - 1);
        }
    }

    static __device__ __forceinline__ int row_of_quad(int r)
    {
        return (int)threadIdx.x / 32 * 32 + 8 * r + (int)threadIdx.x % 32 / 4;
    }
    static __device__ __forceinline__ int row_of_thread(int r) { return row_of_quad((int)threadIdx.x % 4); }

    // The columns of each of four lanes.
    static __device__ __forceinline__ long long quarter_of(long long count)
    {
        return (count + 4 * SHARE - 1) / (4 * SHARE) * SHARE;
    }

    __device__ __forceinline__ void reduce_chunk(
        State (&state)[1], const typename Pass::Row (&)[1], const Pass &pass, const Work &work, long long past)
    {
        Real *values = memory.values[threadIdx.x / 32];
        const long long quarter = quarter_of(past - work.begin);
        const long long chunk = pass.call.launch.chunk, past_next = past + chunk < work.end ? past + chunk : work.end;
        State states[4];
        #pragma unroll
        for (int r = 0; r < 4; ++r) {
            Pass::initialize(states[r]);
        }
        const int lane_part = (int)threadIdx.x % 4;
        #pragma unroll 1
        for (long long share = 0; share < quarter; share += SHARE) {
            const long long first = work.begin + share;
            const Columns columns = {first, quarter, past};
            const bool is_last = share + SHARE >= quarter;
            const Columns next = is_last ? Columns{past, quarter_of(past_next - past), past_next} : Columns{first + SHARE, quarter, past};
            method.multiply(memory.columns, pass, columns, next);
            #pragma unroll
            for (int part = 0; part < Method::PARTS; ++part) {
                const Columns some = {first + 8 * part, quarter, past};
                Real found[4][8];
                method.finish(found, values, part, pass, work, some);
                const typename Pass::Column *own = memory.columns + part * CONTRACTED_COLUMNS + 8 * lane_part;
                const long long index = some.at(8 * lane_part);
                if (__all_sync(0xffffffffu, index + 8 <= past)) {
                    take_in(states, pass, found, own, index);
                } else {
                    take_some_in(states, pass, found, own, index, past);
                }
            }
        }
        merge_quads(state[0], states);
    }

    __device__ __forceinline__ void take_in(
        State (&states)[4], const Pass &pass, const Real (&found)[4][8], const typename Pass::Column *columns, long long first) const
    {
        if constexpr (Pass::BLOCK > 1) {
            enum { BLOCK = Pass::BLOCK };
            static_assert(8 % (int)BLOCK == 0, "a lane has eight columns");
            #pragma unroll
            for (int column = 0; column < 8; column += BLOCK) {
                #pragma unroll
                for (int r = 0; r < 4; ++r) {
                    pass.update_block(states[r], rows[r], columns + column, first + column, found[r] + column);
                }
            }
        } else {
            #pragma unroll
            for (int column = 0; column < 8; ++column) {
                #pragma unroll
                for (int r = 0; r < 4; ++r) {
                    pass.update(states[r], rows[r], columns[column], first + column, found[r][column]);
                }
            }
        }
    }

    __device__ __forceinline__ void take_some_in(State (&states)[4], const Pass &pass, const Real (&found)[4][8],
        const typename Pass::Column *columns, long long first, long long past) const
    {
        #pragma unroll
        for (int column = 0; column < 8; ++column) {
            if (first + column < past) {
                #pragma unroll
                for (int r = 0; r < 4; ++r) {
                    pass.update(states[r], rows[r], columns[column], first + column, found[r][column]);
                }
            }
        }
    }

    // The state of the lane's own row, after what `state` has of earlier columns.
    static __device__ __forceinline__ void merge_quads(State &state, State (&states)[4])
    {
        #pragma unroll
        for (int r = 0; r < 4; ++r) {
            #pragma unroll
            for (int distance = 1; distance < 4; distance *= 2) {
                const State other = state_of_lane(states[r], distance);
                const bool is_earlier = ((int)threadIdx.x & distance) == 0;
                State earlier = is_earlier ? states[r] : other;
                const State later = is_earlier ? other : states[r];
                Pass::merge(earlier, later);
                states[r] = earlier;
            }
            if ((int)threadIdx.x % 4 == r) {
                Pass::merge(state, states[r]);
            }
        }
    }

    // That of the lane whose number differs in one bit.
    static __device__ __forceinline__ State state_of_lane(const State &state, int bit)
    {
        union Words {
            State state;
            unsigned int words[sizeof(State) / 4];
            __device__ Words() {}
        } from, to;
        from.state = state;
        #pragma unroll
        for (int k = 0; k < (int)(sizeof(State) / 4); ++k) {
            to.words[k] = __shfl_xor_sync(0xffffffffu, from.words[k], bit);
        }
        return to.state;
    }
};
