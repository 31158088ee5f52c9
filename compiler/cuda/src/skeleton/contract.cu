// Passes whose pairs meet through a sum over many coordinates: a contraction. Those of a tile of pairs are computed first, as in a matrix product,
// then the rest of each pair.

// Shared memory that every kernel may have; rows of a block; rows and columns of a warp's tile; from row to row of it in shared memory, with a gap so
// that eight rows begin in other banks each.
enum { MOST_SHARED_BYTES = 48 << 10, CONTRACTED_ROWS = 128, CONTRACTED_WARP_ROWS = 32, CONTRACTED_COLUMNS = 32, CONTRACTED_PITCH = 36 };

// How exact the numbers are that tensor cores multiply, at least.
enum { FLOAT32, TF32, BF16 };

template <typename Real>
struct __align__(4 * sizeof(Real)) Four {
    Real of[4];
};

// 32 columns of a chunk that begins at `begin`: four times eight that lie one after the other, those before `past`. Counted from there.
struct Columns {
    long long begin;
    int first, stride, past;

    __device__ __forceinline__ bool are_there() const { return first < past; }
    __device__ __forceinline__ int place(int column) const { return first + column / 8 * stride + column % 8; }
    __device__ __forceinline__ long long at(int column) const { return begin + place(column); }
    __device__ __forceinline__ bool has(int column) const { return place(column) < past; }
    __device__ __forceinline__ Columns later(int number) const { return {begin, first + number, stride, past}; }
    // Whether a tile of the same chunk comes before this one.
    __device__ __forceinline__ bool goes_on() const { return first > 0; }
};

// How a tile is contracted by all lanes of a warp, term by term.
template <typename Pass>
struct Terms {
    typedef typename Pass::Real Real;
    // The first of the warp's rows.
    static __device__ __forceinline__ int first_row() { return (int)threadIdx.x / 32 * CONTRACTED_WARP_ROWS; }
    // A tile is started when all else has been done with the one before.
    enum { CONTRACTS = 1, PARTS = 1, OVERLAPS = 0, READS_ROWS = 1 };
    // Coordinates that are copied at a time to where results will be, and the distance of two of them there: rows come first, columns behind them.
    enum { STEP = 16, PITCH = 36 };
    static_assert(2 * STEP * PITCH <= CONTRACTED_WARP_ROWS * CONTRACTED_PITCH, "there is room");
    struct Memory {
        __align__(16) typename Pass::Column columns[CONTRACTED_COLUMNS];
    };

    __device__ __forceinline__ Terms(const Pass &pass, Memory &memory, const Work &work) {}

    // Contractions, by 8 rows and 4 columns a lane.
    static __device__ __forceinline__ void contract_all(Real *values, const Pass &pass, const Work &work, const Columns &columns)
    {
        enum { LANE_ROWS = CONTRACTED_WARP_ROWS / 4 };
        const int lane = (int)threadIdx.x % 32;
        const long long first_row = work.first_row + Terms::first_row();
        Real sums[LANE_ROWS][4];
        #pragma unroll
        for (int r = 0; r < LANE_ROWS; ++r) {
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
                    column_terms[q * PITCH + k] = pass.column_term(columns.at(columns.has(k) ? k : 0), first + q);
                }
            }
            __syncwarp();
            #pragma unroll 4
            for (int q = 0; q < past; ++q) {
                Four<Real> x[2];
                #pragma unroll
                for (int k = 0; k < 2; ++k) {
                    x[k] = ((const Four<Real> *)(row_terms + q * PITCH + lane % 4 * LANE_ROWS))[k];
                }
                const Four<Real> y = *(const Four<Real> *)(column_terms + q * PITCH + lane / 4 * 4);
                #pragma unroll
                for (int r = 0; r < LANE_ROWS; ++r) {
                    #pragma unroll
                    for (int c = 0; c < 4; ++c) {
                        pass.add_term(sums[r][c], x[r / 4].of[r % 4], y.of[c], first + q);
                    }
                }
            }
        }
        __syncwarp();
        #pragma unroll
        for (int r = 0; r < LANE_ROWS; ++r) {
            Four<Real> four;
            #pragma unroll
            for (int c = 0; c < 4; ++c) {
                four.of[c] = sums[r][c];
            }
            *(Four<Real> *)(values + (lane % 4 * LANE_ROWS + r) * CONTRACTED_PITCH + lane / 4 * 4) = four;
        }
        __syncwarp();
    }

    // Reads the columns of a tile.
    __device__ __forceinline__ void start(Memory &memory, const Pass &pass, const Columns &tile, const Columns &next)
    {
        __syncthreads();
        if (threadIdx.x < CONTRACTED_COLUMNS && tile.has((int)threadIdx.x)) {
            pass.read_column(memory.columns[threadIdx.x], tile.at((int)threadIdx.x));
        }
        __syncthreads();
    }
    __device__ __forceinline__ void wait(Memory &memory, const Pass &pass, const Columns &next) {}
    static __device__ __forceinline__ const typename Pass::Column *columns(const Memory &memory) { return memory.columns; }

    // Writes the contractions of the warp's rows with columns of the tile. Bit c of what it returns: whether that of the lane's row and column c has to be
    // computed in a way of its own.
    __device__ __forceinline__ unsigned int finish(
        Memory &memory, Real *values, int part, const Pass &pass, const Work &work, const Columns &columns) const
    {
        contract_all(values, pass, work, columns);
        return 0;
    }
    // The same, and reads those of the rows 8 r + lane / 4 with the lane's eight columns.
    __device__ __forceinline__ void finish(Real (&found)[4][8], Memory &memory, Real *values, int part, const Pass &pass,
        const Work &work, const Columns &columns) const
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

