// Sums of rows by column number, as the library's support code makes them: entries, which are rows with one of their numbers, are sorted by column,
// in their order; each column's are summed up in chunks, which merge in a binary tree.

struct ScatterCall {
    View numbers;           // (rows, places), int64
    View values;            // (rows, width); no data where rows are counted
    View sums;              // (columns, width)
    long long entries;      // rows times places
    long long columns;
    long long stretch;      // entries that a warp sorts, a multiple of 128
    long long stretches;
    long long slots;        // room for the sums of chunks
    unsigned int *counts;   // [batch element][stretch][column]
    unsigned int *starts;   // [batch element][column], and the number of all
    unsigned int *order;    // [batch element][entry]: rows, column after column
    void *chunks;           // [batch element][slot][width]
    unsigned int places;
    unsigned int width;
    unsigned int value_type; // 0 float16, 1 bfloat16, 2 float32, 3 float64
    unsigned int sum_type;   // 2 float32, 3 float64
    unsigned int batch[3];
    unsigned int first_element;
};

static_assert(sizeof(ScatterCall) == 248, "as the support code has it");

enum { SCATTER_CHUNK = 128, ALL_LANES = 0xffffffff };

// Those of the batch element of this block.
static __device__ __forceinline__ Element scattered_element(const ScatterCall &call)
{
    const unsigned int number = call.first_element + blockIdx.z;
    const unsigned int rest = number / call.batch[2];
    Element element;
    element.index[2] = number % call.batch[2];
    element.index[1] = rest % call.batch[1];
    element.index[0] = rest / call.batch[1];
    return element;
}

static __device__ __forceinline__ unsigned int *counts_of(const ScatterCall &call, long long stretch)
{
    return call.counts + (blockIdx.z * call.stretches + stretch) * call.columns;
}

static __device__ __forceinline__ unsigned int *starts_of(const ScatterCall &call)
{
    return call.starts + blockIdx.z * (call.columns + 1);
}

static __device__ __forceinline__ unsigned int *order_of(const ScatterCall &call)
{
    return call.order + blockIdx.z * call.entries;
}

// The slot of a column's first chunk: no two columns share one, as each has one more than its entries ask for.
static __device__ __forceinline__ long long first_slot(const unsigned int *starts, long long column)
{
    return starts[column] / SCATTER_CHUNK + column;
}

// The column that an entry names; -1 if there is none.
static __device__ __forceinline__ int column_of(const ScatterCall &call, const Element &element, long long entry)
{
    if (entry >= call.entries) {
        return -1;
    }
    const long long place = entry % call.places;
    const long long *row = row_of<const long long>(call.numbers, element, entry / call.places);
    const long long number = row[place * call.numbers.component];
    return number >= 0 && number < call.columns ? (int)number : -1;
}

// Calls `see(column, entry, same)` for the entries of the warp's stretch, 32 at a time and in their order. `same` are the lanes with this column.
template <typename See>
static __device__ __forceinline__ void for_each_entry(const ScatterCall &call, long long stretch, See see)
{
    const Element element = scattered_element(call);
    const int lane = threadIdx.x % 32;
    const long long begin = stretch * call.stretch;
    const long long end = begin + call.stretch < call.entries ? begin + call.stretch : call.entries;
    for (long long first = begin; first < end; first += 128) {
        int columns[4];
        #pragma unroll
        for (int q = 0; q < 4; ++q) {
            columns[q] = column_of(call, element, first + 32 * q + lane);
        }
        #pragma unroll
        for (int q = 0; q < 4; ++q) {
            see(columns[q], first + 32 * q + lane, __match_any_sync(ALL_LANES, columns[q]));
        }
    }
}

// The stretch of this warp.
static __device__ __forceinline__ long long warp_stretch() { return blockIdx.x * 8ll + threadIdx.x / 32; }

