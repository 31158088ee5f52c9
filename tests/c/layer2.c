/* Layer 2 from C: libgauss.so's table of entries, a strided batch, and the message of a call that cannot be carried out.
 * Exits with a message that names the line that failed. */
#include <math.h>

#include "gauss.h"

#include "check.h"

enum { BATCH = 2, M = 4, N = 5, D = 3 };

static DLTensor tensor(float *data, int ndim, int64_t *shape, int64_t *strides)
{
    DLTensor t;
    memset(&t, 0, sizeof t);
    t.data = data;
    t.device.device_type = 1;
    t.ndim = ndim;
    t.dtype.code = 2;
    t.dtype.bits = 32;
    t.dtype.lanes = 1;
    t.shape = shape;
    t.strides = strides;
    return t;
}

static DLTensor integers(int64_t *data, int ndim, int64_t *shape)
{
    DLTensor t = tensor(NULL, ndim, shape, NULL);
    t.data = data;
    t.dtype.code = 0;
    t.dtype.bits = 64;
    return t;
}

/* Points on a line in cells of length 1; each meets the points of its own cell. */
static void check_ranges(const keops_module *module, const keops_entry_v1 *conv)
{
    enum { POINTS = 6, CELLS = 3 };
    const keops_clusters_v1 *clusters = module->clusters;
    float x[POINTS][D] = {{0.1f}, {0.7f}, {3.2f}, {3.3f}, {3.9f}, {7.5f}}, b[POINTS] = {1, 2, 3, 4, 5, 6}, sigma[1] = {1}, cell[1] = {1};
    float result[POINTS];
    int64_t labels[POINTS], ranges[CELLS][2], ends[CELLS], columns[CELLS][2], count;
    int64_t x_shape[] = {POINTS, D}, b_shape[] = {POINTS, 1}, one[] = {1}, list[] = {POINTS}, pairs[] = {CELLS, 2}, blocks[] = {CELLS};
    int64_t keep_shape[] = {CELLS, CELLS}, keep[CELLS][CELLS] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    DLTensor points = tensor(&x[0][0], 2, x_shape, NULL), weights = tensor(b, 2, b_shape, NULL), width = tensor(sigma, 1, one, NULL);
    DLTensor sums = tensor(result, 2, b_shape, NULL), length = tensor(cell, 1, one, NULL), matrix = integers(&keep[0][0], 2, keep_shape);
    DLTensor label = integers(labels, 1, list), range = integers(&ranges[0][0], 2, pairs);
    DLTensor end = integers(ends, 1, blocks), column = integers(&columns[0][0], 2, pairs);
    char message[200];
    REQUIRE(clusters->struct_size >= sizeof *clusters);
    REQUIRE(clusters->grid_cluster(&points, &length, &label, &count, message, sizeof message) == KEOPS_OK && count == CELLS);
    REQUIRE(clusters->cluster_ranges(&label, &range, message, sizeof message) == KEOPS_OK);
    REQUIRE(ranges[1][0] == 2 && ranges[1][1] == 5);
    REQUIRE(clusters->from_matrix(&range, &range, &matrix, NULL, NULL, NULL, NULL, &count, NULL, 0) == KEOPS_OK && count == CELLS);
    int64_t more_ends[CELLS], more_columns[CELLS][2];
    DLTensor end_j = integers(more_ends, 1, blocks), column_i = integers(&more_columns[0][0], 2, pairs);
    REQUIRE(clusters->from_matrix(&range, &range, &matrix, &end, &column, &end_j, &column_i, NULL, NULL, 0) == KEOPS_OK);

    const DLTensor *six[] = {&range, &end, &column, &range, &end_j, &column_i};
    const DLTensor *tensors[] = {&points, &points, &weights, &width, &sums};
    keops_call call;
    memset(&call, 0, sizeof call);
    call.struct_size = sizeof call;
    call.num_tensors = 5;
    call.tensors = tensors;
    call.rows_i = call.rows_j = -1;
    call.ranges = six;
    REQUIRE(conv->run(&call) == KEOPS_OK);
    for (int i = 0; i < POINTS; i++) {
        double sum = 0;
        for (int j = 0; j < POINTS; j++)
            if (labels[i] == labels[j])
                sum += exp(-pow((double)x[i][0] - x[j][0], 2)) * b[j];
        REQUIRE(fabs(result[i] - sum) <= 1e-5 * sum);
    }
}

