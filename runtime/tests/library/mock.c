/* A library as the compiler would make it, by hand: `product(x, y)` gives c_i = sum_j x_i y_j in float32.
   Linked with the support object by loader.rs. -DVERSION=2 and the like make damaged variants. */
#include <stdint.h>

#ifndef VERSION
#define VERSION 1
#endif
#ifndef ENTRY_NAME
#define ENTRY_NAME "product"
#endif
#ifndef MODULE_BYTES
#define MODULE_BYTES sizeof(module)
#endif
#ifndef NUM_ENTRIES
#define NUM_ENTRIES 1
#endif
#ifndef FORMULA
#define FORMULA "Sum[j](x * y)"
#endif

enum { TILE = 16, F32 = 2, REQUIRES_NOTHING = 0, ROLE_I = 0, ROLE_J = 1 };
#define NO_TENSOR UINT32_MAX

typedef struct { const char *name; uint32_t dim; uint8_t role, dtype, is_output, finalize_reads; uint32_t gradient_of; } tensor_descriptor;
typedef struct { uint32_t tensor, dim; } read_descriptor;
typedef struct { uint32_t tensor, dim, offset, reserved; } write_descriptor;
typedef struct { uint32_t state_offset, record_offset, dim, element_size; } state_field;
typedef struct {
  uint8_t rows, columns, compute, reserved;
  uint32_t tile_rows, chunk, num_row_reads, num_column_reads, num_parameter_reads, num_writes;
  uint32_t row_values, column_values, parameter_values, state_size, result_size, pair_cost;
  uint32_t record_size, num_fields;
  uint32_t few_rows;
  uint32_t lanes, num_scatters;
  const read_descriptor *row_reads, *column_reads, *parameter_reads;
  const write_descriptor *writes;
  const state_field *fields;
  const void *scatters;
  void (*parameter_prologue)(void *);
  void (*row_prologue)(const void *, void *);
  void (*column_prologue)(const void *, void *);
  void (*initialize)(void *);
  void (*accumulate)(const void *, const void *, const void *, int64_t, int64_t, int64_t, void *);
  void (*accumulate_few)(const void *, const void *, const void *, int64_t, int64_t, int64_t, void *);
  void (*accumulate_across)(const void *, const void *, const void *, int64_t, int64_t, int64_t, int64_t, void *);
  void (*transpose)(const void *, int64_t, int64_t, int64_t, int64_t, void *);
  void (*merge_lanes)(void *, int64_t, int64_t, void *);
  void (*merge)(void *, const void *);
  void (*epilogue)(const void *, const void *, const void *, void *);
} pass_descriptor;
typedef struct { const char *name; uint32_t requirement, num_passes; const pass_descriptor *passes; } clone_descriptor;
typedef struct {
  const char *name;
  uint32_t num_tensors, num_temporaries;
  const tensor_descriptor *tensors;
  uint32_t num_clones, reserved;
  const clone_descriptor *clones;
  const void *for_ranges;
  const void *device;
} entry_descriptor;
typedef struct {
  uint32_t struct_size, num_tensors;
  const char *name;
  int32_t (*run)(const void *);
  int32_t (*prepare)(int32_t, int32_t);
  int32_t (*workspace)(const void *, uint64_t *);
#ifndef FIRST_ENTRY /* as before layer 3 */
  int32_t (*partial)(const void *, int64_t, void *, uint64_t);
  int32_t (*merge)(const void *, void *, const void *, uint64_t);
  int32_t (*finalize)(const void *, const void *, uint64_t);
  int64_t (*state_size)(int64_t);
  int64_t (*shard)(int64_t, int64_t);
#endif
} entry_point;
typedef struct {
  uint32_t struct_size, abi_version;
  const char *name, *manifest;
  uint64_t manifest_size;
  uint32_t num_entries, entry_size;
  const entry_point *entries;
  const char *(*strerror)(int32_t);
  const char *(*target)(void);
  const void *clusters;
} module_v1;

int32_t keops_support_plain(const entry_descriptor *, int64_t, int64_t, void *const *);
int32_t keops_support_run(const entry_descriptor *, const void *);
int32_t keops_support_prepare(const entry_descriptor *, int32_t, int32_t);
int32_t keops_support_workspace(const entry_descriptor *, const void *, uint64_t *);
int32_t keops_support_partial(const entry_descriptor *, const void *, int64_t, void *, uint64_t);
int32_t keops_support_merge(const entry_descriptor *, const void *, void *, const void *, uint64_t);
int32_t keops_support_finalize(const entry_descriptor *, const void *, const void *, uint64_t);
int64_t keops_support_state_size(const entry_descriptor *, int64_t);
int64_t keops_support_shard(const entry_descriptor *, int64_t, int64_t);
const char *keops_support_strerror(int32_t);
const char *keops_support_target(const entry_descriptor *);
extern const char keops_support_clusters[];

static void initialize(void *state) {
  for (int row = 0; row < TILE; row++) ((float *)state)[row] = 0;
}

