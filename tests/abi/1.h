/* Version 1 of the ABI: keopsc_abi.h as it was when that version was fixed. Not to be changed, except where version 1 grows: then what it
 * has grown by is added here. Programs that are compiled with this file have to work with all libraries of version 1. */
#ifndef KEOPSC_ABI_H
#define KEOPSC_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef KEOPS_ABI_VERSION
#define KEOPS_ABI_VERSION 1

enum {
    KEOPS_OK = 0, /* success */
    KEOPS_NULL_POINTER = 1, /* a required pointer is NULL */
    KEOPS_SHAPE = 2, /* a shape does not fit */
    KEOPS_DTYPE = 3, /* a tensor has the wrong data type */
    KEOPS_STRIDE = 4, /* a tensor's memory is misaligned or overlaps */
    KEOPS_DEVICE = 5, /* a tensor lies on a device that cannot be used */
    KEOPS_ARGUMENTS = 6, /* wrong number of tensors, wrong option, or a call struct older than version 1 */
    KEOPS_MEMORY = 7, /* out of memory */
    KEOPS_TARGET = 8, /* no code in this library runs on this processor, or KEOPSC_TARGET names none */
    KEOPS_RANGES = 9, /* block-sparse ranges are malformed */
    KEOPS_UNSUPPORTED = 10, /* not supported by this version */
    KEOPS_THREAD = 11, /* a thread could not be started */
    KEOPS_VALUE = 12, /* a value in a tensor cannot be used */
    KEOPS_DRIVER = 13 /* the CUDA driver is missing or reported an error */
};

/* Layer 2, for bindings: any strides, batches and devices. DLTensor is DLPack's; include dlpack.h before this file to use
   both. */
#if !defined(DLPACK_DLPACK_H_) && !defined(KEOPS_HAS_DLTENSOR)
#define KEOPS_HAS_DLTENSOR
typedef struct {
    int32_t device_type; /* 1: CPU, 2: CUDA */
    int32_t device_id;
} DLDevice;

typedef struct {
    uint8_t code; /* 0: int, 1: unsigned, 2: float, 4: bfloat, 5: complex, 6: bool */
    uint8_t bits;
    uint16_t lanes; /* 1 */
} DLDataType;

typedef struct {
    void *data;
    DLDevice device;
    int32_t ndim;
    DLDataType dtype;
    int64_t *shape;
    int64_t *strides; /* in elements; NULL: row-major, contiguous */
    uint64_t byte_offset;
} DLTensor;
#endif

/* A call. Set struct_size to sizeof(keops_call) and all other bytes to 0 first.
   Tensors stand in the order of the functions above; shapes are (batch..., M or N, dim) and, for parameters, (batch..., dim). */
typedef struct {
    uint32_t struct_size;
    uint32_t num_tensors;
    const DLTensor *const *tensors;
    int64_t rows_i; /* M where no tensor tells it, else -1 */
    int64_t rows_j; /* N where no tensor tells it, else -1 */
    int32_t threads; /* 0: KEOPSC_NUM_THREADS, else all processors of the affinity mask */
    int32_t device_type; /* 0: where the tensors are */
    int32_t device_id;
    int32_t check; /* 1: validate ranges on a device, with a synchronisation */
    void *stream; /* CUDA stream */
    const DLTensor *const *ranges; /* six int64 tensors of block-sparse ranges, or NULL; batches broadcast */
    void *workspace; /* scratch memory, or NULL */
    uint64_t workspace_size;
    char *message; /* receives the exact error message, or NULL */
    uint64_t message_size;
} keops_call;

typedef struct {
    uint32_t struct_size;
    uint32_t num_tensors;
    const char *name;
    int32_t (*run)(const keops_call *call);
    int32_t (*prepare)(int32_t device_type, int32_t device_id);
    int32_t (*workspace)(const keops_call *call, uint64_t *size);
    /* Shards; NULL where an entry has none. State sizes are in bytes, batch elements outermost in a state.
       partial: the call has the inputs alone. merge: of the call, threads, workspace and message count.
       finalize: the call has all tensors; inputs that the manifest does not list for it may be NULL. */
    int32_t (*partial)(const keops_call *call, int64_t first, void *state, uint64_t state_size);
    int32_t (*merge)(const keops_call *call, void *state, const void *later, uint64_t state_size);
    int32_t (*finalize)(const keops_call *call, const void *state, uint64_t state_size);
    int64_t (*state_size)(int64_t rows);
    int64_t (*shard)(int64_t columns, int64_t shards);
} keops_entry_v1;

/* Functions that make block-sparse ranges, the same in every library. Tensors have any strides and no batch dimensions; message and
   message_size as in a call. M points in D dimensions are put into C clusters, whose numbers are labels; B blocks of rows meet C blocks
   of columns. Integers are int32 or int64, floats are float32 or float64. */
typedef struct {
    uint32_t struct_size;
    uint32_t reserved;

    /* labels (M): the number of each point's cell in a grid, among the cells that have points, in lexicographic order.
       points (M, D) and cell (1) or (D), the lengths of a cell, are floats of one type. count, or NULL: the number of cells. */
    int32_t (*grid_cluster)(const DLTensor *points, const DLTensor *cell, const DLTensor *labels, int64_t *count, char *message,
                            uint64_t message_size);

    /* order (M): the permutation that sorts the labels (M), equal ones in their order. */
    int32_t (*cluster_order)(const DLTensor *labels, const DLTensor *order, char *message, uint64_t message_size);

    /* ranges (C, 2): where each cluster begins and ends among the sorted points. The labels (M) may be in any order. */
    int32_t (*cluster_ranges)(const DLTensor *labels, const DLTensor *ranges, char *message, uint64_t message_size);

    /* centroids (C, D): weighted means of the points (M, D), with weights (M) or NULL for ones; totals (C), or NULL: sums of weights.
       Where weights add up to 0 the mean is that of equal weights; a cluster without points has NaN. */
    int32_t (*cluster_centroids)(const DLTensor *points, const DLTensor *labels, const DLTensor *weights, const DLTensor *centroids,
                                 const DLTensor *totals, char *message, uint64_t message_size);

    /* The other four tensors of block-sparse ranges, where keep (B, C), integers or booleans, says which blocks of rows ranges_i (B, 2)
       meet which blocks of columns ranges_j (C, 2). count, or NULL: the number of blocks kept. The four are all NULL to ask for that
       number only, else slices_i (B), redranges_j (count, 2), slices_j (C), redranges_i (count, 2); more rows are filled with (0, 0). */
    int32_t (*from_matrix)(const DLTensor *ranges_i, const DLTensor *ranges_j, const DLTensor *keep, const DLTensor *slices_i,
                           const DLTensor *redranges_j, const DLTensor *slices_j, const DLTensor *redranges_i, int64_t *count,
                           char *message, uint64_t message_size);
} keops_clusters_v1;

/* Step through entries by entry_size bytes: later versions may append fields. */
typedef struct {
    uint32_t struct_size;
    uint32_t abi_version;
    const char *name;
    const char *manifest; /* JSON */
    uint64_t manifest_size;
    uint32_t num_entries;
    uint32_t entry_size;
    const keops_entry_v1 *entries;
    const char *(*strerror)(int32_t status);
    const char *(*target)(void);
    const keops_clusters_v1 *clusters;
} keops_module;

/* The same symbol in every library: look it up with dlsym where several are loaded. */
const keops_module *keops_module_v1(void);

#endif /* KEOPS_ABI_VERSION */

#ifdef __cplusplus
}
#endif

#endif /* KEOPSC_ABI_H */
