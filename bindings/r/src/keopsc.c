/* The glue between R and libraries that keopsc compiled: loads them, and calls them with arrays as R holds them.
 *
 *     .Call(keopsc_manifest, path)                                                 what the library offers, as JSON
 *     .Call(keopsc_load, path, entry, names, arguments, results, options)          an external pointer, the handle
 *     .Call(keopsc_run, handle, arrays, transposed)                                the result, or a list of them
 *
 * Of keopsc_load, `names` has the names of the arguments; `arguments` and `results` are integer matrices with a column for each: its role
 * (0: a row for each i, 1: for each j, 2: a parameter), the length of a row, its type (an index of TYPES), and the number of the entry's tensor
 * that it is (-1: none, the formula does not mention it). `options` are threads, device type, device, and the number of the first row.
 *
 * What cannot be computed is returned as two texts, the kind of the error and its message, of which R makes a condition; so no error jumps
 * over this code. keopsc_run returns NULL where the handle is of another process.
 *
 * A matrix of R lies in memory column by column, which strides tell the library: nothing is copied but what has not the type that the
 * library computes with: integers, all numbers in float32, and row numbers, which R has in 32 bits. */
#include <dlfcn.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define R_NO_REMAP
#include <R.h>
#include <R_ext/Rdynload.h>
#include <Rinternals.h>

#include "keopsc_abi.h"

enum { MAX_TENSORS = 64, MAX_AXES = 10, NAME_SIZE = 64, MESSAGE_SIZE = 1024 };

enum role { ROLE_I, ROLE_J, ROLE_PARAMETER };

enum type { TYPE_F32, TYPE_F64, TYPE_I64, TYPE_C64, TYPE_C128 };

static const struct {
    DLDataType type;
    size_t size;
    bool is_complex;
} TYPES[] = {
    [TYPE_F32] = {{2, 32, 1}, sizeof(float), false},    [TYPE_F64] = {{2, 64, 1}, sizeof(double), false},
    [TYPE_I64] = {{0, 64, 1}, sizeof(int64_t), false},  [TYPE_C64] = {{5, 64, 1}, 2 * sizeof(float), true},
    [TYPE_C128] = {{5, 128, 1}, sizeof(Rcomplex), true},
};

/* The kinds of errors, by status. */
static const char *const KINDS[] = {
    [KEOPS_OK] = "error",
    [KEOPS_NULL_POINTER] = "null",
    [KEOPS_SHAPE] = "shape",
    [KEOPS_DTYPE] = "class",
    [KEOPS_STRIDE] = "stride",
    [KEOPS_DEVICE] = "device",
    [KEOPS_ARGUMENTS] = "arguments",
    [KEOPS_MEMORY] = "memory",
    [KEOPS_TARGET] = "target",
    [KEOPS_RANGES] = "ranges",
    [KEOPS_UNSUPPORTED] = "unsupported",
    [KEOPS_THREAD] = "thread",
    [KEOPS_VALUE] = "value",
    [KEOPS_DRIVER] = "driver",
};

/* An argument or a result. */
struct variable {
    char name[NAME_SIZE];
    enum role role;
    int64_t length;
    enum type type;
    int tensor;
};

struct kernel {
    void *library; /* of dlopen */
    const keops_module *module;
    const keops_entry_v1 *entry;
    int num_arguments, num_results;
    struct variable arguments[MAX_TENSORS], results[MAX_TENSORS];
    int32_t threads, device_type, device_id;
    int first; /* the number of the first row: 0 or 1 */
};

/* ------------------------------------------------------------------------------------------------------------- errors */

struct failure {
    const char *kind; /* NULL: there is none */
    char message[MESSAGE_SIZE];
};

/* Notes a failure; returns false, for the callers to return. */
static bool fail(struct failure *failure, const char *kind, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(failure->message, sizeof failure->message, format, values);
    va_end(values);
    failure->kind = kind;
    return false;
}

