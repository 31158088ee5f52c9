// The CUDA driver for machines without a GPU: libcuda.so.1, whose devices are this process.
//
// Kernels come from `nvcc` beside this file: shared libraries that include `emulate.hpp`. All threads of a block are fibers.
//
// What a real GPU hides now and then, this one shows at once:
//
// - Streams run at the latest moment: when the host waits for them. Who reads a result without waiting finds what was there before.
// - Device memory lies between forbidden pages. The host cannot touch it, nor can kernels of another device, nor anybody after it was freed.
// - New memory, and the shared memory of each block, is full of NaNs (numbers of 0x7fff).
// - Each block runs its threads in another order where EMULATOR_SEED is set.
// - Deadlocks, indices outside of arrays, misaligned and forbidden addresses end a kernel with an error that names kernel, block and thread.
//
// Variables of the environment, all read when they are needed:
//
//     EMULATOR_DEVICES=2                how many devices there are
//     EMULATOR_CAPABILITIES=9.0,9.0     their compute capabilities; the last one counts for all further devices (likewise below)
//     EMULATOR_MULTIPROCESSORS=132,7    their multiprocessors
//     EMULATOR_MEMORY=1073741824        their bytes
//     EMULATOR_POOLS=1                  whether cuMemAllocAsync works
//     EMULATOR_FAIL=cuMemAlloc_v2:2:2   the second call from the process's start on fails with error 2; several are separated by commas
//     EMULATOR_SEED=1                   threads of a block run in random order
//     EMULATOR_THREADS=2                threads of the machine that share the blocks of a launch

#include <algorithm>
#include <cerrno>
#include <csetjmp>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <dlfcn.h>
#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

enum Result : int {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NOT_INITIALIZED = 3,
    INVALID_DEVICE = 101,
    INVALID_IMAGE = 200,
    INVALID_CONTEXT = 201,
    NO_BINARY_FOR_GPU = 209,
    INVALID_HANDLE = 400,
    NOT_FOUND = 500,
    NOT_READY = 600,
    ILLEGAL_ADDRESS = 700,
    LAUNCH_OUT_OF_RESOURCES = 701,
    MISALIGNED_ADDRESS = 716,
    LAUNCH_FAILED = 719,
    NOT_SUPPORTED = 801,
    STREAM_CAPTURE_UNSUPPORTED = 900,
    STREAM_CAPTURE_INVALIDATED = 901,
};

const std::map<int, std::pair<const char *, const char *>> ERRORS = {
    {SUCCESS, {"CUDA_SUCCESS", "no error"}},
    {INVALID_VALUE, {"CUDA_ERROR_INVALID_VALUE", "invalid argument"}},
    {OUT_OF_MEMORY, {"CUDA_ERROR_OUT_OF_MEMORY", "out of memory"}},
    {NOT_INITIALIZED, {"CUDA_ERROR_NOT_INITIALIZED", "initialization error"}},
    {100, {"CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"}},
    {INVALID_DEVICE, {"CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"}},
    {INVALID_IMAGE, {"CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"}},
    {INVALID_CONTEXT, {"CUDA_ERROR_INVALID_CONTEXT", "invalid device context"}},
    {NO_BINARY_FOR_GPU, {"CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device"}},
    {INVALID_HANDLE, {"CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"}},
    {NOT_FOUND, {"CUDA_ERROR_NOT_FOUND", "named symbol not found"}},
    {NOT_READY, {"CUDA_ERROR_NOT_READY", "device not ready"}},
    {ILLEGAL_ADDRESS, {"CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"}},
    {LAUNCH_OUT_OF_RESOURCES, {"CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"}},
    {MISALIGNED_ADDRESS, {"CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"}},
    {LAUNCH_FAILED, {"CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"}},
    {NOT_SUPPORTED, {"CUDA_ERROR_NOT_SUPPORTED", "operation not supported"}},
    {STREAM_CAPTURE_UNSUPPORTED, {"CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing"}},
    {STREAM_CAPTURE_INVALIDATED,
     {"CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", "operation failed due to a previous error during capture"}},
};

// ------------------------------------------------------------------------------------------------------------ settings

std::string setting(const char *name, const char *otherwise)
{
    const char *text = getenv(name);
    return text && *text ? text : otherwise;
}

// The item of a list that counts for a device.
std::string setting_of(int device, const char *name, const char *otherwise)
{
    std::string text = setting(name, otherwise), item;
    for (size_t start = 0;; ++start) {
        const size_t end = text.find(',', start);
        item = text.substr(start, end - start);
        if (device-- == 0 || end == std::string::npos) return item;
        start = end;
    }
}

int device_count() { return atoi(setting("EMULATOR_DEVICES", "2").c_str()); }
uint64_t memory_of(int device) { return strtoull(setting_of(device, "EMULATOR_MEMORY", "1073741824").c_str(), nullptr, 10); }

int capability_of(int device)
{
    const std::string text = setting_of(device, "EMULATOR_CAPABILITIES", "9.0");
    const size_t point = text.find('.');
    return atoi(text.c_str()) * 10 + (point == std::string::npos ? 0 : atoi(text.c_str() + point + 1));
}

// ------------------------------------------------------------------------------------------------------------ words about failures

std::mutex words_mutex;
std::string last_words;

