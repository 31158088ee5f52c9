/* Layer 3 from C: libgauss.so's conv and nn in shards, through the plain functions and through the table of entries.
 * Exits with a message that names the line that failed. */
#include <math.h>

#include "gauss.h"

#include "check.h"

enum { M = 37, N = 1234, D = 3, SHARDS = 5 };

static float x[M * D], y[N * D], b[N], sigma[1] = {0.5f};

static void plain_functions(void)
{
    float whole[M], result[M];
    void *state[SHARDS];
    REQUIRE(gauss_conv(M, N, x, y, b, sigma, whole) == KEOPS_OK);

    int64_t length = gauss_conv_shard(N, SHARDS), count = (N + length - 1) / length;
    REQUIRE(length > 0 && count > 1 && count <= SHARDS);
    REQUIRE(gauss_conv_shard(N, 0) == -1 && gauss_conv_state_size(-1) == -1);
    for (int64_t r = 0; r < count; r++) {
        int64_t first = r * length, rows = first + length < N ? length : N - first;
        state[r] = malloc((size_t)gauss_conv_state_size(M));
        REQUIRE(gauss_conv_partial(M, rows, first, x, y + D * first, b + first, sigma, state[r]) == KEOPS_OK);
    }
    for (int64_t step = 1; step < count; step *= 2)
        for (int64_t r = 0; r + step < count; r += 2 * step)
            REQUIRE(gauss_conv_merge(M, state[r], state[r + step]) == KEOPS_OK);
    REQUIRE(gauss_conv_finalize(M, N, x, NULL, NULL, sigma, state[0], result) == KEOPS_OK);
    REQUIRE(memcmp(whole, result, sizeof whole) == 0);
    REQUIRE(gauss_conv_merge(M, state[0], state[0]) == KEOPS_STRIDE);
    for (int64_t r = 0; r < count; r++)
        free(state[r]);
}

static DLTensor tensor(void *data, uint8_t code, uint8_t bits, int64_t *shape)
{
    DLTensor t;
    memset(&t, 0, sizeof t);
    t.data = data;
    t.device.device_type = 1;
    t.ndim = 2;
    t.dtype.code = code;
    t.dtype.bits = bits;
    t.dtype.lanes = 1;
    t.shape = shape;
    return t;
}

/* The nearest y of each x, in two halves, the second one first. */
static void table_of_entries(void)
{
    const keops_entry_v1 *nn = find(keops_module_v1(), "nn");
    REQUIRE(nn != NULL && nn->struct_size >= sizeof *nn && nn->partial != NULL);
    REQUIRE(find(keops_module_v1(), "conv_s")->partial == NULL);

    int64_t half = N / 2, x_shape[] = {M, D}, y_shape[] = {half, D}, result_shape[] = {M, 1};
    int64_t whole[M], result[M], later[2 * M], state[2 * M];
    REQUIRE(gauss_nn(M, N, x, y, whole) == KEOPS_OK);
    REQUIRE(nn->state_size(M) == (int64_t)sizeof state && nn->shard(N, 2) >= half);

    DLTensor tensors[] = {tensor(x, 2, 32, x_shape), tensor(y + D * half, 2, 32, y_shape), tensor(result, 0, 64, result_shape)};
    const DLTensor *pointers[] = {&tensors[0], &tensors[1], &tensors[2]};
    char message[200];
    keops_call call;
    memset(&call, 0, sizeof call);
    call.struct_size = sizeof call;
    call.num_tensors = 2;
    call.tensors = pointers;
    call.rows_i = call.rows_j = -1;
    call.message = message;
    call.message_size = sizeof message;
    REQUIRE(nn->partial(&call, half, later, sizeof later) == KEOPS_OK);
    tensors[1].data = y;
    REQUIRE(nn->partial(&call, 0, state, sizeof state) == KEOPS_OK);
    REQUIRE(nn->merge(&call, state, later, sizeof state) == KEOPS_OK);
    pointers[1] = NULL;
    call.num_tensors = 3;
    REQUIRE(nn->finalize(&call, state, sizeof state) == KEOPS_OK);
    REQUIRE(memcmp(whole, result, sizeof whole) == 0);

    REQUIRE(nn->finalize(&call, state, sizeof state - 16) == KEOPS_SHAPE);
    REQUIRE(strcmp(message, "nn: state has 576 bytes, expected 592 (37 rows of 16 bytes)") == 0);
}

int main(void)
{
    for (int k = 0; k < M * D; k++)
        x[k] = (float)sin(k);
    for (int k = 0; k < N * D; k++)
        y[k] = (float)cos(k);
    for (int j = 0; j < N; j++)
        b[j] = (float)(j % 7) - 3;
    plain_functions();
    table_of_entries();
    return 0;
}
