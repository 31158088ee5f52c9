// Kernels that every library has: row tiles of block-sparse ranges, and sums over the elements of a batch.

// Adds the numbers of all threads of a block before this one; `total` is that of all.
template <int THREADS>
static __device__ __forceinline__ long long sum_before(long long number, long long &total)
{
    __shared__ long long sums[THREADS];
    __syncthreads();
    sums[threadIdx.x] = number;
    #pragma unroll 1
    for (int step = 1; step < THREADS; step *= 2) {
        __syncthreads();
        const long long other = (int)threadIdx.x >= step ? sums[threadIdx.x - step] : 0;
        __syncthreads();
        sums[threadIdx.x] += other;
    }
    __syncthreads();
    total = sums[THREADS - 1];
    return sums[threadIdx.x] - number;
}

struct LayoutCall {
    Launch launch;
    long long tile_rows;
};

// How many row tiles the blocks of rows before each have, for the batch element of this block.
extern "C" __global__ void __launch_bounds__(256) keops_layout(const LayoutCall __grid_constant__ call)
{
    const Ranges &ranges = call.launch.ranges;
    const Element element = element_of(call.launch);
    long long *tiles = ranges.tiles + blockIdx.z * (ranges.count + 1);
    long long before = 0;
    #pragma unroll 1
    for (long long first = 0; first < ranges.count; first += 256) {
        const long long block = first + threadIdx.x;
        long long number = 0;
        if (block < ranges.count) {
            const long long begin = table(ranges.blocks, element, block, 0, call.launch.rows);
            const long long end = table(ranges.blocks, element, block, 1, call.launch.rows);
            number = begin < end ? (end - begin + call.tile_rows - 1) / call.tile_rows : 0;
        }
        long long total;
        const long long place = before + sum_before<256>(number, total);
        if (block < ranges.count) {
            tiles[block] = place;
        }
        before += total;
    }
    if (threadIdx.x == 0) {
        tiles[ranges.count] = before;
    }
}

struct SumCall {
    void *source;             // [batch element][number], of the storage type
    void *target;             // the results, of the same type
    long long numbers;        // of a batch element
    long long width;          // of a row
    long long members;        // batch elements that are added up
    long long groups;         // results of `numbers` numbers
    long long row, component; // steps of the results, in real numbers; the parts of a complex one lie side by side
    unsigned int dtype;       // 0 float16, 1 bfloat16, 2 float32, 3 float64, 5 complex64, 6 complex128
    unsigned int dimensions;  // of the batch
    long long extents[8];
    long long source_steps[8]; // in batch elements
    long long target_steps[8]; // in real numbers
    unsigned char is_shared[8];
};

template <typename Real>
static __device__ __forceinline__ Real stored_number(const void *data, long long place, unsigned int dtype)
{
    switch (dtype) {
    case 0:
        return (Real)load_f16(((const unsigned short *)data)[place]);
    case 1:
        return (Real)load_bf16(((const unsigned short *)data)[place]);
    default:
        return ((const Real *)data)[place];
    }
}

// One number of the results a thread: the members of its group in a binary tree over their numbers.
template <typename Real>
static __device__ __forceinline__ void sum_members(const SumCall &call)
{
    const long long thread = (long long)blockIdx.x * 256 + threadIdx.x;
    if (thread >= call.groups * call.numbers) {
        return;
    }
    const long long number = thread % call.numbers;
    const long long parts = call.dtype >= 5 ? 2 : 1;
    const long long component = number % call.width;
    long long target = number / call.width * call.row + component / parts * call.component + component % parts;
    long long source = 0, group = thread / call.numbers;
    #pragma unroll 1
    for (int d = (int)call.dimensions - 1; d >= 0; --d) {
        if (!call.is_shared[d]) {
            target += group % call.extents[d] * call.target_steps[d];
            source += group % call.extents[d] * call.source_steps[d];
            group /= call.extents[d];
        }
    }
    Real levels[48], sum = 0;
    #pragma unroll 1
    for (long long member = 0; member < call.members; ++member) {
        long long element = source, rest = member;
        #pragma unroll 1
        for (int d = (int)call.dimensions - 1; d >= 0; --d) {
            if (call.is_shared[d]) {
                element += rest % call.extents[d] * call.source_steps[d];
                rest /= call.extents[d];
            }
        }
        sum = stored_number<Real>(call.source, element * call.numbers + number, call.dtype);
        int level = 0;
        #pragma unroll 1
        for (; member >> level & 1; ++level) {
            sum = levels[level] + sum;
        }
        levels[level] = sum;
    }
    bool found = false;
    #pragma unroll 1
    for (int level = 0; call.members >> level; ++level) {
        if (call.members >> level & 1) {
            sum = found ? levels[level] + sum : levels[level];
            found = true;
        }
    }
    switch (call.dtype) {
    case 0:
        ((unsigned short *)call.target)[target] = store_f16((float)sum);
        break;
    case 1:
        ((unsigned short *)call.target)[target] = store_bf16((float)sum);
        break;
    default:
        ((Real *)call.target)[target] = sum;
    }
}

extern "C" __global__ void __launch_bounds__(256) keops_sum_f32(const SumCall __grid_constant__ call)
{
    sum_members<float>(call);
}

extern "C" __global__ void __launch_bounds__(256) keops_sum_f64(const SumCall __grid_constant__ call)
{
    sum_members<double>(call);
}