void say(const char *format, ...)
{
    char text[1000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    std::lock_guard guard(words_mutex);
    last_words = text;
    fprintf(stderr, "emulator: %s\n", text);
}

// ------------------------------------------------------------------------------------------------------------ memory

constexpr uint64_t PAGE = 4096;
constexpr uint64_t ALIGNMENT = 256;
// What memory is full of that nobody has written to: two bytes again and again, no number as float16, bfloat16 and float32, or others.
const uint16_t POISON = getenv("EMULATOR_POISON") ? (uint16_t)strtoul(getenv("EMULATOR_POISON"), nullptr, 16) : 0x7fff;

struct Context;

struct Allocation {
    uint64_t start, size, pages, bytes_of_pages;
    int device;
    bool is_there;
};

// By first address. What was freed stays forbidden, so that its addresses are never given again.
std::map<uint64_t, Allocation> allocations;
std::map<int, uint64_t> allocated;
std::map<uint64_t, uint64_t> pinned;
// The device whose memory can be touched, -1: none.
int visible_device = -1;

void poison(void *memory, uint64_t bytes)
{
    const uint16_t word = POISON;
    char *place = (char *)memory;
    for (uint64_t k = 0; k < bytes; ++k) place[k] = (char)(word >> 8 * (((uint64_t)place + k) & 1));
}

void protect(const Allocation &allocation, bool visible)
{
    mprotect((void *)allocation.pages, allocation.bytes_of_pages, visible ? PROT_READ | PROT_WRITE : PROT_NONE);
}

void set_visible(int device)
{
    if (device == visible_device) return;
    for (auto &[start, allocation] : allocations) {
        if (!allocation.is_there) continue;
        if (allocation.device == visible_device) protect(allocation, false);
        if (allocation.device == device) protect(allocation, true);
    }
    visible_device = device;
}

// Reserves addresses: the memory itself is there after `materialize`.
int reserve(int device, uint64_t size, uint64_t &address)
{
    if (size == 0) return INVALID_VALUE;
    if (size > memory_of(device) - std::min(memory_of(device), allocated[device])) return OUT_OF_MEMORY;
    const uint64_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    const uint64_t bytes = (rounded + PAGE - 1) / PAGE * PAGE;
    void *memory = mmap(nullptr, bytes + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return OUT_OF_MEMORY;
    Allocation allocation = {};
    allocation.pages = (uint64_t)memory + PAGE;
    allocation.bytes_of_pages = bytes;
    // The end is as near to the forbidden page as the alignment permits.
    allocation.start = allocation.pages + bytes - rounded;
    allocation.size = size;
    allocation.device = device;
    allocations[allocation.start] = allocation;
    allocated[device] += size;
    address = allocation.start;
    return SUCCESS;
}

void materialize(uint64_t address)
{
    Allocation &allocation = allocations[address];
    allocation.is_there = true;
    protect(allocation, true);
    poison((void *)allocation.pages, allocation.bytes_of_pages);
    if (allocation.device != visible_device) protect(allocation, false);
}

// What lies behind the end but before the forbidden page must be as it was.
int vanish(uint64_t address)
{
    Allocation &allocation = allocations[address];
    if (!allocation.is_there) return SUCCESS;
    protect(allocation, true);
    int result = SUCCESS;
    const uint16_t word = POISON;
    for (uint64_t k = allocation.start + allocation.size; k < allocation.pages + allocation.bytes_of_pages; ++k) {
        if (*(char *)k != (char)(word >> 8 * (k & 1))) {
            say("something was written %d bytes behind the end of %llu bytes", (int)(k - allocation.start - allocation.size),
                (unsigned long long)allocation.size);
            result = ILLEGAL_ADDRESS;
            break;
        }
    }
    protect(allocation, false);
    madvise((void *)allocation.pages, allocation.bytes_of_pages, MADV_DONTNEED);
    allocation.is_there = false;
    return result;
}

// The allocation that has all these bytes, or NULL.
Allocation *find(uint64_t address, uint64_t bytes)
{
    auto next = allocations.upper_bound(address);
    if (next == allocations.begin()) return nullptr;
    Allocation &allocation = std::prev(next)->second;
    return address - allocation.start < allocation.size && bytes <= allocation.size - (address - allocation.start) ? &allocation : nullptr;
}

// Where an address lies, for people.
std::string describe(uint64_t address)
{
    char text[200];
    for (auto &[start, allocation] : allocations) {
        if (address + PAGE < allocation.pages || address >= allocation.pages + allocation.bytes_of_pages + PAGE) continue;
        const long long offset = (long long)(address - allocation.start);
        const char *state = allocation.is_there ? "" : ", which were freed or not there yet";
        snprintf(text, sizeof text, "byte %lld of %llu of device %d%s", offset, (unsigned long long)allocation.size, allocation.device, state);
        return text;
    }
    snprintf(text, sizeof text, "%#llx, which no device has", (unsigned long long)address);
    return text;
}

// ------------------------------------------------------------------------------------------------------------ fibers

struct Index {
    unsigned int x, y, z;
};

// As in emulate.hpp.
enum Operation { SYNCTHREADS, SYNCTHREADS_COUNT, SYNCTHREADS_AND, SYNCTHREADS_OR };

struct Hooks {
    int (*barrier)(int, int);
    unsigned long long (*warp)(const char *, unsigned int, unsigned long long, int);
    const void *(*gather)(const char *, const void *, size_t);
    void (*fail)(const char *, const char *, unsigned int);
};

struct Kernel {
    const char *name;
    void (*function)(const void *);
    unsigned long long argument_size;
    unsigned int largest_block;
};

struct Image {
    Hooks **hooks;
    Index *thread, *block, *block_size, *grid_size;
    char *shared, *shared_end;
    const Kernel *kernels;
};

constexpr size_t STACK = 512 * 1024;
constexpr unsigned int LARGEST_BLOCK = 1024;
// What a lane brings to `gather` at most.
constexpr size_t LARGEST_BRINGING = 64;

enum class State { ready, at_barrier, in_warp, ended };

struct Fiber {
    void *stack_pointer;
    Index thread;
    State state;
    // The barrier or exchange that it waits at.
    const char *operation;
    int kind, predicate;
    unsigned int mask;
    unsigned long long value, result;
    int source;
    // How often it has called `gather`.
    unsigned int gathers;
};

// One thread of the machine, which runs blocks.
struct Worker {
    char *stacks;
    Fiber fibers[LARGEST_BLOCK];
    // The lanes of each warp that wait in it, and that have ended.
    unsigned int in_warp[LARGEST_BLOCK / 32], ended[LARGEST_BLOCK / 32];
    // What lanes brought to `gather`, in turns: one that has gone on may bring more before others have read this.
    alignas(LARGEST_BRINGING) char brought[2][LARGEST_BLOCK][LARGEST_BRINGING];
    Image *image;
    const Kernel *kernel;
    const void *argument;
    Index block, block_size;
    size_t next;
    unsigned int count, running;
    void *scheduler;
    int barrier_result;
    sigjmp_buf escape;
    volatile int error;
    volatile bool in_kernel;
    bool is_random;
    std::minstd_rand generator;
    std::vector<unsigned int> order;
    char signal_stack[64 * 1024];

    Worker()
    {
        stacks = (char *)mmap(nullptr, LARGEST_BLOCK * (STACK + PAGE), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        for (unsigned int k = 0; k < LARGEST_BLOCK; ++k) mprotect(stacks + k * (STACK + PAGE) + PAGE, STACK, PROT_READ | PROT_WRITE);
    }
};

// Looked at by every call of a kernel; it lies where no function need be asked for it.
__attribute__((tls_model("initial-exec"))) thread_local Worker *worker;

extern "C" void emulator_switch(void **from, void *to);
#ifndef __x86_64__
#error "the emulator changes stacks on x86-64 only"
#endif
asm(R"(
.text
.type emulator_switch, @function
emulator_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
)");

// The thread that a kernel failed in, for people.
std::string running_thread()
{
    const Worker &own = *worker;
    const unsigned int k = own.running;
    char text[300];
    snprintf(text, sizeof text, "kernel %s, block (%u, %u, %u), thread %u", own.kernel->name, own.block.x, own.block.y, own.block.z, k);
    return text;
}

[[noreturn]] void leave(int error)
{
    worker->error = error;
    siglongjmp(worker->escape, 1);
}

void fail_in_kernel(const char *problem, const char *file, unsigned int line)
{
    say("%s: %s (%s:%u)", running_thread().c_str(), problem, file, line);
    leave(strstr(problem, "aligned") ? MISALIGNED_ADDRESS : LAUNCH_FAILED);
}

void wait()
{
    Worker &own = *worker;
    emulator_switch(&own.fibers[own.running].stack_pointer, own.scheduler);
}

int wait_at_barrier(int kind, int predicate)
{
    Worker &own = *worker;
    Fiber &fiber = own.fibers[own.running];
    fiber.state = State::at_barrier;
    fiber.kind = kind;
    fiber.predicate = predicate;
    fiber.operation = "__syncthreads";
    wait();
    return own.barrier_result;
}

unsigned long long wait_in_warp(const char *operation, unsigned int mask, unsigned long long value, int source)
{
    Worker &own = *worker;
    const unsigned int warp = own.running / 32, first = warp * 32, lane = own.running % 32;
    Fiber *lanes = own.fibers + first;
    lanes[lane].operation = operation;
    lanes[lane].mask = mask;
    lanes[lane].value = value;
    lanes[lane].source = source;
    lanes[lane].state = State::in_warp;
    if (!(mask >> lane & 1)) {
        say("%s: the mask %#x of %s lacks the lane itself", running_thread().c_str(), mask, operation);
        leave(LAUNCH_FAILED);
    }
    // Lanes that the block does not have are not waited for.
    const unsigned int there = own.count - first >= 32 ? ~0u : (1u << (own.count - first)) - 1, needed = mask & there;
    if (needed & own.ended[warp]) {
        say("%s: %s waits for lane %d, which has ended", running_thread().c_str(), operation, __builtin_ctz(needed & own.ended[warp]));
        leave(LAUNCH_FAILED);
    }
    // Those that wait already have been compared with each other.
    if (const unsigned int others = needed & own.in_warp[warp]) {
        const unsigned int k = __builtin_ctz(others);
        const bool is_same = lanes[k].operation == operation || strcmp(lanes[k].operation, operation) == 0;
        if (lanes[k].mask != mask || !is_same) {
            say("%s: lane %u is in %s with mask %#x, lane %u in %s with mask %#x", running_thread().c_str(), lane, operation, mask, k,
                lanes[k].operation, lanes[k].mask);
            leave(LAUNCH_FAILED);
        }
    }
    own.in_warp[warp] |= 1u << lane;
    if (needed & ~own.in_warp[warp]) {
        wait();
        return lanes[lane].result;
    }
    unsigned int nonzero = 0;
    for (unsigned int rest = needed; rest; rest &= rest - 1) {
        const unsigned int k = __builtin_ctz(rest);
        nonzero |= (unsigned int)(lanes[k].value != 0) << k;
    }
    for (unsigned int rest = needed; rest; rest &= rest - 1) {
        const unsigned int k = __builtin_ctz(rest);
        const int from = lanes[k].source;
        const bool known = from < 0 || (needed >> (from % 32) & 1);
        lanes[k].result = from < 0 ? nonzero : known ? lanes[from % 32].value : 0x7fff7fff7fff7fffull;
        lanes[k].state = State::ready;
    }
    own.in_warp[warp] &= ~needed;
    return lanes[lane].result;
}

const void *gather(const char *operation, const void *brought, size_t size)
{
    Worker &own = *worker;
    const unsigned int first = own.running / 32 * 32;
    if (own.count - first < 32 || size > LARGEST_BRINGING) fail_in_kernel("a whole warp is needed", operation, 0);
    auto &turn = own.brought[own.fibers[own.running].gathers++ % 2];
    memcpy(turn[own.running], brought, size);
    wait_in_warp(operation, ~0u, 0, -1);
    return turn[first];
}

Hooks hooks = {wait_at_barrier, wait_in_warp, gather, fail_in_kernel};

[[noreturn]] void fiber_main()
{
    Worker &own = *worker;
    own.kernel->function(own.argument);
    own.fibers[own.running].state = State::ended;
    own.ended[own.running / 32] |= 1u << own.running % 32;
    wait();
    abort();
}

// Whether all that have not ended are at a barrier; they may go on then.
bool open_barrier(Worker &own)
{
    unsigned int waiting = 0, holds = 0;
    int kind = -1;
    for (unsigned int k = 0; k < own.count; ++k) {
        const Fiber &fiber = own.fibers[k];
        if (fiber.state == State::ended) continue;
        if (fiber.state != State::at_barrier) return false;
        if (kind >= 0 && kind != fiber.kind) {
            own.running = k;
            say("%s: threads of a block are at different barriers", running_thread().c_str());
            leave(LAUNCH_FAILED);
        }
        kind = fiber.kind;
        ++waiting;
        holds += fiber.predicate != 0;
    }
    for (unsigned int k = 0; k < own.count; ++k) {
        if (own.fibers[k].state == State::at_barrier) own.fibers[k].state = State::ready;
    }
    own.barrier_result = kind == SYNCTHREADS_AND ? holds == waiting : kind == SYNCTHREADS_OR ? holds > 0 : (int)holds;
    return true;
}

void report_deadlock(Worker &own)
{
    std::map<std::string, std::pair<unsigned int, unsigned int>> waiting;
    for (unsigned int k = own.count; k-- > 0;) {
        const Fiber &fiber = own.fibers[k];
        auto &[number, first] = waiting[fiber.state == State::ended ? "have ended" : std::string("wait in ") + fiber.operation];
        ++number;
        first = k;
    }
    std::string text;
    for (auto &[what, found] : waiting) {
        text += (text.empty() ? "" : ", ") + std::to_string(found.first) + " threads " + what + " (the first is " + std::to_string(found.second) + ")";
    }
    own.running = 0;
    say("deadlock in kernel %s, block (%u, %u, %u): %s", own.kernel->name, own.block.x, own.block.y, own.block.z, text.c_str());
    leave(LAUNCH_FAILED);
}

void run_block(Worker &own)
{
    poison(own.image->shared, own.image->shared_end - own.image->shared);
    *own.image->block = own.block;
    for (unsigned int k = 0; k < own.count; ++k) {
        // Tops of stacks would share a few sets of the cache if they all lay alike.
        uint64_t *top = (uint64_t *)(own.stacks + (k + 1) * (STACK + PAGE) - 64 * (k % 61));
        // Functions begin 8 bytes off a multiple of 16.
        *--top = 0;
        *--top = (uint64_t)fiber_main;
        top -= 6;
        own.fibers[k].stack_pointer = top;
        own.fibers[k].state = State::ready;
        own.fibers[k].gathers = 0;
        own.in_warp[k / 32] = own.ended[k / 32] = 0;
    }
    for (unsigned int ended = 0;;) {
        if (own.is_random) std::shuffle(own.order.begin(), own.order.end(), own.generator);
        bool progress = false;
        for (unsigned int k : own.order) {
            Fiber &fiber = own.fibers[k];
            if (fiber.state != State::ready) continue;
            progress = true;
            own.running = k;
            *own.image->thread = fiber.thread;
            own.in_kernel = true;
            emulator_switch(&own.scheduler, fiber.stack_pointer);
            own.in_kernel = false;
            if (fiber.state == State::ended && ++ended == own.count) return;
        }
        if (!progress && !open_barrier(own)) report_deadlock(own);
    }
}

// ------------------------------------------------------------------------------------------------------------ signals

struct sigaction earlier_actions[NSIG];

void on_signal(int number, siginfo_t *information, void *context)
{
    const uint64_t address = (uint64_t)information->si_addr;
    if (worker && worker->in_kernel) {
        worker->in_kernel = false;
        const bool is_stack = address - (uint64_t)worker->stacks < LARGEST_BLOCK * (STACK + PAGE);
        if (number == SIGSEGV && is_stack) say("%s: more than %zu bytes of local memory", running_thread().c_str(), STACK);
        else if (number == SIGSEGV) say("%s: touches %s", running_thread().c_str(), describe(address).c_str());
        else say("%s: %s", running_thread().c_str(), strsignal(number));
        leave(number == SIGSEGV ? ILLEGAL_ADDRESS : LAUNCH_FAILED);
    }
    for (auto &[start, allocation] : allocations) {
        if (address >= allocation.pages && address < allocation.pages + allocation.bytes_of_pages) {
            say("the host touches %s", describe(address).c_str());
        }
    }
    // As if this handler had never been there: the instruction is repeated.
    sigaction(number, &earlier_actions[number], nullptr);
    (void)context;
}

void watch_signals()
{
    for (int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}) {
        struct sigaction action = {}, current = {};
        sigaction(number, nullptr, &current);
        if (current.sa_sigaction == on_signal) continue;
        action.sa_sigaction = on_signal;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
        sigaction(number, &action, &earlier_actions[number]);
    }
}

// ------------------------------------------------------------------------------------------------------------ launches

struct Module;

struct Function {
    Module *module;
    const Kernel *kernel;
    size_t number;
    // Bytes that launches may set aside.
    unsigned int most_dynamic = 48 << 10;
};

struct Module {
    Context *context;
    // A copy for each thread of the machine, each with shared memory and indices of its own.
    std::vector<void *> handles;
    std::vector<Image *> images;
    std::map<std::string, std::unique_ptr<Function>> functions;
    std::string bytes;
    bool is_loaded = true;
};

// A copy of an image's code, NULL if the loader refuses it. The loader takes files of one name for one library, hence the names.
void *load_code(const std::string &bytes)
{
    char path[] = "/tmp/emulated-kernels-XXXXXX";
    const int file = mkstemp(path);
    const bool is_written = file >= 0 && write(file, bytes.data(), bytes.size()) == (ssize_t)bytes.size();
    void *handle = is_written ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : nullptr;
    if (!handle) say("kernels cannot be loaded: %s", is_written ? dlerror() : strerror(errno));
    unlink(path);
    close(file);
    return handle;
}

bool add_copy(Module &module)
{
    void *handle = load_code(module.bytes);
    Image *image = handle ? (Image *)dlsym(handle, "emulator_this_image") : nullptr;
    if (!image) return false;
    *image->hooks = &hooks;
    module.handles.push_back(handle);
    module.images.push_back(image);
    return true;
}

std::vector<std::unique_ptr<Worker>> idle_workers;
std::mutex idle_mutex;

std::unique_ptr<Worker> take_worker()
{
    std::lock_guard guard(idle_mutex);
    if (idle_workers.empty()) return std::make_unique<Worker>();
    auto taken = std::move(idle_workers.back());
    idle_workers.pop_back();
    return taken;
}

struct Launch {
    Function *function;
    Index grid, block;
    std::vector<char> argument;
};

// Runs blocks `first`, `first + step`, ….
int run_blocks(const Launch &launch, size_t first, size_t step)
{
    auto owned = take_worker();
    Worker &own = *owned;
    worker = &own;
    stack_t signal_stack = {}, earlier = {};
    signal_stack.ss_sp = own.signal_stack;
    signal_stack.ss_size = sizeof own.signal_stack;
    sigaltstack(&signal_stack, &earlier);

    own.image = launch.function->module->images[first];
    own.kernel = own.image->kernels + launch.function->number;
    own.argument = launch.argument.data();
    own.block_size = launch.block;
    own.count = launch.block.x * launch.block.y * launch.block.z;
    own.error = SUCCESS;
    own.in_kernel = false;
    own.order.resize(own.count);
    const unsigned int width = launch.block.x, height = launch.block.y;
    for (unsigned int k = 0; k < own.count; ++k) {
        own.order[k] = k;
        own.fibers[k].thread = {k % width, k / width % height, k / width / height};
    }
    const std::string seed = setting("EMULATOR_SEED", "");
    own.is_random = !seed.empty();
    own.generator.seed((unsigned int)atoi(seed.c_str()) + 1);
    *own.image->block_size = launch.block;
    *own.image->grid_size = launch.grid;
    const Index grid = launch.grid;
    const size_t blocks = (size_t)grid.x * grid.y * grid.z;
    for (own.next = first; own.next < blocks && own.error == SUCCESS; own.next += step) {
        const size_t block = own.next;
        own.block = {(unsigned int)(block % grid.x), (unsigned int)(block / grid.x % grid.y), (unsigned int)(block / grid.x / grid.y)};
        if (sigsetjmp(own.escape, 1) == 0) run_block(own);
        own.in_kernel = false;
    }
    const int error = own.error;
    sigaltstack(&earlier, nullptr);
    worker = nullptr;
    std::lock_guard guard(idle_mutex);
    idle_workers.push_back(std::move(owned));
    return error;
}

int run_launch(const Launch &launch)
{
    watch_signals();
    const size_t blocks = (size_t)launch.grid.x * launch.grid.y * launch.grid.z;
    const size_t processors = std::max(1u, std::thread::hardware_concurrency());
    const size_t wanted = (size_t)atoi(setting("EMULATOR_THREADS", processors > 1 ? "2" : "1").c_str());
    const size_t threads = std::max<size_t>(1, std::min(wanted, blocks));
    while (launch.function->module->images.size() < threads) {
        if (!add_copy(*launch.function->module)) return INVALID_IMAGE;
    }
    std::vector<int> errors(threads);
    std::vector<std::thread> helpers;
    for (size_t k = 1; k < threads; ++k) helpers.emplace_back([&, k] { errors[k] = run_blocks(launch, k, threads); });
    errors[0] = run_blocks(launch, 0, threads);
    for (std::thread &helper : helpers) helper.join();
    for (int error : errors) {
        if (error != SUCCESS) return error;
    }
    return SUCCESS;
}

// ------------------------------------------------------------------------------------------------------------ contexts and streams

struct Stream;

// What has to be done before an operation: so many operations of a stream.
struct Wait {
    Stream *stream;
    uint64_t count;
};

struct Step {
    std::function<int()> action;
    std::vector<Wait> waits;
};

struct Graph {
    std::vector<std::function<int()>> actions;
    int device;
};

struct Stream {
    Context *context;
    bool is_blocking, is_there = true;
    std::deque<Step> steps;
    uint64_t done = 0;
    std::vector<Wait> waits;
    // Not NULL while it is being captured.
    std::unique_ptr<Graph> capture;
    bool is_invalidated = false, is_relaxed = false;

    uint64_t count() const { return done + steps.size(); }
};

struct Context {
    int device;
    int references = 0;
    int error = SUCCESS;
    Stream legacy;
    std::map<std::thread::id, Stream *> of_threads;
    std::vector<std::unique_ptr<Stream>> streams;
    std::vector<std::unique_ptr<Module>> modules;

    explicit Context(int number) : device(number)
    {
        legacy.context = this;
        legacy.is_blocking = true;
    }
};

struct Event {
    Context *context;
    std::vector<Wait> waits;
};

std::recursive_mutex &mutex = *new std::recursive_mutex;
std::vector<std::unique_ptr<Context>> &contexts = *new std::vector<std::unique_ptr<Context>>;
std::set<Event *> events;
std::set<Graph *> graphs, executables;
bool is_initialized;
thread_local std::vector<Context *> current_contexts;

Context *current() { return current_contexts.empty() ? nullptr : current_contexts.back(); }

// Runs the first so many operations of a stream, and what they wait for.
void run_until(Stream &stream, uint64_t count)
{
    while (stream.done < count) {
        Step step = std::move(stream.steps.front());
        for (const Wait &wait : step.waits) run_until(*wait.stream, wait.count);
        if (stream.context->error == SUCCESS) {
            set_visible(stream.context->device);
            stream.context->error = step.action();
        }
        stream.steps.pop_front();
        ++stream.done;
    }
}

void run_all(Context &context)
{
    for (size_t k = context.streams.size(); k-- > 0;) run_until(*context.streams[k], context.streams[k]->count());
    run_until(context.legacy, context.legacy.count());
}

// Adds an operation to a stream. The legacy stream and those that block it wait for each other.
int enqueue(Stream &stream, std::function<int()> action)
{
    if (stream.capture) {
        if (stream.is_invalidated) return STREAM_CAPTURE_INVALIDATED;
        stream.capture->actions.push_back(std::move(action));
        return SUCCESS;
    }
    Context &context = *stream.context;
    Step step = {std::move(action), std::move(stream.waits)};
    stream.waits.clear();
    if (&stream == &context.legacy) {
        for (auto &other : context.streams) {
            if (other->is_blocking && other->capture) {
                other->is_invalidated = true;
                return STREAM_CAPTURE_UNSUPPORTED;
            }
            if (other->is_blocking) step.waits.push_back({other.get(), other->count()});
        }
    } else if (stream.is_blocking) {
        step.waits.push_back({&context.legacy, context.legacy.count()});
    }
    stream.steps.push_back(std::move(step));
    return SUCCESS;
}

// The stream of a handle in the current context, or NULL.
Stream *find_stream(void *handle)
{
    Context *context = current();
    if (!context) return nullptr;
    if (handle == nullptr || handle == (void *)1) return &context->legacy;
    if (handle == (void *)2) {
        Stream *&own = context->of_threads[std::this_thread::get_id()];
        if (!own) {
            context->streams.push_back(std::make_unique<Stream>());
            own = context->streams.back().get();
            own->context = context;
            own->is_blocking = true;
        }
        return own;
    }
    for (auto &stream : context->streams) {
        if (stream.get() == handle && stream->is_there) return stream.get();
    }
    return nullptr;
}

// Whether a call that may wait, or may do anything that a graph cannot do, has to be refused. It spoils the captures then.
int refused_by_captures()
{
    int result = SUCCESS;
    for (auto &context : contexts) {
        for (auto &stream : context->streams) {
            if (!stream->capture || stream->is_relaxed) continue;
            stream->is_invalidated = true;
            result = STREAM_CAPTURE_UNSUPPORTED;
        }
    }
    return result;
}

// ------------------------------------------------------------------------------------------------------------ calls

std::map<std::string, uint64_t> calls;
std::vector<std::pair<std::pair<std::string, uint64_t>, int>> failures;

void read_failures()
{
    static bool is_read = false;
    if (is_read) return;
    is_read = true;
    std::string text = setting("EMULATOR_FAIL", "");
    for (char *rest = nullptr, *item = strtok_r(text.data(), ",", &rest); item; item = strtok_r(nullptr, ",", &rest)) {
        char name[100];
        unsigned long long number;
        int error;
        if (sscanf(item, "%99[^:]:%llu:%d", name, &number, &error) == 3) failures.push_back({{name, number}, error});
    }
}

// Stands at the beginning of each function: counts the call and makes it fail if a test wants that.
struct Entry {
    std::lock_guard<std::recursive_mutex> guard;
    int failure = SUCCESS;

    explicit Entry(const char *name) : guard(mutex)
    {
        read_failures();
        ++calls[name];
        for (auto wanted = failures.begin(); wanted != failures.end(); ++wanted) {
            if (wanted->first.first != name || --wanted->first.second != 0) continue;
            failure = wanted->second;
            failures.erase(wanted);
            return;
        }
        if (!is_initialized && strcmp(name, "cuInit") != 0 && strncmp(name, "cuGetError", 10) != 0 && strcmp(name, "cuDriverGetVersion") != 0) {
            failure = NOT_INITIALIZED;
        }
    }
    ~Entry() { set_visible(-1); }
};

#define EXPORTED extern "C" __attribute__((visibility("default")))
#define API EXPORTED int
#define BEGIN(name)                                                                                                                    \
    Entry entry(#name);                                                                                                                \
    if (entry.failure != SUCCESS) return entry.failure

#define NEEDS_CONTEXT()                                                                                                                \
    if (!current()) return INVALID_CONTEXT;                                                                                            \
    if (current()->error != SUCCESS) return current()->error

} // namespace

// ------------------------------------------------------------------------------------------------------------ for tests

// How often a function was called since the last `emulator_reset`.
EXPORTED unsigned long long emulator_calls(const char *name)
{
    std::lock_guard guard(mutex);
    return calls[name];
}

// Counts from 0 again, and takes back the failures that have not happened.
EXPORTED void emulator_reset()
{
    std::lock_guard guard(mutex);
    read_failures();
    calls.clear();
    failures.clear();
    std::lock_guard words_guard(words_mutex);
    last_words.clear();
}

// The `number`-th call of a function from now on fails.
EXPORTED void emulator_fail(const char *name, unsigned long long number, int error)
{
    std::lock_guard guard(mutex);
    read_failures();
    failures.push_back({{name, number}, error});
}

// Operations on all streams that have not run.
EXPORTED unsigned long long emulator_pending()
{
    std::lock_guard guard(mutex);
    unsigned long long pending = 0;
    for (auto &context : contexts) {
        pending += context->legacy.steps.size();
        for (auto &stream : context->streams) pending += stream->steps.size();
    }
    return pending;
}

// Bytes that are allocated on a device.
EXPORTED unsigned long long emulator_allocated(int device)
{
    std::lock_guard guard(mutex);
    return allocated[device];
}

// What was said last of a failure.
EXPORTED const char *emulator_words()
{
    static thread_local std::string copy;
    std::lock_guard guard(words_mutex);
    copy = last_words;
    return copy.c_str();
}

// Gives a device an error, which it keeps.
EXPORTED void emulator_break(int device, int error)
{
    std::lock_guard guard(mutex);
    if ((size_t)device < contexts.size()) contexts[(size_t)device]->error = error;
}

// Forgets the error of a device, which a real one keeps until the process ends. What it was to do is dropped.
EXPORTED void emulator_forgive(int device)
{
    std::lock_guard guard(mutex);
    if ((size_t)device >= contexts.size()) return;
    contexts[(size_t)device]->error = LAUNCH_FAILED;
    run_all(*contexts[(size_t)device]);
    contexts[(size_t)device]->error = SUCCESS;
    set_visible(-1);
}

// ------------------------------------------------------------------------------------------------------------ devices and contexts

API cuInit(unsigned int flags)
{
    BEGIN(cuInit);
    if (flags != 0) return INVALID_VALUE;
    if (device_count() == 0) return 100;
    is_initialized = true;
    watch_signals();
    while (contexts.size() < (size_t)device_count()) contexts.push_back(std::make_unique<Context>((int)contexts.size()));
    return SUCCESS;
}

API cuDriverGetVersion(int *version)
{
    BEGIN(cuDriverGetVersion);
    *version = 12080;
    return SUCCESS;
}

API cuGetErrorName(int error, const char **text)
{
    BEGIN(cuGetErrorName);
    auto found = ERRORS.find(error);
    *text = found == ERRORS.end() ? nullptr : found->second.first;
    return *text ? SUCCESS : INVALID_VALUE;
}

API cuGetErrorString(int error, const char **text)
{
    BEGIN(cuGetErrorString);
    auto found = ERRORS.find(error);
    *text = found == ERRORS.end() ? nullptr : found->second.second;
    return *text ? SUCCESS : INVALID_VALUE;
}

API cuDeviceGetCount(int *count)
{
    BEGIN(cuDeviceGetCount);
    *count = (int)contexts.size();
    return SUCCESS;
}

API cuDeviceGet(int *device, int number)
{
    BEGIN(cuDeviceGet);
    if (number < 0 || (size_t)number >= contexts.size()) return INVALID_DEVICE;
    *device = number;
    return SUCCESS;
}

API cuDeviceGetName(char *name, int size, int device)
{
    BEGIN(cuDeviceGetName);
    if (device < 0 || (size_t)device >= contexts.size()) return INVALID_DEVICE;
    snprintf(name, (size_t)size, "Emulated GPU %d", device);
    return SUCCESS;
}

API cuDeviceTotalMem_v2(size_t *bytes, int device)
{
    BEGIN(cuDeviceTotalMem_v2);
    if (device < 0 || (size_t)device >= contexts.size()) return INVALID_DEVICE;
    *bytes = memory_of(device);
    return SUCCESS;
}

API cuDeviceGetAttribute(int *value, int attribute, int device)
{
    BEGIN(cuDeviceGetAttribute);
    if (device < 0 || (size_t)device >= contexts.size()) return INVALID_DEVICE;
    switch (attribute) {
    case 1: case 2: case 3: *value = 1024; break;                        // threads of a block, in x, in y
    case 4: *value = 64; break;                                          // in z
    case 5: *value = 2147483647; break;                                  // blocks of a grid in x
    case 6: case 7: *value = 65535; break;                               // in y and z
    case 8: case 97: *value = 49152; break;                              // shared memory of a block
    case 10: *value = 32; break;                                         // threads of a warp
    case 12: case 82: *value = 65536; break;                             // registers
    case 13: *value = 1000000; break;                                    // kHz
    case 16: *value = atoi(setting_of(device, "EMULATOR_MULTIPROCESSORS", "132,7").c_str()); break;
    case 38: *value = 52428800; break;                                   // second-level cache
    case 39: *value = 2048; break;                                       // threads of a multiprocessor
    case 41: *value = 1; break;                                          // unified addresses
    case 75: *value = capability_of(device) / 10; break;
    case 76: *value = capability_of(device) % 10; break;
    case 81: *value = 233472; break;                                     // shared memory of a multiprocessor
    case 106: *value = 32; break;                                        // blocks of a multiprocessor
    case 115: *value = atoi(setting("EMULATOR_POOLS", "1").c_str()); break;
    default:
        if (attribute < 1 || attribute > 200) return INVALID_VALUE;
        *value = 0;
    }
    return SUCCESS;
}

API cuDevicePrimaryCtxRetain(Context **context, int device)
{
    BEGIN(cuDevicePrimaryCtxRetain);
    if (device < 0 || (size_t)device >= contexts.size()) return INVALID_DEVICE;
    *context = contexts[(size_t)device].get();
    ++(*context)->references;
    return SUCCESS;
}

API cuDevicePrimaryCtxRelease_v2(int device)
{
    BEGIN(cuDevicePrimaryCtxRelease_v2);
    if (device < 0 || (size_t)device >= contexts.size()) return INVALID_DEVICE;
    Context &context = *contexts[(size_t)device];
    if (context.references == 0) return INVALID_CONTEXT;
    --context.references;
    return SUCCESS;
}

API cuDevicePrimaryCtxGetState(int device, unsigned int *flags, int *active)
{
    BEGIN(cuDevicePrimaryCtxGetState);
    if (device < 0 || (size_t)device >= contexts.size()) return INVALID_DEVICE;
    *flags = 0;
    *active = contexts[(size_t)device]->references > 0;
    return SUCCESS;
}

API cuCtxGetCurrent(Context **context)
{
    BEGIN(cuCtxGetCurrent);
    *context = current();
    return SUCCESS;
}

API cuCtxSetCurrent(Context *context)
{
    BEGIN(cuCtxSetCurrent);
    if (!current_contexts.empty()) current_contexts.pop_back();
    if (context) current_contexts.push_back(context);
    return SUCCESS;
}

API cuCtxPushCurrent_v2(Context *context)
{
    BEGIN(cuCtxPushCurrent_v2);
    if (!context || context->references == 0) return INVALID_CONTEXT;
    current_contexts.push_back(context);
    return SUCCESS;
}

API cuCtxPopCurrent_v2(Context **context)
{
    BEGIN(cuCtxPopCurrent_v2);
    if (current_contexts.empty()) return INVALID_CONTEXT;
    if (context) *context = current();
    current_contexts.pop_back();
    return SUCCESS;
}

API cuCtxGetDevice(int *device)
{
    BEGIN(cuCtxGetDevice);
    if (!current()) return INVALID_CONTEXT;
    *device = current()->device;
    return SUCCESS;
}

API cuCtxSynchronize()
{
    BEGIN(cuCtxSynchronize);
    NEEDS_CONTEXT();
    if (int refused = refused_by_captures()) return refused;
    run_all(*current());
    return current()->error;
}

// ------------------------------------------------------------------------------------------------------------ streams, events, graphs

API cuStreamCreate(Stream **stream, unsigned int flags)
{
    BEGIN(cuStreamCreate);
    NEEDS_CONTEXT();
    auto made = std::make_unique<Stream>();
    made->context = current();
    made->is_blocking = flags == 0;
    *stream = made.get();
    current()->streams.push_back(std::move(made));
    return SUCCESS;
}

API cuStreamCreateWithPriority(Stream **stream, unsigned int flags, int) { return cuStreamCreate(stream, flags); }

// What it still has to do is done some time.
API cuStreamDestroy_v2(Stream *stream)
{
    BEGIN(cuStreamDestroy_v2);
    if (!find_stream(stream) || stream == &stream->context->legacy) return INVALID_HANDLE;
    stream->is_there = false;
    return SUCCESS;
}

API cuStreamSynchronize(void *handle)
{
    BEGIN(cuStreamSynchronize);
    NEEDS_CONTEXT();
    Stream *stream = find_stream(handle);
    if (!stream) return INVALID_HANDLE;
    if (int refused = refused_by_captures()) return refused;
    for (const Wait &wait : stream->waits) run_until(*wait.stream, wait.count);
    if (stream == &current()->legacy) {
        for (auto &other : current()->streams) {
            if (other->is_blocking) run_until(*other, other->count());
        }
    }
    run_until(*stream, stream->count());
    return current()->error;
}

API cuStreamQuery(void *handle)
{
    BEGIN(cuStreamQuery);
    NEEDS_CONTEXT();
    Stream *stream = find_stream(handle);
    if (!stream) return INVALID_HANDLE;
    return stream->steps.empty() ? SUCCESS : NOT_READY;
}

API cuStreamGetCtx(void *handle, Context **context)
{
    BEGIN(cuStreamGetCtx);
    Stream *stream = find_stream(handle);
    if (!stream) return INVALID_HANDLE;
    *context = stream->context;
    return SUCCESS;
}

API cuStreamWaitEvent(void *handle, Event *event, unsigned int)
{
    BEGIN(cuStreamWaitEvent);
    NEEDS_CONTEXT();
    Stream *stream = find_stream(handle);
    if (!stream || !events.count(event)) return INVALID_HANDLE;
    stream->waits.insert(stream->waits.end(), event->waits.begin(), event->waits.end());
    return SUCCESS;
}

API cuStreamIsCapturing(void *handle, int *status)
{
    BEGIN(cuStreamIsCapturing);
    Stream *stream = find_stream(handle);
    if (!stream) return INVALID_HANDLE;
    *status = !stream->capture ? 0 : stream->is_invalidated ? 2 : 1;
    return SUCCESS;
}

API cuStreamBeginCapture_v2(void *handle, int mode)
{
    BEGIN(cuStreamBeginCapture_v2);
    NEEDS_CONTEXT();
    Stream *stream = find_stream(handle);
    if (!stream) return INVALID_HANDLE;
    if (stream == &current()->legacy || stream->capture) return STREAM_CAPTURE_UNSUPPORTED;
    stream->capture = std::make_unique<Graph>();
    stream->capture->device = stream->context->device;
    stream->is_invalidated = false;
    stream->is_relaxed = mode == 2;
    return SUCCESS;
}

API cuStreamEndCapture(void *handle, Graph **graph)
{
    BEGIN(cuStreamEndCapture);
    Stream *stream = find_stream(handle);
    if (!stream) return INVALID_HANDLE;
    if (!stream->capture) return INVALID_VALUE;
    *graph = nullptr;
    if (stream->is_invalidated) {
        stream->capture.reset();
        return STREAM_CAPTURE_INVALIDATED;
    }
    *graph = stream->capture.release();
    graphs.insert(*graph);
    return SUCCESS;
}

API cuGraphInstantiateWithFlags(Graph **executable, Graph *graph, unsigned long long)
{
    BEGIN(cuGraphInstantiateWithFlags);
    if (!graphs.count(graph)) return INVALID_HANDLE;
    *executable = new Graph(*graph);
    executables.insert(*executable);
    return SUCCESS;
}

API cuGraphLaunch(Graph *executable, void *handle)
{
    BEGIN(cuGraphLaunch);
    NEEDS_CONTEXT();
    Stream *stream = find_stream(handle);
    if (!stream || !executables.count(executable)) return INVALID_HANDLE;
    for (auto &action : executable->actions) {
        if (int result = enqueue(*stream, action)) return result;
    }
    return SUCCESS;
}

API cuGraphDestroy(Graph *graph)
{
    BEGIN(cuGraphDestroy);
    if (!graphs.erase(graph)) return INVALID_HANDLE;
    delete graph;
    return SUCCESS;
}

API cuGraphExecDestroy(Graph *executable)
{
    BEGIN(cuGraphExecDestroy);
    if (!executables.erase(executable)) return INVALID_HANDLE;
    delete executable;
    return SUCCESS;
}

API cuEventCreate(Event **event, unsigned int)
{
    BEGIN(cuEventCreate);
    NEEDS_CONTEXT();
    *event = new Event{current(), {}};
    events.insert(*event);
    return SUCCESS;
}

API cuEventRecord(Event *event, void *handle)
{
    BEGIN(cuEventRecord);
    NEEDS_CONTEXT();
    Stream *stream = find_stream(handle);
    if (!stream || !events.count(event)) return INVALID_HANDLE;
    event->waits = stream->waits;
    event->waits.push_back({stream, stream->count()});
    return SUCCESS;
}

API cuEventSynchronize(Event *event)
{
    BEGIN(cuEventSynchronize);
    if (!events.count(event)) return INVALID_HANDLE;
    if (int refused = refused_by_captures()) return refused;
    for (const Wait &wait : event->waits) run_until(*wait.stream, wait.count);
    return event->context->error;
}

API cuEventQuery(Event *event)
{
    BEGIN(cuEventQuery);
    if (!events.count(event)) return INVALID_HANDLE;
    for (const Wait &wait : event->waits) {
        if (wait.stream->done < wait.count) return NOT_READY;
    }
    return SUCCESS;
}

API cuEventElapsedTime(float *milliseconds, Event *, Event *)
{
    BEGIN(cuEventElapsedTime);
    *milliseconds = 1.0f;
    return SUCCESS;
}

API cuEventDestroy_v2(Event *event)
{
    BEGIN(cuEventDestroy_v2);
    if (!events.erase(event)) return INVALID_HANDLE;
    delete event;
    return SUCCESS;
}

// ------------------------------------------------------------------------------------------------------------ modules

API cuModuleLoadData(Module **module, const void *image)
{
    BEGIN(cuModuleLoadData);
    NEEDS_CONTEXT();
    if (int refused = refused_by_captures()) return refused;
    const Elf64_Ehdr &header = *(const Elf64_Ehdr *)image;
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
        say("this is no image that the emulator's nvcc made");
        return INVALID_IMAGE;
    }
    const size_t size = header.e_shoff + (size_t)header.e_shentsize * header.e_shnum;
    char form[10];
    int architecture;
    if (sscanf((const char *)image + size, "emulator %9s %d", form, &architecture) != 2) {
        say("this is no image that the emulator's nvcc made");
        return INVALID_IMAGE;
    }
    const int capability = capability_of(current()->device);
    if (capability < architecture || (strcmp(form, "ptx") != 0 && capability / 10 != architecture / 10)) {
        say("a %s for %d cannot run on a device of compute capability %d", form, architecture, capability);
        return NO_BINARY_FOR_GPU;
    }
    auto made = std::make_unique<Module>();
    made->context = current();
    made->bytes.assign((const char *)image, size);
    if (!add_copy(*made)) return INVALID_IMAGE;
    const Kernel *kernels = made->images[0]->kernels;
    for (size_t number = 0; kernels[number].name; ++number) {
        if (kernels[number].argument_size > 4096) {
            say("the argument of kernel %s has %llu bytes, more than 4096", kernels[number].name, kernels[number].argument_size);
            return INVALID_IMAGE;
        }
        auto function = std::make_unique<Function>(Function{made.get(), &kernels[number], number});
        made->functions.emplace(kernels[number].name, std::move(function));
    }
    *module = made.get();
    current()->modules.push_back(std::move(made));
    return SUCCESS;
}

API cuModuleLoadDataEx(Module **module, const void *image, unsigned int, int *, void **) { return cuModuleLoadData(module, image); }

static bool is_loaded(Module *module)
{
    for (auto &context : contexts) {
        for (auto &known : context->modules) {
            if (known.get() == module) return known->is_loaded && known->context == current();
        }
    }
    return false;
}

API cuModuleGetFunction(Function **function, Module *module, const char *name)
{
    BEGIN(cuModuleGetFunction);
    NEEDS_CONTEXT();
    if (!is_loaded(module)) return INVALID_HANDLE;
    auto found = module->functions.find(name);
    if (found == module->functions.end()) return NOT_FOUND;
    *function = found->second.get();
    return SUCCESS;
}

API cuModuleUnload(Module *module)
{
    BEGIN(cuModuleUnload);
    NEEDS_CONTEXT();
    if (!is_loaded(module)) return INVALID_HANDLE;
    run_all(*current());
    for (void *handle : module->handles) dlclose(handle);
    module->is_loaded = false;
    return SUCCESS;
}

API cuFuncGetAttribute(int *value, int attribute, Function *function)
{
    BEGIN(cuFuncGetAttribute);
    *value = attribute == 0 ? (int)function->kernel->largest_block : attribute == 4 ? 32 : 0;
    return SUCCESS;
}

API cuFuncSetAttribute(Function *function, int attribute, int value)
{
    BEGIN(cuFuncSetAttribute);
    // Dynamic shared memory, of which a block may have 227 KB.
    if (attribute == 8) {
        if (value < 0 || value > 227 << 10) return INVALID_VALUE;
        function->most_dynamic = value;
    }
    return SUCCESS;
}

API cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, Function *, int threads, size_t)
{
    BEGIN(cuOccupancyMaxActiveBlocksPerMultiprocessor);
    *blocks = threads > 0 ? std::min(32, 2048 / threads) : 0;
    return SUCCESS;
}