static SEXP as_texts(const struct failure *failure)
{
    SEXP texts = PROTECT(Rf_allocVector(STRSXP, 2));
    SET_STRING_ELT(texts, 0, Rf_mkChar(failure->kind));
    SET_STRING_ELT(texts, 1, Rf_mkCharCE(failure->message, CE_UTF8));
    UNPROTECT(1);
    return texts;
}

/* ------------------------------------------------------------------------------------------------------------ loading */

static const keops_module *open_library(const char *path, void **library, struct failure *failure)
{
    *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!*library) {
        fail(failure, "library", "%s", dlerror());
        return NULL;
    }
    const keops_module *(*module)(void);
    *(void **)&module = dlsym(*library, "keops_module_v1");
    if (module && module()->abi_version == KEOPS_ABI_VERSION)
        return module();
    if (module)
        fail(failure, "library", "%s has version %u of the ABI, and this package knows version %d: install the package of the same release", path,
             (unsigned)module()->abi_version, KEOPS_ABI_VERSION);
    else
        fail(failure, "library", "%s was not made by keopsc: it has no keops_module_v1", path);
    dlclose(*library);
    return NULL;
}

static SEXP keopsc_manifest(SEXP path)
{
    void *library;
    struct failure failure = {NULL, ""};
    const keops_module *module = open_library(CHAR(STRING_ELT(path, 0)), &library, &failure);
    if (!module)
        return as_texts(&failure);
    char *copy = R_alloc(module->manifest_size + 1, 1);
    memcpy(copy, module->manifest, module->manifest_size);
    copy[module->manifest_size] = 0;
    dlclose(library);
    return Rf_ScalarString(Rf_mkCharCE(copy, CE_UTF8));
}

static const keops_entry_v1 *find(const keops_module *module, const char *name)
{
    for (uint32_t k = 0; k < module->num_entries; k++) {
        const keops_entry_v1 *entry = (const void *)((const char *)module->entries + (size_t)k * module->entry_size);
        if (strcmp(entry->name, name) == 0)
            return entry;
    }
    return NULL;
}

/* Reads the columns of `table`. */
static int read_variables(struct variable *variables, SEXP table, SEXP names)
{
    int count = (int)(XLENGTH(table) / 4);
    for (int k = 0; k < count; k++) {
        const int *column = INTEGER(table) + 4 * k;
        variables[k] = (struct variable){"", (enum role)column[0], column[1], (enum type)column[2], column[3]};
        if (names != R_NilValue)
            snprintf(variables[k].name, NAME_SIZE, "%s", Rf_translateCharUTF8(STRING_ELT(names, k)));
    }
    return count;
}

static void forget(SEXP handle)
{
    struct kernel *kernel = R_ExternalPtrAddr(handle);
    if (!kernel)
        return;
    R_ClearExternalPtr(handle);
    dlclose(kernel->library);
    free(kernel);
}

static SEXP keopsc_load(SEXP path, SEXP entry, SEXP names, SEXP arguments, SEXP results, SEXP options)
{
    struct failure failure = {NULL, ""};
    if (XLENGTH(arguments) + XLENGTH(results) > 4 * MAX_TENSORS) {
        fail(&failure, "unsupported", "%d arrays: a formula may have %d", (int)((XLENGTH(arguments) + XLENGTH(results)) / 4), MAX_TENSORS);
        return as_texts(&failure);
    }
    void *library;
    const keops_module *module = open_library(CHAR(STRING_ELT(path, 0)), &library, &failure);
    if (!module)
        return as_texts(&failure);
    const keops_entry_v1 *found = find(module, CHAR(STRING_ELT(entry, 0)));
    struct kernel *kernel = found ? calloc(1, sizeof *kernel) : NULL;
    if (!kernel) {
        if (found)
            fail(&failure, "memory", "out of memory");
        else
            fail(&failure, "library", "library %s has no entry %s", module->name, CHAR(STRING_ELT(entry, 0)));
        dlclose(library);
        return as_texts(&failure);
    }
    kernel->library = library;
    kernel->module = module;
    kernel->entry = found;
    SEXP handle = PROTECT(R_MakeExternalPtr(kernel, R_NilValue, R_NilValue));
    R_RegisterCFinalizerEx(handle, forget, FALSE);
    kernel->num_arguments = read_variables(kernel->arguments, arguments, names);
    kernel->num_results = read_variables(kernel->results, results, R_NilValue);
    kernel->threads = INTEGER(options)[0];
    kernel->device_type = INTEGER(options)[1];
    kernel->device_id = INTEGER(options)[2];
    kernel->first = INTEGER(options)[3];
    UNPROTECT(1);
    return handle;
}

