/* What the C tests share; include the header of a library first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Exits with a message that names the line that failed. */
#define REQUIRE(condition)                                                                                                   \
    do {                                                                                                                     \
        if (!(condition)) {                                                                                                  \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                                                          \
            exit(1);                                                                                                         \
        }                                                                                                                    \
    } while (0)

/* An entry of a library by its name, NULL if there is none. */
static const keops_entry_v1 *find(const keops_module *module, const char *name)
{
    const char *entry = (const char *)module->entries;
    for (uint32_t k = 0; k < module->num_entries; k++, entry += module->entry_size)
        if (strcmp(((const keops_entry_v1 *)entry)->name, name) == 0)
            return (const keops_entry_v1 *)entry;
    return NULL;
}
