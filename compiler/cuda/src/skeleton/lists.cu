// Passes whose state is one list of PLACES columns: lists of many places are made by a warp for each row, and those of splits are merged by a block for
// each row.
//
// In a thread's own memory what waits of a row would be read from the memory of the GPU whenever it is cut down or sorted. Here it lies in shared memory,
// and each lane has a part of the columns. It has the order of the columns all the time, of which the first of equals is the better one.

// What waits of a row and, when all columns have been seen, its list.
template <typename Pass>
union ListMemory {
    // Columns that each lane looks at together; how many wait after they have been cut down at most, and before that.
    enum { AHEAD = 4, MOST = Pass::PLACES + Pass::PLACES / 4, LENGTH = 2 * Pass::PLACES + 32 * AHEAD };
    static_assert(LENGTH <= 65536, "numbers have 16 bits");
    typename Pass::Candidate waiting[LENGTH];
    struct {
        typename Pass::Candidate candidates[MOST];
        typename Pass::State list;
        unsigned short order[MOST]; // the numbers of candidates, the best first
    } sorted;
};

static __device__ __forceinline__ int lane_of_thread() { return (int)threadIdx.x % 32; }

static __device__ __forceinline__ int sum_of_warp(int number)
{
    #pragma unroll
    for (int distance = 16; distance > 0; distance /= 2) {
        number += __shfl_xor_sync(0xffffffffu, number, distance);
    }
    return number;
}

static __device__ __forceinline__ unsigned int most_of_warp(unsigned int number)
{
    #pragma unroll
    for (int distance = 16; distance > 0; distance /= 2) {
        const unsigned int other = __shfl_xor_sync(0xffffffffu, number, distance);
        number = other > number ? other : number;
    }
    return number;
}

// The number of a candidate that about `wanted` of `count` precede: of one in each 32nd of them, it is the one with that place.
template <typename Pass>
static __device__ __forceinline__ int about(const typename Pass::Candidate *waiting, int count, int wanted)
{
    const int lane = lane_of_thread();
    const typename Pass::Candidate own = waiting[(2 * lane + 1) * count / 64];
    int place = 0;
    #pragma unroll 4
    for (int other = 0; other < 32; ++other) {
        const typename Pass::Candidate candidate = waiting[(2 * other + 1) * count / 64];
        place += other < lane ? !Pass::precedes(own, candidate) : Pass::precedes(candidate, own);
    }
    const int found = __ffs((int)__ballot_sync(0xffffffffu, place == wanted * 32 / count)) - 1;
    return (2 * found + 1) * count / 64;
}

// Cuts more than MOST candidates down to the PLACES best and perhaps a few more, the first of equals first. Some candidate is found, up to which there
// are so many, by halving the rest at one that is chosen by its number's digits.
template <typename Pass>
static __device__ __noinline__ Kept<Pass> keep_best_of_warp(typename Pass::Candidate *waiting, int count)
{
    typedef typename Pass::Candidate Candidate;
    enum { PLACES = Pass::PLACES, MOST = ListMemory<Pass>::MOST };
    const int lane = lane_of_thread();
    const unsigned int earlier_lanes = (1u << lane) - 1;
    Candidate pivot = waiting[about<Pass>(waiting, count, (PLACES + MOST) / 2)], lowest = pivot, highest = pivot;
    bool has_lowest = false, has_highest = false;
    int equals = 0; // those that are kept of the worst ones
    #pragma unroll 1
    while (true) {
        unsigned int below = 0, above = 0; // digits and number
        int less = 0, more = 0;
        #pragma unroll 4
        for (int n = lane; n < count; n += 32) {
            const Candidate candidate = waiting[n];
            const bool is_less = Pass::precedes(candidate, pivot), is_more = Pass::precedes(pivot, candidate);
            const unsigned int number = (unsigned int)(n + 1) * 40503u << 16 | (unsigned int)n;
            less += is_less;
            more += is_more;
            if (is_less && number > below && (!has_lowest || Pass::precedes(lowest, candidate))) {
                below = number;
            }
            if (is_more && number > above && (!has_highest || Pass::precedes(candidate, highest))) {
                above = number;
            }
        }
        less = sum_of_warp(less);
        const int up_to = count - sum_of_warp(more);
        if (up_to < PLACES) {
            lowest = pivot;
            has_lowest = true;
            pivot = waiting[most_of_warp(above) & 0xffffu];
            continue;
        }
        highest = pivot;
        has_highest = true;
        if (less < PLACES || up_to <= MOST) {
            equals = less < PLACES ? PLACES - less : count;
            break;
        }
        pivot = waiting[most_of_warp(below) & 0xffffu];
    }
    int place = 0;
    #pragma unroll 1
    for (int first = 0; first < count; first += 32) {
        const bool is_there = first + lane < count;
        const Candidate candidate = waiting[is_there ? first + lane : 0];
        const bool is_better = is_there && Pass::precedes(candidate, highest);
        const bool is_equal = is_there && !is_better && !Pass::precedes(highest, candidate);
        const unsigned int all_equal = __ballot_sync(0xffffffffu, is_equal);
        const bool is_kept = is_better || (is_equal && __popc(all_equal & earlier_lanes) < equals);
        const unsigned int all_kept = __ballot_sync(0xffffffffu, is_kept);
        equals -= __popc(all_equal);
        __syncwarp();
        if (is_kept) {
            waiting[place + __popc(all_kept & earlier_lanes)] = candidate;
        }
        place += __popc(all_kept);
    }
    __syncwarp();
    Kept<Pass> kept;
    kept.count = place;
    Pass::bound_by(kept.bound, highest);
    return kept;
}

