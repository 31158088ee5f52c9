// Passes whose pairs meet through a sum over many coordinates: a contraction. Those of a tile of pairs are computed first, as in a matrix product,
// then the rest of each pair.

// Shared memory that every kernel may have; rows of a block; rows and columns of a warp's tile; from row to row of it in shared memory, with a gap so
// that eight rows begin in other banks each.
enum { MOST_SHARED_BYTES = 48 << 10, CONTRACTED_ROWS = 128, CONTRACTED_WARP_ROWS = 32, CONTRACTED_COLUMNS = 32, CONTRACTED_PITCH = 36 };

// How exact the numbers are that tensor cores multiply, at least.
enum { FLOAT32, TF32, BF16 };

template <typename Real>
struct __align__(2 * sizeof(Real)) Two {
    Real of[2];
};
template <typename Real>
struct __align__(4 * sizeof(Real)) Four {
    Real of[4];
};

// Columns of a chunk that begins at `begin`, those before `past`, counted from there.
struct Columns {
    long long begin;
    int first, past;

    __device__ __forceinline__ bool are_there() const { return first < past; }
    __device__ __forceinline__ int place(int column) const { return first + column; }
    __device__ __forceinline__ long long at(int column) const { return begin + place(column); }
    __device__ __forceinline__ bool has(int column) const { return place(column) < past; }
    __device__ __forceinline__ Columns later(int number) const { return {begin, first + number, past}; }
    // Whether a tile of the same chunk comes before this one.
    __device__ __forceinline__ bool goes_on() const { return first > 0; }
};

// Where row k of a warp's 32 is in its tile. Where four warps multiply together, each has 16 of every 64 rows.
static __device__ __forceinline__ int row_of_warp(int k)
{
    const int warp = (int)threadIdx.x / 32;
#if HAS_WARPGROUPS
    return k / 16 * 64 + warp * 16 + k % 16;
#else
    return warp * CONTRACTED_WARP_ROWS + k;
#endif
}
// The thread's own row.
static __device__ __forceinline__ int own_row() { return row_of_warp((int)threadIdx.x % 32); }

// Of 32 columns a lane has eight as tensor cores leave their sums: two of each eight. Where number c of them is, relative to the first.
static __device__ __forceinline__ constexpr int place_in_quad(int c) { return c / 2 * 8 + c % 2; }
// The first.
static __device__ __forceinline__ int first_of_quad() { return 2 * ((int)threadIdx.x % 4); }

// How a tile is contracted by all lanes of a warp, term by term.
template <typename Pass>
struct Terms {
    typedef typename Pass::Real Real;
    enum { CONTRACTS = 1, PARTS = 1, MAY_DOUBT = 0, HAS_HALVES = 0, READS_ROWS = 1, IS_LARGE = 0 };
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
                    const long long own = work.first_row + row_of_warp(k), row = own < work.past_rows ? own : work.past_rows - 1;
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
    __device__ __forceinline__ unsigned int finish(Real (&found)[4][8], Memory &memory, Real *values, int part, const Pass &pass,
        const Work &work, const Columns &columns, int first_row) const
    {
        contract_all(values, pass, work, columns);
        read_values(found, values);
        return 0;
    }

    static __device__ __forceinline__ void read_values(Real (&found)[4][8], const Real *values)
    {
        #pragma unroll
        for (int r = 0; r < 4; ++r) {
            const Real *row = values + (8 * r + (int)threadIdx.x % 32 / 4) * CONTRACTED_PITCH + first_of_quad();
            #pragma unroll
            for (int c = 0; c < 8; c += 2) {
                const Two<Real> two = *(const Two<Real> *)(row + place_in_quad(c));
                found[r][c] = two.of[0];
                found[r][c + 1] = two.of[1];
            }
        }
        __syncwarp();
    }
};