API cuLaunchKernel(Function *function, unsigned int grid_x, unsigned int grid_y, unsigned int grid_z, unsigned int block_x, unsigned int block_y,
                   unsigned int block_z, unsigned int shared_bytes, void *handle, void **parameters, void **extra)
{
    BEGIN(cuLaunchKernel);
    NEEDS_CONTEXT();
    Stream *stream = find_stream(handle);
    if (!stream || !function || !is_loaded(function->module)) return INVALID_HANDLE;
    const Index grid = {grid_x, grid_y, grid_z}, block = {block_x, block_y, block_z};
    const bool is_empty = !grid.x || !grid.y || !grid.z || !block.x || !block.y || !block.z;
    if (is_empty || grid.x > 2147483647u || grid.y > 65535 || grid.z > 65535 || block.x > 1024 || block.y > 1024 || block.z > 64) {
        say("kernel %s: a grid of (%u, %u, %u) blocks of (%u, %u, %u) threads", function->kernel->name, grid.x, grid.y, grid.z, block.x,
            block.y, block.z);
        return INVALID_VALUE;
    }
    if ((uint64_t)block.x * block.y * block.z > function->kernel->largest_block) {
        say("kernel %s: %llu threads a block, more than its launch bounds of %u", function->kernel->name,
            (unsigned long long)block.x * block.y * block.z, function->kernel->largest_block);
        return block.x * block.y * block.z > 1024 ? INVALID_VALUE : LAUNCH_OUT_OF_RESOURCES;
    }
    if (shared_bytes > function->most_dynamic) {
        say("kernel %s: %u bytes of dynamic shared memory, of at most %u", function->kernel->name, shared_bytes, function->most_dynamic);
        return INVALID_VALUE;
    }
    if (extra || !parameters || !parameters[0]) return INVALID_VALUE;
    const char *argument = (const char *)parameters[0];
    auto launch = std::make_shared<Launch>();
    *launch = {function, grid, block, std::vector<char>(argument, argument + function->kernel->argument_size)};
    return enqueue(*stream, [launch] { return run_launch(*launch); });
}