int main(void)
{
    const keops_module *module = keops_module_v1();
    REQUIRE(module->abi_version == KEOPS_ABI_VERSION);
    REQUIRE(module->struct_size >= sizeof(keops_module));
    REQUIRE(strcmp(module->name, "gauss") == 0);
    REQUIRE(strlen(module->manifest) == module->manifest_size);
    REQUIRE(find(module, "nothing") == NULL);
    const keops_entry_v1 *conv = find(module, "conv");
    REQUIRE(conv != NULL && conv->num_tensors == 5);
    REQUIRE(conv->prepare(1, 0) == KEOPS_OK);
    REQUIRE(module->target() != NULL);

    /* x: one column-major matrix a batch element; y and b are shared. */
    float x[BATCH][D][M], y[N][D], b[N], sigma[1] = {0.5f}, result[BATCH][M];
    for (int k = 0; k < BATCH * D * M; k++)
        (&x[0][0][0])[k] = (float)sin(k);
    for (int k = 0; k < N * D; k++)
        (&y[0][0])[k] = (float)cos(k);
    for (int j = 0; j < N; j++)
        b[j] = (float)(j + 1);

    int64_t x_shape[] = {BATCH, M, D}, x_strides[] = {D * M, 1, M}, y_shape[] = {N, D}, b_shape[] = {N, 1}, sigma_shape[] = {1};
    int64_t result_shape[] = {BATCH, M, 1};
    DLTensor tensors[] = {tensor(&x[0][0][0], 3, x_shape, x_strides), tensor(&y[0][0], 2, y_shape, NULL), tensor(b, 2, b_shape, NULL),
                          tensor(sigma, 1, sigma_shape, NULL), tensor(&result[0][0], 3, result_shape, NULL)};
    const DLTensor *pointers[5];
    for (int k = 0; k < 5; k++)
        pointers[k] = &tensors[k];

    char message[200];
    keops_call call;
    memset(&call, 0, sizeof call);
    call.struct_size = sizeof call;
    call.num_tensors = 5;
    call.tensors = pointers;
    call.rows_i = call.rows_j = -1;
    call.message = message;
    call.message_size = sizeof message;
    REQUIRE(conv->run(&call) == KEOPS_OK);
    REQUIRE(strcmp(message, "") == 0);

    for (int batch = 0; batch < BATCH; batch++)
        for (int i = 0; i < M; i++) {
            double sum = 0;
            for (int j = 0; j < N; j++) {
                double distance = 0;
                for (int d = 0; d < D; d++)
                    distance += pow((double)x[batch][d][i] - y[j][d], 2);
                sum += exp(-distance / 0.25) * b[j];
            }
            REQUIRE(fabs(result[batch][i] - sum) <= 1e-5 * fabs(sum));
        }

    check_ranges(module, conv);

    uint64_t bytes = 0;
    REQUIRE(conv->workspace(&call, &bytes) == KEOPS_OK && bytes > 0);

    y_shape[1] = 2;
    REQUIRE(conv->run(&call) == KEOPS_SHAPE);
    REQUIRE(strcmp(message, "conv: tensor y: expected shape (batch..., N, 3), given shape (5, 2)") == 0);
    REQUIRE(strcmp(gauss_strerror(KEOPS_SHAPE), module->strerror(KEOPS_SHAPE)) == 0);
    return 0;
}