/* ------------------------------------------------------------------------------------------------------------- calling */

/* How an array lies in memory, and as what. Strides are in elements. */
struct array {
    SEXP values;
    int64_t rows, length;
    int64_t row_stride, length_stride;
    int num_batch; /* axes after the second */
    int64_t batch[MAX_AXES];
};

/* What the arguments read so far agree on. */
struct extents {
    int64_t rows[2]; /* M and N, -1 where no argument tells it */
    const char *told_by[2];
    int num_batch; /* axes after the second, with lengths 1 where arguments differ no more than broadcasting allows */
    int64_t batch[MAX_AXES];
};

/* What one call needs. */
struct call {
    const struct kernel *kernel;
    bool transposed; /* points are columns */
    struct extents extents;
    int64_t shapes[MAX_TENSORS][MAX_AXES], strides[MAX_TENSORS][MAX_AXES];
    DLTensor tensors[MAX_TENSORS];
    const DLTensor *pointers[MAX_TENSORS];
    struct failure failure;
};

/* "5 x 3", or "of length 5" */
static const char *dimensions_text(SEXP values)
{
    static char text[160];
    SEXP dim = Rf_getAttrib(values, R_DimSymbol);
    if (dim == R_NilValue) {
        snprintf(text, sizeof text, "of length %lld", (long long)XLENGTH(values));
        return text;
    }
    int used = 0;
    for (int axis = 0; axis < Rf_length(dim) && used < (int)sizeof text - 24; axis++)
        used += snprintf(text + used, sizeof text - (size_t)used, axis ? " x %d" : "%d", INTEGER(dim)[axis]);
    return text;
}

/* The first class, or what stands for it. */
static const char *class_text(SEXP values)
{
    SEXP class = Rf_getAttrib(values, R_ClassSymbol);
    if (class != R_NilValue && XLENGTH(class) > 0)
        return CHAR(STRING_ELT(class, 0));
    if (Rf_isFunction(values))
        return "function";
    return TYPEOF(values) == REALSXP ? "numeric" : Rf_type2char(TYPEOF(values));
}

static bool check_class(struct failure *failure, const struct variable *variable, SEXP values)
{
    bool is_complex = TYPES[variable->type].is_complex;
    const char *wanted = is_complex ? "complex numbers" : "numbers";
    int type = TYPEOF(values);
    if (type == NILSXP)
        return fail(failure, "class", "%s is NULL: expected %s", variable->name, wanted);
    if (type == CPLXSXP && !is_complex)
        return fail(failure, "class", "%s is complex: expected numbers; declare it with dtype=c128, or give Re(...)", variable->name);
    if (Rf_isFactor(values))
        return fail(failure, "class", "%s is a factor: expected %s; as.integer(...) has its codes", variable->name, wanted);
    if (Rf_inherits(values, "integer64"))
        return fail(failure, "class", "%s is integer64: expected %s; as.numeric(...) makes them", variable->name, wanted);
    if (type == STRSXP || (type != REALSXP && type != INTSXP && type != LGLSXP && type != CPLXSXP))
        return fail(failure, "class", "%s is %s: expected %s in a matrix%s", variable->name, class_text(values), wanted,
                    Rf_isS4(values) || type == VECSXP ? "; as.matrix(...) makes one" : "");
    return true;
}

