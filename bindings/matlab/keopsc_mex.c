/* The gateway of the toolbox: loads libraries that keopsc compiled, and calls them with arrays as Matlab and Octave hold them.
 *
 *     manifest = keopsc_mex('manifest', path)                               what the library offers, as JSON
 *     token    = keopsc_mex('load', path, entry, names, arguments, results, options)
 *     [a, ...] = keopsc_mex(token, x, y, ...)
 *
 * Of `load`, `names` has the names of the arguments; `arguments` and `results` have a column for each: its role (0: a column for each i,
 * 1: for each j, 2: a parameter), the length of a column, its class (0: single, 1: double, 2: int64), and the number of the entry's tensor
 * that it is (-1: none, the formula does not mention it). `options` are threads, device type and device.
 *
 * A matrix whose columns are points lies in memory as the library's row-major rows do, and further axes as its batch axes do, in
 * reverse. So nothing is copied but parameters of the other floating class. */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mex.h"

#include "keopsc_abi.h"

enum { MAX_TENSORS = 64, MAX_AXES = 10, NAME_SIZE = 64, MESSAGE_SIZE = 1024 };

enum role { ROLE_I, ROLE_J, ROLE_PARAMETER };

/* An argument or a result. */
struct variable {
    char name[NAME_SIZE];
    enum role role;
    int64_t length;
    int class; /* an index of CLASSES */
    int tensor;
};

struct kernel {
    void *handle; /* of dlopen; libraries stay loaded as long as the gateway */
    const keops_module *module;
    const keops_entry_v1 *entry;
    int num_arguments, num_results;
    struct variable arguments[MAX_TENSORS], results[MAX_TENSORS];
    int32_t threads, device_type, device_id;
};

static const struct {
    mxClassID class;
    DLDataType type;
    const char *name;
} CLASSES[] = {
    {mxSINGLE_CLASS, {2, 32, 1}, "single"},
    {mxDOUBLE_CLASS, {2, 64, 1}, "double"},
    {mxINT64_CLASS, {0, 64, 1}, "int64"},
};

/* Identifiers of errors, by status. */
static const char *const IDENTIFIERS[] = {
    [KEOPS_OK] = "keopsc:ok",
    [KEOPS_NULL_POINTER] = "keopsc:null",
    [KEOPS_SHAPE] = "keopsc:shape",
    [KEOPS_DTYPE] = "keopsc:class",
    [KEOPS_STRIDE] = "keopsc:stride",
    [KEOPS_DEVICE] = "keopsc:device",
    [KEOPS_ARGUMENTS] = "keopsc:arguments",
    [KEOPS_MEMORY] = "keopsc:memory",
    [KEOPS_TARGET] = "keopsc:target",
    [KEOPS_RANGES] = "keopsc:ranges",
    [KEOPS_UNSUPPORTED] = "keopsc:unsupported",
    [KEOPS_THREAD] = "keopsc:thread",
    [KEOPS_VALUE] = "keopsc:value",
    [KEOPS_DRIVER] = "keopsc:driver",
};

static struct kernel *kernels;
static size_t num_kernels;
static uint64_t session; /* tokens of other sessions, as saved with a workspace, name no kernel */

/* What a call keeps while it runs. There is one call at a time: Matlab and Octave run gateways on one thread. */
static struct {
    int64_t shapes[2 * MAX_TENSORS][MAX_AXES];
    DLTensor tensors[2 * MAX_TENSORS];
    const DLTensor *pointers[2 * MAX_TENSORS];
} scratch;

static void fail(const char *identifier, const char *format, ...)
{
    char text[MESSAGE_SIZE];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    mexErrMsgIdAndTxt(identifier, "%s", text);
}

static void fail_with_status(int32_t status, const char *text)
{
    bool known = status > 0 && (size_t)status < sizeof IDENTIFIERS / sizeof *IDENTIFIERS;
    fail(known ? IDENTIFIERS[status] : "keopsc:error", "%s", text);
}

/* ------------------------------------------------------------------------------------------------------------- loading */