// Makes the list of no more than MOST candidates, by a bitonic network for their numbers that always exchanges towards the same side, so that none beyond
// the last is needed.
template <typename Pass>
static __device__ __noinline__ void sort_by_warp(ListMemory<Pass> &memory, int count)
{
    const int lane = lane_of_thread();
    const typename Pass::Candidate *candidates = memory.sorted.candidates;
    unsigned short *order = memory.sorted.order;
    #pragma unroll 1
    for (int n = lane; n < count; n += 32) {
        order[n] = (unsigned short)n;
    }
    __syncwarp();
    #pragma unroll 1
    for (int size = 2; size / 2 < count; size *= 2) {
        #pragma unroll 1
        for (int stride = size / 2; stride > 0; stride /= 2) {
            #pragma unroll 4
            for (int pair = lane; 2 * pair - (pair & (stride - 1)) < count; pair += 32) {
                const int first = 2 * pair - (pair & (stride - 1));
                const int second = 2 * stride == size ? first ^ (size - 1) : first + stride;
                if (second >= count) {
                    continue;
                }
                const unsigned short own = order[first], other = order[second];
                const bool is_better = Pass::precedes(candidates[other], candidates[own]);
                if (is_better || (other < own && !Pass::precedes(candidates[own], candidates[other]))) {
                    order[first] = other;
                    order[second] = own;
                }
            }
            __syncwarp();
        }
    }
    #pragma unroll 1
    for (int k = lane; k < Pass::PLACES; k += 32) {
        if (k < count) {
            Pass::place(memory.sorted.list, k, candidates[order[k]]);
        } else {
            Pass::clear(memory.sorted.list, k);
        }
    }
    __syncwarp();
}

// A block of warps with a row each.
template <int WARPS>
struct WarpTile {
    enum { TILE_ROWS = WARPS, READS_ROWS = 0 };
};

// The columns that wait of a warp's row.
template <typename Pass>
struct WarpQueue {
    ListMemory<Pass> &memory;
    Kept<Pass> kept;

    __device__ __forceinline__ WarpQueue(ListMemory<Pass> &memory) : memory(memory)
    {
        kept.count = 0;
        Pass::unbound(kept.bound);
    }

    // Looks at columns of a tile, whose first one has that number.
    __device__ __forceinline__ void offer(
        const Pass &pass, const typename Pass::Row &row, const typename Pass::Column *columns, int count, long long first)
    {
        enum { AHEAD = ListMemory<Pass>::AHEAD };
        const int lane = lane_of_thread();
        #pragma unroll 1
        for (int begin = 0; begin < count; begin += 32 * AHEAD) {
            typename Pass::Candidate candidates[AHEAD];
            bool are[AHEAD], are_some = false;
            #pragma unroll
            for (int c = 0; c < AHEAD; ++c) {
                const int column = begin + 32 * c + lane, there = column < count ? column : count - 1;
                are[c] = pass.changes(candidates[c], kept.bound, row, columns[there], first + there) && column < count;
                are_some = are_some || are[c];
            }
            if (!__any_sync(0xffffffffu, are_some)) {
                continue;
            }
            #pragma unroll
            for (int c = 0; c < AHEAD; ++c) {
                const unsigned int all = __ballot_sync(0xffffffffu, are[c]);
                if (all == 0) {
                    continue;
                }
                if (are[c]) {
                    memory.waiting[kept.count + __popc(all & ((1u << lane) - 1))] = candidates[c];
                }
                kept.count += __popc(all);
            }
            __syncwarp();
            if (kept.count > ListMemory<Pass>::LENGTH - 32 * AHEAD) {
                kept = keep_best_of_warp<Pass>(memory.waiting, kept.count);
            }
        }
    }

    __device__ __forceinline__ void end()
    {
        if (kept.count > ListMemory<Pass>::MOST) {
            kept = keep_best_of_warp<Pass>(memory.waiting, kept.count);
        }
        sort_by_warp<Pass>(memory, kept.count);
    }
};

