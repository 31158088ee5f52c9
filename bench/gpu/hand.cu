// Kernels by hand, as a measure of what a GPU can do: Gaussian sums, value and gradient in one pass, soft minima (LogSumExp).
//
// A block has THREADS threads with ROWS rows each, takes the columns of one split, TILE at a time, through shared memory, and leaves its sums in
// `partial`; a second kernel joins the splits. Coordinates are scaled so that exponents are to base 2. Sums of a tile are added up
// before they join the others.

#include <cuda_runtime.h>

constexpr int THREADS = 128;
// Rows of a thread where there are many pairs.
constexpr int MANY = 8, MANY_SOFT = 4;
// As many blocks as this keep all multiprocessors busy to the end.
constexpr int BLOCKS = 4096;
constexpr float LOG2_E = 1.44269504f, LN_2 = 0.693147181f, LEAST = -1e30f;

static __device__ __forceinline__ float exp2_of(float value)
{
    float result;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(value));
    return result;
}

// ------------------------------------------------------------------------------------------------ how work is divided

struct Division {
    int rows;    // of a thread
    int tile;    // columns in shared memory
    int length;  // columns of a split
    int splits;
};

// Many rows a thread, `most` of them, where there are many pairs; small tiles where there are few.
static Division divide(int rows, int columns, int batch, int most)
{
    const double pairs = double(rows) * columns * batch;
    Division division = pairs >= 2e9 ? Division{most, 512, 0, 0} : pairs >= 3e7 ? Division{2, 128, 0, 0} : Division{1, 64, 0, 0};
    const int blocks = (rows + THREADS * division.rows - 1) / (THREADS * division.rows) * batch;
    const int tiles = (columns + division.tile - 1) / division.tile;
    const int wanted = division.rows == most ? BLOCKS : BLOCKS / 4;
    const int splits = max(1, min(tiles, (wanted + blocks - 1) / blocks));
    division.length = (tiles + splits - 1) / splits * division.tile;
    division.splits = (columns + division.length - 1) / division.length;
    return division;
}

static dim3 grid(const Division &division, int rows, int batch)
{
    return dim3((rows + THREADS * division.rows - 1) / (THREADS * division.rows), division.splits, batch);
}

// A column in shared memory: its coordinates and one number more, in whole float4s.
template <int D> struct Column {
    static constexpr int WIDTH = (D + 4) / 4 * 4;
};

template <int D> static __device__ __forceinline__ void load(float (&values)[Column<D>::WIDTH], const float *column)
{
#pragma unroll
    for (int k = 0; k < Column<D>::WIDTH; k += 4) {
        const float4 part = *reinterpret_cast<const float4 *>(column + k);
        values[k] = part.x, values[k + 1] = part.y, values[k + 2] = part.z, values[k + 3] = part.w;
    }
}

// ------------------------------------------------------------------------------------------------ Gaussian sums

// EXPANDED: the exponent is 2 x.y - |x|^2 - |y|^2, else it is -|x - y|^2.
template <int D, int ROWS, int TILE, bool EXPANDED>
__global__ void __launch_bounds__(THREADS) gauss(const float *__restrict__ x, const float *__restrict__ y, const float *__restrict__ b,
    float *__restrict__ partial, int rows, int columns, int length, float scale)
{
    constexpr int WIDTH = Column<D>::WIDTH, STEP = ROWS >= 8 ? 2 : 8;
    __shared__ __align__(16) float tile[TILE * WIDTH];
    __shared__ float norms[EXPANDED ? TILE : 1];
    const int first = blockIdx.x * THREADS * ROWS + threadIdx.x;
    float point[ROWS][D], norm[ROWS], total[ROWS];
#pragma unroll
    for (int r = 0; r < ROWS; ++r) {
        const int i = min(first + r * THREADS, rows - 1);
        norm[r] = total[r] = 0;
#pragma unroll
        for (int d = 0; d < D; ++d) point[r][d] = scale * x[i * D + d], norm[r] = fmaf(-point[r][d], point[r][d], norm[r]);
    }
    const int begin = blockIdx.y * length, end = min(columns, begin + length);
    for (int start = begin; start < end; start += TILE) {
        __syncthreads();
        for (int q = threadIdx.x; q < TILE; q += THREADS) {
            const int j = min(start + q, end - 1);
            float square = 0;
#pragma unroll
            for (int d = 0; d < D; ++d) {
                const float value = scale * y[j * D + d];
                tile[q * WIDTH + d] = EXPANDED ? 2 * value : value;
                square = fmaf(-value, value, square);
            }
            tile[q * WIDTH + D] = start + q < end ? b[j] : 0;
            if (EXPANDED) norms[q] = square;
        }
        __syncthreads();
        float sum[ROWS];
#pragma unroll
        for (int r = 0; r < ROWS; ++r) sum[r] = 0;
#pragma unroll 2
        for (int q = 0; q < TILE; q += STEP) {
#pragma unroll
            for (int s = 0; s < STEP; ++s) {
                float column[WIDTH];
                load<D>(column, tile + (q + s) * WIDTH);
#pragma unroll
                for (int r = 0; r < ROWS; ++r) {
                    float exponent = EXPANDED ? norm[r] + norms[q + s] : 0;
#pragma unroll
                    for (int d = 0; d < D; ++d) {
                        const float difference = point[r][d] - column[d];
                        exponent = EXPANDED ? fmaf(point[r][d], column[d], exponent) : fmaf(-difference, difference, exponent);
                    }
                    sum[r] = fmaf(exp2_of(exponent), column[D], sum[r]);
                }
            }
        }
#pragma unroll
        for (int r = 0; r < ROWS; ++r) total[r] += sum[r];
    }
#pragma unroll
    for (int r = 0; r < ROWS; ++r) {
        const int i = first + r * THREADS;
        if (i < rows) partial[(size_t)blockIdx.y * rows + i] = total[r];
    }
}