// ------------------------------------------------------------------------------------------------------------ memory

API cuMemGetInfo_v2(size_t *free, size_t *total)
{
    BEGIN(cuMemGetInfo_v2);
    NEEDS_CONTEXT();
    const int device = current()->device;
    *total = memory_of(device);
    *free = *total - std::min<uint64_t>(*total, allocated[device]);
    return SUCCESS;
}

API cuMemAlloc_v2(uint64_t *address, size_t bytes)
{
    BEGIN(cuMemAlloc_v2);
    NEEDS_CONTEXT();
    if (int refused = refused_by_captures()) return refused;
    if (int result = reserve(current()->device, bytes, *address)) return result;
    materialize(*address);
    return SUCCESS;
}

static int account_free(uint64_t address)
{
    auto found = allocations.find(address);
    if (found == allocations.end() || found->second.size == 0) return INVALID_VALUE;
    allocated[found->second.device] -= found->second.size;
    return SUCCESS;
}

// Waits for everything, as the real one does.
API cuMemFree_v2(uint64_t address)
{
    BEGIN(cuMemFree_v2);
    NEEDS_CONTEXT();
    if (address == 0) return SUCCESS;
    if (int refused = refused_by_captures()) return refused;
    if (!find(address, 0) || !allocations.count(address)) return INVALID_VALUE;
    run_all(*current());
    if (!allocations[address].is_there) {
        say("%s is freed again", describe(address).c_str());
        return INVALID_VALUE;
    }
    account_free(address);
    return vanish(address);
}