// Columns of the chunk that begins there; there are none beyond the last.
static __device__ __forceinline__ int length_of_chunk(long long begin, const Launch &launch, const Work &work)
{
    const long long rest = work.end - begin;
    return (int)(launch.chunk < rest ? launch.chunk : rest);
}

// Where no sums are a matrix product.
template <typename Pass>
struct NoSums {
    typedef typename Pass::Real Real;
    enum { WIDTH = 0 };
    struct Memory {};
    struct Doubts {};

    static __device__ __forceinline__ void begin() {}
    static __device__ __forceinline__ void fetch(const Pass &pass, const Columns &part) {}
    static __device__ __forceinline__ void see(Real factor) {}
    static __device__ __forceinline__ void add(Doubts &doubts, Memory &memory, Real *factors, unsigned int unsure, const Pass &pass,
        const Work &work, const Columns &part)
    {
    }
    static __device__ __forceinline__ void end(
        typename Pass::State &state, const Doubts &doubts, Real *values, const Pass &pass, const Work &work)
    {
    }
};

// What both kinds of tiles share: room for the contractions of each warp, which factors of sums replace, and for what these are multiplied with.
template <typename Pass, typename Method, typename Sums = NoSums<Pass>>
struct ContractedMemory : Sums::Memory {
    __align__(32) typename Pass::Real values[CONTRACTED_ROWS / CONTRACTED_WARP_ROWS][CONTRACTED_WARP_ROWS * CONTRACTED_PITCH];
    typename Method::Memory method;
};

template <typename Real, int NUMBER>
static __device__ __forceinline__ void read_some(Real (&some)[NUMBER], const Real *values)
{
    #pragma unroll
    for (int k = 0; k < NUMBER; k += 4) {
        const Four<Real> four = *(const Four<Real> *)(values + k);
        #pragma unroll
        for (int c = 0; c < 4; ++c) {
            some[k + c] = four.of[c];
        }
    }
}

// Up to 32 columns for the thread's row, whose contractions are in `values`.
template <typename Pass, typename Queue, typename Waiting, typename Real>
static __device__ __forceinline__ void offer_columns(Queue &queue, typename Pass::State (&state)[1], Waiting &waiting,
    const typename Pass::Row (&row)[1], const Pass &pass, const Real *values, const typename Pass::Column *columns, long long first,
    int count)
{
    values += threadIdx.x % 32 * CONTRACTED_PITCH;
    #pragma unroll 1
    for (int column = 0; column < CONTRACTED_COLUMNS; column += Queue::BLOCK) {
        Real some[Queue::BLOCK];
        read_some(some, values + column);
        queue.offer(state, waiting, pass, row, columns + column, first + column, count - column, some);
    }
    __syncwarp();
}

// A tile whose pairs are taken in by a thread for each row; how they are contracted is the business of `Method`, how wide sums are added up that of
// `Sums`.
template <typename Pass, typename Method, typename Sums = NoSums<Pass>, typename RowQueue = NoQueue<Pass, 1>>
struct RowTile {
    enum { COLUMNS = CONTRACTED_COLUMNS * Method::PARTS, ROWS = 1, TILE_ROWS = CONTRACTED_ROWS, READS_ROWS = Method::READS_ROWS };
    typedef typename Pass::Real Real;
    typedef ContractedMemory<Pass, Method, Sums> Memory;
    Memory &memory;
    Method method;
    Sums sums;
    typedef RowQueue Queue;
    typedef typename Queue::Waiting Waiting;
    Queue queue;

