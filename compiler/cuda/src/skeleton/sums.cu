// Sums of gradients over the elements of a batch.

struct SumCall {
    void *source;             // [batch element][number], of the computing type
    void *target;             // the results, of the type `dtype`
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

static_assert(sizeof(SumCall) == 272, "as the support code has it");

// A number in either type.
static __device__ __forceinline__ float in_single(float value) { return value; }
static __device__ __forceinline__ float in_single(double value) { return narrow(value); }
static __device__ __forceinline__ double in_double(float value) { return widen(value); }
static __device__ __forceinline__ double in_double(double value) { return value; }

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
        sum = ((const Real *)call.source)[element * call.numbers + number];
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
        ((unsigned short *)call.target)[target] = store_f16(in_single(sum));
        break;
    case 1:
        ((unsigned short *)call.target)[target] = store_bf16(in_single(sum));
        break;
    case 3:
    case 6:
        ((double *)call.target)[target] = in_double(sum);
        break;
    default:
        ((float *)call.target)[target] = in_single(sum);
    }
}