API cuMemAllocAsync(uint64_t *address, size_t bytes, void *handle)
{
    BEGIN(cuMemAllocAsync);
    NEEDS_CONTEXT();
    Stream *stream = find_stream(handle);
    if (!stream) return INVALID_HANDLE;
    if (setting("EMULATOR_POOLS", "1") == "0") return NOT_SUPPORTED;
    if (int result = reserve(current()->device, bytes, *address)) return result;
    return enqueue(*stream, [address = *address] {
        materialize(address);
        return SUCCESS;
    });
}

API cuMemFreeAsync(uint64_t address, void *handle)
{
    BEGIN(cuMemFreeAsync);
    NEEDS_CONTEXT();
    Stream *stream = find_stream(handle);
    if (!stream) return INVALID_HANDLE;
    if (int result = account_free(address)) return result;
    return enqueue(*stream, [address] { return vanish(address); });
}

API cuMemHostAlloc(void **address, size_t bytes, unsigned int)
{
    BEGIN(cuMemHostAlloc);
    NEEDS_CONTEXT();
    *address = aligned_alloc(PAGE, (bytes + PAGE - 1) / PAGE * PAGE);
    pinned[(uint64_t)*address] = bytes;
    return SUCCESS;
}

API cuMemAllocHost_v2(void **address, size_t bytes) { return cuMemHostAlloc(address, bytes, 0); }