    __device__ __forceinline__ RowTile(const Pass &pass, Memory &memory, const Work &work)
        : memory(memory), method(pass, memory.method, work)
    {
    }

    static __device__ __forceinline__ int row_of_thread(int r) { return (int)threadIdx.x; }

    static __device__ __forceinline__ Columns first_of(long long begin, const Pass &pass, const Work &work)
    {
        return {begin, 0, 8, length_of_chunk(begin, pass.call.launch, work)};
    }
    static __device__ __forceinline__ Columns following(const Columns &tile, const Pass &pass, const Work &work)
    {
        const Columns next = tile.later(COLUMNS);
        return next.are_there() ? next : first_of(tile.begin + tile.past, pass, work);
    }

    __device__ __forceinline__ void reduce_chunk(typename Pass::State (&state)[1], Waiting &waiting,
        const typename Pass::Row (&row)[1], const Pass &pass, const Work &work, long long past)
    {
        Columns tile = first_of(work.begin, pass, work), next = following(tile, pass, work);
        typename Sums::Doubts doubts;
        sums.begin();
        method.start(memory.method, pass, tile, next);
        #pragma unroll 1
        while (next.goes_on()) {
            reduce_tile<true>(state, waiting, doubts, row, pass, work, tile, next);
            tile = next;
            next = following(tile, pass, work);
        }
        reduce_tile<false>(state, waiting, doubts, row, pass, work, tile, next);
        sums.end(state[0], doubts, memory.values[threadIdx.x / 32], pass, work);
    }

    // Takes a tile in that has been started, and starts the next one if it is of the same chunk.
    template <bool GOES_ON>
    __device__ __forceinline__ void reduce_tile(typename Pass::State (&state)[1], Waiting &waiting,
        typename Sums::Doubts &doubts, const typename Pass::Row (&row)[1], const Pass &pass, const Work &work,
        const Columns &tile, const Columns &next)
    {
        Real *values = memory.values[threadIdx.x / 32];
        method.wait(memory.method, pass, next);
        const typename Pass::Column *columns = method.columns(memory.method);
        // What is in registers is told by numbers that are known.
        #pragma unroll
        for (int part = 0; part < Method::PARTS; ++part) {
            const Columns some = tile.later(part * CONTRACTED_COLUMNS);
            const int rest = some.past - some.first;
            if (Method::PARTS == 1 || rest > 0) {
                sums.fetch(pass, some);
                const unsigned int unsure = method.finish(memory.method, values, part, pass, work, some);
                const int count = rest < CONTRACTED_COLUMNS ? rest : CONTRACTED_COLUMNS;
                const typename Pass::Column *own = columns + part * CONTRACTED_COLUMNS;
                if constexpr (Queue::BLOCK > 0) {
                    offer_columns(queue, state, waiting, row, pass, values, own, some.at(0), count);
                } else {
                    take_in(state[0], row[0], pass, values, own, some.at(0), count);
                }
                sums.add(doubts, memory, values, unsure, pass, work, some);
            }
        }
        // What a thread does meanwhile may depend on its row, which multiplications of several warps do not stand.
        if (GOES_ON) {
            method.start(memory.method, pass, next, following(next, pass, work));
        }
    }

    // Takes up to 32 columns in. Where there are wide sums, the pairs' factors are in `values` afterwards, those of other columns being 0.
    __device__ __forceinline__ void take_in(typename Pass::State &state, const typename Pass::Row &row, const Pass &pass,
        Real *values, const typename Pass::Column *columns, long long first, int count)
    {
        // What is stored keeps what follows from being loaded early.
        enum { STEP = Sums::WIDTH > 0 ? 8 : Pass::BLOCK > 4 ? Pass::BLOCK : 4 };
        enum { UNROLL = Pass::UNROLL < 32 ? Pass::UNROLL / STEP : 32 / STEP };
        values += threadIdx.x % 32 * CONTRACTED_PITCH;
        int column = 0;
        #pragma unroll (UNROLL > 1 ? UNROLL : 1)
        for (; column + STEP <= count; column += STEP) {
            Real some[STEP];
            if (Method::CONTRACTS) {
                read_some(some, values + column);
            }
            if constexpr (Pass::BLOCK > 1) {
                #pragma unroll
                for (int k = 0; k < STEP; k += Pass::BLOCK) {
                    pass.update_block(state, row, columns + column + k, first + column + k, some + k);
                }
            } else {
                #pragma unroll
                for (int k = 0; k < STEP; ++k) {
                    pass.update(state, row, columns[column + k], first + column + k, some[k]);
                }
            }
            if (Sums::WIDTH > 0) {
                #pragma unroll
                for (int k = 0; k < STEP; k += 4) {
                    Four<Real> four;
                    #pragma unroll
                    for (int c = 0; c < 4; ++c) {
                        four.of[c] = some[k + c];
                        sums.see(some[k + c]);
                    }
                    *(Four<Real> *)(values + column + k) = four;
                }
            }
        }
        #pragma unroll 1
        for (; column < count; ++column) {
            pass.update(state, row, columns[column], first + column, values[column]);
            sums.see(values[column]);
        }
        if (Sums::WIDTH > 0) {
            #pragma unroll 1
            for (; column < CONTRACTED_COLUMNS; ++column) {
                values[column] = 0;
            }
        }
        __syncwarp();
    }
};