static const keops_module *open_library(const mxArray *path, void **handle)
{
    char *text = mxArrayToString(path);
    if (!text)
        fail("keopsc:library", "the path of a library is a row of characters");
    *handle = dlopen(text, RTLD_NOW | RTLD_LOCAL);
    if (!*handle)
        fail("keopsc:library", "%s", dlerror());
    const keops_module *(*module)(void);
    *(void **)&module = dlsym(*handle, "keops_module_v1");
    if (!module)
        fail("keopsc:library", "%s was not made by keopsc: it has no keops_module_v1", text);
    if (module()->abi_version != KEOPS_ABI_VERSION)
        fail("keopsc:library", "%s has version %u of the ABI, and this toolbox knows version 1", text, (unsigned)module()->abi_version);
    mxFree(text);
    return module();
}

static void manifest(mxArray *plhs[], const mxArray *path)
{
    void *handle;
    plhs[0] = mxCreateString(open_library(path, &handle)->manifest);
    dlclose(handle);
}

static const keops_entry_v1 *find(const keops_module *module, const char *name)
{
    for (uint32_t k = 0; k < module->num_entries; k++) {
        const keops_entry_v1 *entry = (const void *)((const char *)module->entries + (size_t)k * module->entry_size);
        if (strcmp(entry->name, name) == 0)
            return entry;
    }
    fail("keopsc:library", "library %s has no entry %s", module->name, name);
    return NULL;
}

/* Reads the columns of `table`; returns how many there are. */
static int read_variables(struct variable *variables, const mxArray *table, const mxArray *names)
{
    size_t count = mxGetN(table);
    if (count > MAX_TENSORS)
        fail("keopsc:unsupported", "%zu arrays: a formula may have %d", count, MAX_TENSORS);
    for (size_t k = 0; k < count; k++) {
        const double *column = mxGetPr(table) + 4 * k;
        variables[k] = (struct variable){"", (enum role)column[0], (int64_t)column[1], (int)column[2], (int)column[3]};
        if (names)
            mxGetString(mxGetCell(names, k), variables[k].name, NAME_SIZE);
    }
    return (int)count;
}

static void load(mxArray *plhs[], const mxArray *prhs[])
{
    struct kernel kernel = {0};
    char entry[NAME_SIZE];
    kernel.module = open_library(prhs[0], &kernel.handle);
    mxGetString(prhs[1], entry, sizeof entry);
    kernel.entry = find(kernel.module, entry);
    kernel.num_arguments = read_variables(kernel.arguments, prhs[3], prhs[2]);
    kernel.num_results = read_variables(kernel.results, prhs[4], NULL);
    const double *options = mxGetPr(prhs[5]);
    kernel.threads = (int32_t)options[0];
    kernel.device_type = (int32_t)options[1];
    kernel.device_id = (int32_t)options[2];

    if (num_kernels == 0) {
        mexLock(); /* `clear all` would unload what function handles refer to */
        session = (uint64_t)time(NULL) << 32 ^ (uint64_t)getpid() << 20;
    }
    struct kernel *more = realloc(kernels, (num_kernels + 1) * sizeof *kernels);
    if (!more)
        fail("keopsc:memory", "out of memory");
    kernels = more;
    kernels[num_kernels] = kernel;
    plhs[0] = mxCreateNumericMatrix(1, 1, mxUINT64_CLASS, mxREAL);
    *(uint64_t *)mxGetData(plhs[0]) = session + num_kernels++;
}

/* ------------------------------------------------------------------------------------------------------------- calling */

/* What the arguments read so far agree on. */
struct extents {
    int64_t columns[2]; /* M and N, -1 where no argument tells it */
    const char *told_by[2];
    int num_batch; /* axes after the second, with lengths 1 where arguments differ no more than broadcasting allows */
    int64_t batch[MAX_AXES];
};

/* "3 x 5" */
static const char *dimensions_text(const mxArray *array)
{
    static char text[128];
    int used = 0;
    for (mwSize axis = 0; axis < mxGetNumberOfDimensions(array) && used < (int)sizeof text - 24; axis++)
        used += snprintf(text + used, sizeof text - (size_t)used, axis ? " x %lld" : "%lld", (long long)mxGetDimensions(array)[axis]);
    return text;
}

