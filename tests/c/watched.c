/* Calls every entry of a library with memory that ends where its tensors do, for valgrind to watch: tests/python/test_valgrind.py.
 *
 *     watched LIBRARY CALLS [beyond | race]
 *
 * A call in the file CALLS is numbers: entry, rows i, rows j, batch, threads, shards (0: one call), how many rows are reduced and how many
 * records a state has, whether there are ranges and a workspace of the caller's, how many tensors; and for each of these its DLPack code and
 * bits, whether it is written, its rows (-1: a parameter) and elements a row, and whether each batch element has its own. Results are looked
 * at bit by bit, so that one that was never written shows, and printed as a number. `beyond` claims one more row than there is in the first
 * tensor, `race` lets two threads write the same results: what watches has to see these. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <inttypes.h>
#include <pthread.h>

#include "keopsc_abi.h"

#include "check.h"

enum { MOST_TENSORS = 16, DIMENSIONS = 3 };

typedef struct {
    DLTensor tensor;
    int64_t shape[DIMENSIONS];
    size_t size;
    int is_result;
} Argument;

typedef struct {
    const keops_entry_v1 *entry;
    keops_call call;
} Work;

static uint32_t state = 1;

static uint32_t number(void)
{
    state = state * 1664525u + 1013904223u;
    return state >> 8;
}

/* Numbers between -1 and 1, of 8 bits: exact in all types. */
static void fill(Argument *a)
{
    int bits = a->tensor.dtype.bits / (a->tensor.dtype.code == 5 ? 2 : 1);
    size_t count = a->size / (size_t)(bits / 8);
    for (size_t k = 0; k < count; k++) {
        double value = ((double)(number() % 257) - 128) / 128;
        float narrow = (float)value;
        if (bits == 64)
            ((double *)a->tensor.data)[k] = value;
        else if (bits == 32)
            ((float *)a->tensor.data)[k] = narrow;
        else {
            uint32_t pattern;
            memcpy(&pattern, &narrow, sizeof pattern);
            uint32_t exponent = pattern >> 23 & 255;
            uint16_t half = (uint16_t)(exponent < 113 ? 0 : (pattern >> 16 & 0x8000) | (exponent - 112) << 10 | (pattern >> 13 & 0x3ff));
            ((uint16_t *)a->tensor.data)[k] = a->tensor.dtype.code == 4 ? (uint16_t)(pattern >> 16) : half;
        }
    }
}

/* valgrind takes -(a b) + c for -(a b - c), which gives zeros another sign. */
static void drop_signs_of_zeros(Argument *a)
{
    size_t size = a->tensor.dtype.bits / (a->tensor.dtype.code == 5 ? 16 : 8);
    unsigned char *byte = a->tensor.data;
    for (size_t begin = 0; a->tensor.dtype.code != 0 && begin < a->size; begin += size) {
        unsigned char rest = byte[begin + size - 1] ^ 0x80;
        for (size_t k = 0; k + 1 < size; k++)
            rest |= byte[begin + k];
        if (rest == 0)
            byte[begin + size - 1] = 0;
    }
}

static void read_tensor(FILE *file, Argument *a, int64_t batch)
{
    int code, bits, is_result, has_batch;
    int64_t rows, elements;
    REQUIRE(fscanf(file, "%d %d %d %" SCNd64 " %" SCNd64 " %d", &code, &bits, &is_result, &rows, &elements, &has_batch) == 6);
    memset(a, 0, sizeof *a);
    int own = rows < 0 ? 1 : 2;
    a->shape[0] = has_batch ? batch : 1;
    a->shape[1] = rows < 0 ? elements : rows;
    a->shape[2] = elements;
    a->tensor.device.device_type = 1;
    a->tensor.ndim = own + 1;
    a->tensor.dtype.code = (uint8_t)code;
    a->tensor.dtype.bits = (uint8_t)bits;
    a->tensor.dtype.lanes = 1;
    a->tensor.shape = a->shape;
    a->size = (size_t)(a->shape[0] * (rows < 0 ? 1 : rows) * elements) * (size_t)bits / 8;
    a->tensor.data = malloc(a->size);
    a->is_result = is_result;
    if (!is_result)
        fill(a);
}