// A tile of which a lane takes in the pairs that tensor cores leave with it: of four rows, a quarter of a chunk's columns. The states of the four
// lanes of a row are merged at the end of a chunk.
template <typename Pass, typename Method>
struct QuadTile {
    enum { ROWS = 1, TILE_ROWS = CONTRACTED_ROWS, READS_ROWS = Method::READS_ROWS, SHARE = 8 * Method::PARTS };
    typedef typename Pass::Real Real;
    typedef typename Pass::State State;
    typedef ContractedMemory<Pass, Method> Memory;
    typedef NoQueue<Pass, 1> Queue;
    typedef typename Queue::Waiting Waiting;
    Memory &memory;
    Queue queue;
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
        return (int)threadIdx.x / 32 * CONTRACTED_WARP_ROWS + 8 * r + (int)threadIdx.x % 32 / 4;
    }
    // One of the rows of its quad.
    static __device__ __forceinline__ int row_of_thread(int r) { return row_of_quad((int)threadIdx.x % 4); }

    // The first columns of each of four lanes.
    static __device__ __forceinline__ Columns first_of(long long begin, const Pass &pass, const Work &work)
    {
        const int length = length_of_chunk(begin, pass.call.launch, work);
        return {begin, 0, (length + 4 * SHARE - 1) / (4 * SHARE) * SHARE, length};
    }
    static __device__ __forceinline__ Columns following(const Columns &tile, const Pass &pass, const Work &work)
    {
        return tile.first + SHARE < tile.stride ? tile.later(SHARE) : first_of(tile.begin + tile.past, pass, work);
    }

    __device__ __forceinline__ void reduce_chunk(
        State (&state)[1], Waiting &, const typename Pass::Row (&)[1], const Pass &pass, const Work &work, long long past)
    {
        State states[4];
        #pragma unroll
        for (int r = 0; r < 4; ++r) {
            Pass::initialize(states[r]);
        }
        Columns tile = first_of(work.begin, pass, work), next = following(tile, pass, work);
        method.start(memory.method, pass, tile, next);
        #pragma unroll 1
        while (next.goes_on()) {
            reduce_tile<true>(states, pass, work, tile, next);
            tile = next;
            next = following(tile, pass, work);
        }
        reduce_tile<false>(states, pass, work, tile, next);
        merge_quads(state[0], states);
    }

    // Takes a tile in that has been started, and starts the next one if it is of the same chunk.
    template <bool GOES_ON>
    __device__ __forceinline__ void reduce_tile(
        State (&states)[4], const Pass &pass, const Work &work, const Columns &tile, const Columns &next)
    {
        static_assert(Method::PARTS == 1 || !Method::OVERLAPS, "all parts are finished before the next tile is started");
        Real *values = memory.values[threadIdx.x / 32];
        method.wait(memory.method, pass, next);
        const int own = 8 * ((int)threadIdx.x % 4);
        const typename Pass::Column *columns = method.columns(memory.method) + own;
        #pragma unroll
        for (int part = 0; part < Method::PARTS; ++part) {
            const Columns some = tile.later(8 * part);
            Real found[4][8];
            method.finish(found, memory.method, values, part, pass, work, some);
            if (GOES_ON && Method::OVERLAPS) {
                method.start(memory.method, pass, next, following(next, pass, work));
            }
            const int rest = some.past - some.place(own);
            if (__all_sync(0xffffffffu, rest >= 8)) {
                take_in(states, pass, found, columns + part * CONTRACTED_COLUMNS, some.at(own));
            } else {
                take_some_in(states, pass, found, columns + part * CONTRACTED_COLUMNS, some.at(own), rest);
            }
        }
        if (GOES_ON && !Method::OVERLAPS) {
            method.start(memory.method, pass, next, following(next, pass, work));
        }
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
        const typename Pass::Column *columns, long long first, int count) const
    {
        #pragma unroll
        for (int column = 0; column < 8; ++column) {
            if (column < count) {
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