// How often each column is named, stretch by stretch.
static __device__ __forceinline__ void scatter_count(const ScatterCall &call)
{
    const long long stretch = warp_stretch();
    if (stretch >= call.stretches) {
        return;
    }
    const int lane = threadIdx.x % 32;
    unsigned int *counts = counts_of(call, stretch);
    for (long long column = lane; column < call.columns; column += 32) {
        counts[column] = 0;
    }
    __syncwarp();
    for_each_entry(call, stretch, [=](int column, long long, unsigned int same) {
        if (column >= 0 && lane == __ffs((int)same) - 1) {
            counts[column] += __popc(same);
        }
        __syncwarp();
    });
}

// Counts become those of all earlier stretches, `starts` what each column has in all: 32 columns a block, whose warps share the stretches.
static __device__ __forceinline__ void scatter_offsets(const ScatterCall &call)
{
    __shared__ unsigned int sums[32][32];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const long long column = blockIdx.x * 32ll + lane;
    const bool is_column = column < call.columns;
    const long long share = (call.stretches + 31) / 32;
    const long long begin = warp * share;
    const long long end = !is_column ? begin : begin + share < call.stretches ? begin + share : call.stretches;
    unsigned int *counts = counts_of(call, 0) + column;
    unsigned int sum = 0;
    #pragma unroll 4
    for (long long stretch = begin; stretch < end; ++stretch) {
        sum += counts[stretch * call.columns];
    }
    sums[warp][lane] = sum;
    __syncthreads();
    unsigned int before = 0;
    for (int other = 0; other < warp; ++other) {
        before += sums[other][lane];
    }
    if (warp == 31 && is_column) {
        starts_of(call)[column] = before + sum;
    }
    for (long long first = begin; first < end; first += 4) {
        unsigned int some[4];
        #pragma unroll
        for (int q = 0; q < 4; ++q) {
            some[q] = first + q < end ? counts[(first + q) * call.columns] : 0;
        }
        #pragma unroll
        for (int q = 0; q < 4; ++q) {
            if (first + q < end) {
                counts[(first + q) * call.columns] = before;
            }
            before += some[q];
        }
    }
}

// What each column has becomes the place of its first entry: one block.
static __device__ __forceinline__ void scatter_starts(const ScatterCall &call)
{
    __shared__ unsigned int sums[32];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    unsigned int *starts = starts_of(call);
    unsigned int before = 0;
    for (long long first = 0; first < call.columns; first += 1024) {
        const long long column = first + threadIdx.x;
        const unsigned int own = column < call.columns ? starts[column] : 0;
        unsigned int sum = own;
        for (int distance = 1; distance < 32; distance *= 2) {
            const unsigned int other = __shfl_up_sync(ALL_LANES, sum, distance);
            sum += lane >= distance ? other : 0;
        }
        if (lane == 31) {
            sums[warp] = sum;
        }
        __syncthreads();
        unsigned int of_warps = sums[lane];
        for (int distance = 1; distance < 32; distance *= 2) {
            const unsigned int other = __shfl_up_sync(ALL_LANES, of_warps, distance);
            of_warps += lane >= distance ? other : 0;
        }
        const unsigned int earlier = __shfl_sync(ALL_LANES, of_warps, warp > 0 ? warp - 1 : 0);
        if (column < call.columns) {
            starts[column] = before + (warp > 0 ? earlier : 0) + sum - own;
        }
        before += __shfl_sync(ALL_LANES, of_warps, 31);
        __syncthreads();
    }
    if (threadIdx.x == 0) {
        starts[call.columns] = before;
    }
}

// The rows of all entries, column after column. Counts are used up.
static __device__ __forceinline__ void scatter_place(const ScatterCall &call)
{
    const long long stretch = warp_stretch();
    if (stretch >= call.stretches) {
        return;
    }
    const int lane = threadIdx.x % 32;
    const unsigned int places = call.places;
    unsigned int *counts = counts_of(call, stretch), *order = order_of(call);
    const unsigned int *starts = starts_of(call);
    for_each_entry(call, stretch, [=](int column, long long entry, unsigned int same) {
        const unsigned int earlier = __popc(same & ((1u << lane) - 1u));
        const unsigned int before = column >= 0 ? counts[column] : 0;
        if (column >= 0) {
            order[starts[column] + before + earlier] = (unsigned int)(entry / places);
        }
        __syncwarp();
        if (column >= 0 && earlier == 0) {
            counts[column] = before + __popc(same);
        }
        __syncwarp();
    });
}