API cuMemFreeHost(void *address)
{
    BEGIN(cuMemFreeHost);
    NEEDS_CONTEXT();
    if (!pinned.erase((uint64_t)address)) return INVALID_VALUE;
    run_all(*current());
    free(address);
    return SUCCESS;
}

API cuMemHostRegister_v2(void *address, size_t bytes, unsigned int)
{
    BEGIN(cuMemHostRegister_v2);
    NEEDS_CONTEXT();
    pinned[(uint64_t)address] = bytes;
    return SUCCESS;
}

API cuMemHostUnregister(void *address)
{
    BEGIN(cuMemHostUnregister);
    NEEDS_CONTEXT();
    return pinned.erase((uint64_t)address) ? SUCCESS : INVALID_VALUE;
}

API cuPointerGetAttribute(void *value, int attribute, uint64_t address)
{
    BEGIN(cuPointerGetAttribute);
    const Allocation *allocation = find(address, 0);
    if (!allocation) return INVALID_VALUE;
    switch (attribute) {
    case 1: *(Context **)value = contexts[(size_t)allocation->device].get(); return SUCCESS;
    case 2: *(unsigned int *)value = 2; return SUCCESS;
    case 3: *(uint64_t *)value = address; return SUCCESS;
    case 9: *(int *)value = allocation->device; return SUCCESS;
    default: return INVALID_VALUE;
    }
}