static void accumulate(const void *parameters, const void *tile, const void *records, int64_t count, int64_t origin,
                       int64_t first, void *state) {
  (void)parameters, (void)origin, (void)first;
  initialize(state);
  for (int64_t column = 0; column < count; column++)
    for (int row = 0; row < TILE; row++) ((float *)state)[row] += ((const float *)tile)[row] * ((const float *)records)[column];
}

static void merge(void *left, const void *right) {
  for (int row = 0; row < TILE; row++) ((float *)left)[row] += ((const float *)right)[row];
}

static void epilogue(const void *parameters, const void *tile, const void *state, void *results) {
  (void)parameters, (void)tile;
  for (int row = 0; row < TILE; row++) ((float *)results)[row] = ((const float *)state)[row];
}

static const tensor_descriptor tensors[] = {
  {"x", 1, ROLE_I, F32, 0, 1, NO_TENSOR}, {"y", 1, ROLE_J, F32, 0, 0, NO_TENSOR}, {"c", 1, ROLE_I, F32, 1, 0, NO_TENSOR}
};
static const read_descriptor row_reads[] = {{0, 1}}, column_reads[] = {{1, 1}};
static const write_descriptor writes[] = {{2, 1, 0, 0}};
static const state_field fields[] = {{0, 0, 1, 4}};
static const pass_descriptor passes[] = {{
    .rows = ROLE_I, .columns = ROLE_J, .compute = F32, .tile_rows = TILE, .chunk = 128,
    .num_row_reads = 1, .num_column_reads = 1, .num_writes = 1, .row_values = 1, .column_values = 1,
    .state_size = 64, .result_size = 64, .pair_cost = 16, .record_size = 8, .num_fields = 1, .fields = fields,
    .row_reads = row_reads, .column_reads = column_reads, .writes = writes,
    .initialize = initialize, .accumulate = accumulate, .merge = merge, .epilogue = epilogue,
}};
static const clone_descriptor clones[] = {{"generic", REQUIRES_NOTHING, 1, passes}};
static const entry_descriptor product = {"product", 3, 0, tensors, 1, 0, clones, 0};

int32_t mock_product(int64_t M, int64_t N, const float *x, const float *y, float *c) {
  void *pointers[] = {(void *)x, (void *)y, c};
  return keops_support_plain(&product, M, N, pointers);
}

const char *mock_strerror(int32_t status) { return keops_support_strerror(status); }
const char *mock_target(void) { return keops_support_target(&product); }
static int32_t run(const void *call) { return keops_support_run(&product, call); }
static int32_t prepare(int32_t type, int32_t id) { return keops_support_prepare(&product, type, id); }
static int32_t workspace(const void *call, uint64_t *bytes) { return keops_support_workspace(&product, call, bytes); }

#ifdef FIRST_ENTRY
#define SHARDS ""
#define SHARD_FUNCTIONS
#else
static int32_t partial(const void *call, int64_t first, void *state, uint64_t size) {
  return keops_support_partial(&product, call, first, state, size);
}
static int32_t join(const void *call, void *state, const void *later, uint64_t size) {
  return keops_support_merge(&product, call, state, later, size);
}
static int32_t finalize(const void *call, const void *state, uint64_t size) { return keops_support_finalize(&product, call, state, size); }
static int64_t state_size(int64_t rows) { return keops_support_state_size(&product, rows); }
static int64_t shard(int64_t columns, int64_t shards) { return keops_support_shard(&product, columns, shards); }
#define SHARD_FUNCTIONS , partial, join, finalize, state_size, shard
#ifndef SHARDS
#define SHARDS \
    ",\"shards\":{\"over\":\"j\",\"rows\":\"i\",\"record_size\":8," \
    "\"fields\":[{\"name\":\"a0.s\",\"dtype\":\"f32\",\"count\":1,\"offset\":0}],\"finalize\":[\"x\"]}"
#endif
#endif

static const char manifest[] =
    "{\"abi_version\":1,\"compiler\":\"by hand\",\"name\":\"mock\",\"targets\":[\"generic\"],\"entries\":[{\"name\":\"" ENTRY_NAME
    "\",\"symbol\":\"mock_product\",\"formula\":\"" FORMULA "\",\"tensors\":["
    "{\"name\":\"x\",\"kind\":\"input\",\"role\":\"i\",\"shape\":[1],\"dtype\":\"f32\"},"
    "{\"name\":\"y\",\"kind\":\"input\",\"role\":\"j\",\"shape\":[1],\"dtype\":\"f32\"},"
    "{\"name\":\"c\",\"kind\":\"output\",\"role\":\"i\",\"shape\":[1],\"dtype\":\"f32\"}]" SHARDS "}]}";
static const entry_point entries[] = {{sizeof(entry_point), 3, "product", run, prepare, workspace SHARD_FUNCTIONS}};
static const module_v1 module = {
    MODULE_BYTES, VERSION, "mock", manifest, sizeof manifest - 1, NUM_ENTRIES, sizeof(entry_point), entries, mock_strerror, mock_target,
    keops_support_clusters,
};

const void *keops_module_v1(void) { return &module; }