/* "row 3, column 2" of the element that is missing. */
static bool fail_at(struct failure *failure, const struct variable *variable, SEXP values, R_xlen_t place)
{
    SEXP dim = Rf_getAttrib(values, R_DimSymbol);
    char text[64];
    if (dim != R_NilValue && Rf_length(dim) >= 2) {
        R_xlen_t rows = INTEGER(dim)[0], columns = INTEGER(dim)[1];
        snprintf(text, sizeof text, "row %lld, column %lld", (long long)(place % rows) + 1, (long long)(place / rows % columns) + 1);
    } else {
        snprintf(text, sizeof text, "place %lld", (long long)place + 1);
    }
    return fail(failure, "value", "%s is NA in %s: leave such rows out, or give NaN if it is to be computed with", variable->name, text);
}

/* Refuses missing values. NaN is a number to compute with: docs/reductions.md says what becomes of it. */
static bool check_missing(struct failure *failure, const struct variable *variable, SEXP values)
{
    R_xlen_t count = XLENGTH(values);
    if (TYPEOF(values) == REALSXP || TYPEOF(values) == CPLXSXP) {
        int parts = TYPEOF(values) == CPLXSXP ? 2 : 1;
        const double *data = parts == 2 ? (const double *)COMPLEX_RO(values) : REAL_RO(values);
        for (R_xlen_t k = 0; k < count * parts; k++)
            if (data[k] != data[k] && R_IsNA(data[k]))
                return fail_at(failure, variable, values, k / parts);
        return true;
    }
    const int *data = TYPEOF(values) == LGLSXP ? LOGICAL_RO(values) : INTEGER_RO(values);
    for (R_xlen_t k = 0; k < count; k++)
        if (data[k] == NA_INTEGER)
            return fail_at(failure, variable, values, k);
    return true;
}

static bool check_shape(struct call *call, const struct variable *variable, struct array *array)
{
    static const char letters[] = "MN", indices[] = "ij";
    SEXP values = array->values, dim = Rf_getAttrib(values, R_DimSymbol);
    const char *name = variable->name;
    int axes = dim == R_NilValue ? 1 : Rf_length(dim);
    if (axes > MAX_AXES)
        return fail(&call->failure, "shape", "%s has more than %d axes", name, MAX_AXES);
    int64_t first = axes == 1 ? XLENGTH(values) : INTEGER(dim)[0], second = axes == 1 ? 1 : INTEGER(dim)[1];
    array->num_batch = axes > 2 ? axes - 2 : 0;
    for (int axis = 0; axis < array->num_batch; axis++)
        array->batch[axis] = INTEGER(dim)[axis + 2];

    if (variable->role == ROLE_PARAMETER) {
        array->length = first == 1 ? second : first;
        array->rows = 1;
        array->length_stride = 1;
        array->row_stride = 0;
        if (array->length != variable->length || (first != 1 && second != 1))
            return fail(&call->failure, "shape", "%s is %s: expected %lld %s, a parameter", name, dimensions_text(values), (long long)variable->length,
                        variable->length == 1 ? "number" : "numbers");
        return true;
    }
    bool transposed = call->transposed && axes > 1;
    array->rows = transposed ? second : first;
    array->length = transposed ? first : second;
    array->row_stride = transposed ? first : 1;
    array->length_stride = transposed ? 1 : first;
    if (array->length != variable->length) {
        char wanted[48];
        if (transposed)
            snprintf(wanted, sizeof wanted, "%lld x %c", (long long)variable->length, letters[variable->role]);
        else
            snprintf(wanted, sizeof wanted, "%c x %lld", letters[variable->role], (long long)variable->length);
        return fail(&call->failure, "shape", "%s is %s: expected %s, a %s for each %c%s", name, dimensions_text(values), wanted,
                    transposed ? "column" : "row", indices[variable->role],
                    array->rows == variable->length ? "; its transpose, t(...), would fit" : "");
    }
    if (array->rows > INT_MAX)
        return fail(&call->failure, "shape", "%s has more than %d rows, the most that a matrix has in R", name, INT_MAX);
    int64_t *rows = &call->extents.rows[variable->role];
    if (*rows < 0) {
        *rows = array->rows;
        call->extents.told_by[variable->role] = name;
    } else if (array->rows != *rows) {
        return fail(&call->failure, "shape", "%s is %s: expected %lld %s, as in %s", name, dimensions_text(values), (long long)*rows,
                    transposed ? "columns" : "rows", call->extents.told_by[variable->role]);
    }
    return true;
}

