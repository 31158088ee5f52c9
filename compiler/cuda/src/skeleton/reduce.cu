// Reductions over columns: rows by threads, columns in tiles of shared memory, states merged in an order that the number of columns decides.

// How the states of chunks become one.
enum { TREE, SEQUENCE, CARRIED };

// Columns whose state is made at a time and then merged with that of others; where no order shows, all that a block has, up to as many as an int counts.
template <typename Pass>
static __device__ __forceinline__ long long chunk_of(const Launch &launch) { return Pass::ORDER == CARRIED ? 1ll << 30 : launch.chunk; }

// The rows and the columns of a block.
struct Work {
    long long first_row, past_rows; // of the block's rows, the first and the one past the last
    long long begin, end;           // the first stretch of columns
    long long part, past_parts;     // column blocks that follow
    long long split;                // the number of its split in the launch
};

// The next stretch of columns: column blocks that touch are one. There are none left where it is empty.
static __device__ __forceinline__ void next_columns(const Launch &launch, const Element &element, Work &work)
{
    const Ranges &ranges = launch.ranges;
    work.begin = work.end = 0;
    #pragma unroll 1
    for (; work.part < work.past_parts; ++work.part) {
        const long long begin = table(ranges.parts, element, work.part, 0, launch.columns);
        const long long end = table(ranges.parts, element, work.part, 1, launch.columns);
        if (begin >= end) {
            continue;
        }
        if (work.begin == work.end) {
            work.begin = begin;
        } else if (begin != work.end) {
            return;
        }
        work.end = end;
    }
}

// Whether there are columns left; looks for the next stretch where one has come to its end.
static __device__ __forceinline__ bool has_columns(const Launch &launch, const Element &element, Work &work)
{
    if (work.begin >= work.end) {
        next_columns(launch, element, work);
    }
    return work.begin < work.end;
}

// The block of rows that a tile belongs to; `work` has the tile's rows.
static __device__ __forceinline__ long long block_of_tile(const Launch &launch, const Element &element, Work &work)
{
    const Ranges &ranges = launch.ranges;
    const long long *tiles = ranges.tiles + blockIdx.z * (ranges.count + 1);
    long long block = 0, past = ranges.count;
    while (past - block > 1) {
        const long long middle = block + (past - block) / 2;
        if (tiles[middle] <= blockIdx.x) {
            block = middle;
        } else {
            past = middle;
        }
    }
    const long long tile = blockIdx.x - tiles[block];
    work.first_row = table(ranges.blocks, element, block, 0, launch.rows) + tile * launch.tile_rows;
    work.past_rows = table(ranges.blocks, element, block, 1, launch.rows);
    return block;
}

// Whether the grid has more tiles than there are.
static __device__ __forceinline__ bool is_beyond_tiles(const Launch &launch)
{
    const Ranges &ranges = launch.ranges;
    return ranges.count > 0 && blockIdx.x >= ranges.tiles[(blockIdx.z + 1) * (ranges.count + 1) - 1];
}

// The row tile and the split of this block. Where rows are read again for each tile of columns, those of some row tiles come one after the other, so
// that blocks that run at a time have both rows and columns in common, and the cache has them all.
template <typename Tile>
static __device__ __forceinline__ uint2 tile_and_split()
{
    enum { TILES = 16 };
    uint2 place;
    if constexpr (Tile::READS_ROWS) {
        const unsigned long long number = (unsigned long long)blockIdx.y * gridDim.x + blockIdx.x;
        const unsigned int together = TILES * gridDim.y, first = (unsigned int)(number / together) * TILES;
        const unsigned int rest = (unsigned int)(number % together);
        const unsigned int tiles = gridDim.x - first < TILES ? gridDim.x - first : TILES;
        place.x = first + rest % tiles;
        place.y = rest / tiles;
    } else {
        place.x = blockIdx.x;
        place.y = blockIdx.y;
    }
    return place;
}