static bool is_pinned(const void *address)
{
    auto next = pinned.upper_bound((uint64_t)address);
    return next != pinned.begin() && (uint64_t)address - std::prev(next)->first < std::prev(next)->second;
}

// Whether device memory has all these bytes, of the current context's device or another one.
static bool refuses(const char *name, uint64_t address, size_t bytes)
{
    const Allocation *allocation = find(address, bytes);
    if (!allocation) say("%s of %zu bytes at %s", name, bytes, describe(address).c_str());
    return !allocation;
}

// What touches memory of one device, when it is run.
static int with_memory(uint64_t address, size_t bytes, const std::function<void()> &action)
{
    const Allocation *allocation = find(address, bytes);
    if (!allocation || !allocation->is_there) {
        say("a copy touches %s", describe(address).c_str());
        return ILLEGAL_ADDRESS;
    }
    set_visible(allocation->device);
    action();
    return SUCCESS;
}

// The host's memory may change after the call, unless it is pinned.
API cuMemcpyHtoDAsync_v2(uint64_t target, const void *source, size_t bytes, void *handle)
{
    BEGIN(cuMemcpyHtoDAsync_v2);
    NEEDS_CONTEXT();
    Stream *stream = find_stream(handle);
    if (!stream) return INVALID_HANDLE;
    if (bytes == 0) return SUCCESS;
    if (refuses("cuMemcpyHtoDAsync", target, bytes)) return INVALID_VALUE;
    const char *begin = (const char *)source;
    if (is_pinned(source)) {
        return enqueue(*stream, [=] { return with_memory(target, bytes, [=] { memcpy((void *)target, begin, bytes); }); });
    }
    auto copy = std::make_shared<std::vector<char>>(begin, begin + bytes);
    return enqueue(*stream, [=] { return with_memory(target, bytes, [=] { memcpy((void *)target, copy->data(), bytes); }); });
}