static bool check_batch(struct call *call, const struct variable *variable, const struct array *array)
{
    struct extents *extents = &call->extents;
    for (int axis = 0; axis < array->num_batch; axis++) {
        int64_t length = array->batch[axis];
        if (axis == extents->num_batch)
            extents->batch[extents->num_batch++] = length;
        else if (extents->batch[axis] == 1)
            extents->batch[axis] = length;
        else if (length != 1 && length != extents->batch[axis])
            return fail(&call->failure, "shape", "%s is %s: expected %lld or 1 in axis %d, as in the arrays before it", variable->name,
                        dimensions_text(array->values), (long long)extents->batch[axis], axis + 3);
    }
    return true;
}

/* Number k of an array. */
static Rcomplex number(SEXP values, R_xlen_t k)
{
    Rcomplex value = {0, 0};
    if (TYPEOF(values) == CPLXSXP)
        return COMPLEX_RO(values)[k];
    value.r = TYPEOF(values) == REALSXP ? REAL_RO(values)[k] : TYPEOF(values) == LGLSXP ? LOGICAL_RO(values)[k] : INTEGER_RO(values)[k];
    return value;
}

/* The numbers of an array in the type that the library takes: R's own memory where that has it, which the library only reads. (Asked for memory
 * to write to, R might copy it.) */
static void *converted(SEXP values, enum type type)
{
    R_xlen_t count = XLENGTH(values);
    if (type == TYPE_F64 && TYPEOF(values) == REALSXP)
        return (void *)REAL_RO(values);
    if (type == TYPE_C128 && TYPEOF(values) == CPLXSXP)
        return (void *)COMPLEX_RO(values);
    void *copy = R_alloc((size_t)count + 1, (int)TYPES[type].size);
    if (type == TYPE_F32 && TYPEOF(values) == REALSXP) {
        const double *own = REAL_RO(values);
        for (R_xlen_t k = 0; k < count; k++)
            ((float *)copy)[k] = (float)own[k];
        return copy;
    }
    for (R_xlen_t k = 0; k < count; k++) {
        Rcomplex value = number(values, k);
        if (type == TYPE_F32)
            ((float *)copy)[k] = (float)value.r;
        else if (type == TYPE_F64)
            ((double *)copy)[k] = value.r;
        else if (type == TYPE_C64)
            ((float *)copy)[2 * k] = (float)value.r, ((float *)copy)[2 * k + 1] = (float)value.i;
        else
            ((Rcomplex *)copy)[k] = value;
    }
    return copy;
}

