// Row tiles of block-sparse ranges.

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

// How many row tiles the blocks of rows before each have, for the batch element of this block.
extern "C" __global__ void __launch_bounds__(256) keops_layout(const Launch __grid_constant__ launch)
{
    const Ranges &ranges = launch.ranges;
    const Element element = element_of(launch);
    long long *tiles = ranges.tiles + blockIdx.z * (ranges.count + 1);
    long long before = 0;
    #pragma unroll 1
    for (long long first = 0; first < ranges.count; first += 256) {
        const long long block = first + threadIdx.x;
        long long number = 0;
        if (block < ranges.count) {
            const long long begin = table(ranges.blocks, element, block, 0, launch.rows);
            const long long end = table(ranges.blocks, element, block, 1, launch.rows);
            number = begin < end ? (end - begin + launch.tile_rows - 1) / launch.tile_rows : 0;
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