// The bytes are not there before the stream was waited for, wherever they go.
API cuMemcpyDtoHAsync_v2(void *target, uint64_t source, size_t bytes, void *handle)
{
    BEGIN(cuMemcpyDtoHAsync_v2);
    NEEDS_CONTEXT();
    Stream *stream = find_stream(handle);
    if (!stream) return INVALID_HANDLE;
    if (bytes == 0) return SUCCESS;
    if (refuses("cuMemcpyDtoHAsync", source, bytes)) return INVALID_VALUE;
    return enqueue(*stream, [=] { return with_memory(source, bytes, [=] { memcpy(target, (const void *)source, bytes); }); });
}

API cuMemcpyDtoDAsync_v2(uint64_t target, uint64_t source, size_t bytes, void *handle)
{
    BEGIN(cuMemcpyDtoDAsync_v2);
    NEEDS_CONTEXT();
    Stream *stream = find_stream(handle);
    if (!stream) return INVALID_HANDLE;
    if (bytes == 0) return SUCCESS;
    if (refuses("cuMemcpyDtoDAsync", source, bytes) || refuses("cuMemcpyDtoDAsync", target, bytes)) return INVALID_VALUE;
    return enqueue(*stream, [=] {
        std::vector<char> copy(bytes);
        if (int result = with_memory(source, bytes, [&] { memcpy(copy.data(), (const void *)source, bytes); })) return result;
        return with_memory(target, bytes, [&] { memcpy((void *)target, copy.data(), bytes); });
    });
}

static int wait_for_legacy()
{
    if (int refused = refused_by_captures()) return refused;
    return cuStreamSynchronize(nullptr);
}

API cuMemcpyHtoD_v2(uint64_t target, const void *source, size_t bytes)
{
    BEGIN(cuMemcpyHtoD_v2);
    if (int result = cuMemcpyHtoDAsync_v2(target, source, bytes, nullptr)) return result;
    return wait_for_legacy();
}

API cuMemcpyDtoH_v2(void *target, uint64_t source, size_t bytes)
{
    BEGIN(cuMemcpyDtoH_v2);
    if (int result = cuMemcpyDtoHAsync_v2(target, source, bytes, nullptr)) return result;
    return wait_for_legacy();
}

API cuMemcpyDtoD_v2(uint64_t target, uint64_t source, size_t bytes)
{
    BEGIN(cuMemcpyDtoD_v2);
    return cuMemcpyDtoDAsync_v2(target, source, bytes, nullptr);
}

API cuMemsetD8Async(uint64_t target, unsigned char value, size_t count, void *handle)
{
    BEGIN(cuMemsetD8Async);
    NEEDS_CONTEXT();
    Stream *stream = find_stream(handle);
    if (!stream) return INVALID_HANDLE;
    if (count == 0) return SUCCESS;
    if (refuses("cuMemsetD8Async", target, count)) return INVALID_VALUE;
    return enqueue(*stream, [=] { return with_memory(target, count, [=] { memset((void *)target, value, count); }); });
}

API cuMemsetD8_v2(uint64_t target, unsigned char value, size_t count)
{
    BEGIN(cuMemsetD8_v2);
    return cuMemsetD8Async(target, value, count, nullptr);
}