__global__ void join_gauss(const float *__restrict__ partial, float *__restrict__ result, int rows, int splits)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= rows) return;
    float sum = 0;
    for (int k = 0; k < splits; ++k) sum += partial[(size_t)k * rows + i];
    result[i] = sum;
}

// ------------------------------------------------------------------------------------------------ value and gradient in x

// Sums of w and w (x - y), or, EXPANDED, of w and 2 w y, in scaled coordinates.
template <int ROWS, int TILE, bool EXPANDED>
__global__ void __launch_bounds__(THREADS) both(const float *__restrict__ x, const float *__restrict__ y, const float *__restrict__ b,
    float4 *__restrict__ partial, int rows, int columns, int length, float scale)
{
    constexpr int STEP = ROWS >= 8 ? 2 : 4;
    __shared__ float4 tile[TILE];
    __shared__ float norms[EXPANDED ? TILE : 1];
    const int first = blockIdx.x * THREADS * ROWS + threadIdx.x;
    float point[ROWS][3], norm[ROWS], total[ROWS][4];
#pragma unroll
    for (int r = 0; r < ROWS; ++r) {
        const int i = min(first + r * THREADS, rows - 1);
        norm[r] = total[r][3] = 0;
#pragma unroll
        for (int d = 0; d < 3; ++d) point[r][d] = scale * x[i * 3 + d], norm[r] = fmaf(-point[r][d], point[r][d], norm[r]), total[r][d] = 0;
    }
    const int begin = blockIdx.y * length, end = min(columns, begin + length);
    for (int start = begin; start < end; start += TILE) {
        __syncthreads();
        for (int q = threadIdx.x; q < TILE; q += THREADS) {
            const int j = min(start + q, end - 1);
            const float p = scale * y[3 * j], s = scale * y[3 * j + 1], t = scale * y[3 * j + 2], weight = start + q < end ? b[j] : 0;
            tile[q] = EXPANDED ? make_float4(2 * p, 2 * s, 2 * t, weight) : make_float4(p, s, t, weight);
            if (EXPANDED) norms[q] = -(p * p + s * s + t * t);
        }
        __syncthreads();
        float sum[ROWS][4];
#pragma unroll
        for (int r = 0; r < ROWS; ++r) sum[r][0] = sum[r][1] = sum[r][2] = sum[r][3] = 0;
#pragma unroll 2
        for (int q = 0; q < TILE; q += STEP) {
#pragma unroll
            for (int s = 0; s < STEP; ++s) {
                const float4 column = tile[q + s];
                const float values[3] = {column.x, column.y, column.z};
#pragma unroll
                for (int r = 0; r < ROWS; ++r) {
                    float exponent = EXPANDED ? norm[r] + norms[q + s] : 0, factor[3];
#pragma unroll
                    for (int d = 0; d < 3; ++d) {
                        factor[d] = EXPANDED ? values[d] : point[r][d] - values[d];
                        exponent = EXPANDED ? fmaf(point[r][d], values[d], exponent) : fmaf(-factor[d], factor[d], exponent);
                    }
                    const float weighted = exp2_of(exponent) * column.w;
                    sum[r][3] += weighted;
#pragma unroll
                    for (int d = 0; d < 3; ++d) sum[r][d] = fmaf(weighted, factor[d], sum[r][d]);
                }
            }
        }
#pragma unroll
        for (int r = 0; r < ROWS; ++r)
#pragma unroll
            for (int d = 0; d < 4; ++d) total[r][d] += sum[r][d];
    }
#pragma unroll
    for (int r = 0; r < ROWS; ++r) {
        const int i = first + r * THREADS;
        if (i < rows) partial[(size_t)blockIdx.y * rows + i] = make_float4(total[r][0], total[r][1], total[r][2], total[r][3]);
    }
}