/* Describes an array to the library: batch axes in reverse, rows (but for parameters), components. */
static void describe(struct call *call, const struct variable *variable, const struct array *array, void *data)
{
    int64_t *shape = call->shapes[variable->tensor], *strides = call->strides[variable->tensor];
    int ndim = 0;
    int64_t stride = array->rows * array->length;
    for (int axis = 0; axis < array->num_batch; axis++) {
        int place = array->num_batch - 1 - axis;
        shape[place] = array->batch[axis];
        strides[place] = stride;
        stride *= array->batch[axis];
        ndim++;
    }
    if (variable->role != ROLE_PARAMETER) {
        shape[ndim] = array->rows;
        strides[ndim++] = array->row_stride;
    }
    shape[ndim] = array->length;
    strides[ndim++] = array->length_stride;
    call->tensors[variable->tensor] = (DLTensor){data, {1, 0}, ndim, TYPES[variable->type].type, shape, strides, 0};
    call->pointers[variable->tensor] = &call->tensors[variable->tensor];
}

/* An array of R for a result, and where the library writes it: its own memory where R has such numbers. */
static SEXP create_result(struct call *call, const struct variable *variable, void **data)
{
    static const SEXPTYPE types[] = {
        [TYPE_F32] = REALSXP, [TYPE_F64] = REALSXP, [TYPE_I64] = INTSXP, [TYPE_C64] = CPLXSXP, [TYPE_C128] = CPLXSXP};
    const struct extents *extents = &call->extents;
    struct array array = {R_NilValue, 1, variable->length, 1, 1, extents->num_batch, {0}};
    if (variable->role != ROLE_PARAMETER && extents->rows[variable->role] >= 0)
        array.rows = extents->rows[variable->role];
    array.length_stride = variable->role == ROLE_PARAMETER ? 1 : array.rows;
    SEXP dim = PROTECT(Rf_allocVector(INTSXP, 2 + extents->num_batch));
    INTEGER(dim)[0] = (int)array.rows;
    INTEGER(dim)[1] = (int)array.length;
    R_xlen_t count = (R_xlen_t)(array.rows * array.length);
    for (int axis = 0; axis < extents->num_batch; axis++) {
        array.batch[axis] = extents->batch[axis];
        INTEGER(dim)[axis + 2] = (int)extents->batch[axis];
        count *= (R_xlen_t)extents->batch[axis];
    }
    SEXP result = PROTECT(Rf_allocVector(types[variable->type], count));
    Rf_setAttrib(result, R_DimSymbol, dim);
    if (variable->type == TYPE_F64)
        *data = REAL(result);
    else if (variable->type == TYPE_C128)
        *data = COMPLEX(result);
    else
        *data = R_alloc((size_t)count + 1, (int)TYPES[variable->type].size);
    describe(call, variable, &array, *data);
    UNPROTECT(2);
    return result;
}

/* Takes over what the library wrote elsewhere. -1 is no row; rows that are counted from 1 have NA for it. */
static void finish_result(SEXP result, enum type type, const void *data, int first)
{
    R_xlen_t count = XLENGTH(result);
    if (type == TYPE_I64) {
        for (R_xlen_t k = 0; k < count; k++) {
            int64_t number = ((const int64_t *)data)[k];
            INTEGER(result)[k] = number < 0 && first == 1 ? NA_INTEGER : number < 0 ? -1 : (int)number + first;
        }
    } else if (type == TYPE_F32) {
        for (R_xlen_t k = 0; k < count; k++)
            REAL(result)[k] = ((const float *)data)[k];
    } else if (type == TYPE_C64) {
        for (R_xlen_t k = 0; k < count; k++)
            COMPLEX(result)[k] = (Rcomplex){((const float *)data)[2 * k], ((const float *)data)[2 * k + 1]};
    }
}

static bool read_arguments(struct call *call, SEXP arrays)
{
    const struct kernel *kernel = call->kernel;
    struct array read[MAX_TENSORS];
    if (XLENGTH(arrays) != kernel->num_arguments)
        return fail(&call->failure, "arguments", "%d arrays given: expected %d", (int)XLENGTH(arrays), kernel->num_arguments);
    for (int k = 0; k < kernel->num_arguments; k++) {
        const struct variable *variable = &kernel->arguments[k];
        read[k].values = VECTOR_ELT(arrays, k);
        if (!check_class(&call->failure, variable, read[k].values) || !check_shape(call, variable, &read[k]) ||
            !check_batch(call, variable, &read[k]) || !check_missing(&call->failure, variable, read[k].values))
            return false;
    }
    for (int k = 0; k < kernel->num_arguments; k++) {
        const struct variable *variable = &kernel->arguments[k];
        if (variable->tensor >= 0)
            describe(call, variable, &read[k], converted(read[k].values, variable->type));
    }
    return true;
}