/* Blocks of rows 0 to M/2, which meet all columns, and from there on, which meet those from N/2 on. */
static void set_ranges(keops_call *call, int64_t M, int64_t N, DLTensor *tensors, const DLTensor **pointers)
{
    int64_t m = M / 2, n = N / 2;
    const int64_t values[6][6] = {{0, m, m, M}, {2, 3}, {0, n, n, N, n, N}, {0, n, n, N}, {1, 3}, {0, m, 0, m, m, M}};
    static const int64_t rows[6] = {2, 2, 3, 2, 2, 3};
    for (int k = 0; k < 6; k++) {
        int width = k % 3 == 1 ? 1 : 2;
        int64_t *shape = malloc(sizeof *shape * (size_t)width), *data = malloc(sizeof *data * (size_t)(rows[k] * width));
        shape[0] = rows[k];
        if (width == 2)
            shape[1] = 2;
        memcpy(data, values[k], sizeof *data * (size_t)(rows[k] * width));
        memset(&tensors[k], 0, sizeof tensors[k]);
        tensors[k].data = data;
        tensors[k].device.device_type = 1;
        tensors[k].ndim = width;
        tensors[k].dtype.bits = 64;
        tensors[k].dtype.lanes = 1;
        tensors[k].shape = shape;
        pointers[k] = &tensors[k];
    }
    call->ranges = pointers;
}

static void *run(void *argument)
{
    Work *work = argument;
    int32_t status = work->entry->run(&work->call);
    if (status)
        fprintf(stderr, "%s: status %d: %s\n", work->entry->name, status, work->call.message);
    return status ? argument : NULL;
}

static void race(const Work *work)
{
    Work works[2] = {*work, *work};
    pthread_t threads[2];
    works[0].call.message = works[1].call.message = NULL;
    for (int k = 0; k < 2; k++)
        REQUIRE(pthread_create(&threads[k], NULL, run, &works[k]) == 0);
    for (int k = 0; k < 2; k++)
        REQUIRE(pthread_join(threads[k], NULL) == 0);
}

/* The N rows that are reduced are cut into stretches, which are views of the tensors. */
static void in_shards(const Work *work, Argument *arguments, int inputs, int64_t N, int64_t shards, int64_t records)
{
    const keops_entry_v1 *entry = work->entry;
    REQUIRE(entry->partial);
    uint64_t size = (uint64_t)entry->state_size(records);
    int64_t length = (N + shards - 1) / shards, strides[MOST_TENSORS][DIMENSIONS];
    void *first_state = NULL;
    for (int64_t begin = 0; begin < N; begin += length) {
        int64_t columns = begin + length < N ? length : N - begin;
        DLTensor views[MOST_TENSORS];
        int64_t shapes[MOST_TENSORS][DIMENSIONS];
        const DLTensor *pointers[MOST_TENSORS];
        for (int k = 0; k < inputs; k++) {
            Argument *a = &arguments[k];
            views[k] = a->tensor;
            memcpy(shapes[k], a->shape, sizeof shapes[k]);
            pointers[k] = &views[k];
            if (a->tensor.ndim == DIMENSIONS && a->shape[1] == N) {
                strides[k][0] = N * a->shape[2];
                strides[k][1] = a->shape[2];
                strides[k][2] = 1;
                shapes[k][1] = columns;
                views[k].strides = strides[k];
                views[k].byte_offset = (uint64_t)(begin * a->shape[2] * a->tensor.dtype.bits / 8);
            }
            views[k].shape = shapes[k];
        }
        keops_call call = work->call;
        call.tensors = pointers;
        call.num_tensors = (uint32_t)inputs;
        call.rows_i = call.rows_i == N ? columns : call.rows_i;
        call.rows_j = call.rows_j == N ? columns : call.rows_j;
        void *now = malloc(size);
        int32_t status = entry->partial(&call, begin, now, size);
        if (status)
            fprintf(stderr, "%s: status %d: %s\n", entry->name, status, call.message);
        REQUIRE(status == KEOPS_OK);
        if (first_state) {
            REQUIRE(entry->merge(&call, first_state, now, size) == KEOPS_OK);
            free(now);
        } else
            first_state = now;
    }
    REQUIRE(entry->finalize(&work->call, first_state, size) == KEOPS_OK);
    free(first_state);
}