// gradient = -2 / sigma^2 e sum w (x - y), and sigma^2 = log2 e / scale^2
__global__ void join_both(const float4 *__restrict__ partial, const float *__restrict__ x, const float *__restrict__ e, float *__restrict__ value,
    float *__restrict__ slope, int rows, int splits, float scale, bool expanded)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= rows) return;
    float sum[4] = {0, 0, 0, 0};
    for (int k = 0; k < splits; ++k) {
        const float4 part = partial[(size_t)k * rows + i];
        sum[0] += part.x, sum[1] += part.y, sum[2] += part.z, sum[3] += part.w;
    }
    value[i] = sum[3];
    const float factor = -2 * scale / LOG2_E * e[i];
    for (int d = 0; d < 3; ++d) slope[3 * i + d] = factor * (expanded ? scale * x[3 * i + d] * sum[3] - 0.5f * sum[d] : sum[d]);
}

// ------------------------------------------------------------------------------------------------ soft minima

// Largest score and sum of 2^(score - largest), of score = unit g - |x - y|^2 in scaled coordinates; a batch element a z of the grid.
template <int ROWS, int TILE>
__global__ void __launch_bounds__(THREADS) soft(const float *__restrict__ x, const float *__restrict__ y, const float *__restrict__ g,
    float2 *__restrict__ partial, int rows, int columns, int length, float scale, float unit)
{
    constexpr int STEP = 8;
    __shared__ float4 tile[TILE];
    x += (size_t)blockIdx.z * rows * 3, y += (size_t)blockIdx.z * columns * 3, g += (size_t)blockIdx.z * columns;
    partial += (size_t)blockIdx.z * gridDim.y * rows;
    const int first = blockIdx.x * THREADS * ROWS + threadIdx.x;
    float point[ROWS][3], most[ROWS], total[ROWS];
#pragma unroll
    for (int r = 0; r < ROWS; ++r) {
        const int i = min(first + r * THREADS, rows - 1);
        most[r] = LEAST, total[r] = 0;
#pragma unroll
        for (int d = 0; d < 3; ++d) point[r][d] = scale * x[i * 3 + d];
    }
    const int begin = blockIdx.y * length, end = min(columns, begin + length);
    for (int start = begin; start < end; start += TILE) {
        __syncthreads();
        for (int q = threadIdx.x; q < TILE; q += THREADS) {
            const int j = min(start + q, end - 1);
            tile[q] = make_float4(scale * y[3 * j], scale * y[3 * j + 1], scale * y[3 * j + 2], start + q < end ? unit * g[j] : LEAST);
        }
        __syncthreads();
#pragma unroll 1
        for (int q = 0; q < TILE; q += STEP) {
            float4 column[STEP];
#pragma unroll
            for (int s = 0; s < STEP; ++s) column[s] = tile[q + s];
#pragma unroll
            for (int r = 0; r < ROWS; ++r) {
                float score[STEP], highest = most[r];
#pragma unroll
                for (int s = 0; s < STEP; ++s) {
                    const float p = point[r][0] - column[s].x, t = point[r][1] - column[s].y, u = point[r][2] - column[s].z;
                    score[s] = fmaf(-u, u, fmaf(-t, t, fmaf(-p, p, column[s].w)));
                    highest = fmaxf(highest, score[s]);
                }
                total[r] *= exp2_of(most[r] - highest);
                most[r] = highest;
#pragma unroll
                for (int s = 0; s < STEP; ++s) total[r] += exp2_of(score[s] - highest);
            }
        }
    }
#pragma unroll
    for (int r = 0; r < ROWS; ++r) {
        const int i = first + r * THREADS;
        if (i < rows) partial[(size_t)blockIdx.y * rows + i] = make_float2(most[r], total[r]);
    }
}

__global__ void join_soft(const float2 *__restrict__ partial, float *__restrict__ result, int rows, int splits, float eps)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= rows) return;
    partial += (size_t)blockIdx.y * splits * rows, result += (size_t)blockIdx.y * rows;
    float most = LEAST, sum = 0;
    for (int k = 0; k < splits; ++k) {
        const float2 part = partial[(size_t)k * rows + i];
        const float highest = fmaxf(most, part.x);
        sum = sum * exp2_of(most - highest) + part.y * exp2_of(part.x - highest);
        most = highest;
    }
    result[i] = -eps * LN_2 * (most + log2f(sum));
}

// ------------------------------------------------------------------------------------------------ what Python calls
// Each returns a cudaError_t, 0 if all is well; `partial` has room for hand_partials numbers of the state.