// Columns of the chunk that begins there; there are none beyond the last.
template <typename Pass>
static __device__ __forceinline__ int length_of_chunk(long long begin, const Launch &launch, const Work &work)
{
    const long long rest = work.end - begin, chunk = chunk_of<Pass>(launch);
    return (int)(chunk < rest ? chunk : rest);
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

// The first tile of the chunk that begins there, and the one after a tile of so many columns.
template <typename Pass>
static __device__ __forceinline__ Columns first_tile(long long begin, const Launch &launch, const Work &work)
{
    return {begin, 0, length_of_chunk<Pass>(begin, launch, work)};
}
template <typename Pass, int COLUMNS>
static __device__ __forceinline__ Columns following_tile(const Columns &tile, const Launch &launch, const Work &work)
{
    const Columns next = tile.later(COLUMNS);
    return next.are_there() ? next : first_tile<Pass>(tile.begin + tile.past, launch, work);
}

// Room for the contractions of each warp, if there have to be, which factors of sums replace, and for what these are multiplied with.
template <typename Pass, typename Method, typename Sums = NoSums<Pass>, bool HAS_VALUES = true>
struct ContractedMemory : Sums::Memory {
    enum { NUMBER = HAS_VALUES ? CONTRACTED_WARP_ROWS * CONTRACTED_PITCH : 1 };
    __align__(32) typename Pass::Real values[CONTRACTED_ROWS / CONTRACTED_WARP_ROWS][NUMBER];
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
    enum { COLUMNS = CONTRACTED_COLUMNS * Method::PARTS, ROWS = 1, TILE_ROWS = CONTRACTED_ROWS };
    enum { READS_ROWS = Method::READS_ROWS, IS_LARGE = Method::IS_LARGE };
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

    static __device__ __forceinline__ int row_of_thread(int r) { return own_row(); }

    __device__ __forceinline__ void reduce_chunk(typename Pass::State (&state)[1], Waiting &waiting,
        const typename Pass::Row (&row)[1], const Pass &pass, const Work &work, long long past)
    {
        const Launch &launch = pass.call.launch;
        Columns tile = first_tile<Pass>(work.begin, launch, work), next = following_tile<Pass, COLUMNS>(tile, launch, work);
        typename Sums::Doubts doubts;
        sums.begin();
        method.start(memory.method, pass, tile, next);
        #pragma unroll 1
        while (true) {
            reduce_tile(state, waiting, doubts, row, pass, work, tile, next);
            if (!next.goes_on()) {
                break;
            }
            tile = next;
            next = following_tile<Pass, COLUMNS>(tile, launch, work);
            method.start(memory.method, pass, tile, next);
        }
        sums.end(state[0], doubts, memory.values[threadIdx.x / 32], pass, work);
    }

    // Takes a tile in that has been started.
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

// Of a warp's rows a lane has four as tensor cores leave their sums. Where number r of them is in the tile.
static __device__ __forceinline__ int row_of_quad(int r) { return row_of_warp(8 * r + (int)threadIdx.x % 32 / 4); }

template <typename Pass>
static __device__ __forceinline__ void read_rows_of_quad(typename Pass::Row (&rows)[4], const Pass &pass, const Work &work)
{
    #pragma unroll
    for (int r = 0; r < 4; ++r) {
        const long long row = work.first_row + row_of_quad(r);
        pass.read_row(rows[r], row < work.past_rows ? row : work.past_rows - 1);
    }
}

// All lanes of a warp do something with each pair of which one has a bit: bit 8 r + c is that of row 8 r + lane / 4 and its column c. `act` gets that lane, the
// bit's number, and the row and the column of the warp's.
template <typename Act>
static __device__ __forceinline__ void for_each_pair(unsigned int bits, const Act &act)
{
    unsigned int lanes_left = __ballot_sync(0xffffffffu, bits != 0);
    #pragma unroll 1
    for (; lanes_left != 0; lanes_left &= lanes_left - 1) {
        const int other = __ffs((int)lanes_left) - 1;
        unsigned int left = __shfl_sync(0xffffffffu, bits, other);
        #pragma unroll 1
        for (; left != 0; left &= left - 1) {
            const int k = __ffs((int)left) - 1;
            act(other, k, 8 * (k / 8) + other / 4, 2 * (other % 4) + place_in_quad(k % 8));
        }
    }
}

// A state of the lane whose number differs in one bit.
template <typename State>
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

// Merges states of the four lanes of a quad, of which each gets that of all. Columns of one lane lie between those of others.
template <typename Pass, typename State>
static __device__ __forceinline__ void merge_quad(State &state)
{
    #pragma unroll
    for (int distance = 1; distance < 4; distance *= 2) {
        const State other = state_of_lane(state, distance);
        const bool is_first = ((int)threadIdx.x & distance) == 0;
        State one = is_first ? state : other;
        Pass::merge_mixed(one, is_first ? other : state);
        state = one;
    }
}

// The state of a row with columns of a tile that may have to be taken back; those of minima tell them by places, relative to the lane's first.
template <typename Pass, bool HAS_NEAR = Pass::HAS_NEAR>
struct Ahead {
    typedef typename Pass::State State;

    static __device__ __forceinline__ void begin(State &ahead, const State &state) { ahead = state; }
    static __device__ __forceinline__ long long number(const Columns &tile, int place) { return tile.at(first_of_quad() + place); }
    static __device__ __forceinline__ void end(State &state, const State &ahead, const Pass &, const Columns &) { state = ahead; }
};
template <typename Pass>
struct Ahead<Pass, true> {
    typedef typename Pass::Near State;

    static __device__ __forceinline__ void begin(State &ahead, const typename Pass::State &state) { Pass::begin_near(ahead, state); }
    static __device__ __forceinline__ int number(const Columns &, int place) { return place; }
    static __device__ __forceinline__ void end(typename Pass::State &state, const State &ahead, const Pass &pass, const Columns &tile)
    {
        pass.end_near(state, ahead, tile.at(first_of_quad()));
    }
};

// A tile of which a lane takes in the pairs that tensor cores leave with it: of four rows, a quarter of the columns. The states of the four lanes of a
// row are merged at the end of a chunk.
template <typename Pass, typename Method>
struct QuadTile {
    enum { COLUMNS = CONTRACTED_COLUMNS * Method::PARTS, ROWS = 1, TILE_ROWS = CONTRACTED_ROWS };
    enum { READS_ROWS = Method::READS_ROWS, IS_LARGE = Method::IS_LARGE };
    // Rows of a lane that are taken in one after the other: those of minima, whose states then leave registers for columns that are loaded early.
    enum { AT_A_TIME = Method::MAY_DOUBT && Pass::HAS_NEAR ? 2 : 4 };
    typedef typename Pass::Real Real;
    typedef typename Pass::State State;
    typedef ContractedMemory<Pass, Method, NoSums<Pass>, !Method::MAY_DOUBT> Memory;
    typedef NoQueue<Pass, 1> Queue;
    typedef typename Queue::Waiting Waiting;
    Memory &memory;
    Queue queue;
    Method method;
    typename Pass::Row rows[4];

    __device__ __forceinline__ QuadTile(const Pass &pass, Memory &memory, const Work &work)
        : memory(memory), method(pass, memory.method, work)
    {
        read_rows_of_quad(rows, pass, work);
    }

    // One of the rows of its quad.
    static __device__ __forceinline__ int row_of_thread(int r) { return row_of_quad((int)threadIdx.x % 4); }

    __device__ __forceinline__ void reduce_chunk(
        State (&state)[1], Waiting &, const typename Pass::Row (&)[1], const Pass &pass, const Work &work, long long past)
    {
        State states[4];
        #pragma unroll
        for (int r = 0; r < 4; ++r) {
            Pass::initialize(states[r]);
        }
        const Launch &launch = pass.call.launch;
        Columns tile = first_tile<Pass>(work.begin, launch, work), next = following_tile<Pass, COLUMNS>(tile, launch, work);
        if constexpr (Method::HAS_HALVES) {
            reduce_halves(states, pass, work, tile, next);
        } else {
            method.start(memory.method, pass, tile, next);
            #pragma unroll 1
            while (true) {
                method.wait(memory.method, pass, next);
                #pragma unroll
                for (int first_row = 0; first_row < 4; first_row += AT_A_TIME) {
                    take_rows_in<AT_A_TIME>(states, pass, work, tile, first_row);
                }
                if (!next.goes_on()) {
                    break;
                }
                tile = next;
                next = following_tile<Pass, COLUMNS>(tile, launch, work);
                method.start(memory.method, pass, tile, next);
            }
        }
        merge_quads(state[0], states);
    }

    // Half of the rows at a time, which takes fewer registers, so that a multiprocessor has more warps, some of which take pairs in while others wait for products.
    __device__ __forceinline__ void reduce_halves(State (&states)[4], const Pass &pass, const Work &work, Columns tile, Columns next)
    {
        method.start_halves(memory.method, pass, tile, next);
        #pragma unroll 1
        while (true) {
            method.template begin_half<0>(memory.method);
            method.begin_next(memory.method, next);
            method.end_half();
            take_rows_in<2>(states, pass, work, tile, 0);
            method.read_next(pass, next);
            method.template begin_half<1>(memory.method);
            method.end_next(memory.method, pass, tile, next);
            method.end_half();
            take_rows_in<2>(states, pass, work, tile, 2);
            method.go_on(next);
            if (!next.goes_on()) {
                break;
            }
            tile = next;
            next = following_tile<Pass, COLUMNS>(tile, pass.call.launch, work);
        }
    }
    template <int ROWS>
    __device__ __forceinline__ void take_rows_in(State (&states)[4], const Pass &pass, const Work &work, const Columns &tile, int first_row)
    {
        if (!take_whole_in<ROWS>(states, pass, tile, first_row)) {
            take_parts_in<ROWS>(states, pass, work, tile, first_row);
        }
    }

    // Takes rows of a tile in as if all contractions were exact enough, which is seen in the end: then all that has been done counts, else nothing. So a thread
    // need not wait for others between its pairs.
    template <int ROWS>
    __device__ __forceinline__ bool take_whole_in(State (&states)[4], const Pass &pass, const Columns &tile, int first_row) const
    {
        if constexpr (Method::MAY_DOUBT) {
            if (!tile.has(COLUMNS - 1)) {
                return false;
            }
            typedef Ahead<Pass> Next;
            typename Next::State ahead[ROWS];
            #pragma unroll
            for (int r = 0; r < ROWS; ++r) {
                Next::begin(ahead[r], states[first_row + r]);
            }
            // A few at a time, so that what follows on contractions goes on beside others.
            enum { STEP = Pass::BLOCK > 2 ? Pass::BLOCK : 2 };
            const typename Pass::Column *columns = method.columns(memory.method) + first_of_quad();
            bool are_sure[ROWS];
            Method::all_are_sure(are_sure);
            #pragma unroll
            for (int part = 0; part < Method::PARTS; ++part) {
                const int begin = part * CONTRACTED_COLUMNS;
                float least[ROWS];
                method.find_least(least, memory.method.slots, part, first_row);
                #pragma unroll
                for (int c = 0; c < 8; c += STEP) {
                    Real found[ROWS][STEP];
                    method.contract(found, are_sure, least, memory.method.slots, part, c, first_row);
                    take_in(ahead, pass, found, columns + begin + place_in_quad(c), Next::number(tile, begin + place_in_quad(c)), first_row);
                }
            }
            if (!Method::are_all_sure(are_sure)) {
                return false;
            }
            #pragma unroll
            for (int r = 0; r < ROWS; ++r) {
                Next::end(states[first_row + r], ahead[r], pass, tile);
            }
            return true;
        }
        return false;
    }

    // Takes rows of a tile in, part by part, of which each has contractions that are exact enough.
    template <int ROWS>
    __device__ __forceinline__ void take_parts_in(State (&states)[4], const Pass &pass, const Work &work, const Columns &tile, int first_row)
    {
        Real *values = memory.values[threadIdx.x / 32];
        const typename Pass::Column *columns = method.columns(memory.method) + first_of_quad();
        State ahead[ROWS];
        #pragma unroll
        for (int r = 0; r < ROWS; ++r) {
            ahead[r] = states[first_row + r];
        }
        #pragma unroll
        for (int part = 0; part < Method::PARTS; ++part) {
            const Columns some = tile.later(part * CONTRACTED_COLUMNS);
            Real found[ROWS][8];
            method.finish(found, memory.method, values, part, pass, work, some, first_row);
            const typename Pass::Column *own = columns + part * CONTRACTED_COLUMNS;
            if (some.has(CONTRACTED_COLUMNS - 1)) {
                take_in(ahead, pass, found, own, some.at(first_of_quad()), first_row);
            } else {
                take_some_in(ahead, pass, found, own, some.at(first_of_quad()), some.past - some.place(first_of_quad()), first_row);
            }
        }
        #pragma unroll
        for (int r = 0; r < ROWS; ++r) {
            states[first_row + r] = ahead[r];
        }
    }

    // Some of the lane's columns, the first of which has an even number, as many as are taken in together or several times that.
    template <int ROWS, int NUMBER, typename SomeState, typename Number>
    __device__ __forceinline__ void take_in(SomeState (&states)[ROWS], const Pass &pass, const Real (&found)[ROWS][NUMBER],
        const typename Pass::Column *columns, Number first, int first_row) const
    {
        if constexpr (Pass::BLOCK > 1) {
            enum { BLOCK = Pass::BLOCK };
            static_assert(NUMBER % (int)BLOCK == 0, "whole blocks are taken in");
            #pragma unroll
            for (int column = 0; column < NUMBER; column += BLOCK) {
                #pragma unroll
                for (int r = 0; r < ROWS; ++r) {
                    const int place = place_in_quad(column);
                    pass.update_block(states[r], rows[first_row + r], columns + place, first + place, found[r] + column);
                }
            }
        } else {
            #pragma unroll
            for (int column = 0; column < NUMBER; ++column) {
                #pragma unroll
                for (int r = 0; r < ROWS; ++r) {
                    const int place = place_in_quad(column);
                    pass.update(states[r], rows[first_row + r], columns[place], first + place, found[r][column]);
                }
            }
        }
    }

    template <int ROWS>
    __device__ __forceinline__ void take_some_in(State (&states)[ROWS], const Pass &pass, const Real (&found)[ROWS][8],
        const typename Pass::Column *columns, long long first, int count, int first_row) const
    {
        #pragma unroll
        for (int column = 0; column < 8; ++column) {
            const int place = place_in_quad(column);
            if (place < count) {
                #pragma unroll
                for (int r = 0; r < ROWS; ++r) {
                    pass.update(states[r], rows[first_row + r], columns[place], first + place, found[r][column]);
                }
            }
        }
    }

    // The state of the lane's own row, after what `state` has of earlier columns.
    static __device__ __forceinline__ void merge_quads(State &state, State (&states)[4])
    {
        #pragma unroll
        for (int r = 0; r < 4; ++r) {
            merge_quad<Pass>(states[r]);
            if ((int)threadIdx.x % 4 == r) {
                Pass::merge(state, states[r]);
            }
        }
    }
};