// A stored number as one that sums are made of.
static __device__ __forceinline__ void take(float &to, float value) { to = value; }
static __device__ __forceinline__ void take(float &to, double value) { to = narrow(value); }
static __device__ __forceinline__ void take(double &to, float value) { to = widen(value); }
static __device__ __forceinline__ void take(double &to, double value) { to = value; }

// A number of the lane at a distance, word by word: in tests numbers are classes.
template <typename Real>
static __device__ __forceinline__ Real of_other_lane(Real value, int distance)
{
    union {
        Real value;
        unsigned int words[sizeof(Real) / 4];
    } number;
    number.value = value;
    #pragma unroll
    for (int word = 0; word < (int)(sizeof(Real) / 4); ++word) {
        number.words[word] = __shfl_xor_sync(ALL_LANES, number.words[word], distance);
    }
    return number.value;
}

struct StoredHalf {
    typedef unsigned short Bits;
    static __device__ __forceinline__ float load(Bits bits) { return load_f16(bits); }
};
struct StoredBfloat {
    typedef unsigned short Bits;
    static __device__ __forceinline__ float load(Bits bits) { return load_bf16(bits); }
};
struct StoredSingle {
    typedef float Bits;
    static __device__ __forceinline__ float load(Bits bits) { return bits; }
};
struct StoredDouble {
    typedef double Bits;
    static __device__ __forceinline__ double load(Bits bits) { return bits; }
};

// The sum of some entries, by a warp: lanes have components of one entry after the other; where there are few components, teams of lanes take
// entries in turn.
template <typename Real, typename Stored>
static __device__ __forceinline__ void sum_chunk(
    const ScatterCall &call, const unsigned int *order, int entries, Real *sum)
{
    typedef const typename Stored::Bits Bits;
    const Element element = scattered_element(call);
    const int lane = threadIdx.x % 32, width = (int)call.width;
    const long long component = call.values.component;
    if (width > 16) {
        for (int first = 0; first < width; first += 128) {
            Real parts[4] = {0, 0, 0, 0};
            #pragma unroll 4
            for (int entry = 0; entry < entries; ++entry) {
                Bits *row = row_of<Bits>(call.values, element, order[entry]);
                #pragma unroll
                for (int q = 0; q < 4; ++q) {
                    const int k = first + 32 * q + lane;
                    if (k < width) {
                        Real value;
                        take(value, Stored::load(row[k * component]));
                        parts[q] = parts[q] + value;
                    }
                }
            }
            #pragma unroll
            for (int q = 0; q < 4; ++q) {
                const int k = first + 32 * q + lane;
                if (k < width) {
                    sum[k] = parts[q];
                }
            }
        }
        return;
    }
    int lanes = 1;
    while (lanes < width) {
        lanes *= 2;
    }
    const int k = lane % lanes;
    Real part = 0;
    #pragma unroll 4
    for (int entry = lane / lanes; entry < entries; entry += 32 / lanes) {
        if (k < width) {
            Real value;
            take(value, Stored::load(row_of<Bits>(call.values, element, order[entry])[k * component]));
            part = part + value;
        }
    }
    for (int distance = 16; distance >= lanes; distance /= 2) {
        part = part + of_other_lane(part, distance);
    }
    if (lane < width) {
        sum[lane] = part;
    }
}