// What this block does. With ranges its first stretch of columns is empty: what goes through them asks for the next one first, so that this is written out
// in one place, which a compiler is through with earlier.
template <typename Tile>
static __device__ __forceinline__ Work work_of(const Launch &launch, const Element &element)
{
    Work work;
    work.part = work.past_parts = 0;
    if (launch.ranges.count == 0) {
        const uint2 place = tile_and_split<Tile>();
        work.split = place.y;
        work.first_row = (long long)place.x * Tile::TILE_ROWS;
        work.past_rows = launch.rows;
        work.begin = work.split * launch.split;
        work.end = work.begin + launch.split < launch.columns ? work.begin + launch.split : launch.columns;
        return work;
    }
    work.split = blockIdx.y;
    const Ranges &ranges = launch.ranges;
    const long long block = block_of_tile(launch, element, work);
    const long long first = block == 0 ? 0 : table(ranges.ends, element, block - 1, 0, ranges.num_parts);
    const long long past = table(ranges.ends, element, block, 0, ranges.num_parts);
    const long long parts = past > first ? past - first : 0;
    work.part = first + parts * blockIdx.y / launch.splits;
    work.past_parts = first + parts * (blockIdx.y + 1) / launch.splits;
    work.begin = work.end = 0;
    return work;
}

// States of ROWS rows, merged in a binary tree over their numbers, as when one counts: level n has 2^n of them where bit n of `count` is set.
// The last level takes in all that is beyond it, one after the other.
template <typename Pass, int ROWS, int LEVELS>
struct Counter {
    typename Pass::State levels[LEVELS][ROWS];
    unsigned long long count;

    __device__ __forceinline__ void merge(int level, typename Pass::State (&state)[ROWS])
    {
        #pragma unroll
        for (int r = 0; r < ROWS; ++r) {
            typename Pass::State earlier = levels[level][r];
            Pass::merge(earlier, state[r]);
            state[r] = earlier;
        }
    }

    __device__ __forceinline__ void push(typename Pass::State (&state)[ROWS])
    {
        int level = 0;
        #pragma unroll 1
        for (; level < LEVELS - 1 ? count >> level & 1 : level < LEVELS && count >> level; ++level) {
            merge(level, state);
        }
        level = level < LEVELS ? level : LEVELS - 1;
        #pragma unroll
        for (int r = 0; r < ROWS; ++r) {
            levels[level][r] = state[r];
        }
        ++count;
    }

    __device__ __forceinline__ void total(typename Pass::State (&state)[ROWS])
    {
        bool found = false;
        #pragma unroll 1
        for (int level = 0; level < LEVELS && count >> level; ++level) {
            if (!(level == LEVELS - 1 || (count >> level & 1))) {
                continue;
            }
            if (found) {
                merge(level, state);
                continue;
            }
            found = true;
            #pragma unroll
            for (int r = 0; r < ROWS; ++r) {
                state[r] = levels[level][r];
            }
        }
        if (!found) {
            #pragma unroll
            for (int r = 0; r < ROWS; ++r) {
                Pass::initialize(state[r]);
            }
        }
    }
};

// Where columns are taken in at once.
template <typename Pass, int ROWS>
struct NoQueue {
    enum { BLOCK = 0 };
    struct Waiting {};

    static __device__ __forceinline__ void begin(const typename Pass::State (&state)[ROWS]) {}
    static __device__ __forceinline__ void end(typename Pass::State (&state)[ROWS], const Waiting &waiting) {}
};

// The columns of a tile, which every thread of a block reads for several rows.
template <typename Pass, int ROWS_OF_THREAD, int THREADS_OF_BLOCK, typename ThreadQueue = NoQueue<Pass, ROWS_OF_THREAD>>
struct PlainTile {
    enum { COLUMNS = Pass::TILE, ROWS = ROWS_OF_THREAD, THREADS = THREADS_OF_BLOCK, TILE_ROWS = ROWS * THREADS, READS_ROWS = 0, IS_LARGE = 0 };
    struct Memory {
        typename Pass::Column columns[COLUMNS];
    };
    typedef ThreadQueue Queue;
    typedef typename Queue::Waiting Waiting;
    Memory &memory;
    Queue queue;

    __device__ __forceinline__ PlainTile(const Pass &pass, Memory &memory, const Work &work) : memory(memory) {}

    // The thread's row number r in the block.
    static __device__ __forceinline__ int row_of_thread(int r) { return r * THREADS + (int)threadIdx.x; }