int main(int count, char **words)
{
    REQUIRE(count >= 3);
    void *library = dlopen(words[1], RTLD_NOW | RTLD_LOCAL);
    REQUIRE(library);
    const keops_module *(*get)(void);
    *(void **)&get = dlsym(library, "keops_module_v1");
    const keops_module *module = get();
    FILE *file = fopen(words[2], "r");
    REQUIRE(file);
    const char *mode = count > 3 ? words[3] : "";
    char name[64];
    int64_t M, N, batch, shards, over, records;
    int threads, has_ranges, has_workspace, total;
    while (fscanf(file, "%63s %" SCNd64 " %" SCNd64 " %" SCNd64 " %d %" SCNd64 " %" SCNd64 " %" SCNd64 " %d %d %d", name, &M, &N, &batch, &threads,
                  &shards, &over, &records, &has_ranges, &has_workspace, &total) == 11) {
        Work work = {find(module, name), {0}};
        REQUIRE(work.entry && total <= MOST_TENSORS);
        Argument arguments[MOST_TENSORS];
        const DLTensor *pointers[MOST_TENSORS], *ranges[6];
        DLTensor range_tensors[6];
        char message[300];
        int inputs = 0;
        state = 1;
        for (int k = 0; k < total; k++) {
            read_tensor(file, &arguments[k], batch);
            pointers[k] = &arguments[k].tensor;
            inputs += !arguments[k].is_result;
        }
        keops_call *call = &work.call;
        call->struct_size = sizeof *call;
        call->num_tensors = (uint32_t)total;
        call->tensors = pointers;
        call->rows_i = M;
        call->rows_j = N;
        call->threads = threads;
        call->message = message;
        call->message_size = sizeof message;
        if (has_ranges)
            set_ranges(call, M, N, range_tensors, ranges);
        if (strcmp(mode, "beyond") == 0) {
            int64_t *shape = arguments[0].shape;
            call->rows_i = -1;
            for (int k = 0; k < total; k++)
                if (arguments[k].tensor.ndim == DIMENSIONS && arguments[k].shape[1] == shape[1] && &arguments[k] != &arguments[0])
                    arguments[k].shape[1]++, arguments[k].tensor.data = calloc(2, arguments[k].size);
            shape[1]++;
        }
        if (has_workspace) {
            REQUIRE(work.entry->workspace(call, &call->workspace_size) == KEOPS_OK);
            call->workspace = malloc(call->workspace_size);
        }
        if (strcmp(mode, "race") == 0)
            race(&work);
        else if (shards)
            in_shards(&work, arguments, inputs, over, shards, records);
        else
            REQUIRE(run(&work) == NULL);
        uint64_t digest = 14695981039346656037u;
        int odd = 0;
        for (int k = 0; k < total; k++) {
            if (arguments[k].is_result)
                drop_signs_of_zeros(&arguments[k]);
            for (size_t b = 0; arguments[k].is_result && b < arguments[k].size; b++) {
                digest = (digest ^ ((unsigned char *)arguments[k].tensor.data)[b]) * 1099511628211u;
                if (digest & 1)
                    odd++;
            }
            free(arguments[k].tensor.data);
        }
        free(call->workspace);
        for (int k = 0; has_ranges && k < 6; k++) {
            free(range_tensors[k].data);
            free(range_tensors[k].shape);
        }
        printf("%s %016" PRIx64 " %d\n", name, digest, odd);
    }
    fclose(file);
    REQUIRE(dlclose(library) == 0);
    return 0;
}