/* Says what a call was refused for, in the library's words where they are about arrays. */
static void name_failure(struct call *call, int32_t status)
{
    const int64_t *rows = call->extents.rows;
    bool known = status > 0 && (size_t)status < sizeof KINDS / sizeof *KINDS;
    if (status == KEOPS_SHAPE && (rows[ROLE_I] < 0 || rows[ROLE_J] < 0)) { /* all other shapes have been checked */
        const char *unknown = rows[ROLE_J] >= 0 ? "i" : rows[ROLE_I] >= 0 ? "j" : "i or j";
        fail(&call->failure, "shape", "no array has a row for each %s: expected one, which tells how many there are to reduce", unknown);
        return;
    }
    call->failure.kind = known ? KINDS[status] : "error";
    if (!*call->failure.message)
        snprintf(call->failure.message, sizeof call->failure.message, "%s", call->kernel->module->strerror(status));
}

static SEXP keopsc_run(SEXP handle, SEXP arrays, SEXP transposed)
{
    const struct kernel *kernel = TYPEOF(handle) == EXTPTRSXP ? R_ExternalPtrAddr(handle) : NULL;
    if (!kernel)
        return R_NilValue;
    struct call call;
    call.kernel = kernel;
    call.transposed = LOGICAL(transposed)[0] == 1;
    call.extents = (struct extents){{-1, -1}, {NULL, NULL}, 0, {0}};
    call.failure.kind = NULL;
    if (!read_arguments(&call, arrays))
        return as_texts(&call.failure);

    SEXP results = PROTECT(Rf_allocVector(VECSXP, kernel->num_results));
    void *data[MAX_TENSORS];
    for (int k = 0; k < kernel->num_results; k++)
        SET_VECTOR_ELT(results, k, create_result(&call, &kernel->results[k], &data[k]));

    keops_call request = {0};
    call.failure.message[0] = 0;
    request.struct_size = sizeof request;
    request.num_tensors = kernel->entry->num_tensors;
    request.tensors = call.pointers;
    request.rows_i = call.extents.rows[ROLE_I];
    request.rows_j = call.extents.rows[ROLE_J];
    request.threads = kernel->threads;
    request.device_type = kernel->device_type;
    request.device_id = kernel->device_id;
    request.message = call.failure.message;
    request.message_size = sizeof call.failure.message;
    int32_t status = kernel->entry->run(&request);
    if (status != KEOPS_OK) {
        name_failure(&call, status);
        UNPROTECT(1);
        return as_texts(&call.failure);
    }
    for (int k = 0; k < kernel->num_results; k++)
        finish_result(VECTOR_ELT(results, k), kernel->results[k].type, data[k], kernel->first);
    UNPROTECT(1);
    return kernel->num_results == 1 ? VECTOR_ELT(results, 0) : results;
}

/* ---------------------------------------------------------------------------------------------------------- registration */

#define METHOD(name, arguments) {#name, (DL_FUNC)(void (*)(void))name, arguments}

static const R_CallMethodDef METHODS[] = {
    METHOD(keopsc_manifest, 1),
    METHOD(keopsc_load, 6),
    METHOD(keopsc_run, 3),
    {NULL, NULL, 0},
};

void R_init_keopsc(DllInfo *library)
{
    R_registerRoutines(library, NULL, METHODS, NULL, NULL);
    R_useDynamicSymbols(library, FALSE);
    R_forceSymbols(library, TRUE);
}
