/* Runs functions of a shared library, its one argument, for a test on another machine. Requests come on the standard input, answers go to the
   standard output: memory is mapped, written and read, symbols are found, functions are called. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { SYMBOL, MAP, UNMAP, WRITE, READ, CALL };
enum { PAGE = 4096, MAPPINGS = 256 };

struct request {
    uint64_t kind, address, size, arguments[14];
};

static struct mapping {
    void *first;
    size_t size;
} mappings[MAPPINGS];
static int num_mappings;

static void need(int condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "emulated: %s\n", what);
        exit(1);
    }
}

/* Memory between pages that may not be touched, `offset` bytes into a page. */
static uint64_t map(uint64_t offset, uint64_t size)
{
    size_t usable = (offset + size + PAGE - 1) / PAGE * PAGE, all = usable + 2 * PAGE;
    char *first = mmap(NULL, all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    need(first != MAP_FAILED && num_mappings < MAPPINGS, "no memory");
    need(usable == 0 || mprotect(first + PAGE, usable, PROT_READ | PROT_WRITE) == 0, "no access");
    mappings[num_mappings++] = (struct mapping){first, all};
    return (uint64_t)(first + PAGE + offset);
}

static void unmap_all(void)
{
    while (num_mappings > 0) {
        struct mapping last = mappings[--num_mappings];
        munmap(last.first, last.size);
    }
}

/* More arguments than the function has do no harm: the caller takes them off the stack. */
static uint64_t call(uint64_t address, const uint64_t *a)
{
    uint64_t (*function)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                         uint64_t, uint64_t) = (void *)address;
    return function(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12], a[13]);
}

int main(int argc, char **argv)
{
    need(argc == 2, "usage: emulated LIBRARY");
    void *library = dlopen(argv[1], RTLD_NOW);
    need(library != NULL, library ? "" : dlerror());
    struct request request;
    while (fread(&request, sizeof request, 1, stdin) == 1) {
        void *memory = (void *)request.address;
        uint64_t answer = 0;
        char name[256] = "";
        switch (request.kind) {
        case SYMBOL:
            need(request.size < sizeof name && fread(name, 1, request.size, stdin) == request.size, "no name");
            answer = (uint64_t)dlsym(library, name);
            need(answer != 0, name);
            break;
        case MAP:
            answer = map(request.address, request.size);
            break;
        case UNMAP:
            unmap_all();
            break;
        case WRITE:
            need(fread(memory, 1, request.size, stdin) == request.size, "no bytes");
            break;
        case READ:
            fwrite(memory, 1, request.size, stdout);
            break;
        case CALL:
            answer = call(request.address, request.arguments);
            break;
        }
        fwrite(&answer, sizeof answer, 1, stdout);
        fflush(stdout);
    }
    return 0;
}