static void read_batch(struct extents *extents, const struct variable *variable, const mxArray *array)
{
    int count = (int)mxGetNumberOfDimensions(array) - 2;
    for (int axis = 0; axis < count; axis++) {
        int64_t length = (int64_t)mxGetDimensions(array)[axis + 2];
        if (axis == extents->num_batch)
            extents->batch[extents->num_batch++] = length;
        else if (extents->batch[axis] == 1)
            extents->batch[axis] = length;
        else if (length != 1 && length != extents->batch[axis])
            fail("keopsc:shape", "%s is %s: expected %lld or 1 in axis %d, as in the arrays before it", variable->name, dimensions_text(array),
                 (long long)extents->batch[axis], axis + 3);
    }
}

/* Refuses what has not the class and the shape that the formula asks for. */
static void check(struct extents *extents, const struct variable *variable, const mxArray *array)
{
    static const char letters[] = "MN", indices[] = "ij";
    const char *wanted = CLASSES[variable->class].name;
    bool is_parameter = variable->role == ROLE_PARAMETER, is_float = mxIsDouble(array) || mxIsSingle(array);
    if (mxIsSparse(array) || mxIsComplex(array))
        fail("keopsc:class", "%s is %s: expected a full, real array", variable->name, mxIsSparse(array) ? "sparse" : "complex");
    if (is_parameter ? !is_float : mxGetClassID(array) != CLASSES[variable->class].class)
        fail("keopsc:class", "%s is %s: expected %s", variable->name, mxGetClassName(array), wanted);
    if (mxGetNumberOfDimensions(array) > MAX_AXES)
        fail("keopsc:shape", "%s has more than %d axes", variable->name, MAX_AXES);

    int64_t length = (int64_t)mxGetDimensions(array)[0], columns = (int64_t)mxGetDimensions(array)[1];
    if (is_parameter) {
        bool is_row = mxGetNumberOfDimensions(array) == 2 && length == 1 && columns == variable->length;
        if (!is_row && (length != variable->length || columns != 1))
            fail("keopsc:shape", "%s is %s: expected %lld x 1, a parameter", variable->name, dimensions_text(array), (long long)variable->length);
    } else {
        if (length != variable->length)
            fail("keopsc:shape", "%s is %s: expected %lld x %c, a column for each %c", variable->name, dimensions_text(array),
                 (long long)variable->length, letters[variable->role], indices[variable->role]);
        if (extents->columns[variable->role] < 0) {
            extents->columns[variable->role] = columns;
            extents->told_by[variable->role] = variable->name;
        } else if (columns != extents->columns[variable->role]) {
            fail("keopsc:shape", "%s is %s: expected %lld columns, as in %s", variable->name, dimensions_text(array),
                 (long long)extents->columns[variable->role], extents->told_by[variable->role]);
        }
    }
    read_batch(extents, variable, array);
}

/* The data of a parameter, in the class that the library was compiled for. */
static void *converted(const mxArray *array, int class)
{
    size_t count = mxGetNumberOfElements(array);
    if (mxGetClassID(array) == CLASSES[class].class)
        return mxGetData(array);
    if (class == 0) {
        float *copy = mxMalloc(count * sizeof *copy);
        for (size_t k = 0; k < count; k++)
            copy[k] = (float)((const double *)mxGetData(array))[k];
        return copy;
    }
    double *copy = mxMalloc(count * sizeof *copy);
    for (size_t k = 0; k < count; k++)
        copy[k] = ((const float *)mxGetData(array))[k];
    return copy;
}