// The sums of chunks, a warp for each slot.
template <typename Real>
static __device__ __forceinline__ void scatter_add(const ScatterCall &call)
{
    const long long slot = blockIdx.x * 8ll + threadIdx.x / 32;
    if (slot >= call.slots) {
        return;
    }
    const unsigned int *starts = starts_of(call);
    long long column = 0;
    for (long long high = call.columns; high - column > 1;) {
        const long long middle = column + (high - column) / 2;
        (first_slot(starts, middle) <= slot ? column : high) = middle;
    }
    const long long begin = starts[column] + (slot - first_slot(starts, column)) * SCATTER_CHUNK;
    const long long rest = starts[column + 1] - begin;
    if (rest <= 0) {
        return;
    }
    const int entries = rest < SCATTER_CHUNK ? (int)rest : SCATTER_CHUNK;
    const unsigned int *order = order_of(call) + begin;
    Real *sum = (Real *)call.chunks + (blockIdx.z * call.slots + slot) * call.width;
    switch (call.value_type) {
    case 0:
        sum_chunk<Real, StoredHalf>(call, order, entries, sum);
        break;
    case 1:
        sum_chunk<Real, StoredBfloat>(call, order, entries, sum);
        break;
    case 2:
        sum_chunk<Real, StoredSingle>(call, order, entries, sum);
        break;
    default:
        sum_chunk<Real, StoredDouble>(call, order, entries, sum);
    }
}

// The sum of `count` chunks, at least one, in a binary tree: one after the other they join those before that are as long.
template <typename Real>
static __device__ __forceinline__ Real merge_chunks(const Real *chunks, int count, long long step)
{
    Real levels[28], sum = 0;
    int done = 0;
    while (done < count) {
        const Real *next = chunks + done * step;
        int level = count - done >= 4 ? 2 : 0;
        const int taken = 1 << level;
        sum = level > 0 ? (next[0] + next[step]) + (next[2 * step] + next[3 * step]) : next[0];
        #pragma unroll 1
        for (; done >> level & 1; ++level) {
            sum = levels[level] + sum;
        }
        levels[level] = sum;
        done += taken;
    }
    bool found = false;
    #pragma unroll 1
    for (int level = 0; count >> level; ++level) {
        if (count >> level & 1) {
            sum = found ? levels[level] + sum : levels[level];
            found = true;
        }
    }
    return sum;
}

template <typename Real>
static __device__ __forceinline__ void write_sum(
    const ScatterCall &call, const Element &element, long long column, int k, Real sum)
{
    if (call.sum_type == 2) {
        take(row_of<float>(call.sums, element, column)[k * call.sums.component], sum);
    } else {
        take(row_of<double>(call.sums, element, column)[k * call.sums.component], sum);
    }
}

// The sums of a column, by a block: each warp merges a subtree of its chunks.
template <typename Real>
static __device__ __forceinline__ void scatter_finish(const ScatterCall &call)
{
    __shared__ Real subtrees[8][32];
    const Element element = scattered_element(call);
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, width = (int)call.width;
    const long long column = blockIdx.x;
    const unsigned int *starts = starts_of(call);
    const unsigned int entries = starts[column + 1] - starts[column];
    const int chunks = (int)((entries + (SCATTER_CHUNK - 1)) / SCATTER_CHUNK);
    if (call.values.data == nullptr || chunks == 0) {
        for (int k = threadIdx.x; k < width; k += 256) {
            write_sum(call, element, column, k, (Real)(call.values.data == nullptr ? (long long)entries : 0ll));
        }
        return;
    }
    int share = 1;
    while (share * 8 < chunks) {
        share *= 2;
    }
    const int begin = warp * share;
    const int count = chunks - begin < share ? chunks - begin : share;
    const int used = (chunks + share - 1) / share;
    const Real *sums = (const Real *)call.chunks + (blockIdx.z * call.slots + first_slot(starts, column)) * width;
    for (int first = 0; first < width; first += 32) {
        const int k = first + lane;
        if (count > 0 && k < width) {
            subtrees[warp][lane] = merge_chunks(sums + (long long)begin * width + k, count, width);
        }
        __syncthreads();
        if (warp == 0 && k < width) {
            write_sum(call, element, column, k, merge_chunks(&subtrees[0][lane], used, 32));
        }
        __syncthreads();
    }
}