template <int D, bool EXPANDED>
static void launch_gauss(const Division &division, const float *x, const float *y, const float *b, float *partial, int rows, int columns, float scale,
    cudaStream_t stream)
{
    const dim3 blocks = grid(division, rows, 1);
    switch (division.rows) {
    case 1: gauss<D, 1, 64, EXPANDED><<<blocks, THREADS, 0, stream>>>(x, y, b, partial, rows, columns, division.length, scale); break;
    case 2: gauss<D, 2, 128, EXPANDED><<<blocks, THREADS, 0, stream>>>(x, y, b, partial, rows, columns, division.length, scale); break;
    default: gauss<D, MANY, 512, EXPANDED><<<blocks, THREADS, 0, stream>>>(x, y, b, partial, rows, columns, division.length, scale);
    }
}

template <bool EXPANDED>
static void launch_both(const Division &division, const float *x, const float *y, const float *b, float4 *partial, int rows, int columns, float scale,
    cudaStream_t stream)
{
    const dim3 blocks = grid(division, rows, 1);
    switch (division.rows) {
    case 1: both<1, 64, EXPANDED><<<blocks, THREADS, 0, stream>>>(x, y, b, partial, rows, columns, division.length, scale); break;
    case 2: both<2, 128, EXPANDED><<<blocks, THREADS, 0, stream>>>(x, y, b, partial, rows, columns, division.length, scale); break;
    default: both<MANY, 512, EXPANDED><<<blocks, THREADS, 0, stream>>>(x, y, b, partial, rows, columns, division.length, scale);
    }
}

extern "C" {
// How many states `partial` must hold.
long long hand_partials(int rows, int columns, int batch)
{
    const int splits = max(divide(rows, columns, batch, MANY).splits, divide(rows, columns, batch, MANY_SOFT).splits);
    return (long long)splits * rows * batch;
}

int hand_gauss(int dim, int expanded, const float *x, const float *y, const float *b, float *partial, float *result, int rows, int columns, float scale,
    cudaStream_t stream)
{
    const Division division = divide(rows, columns, 1, MANY);
    float *sums = division.splits > 1 ? partial : result;
    if (dim == 1 && expanded) launch_gauss<1, true>(division, x, y, b, sums, rows, columns, scale, stream);
    else if (dim == 1) launch_gauss<1, false>(division, x, y, b, sums, rows, columns, scale, stream);
    else if (dim == 3 && expanded) launch_gauss<3, true>(division, x, y, b, sums, rows, columns, scale, stream);
    else if (dim == 3) launch_gauss<3, false>(division, x, y, b, sums, rows, columns, scale, stream);
    else if (dim == 10 && expanded) launch_gauss<10, true>(division, x, y, b, sums, rows, columns, scale, stream);
    else if (dim == 10) launch_gauss<10, false>(division, x, y, b, sums, rows, columns, scale, stream);
    else return cudaErrorInvalidValue;
    if (division.splits > 1) join_gauss<<<(rows + 127) / 128, 128, 0, stream>>>(partial, result, rows, division.splits);
    return cudaGetLastError();
}

int hand_both(int expanded, const float *x, const float *y, const float *b, const float *e, float *partial, float *value, float *slope, int rows,
    int columns, float scale, cudaStream_t stream)
{
    const Division division = divide(rows, columns, 1, MANY);
    float4 *sums = reinterpret_cast<float4 *>(partial);
    if (expanded) launch_both<true>(division, x, y, b, sums, rows, columns, scale, stream);
    else launch_both<false>(division, x, y, b, sums, rows, columns, scale, stream);
    join_both<<<(rows + 127) / 128, 128, 0, stream>>>(sums, x, e, value, slope, rows, division.splits, scale, expanded);
    return cudaGetLastError();
}

// result_i = -eps log sum_j exp((g_j - |x_i - y_j|^2) / eps)
int hand_soft(const float *x, const float *y, const float *g, float *partial, float *result, int batch, int rows, int columns, float eps,
    cudaStream_t stream)
{
    const Division division = divide(rows, columns, batch, MANY_SOFT);
    const dim3 blocks = grid(division, rows, batch);
    float2 *states = reinterpret_cast<float2 *>(partial);
    const float unit = LOG2_E / eps, scale = sqrtf(unit);
    switch (division.rows) {
    case 1: soft<1, 64><<<blocks, THREADS, 0, stream>>>(x, y, g, states, rows, columns, division.length, scale, unit); break;
    case 2: soft<2, 128><<<blocks, THREADS, 0, stream>>>(x, y, g, states, rows, columns, division.length, scale, unit); break;
    default: soft<MANY_SOFT, 512><<<blocks, THREADS, 0, stream>>>(x, y, g, states, rows, columns, division.length, scale, unit);
    }
    join_soft<<<dim3((rows + 127) / 128, batch), 128, 0, stream>>>(states, result, rows, division.splits, eps);
    return cudaGetLastError();
}
}