// Makes the lists of the rows of a block, a warp each, for the columns of a split.
template <typename Pass, int WARPS>
static __device__ __forceinline__ void reduce_lists(const typename Pass::Call &call)
{
    __shared__ ListMemory<Pass> memory[WARPS];
    __shared__ typename Pass::Column columns[Pass::TILE];
    __shared__ typename Pass::Shared shared;
    const Launch &launch = call.launch;
    const Element element = element_of(launch);
    if (is_beyond_tiles(launch)) {
        return;
    }
    Work work = work_of<WarpTile<WARPS>>(launch, element);
    const Pass pass(call, element, shared);
    const long long index = work.first_row + threadIdx.x / 32;
    const bool is_row = index < work.past_rows;
    typename Pass::Row row;
    pass.read_row(row, is_row ? index : work.past_rows - 1);
    WarpQueue<Pass> queue(memory[threadIdx.x / 32]);
    // The columns that a thread has of a tile, read while the tile before is looked at: few warps have room at a time, and would wait for them.
    enum { SHARE = (Pass::TILE + 32 * WARPS - 1) / (32 * WARPS) };
    typename Pass::Column own[SHARE];
    const auto read_ahead = [&](long long first) {
        #pragma unroll
        for (int c = 0; c < SHARE; ++c) {
            const long long column = first + 32 * WARPS * c + threadIdx.x;
            if (column < work.end) {
                pass.read_column(own[c], column);
            }
        }
    };
    #pragma unroll 1
    while (has_columns(launch, element, work)) {
        if constexpr (SHARE > 1) {
            read_ahead(work.begin);
        }
        #pragma unroll 1
        for (long long first = work.begin; first < work.end; first += Pass::TILE) {
            const int count = work.end - first < Pass::TILE ? (int)(work.end - first) : Pass::TILE;
            __syncthreads();
            #pragma unroll
            for (int c = 0; c < SHARE; ++c) {
                const int column = 32 * WARPS * c + (int)threadIdx.x;
                if (column >= count) {
                    continue;
                }
                if constexpr (SHARE > 1) {
                    columns[column] = own[c];
                } else {
                    pass.read_column(columns[column], first + column);
                }
            }
            __syncthreads();
            if constexpr (SHARE > 1) {
                read_ahead(first + Pass::TILE);
            }
            queue.offer(pass, row, columns, count, first);
        }
        work.begin = work.end;
    }
    queue.end();
    if (!is_row) {
        return;
    }
    const typename Pass::State &list = queue.memory.sorted.list;
    if (launch.splits > 1) {
        typename Pass::State *states = (typename Pass::State *)launch.states;
        states += (blockIdx.z * launch.splits + launch.first_split + work.split) * launch.rows + index;
        #pragma unroll 1
        for (int k = lane_of_thread(); k < Pass::PLACES; k += 32) {
            Pass::copy(*states, k, list, k);
        }
    } else {
        pass.write(index, list, lane_of_thread(), 32);
    }
}

// Merges the lists of splits, in which all threads of a block take part: each place of a list becomes the one that the number of better ones and of
// earlier equals in all lists tells.
template <typename Pass>
static __device__ __forceinline__ void merge_lists(
    typename Pass::State &list, const typename Pass::State *states, long long rows, long long splits)
{
    enum { PLACES = Pass::PLACES };
    #pragma unroll 1
    for (long long split = 0; split < splits; ++split) {
        const typename Pass::State &own = states[split * rows];
        #pragma unroll 1
        for (int k = (int)threadIdx.x; k < PLACES; k += (int)blockDim.x) {
            int place = k;
            #pragma unroll 1
            for (long long number = 0; number < splits && place < PLACES; ++number) {
                if (number == split) {
                    continue;
                }
                const typename Pass::State &other = states[number * rows];
                int low = 0, high = PLACES - place;
                while (low < high) {
                    const int middle = (low + high) / 2;
                    if (number < split ? !Pass::precedes(own, k, other, middle) : Pass::precedes(other, middle, own, k)) {
                        low = middle + 1;
                    } else {
                        high = middle;
                    }
                }
                place += low;
            }
            // Those that follow come after it.
            if (place >= PLACES) {
                break;
            }
            Pass::copy(list, place, own, k);
        }
    }
    #pragma unroll 1
    for (int k = (int)threadIdx.x; splits == 0 && k < PLACES; k += (int)blockDim.x) {
        Pass::clear(list, k);
    }
}

// Merges the lists of the splits of a row, which is that of the block or, with ranges, each of a tile, and writes results; those of no columns if there
// are no splits.
template <typename Pass>
static __device__ __forceinline__ void finish_lists(const typename Pass::Call &call)
{
    __shared__ typename Pass::State list;
    __shared__ typename Pass::Shared shared;
    const Launch &launch = call.launch;
    const Element element = element_of(launch);
    if (is_beyond_tiles(launch)) {
        return;
    }
    const Pass pass(call, element, shared);
    const typename Pass::State *states = (const typename Pass::State *)launch.states + blockIdx.z * launch.splits * launch.rows;
    Work work;
    work.first_row = blockIdx.x;
    long long past = work.first_row + 1;
    if (launch.ranges.count > 0) {
        block_of_tile(launch, element, work);
        past = work.first_row + launch.tile_rows;
        past = past < work.past_rows ? past : work.past_rows;
    }
    #pragma unroll 1
    for (long long index = work.first_row; index < past; ++index) {
        merge_lists<Pass>(list, states + index, launch.rows, launch.splits);
        __syncthreads();
        pass.write(index, list, (int)threadIdx.x, (int)blockDim.x);
        __syncthreads();
    }
}
