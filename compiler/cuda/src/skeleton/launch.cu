// Whether four warps multiply matrices together, from more shared memory than other GPUs have. That is code for sm_90a, which no other GPU takes. Kernels
// have a number of blocks of their own there that are to fit on a multiprocessor.
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define HAS_WARPGROUPS 1
#define RESIDENT(usual, with_warpgroups) (with_warpgroups)
#else
#define HAS_WARPGROUPS 0
#define RESIDENT(usual, with_warpgroups) (usual)
#endif

// What a launch hands over, field by field as in the library's support code.

// A tensor. Steps are counted in elements of the storage type.
struct View {
    void *data;          // the first row of the launch, of batch element 0
    long long row;       // step from row to row
    long long component; // step from component to component
    long long batch[3];  // steps along the dimensions of the batch
};

// Block-sparse ranges: which columns each block of rows is reduced over. Tensors of int64.
struct Ranges {
    long long count;     // blocks of rows; 0 where all pairs count
    View blocks;         // the first row of each, and the row past its end
    View ends;           // where the list of column blocks of each block of rows ends
    View parts;          // the first column of each column block, and the column past its end
    long long num_parts; // column blocks
    long long *tiles;    // for each batch element: row tiles of all blocks before
};

struct Launch {
    long long rows;
    long long columns;
    long long first_row;    // the number of the first row
    long long first_column; // the number of the first column
    long long chunk;        // columns of a chunk, which has a state of its own
    long long split;        // columns of a split, a multiple of a chunk: the columns of one block
    long long splits;       // splits that leave a state; with 1, results are written at once
    long long first_split;  // the number of the first split of this launch
    void *states;           // [batch element][split][row]
    unsigned int batch[3];  // extents of the dimensions of the batch
    unsigned int first_element;
    unsigned int team;      // threads that share a row in `finish`
    unsigned int tile_rows; // with ranges: rows of a tile of `reduce`
    unsigned long long wide; // which views are results of the computing type, as they are added up over the batch
    void *packed[2];             // what `pack` lays out: columns behind a header, and rows
    long long packed_steps[2];   // bytes from batch element to batch element of that
    long long packed_offset;     // bytes of columns before the first of this launch
    Ranges ranges;
};

static_assert(sizeof(View) == 48 && sizeof(Ranges) == 168 && sizeof(Launch) == 312, "as the support code has them");

// A batch element: its number along each dimension of the batch.
struct Element {
    unsigned int index[3];
};

static __device__ __forceinline__ Element element_of(const Launch &launch)
{
    const unsigned int number = launch.first_element + blockIdx.z;
    const unsigned int rest = number / launch.batch[2];
    Element element;
    element.index[2] = number % launch.batch[2];
    element.index[1] = rest % launch.batch[1];
    element.index[0] = rest / launch.batch[1];
    return element;
}

// The first component of a row. The numbers of a complex tensor are two PARTS.
template <typename Stored, int PARTS = 1>
static __device__ __forceinline__ Stored *row_of(const View &view, const Element &element, long long row)
{
    long long offset = row * view.row;
    offset += element.index[0] * view.batch[0];
    offset += element.index[1] * view.batch[1];
    offset += element.index[2] * view.batch[2];
    return (Stored *)view.data + PARTS * offset;
}

// Where component k lies in a row.
template <int PARTS = 1>
static __device__ __forceinline__ long long at(const View &view, int k)
{
    return PARTS * (k / PARTS * view.component) + k % PARTS;
}

// Number `component` of row `row` of a table, cut to 0 … most.
static __device__ __forceinline__ long long table(
    const View &view, const Element &element, long long row, int component, long long most)
{
    const long long number = row_of<const long long>(view, element, row)[component * view.component];
    return number < 0 ? 0 : number > most ? most : number;
}