    // Takes columns work.begin … past in, tile by tile.
    __device__ __forceinline__ void reduce_chunk(typename Pass::State (&state)[ROWS], Waiting &waiting,
        const typename Pass::Row (&row)[ROWS], const Pass &pass, const Work &work, long long past)
    {
        for (long long first = work.begin; first < past; first += COLUMNS) {
            const int count = past - first < COLUMNS ? (int)(past - first) : COLUMNS;
            __syncthreads();
            #pragma unroll 1
            for (int column = (int)threadIdx.x; column < count; column += THREADS) {
                pass.read_column(memory.columns[column], first + column);
            }
            __syncthreads();
            if constexpr (Queue::BLOCK > 0) {
                offer(state, waiting, row, pass, first, count);
            } else {
                take_in(state, row, pass, first, count);
            }
        }
    }

    __device__ __forceinline__ void take_in(typename Pass::State (&state)[ROWS], const typename Pass::Row (&row)[ROWS],
        const Pass &pass, long long first, int count) const
    {
        int column = 0;
        if constexpr (Pass::BLOCK > 1) {
            for (; column + Pass::BLOCK <= count; column += Pass::BLOCK) {
                #pragma unroll
                for (int r = 0; r < ROWS; ++r) {
                    pass.update_block(state[r], row[r], memory.columns + column, first + column);
                }
            }
        }
        #pragma unroll (ROWS == 1 ? 8 : ROWS < Pass::UNROLL ? Pass::UNROLL / ROWS : 1)
        for (; column < count; ++column) {
            #pragma unroll
            for (int r = 0; r < ROWS; ++r) {
                pass.update(state[r], row[r], memory.columns[column], first + column);
            }
        }
    }

    __device__ __forceinline__ void offer(typename Pass::State (&state)[ROWS], Waiting &waiting,
        const typename Pass::Row (&row)[ROWS], const Pass &pass, long long first, int count)
    {
        static_assert(COLUMNS % Queue::BLOCK == 0, "there is room for columns that are not there");
        #pragma unroll 1
        for (int column = 0; column < count; column += Queue::BLOCK) {
            queue.offer(state, waiting, pass, row, memory.columns + column, first + column, count - column);
        }
    }
};

#if HAS_WARPGROUPS && defined(__CUDACC__)
// What a launch has set aside.
extern __shared__ __align__(128) char large_memory[];
#endif

// A tile's shared memory. What every kernel may have is set aside beforehand; more is by a launch.
template <typename Pass, typename Tile>
static __device__ __forceinline__ typename Tile::Memory *memory_of()
{
#if HAS_WARPGROUPS
    if constexpr (Tile::IS_LARGE) {
        static_assert(sizeof(typename Tile::Memory) <= Pass::LARGE_BYTES, "a launch sets as much aside");
        return (typename Tile::Memory *)large_memory;
    } else
#endif
    {
        __shared__ typename Tile::Memory memory;
        return &memory;
    }
}

// Reduces the columns of a split for the rows of a block.
template <typename Pass, typename Tile>
static __device__ __forceinline__ void reduce(const typename Pass::Call &call)
{
    enum { ROWS = Tile::ROWS };
    auto &memory = *memory_of<Pass, Tile>();
    __shared__ typename Pass::Shared shared;
    const Launch &launch = call.launch;
    const Element element = element_of(launch);
    if (is_beyond_tiles(launch)) {
        return;
    }
    Work work = work_of<Tile>(launch, element);
    const Pass pass(call, element, shared);
    Tile tile(pass, memory, work);
    typename Pass::Row row[ROWS];
    #pragma unroll
    for (int r = 0; r < ROWS; ++r) {
        const long long index = work.first_row + Tile::row_of_thread(r);
        pass.read_row(row[r], index < work.past_rows ? index : work.past_rows - 1);
    }
    typename Pass::State state[ROWS], total[ROWS];
    typename Tile::Waiting waiting;
    Counter<Pass, ROWS, Pass::LEVELS> counter;
    counter.count = 0;
    #pragma unroll
    for (int r = 0; r < ROWS; ++r) {
        Pass::initialize(state[r]);
        if (Pass::ORDER == SEQUENCE) {
            Pass::initialize(total[r]);
        }
    }
    tile.queue.begin(state);
    const long long chunk = chunk_of<Pass>(launch);
    #pragma unroll 1
    while (has_columns(launch, element, work)) {
        const long long past_chunk = work.begin + chunk < work.end ? work.begin + chunk : work.end;
        tile.reduce_chunk(state, waiting, row, pass, work, past_chunk);
        if (Pass::ORDER == TREE) {
            counter.push(state);
        }
        #pragma unroll
        for (int r = 0; r < ROWS; ++r) {
            if (Pass::ORDER == SEQUENCE) {
                Pass::merge(total[r], state[r]);
            }
            if (Pass::ORDER != CARRIED) {
                Pass::initialize(state[r]);
            }
        }
        work.begin = past_chunk;
    }
    if (Pass::ORDER == TREE) {
        counter.total(state);
    }
    tile.queue.end(state, waiting);
    typename Pass::State *states = (typename Pass::State *)launch.states;
    states += (blockIdx.z * launch.splits + launch.first_split + work.split) * launch.rows;
    #pragma unroll
    for (int r = 0; r < ROWS; ++r) {
        const long long index = work.first_row + Tile::row_of_thread(r);
        if (index >= work.past_rows) {
            continue;
        }
        const typename Pass::State &result = Pass::ORDER == SEQUENCE ? total[r] : state[r];
        if (launch.splits > 1) {
            states[index] = result;
        } else {
            pass.write(index, result);
        }
    }
}