/* Describes an array of a variable's shape to the library: the axes in reverse, for parameters without the second one. */
static void describe(const struct variable *variable, const mxArray *array, void *data)
{
    int axes = (int)mxGetNumberOfDimensions(array), ndim = 0;
    int64_t *shape = scratch.shapes[variable->tensor];
    for (int axis = axes - 1; axis >= 2; axis--)
        shape[ndim++] = (int64_t)mxGetDimensions(array)[axis];
    if (variable->role != ROLE_PARAMETER)
        shape[ndim++] = (int64_t)mxGetDimensions(array)[1];
    shape[ndim++] = variable->length;
    scratch.tensors[variable->tensor] = (DLTensor){data, {1, 0}, ndim, CLASSES[variable->class].type, shape, NULL, 0};
    scratch.pointers[variable->tensor] = &scratch.tensors[variable->tensor];
}

static mxArray *create_result(const struct variable *variable, const struct extents *extents)
{
    mwSize shape[MAX_AXES] = {(mwSize)variable->length, 1};
    if (variable->role != ROLE_PARAMETER)
        shape[1] = extents->columns[variable->role] < 0 ? 1 : (mwSize)extents->columns[variable->role];
    for (int axis = 0; axis < extents->num_batch; axis++)
        shape[axis + 2] = (mwSize)extents->batch[axis];
    return mxCreateUninitNumericArray((mwSize)(2 + extents->num_batch), shape, CLASSES[variable->class].class, mxREAL);
}

static void run(const struct kernel *kernel, int nlhs, mxArray *plhs[], int nrhs, const mxArray *prhs[])
{
    if (nrhs != kernel->num_arguments)
        fail("keopsc:arguments", "%d arrays given: expected %d", nrhs, kernel->num_arguments);
    if (nlhs > kernel->num_results)
        fail("keopsc:arguments", "%d results asked for: there are %d", nlhs, kernel->num_results);

    struct extents extents = {{-1, -1}, {NULL, NULL}, 0, {0}};
    for (int k = 0; k < nrhs; k++)
        check(&extents, &kernel->arguments[k], prhs[k]);
    for (int k = 0; k < nrhs; k++)
        if (kernel->arguments[k].tensor >= 0)
            describe(&kernel->arguments[k], prhs[k], converted(prhs[k], kernel->arguments[k].class));
    mxArray *results[MAX_TENSORS];
    for (int k = 0; k < kernel->num_results; k++) {
        results[k] = create_result(&kernel->results[k], &extents);
        describe(&kernel->results[k], results[k], mxGetData(results[k]));
    }

    char message[MESSAGE_SIZE] = "";
    keops_call call = {0};
    call.struct_size = sizeof call;
    call.num_tensors = kernel->entry->num_tensors;
    call.tensors = scratch.pointers;
    call.rows_i = extents.columns[ROLE_I];
    call.rows_j = extents.columns[ROLE_J];
    call.threads = kernel->threads;
    call.device_type = kernel->device_type;
    call.device_id = kernel->device_id;
    call.message = message;
    call.message_size = sizeof message;
    int32_t status = kernel->entry->run(&call);
    if (status != KEOPS_OK)
        fail_with_status(status, *message ? message : kernel->module->strerror(status));

    plhs[0] = results[0];
    for (int k = 1; k < kernel->num_results; k++) {
        if (k < nlhs)
            plhs[k] = results[k];
        else
            mxDestroyArray(results[k]);
    }
}

void mexFunction(int nlhs, mxArray *plhs[], int nrhs, const mxArray *prhs[])
{
    char command[16] = "";
    if (nrhs >= 1 && mxGetClassID(prhs[0]) == mxUINT64_CLASS && mxGetNumberOfElements(prhs[0]) == 1) {
        uint64_t number = *(const uint64_t *)mxGetData(prhs[0]) - session;
        if (number >= num_kernels)
            fail("keopsc:handle", "this function is of another session: make it again by keops_kernel");
        run(&kernels[number], nlhs, plhs, nrhs - 1, prhs + 1);
        return;
    }
    if (nrhs >= 1 && mxIsChar(prhs[0]))
        mxGetString(prhs[0], command, sizeof command);
    if (strcmp(command, "manifest") == 0 && nrhs == 2)
        manifest(plhs, prhs[1]);
    else if (strcmp(command, "load") == 0 && nrhs == 7)
        load(plhs, prhs + 1);
    else
        fail("keopsc:arguments", "keopsc_mex is called by what keops_kernel returns");
}