// The states of the splits begin … end of a row, joined in a binary tree over their numbers; one after the other where no order shows.
template <typename Pass>
static __device__ __forceinline__ void join(
    typename Pass::State (&state)[1], const typename Pass::State *states, long long rows, long long begin, long long end)
{
    if (Pass::ORDER == CARRIED) {
        Pass::initialize(state[0]);
        #pragma unroll 1
        for (long long split = begin; split < end; ++split) {
            Pass::merge(state[0], states[split * rows]);
        }
        return;
    }
    Counter<Pass, 1, 16> counter;
    counter.count = 0;
    #pragma unroll 1
    for (long long split = begin; split < end; ++split) {
        state[0] = states[split * rows];
        counter.push(state);
    }
    counter.total(state);
}

// Joins the states of splits in a binary tree over their numbers, a team of threads a row, and writes results; those of no columns if there
// are no splits. With ranges, those of the rows of a tile, a thread a row.
template <typename Pass>
static __device__ __forceinline__ void finish(const typename Pass::Call &call)
{
    __shared__ typename Pass::Shared shared;
    const Launch &launch = call.launch;
    const Element element = element_of(launch);
    if (is_beyond_tiles(launch)) {
        return;
    }
    const Pass pass(call, element, shared);
    typename Pass::State state[1];
    typename Pass::State *states = (typename Pass::State *)launch.states + blockIdx.z * launch.splits * launch.rows;
    if (launch.ranges.count > 0) {
        Work work;
        block_of_tile(launch, element, work);
        const long long past_tile = work.first_row + launch.tile_rows;
        const long long past = past_tile < work.past_rows ? past_tile : work.past_rows;
        #pragma unroll 1
        for (long long index = work.first_row + threadIdx.x; index < past; index += blockDim.x) {
            join<Pass>(state, states + index, launch.rows, 0, launch.splits);
            pass.write(index, state[0]);
        }
        return;
    }
    const unsigned int team_rows = blockDim.x / launch.team;
    const long long index = (long long)blockIdx.x * team_rows + threadIdx.x % team_rows;
    const bool is_row = index < launch.rows;
    const unsigned int member = threadIdx.x / team_rows;
    states += is_row ? index : launch.rows - 1;
    long long share = 1;
    while (share * launch.team < launch.splits) {
        share *= 2;
    }
    const long long begin = member * share;
    const long long end = begin + share < launch.splits ? begin + share : launch.splits;
    join<Pass>(state, states, launch.rows, begin, end);
    #pragma unroll 1
    for (unsigned int step = 1; step < launch.team; step *= 2) {
        __syncthreads();
        if (is_row && member % (2 * step) == step && begin < end) {
            states[begin * launch.rows] = state[0];
        }
        __syncthreads();
        if (is_row && member % (2 * step) == 0 && (member + step) * share < launch.splits) {
            Pass::merge(state[0], states[(member + step) * share * launch.rows]);
        }
    }
    if (is_row && member == 0) {
        pass.write(index, state[0]);
    }
}
